"""What responses teach: campaigns register themselves, surveys and their questions become known.
Set-based SQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from connector.responses.plan import CampaignFacts
from connector.responses.tags import STYLES, Spelling, UnusableName, collides, tag_name

# A name must be free in every style that some CRM writes.
STRICTEST = Spelling(STYLES)


def campaigns(
    connection: Connection, workspace_id: int, bodies: Iterable[Mapping[str, Any]]
) -> dict[str, CampaignFacts]:
    """The campaigns these responses name, by platform id; unknown ones are registered now."""
    named = {
        one["id"]: one.get("name") for body in bodies if (one := body.get("campaign")) is not None
    }
    known = _known(connection, named)
    fresh = {one: name for one, name in named.items() if one not in known}
    if fresh:
        register(connection, workspace_id, fresh)
        known = _known(connection, named)
    return known


def register(connection: Connection, workspace_id: int, names: Mapping[str, str | None]) -> None:
    """Register campaigns by platform id; their tag names are frozen here. A repeat does nothing.

    Two campaigns whose tags would look the same in some CRM are told apart by the platform's id.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(7002, :w)"), {"w": workspace_id % 2**31})
    taken = list(connection.scalars(text("SELECT tag_name FROM campaign")))
    for platform_id, name in sorted(names.items()):
        tag = free_tag_name(name or platform_id, platform_id, taken)
        row = {"w": workspace_id, "id": platform_id, "name": name, "tag": tag}
        if connection.execute(REGISTER, row).rowcount:
            taken.append(tag)


def free_tag_name(name: str, platform_id: str, taken: Iterable[str]) -> str:
    """The name a new campaign has in its tags: its own, or with its id where another's would look
    the same.
    """
    held = list(taken)
    candidates = (name, f"{name} ({platform_id})", platform_id, f"campaign {platform_id}")
    for one in candidates:
        try:
            wanted = tag_name(one)
        except UnusableName:
            continue
        if not any(collides(wanted, other, spelling=STRICTEST) for other in held):
            return wanted
    return tag_name(f"{platform_id} {len(held)}")


def surveys(
    connection: Connection, workspace_id: int, bodies: Iterable[Mapping[str, Any]]
) -> dict[str, int]:
    """The surveys these responses name, platform id -> our id; new ones and new questions are
    learnt.
    """
    rows = [one for body in bodies for one in _taught(body)]
    if not rows:
        return {}
    options = {"w": workspace_id, "rows": json.dumps(rows)}
    connection.execute(LEARN_SURVEYS, options)
    connection.execute(LEARN_QUESTIONS, options)
    connection.execute(LEARN_OPTIONS, options)
    found = connection.execute(
        text("SELECT id, platform_id FROM survey WHERE platform_id = ANY(:ids)"),
        {"ids": sorted({one["survey"] for one in rows})},
    )
    return {row.platform_id: row.id for row in found}


def _taught(body: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    survey = body.get("survey")
    if survey is None:
        return
    for key, answer in body["answers"].items():
        yield {
            "survey": survey["id"],
            "name": survey.get("name"),
            "key": key,
            "type": answer["type"],
            "title": answer.get("title"),
            "options": _options(answer),
        }


def _options(answer: Mapping[str, Any]) -> list[list[str]]:
    """[value, label] of the options this answer shows."""
    value, labels = answer["value"], answer.get("labels")
    if answer["type"] == "single_choice":
        return [[value, answer.get("label") or value]]
    if answer["type"] in {"multi_choice", "ranking"}:
        beside = labels if isinstance(labels, list) and len(labels) == len(value) else value
        return [list(pair) for pair in zip(value, beside, strict=True)]
    return []


def _known(connection: Connection, named: Mapping[str, Any]) -> dict[str, CampaignFacts]:
    rows = connection.execute(
        text(
            "SELECT id, platform_id, tag_name, properties FROM campaign"
            " WHERE platform_id = ANY(:ids)"
        ),
        {"ids": sorted(named)},
    )
    return {
        row.platform_id: CampaignFacts(row.id, row.platform_id, row.tag_name, row.properties)
        for row in rows
    }


REGISTER = text(
    """
    INSERT INTO campaign (workspace_id, platform_id, name, tag_name)
    VALUES (:w, :id, :name, :tag) ON CONFLICT (workspace_id, platform_id) DO NOTHING
    """
)
LEARN_SURVEYS = text(
    """
    INSERT INTO survey (workspace_id, platform_id, name)
    SELECT DISTINCT ON (r.survey) :w, r.survey, r.name
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(survey text, name text)
     WHERE NOT EXISTS (SELECT FROM survey s WHERE s.platform_id = r.survey)
     ORDER BY r.survey, r.name
    ON CONFLICT (workspace_id, platform_id) DO NOTHING
    """
)
LEARN_QUESTIONS = text(
    """
    INSERT INTO question (workspace_id, survey_id, key, type, title)
    SELECT DISTINCT ON (s.id, r.key) :w, s.id, r.key, r.type, r.title
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           survey text, key text, type text, title text)
      JOIN survey s ON s.platform_id = r.survey
     WHERE NOT EXISTS (SELECT FROM question q WHERE q.survey_id = s.id AND q.key = r.key)
     ORDER BY s.id, r.key
    ON CONFLICT (survey_id, key) DO NOTHING
    """
)
LEARN_OPTIONS = text(
    """
    INSERT INTO question_option (workspace_id, question_id, value, label)
    SELECT DISTINCT ON (q.id, o.pair->>0) :w, q.id, o.pair->>0, o.pair->>1
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(survey text, key text, options jsonb)
      JOIN survey s ON s.platform_id = r.survey
      JOIN question q ON q.survey_id = s.id AND q.key = r.key
      CROSS JOIN LATERAL jsonb_array_elements(r.options) AS o(pair)
     WHERE NOT EXISTS (SELECT FROM question_option x
                        WHERE x.question_id = q.id AND x.value = o.pair->>0)
     ORDER BY q.id, o.pair->>0
    ON CONFLICT (question_id, value) DO NOTHING
    """
)
