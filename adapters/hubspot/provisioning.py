"""Looks through an account for our properties and our object, and makes what is missing, on
request.

A property's uniqueness can be given only when it is made, so one of our name that lacks it is
drift. Custom objects need an Enterprise plan and scopes of their own; HubSpot refuses both with the
same words, so both are said (HubSpot fact sheet, section 10).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from adapters.errors import BatchRefused, PauseMapping
from adapters.hubspot import tagging
from adapters.hubspot.client import Client
from adapters.hubspot.definition import (
    RECORD_KEY,
    Definition,
    group,
    key_property,
    record_properties,
    record_schema,
    tag_property,
)
from adapters.hubspot.traits import API, RECORD_NAME, TAG_FIELD, TAG_GROUP, TRAITS
from adapters.provisioning import (
    Part,
    Plan,
    State,
    Task,
    Thing,
    Wanted,
    carried_out,
    seen_again,
)

CONTACTS = TRAITS.contact_entity
PROPERTIES = f"/crm/properties/{API}/{{object}}"
SCHEMAS = f"/crm-object-schemas/{API}/schemas"
ABSENT, EXISTS = frozenset({404}), frozenset({409})
NO_OBJECTS = (
    "custom objects need an Enterprise plan and the scopes crm.schemas.custom.read,"
    " crm.schemas.custom.write, crm.objects.custom.read and crm.objects.custom.write; without them"
    " each response is a note on the contact, beside its properties"
)
HINTS = (
    "Views and record layouts are yours: add the group NPSToday to the contact's record.",
    "A unique property stays unique for ever: HubSpot lets it be said only when it is made.",
)
Properties = Mapping[str, Mapping[str, Any]]


class Furnishing:
    """One look at an account, and what follows from it."""

    def __init__(self, client: Client, wanted: Wanted) -> None:
        self._client = client
        self._tags = [wanted.no_send, *wanted.tags]
        self._wanted = wanted
        self._contacts = self._properties(CONTACTS)
        self._record, self._refusal = self._own_object()
        self._record_properties = self._properties(self._record) if self._record else {}

    def plan(self) -> Plan:
        """Every thing as it is now."""
        return Plan(tuple(one.thing for one in self._tasks()), HINTS)

    def carried_out(self, parts: Collection[Part]) -> tuple[Thing, ...]:
        """Make what is missing of these parts."""
        return carried_out(self._tasks(), parts)

    # --- what there is ----------------------------------------------------------------------------

    def _properties(self, entity: str) -> Properties:
        told = self._client.call("GET", PROPERTIES, params={"object": entity}).body
        return {str(one["name"]): one for one in told.get("results") or ()}

    def _own_object(self) -> tuple[str | None, str]:
        """Our object's full name, None while it is not there; why it cannot be looked for."""
        try:
            told = self._client.call("GET", SCHEMAS).body
        except (PauseMapping, BatchRefused):
            # Which of the two a smaller plan is answered with is not known.
            return None, NO_OBJECTS
        return own_object(told), ""

    # --- what follows -----------------------------------------------------------------------------

    def _tasks(self) -> list[Task]:
        return [
            self._key_task(),
            self._tags_task(),
            *self._option_tasks(),
            self._object_task(),
            *(self._record_task(one) for one in record_properties()),
        ]

    def _key_task(self) -> Task:
        wanted = key_property()
        return self._property_task(
            Part.KEY, CONTACTS, wanted, self._contacts, "a text that is unique"
        )

    def _tags_task(self) -> Task:
        wants = "checkboxes, an option for each tag"
        wanted = tag_property(self._tags)
        return self._property_task(Part.TAGS, CONTACTS, wanted, self._contacts, wants)

    def _property_task(
        self, part: Part, entity: str, wanted: Definition, there: Properties, wants: str
    ) -> Task:
        held = there.get(str(wanted["name"]))
        faults = _drift(wanted, held) if held is not None else ()
        state = State.MISSING if held is None else State.DRIFTED if faults else State.EXISTS
        name = f"{entity}.{wanted['name']}"
        thing = Thing(part, "field", name, wants, state, "; ".join(faults))
        return Task(thing, (lambda: self._make(entity, wanted)) if held is None else None)

    def _option_tasks(self) -> list[Task]:
        return [
            self._options_task(Part.NO_SEND, [self._wanted.no_send]),
            *([self._options_task(Part.TAGS, self._wanted.tags)] if self._wanted.tags else []),
        ]

    def _options_task(self, part: Part, tags: Sequence[str]) -> Task:
        held = self._contacts.get(TAG_FIELD) or {}
        there = {str(one.get("value")) for one in held.get("options") or ()}
        lacking = [one for one in tags if one not in there]
        field = f"{CONTACTS}.{TAG_FIELD}"
        state = State.MISSING if lacking else State.EXISTS
        text = f"{len(lacking)} of {len(tags)} options are missing" if lacking and held else ""
        name = f"{field}: {tags[0]}" if len(tags) == 1 else f"{field}: tags"
        thing = Thing(part, "option", name, "options of the tag property", state, text)
        return Task(thing, (lambda: self._add(lacking)) if lacking else None, frozenset({field}))

    def _object_task(self) -> Task:
        wants = "an object of its own, one record per response"
        state = State.EXISTS if self._record else State.MISSING
        if self._refusal:
            state = State.IMPOSSIBLE
        name = self._record or RECORD_NAME
        thing = Thing(Part.RECORD, "entity", name, wants, state, self._refusal)
        return Task(thing, self._make_object if state is State.MISSING else None)

    def _record_task(self, wanted: Definition) -> Task:
        if self._record:
            wants = str(wanted["fieldType"])
            there = self._record_properties
            return self._property_task(Part.RECORD, self._record, wanted, there, wants)
        state = State.IMPOSSIBLE if self._refusal else State.MISSING
        name = f"{RECORD_NAME}.{wanted['name']}"
        # Made with its object, in the same call.
        return Task(Thing(Part.RECORD, "field", name, str(wanted["fieldType"]), state))

    # --- making -----------------------------------------------------------------------------------

    def _make(self, entity: str, wanted: Definition) -> None:
        params = {"object": entity}
        body = {"groupName": TAG_GROUP, **wanted}
        told = {"params": params, "seen": EXISTS, "writes": True}
        self._client.call("POST", PROPERTIES + "/groups", body=group(), **told)  # type: ignore[arg-type]
        self._client.call("POST", PROPERTIES, body=body, **told)  # type: ignore[arg-type]

    def _make_object(self) -> None:
        # 409: somebody was faster. What it lacks then is seen by the look that follows.
        self._client.call("POST", SCHEMAS, body=record_schema(), seen=EXISTS, writes=True)

    def _add(self, tags: Sequence[str]) -> None:
        """Between the read and the write another campaign's options may come: those are made anew
        when their first tag is refused (connector/connections/provision.py).
        """
        tagging.add_options(self._client, CONTACTS, tags)


def own_object(told: Mapping[str, Any]) -> str | None:
    """The full name of the survey-response object among an account's schemas."""
    for one in told.get("results") or ():
        if one.get("name") == RECORD_NAME:
            return str(one["fullyQualifiedName"])
    return None


def planned(client: Client, wanted: Wanted) -> Plan:
    """The port's `planned`: two calls, three where the object is there."""
    return Furnishing(client, wanted).plan()


def furnish(client: Client, wanted: Wanted, parts: Collection[Part]) -> Plan:
    """The port's `furnish`."""
    done = Furnishing(client, wanted).carried_out(parts)
    fresh = Furnishing(client, wanted).plan()
    return seen_again(_with_object(done, fresh), fresh)


def _with_object(done: Sequence[Thing], fresh: Plan) -> list[Thing]:
    """A new object's things by the names they have from now on, its fields made with it."""
    full = next(one.name for one in fresh.things if one.kind == "entity")
    made = any(one.kind == "entity" and one.made for one in done)
    return [_renamed(one, full, made=made) if one.part is Part.RECORD else one for one in done]


def _renamed(one: Thing, full: str, *, made: bool) -> Thing:
    old = one.name.startswith(RECORD_NAME)
    name = full + one.name.removeprefix(RECORD_NAME) if old else one.name
    return Thing(one.part, one.kind, name, one.wants, one.state, one.text, made or one.made)


def _drift(wanted: Definition, held: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with a property, in words."""
    kind, shown = (str(held.get("type")), str(held.get("fieldType")))
    if (kind, shown) != (wanted["type"], wanted["fieldType"]):
        must = f"{wanted['type']}/{wanted['fieldType']}"
        return (f"it is of the type {kind}/{shown}, it must be {must}: rename or remove it",)
    unique = wanted.get("hasUniqueValue") and not held.get("hasUniqueValue")
    there = {str(one.get("value")) for one in held.get("options") or ()}
    # Options of the tags are things of their own.
    listed = wanted.get("options") or () if wanted["name"] != TAG_FIELD else ()
    lacking = [str(one["value"]) for one in listed if str(one["value"]) not in there]
    faults = (
        "it is not unique, and cannot become it: rename or remove it" if unique else "",
        f"the options {', '.join(lacking)} are missing" if lacking else "",
        "its values are read-only"
        if (held.get("modificationMetadata") or {}).get("readOnlyValue")
        else "",
    )
    return tuple(one for one in faults if one)


__all__ = ["RECORD_KEY", "furnish", "own_object", "planned"]
