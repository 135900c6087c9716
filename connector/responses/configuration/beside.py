"""What a response does besides the fields of the mapping that is tried: its score tag and its note
at the same connection, and what its record is linked to.

It is planned as every response is (plan.py), with the draft in place of the published mapping and
an automation that feeds it. Nothing of that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid5

from sqlalchemy import Connection, Row, text

from connector.responses import learning, people, planner
from connector.responses.case import AutomationFacts, Case, Facts, MappingFacts, Person, Planned
from connector.responses.configuration import trying
from connector.responses.configuration.bench import MADE_UP, Bench
from connector.responses.configuration.sheet.choices import Known
from connector.responses.facts import load_facts
from connector.responses.hub import Hub
from connector.responses.plan import TRIGGERS, plan
from connector.responses.steps import NOTE, TAG
from connector.responses.vocabulary import Variable

# How a made-up answer is told in a note, by the kind of its variable; the others as a text.
_TYPES: Mapping[str, str] = {
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "choice": "single_choice",
    "choices": "multi_choice",
    "ranking": "ranking",
}
_UNTOLD = frozenset({"files"})
_LISTS = frozenset({"multi_choice", "ranking"})


def with_steps(
    connection: Connection, hub: Hub, bench: Bench, response_id: int | None, *, now: datetime
) -> Bench:
    """The bench with the steps that planning makes of the response for this mapping, tag and note;
    none where planning breaks or nobody is known.
    """
    with connection.begin_nested() as point:
        planned: Planned | None
        if response_id is None:
            planned = _of_sample(connection, bench, now)
        else:
            planned = _of_stored(connection, hub, bench, response_id)
        point.rollback()
    steps = planned.steps if planned else ()
    fed = f"feed:{bench.desk.mapping['id']}"
    return replace(
        bench,
        steps=tuple(
            one
            for one in steps
            if one.connection_id == bench.profile.id and (one.kind in {TAG, NOTE} or one.key == fed)
        ),
    )


def _of_stored(connection: Connection, hub: Hub, bench: Bench, response_id: int) -> Planned | None:
    row = connection.execute(RESPONSE, {"id": response_id}).one()
    workspace_id = bench.profile.workspace_id
    persons = _persons(connection, workspace_id, row)
    facts = _with_draft(load_facts(connection, workspace_id), bench, event=row.event)
    plans = planner.replanned(
        connection, hub.desk, workspace_id, [row], persons=persons, facts=facts
    )
    return plans[row.id]


def _persons(connection: Connection, workspace_id: int, row: Row[Any]) -> Mapping[int, Person]:
    """Who gave the response, by its id: as it was matched when it was planned, else as it would be
    now.
    """
    if row.anonymous:
        return {}
    if row.contact_id is None:
        return people.persons(connection, workspace_id, {row.id: row.body})
    person = people.contact_of(connection, row.contact_id)
    told = (row.body.get("respondent") or {}).get("crm_ids") or {}
    return {row.id: replace(person, crm_ids=told)} if person else {}


def _with_draft(facts: Facts, bench: Bench, *, event: str) -> Facts:
    """The configuration as it would be with the draft published and fed."""
    mapping, body = bench.desk.mapping, bench.body
    own = MappingFacts(mapping["id"], 0, bench.profile.id, body)
    others = {name: one for name, one in facts.mappings.items() if one.id != own.id}
    when = min(TRIGGERS.get(event, {"response.completed"}))
    feeds = AutomationFacts(0, {"when": when, "then": [{"do": "feed", "mapping": body["name"]}]})
    return replace(
        facts, mappings={**others, body["name"]: own}, automations=(feeds, *facts.automations)
    )


# --- a made-up response -------------------------------------------------------------------------


def _of_sample(connection: Connection, bench: Bench, now: datetime) -> Planned:
    workspace_id, known = bench.profile.workspace_id, bench.desk.known
    variables = trying.sample(known)
    asked = {"w": workspace_id, "campaign": bench.body.get("campaign")}
    named = connection.execute(CAMPAIGN, asked).one_or_none()
    body = _sample_body(known, variables, now, named)
    campaigns = learning.campaigns(connection, workspace_id, [body])
    facts = _with_draft(load_facts(connection, workspace_id), bench, event="completed")
    case = Case(
        rank=MADE_UP,
        body=body,
        marker=str(uuid5(planner.MARKERS, f"sample:{workspace_id}:{bench.desk.mapping['id']}")),
        variables=variables,
        person=_sample_person(bench, variables),
        campaign=campaigns[named.id] if named else None,
    )
    return plan(case, facts)


def _sample_person(bench: Bench, variables: Mapping[str, Variable]) -> Person:
    attributes = {
        name.removeprefix("contact."): one.value
        for name, one in variables.items()
        if name.startswith("contact.")
    }
    return Person(0, attributes, origin=bench.profile.id)


def _sample_body(
    known: tuple[Known, ...],
    variables: Mapping[str, Variable],
    now: datetime,
    campaign: Row[Any] | None,
) -> dict[str, Any]:
    """The made-up response as a platform would have pushed it."""
    answers = {
        one.variable.removeprefix("answers."): _sample_answer(one, variables[one.variable])
        for one in known
        if one.variable.startswith("answers.")
        and one.variable.count(".") == 1
        and one.kind not in _UNTOLD
    }
    named = {"campaign": {"id": campaign.id, "name": campaign.name}} if campaign else {}
    told = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    whole = {"event": "completed", "response_id": "sample", "submitted_at": told}
    return {**whole, "answers": answers, **named}


def _sample_answer(one: Known, variable: Variable) -> dict[str, Any]:
    kind, value = _TYPES.get(one.kind, "text"), variable.value
    answer: dict[str, Any] = {"type": kind, "title": one.question or None, "value": value}
    if kind in _LISTS:
        answer |= {"value": list(value or ()), "labels": list(variable.labels)}  # type: ignore[arg-type]
    if kind == "single_choice" and variable.labels:
        answer["label"] = variable.labels[0]
    return answer


RESPONSE = text(
    """
    SELECT id, source, response_id, revision, event, anonymous, body, answered_at, plan_failures,
           contact_id, survey_id
      FROM response WHERE id = :id
    """
)
# The mapping's own, else the newest.
CAMPAIGN = text(
    """
    SELECT platform_id AS id, name FROM campaign
     WHERE workspace_id = :w
       AND (CAST(:campaign AS text) IS NULL OR platform_id = CAST(:campaign AS text))
     ORDER BY campaign.id DESC LIMIT 1
    """
)
