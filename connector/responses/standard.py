"""What is planned without an automation: the standard integration, the score tag, the note.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from adapters.traits import TagPlace
from connector.responses.case import ConnectionFacts, Draft, Person
from connector.responses.note import note_of
from connector.responses.steps import (
    FIELDS,
    NOTE,
    TAG,
    Step,
    contact_lane,
    field_target,
    record_lane,
    tag_target,
)
from schemas.fields import Field, FieldType, FieldValue

# ----------------------------------------------------------------------


# By what a company is matched -> the contact's attribute that says it.
COMPANY_ATTRIBUTES: Mapping[str, str] = {
    "name": "company",
    "domain": "company_domain",
    "external_id": "company_id",
}
_NUMBERS = {FieldType.INTEGER, FieldType.NUMBER, FieldType.BOOLEAN}
_NOT_TEXT = _NUMBERS | {FieldType.DATE, FieldType.DATETIME, FieldType.MULTI_CHOICE, FieldType.OTHER}


def is_home(draft: Draft, connection: ConnectionFacts) -> bool:
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


def serves(draft: Draft, connection: ConnectionFacts) -> bool:
    """Whether the standard integration is on here for this campaign and contact."""
    campaigns = connection.standard.get("campaigns") or []
    campaign = draft.case.campaign.platform_id if draft.case.campaign else None
    return (
        bool(connection.standard.get("enabled"))
        and (not campaigns or campaign in campaigns)
        and is_home(draft, connection)
    )


def standard_steps(draft: Draft) -> None:
    """The standard integration of the connection the contact belongs to."""
    for connection in draft.facts.connections.values():
        if is_home(draft, connection):
            draft.tag_at.add(connection.id)
        if not serves(draft, connection):
            continue
        if connection.standard.get("note", True) and connection.id not in draft.note_at:
            draft.note_at[connection.id] = "all"
        draft.fed.setdefault(connection.id, set())
        if connection.standard.get("fields", True):
            _company_step(draft, connection)
            _standard_step(draft, connection)


def _standard_step(draft: Draft, connection: ConnectionFacts) -> None:
    match = contact_match(connection, draft.person)
    company = _company(connection, draft.person)
    taken = draft.fed.get(connection.id, set())
    values = {
        name: value
        for name, value in standard_values(connection, draft.person).items()
        if name not in taken and (match is None or name != match["field"])
    }
    if match is None or not (values or company):
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
                "values": listed(values),
                "keep": [] if standard.get("overwrite") else sorted({*values, *company}),
                "refs": company,
                "create": listed(standard_values(connection, draft.person)),
            },
            targets=tuple(field_target(entity, name) for name in sorted({*values, *company})),
            campaign_id=draft.case.campaign.id if draft.case.campaign else None,
            state="parked" if connection.waits else "pending",
            reason=connection.waits,
        )
    )


def _company(connection: ConnectionFacts, person: Person) -> dict[str, dict[str, Any]]:
    """The contact's company by what the standard integration matches it, for the field that refers
    to it.
    """
    traits, by = connection.traits, str(connection.standard.get("company") or "")
    value = person.attributes.get(COMPANY_ATTRIBUTES.get(by, ""))
    field, into = traits.company_fields.get(by), traits.company_link
    if not value or field is None or into is None or traits.company_entity is None:
        return {}
    create = bool(connection.standard.get("create"))
    ref = {"entity": traits.company_entity, "field": field, "value": str(value)}
    return {into: {**ref, "create": create}}


def company_ref(connection: ConnectionFacts, person: Person) -> Mapping[str, Any] | None:
    """How the contact's company is found at this connection; None where that is not known."""
    return next(iter(_company(connection, person).values()), None)


def _company_step(draft: Draft, connection: ConnectionFacts) -> None:
    """A company that the CRM does not have yet, in a lane of its own: two contacts make it once."""
    for ref in _company(connection, draft.person).values():
        if not ref["create"]:
            continue
        draft.add(
            Step(
                key=f"company:{connection.id}",
                kind=FIELDS,
                connection_id=connection.id,
                linger_s=connection.linger_s,
                entity=ref["entity"],
                lane=record_lane(ref["entity"], ref["field"], ref["value"]),
                payload={
                    "match": {"field": ref["field"], "value": ref["value"]},
                    "linked": False,
                    "operation": "upsert",
                    "ambiguous": "refuse",
                    "values": {},
                    "keep": [],
                    "create": _company_name(connection, draft.person),
                },
                campaign_id=draft.case.campaign.id if draft.case.campaign else None,
                state="parked" if connection.waits else "pending",
                reason=connection.waits,
            )
        )


def _company_name(connection: ConnectionFacts, person: Person) -> dict[str, Any]:
    """A new company also carries its name where we know it: CRMs require one."""
    name, field = person.attributes.get("company"), connection.traits.company_fields.get("name")
    return {field: str(name)} if name and field else {}


def standard_values(connection: ConnectionFacts, person: Person) -> dict[str, FieldValue]:
    """The contact's own attributes in this CRM's standard fields, as far as it still has them."""
    entity = connection.entities.get(connection.traits.contact_entity)
    known = entity.by_name() if entity is not None else {}
    return {
        name: person.attributes[attribute]
        for attribute, name in connection.traits.standard_fields.items()
        if name in known
        and holds_text(known[name])
        and person.attributes.get(attribute) not in (None, "")
    }


def holds_text(field: Field) -> bool:
    """Whether a standard field still takes what it is for: it may have been retyped or closed."""
    return field.type not in _NOT_TEXT and (field.creatable or field.updatable)


def contact_match(connection: ConnectionFacts, person: Person) -> dict[str, str] | None:
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


def tag_steps(draft: Draft) -> None:
    """A score tag for an NPS answer, wherever the contact is fed or belongs."""
    score, campaign = draft.case.variables.get("computed.score"), draft.case.campaign
    if score is None or campaign is None or not draft.facts.tags_enabled:
        return
    for connection in at(draft, draft.tag_at):
        match, tags = match_as_fed(draft, connection), connection.traits.tags
        if match is None or tags.place is TagPlace.NONE or not connection.standard.get("tag", True):
            continue
        needs = tags.needs_options and campaign.id not in connection.provisioned
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


def note_steps(draft: Draft) -> None:
    """A note where a mapping, an automation or the standard integration asks for one."""
    for connection in at(draft, draft.note_at):
        rule, limit = draft.note_at[connection.id], connection.traits.note_limit
        match = match_as_fed(draft, connection)
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


def at(draft: Draft, wanted: Collection[int]) -> Iterator[ConnectionFacts]:
    """These connections, in their order."""
    for connection in draft.facts.connections.values():
        if connection.id in wanted:
            yield connection


def match_as_fed(draft: Draft, connection: ConnectionFacts) -> dict[str, str] | None:
    """The same match as the fields of this response, so that tag and note travel with them."""
    for step in draft.steps.values():
        here = step.connection_id == connection.id and step.payload.get("linked")
        if here and step.kind == FIELDS and step.payload["match"]["value"]:
            match: dict[str, str] = step.payload["match"]
            return match
    return contact_match(connection, draft.person)


def listed(values: Mapping[str, FieldValue]) -> dict[str, Any]:
    """The values as JSON keeps them."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }
