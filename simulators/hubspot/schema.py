"""Property definitions, groups and object schemas of the simulated portal."""

from __future__ import annotations

import re
from typing import Any

from simulators.hubspot.batches import Batches
from simulators.hubspot.definitions import definition
from simulators.hubspot.portal import VERSION, area
from simulators.hubspot.store import Kind
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

PROPERTIES = area("properties") + r"/(?P<object>[^/]+)"
SCHEMAS = rf"/crm-object-schemas/{VERSION}/schemas"
FIELD_TYPES = {
    "string": {"text", "textarea", "html", "file", "phonenumber"},
    "number": {"number"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "bool": {"booleancheckbox"},
    "phone_number": {"phonenumber"},
}
NEEDED = ("name", "label", "type", "fieldType", "groupName")
CHANGEABLE = (
    "label",
    "description",
    "groupName",
    "fieldType",
    "displayOrder",
    "hidden",
    "formField",
)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Schema(Batches):
    """The calls about what records consist of."""

    @route("GET", PROPERTIES, kind="schema")
    def list_properties(self, request: Request) -> Answer:
        """All properties of a kind; `archived=true` those removed instead."""
        kind = self._viewable(request)
        removed = request.asked("archived") == "true"
        told = [{**one, "archived": True} for one in kind.removed.values()]
        if not removed:
            seen = [self._as_seen(kind, one) for one in kind.definitions.values()]
            told = [one for one in seen if one is not None]
        return Answer(200, {"results": told})

    @route("GET", PROPERTIES + "/(?P<name>[^/]+)", kind="schema")
    def one_property(self, request: Request) -> Answer:
        """One property."""
        kind = self._viewable(request)
        one = self._as_seen(kind, self._definition(kind, request))
        if one is None:
            raise Refused(self._no_property(request))
        return Answer(200, one)

    @route("POST", PROPERTIES, kind="schema")
    def create_property(self, request: Request) -> Answer:
        """A new property, or an archived one again."""
        kind = self._editable(request)
        told = request.json()
        self._check_new(kind, told)
        made = kind.removed.pop(told["name"], None) or definition(
            told["name"], told["label"], told["type"], told["fieldType"],
            own=False, group=told["groupName"], unique=bool(told.get("hasUniqueValue")),
            description=told.get("description", ""), hidden=bool(told.get("hidden")),
        )  # fmt: skip
        made["options"] = self._options(told.get("options", []))
        made["createdAt"] = made["updatedAt"] = self.clock.iso()
        self._remember_old(kind, told["name"], None)
        kind.definitions[told["name"]] = made
        return Answer(201, made)

    @route("PATCH", PROPERTIES + "/(?P<name>[^/]+)", kind="schema")
    def change_property(self, request: Request) -> Answer:
        """Change a property; `options` replaces the whole list."""
        kind = self._editable(request)
        one = self._definition(kind, request)
        if one["modificationMetadata"]["readOnlyDefinition"]:
            told_why = f"Property {one['name']} is read only and cannot be changed"
            raise Refused(self.errors.invalid(told_why))
        told = request.json()
        self._remember_old(kind, one["name"], dict(one))
        if "options" in told:
            self._replace_options(kind, one, self._options(told["options"]))
        one.update({name: told[name] for name in CHANGEABLE if name in told})
        one["updatedAt"] = self.clock.iso()
        return Answer(200, one)

    @route("DELETE", PROPERTIES + "/(?P<name>[^/]+)", kind="schema")
    def archive_property(self, request: Request) -> Answer:
        """Take a custom property away."""
        kind = self._editable(request)
        one = self._definition(kind, request)
        if one["hubspotDefined"]:
            raise Refused(self.errors.invalid(f"Property {one['name']} cannot be archived"))
        kind.removed[one["name"]] = kind.definitions.pop(one["name"])
        return Answer(204)

    @route("GET", PROPERTIES + "/groups", kind="schema")
    def list_groups(self, request: Request) -> Answer:
        """The groups that properties stand in."""
        kind = self._viewable(request)
        return Answer(200, {"results": list(self.groups[kind.name].values())})

    @route("POST", PROPERTIES + "/groups", kind="schema")
    def create_group(self, request: Request) -> Answer:
        """A new group."""
        kind = self._editable(request)
        told = request.json()
        if told["name"] in self.groups[kind.name]:
            raise Refused(self._exists("Properties.GROUP_WITH_NAME_EXISTS", told["name"]))
        group = {
            "name": told["name"], "label": told["label"],
            "displayOrder": told.get("displayOrder", -1), "archived": False,
        }  # fmt: skip
        self.groups[kind.name][told["name"]] = group
        return Answer(201, group)

    @route("GET", SCHEMAS + "/(?P<object>[^/]+)", kind="schema")
    def one_schema(self, request: Request) -> Answer:
        """One kind: here stands which properties are required."""
        kind = self._viewable(request)
        return Answer(200, self.schema_of(kind))

    # --- parts ----------------------------------------------------------------------------------

    def _viewable(self, request: Request) -> Kind:
        asked = request.params["object"]
        kind = next((one for one in self.kinds.values() if asked in {one.name, one.type_id}), None)
        if kind is None:
            raise Refused(self.errors.not_found())
        scopes = {f"crm.objects.{kind.scope}.read", f"crm.schemas.{kind.scope}.read"}
        if kind.name == "tickets":
            scopes = {"tickets"}
        if not scopes & self.granted(request):
            raise Refused(self.errors.may_not_view(kind.singular, f"{kind.name}-read"))
        return kind

    def _editable(self, request: Request) -> Kind:
        kind = self._viewable(request)
        self.need(request, f"crm.schemas.{kind.scope}.write")
        return kind

    def _definition(self, kind: Kind, request: Request) -> dict[str, Any]:
        found = kind.definitions.get(request.params["name"])
        if found is None:
            raise Refused(self._no_property(request))
        return found

    def _no_property(self, request: Request) -> Answer:
        told = f"Property {request.params['name']} does not exist"
        return self.errors.answer(404, told, "OBJECT_NOT_FOUND")

    def _remember_old(self, kind: Kind, name: str, old: dict[str, Any] | None) -> None:
        if reads := int(self.options["definition_lag_reads"]):
            self.lagging[kind.name, name] = (reads, old)

    def _as_seen(self, kind: Kind, one: dict[str, Any]) -> dict[str, Any] | None:
        """The definition as this read sees it: for a while what was there before a change."""
        left, old = self.lagging.get((kind.name, one["name"]), (0, None))
        if left == 0:
            return one
        self.lagging[kind.name, one["name"]] = (left - 1, old)
        return old

    def _check_new(self, kind: Kind, told: dict[str, Any]) -> None:
        missing = [name for name in NEEDED if not isinstance(told.get(name), str) or not told[name]]
        if missing:
            raise Refused(self.errors.invalid(f"Some required fields were not set: {missing}"))
        if told["name"] in kind.definitions:
            raise Refused(self._exists("Properties.PROPERTY_WITH_NAME_EXISTS", told["name"]))
        if not _NAME.fullmatch(told["name"]):
            raise Refused(self.errors.invalid(f"{told['name']} is not a valid internal name"))
        if told["fieldType"] not in FIELD_TYPES.get(told["type"], set()):
            raise Refused(self.errors.invalid(f"{told['fieldType']} does not fit {told['type']}"))
        if told["groupName"] not in self.groups[kind.name]:
            raise Refused(self.errors.invalid(f"Property group {told['groupName']} does not exist"))
        if told["type"] == "enumeration" and not told.get("options"):
            raise Refused(self.errors.invalid("An enumeration needs options"))

    def _exists(self, sub_category: str, name: str) -> Answer:
        told = f"A property named '{name}' already exists."
        return self.errors.answer(409, told, "OBJECT_ALREADY_EXISTS", subCategory=sub_category)

    def _options(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for one in told:
            if not one.get("value") or not one.get("label") or ";" in one["value"]:
                raise Refused(self.errors.invalid("An option needs a label and a value without ;"))
        if len({one["value"] for one in told}) < len(told):
            raise Refused(self.errors.invalid("Option values must be unique"))
        blank = {"description": "", "displayOrder": -1, "hidden": False}
        return [{**blank, **one} for one in told]

    @staticmethod
    def _replace_options(kind: Kind, one: dict[str, Any], options: list[dict[str, Any]]) -> None:
        """A value whose option is gone vanishes from the records (unverified)."""
        gone = {each["value"] for each in one["options"]} - {each["value"] for each in options}
        one["options"] = options
        if not gone:
            return
        for record in kind.records.values():
            held = record.properties.get(one["name"], "").split(";")
            if gone & set(held):
                record.properties[one["name"]] = ";".join(each for each in held if each not in gone)

    def schema_of(self, kind: Kind) -> dict[str, Any]:
        """One kind as the schemas API tells it."""
        label = kind.singular.capitalize()
        full = kind.name if kind.scope == "custom" else kind.singular
        return {
            "id": kind.type_id,
            "objectTypeId": kind.type_id,
            "fullyQualifiedName": full,
            "name": kind.singular,
            "labels": {"singular": label, "plural": kind.name.capitalize()},
            "requiredProperties": kind.required + self.options["required_rules"].get(kind.name, []),
            "searchableProperties": [],
            "primaryDisplayProperty": "email" if kind.name == "contacts" else "name",
            "secondaryDisplayProperties": [],
            "properties": list(kind.definitions.values()),
            "associations": [
                {
                    "id": str(number),
                    "name": f"{kind.singular}_to_{self.kinds[to].singular}",
                    "fromObjectTypeId": kind.type_id,
                    "toObjectTypeId": self.kinds[to].type_id,
                }
                for (of, to), number in self.link_types.items()
                if of == kind.name
            ],
            "archived": False,
        }
