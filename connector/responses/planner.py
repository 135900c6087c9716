"""The planning job: accepted responses, in batches, become outbox rows. One transaction a batch,
no CRM call.

    take      unplanned responses, oldest first, skipping those another planner holds
    learn     campaigns, surveys and contacts that are new
    plan      pure, per response
    enqueue   steps, clocks, and 'planned' in the same transaction

A response that breaks planning is put aside with its reason and tried again later; its neighbours
go on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, text

from connector import stopping
from connector.connections import provision
from connector.connections.desk import Desk
from connector.db import DatabaseAway, retried
from connector.log import get_logger
from connector.responses import (
    edited,
    filestore,
    learning,
    optouts,
    people,
    redirects,
    rehearsal,
    replacing,
    serving,
    withdrawn,
)
from connector.responses.case import CampaignFacts, Case, Facts, Person, Planned
from connector.responses.compensation import DELETED, compensation
from connector.responses.edited import Edits
from connector.responses.enclosed import has_files
from connector.responses.facts import NO_LINGER, load_facts
from connector.responses.filefacts import FileFacts
from connector.responses.hub import Hub
from connector.responses.intake import FROM_TEST
from connector.responses.outbox import enqueue
from connector.responses.plan import plan
from connector.responses.questions import enriched, order_of
from connector.responses.redirects import Links
from connector.responses.steps import Rank, Step
from connector.responses.variables import variables_of
from connector.responses.vocabulary import HUB_LINK, REDIRECT_URL, Kind, Variable
from connector.responses.withdrawn import EVENT, Withdrawn
from connector.webhooks import events

BATCH = 200
MAX_PLAN_FAILURES = 8
MARKERS = UUID("5f0c2a3e-8f6b-4f7e-9f43-0d6f1f0a7b11")
KEYS = UUID("0b8a6a0e-52c1-4f0c-8a53-3f9f6a1c7d20")


def plan_waiting(hub: Hub, workspace_id: int) -> frozenset[int]:
    """Plan everything that waits; the connections that got work."""
    touched: set[int] = set()
    size = BATCH
    while not stopping.is_stopping():
        try:
            connections, count = retried(partial(_plan_batch, hub, workspace_id, size=size))
        except DatabaseAway:
            raise
        except Exception as exc:  # noqa: BLE001 - one response must not stop its neighbours
            if size == 1:
                _put_aside_first(hub, workspace_id, exc)
            size = 1
            continue
        touched |= connections
        if count < size:
            break
    return frozenset(touched)


def _put_aside_first(hub: Hub, workspace_id: int, exc: Exception) -> None:
    """The oldest waiting response cannot be planned, nor what it teaches be stored."""
    with hub.database.begin(workspace_id) as connection:
        rows = connection.execute(TAKE, {"n": 1}).all()
        states = [
            {"id": row.id, "contact_id": None, "campaign_id": None, "survey_id": None}
            | _put_aside(row, exc)
            for row in rows
        ]
        options = {"rows": json.dumps(states), "most": MAX_PLAN_FAILURES}
        connection.execute(PLANNED, options)
        events.planned(connection, workspace_id, [row.id for row in rows])


def _plan_batch(hub: Hub, workspace_id: int, *, size: int) -> tuple[frozenset[int], int]:
    with hub.database.begin(workspace_id) as connection:
        rows = connection.execute(TAKE, {"n": size}).all()
        if not rows:
            return frozenset(), 0
        ended = withdrawn.of_batch(connection, rows)
        open_ones = [row for row in rows if row.id not in ended.waiting]
        tried = [row for row in open_ones if row.source == FROM_TEST]
        rehearsed = _rehearsed(connection, hub, workspace_id, tried, ended=ended)
        due = [row for row in open_ones if row.source != FROM_TEST]
        edits = edited.of_batch(connection, [row for row in due if not _is_gone(row, ended)])
        due = [row for row in due if row.id not in edits.waiting]
        learnt = _learnt_with_links(connection, hub, workspace_id, due, ended=ended)
        learnt = replace(learnt, edits=edits)
        steps, planned = _planned(connection, due, learnt, workspace_id=workspace_id)
        planned += rehearsed
        enqueue(connection, workspace_id, provisioned(connection, workspace_id, steps))
        connection.execute(PLANNED, {"rows": json.dumps(planned), "most": MAX_PLAN_FAILURES})
        events.planned(connection, workspace_id, [one["id"] for one in planned])
        return frozenset(step.connection_id for _, _, step in steps), len(rows)


def _rehearsed(
    connection: Connection,
    hub: Hub,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    *,
    ended: Withdrawn,
) -> list[dict[str, Any]]:
    """What would be planned of responses that a test key has pushed. All that planning has learnt
    by them (contacts, campaigns, surveys) is forgotten again.
    """
    if not rows:
        return []
    with connection.begin_nested() as point:
        learnt = _learnt_with_links(connection, hub, workspace_id, rows, ended=ended)
        steps, planned = _planned(connection, rows, learnt, workspace_id=workspace_id)
        point.rollback()
    return [rehearsal.told(one, steps, learnt.facts.connections) for one in planned]


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What a batch of responses names, all of it in the store by now, and the configuration."""

    facts: Facts
    campaigns: Mapping[str, CampaignFacts]
    survey_ids: Mapping[str, int]
    persons: Mapping[int, Person]
    files: Mapping[int, tuple[FileFacts, ...]]
    ended: Withdrawn
    links: Links | None = None
    edits: Edits = field(default_factory=Edits)


def _learnt_with_links(
    connection: Connection,
    hub: Hub,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    *,
    ended: Withdrawn,
) -> _Learnt:
    learnt = _learnt(connection, workspace_id, rows, ended, linger_s=hub.settings.linger_s)
    if learnt.facts.names(HUB_LINK):
        files = serving.with_links(connection, hub.desk, workspace_id, learnt.files)
        learnt = replace(learnt, files=files)
    if not learnt.facts.names(REDIRECT_URL):
        return learnt
    return replace(learnt, links=redirects.links_of(connection, hub.desk, workspace_id))


def _learnt(
    connection: Connection,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    ended: Withdrawn,
    *,
    linger_s: Mapping[str, float],
) -> _Learnt:
    bodies = [row.body for row in rows]
    named = learning.campaigns(connection, workspace_id, bodies)
    survey_ids = learning.survey_ids(connection, workspace_id, bodies)
    # After learning: a survey that this batch brings gives its notes their order.
    facts = load_facts(connection, workspace_id, linger_s=linger_s)
    if facts.names("computed.nps"):
        named = learning.with_nps(connection, named, days=facts.nps_window_days)
    # Nobody becomes a contact by what is deleted.
    living = [row for row in rows if not _is_gone(row, ended)]
    known = {row.id: row.body for row in living if not row.anonymous}
    matched = people.persons(connection, workspace_id, known)
    persons = optouts.heard(connection, workspace_id, known, matched)
    enclosing = [row.id for row in living if has_files(row.body)]
    files = filestore.of_responses(connection, enclosing) if enclosing else {}
    return _Learnt(facts, named, survey_ids, persons, files, ended)


def _planned(
    connection: Connection, rows: Sequence[Row[Any]], learnt: _Learnt, *, workspace_id: int
) -> tuple[list[tuple[Rank, int, Step]], list[dict[str, Any]]]:
    """The steps of a batch, and what each response is from now on."""
    steps: list[tuple[Rank, int, Step]] = []
    planned = []
    broken: dict[int, str] = {}
    for row in rows:
        if _is_gone(row, learnt.ended):
            more, told = _of_deleted(row, learnt)
            steps += more
            planned.append(told)
            continue
        campaign = learnt.campaigns.get(_id_of(row.body, "campaign"))
        person = learnt.persons.get(row.id)
        state: dict[str, Any] = {
            "id": row.id,
            "contact_id": person.id if person else None,
            "campaign_id": campaign.id if campaign else None,
            "survey_id": learnt.survey_ids.get(_id_of(row.body, "survey")),
        }
        try:
            survey_id = state["survey_id"]
            result = _made(row, learnt, workspace_id=workspace_id, survey_id=survey_id)
        except Exception as exc:  # noqa: BLE001 - one response must not stop its neighbours
            planned.append(state | _put_aside(row, exc))
            continue
        result, back = _as_edited(result, row, person, learnt=learnt)
        steps += [(_rank(row), person.id, step) for step in result.steps] if person else []
        steps += [(_rank(row), contact_id, step) for contact_id, step in back]
        broken |= result.broken
        planned.append(state | _verdicts(result, row, known=person is not None))
    _park_automations(connection, broken)
    return steps, planned


def replanned(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    *,
    persons: Mapping[int, Person],
    linger_s: Mapping[str, float] = NO_LINGER,
    facts: Facts | None = None,
) -> dict[int, Planned | None]:
    """What the configuration as it is now (or `facts`) makes of responses that were planned before,
    by their id; None where planning breaks. Nothing is learnt and nothing stored. `persons` by
    response.
    """
    facts = facts or load_facts(connection, workspace_id, linger_s=linger_s)
    named = learning.campaigns(connection, workspace_id, [row.body for row in rows])
    if facts.names("computed.nps"):
        named = learning.with_nps(connection, named, days=facts.nps_window_days)
    enclosing = [row.id for row in rows if has_files(row.body)]
    files = filestore.of_responses(connection, enclosing) if enclosing else {}
    uses_links = facts.names(REDIRECT_URL)
    links = redirects.links_of(connection, desk, workspace_id) if uses_links else None
    learnt = _Learnt(facts, named, {}, persons, files, Withdrawn(), links)
    return {row.id: _replanned(row, learnt, workspace_id=workspace_id) for row in rows}


def _replanned(row: Row[Any], learnt: _Learnt, *, workspace_id: int) -> Planned | None:
    try:
        return _made(row, learnt, workspace_id=workspace_id, survey_id=row.survey_id)
    except Exception as exc:  # noqa: BLE001 - one response must not stop its neighbours
        _put_aside(row, exc)
        return None


def _made(row: Row[Any], learnt: _Learnt, *, workspace_id: int, survey_id: int | None) -> Planned:
    """The plan of one response."""
    facts = learnt.facts
    case = _case(
        workspace_id,
        row,
        learnt.persons.get(row.id),
        campaign=learnt.campaigns.get(_id_of(row.body, "campaign")),
        survey=facts.surveys.get(survey_id or 0),
        facts=facts,
    )
    variables = {**case.variables, **_link(learnt.links, row)}
    return plan(replace(case, files=learnt.files.get(row.id, ()), variables=variables), facts)


def _is_gone(row: Row[Any], ended: Withdrawn) -> bool:
    """Whether it is a deletion, or was deleted."""
    return row.event == EVENT or row.id in ended.gone


def _as_edited(
    result: Planned, row: Row[Any], person: Person | None, *, learnt: _Learnt
) -> tuple[Planned, tuple[tuple[int, Step], ...]]:
    """What is planned of a version that was edited, or that is an edit, and what it takes back."""
    if row.id in learnt.edits.older:
        return replacing.as_older(result), ()
    standing = learnt.edits.standing.get(row.id, ())
    if not standing:
        return result, ()
    told = replacing.as_edit(
        result,
        person.id if person else None,
        standing,
        connections=learnt.facts.connections,
    )
    return told.planned, told.back


def _of_deleted(
    row: Row[Any], learnt: _Learnt
) -> tuple[list[tuple[Rank, int, Step]], dict[str, Any]]:
    """A deletion takes back what its versions have written; a version that comes after it does
    nothing.
    """
    about = learnt.ended.about.get(row.id)
    state = {
        "id": row.id,
        "contact_id": about.contact_id if about else None,
        "campaign_id": about.campaign_id if about else None,
        "survey_id": about.survey_id if about else None,
        "error": None,
    }
    if row.event != EVENT:
        return [], state | {"verdicts": {"response": DELETED}}
    written = learnt.ended.written.get(row.id, ())
    told = compensation(written, learnt.facts.connections)
    steps = [(_rank(row), contact_id, step) for contact_id, step in told.steps]
    return steps, state | {"verdicts": dict(told.verdicts)}


def _id_of(body: Mapping[str, Any], named: str) -> str:
    """The platform's id of the response's campaign or survey, empty where it names none."""
    return str((body.get(named) or {}).get("id", ""))


def _verdicts(result: Planned, row: Row[Any], *, known: bool) -> dict[str, Any]:
    verdicts = dict(result.verdicts)
    if not known:
        verdicts["response"] = "anonymous" if row.anonymous else "no_contact"
    return {"verdicts": verdicts, "error": None}


def _put_aside(row: Row[Any], exc: Exception) -> dict[str, Any]:
    """Planning broke: a bug of ours. The kind of error is kept, never its text: it may hold an
    answer.
    """
    kind = type(exc).__name__
    get_logger(__name__).error("plan_failed", response_id=row.id, kind=kind)
    return {"verdicts": {"response": "plan_failed"}, "error": kind}


def _case(
    workspace_id: int,
    row: Row[Any],
    person: Person | None,
    *,
    campaign: CampaignFacts | None,
    survey: Mapping[str, Any] | None,
    facts: Facts,
) -> Case:
    flags = campaign.flags if campaign else ()
    body = enriched(row.body, survey, campaign_flags=flags)
    variables = variables_of(
        body,
        person.attributes if person else None,
        campaign={"properties": _properties(campaign, body)} if campaign else None,
        labels=facts.labels,
        nps=campaign.nps if campaign else None,
    )
    return Case(
        rank=_rank(row),
        body=body,
        marker=str(uuid5(MARKERS, f"{workspace_id}:{row.source}:{row.response_id}:{row.revision}")),
        key=str(uuid5(KEYS, f"{workspace_id}:{row.source}:{row.response_id}")),
        variables=variables,
        person=person,
        campaign=campaign,
        order=order_of(survey),
    )


def _link(links: Links | None, row: Row[Any]) -> dict[str, Variable]:
    """The address that leads this respondent on, where somebody uses it."""
    if links is None:
        return {}
    return {REDIRECT_URL: Variable(Kind.TEXT, links.of_response(row.source, row.response_id))}


def _properties(campaign: CampaignFacts, body: Mapping[str, Any]) -> dict[str, Any]:
    """The campaign's, and those of the distribution that the response names, which win."""
    sending = learning.distribution_of(body) or ""
    return {**campaign.properties, **campaign.distributions.get(sending, {})}


def _rank(row: Row[Any]) -> Rank:
    return Rank(row.answered_at, row.revision, row.id)


def provisioned(
    connection: Connection, workspace_id: int, steps: Sequence[tuple[Rank, int, Step]]
) -> list[tuple[Rank, int, Step]]:
    """Ask for the tag options that steps wait for; those that stand by now let their steps go."""
    pairs = sorted(
        {
            (step.connection_id, step.campaign_id)
            for _, _, step in steps
            if step.reason == provision.WAITS and step.campaign_id
        }
    )
    there = {
        pair
        for pair in pairs
        if provision.wanted(connection, workspace_id, connection_id=pair[0], campaign_id=pair[1])
    }
    return [(rank, contact, _let_go(step, there)) for rank, contact, step in steps]


def _let_go(step: Step, there: set[tuple[int, int]]) -> Step:
    waits = step.reason == provision.WAITS
    if waits and (step.connection_id, step.campaign_id or 0) in there:
        return replace(step, state="pending", reason=None)
    return step


def _park_automations(connection: Connection, broken: Mapping[int, str]) -> None:
    """An automation whose condition cannot be computed stops until a person has looked."""
    for automation_id, reason in broken.items():
        connection.execute(PARK_AUTOMATION, {"id": automation_id, "reason": reason})


# In the index's order: by id alone every batch would sort all that waits, or walk the primary key.
TAKE = text(
    """
    SELECT id, source, response_id, revision, event, anonymous, body, answered_at, plan_failures
      FROM response WHERE planned_at IS NULL AND plan_due_at <= now()
     ORDER BY plan_due_at, id LIMIT :n FOR UPDATE SKIP LOCKED
    """
)
# A response whose planning broke waits longer each time, and after eight failures until a person
# asks.
PLANNED = text(
    """
    UPDATE response r
       SET contact_id = s.contact_id, campaign_id = s.campaign_id, survey_id = s.survey_id,
           verdicts = s.verdicts, plan_error = s.error,
           plan_failures = r.plan_failures + CASE WHEN s.error IS NULL THEN 0 ELSE 1 END,
           planned_at = CASE WHEN s.error IS NULL OR r.plan_failures + 1 >= :most
                             THEN now() END,
           plan_due_at = CASE WHEN s.error IS NULL THEN r.plan_due_at
                              ELSE now() + make_interval(secs => 5 * 3 ^ r.plan_failures) END
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(
           id bigint, contact_id bigint, campaign_id bigint, survey_id bigint, verdicts jsonb,
           error text)
     WHERE r.id = s.id
    """
)
PARK_AUTOMATION = text(
    "UPDATE automation SET parked_reason = :reason WHERE id = :id AND parked_reason IS NULL"
)
