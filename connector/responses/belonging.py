"""What a record of a response belongs to: contact, company, deal, ticket, owner. Pure.

Two kinds of record ask for it: the response's own (record.py), and what a mapping makes whose
`links` name fields that refer. Three ways lead to the other record; the first that knows counts:

    refs      it is looked up: the contact by what the response's other steps match it by, the
              company by what the standard integration matches it by, the deal by its id
    values    it is written as told, where the CRM has no look-up for it
    inherit   it is read on the contact or the deal that the record belongs to
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.responses.case import ConnectionFacts, Draft
from connector.responses.standard import company_ref, match_as_fed
from connector.responses.steps import FIELDS, Step, field_target
from schemas.fields import Entity

# The metadata of a response that names a record of the CRM -> what the record calls it.
NAMED_IN_META: Mapping[str, str] = {"deal_id": "deal", "ticket_id": "ticket", "owner_id": "owner"}
# What the CRM may refuse without costing the record: somebody's choice there, not an answer.
LEFT_OUT = frozenset({"owner"})
NO_MATCH = "no_match"

# our word -> the field that refers, and the entity it refers to (None: it cannot be looked up)
Links = Mapping[str, tuple[str, str | None]]
Ref = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Belonging:
    """The parts of a payload that say it. `inherit`: field -> where to read it, best first; `keep`:
    fields that only fill what is empty; `optional`: fields that go if the CRM refuses them.
    """

    refs: Mapping[str, Ref] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    inherit: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def belonging(
    draft: Draft, connection: ConnectionFacts, links: Links, *, match: Mapping[str, str]
) -> Belonging:
    """What a response's own record belongs to, of what its entity has fields for."""
    inherit = dict(_inherited(connection, links)) if _inherits(connection) else {}
    refs = dict(_refs(draft, connection, links, match=match, needed=True))
    values = dict(_told(draft, links))
    kept = [links[word][0] for word in LEFT_OUT if word in links]
    optional = [one for one in {*inherit, *kept} if one in {*inherit, *refs, *values}]
    return Belonging(
        refs, values, inherit, keep=tuple(sorted(optional)), optional=tuple(sorted(optional))
    )


def belong(draft: Draft) -> None:
    """Add to the steps of mappings what their records are linked to. After all other steps: how
    the contact is found follows from them.
    """
    for key, step in list(draft.steps.items()):
        mapping = _mapping_of(draft, step)
        if mapping and mapping.get("links"):
            draft.steps[key] = _linked(draft, step, mapping["links"])


def referring(entity: Entity, names: Links) -> Links:
    """Those of the links that the entity has a field for."""
    return {word: link for word, link in names.items() if entity.field(link[0]) is not None}


# --- a mapping's ----------------------------------------------------------------------------------


def _mapping_of(draft: Draft, step: Step) -> Mapping[str, Any] | None:
    if step.kind != FIELDS or step.mapping_id is None:
        return None
    facts = draft.facts.mappings.values()
    return next((one.body for one in facts if one.id == step.mapping_id), None)


def _linked(draft: Draft, step: Step, asked: Mapping[str, str]) -> Step:
    connection = draft.facts.connections[step.connection_id]
    traits, match = connection.traits, match_as_fed(draft, connection)
    entities = {"contact": traits.contact_entity, "company": traits.company_entity}
    links: Links = {to: (field_name, entities[to]) for to, field_name in asked.items()}
    if match is None:
        draft.verdicts[f"links:{step.mapping_id}"] = NO_MATCH
        return step
    refs = dict(_refs(draft, connection, links, match=match, needed=False))
    inherit = dict(_inherited(connection, links))
    contact = asked.get("contact")
    payload = {
        **step.payload,
        "refs": refs,
        "inherit": inherit,
        "optional": sorted({*inherit, *asked.values()}),
        **({"contact": contact} if contact else {}),
    }
    targets = {*step.targets, *(field_target(step.entity, name) for name in refs)}
    return replace(step, payload=payload, targets=tuple(sorted(targets)))


# --- the parts ------------------------------------------------------------------------------------


def _refs(
    draft: Draft,
    connection: ConnectionFacts,
    links: Links,
    *,
    match: Mapping[str, str],
    needed: bool,
) -> Iterator[tuple[str, Ref]]:
    if "contact" in links:
        create = _may_be_made(draft, connection)
        own = {"entity": connection.traits.contact_entity, **match, "create": create}
        others = _stand_ins(connection, match["field"])
        yield links["contact"][0], {**own, "contact": True, "needed": needed, **others}
    if "company" in links and (company := company_ref(connection, draft.person)):
        yield links["company"][0], dict(company)
    for word, told in _named(draft, links):
        into, entity = links[word]
        if entity is not None:
            by = {"field": connection.traits.id_field, "value": told}
            yield into, {"entity": entity, **by, "create": False}


def _stand_ins(connection: ConnectionFacts, field_name: str) -> dict[str, list[str]]:
    """Where else a person is looked for whom the CRM has not as a contact."""
    record = connection.traits.record
    named = record.stand_ins if record else ()
    known = [one for one in named if _has(connection, one, field_name)]
    return {"or": known} if known else {}


def _told(draft: Draft, links: Links) -> Iterator[tuple[str, str]]:
    """What the platform names and the CRM has no look-up for."""
    for word, told in _named(draft, links):
        into, entity = links[word]
        if entity is None:
            yield into, told


def _named(draft: Draft, links: Links) -> Iterator[tuple[str, str]]:
    meta = draft.case.body.get("meta") or {}
    for key, word in NAMED_IN_META.items():
        if word in links and meta.get(key):
            yield word, str(meta[key])


def _inherits(connection: ConnectionFacts) -> bool:
    return bool(connection.standard.get("record_inherits"))


def _inherited(
    connection: ConnectionFacts, links: Links
) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """Where company and owner stand on what the record belongs to."""
    for word, sources in connection.traits.inherited.items():
        if word not in links:
            continue
        ways: list[Mapping[str, str]] = [
            {"via": links[via][0], "entity": str(links[via][1]), "field": name}
            for via, name in sources
            if via in links and _has(connection, links[via][1], name)
        ]
        if ways:
            yield links[word][0], ways


def _has(connection: ConnectionFacts, entity: str | None, name: str) -> bool:
    known = connection.entities.get(entity or "")
    return known is not None and known.field(name) is not None


def _may_be_made(draft: Draft, connection: ConnectionFacts) -> bool:
    """Whether some step of this response creates the contact where the CRM has none."""
    return any(
        step.connection_id == connection.id
        and step.payload.get("linked")
        and step.payload.get("operation") in {"create", "upsert"}
        for step in draft.steps.values()
    )
