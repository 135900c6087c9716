"""Looks through an org for what our package consists of, and makes what is missing, on request.

Objects and fields go through the Tooling API, grants through the set-up objects. A field made by
API is seen by nobody, not even by who made it, until a permission set shows it: `hidden` is told
apart from `missing` by asking the Tooling API, which shows all (Salesforce fact sheet, sections 8
and 10; the bodies are unverified).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from adapters.errors import BatchRefused, BrokenContract, PauseMapping
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
from adapters.salesforce.calls import Calls
from adapters.salesforce.definition import (
    CONTACT,
    LEAD,
    PERMISSION_LABEL,
    PERMISSION_SET,
    OwnField,
    choice,
    key_field,
    own_object,
    record_fields,
    tag_field,
    values_of,
)
from adapters.salesforce.drift import drift
from adapters.salesforce.traits import RECORD_ENTITY, RECORD_LEAD

FIELDS, OBJECTS = "tooling/sobjects/CustomField", "tooling/sobjects/CustomObject"
# The word in a refusal when another process, or the package, was faster.
TAKEN = "duplicate_developer_name"
HIDDEN = (
    "it is there, but no permission set shows it to the connected user: choose the part access, or"
    f" assign {PERMISSION_SET} in the set-up"
)
UNSEEN = "it is missing, or hidden: the connected user may not look into the set-up"
HINTS = (
    "Page layouts are yours: put the tags on the contact's, and the list of responses as well.",
    "An admin can install all of this as a package instead: crm-packages/salesforce.",
    "A new tag needs no option of its own: the list of tags is open.",
)


class Furnishing:
    """One look at an org, and what follows from it."""

    def __init__(self, calls: Calls, wanted: Wanted) -> None:
        self._calls = calls
        self._wanted = wanted
        self._seen = {name: self._described(name) for name in (CONTACT, LEAD, RECORD_ENTITY)}
        # Not every edition has leads, and not every integration user may see them.
        people = [one for one in (CONTACT, LEAD) if one == CONTACT or self._seen[one] is not None]
        self._keys = [key_field(one) for one in people]
        self._tags = [tag_field(wanted.no_send, one) for one in people]
        self._record = [one for one in record_fields() if one.name != RECORD_LEAD or LEAD in people]
        self._fields = (*self._keys, *self._tags, *self._record)
        self._there, self._told = self._in_setup()

    def plan(self) -> Plan:
        """Every thing as it is now."""
        return Plan(tuple(one.thing for one in self._tasks()), HINTS)

    def carried_out(self, parts: Collection[Part]) -> tuple[Thing, ...]:
        """Make what is missing of these parts."""
        return carried_out(self._tasks(), parts)

    # --- what there is ----------------------------------------------------------------------------

    def _described(self, entity: str) -> Mapping[str, Mapping[str, Any]] | None:
        """The fields of an object as the user sees them; None for an object he does not see."""
        with contextlib.suppress(PauseMapping):
            told = self._calls.get(f"sobjects/{entity}/describe")
            return {str(one["name"]): one for one in told["fields"]}
        return None

    def _in_setup(self) -> tuple[set[str], bool]:
        """Names of what is there although the user may not see it; whether we could look."""
        seen = [self._visible(one) for one in self._fields]
        if all(seen):
            return set(), True
        try:
            return self._looked_up(), True
        except (PauseMapping, BrokenContract):
            return set(), False

    def _looked_up(self) -> set[str]:
        name = RECORD_ENTITY.removesuffix("__c")
        homes = {one.entity: one.entity for one in self._keys}
        for one in self._query("CustomObject", "Id, DeveloperName", "DeveloperName", [name]):
            homes[str(one["Id"])] = RECORD_ENTITY
        columns = "DeveloperName, TableEnumOrId"
        found = self._query("CustomField", columns, "TableEnumOrId", sorted(homes))
        names = {f"{homes[str(one['TableEnumOrId'])]}.{one['DeveloperName']}__c" for one in found}
        return names | set(homes.values())

    def _query(
        self, entity: str, columns: str, field: str, values: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        listed = ", ".join(f"'{one}'" for one in values)
        # Names and ids of our own or of the org's set-up: letters, digits and underscores.
        soql = f"SELECT {columns} FROM {entity} WHERE {field} IN ({listed})"  # noqa: S608
        told = self._calls.get(f"tooling/query?q={quote(soql)}")
        records = told.get("records") if isinstance(told, dict) else None
        return records if isinstance(records, list) else []

    def _visible(self, one: OwnField) -> Mapping[str, Any] | None:
        return (self._seen[one.entity] or {}).get(one.name)

    # --- what follows -----------------------------------------------------------------------------

    def _tasks(self) -> list[Task]:
        key, tags = "a text of 64 signs, unique, an external id", "an open list of several choices"
        return [
            *(self._field_task(Part.KEY, one, key) for one in self._keys),
            *(self._field_task(Part.TAGS, one, tags) for one in self._tags),
            *(self._no_send_task(one) for one in self._tags),
            self._object_task(),
            *(self._field_task(Part.RECORD, one, _in_words(one)) for one in self._record),
            *self._access_tasks(),
        ]

    def _field_task(self, part: Part, one: OwnField, wants: str) -> Task:
        described = self._visible(one)
        state, text = self._state_of(one.full_name)
        if described is not None:
            faults = drift(one, described)
            state, text = (State.DRIFTED if faults else State.EXISTS), "; ".join(faults)
        thing = Thing(part, "field", one.full_name, wants, state, text)
        if state is not State.MISSING:
            return Task(thing)
        needs = frozenset({RECORD_ENTITY}) if one.entity == RECORD_ENTITY else frozenset[str]()
        return Task(thing, lambda: self._make(FIELDS, one.full_name, one.metadata), needs)

    def _state_of(self, name: str) -> tuple[State, str]:
        """Of what the user does not see."""
        if name in self._there:
            return State.HIDDEN, HIDDEN
        return State.MISSING, "" if self._told else UNSEEN

    def _no_send_task(self, tags: OwnField) -> Task:
        value = self._wanted.no_send
        described = self._visible(tags)
        options = {str(one["value"]) for one in (described or {}).get("picklistValues") or ()}
        state = State.EXISTS if value in options else State.MISSING
        name = f"{tags.full_name}: {value}"
        thing = Thing(Part.NO_SEND, "option", name, "a choice of the tag field", state)
        if state is State.EXISTS:
            return Task(thing)
        return Task(thing, lambda: self._add_choice(tags, value), frozenset({tags.full_name}))

    def _object_task(self) -> Task:
        state, text = self._state_of(RECORD_ENTITY)
        if self._seen[RECORD_ENTITY] is not None:
            state, text = State.EXISTS, ""
        wants = "an object of its own, one record per response"
        thing = Thing(Part.RECORD, "entity", RECORD_ENTITY, wants, state, text)
        if state is not State.MISSING:
            return Task(thing)
        return Task(thing, lambda: self._make(OBJECTS, RECORD_ENTITY, own_object()))

    def _access_tasks(self) -> list[Task]:
        unseen = [one for one in self._fields if not _usable(self._visible(one))]
        wants = "the connected user may see and edit all of it"
        state = State.MISSING if unseen else State.EXISTS
        text = f"{len(unseen)} fields cannot be seen or edited by the user" if unseen else ""
        thing = Thing(Part.ACCESS, "grant", PERMISSION_SET, wants, state, text)
        return [Task(thing, (lambda: self._grant(unseen)) if unseen else None)]

    # --- making -----------------------------------------------------------------------------------

    def _make(self, path: str, name: str, metadata: Mapping[str, Any]) -> None:
        body = {"FullName": name, "Metadata": metadata}
        try:
            self._calls.write("POST", path, body, {})
        except BatchRefused as exc:
            if TAKEN not in str(exc):
                raise
        self._there.add(name)

    def _add_choice(self, tags: OwnField, value: str) -> None:
        """One more value of the tag field; its metadata is read and sent back whole."""
        name = tags.name.removesuffix("__c")
        found = self._query("CustomField", "Id, DeveloperName", "TableEnumOrId", [tags.entity])
        field_id = next((str(one["Id"]) for one in found if one["DeveloperName"] == name), None)
        if field_id is None:
            message = f"the set-up shows no field {tags.full_name}"
            raise PauseMapping(message, code="tag_field_missing", field=tags.name)
        told = self._calls.get(f"{FIELDS}/{field_id}")
        metadata = told["Metadata"]
        if value in values_of(metadata):
            return
        metadata["valueSet"]["valueSetDefinition"]["value"].append(choice(value))
        body = {"FullName": told["FullName"], "Metadata": metadata}
        self._calls.write("PATCH", f"{FIELDS}/{field_id}", body, {})

    def _grant(self, fields: Sequence[OwnField]) -> None:
        """The permission set, assigned to the connected user, with what is there by now."""
        visible = {one.full_name for one in fields if self._visible(one)}
        there = [one for one in fields if one.full_name in self._there | visible]
        if not there:
            message = "there is nothing yet that access could be given to"
            raise PauseMapping(message, code="nothing_to_grant")
        user = str((self._calls.userinfo() or {}).get("user_id", ""))
        granted = self._permission_set()
        self._insert([{"attributes": {"type": "PermissionSetAssignment"}, "AssigneeId": user,
                       "PermissionSetId": granted}])  # fmt: skip
        if RECORD_ENTITY in self._there or self._seen[RECORD_ENTITY] is not None:
            self._insert([_object_grant(granted)])
        self._insert([_field_grant(granted, one) for one in there])

    def _permission_set(self) -> str:
        soql = f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'"  # noqa: S608
        if found := self._calls.records(soql):
            return str(found[0]["Id"])
        body = {"Name": PERMISSION_SET, "Label": PERMISSION_LABEL}
        return str(self._calls.write("POST", "sobjects/PermissionSet", body, {})["id"])

    def _insert(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Set-up records in one call; those that stand already are as good as made."""
        if not records:
            return
        body = {"allOrNone": False, "records": list(records)}
        told = self._calls.write("POST", "composite/sobjects", body, {})
        codes = {
            str(error.get("statusCode"))
            for one in told or ()
            for error in (one or {}).get("errors") or ()
        }
        if bad := sorted(codes - {"DUPLICATE_VALUE"}):
            message = f"Salesforce refused a grant: {bad[0].lower()}"
            raise PauseMapping(message, code="forbidden", scope="Manage Permission Sets")


def planned(calls: Calls, wanted: Wanted) -> Plan:
    """The port's `planned`: three describes, and two looks into the set-up where something is not
    seen.
    """
    return Furnishing(calls, wanted).plan()


def furnish(calls: Calls, wanted: Wanted, parts: Collection[Part]) -> Plan:
    """The port's `furnish`."""
    done = Furnishing(calls, wanted).carried_out(parts)
    return seen_again(done, Furnishing(calls, wanted).plan())


def _usable(described: Mapping[str, Any] | None) -> bool:
    return described is not None and bool(described.get("updateable"))


def _in_words(one: OwnField) -> str:
    kind, target = str(one.metadata["type"]), one.metadata.get("referenceTo")
    return f"{kind} to {target}" if target else kind


def _object_grant(permission_set: str) -> dict[str, Any]:
    rights = {f"Permissions{one}": one != "Delete" for one in ("Read", "Create", "Edit", "Delete")}
    told = {"ParentId": permission_set, "SobjectType": RECORD_ENTITY}
    return {"attributes": {"type": "ObjectPermissions"}, **told, **rights}


def _field_grant(permission_set: str, one: OwnField) -> dict[str, Any]:
    told = {"ParentId": permission_set, "SobjectType": one.entity, "Field": one.full_name}
    rights = {"PermissionsRead": True, "PermissionsEdit": True}
    return {"attributes": {"type": "FieldPermissions"}, **told, **rights}
