"""Plan: one response, seen against the workspace's configuration, becomes steps. Pure.

    automations   WHEN the event fits and IF the condition holds, THEN feed through mappings, tag,
    note feeding       a mapping's row for its connection; with it the note, by the mapping's own
    rule standard      the standard integration of the connection the contact came from
    record        one of its own for the response, where the standard integration asks for it
    score tag     by default for every NPS answer, wherever the contact is fed or came from

An anonymous response is never matched, tagged or noted. Why nothing (or less) was planned stands
in `verdicts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.responses.belonging import belong
from connector.responses.case import (
    AutomationFacts,
    Case,
    ConnectionFacts,
    Draft,
    Facts,
    MappingFacts,
    Person,
    Planned,
)
from connector.responses.filelinks import link_steps
from connector.responses.filesteps import file_steps
from connector.responses.leading import REDIRECT, lead
from connector.responses.mapping import MappedRow, mapped_row
from connector.responses.messages import message_step
from connector.responses.ownlinks import own_link_steps
from connector.responses.record import record_steps
from connector.responses.rules import verdict
from connector.responses.standard import (
    at,
    is_home,
    listed,
    note_steps,
    standard_steps,
    standard_values,
    tag_steps,
)
from connector.responses.steps import FIELDS, Step, contact_lane, field_target, record_lane
from connector.responses.subscriptions import subscription_step
from connector.responses.tasks import task_steps

# Which WHEN of an automation an event sets off: an edited response is also a completed one.
TRIGGERS: Mapping[str, frozenset[str]] = {
    "completed": frozenset({"response.completed"}),
    "updated": frozenset({"response.completed", "response.updated"}),
    "partial": frozenset({"response.partial"}),
    "disqualified": frozenset({"response.disqualified"}),
}
# The verdict that brings a response back to planning when the automation is published again.
AUTOMATION_PARKED = "automation_parked"
# No automation, standard integration or score tag is for such a response.
NOTHING_ASKED = "nothing_asked"
# A condition that no longer fits the words of the surveys.
UNREADABLE = "condition_unreadable"
NOBODY = Person(0, {})
WHOLE = frozenset({"completed", "updated"})
CONTACT_VARIABLES = frozenset({"contact.email", "contact.external_id"})


def plan(case: Case, facts: Facts) -> Planned:
    """The steps of one response; planning the same again gives the same keys."""
    if case.body["event"] not in TRIGGERS:
        # What a deletion takes back is planned by compensation.py.
        return Planned((), {})
    if case.person is None:
        return _led(case, facts)
    draft = Draft(case, facts, case.person)
    for automation in facts.automations:
        _run(draft, automation)
    if case.body["event"] in WHOLE:
        standard_steps(draft)
        tag_steps(draft)
        note_steps(draft)
        record_steps(draft)
        file_steps(draft)
    own_link_steps(draft)
    link_steps(draft)
    belong(draft)
    if not draft.steps and not draft.verdicts:
        draft.verdicts["response"] = NOTHING_ASKED
    return Planned(tuple(draft.steps.values()), draft.verdicts, draft.broken)


# --- automations ----------------------------------------------------------------------------------


def _run(draft: Draft, automation: AutomationFacts) -> None:
    """WHEN and IF decide, THEN acts."""
    if not _is_set_off(draft, automation.body):
        return
    reason = _why_not(draft, automation)
    if reason is not None:
        draft.verdicts[f"automation:{automation.id}"] = reason
        return
    for action in automation.body["then"]:
        _ACTIONS[action["do"]](draft, automation, action)


def _is_set_off(draft: Draft, body: Mapping[str, Any]) -> bool:
    campaign = draft.case.campaign.platform_id if draft.case.campaign else None
    is_for = body["when"] in TRIGGERS[draft.case.body["event"]]
    return is_for and body.get("campaign") in (None, campaign)


def _led(case: Case, facts: Facts) -> Planned:
    """Nobody is known: nothing is written, but the browser is led on."""
    draft = Draft(case, facts, NOBODY)
    for automation in facts.automations:
        leads = [one for one in automation.body["then"] if one["do"] == REDIRECT]
        if leads and _is_set_off(draft, automation.body) and not _why_not(draft, automation):
            lead(draft, automation, leads[0])
    return Planned((), draft.verdicts, draft.broken)


def _why_not(draft: Draft, automation: AutomationFacts) -> str | None:
    """Why the automation does nothing for this response; None: its condition holds."""
    if automation.parked:
        return AUTOMATION_PARKED
    if automation.broken:
        draft.broken[automation.id] = UNREADABLE
        return UNREADABLE
    if automation.condition is None:
        return None
    said = verdict(automation.condition, draft.case.variables)
    if said.error:
        draft.broken[automation.id] = said.reason or "failed"
    return None if said.holds else said.reason or "condition_false"


def _feed(draft: Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
    mapping = draft.facts.mappings.get(action["mapping"])
    connection = draft.facts.connections.get(mapping.connection_id) if mapping else None
    entity = connection.entities.get(mapping.body["entity"]) if connection and mapping else None
    if mapping is None or connection is None or entity is None:
        reason = "mapping_not_published" if mapping is None else "fields_not_downloaded"
        draft.verdicts[f"mapping:{action['mapping']}"] = reason
        return
    row = mapped_row(mapping.body, draft.case.variables, entity=entity, context=draft.facts.context)
    if mapping.body["entity"] == connection.traits.contact_entity:
        draft.fed.setdefault(connection.id, set()).update(row.values)
        draft.tag_at.add(connection.id)
        draft.note_at[connection.id] = _wider(
            draft.note_at.get(connection.id), mapping.body["note"]
        )
    draft.mapped.setdefault(connection.id, set()).update(row.used)
    draft.add(_feed_step(draft, automation, mapping, connection=connection, row=row))


def _wider(one: str | None, other: str) -> str:
    """Of two note rules on one connection the one that tells more."""
    order = ("none", "unmapped", "all")
    return max(one or "none", other, key=order.index)


def _feed_step(
    draft: Draft,
    automation: AutomationFacts,
    mapping: MappingFacts,
    *,
    connection: ConnectionFacts,
    row: MappedRow,
) -> Step:
    body, person = mapping.body, draft.person
    entity = body["entity"]
    is_contact = entity == connection.traits.contact_entity
    linked = is_contact and body["identify"]["variable"] in CONTACT_VARIABLES
    match_value = row.match_value or ""
    lane = contact_lane(person.id) if linked else record_lane(entity, row.match_field, match_value)
    create = standard_values(connection, person) if is_contact else {}
    wrong = row.problems[0] if row.problems else None
    return Step(
        key=f"feed:{mapping.id}",
        kind=FIELDS,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=entity,
        lane=lane,
        payload={
            "match": {"field": row.match_field, "value": match_value},
            "linked": linked,
            "operation": body["operation"],
            "ambiguous": body.get("ambiguous", "refuse"),
            "values": listed(row.values),
            "keep": sorted(row.keep),
            "create": listed(create),
        },
        targets=tuple(field_target(entity, name) for name in sorted(row.values)),
        mapping_id=mapping.id,
        mapping_version=mapping.version,
        automation_id=automation.id,
        campaign_id=draft.case.campaign.id if draft.case.campaign else None,
        state="dead" if wrong else "parked" if (connection.waits or mapping.waits) else "pending",
        reason="validation" if wrong else (connection.waits or mapping.waits),
        error_code=wrong.code if wrong else None,
        error=f"{wrong.place}: {wrong.message}" if wrong else None,
        error_field=wrong.field if wrong else None,
    )


def _ask_tag(draft: Draft, _: AutomationFacts, action: Mapping[str, Any]) -> None:
    draft.tag_at.update(_named(draft, action))


def _ask_note(draft: Draft, _: AutomationFacts, action: Mapping[str, Any]) -> None:
    for connection_id in _named(draft, action):
        asked = action.get("answers", "all")
        draft.note_at[connection_id] = _wider(draft.note_at.get(connection_id), asked)


def _named(draft: Draft, action: Mapping[str, Any]) -> Iterator[int]:
    """The connections an action means: the named one, else the contact's own."""
    by_name = action.get("connection")
    for one in draft.facts.connections.values():
        if (one.name == by_name) if by_name else is_home(draft, one):
            yield one.id


def _ask_task(draft: Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
    wanted = set(_named(draft, action))
    task_steps(draft, automation, action, at(draft, wanted))


_ACTIONS = {
    "feed": _feed,
    "tag": _ask_tag,
    "note": _ask_note,
    "subscribe": subscription_step,
    "unsubscribe": subscription_step,
    "notify": message_step,
    "task": _ask_task,
    REDIRECT: lead,
}
