"""What responses teach: campaigns register themselves, surveys and their questions become known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """The campaigns these responses name, by platform id, with the distributions they name; unknown
    ones are registered now.
    """
    bodies = list(bodies)
    named = {
        one["id"]: one.get("name") for body in bodies if (one := body.get("campaign")) is not None
    }
    sendings = sorted({one for body in bodies if (one := distribution_of(body))})
    known = _known_campaigns(connection, named, sendings)
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
    if fresh:
        known = _known_campaigns(connection, named, sendings)
    pairs = {
        one: known[body["campaign"]["id"]].id
        for body in bodies
        if body.get("campaign") and (one := distribution_of(body))
    }
    register.learn_distributions(connection, workspace_id, pairs)
    return known


def distribution_of(body: Mapping[str, Any]) -> str | None:
    """The platform's id of the distribution that brought this response, where it says so."""
    return (body.get("properties") or {}).get("distribution") or None


def with_nps(
    connection: Connection, named: Mapping[str, CampaignFacts], *, days: int
) -> dict[str, CampaignFacts]:
    """The campaigns with the NPS (-100 to 100) of their answers of the last `days` days."""
    known = scores(connection, (one.id for one in named.values()), days=days)
    return {key: replace(one, nps=known.get(one.id)) for key, one in named.items()}


def scores(connection: Connection, campaigns: Iterable[int], *, days: int) -> dict[int, int]:
    """The NPS of each campaign by our id; a campaign without answers is left out."""
    rows = connection.execute(NPS, {"ids": sorted(campaigns), "days": days})
    return {row.campaign_id: row.nps for row in rows}


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
    ids, known = _known_surveys(connection, said)
    for one in sorted(said):
        name, questions, held = names[one], said[one], known.get(one)
        if held is None or surveys.completed(held, name=name, questions=questions) != held:
            ids[one] = surveys.learn(
                connection, workspace_id, platform_id=one, name=name, questions=questions
            )
    return ids


def _merge(questions: dict[str, dict[str, Any]], key: str, answer: Mapping[str, Any]) -> None:
    """One question as schemas/campaign.py has it, with the options and rows that answers have shown
    so far.
    """
    seen = questions.setdefault(
        key, {"type": answer["type"], "title": answer.get("title"), "options": []}
    )
    _add(seen, "options", _options(answer))
    if answer["type"] == "matrix":
        texts = (answer.get("labels") or {}).get("rows", {})
        _add(seen, "rows", [(row, texts.get(row, row)) for row in answer["value"]])


def _add(question: dict[str, Any], part: str, shown: Iterable[tuple[str, str]]) -> None:
    every = question.setdefault(part, [])
    held = {one["value"] for one in every}
    for value, label in shown:
        if value not in held:
            every.append({"value": value, "label": label})
            held.add(value)


def _options(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(value, label) of the options this answer shows; of a matrix its columns."""
    value, labels = answer["value"], answer.get("labels")
    if answer["type"] == "single_choice":
        return [(value, answer.get("label") or value)]
    if answer["type"] in {"multi_choice", "ranking"}:
        beside = labels if isinstance(labels, list) and len(labels) == len(value) else value
        return list(zip(value, beside, strict=True))
    if answer["type"] == "matrix":
        texts = (labels or {}).get("cols", {})
        return [(one, texts.get(one, one)) for columns in value.values() for one in columns]
    return []


def _known_campaigns(
    connection: Connection, named: Mapping[str, Any], sendings: Sequence[str]
) -> dict[str, CampaignFacts]:
    rows = connection.execute(CAMPAIGNS, {"ids": sorted(named), "sendings": list(sendings)})
    return {
        row.platform_id: CampaignFacts(
            row.id,
            row.platform_id,
            row.tag_name,
            row.properties,
            tuple(row.flags),
            distributions=row.distributions or {},
        )
        for row in rows
    }


def _known_surveys(
    connection: Connection, said: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, Mapping[str, Any]]]:
    """Our id and the newest body of each survey that is there."""
    rows = connection.execute(SURVEYS, {"ids": sorted(said)}).all()
    known = {row.platform_id: row.body for row in rows if row.body is not None}
    return {row.platform_id: row.id for row in rows}, known


CAMPAIGNS = text(
    """
    SELECT c.id, c.platform_id, c.tag_name, c.properties, c.flags,
           (SELECT jsonb_object_agg(d.platform_id, d.properties) FROM distribution d
             WHERE d.campaign_id = c.id AND d.platform_id = ANY(:sendings)) AS distributions
      FROM campaign c WHERE c.platform_id = ANY(:ids)
    """
)
# The newest revision of each response counts; an answer is the first NPS question of its response.
NPS = text(
    """
    SELECT campaign_id, round(100.0 * (count(*) FILTER (WHERE score >= 9)
                                     - count(*) FILTER (WHERE score <= 6)) / count(*))::int AS nps
      FROM (
        SELECT DISTINCT ON (r.source, r.response_id) r.campaign_id, r.event,
               (SELECT (a.value->>'value')::int FROM jsonb_each(r.body->'answers') AS a
                 WHERE a.value->>'type' = 'nps' ORDER BY a.key LIMIT 1) AS score
          FROM response r
         WHERE r.campaign_id = ANY(:ids) AND r.event IN ('completed', 'updated', 'deleted')
           AND r.answered_at > now() - make_interval(days => :days)
         ORDER BY r.source, r.response_id, r.revision DESC
      ) newest
     WHERE score IS NOT NULL AND event <> 'deleted' GROUP BY campaign_id
    """
)
SURVEYS = text(
    "SELECT s.id, s.platform_id, v.body FROM survey s"
    " LEFT JOIN survey_version v ON v.survey_id = s.id AND v.version = s.version"
    " WHERE s.platform_id = ANY(:ids)"
)
