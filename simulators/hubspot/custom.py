"""Custom kinds of records of the simulated portal: made by schema, on Enterprise plans only.

The answers follow the vendor's guide of custom objects (2026-11) and are unverified. Every kind has
a type id (2-...) and a fully qualified name (p<portal>_<name>); both stand for it in paths.
"""

from __future__ import annotations

import re
from typing import Any

from simulators.hubspot.definitions import definition, owner
from simulators.hubspot.schema import FIELD_TYPES, SCHEMAS, Schema
from simulators.hubspot.store import Kind
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

READ, WRITE = "crm.schemas.custom.read", "crm.schemas.custom.write"
FIRST_TYPE, FIRST_LINK = 3_445_001, 2_000
MOST_UNIQUE = 10
ASSOCIABLE = {"CONTACT": "contacts", "COMPANY": "companies", "DEAL": "deals", "TICKET": "tickets"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Custom(Schema):
    """The calls that make kinds of records."""

    @route("GET", SCHEMAS, kind="schema")
    def list_schemas(self, request: Request) -> Answer:
        """The custom kinds; on a plan below Enterprise not even that."""
        self._demand(request, READ)
        return Answer(200, {"results": [self.schema_of(one) for one in self._custom_kinds()]})

    @route("POST", SCHEMAS, kind="schema")
    def create_schema(self, request: Request) -> Answer:
        """A new kind of record with its properties and what it may be associated with."""
        self._demand(request, WRITE)
        told = request.json()
        self._check_schema(told)
        full = f"p{self.options['portal_id']}_{told['name']}"
        if full in self.kinds:
            message = f"An object type with name {told['name']} already exists"
            raise Refused(self.errors.answer(409, message, "OBJECT_ALREADY_EXISTS"))
        kind = self._new_kind(full, told)
        self.kinds[full] = kind
        self.groups[full] = {}
        for number, other in enumerate(told["associatedObjects"]):
            type_id = FIRST_LINK + 10 * len(self._custom_kinds()) + 2 * number
            self.link_types[full, ASSOCIABLE[other]] = type_id
            self.link_types[ASSOCIABLE[other], full] = type_id + 1
        # Engagements can be linked to every custom kind (custom objects guide, 2026-11).
        type_id = FIRST_LINK + 10 * len(self._custom_kinds()) + 8
        self.link_types["notes", full], self.link_types[full, "notes"] = type_id, type_id + 1
        return Answer(201, self.schema_of(kind))

    def _custom_kinds(self) -> list[Kind]:
        return [one for one in self.kinds.values() if one.scope == "custom"]

    def _demand(self, request: Request, scope: str) -> None:
        if not self.options["enterprise"]:
            if self.options["no_objects"] == "plan":
                raise Refused(self.errors.invalid("Your account has no custom objects"))
            raise Refused(self.errors.missing_scopes([scope]))
        self.need(request, scope)

    def _new_kind(self, full: str, told: dict[str, Any]) -> Kind:
        made = [_property(one) for one in told["properties"]]
        system = [
            definition("hs_object_id", "Record ID", "number", read_only=True),
            definition("hs_createdate", "Created", "datetime", read_only=True),
            definition("hs_lastmodifieddate", "Changed", "datetime", read_only=True),
        ]
        if self.options["custom_owner"]:
            system.append(owner("Owner"))
        by_name = {one["name"]: one for one in (*system, *made)}
        type_id = f"2-{FIRST_TYPE + len(self._custom_kinds())}"
        kind = Kind(full, type_id, told["name"], "custom", by_name)
        kind.required.extend(told.get("requiredProperties") or ())
        return kind

    def _check_schema(self, told: dict[str, Any]) -> None:
        names = [one.get("name") for one in told.get("properties") or ()]
        labels, linked = told.get("labels") or {}, told.get("associatedObjects")
        unique = [one for one in told.get("properties") or () if one.get("hasUniqueValue")]
        faults = (
            (not _NAME.fullmatch(str(told.get("name", ""))), "name"),
            (not (labels.get("singular") and labels.get("plural")), "labels"),
            (told.get("primaryDisplayProperty") not in names, "primaryDisplayProperty"),
            (not set(told.get("requiredProperties") or ()) <= set(names), "requiredProperties"),
            (not isinstance(linked, list), "associatedObjects"),
            (not set(linked or ()) <= ASSOCIABLE.keys(), "associatedObjects"),
            (len(set(names)) < len(names), "properties: a name stands twice"),
            (len(unique) > MOST_UNIQUE, "properties: too many unique ones"),
        )
        for wrong, text in faults:
            if wrong:
                raise Refused(self.errors.invalid(f"Invalid input: {text}"))
        for one in told["properties"]:
            self._check_property(one)

    def _check_property(self, one: dict[str, Any]) -> None:
        needed = ("name", "label", "type", "fieldType")
        if not all(isinstance(one.get(name), str) and one[name] for name in needed):
            raise Refused(self.errors.invalid("A property needs name, label, type and fieldType"))
        if not _NAME.fullmatch(one["name"]) or one["name"].startswith("hs_"):
            raise Refused(self.errors.invalid(f"{one['name']} is not a valid internal name"))
        if one["fieldType"] not in FIELD_TYPES.get(one["type"], set()):
            raise Refused(self.errors.invalid(f"{one['fieldType']} does not fit {one['type']}"))
        if one["type"] == "enumeration" and not one.get("options"):
            raise Refused(self.errors.invalid("An enumeration needs options"))


def _property(told: dict[str, Any]) -> dict[str, Any]:
    made = definition(
        told["name"], told["label"], told["type"], told["fieldType"],
        own=False, unique=bool(told.get("hasUniqueValue")),
    )  # fmt: skip
    blank = {"description": "", "displayOrder": -1, "hidden": False}
    made["options"] = [{**blank, **one} for one in told.get("options") or ()]
    return made
