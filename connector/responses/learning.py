"""What responses teach: campaigns register themselves, surveys and their questions become known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from connector.campaigns import register, surveys
from connector.responses.case import CampaignFacts
from connector.responses.tags import STYLES, Spelling, UnusableName, collides, tag_name

# A campaign's name must be free in every style that some CRM writes its tags in.
told_apart = partial(collides, spelling=Spelling(STYLES))


def campaigns(
    connection: Connection, workspace_id: int, bodies: Iterable[Mapping[str, Any]]
) -> dict[str, CampaignFacts]:
    """The campaigns these responses name, by platform id; unknown ones are registered now."""
    named = {
        one["id"]: one.get("name") for body in bodies if (one := body.get("campaign")) is not None
    }
    known = _known_campaigns(connection, named)
    fresh = sorted(one for one in named if one not in known)
    for platform_id in fresh:
        register.register(
            connection,
            workspace_id,
            platform_id=platform_id,
            name=named[platform_id],
            tag_name=usable_name(named[platform_id], platform_id),
            collides=told_apart,
        )
    return _known_campaigns(connection, named) if fresh else known


def with_nps(
    connection: Connection, named: Mapping[str, CampaignFacts], *, days: int
) -> dict[str, CampaignFacts]:
    """The campaigns with the NPS (-100 to 100) of their answers of the last `days` days."""
    ids = sorted(one.id for one in named.values())
    rows = connection.execute(NPS, {"ids": ids, "days": days})
    scores = {row.campaign_id: row.nps for row in rows}
    return {key: replace(one, nps=scores.get(one.id)) for key, one in named.items()}


def usable_name(name: str | None, platform_id: str) -> str:
    """The name a campaign wishes for its tags: its own, else its id, else a plain one."""
    for wish in (name, platform_id, f"campaign {platform_id}"):
        try:
            return tag_name(wish or "")
        except UnusableName:
            continue
    return "campaign"


def survey_ids(
    connection: Connection, workspace_id: int, bodies: Iterable[Mapping[str, Any]]
) -> dict[str, int]:
    """The surveys these responses name, platform id -> our id; what is new of them is learnt."""
    said: dict[str, dict[str, dict[str, Any]]] = {}
    names: dict[str, str | None] = {}
    for body in bodies:
        survey = body.get("survey")
        if survey is None:
            continue
        names[survey["id"]] = survey.get("name") or names.get(survey["id"])
        questions = said.setdefault(survey["id"], {})
        for key, answer in body["answers"].items():
            _merge(questions, key, answer)
    ids, known = _known_questions(connection, said)
    for platform_id in sorted(said):
        if platform_id not in ids or not said[platform_id].keys() <= known[platform_id]:
            ids[platform_id] = surveys.learn(
                connection,
                workspace_id,
                platform_id=platform_id,
                name=names[platform_id],
                questions=said[platform_id],
            )
    return ids


def _merge(questions: dict[str, dict[str, Any]], key: str, answer: Mapping[str, Any]) -> None:
    """One question as schemas/campaign.py has it, with the options that answers have shown so
    far.
    """
    seen = questions.setdefault(
        key, {"type": answer["type"], "title": answer.get("title"), "options": []}
    )
    held = {option["value"] for option in seen["options"]}
    for value, label in _options(answer):
        if value not in held:
            seen["options"].append({"value": value, "label": label})
            held.add(value)


def _options(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(value, label) of the options this answer shows."""
    value, labels = answer["value"], answer.get("labels")
    if answer["type"] == "single_choice":
        return [(value, answer.get("label") or value)]
    if answer["type"] in {"multi_choice", "ranking"}:
        beside = labels if isinstance(labels, list) and len(labels) == len(value) else value
        return list(zip(value, beside, strict=True))
    return []


def _known_campaigns(connection: Connection, named: Mapping[str, Any]) -> dict[str, CampaignFacts]:
    rows = connection.execute(CAMPAIGNS, {"ids": sorted(named)})
    return {
        row.platform_id: CampaignFacts(
            row.id, row.platform_id, row.tag_name, row.properties, tuple(row.flags)
        )
        for row in rows
    }


def _known_questions(
    connection: Connection, said: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, set[str]]]:
    ids: dict[str, int] = {}
    known: dict[str, set[str]] = {}
    for row in connection.execute(QUESTIONS, {"ids": sorted(said)}):
        ids[row.platform_id] = row.id
        known[row.platform_id] = set(row.keys_known or ())
    return ids, known


CAMPAIGNS = text(
    "SELECT id, platform_id, tag_name, properties, flags FROM campaign"
    " WHERE platform_id = ANY(:ids)"
)
# The newest revision of each response counts; an answer is the first NPS question of its response.
NPS = text(
    """
    SELECT campaign_id, round(100.0 * (count(*) FILTER (WHERE score >= 9)
                                     - count(*) FILTER (WHERE score <= 6)) / count(*))::int AS nps
      FROM (
        SELECT DISTINCT ON (r.source, r.response_id) r.campaign_id,
               (SELECT (a.value->>'value')::int FROM jsonb_each(r.body->'answers') AS a
                 WHERE a.value->>'type' = 'nps' ORDER BY a.key LIMIT 1) AS score
          FROM response r
         WHERE r.campaign_id = ANY(:ids) AND r.event IN ('completed', 'updated')
           AND r.answered_at > now() - make_interval(days => :days)
         ORDER BY r.source, r.response_id, r.revision DESC
      ) newest
     WHERE score IS NOT NULL GROUP BY campaign_id
    """
)
QUESTIONS = text(
    """
    SELECT s.id, s.platform_id, array_agg(q.key) FILTER (WHERE q.key IS NOT NULL) AS keys_known
      FROM survey s LEFT JOIN question q ON q.survey_id = s.id
     WHERE s.platform_id = ANY(:ids) GROUP BY s.id
    """
)
