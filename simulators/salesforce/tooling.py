"""The org's Tooling route: custom fields by API, invisible until a permission set shows them."""

from __future__ import annotations

from dataclasses import replace

from simulators.kit.messages import Answer, Request
from simulators.salesforce.ids import record_id
from simulators.salesforce.org import field_of_metadata
from simulators.salesforce.rest import Rest, api
from simulators.salesforce.wording import said

_LEGAL_SUFFIX = "__c"


class Tooling(Rest):
    """What an admin can change through the API."""

    @api("POST", r"/tooling/sobjects/CustomField/?", kind="schema")
    def add_field(self, request: Request) -> Answer:
        """A new custom field of an object."""
        told = request.json()
        entity, _, name = str(told.get("FullName", "")).partition(".")
        shape = self.store.objects.get(entity)
        if shape is None or not name.endswith(_LEGAL_SUFFIX):
            return said(400, "FIELD_INTEGRITY_EXCEPTION", "Enter a valid object and field name")
        if name in shape.fields:
            message = "There is already a field with this name on the object"
            return said(400, "DUPLICATE_DEVELOPER_NAME", message)
        try:
            field = field_of_metadata(told["Metadata"], name)
        except KeyError:
            return said(400, "INVALID_FIELD", "Metadata has no known type")
        hidden = replace(field, visible=False, createable=False, updateable=False)
        shape.fields[name] = hidden
        field_id = record_id("00N", len(shape.fields))
        told = {"id": field_id, "success": True, "errors": [], "warnings": [], "infos": []}
        return Answer(201, told)
