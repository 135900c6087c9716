"""The org's Tooling routes: objects and fields made by API, invisible until a permission set shows
them.

Bodies and answers are unverified (documentation and memory, 2026-11). What a grant to the API user
is needed for stands in account.py, where a write to the set-up objects takes effect.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import Any

from simulators.kit.messages import Answer, Refused, Request
from simulators.salesforce.field import FieldShape
from simulators.salesforce.ids import record_id
from simulators.salesforce.org import field_of_metadata
from simulators.salesforce.people import owner, text
from simulators.salesforce.rest import Rest, api
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.wording import not_found, said

_LEGAL_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_QUERY = re.compile(
    r"SELECT (?P<fields>\w+(?:, ?\w+)*) FROM (?P<entity>CustomObject|CustomField)"
    r" WHERE (?P<field>\w+) IN \((?P<values>'[^']*'(?:, ?'[^']*')*)\)"
)
_NEEDED = {
    "Text": ("length",),
    "LongTextArea": ("length", "visibleLines"),
    "Number": ("precision", "scale"),
    "Picklist": ("valueSet",),
    "MultiselectPicklist": ("valueSet", "visibleLines"),
    "Lookup": ("referenceTo", "relationshipName"),
}
_FIRST_PREFIX = 0x10


class Tooling(Rest):
    """What an admin can change through the API."""

    @api("GET", r"/tooling/query/?", kind="schema")
    def look(self, request: Request) -> Answer:
        """Custom objects and fields by name or object, whether the user may see them or not."""
        self._demand_admin()
        asked = _QUERY.fullmatch(request.asked("q"))
        if asked is None:
            return said(400, "MALFORMED_QUERY", "unexpected token")
        rows = self._custom_objects() if asked["entity"] == "CustomObject" else self._own_fields()
        names = re.split(", ?", asked["fields"])
        if rows and not {asked["field"], *names} <= rows[0].keys():
            return said(400, "INVALID_FIELD", "No such column on sobject of type " + asked[2])
        wanted = set(re.findall(r"'([^']*)'", asked["values"]))
        found = [
            {"attributes": {"type": asked["entity"]}, **{name: one[name] for name in names}}
            for one in rows
            if one[asked["field"]] in wanted
        ]
        return Answer(200, {"size": len(found), "totalSize": len(found), "done": True,
                            "queryLocator": None, "records": found})  # fmt: skip

    @api("POST", r"/tooling/sobjects/CustomObject/?", kind="schema")
    def add_object(self, request: Request) -> Answer:
        """A new custom object; nobody but those with a grant sees it."""
        self._demand_admin()
        told = request.json()
        name, metadata = str(told.get("FullName", "")), told.get("Metadata") or {}
        if not _LEGAL_NAME.fullmatch(name):
            return said(400, "FIELD_INTEGRITY_EXCEPTION", "Enter a valid object name")
        if self._object(name) is not None:
            message = "There is already an object with this name"
            return said(400, "DUPLICATE_DEVELOPER_NAME", message)
        needed = ("label", "pluralLabel", "nameField", "deploymentStatus", "sharingModel")
        if missing := [one for one in needed if not metadata.get(one)]:
            return said(400, "REQUIRED_FIELD_MISSING", f"Required field is missing: {missing[0]}")
        numbered = metadata["nameField"].get("type") == "AutoNumber"
        named = text("Name", str(metadata["nameField"].get("label")), 80, name_field=True,
                     nillable=False, defaulted=True, createable=not numbered,
                     updateable=not numbered)  # fmt: skip
        prefix = f"a{_FIRST_PREFIX + len(self.store.hidden):x}"
        self.store.hidden[name] = ObjectShape.of(
            name, prefix, [named, owner()], label=str(metadata["label"])
        )
        return self._made(_object_id(name))

    @api("POST", r"/tooling/sobjects/CustomField/?", kind="schema")
    def add_field(self, request: Request) -> Answer:
        """A new custom field of an object."""
        self._demand_admin()
        told = request.json()
        entity, _, name = str(told.get("FullName", "")).partition(".")
        shape = self._object(entity)
        if shape is None or not _LEGAL_NAME.fullmatch(name):
            return said(400, "FIELD_INTEGRITY_EXCEPTION", "Enter a valid object and field name")
        if name in shape.fields:
            message = "There is already a field with this name on the object"
            return said(400, "DUPLICATE_DEVELOPER_NAME", message)
        field = self._field_of(told.get("Metadata") or {}, name)
        hidden = replace(field, visible=False, createable=False, updateable=False)
        shape.fields[name] = hidden
        return self._made(_field_id(entity, name))

    @api("GET", r"/tooling/sobjects/CustomField/(?P<id>[^/]+)", kind="schema")
    def read_field(self, request: Request) -> Answer:
        """One custom field with its metadata."""
        self._demand_admin()
        entity, field = self._known_field(request)
        values = [_value(one) for one in field.values]
        valued = {
            "restricted": field.restricted,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
        metadata = {
            "label": field.label,
            "type": "MultiselectPicklist",
            "visibleLines": 5,
            "valueSet": valued,
        }
        told = {"Id": request.params["id"], "FullName": f"{entity}.{field.name}"}
        return Answer(200, {**told, "Metadata": metadata})

    @api("PATCH", r"/tooling/sobjects/CustomField/(?P<id>[^/]+)", kind="schema")
    def change_field(self, request: Request) -> Answer:
        """A custom field's metadata as a whole: what is left out is lost."""
        self._demand_admin()
        entity, field = self._known_field(request)
        made = self._field_of(request.json().get("Metadata") or {}, field.name)
        if made.type != field.type:
            return said(400, "FIELD_INTEGRITY_EXCEPTION", "the type cannot be changed this way")
        shape = self._object(entity)
        if shape is not None:
            shape.change(field.name, values=made.values, label=made.label)
        return Answer(204)

    # --- parts ------------------------------------------------------------------------------------

    def _demand_admin(self) -> None:
        if not self.options["customize_application"]:
            message = "You do not have the level of access necessary: Customize Application"
            raise Refused(said(403, "INSUFFICIENT_ACCESS", message))

    def _object(self, name: str) -> ObjectShape | None:
        return self.store.objects.get(name) or self.store.hidden.get(name)

    def _every_object(self) -> list[ObjectShape]:
        return [*self.store.objects.values(), *self.store.hidden.values()]

    def _custom_objects(self) -> list[dict[str, Any]]:
        return [
            {"Id": _object_id(one.name), "DeveloperName": one.name.removesuffix("__c")}
            for one in self._every_object()
            if one.custom
        ]

    def _own_fields(self) -> list[dict[str, Any]]:
        return [
            {
                "Id": _field_id(shape.name, one.name),
                "DeveloperName": one.name.removesuffix("__c"),
                # A custom object is named by its id here, a standard one by its name.
                "TableEnumOrId": _object_id(shape.name) if shape.custom else shape.name,
            }
            for shape in self._every_object()
            for one in shape.fields.values()
            if one.custom
        ]

    def _known_field(self, request: Request) -> tuple[str, FieldShape]:
        for shape in self._every_object():
            for one in shape.fields.values():
                if _field_id(shape.name, one.name) == request.params["id"]:
                    return shape.name, one
        raise Refused(not_found())

    def _field_of(self, metadata: dict[str, Any], name: str) -> FieldShape:
        needed = ("label", "type", *_NEEDED.get(str(metadata.get("type")), ()))
        if missing := [one for one in needed if metadata.get(one) is None]:
            message = f"Required field is missing: {missing[0]}"
            raise Refused(said(400, "REQUIRED_FIELD_MISSING", message))
        try:
            return field_of_metadata(metadata, name)
        except KeyError:
            message = "Metadata has no known type"
            raise Refused(said(400, "INVALID_FIELD", message)) from None

    @staticmethod
    def _made(made_id: str) -> Answer:
        told = {"id": made_id, "success": True, "errors": [], "warnings": [], "infos": []}
        return Answer(201, told)


def _value(name: str) -> dict[str, Any]:
    return {"fullName": name, "default": False, "label": name}


def _object_id(name: str) -> str:
    return record_id("01I", zlib.crc32(name.encode()))


def _field_id(entity: str, name: str) -> str:
    return record_id("00N", zlib.crc32(f"{entity}.{name}".encode()))
