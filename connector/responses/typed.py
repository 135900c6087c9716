"""Answers of a platform that tells no types become what its survey says they are.

Only where the survey is known, and only as far as the value fits; what the admin has named in the
source's `types` goes before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from connector.responses.sources import Source
from connector.tables import survey, survey_version
from schemas.sources.answers import retyped


def typed(connection: Connection, source: Source, items: Sequence[object]) -> list[object]:
    """The responses, as yet unchecked, each answer of the type that its question has."""
    ids = {key for one in items if (key := _survey_of(one))}
    kinds = _kinds(connection, sorted(ids))
    return [_as_asked(one, kinds.get(_survey_of(one) or "", {}), source) for one in items]


def _survey_of(item: object) -> str | None:
    asked = item.get("survey") if isinstance(item, dict) else None
    return str(asked["id"]) if isinstance(asked, dict) and "id" in asked else None


def _kinds(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Of each survey: question key -> type."""
    rows = connection.execute(
        select(survey.c.platform_id, survey_version.c.body)
        .join(
            survey_version,
            (survey_version.c.survey_id == survey.c.id)
            & (survey_version.c.version == survey.c.version),
        )
        .where(survey.c.platform_id.in_(ids))
    )
    return {
        row.platform_id: {one["key"]: one["type"] for one in row.body["questions"]} for row in rows
    }


def _as_asked(item: Any, kinds: Mapping[str, str], source: Source) -> object:  # noqa: ANN401
    if not kinds:
        return item
    answers = {
        key: retyped(one, kinds[key])
        if key in kinds and key not in source.wishes.types and one["type"] != kinds[key]
        else one
        for key, one in item["answers"].items()
    }
    return {**item, "answers": answers}
