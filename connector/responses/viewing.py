"""Responses as people look at them: lists with score and state, one with its answers and all that
became of it. Only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from connector.campaigns import surveys
from connector.problems import not_found
from connector.responses import tracking
from connector.responses.questions import enriched, order_of
from connector.responses.variables import score_of, variables_of
from connector.responses.vocabulary import score_class, variable_name
from connector.tables import campaign, contact, response

_FILES = frozenset({"file", "signature"})
_LISTED = (*tracking.RESPONSE, response.c.survey_id, response.c.body)
MOST_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as the respondent gave it. `said`: a line for each thing that was chosen or
    written; none for files, which stand in `Seen.files` by the same key.
    """

    key: str
    title: str
    type: str
    said: tuple[str, ...]
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of a response. `row` is as tracking has it, with steps, files and state."""

    row: Mapping[str, Any]
    score: int | None
    score_class: str | None
    answers: tuple[Answer, ...]
    versions: tuple[Mapping[str, Any], ...]

    @property
    def files(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The files by the key of their answer."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for one in self.row["files"]:
            found.setdefault(one["answer"], []).append(one)
        return found


def listed(
    connection: Connection, workspace_id: int, *, only: Mapping[str, Any], before: int, limit: int
) -> list[dict[str, Any]]:
    """Versions of responses with an id below `before`, newest first, narrowed by `only`
    (`campaign_id`, `contact_id`, `event`, `since`); each with `score`, `steps` and `state`, without
    its answers. What was only tried out is left out.
    """
    asked = select(*_LISTED).where(
        response.c.workspace_id == workspace_id,
        response.c.id < before,
        response.c.source != tracking.TRIED,
    )
    for name in ("campaign_id", "contact_id", "event"):
        if only.get(name) is not None:
            asked = asked.where(response.c[name] == only[name])
    if only.get("since") is not None:
        asked = asked.where(response.c.received_at >= only["since"])
    found = connection.execute(asked.order_by(response.c.id.desc()).limit(limit)).mappings()
    rows = [_scored(dict(one)) for one in found]
    steps = tracking.steps_of(connection, workspace_id, [one["id"] for one in rows])
    for one in rows:
        one["steps"] = steps.get(one["id"], [])
        one["state"] = tracking.state_of(one)
    return rows


def one(connection: Connection, workspace_id: int, response_id: int) -> Seen:
    """The version with our id. Raises Refusal(NOT_FOUND)."""
    found = connection.execute(
        select(*_LISTED).where(
            response.c.workspace_id == workspace_id, response.c.id == response_id
        )
    )
    stored = found.mappings().one_or_none()
    if stored is None:
        raise not_found()
    row = dict(stored)
    row["steps"] = tracking.steps_of(connection, workspace_id, [response_id]).get(response_id, [])
    row["files"] = tracking.files_of(connection, workspace_id, [response_id]).get(response_id, [])
    row["state"] = tracking.state_of(row)
    survey_id = row["survey_id"]
    survey = surveys.body_of(connection, workspace_id, survey_id) if survey_id else None
    score = _score(row["body"])
    return Seen(
        row=row,
        score=score,
        score_class=None if score is None else score_class(Decimal(score)),
        answers=tuple(_answers(row.pop("body"), survey)),
        versions=_versions(connection, workspace_id, row),
    )


def campaigns_of(
    connection: Connection, workspace_id: int, rows: Iterable[Mapping[str, Any]]
) -> Mapping[int, str]:
    """What the campaigns of these rows are called, by id."""
    ids = {row["campaign_id"] for row in rows} - {None}
    asked = select(campaign.c.id, campaign.c.name, campaign.c.platform_id).where(
        campaign.c.workspace_id == workspace_id, campaign.c.id.in_(ids)
    )
    return {row.id: row.name or row.platform_id for row in connection.execute(asked)}


def contacts_of(
    connection: Connection, workspace_id: int, rows: Iterable[Mapping[str, Any]]
) -> Mapping[int, Mapping[str, Any]]:
    """Name and address of the contacts of these rows, by id."""
    ids = {row["contact_id"] for row in rows} - {None}
    asked = select(
        contact.c.id, contact.c.name, contact.c.email, contact.c.first_name, contact.c.last_name
    ).where(contact.c.workspace_id == workspace_id, contact.c.id.in_(ids))
    return {row["id"]: dict(row) for row in connection.execute(asked).mappings()}


def _scored(row: dict[str, Any]) -> dict[str, Any]:
    row["score"] = _score(row.pop("body"))
    return row


def _score(body: Mapping[str, Any]) -> int | None:
    found = score_of(body.get("answers") or {})
    return None if found is None else int(found[1])


def _answers(body: Mapping[str, Any], survey: Mapping[str, Any] | None) -> Iterable[Answer]:
    """In the survey's own order: the stored answers have lost it."""
    if not body.get("answers"):
        return
    whole = enriched(body, survey)
    given = variables_of(whole, None)
    keys = [key for key in order_of(survey) if key in whole["answers"]]
    for key in dict.fromkeys((*keys, *whole["answers"])):
        answer = whole["answers"][key]
        variable = given[variable_name("answers", key)]
        value = variable.value
        held = variable.labels or (value if isinstance(value, tuple) else (value,))
        yield Answer(
            key=key,
            title=answer.get("title") or key,
            type=answer["type"],
            said=() if answer["type"] in _FILES else tuple(str(each) for each in held),
            other=answer.get("other"),
        )


def _versions(
    connection: Connection, workspace_id: int, row: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Every version of the same response, newest first, where there are several."""
    asked = (
        select(response.c.id, response.c.revision, response.c.event, response.c.received_at)
        .where(
            response.c.workspace_id == workspace_id,
            response.c.response_id == row["response_id"],
            response.c.source == row["source"],
        )
        .order_by(response.c.id.desc())
        .limit(MOST_VERSIONS)
    )
    return tuple(dict(each) for each in connection.execute(asked).mappings())
