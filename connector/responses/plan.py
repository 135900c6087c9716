"""Plan: one response, seen against the workspace's configuration, becomes steps. Pure.

    automations   WHEN the event fits and IF the condition holds, THEN feed through mappings, tag,
    note feeding       a mapping's row for its connection; with it the note, by the mapping's own
    rule standard      the standard integration of the connection the contact came from
    score tag     by default for every NPS answer, wherever the contact is fed or came from

An anonymous response is never matched, tagged or noted. Why nothing (or less) was planned stands
in `verdicts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Traits
from connector.responses.mapping import MappedRow, mapped_row
from connector.responses.note import note_of
from connector.responses.rules import Expression, verdict
from connector.responses.steps import (
    FIELDS,
    NOTE,
    TAG,
    Rank,
    Step,
    contact_lane,
    field_target,
    record_lane,
    tag_target,
)
from connector.responses.transforms import Context
from connector.responses.vocabulary import Kind, Variable
from schemas.fields import Entity, FieldValue

# Which WHEN of an automation an event sets off: an edited response is also a completed one.
TRIGGERS: Mapping[str, frozenset[str]] = {
    "completed": frozenset({"response.completed"}),
    "updated": frozenset({"response.completed", "response.updated"}),
    "partial": frozenset({"response.partial"}),
    "disqualified": frozenset({"response.disqualified"}),
    "deleted": frozenset(),
}
WHOLE = frozenset({"completed", "updated"})
CONTACT_VARIABLES = frozenset({"contact.email", "contact.external_id"})


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One connection as planning sees it. `waits`: why its steps begin parked, None when it
    works.
    """

    id: int
    app: str
    name: str
    traits: Traits
    standard: Mapping[str, Any]
    entities: Mapping[str, Entity]
    provisioned: frozenset[int] = frozenset()
    waits: str | None = None
    linger_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """A published mapping. `waits`: paused."""

    id: int
    version: int
    connection_id: int
    body: Mapping[str, Any]
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class AutomationFacts:
    """A published automation with its condition compiled, None when it has none."""

    id: int
    body: Mapping[str, Any]
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """A registered campaign; `tag_name` is frozen."""

    id: int
    platform_id: str
    tag_name: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """The workspace's configuration, read once per batch of responses."""

    connections: Mapping[int, ConnectionFacts]
    mappings: Mapping[str, MappingFacts]
    automations: Sequence[AutomationFacts]
    declared: Mapping[str, Kind]
    context: Context
    tags_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """The matched contact. `attributes` by name, `crm_ids` as the platform sent them, by app."""

    id: int
    attributes: Mapping[str, Any]
    origin: int | None = None
    crm_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One response to plan. `marker` is unique per response and revision, for its note."""

    rank: Rank
    body: Mapping[str, Any]
    marker: str
    variables: Mapping[str, Variable]
    person: Person | None
    campaign: CampaignFacts | None
    order: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps of one response, why other things were not planned, and automations that must be
    parked.
    """

    steps: tuple[Step, ...]
    verdicts: Mapping[str, str]
    broken: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """What planning one response collects."""

    case: Case
    facts: Facts
    person: Person
    steps: dict[str, Step] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    fed: dict[int, set[str]] = field(default_factory=dict)
    mapped: dict[int, set[str]] = field(default_factory=dict)
    tag_at: set[int] = field(default_factory=set)
    note_at: dict[int, str] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        self.steps.setdefault(step.key, step)


def plan(case: Case, facts: Facts) -> Planned:
    """The steps of one response; planning the same again gives the same keys."""
    if case.person is None:
        return Planned((), {"response": "anonymous"})
    draft = _Draft(case, facts, case.person)
    for automation in facts.automations:
        _run(draft, automation)
    if case.body["event"] in WHOLE:
        _standard(draft)
        _tags(draft)
        _notes(draft)
    return Planned(tuple(draft.steps.values()), draft.verdicts, draft.broken)


# --- automations ----------------------------------------------------------------------------------


def _run(draft: _Draft, automation: AutomationFacts) -> None:
    """WHEN and IF decide, THEN acts."""
    body = automation.body
    campaign = draft.case.campaign.platform_id if draft.case.campaign else None
    if body["when"] not in TRIGGERS[draft.case.body["event"]]:
        return
    if body.get("campaign") not in (None, campaign):
        return
    if automation.condition is not None:
        said = verdict(automation.condition, draft.case.variables)
        if said.error:
            draft.broken[automation.id] = said.reason or "failed"
        if not said.holds:
            draft.verdicts[f"automation:{automation.id}"] = said.reason or "condition_false"
            return
    for action in body["then"]:
        _ACTIONS[action["do"]](draft, automation, action)


def _feed(draft: _Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
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
    draft: _Draft,
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
    create = _standard_values(connection, person) if is_contact else {}
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
            "values": _listed(row.values),
            "keep": sorted(row.keep),
            "create": _listed(create),
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


def _listed(values: Mapping[str, FieldValue]) -> dict[str, Any]:
    """The values as JSON keeps them."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _ask_tag(draft: _Draft, _: AutomationFacts, action: Mapping[str, Any]) -> None:
    draft.tag_at.update(_named(draft, action))


def _ask_note(draft: _Draft, _: AutomationFacts, action: Mapping[str, Any]) -> None:
    for connection_id in _named(draft, action):
        asked = action.get("answers", "all")
        draft.note_at[connection_id] = _wider(draft.note_at.get(connection_id), asked)


def _named(draft: _Draft, action: Mapping[str, Any]) -> Iterator[int]:
    """The connections an action means: the named one, else the contact's own."""
    by_name = action.get("connection")
    for one in draft.facts.connections.values():
        if (one.name == by_name) if by_name else _is_home(draft, one):
            yield one.id


_ACTIONS = {"feed": _feed, "tag": _ask_tag, "note": _ask_note}


# --- the standard integration
# ----------------------------------------------------------------------


def _is_home(draft: _Draft, connection: ConnectionFacts) -> bool:
    """Whether the contact belongs to this connection: it came from there, or the platform names
    its id there; a contact that belongs nowhere goes to the default connection, never silently to
    all.
    """
    person = draft.person
    if person.origin is not None:
        return person.origin == connection.id
    if person.crm_ids.get(connection.app):
        same_app = [one for one in draft.facts.connections.values() if one.app == connection.app]
        return len(same_app) == 1 or bool(connection.standard.get("default"))
    known = any(person.crm_ids.get(one.app) for one in draft.facts.connections.values())
    return not known and bool(connection.standard.get("default"))


def _serves(draft: _Draft, connection: ConnectionFacts) -> bool:
    """Whether the standard integration is on here for this campaign and contact."""
    campaigns = connection.standard.get("campaigns") or []
    campaign = draft.case.campaign.platform_id if draft.case.campaign else None
    return (
        bool(connection.standard.get("enabled"))
        and (not campaigns or campaign in campaigns)
        and _is_home(draft, connection)
    )


def _standard(draft: _Draft) -> None:
    for connection in draft.facts.connections.values():
        if _is_home(draft, connection):
            draft.tag_at.add(connection.id)
        if not _serves(draft, connection):
            continue
        if connection.standard.get("note", True) and connection.id not in draft.note_at:
            draft.note_at[connection.id] = "all"
        if connection.standard.get("fields", True):
            _standard_step(draft, connection)


def _standard_step(draft: _Draft, connection: ConnectionFacts) -> None:
    match = _contact_match(connection, draft.person)
    taken = draft.fed.get(connection.id, set())
    values = {
        name: value
        for name, value in _standard_values(connection, draft.person).items()
        if name not in taken and (match is None or name != match["field"])
    }
    if match is None or not values:
        draft.verdicts[f"standard:{connection.id}"] = "no_match" if match is None else "nothing_new"
        return
    entity, standard = connection.traits.contact_entity, connection.standard
    draft.add(
        Step(
            key=f"standard:{connection.id}",
            kind=FIELDS,
            connection_id=connection.id,
            linger_s=connection.linger_s,
            entity=entity,
            lane=contact_lane(draft.person.id),
            payload={
                "match": match,
                "linked": True,
                "operation": "upsert" if standard.get("create") else "update",
                "ambiguous": "refuse",
                "values": _listed(values),
                "keep": [] if standard.get("overwrite") else sorted(values),
                "create": {},
            },
            targets=tuple(field_target(entity, name) for name in sorted(values)),
            campaign_id=draft.case.campaign.id if draft.case.campaign else None,
            state="parked" if connection.waits else "pending",
            reason=connection.waits,
        )
    )


def _standard_values(connection: ConnectionFacts, person: Person) -> dict[str, FieldValue]:
    """The contact's own attributes in this CRM's standard fields, as far as it still has them."""
    entity = connection.entities.get(connection.traits.contact_entity)
    known = entity.by_name() if entity is not None else {}
    return {
        name: person.attributes[attribute]
        for attribute, name in connection.traits.standard_fields.items()
        if name in known and person.attributes.get(attribute) not in (None, "")
    }


def _contact_match(connection: ConnectionFacts, person: Person) -> dict[str, str] | None:
    """How the contact is found in this CRM when no mapping says so: by its id there, else by what
    it is known by.
    """
    remote_id = person.crm_ids.get(connection.app)
    if remote_id:
        return {"field": connection.traits.id_field, "value": remote_id}
    for attribute in ("email", "external_id"):
        name = connection.traits.standard_fields.get(attribute)
        value = person.attributes.get(attribute)
        if name and value:
            return {"field": name, "value": str(value)}
    return None


# --- score tags and notes
# --------------------------------------------------------------------------


def _tags(draft: _Draft) -> None:
    score, campaign = draft.case.variables.get("computed.score"), draft.case.campaign
    if score is None or campaign is None or not draft.facts.tags_enabled:
        return
    for connection in _at(draft, draft.tag_at):
        match = _match_as_fed(draft, connection)
        if match is None or not connection.standard.get("tag", True):
            continue
        needs = connection.traits.tags.needs_options and campaign.id not in connection.provisioned
        waits = connection.waits or ("provision" if needs else None)
        draft.add(
            Step(
                key=f"tag:{connection.id}",
                kind=TAG,
                connection_id=connection.id,
                linger_s=connection.linger_s,
                entity=connection.traits.contact_entity,
                lane=contact_lane(draft.person.id),
                payload={
                    "match": match,
                    "linked": True,
                    "campaign": campaign.tag_name,
                    "score": score.value,
                },
                targets=(tag_target(campaign.id),),
                campaign_id=campaign.id,
                state="parked" if waits else "pending",
                reason=waits,
            )
        )


def _notes(draft: _Draft) -> None:
    for connection in _at(draft, draft.note_at):
        rule, limit = draft.note_at[connection.id], connection.traits.note_limit
        match = _match_as_fed(draft, connection)
        if rule == "none" or limit is None or match is None:
            continue
        mapped = draft.mapped.get(connection.id, set()) if rule == "unmapped" else set()
        note = note_of(
            draft.case.body,
            draft.case.marker,
            order=draft.case.order,
            leave_out=frozenset(mapped),
            limit=limit,
        )
        if note is None:
            continue
        campaign = draft.case.campaign
        draft.add(
            Step(
                key=f"note:{connection.id}",
                kind=NOTE,
                connection_id=connection.id,
                linger_s=connection.linger_s,
                entity=connection.traits.contact_entity,
                lane=contact_lane(draft.person.id),
                payload={
                    "match": match,
                    "linked": True,
                    "marker": draft.case.marker,
                    "title": note.title,
                    "text": note.text,
                    "html": note.html,
                    "thread": f"{draft.person.id}-{campaign.id if campaign else 0}",
                },
                campaign_id=campaign.id if campaign else None,
                state="parked" if connection.waits else "pending",
                reason=connection.waits,
            )
        )


def _at(draft: _Draft, wanted: Mapping[int, str] | set[int]) -> Iterator[ConnectionFacts]:
    for connection in draft.facts.connections.values():
        if connection.id in wanted:
            yield connection


def _match_as_fed(draft: _Draft, connection: ConnectionFacts) -> dict[str, str] | None:
    """The same match as the fields of this response, so that tag and note travel with them."""
    for step in draft.steps.values():
        here = step.connection_id == connection.id and step.payload.get("linked")
        if here and step.kind == FIELDS and step.payload["match"]["value"]:
            match: dict[str, str] = step.payload["match"]
            return match
    return _contact_match(connection, draft.person)
