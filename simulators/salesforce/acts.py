"""What single and batch routes do with a record alike: find it, check it, write it, show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.kit.messages import Answer, Refused, Request
from simulators.salesforce.account import NEWEST, Org
from simulators.salesforce.field import FieldShape
from simulators.salesforce.files import demand_content, publish
from simulators.salesforce.notes import demand_readable
from simulators.salesforce.persons import demand_no_person
from simulators.salesforce.records import Record
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.values import Complaint, RowRefused
from simulators.salesforce.wording import complaint, not_found, refusal, said

# The set-up objects that grant something, and the field that says what.
_GRANTS = {"ObjectPermissions": "SobjectType", "FieldPermissions": "Field"}
_SETUP = frozenset({"PermissionSet", "PermissionSetAssignment", *_GRANTS})
# What names the record that a note's link or a file hangs on.
_HOMES = ("LinkedEntityId", "FirstPublishLocationId")
_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist"})


class Acts(Org):
    """The acts behind the routes."""

    def root(self, request: Request) -> str:
        """The path every address in an answer starts with."""
        return f"/services/data/v{request.params.get('version', f'{NEWEST}.0')}"

    def shape(self, request: Request) -> ObjectShape:
        """The object the path names. Refused with 404."""
        found = self.store.objects.get(request.params["object"])
        if found is None:
            raise Refused(not_found())
        return found

    def living(self, shape: ObjectShape, remote_id: str) -> Record:
        """The record the path names. Refused with 404, deleted ones by name."""
        record = self.store.get(shape.name, remote_id)
        if record is None:
            message = "Provided external ID field does not exist or is not accessible: " + remote_id
            raise Refused(said(404, "NOT_FOUND", message))
        if record["IsDeleted"]:
            raise refusal(RowRefused(Complaint("ENTITY_IS_DELETED", "entity is deleted")))
        return record

    def matches(self, shape: ObjectShape, field: str, value: Any) -> list[Record]:
        """The living records with that value in an identifying field. Refused for other fields."""
        found = shape.visible(field)
        if found is None or not found.identifying:
            message = f"Provided external ID field does not exist or is not accessible: {field}"
            raise Refused(said(400, "NOT_FOUND", message))
        return self.store.holding(shape.name, found.name, value)

    def several(self, request: Request, shape: ObjectShape, matches: list[Record]) -> Answer:
        """300: several records answer to one external id."""
        root = f"{self.root(request)}/sobjects/{shape.name}"
        return Answer(300, [f"{root}/{one['Id']}" for one in matches])

    def pick(
        self, request: Request, shape: ObjectShape, record: Record, names: list[str]
    ) -> Record:
        """The named fields of a record. Refused with INVALID_FIELD for an unknown one."""
        url = f"{self.root(request)}/sobjects/{shape.name}/{record['Id']}"
        answer: Record = {"attributes": {"type": shape.name, "url": url}}
        for name in names:
            field = shape.visible(name)
            if field is None:
                message = f"No such column '{name}' on entity '{shape.name}'"
                raise Refused(said(400, "INVALID_FIELD", message))
            blob = field.type == "base64" and record.get(field.name)
            answer[field.name] = f"{url}/{field.name}" if blob else record.get(field.name)
        return answer

    def inserted(self, shape: ObjectShape, values: Record, request: Request) -> str:
        """Insert one row after the faults and checks every create passes. Raises RowRefused."""
        if not shape.createable:
            message = f"entity type {shape.name} does not support create"
            raise RowRefused(Complaint("INVALID_TYPE_FOR_OPERATION", message))
        self.row_fault(values, None)
        if shape.name in _SETUP and not self.options["customize_application"]:
            message = "insufficient access rights on cross-reference id"
            raise RowRefused(Complaint("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message))
        if shape.name in _GRANTS:
            self._demand_grantable(shape, values)
        if shape.name == "ContentNote":
            demand_readable(values.get("Content"))
        if shape.name == "ContentVersion":
            request.kind = "file"
            demand_content(values.get("VersionData"))
        rule = request.headers.get("sforce-duplicate-rule-header", "").lower()
        may_save = (
            "allowsave=true" in rule.replace(" ", "") and self.store.duplicate_rule == "alert"
        )
        remote_id = self.store.insert(shape.name, values, allow_save=may_save)
        if shape.name == "ContentVersion":
            publish(self.store, remote_id)
        return remote_id

    def _demand_grantable(self, shape: ObjectShape, values: Record) -> None:
        """A grant is given once, for what is there, and for a field only with its object."""
        of = _GRANTS[shape.name]
        given = (values.get("ParentId"), values.get(of))
        held = [(one["ParentId"], one[of]) for one in self.store.all_of(shape.name)]
        if given in held:
            message = f"duplicate value found: <unknown> duplicates value on record: {given[1]}"
            raise RowRefused(Complaint("DUPLICATE_VALUE", message))
        entity, _, field = str(values.get(of)).partition(".")
        known = self.store.objects.get(entity)
        if shape.name == "ObjectPermissions":
            known = known or self.store.hidden.get(entity)
        if known is None or (field and field not in known.fields):
            message = f"{of}: bad value for restricted picklist field: {values.get(of)}"
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise RowRefused(Complaint(code, message, (of,)))

    def updated(self, shape: ObjectShape, remote_id: str, values: Record) -> None:
        """Update one row after the faults every update passes. Raises RowRefused."""
        if not shape.updateable:
            message = f"entity type {shape.name} does not support update"
            raise RowRefused(Complaint("INVALID_TYPE_FOR_OPERATION", message))
        record = self.store.get(shape.name, remote_id)
        self.row_fault(values, record)
        if not self.options["person_contact_writable"]:
            demand_no_person(shape.name, record)
        self.store.update(shape.name, remote_id, values)

    def row_fault(self, values: Record, record: Record | None) -> None:
        """Raise the error a test ordered for this row, known by its id, e-mail or external id."""
        known = {**(record or {}), **values}
        names = ("Id", "Email", "NPSToday_Key__c", "Response_Id__c", "External_Number__c")
        homes = [known[one] for one in ("Id", *_HOMES) if one in known]
        held = [f"{name} {home}" for home in homes for name in values]
        error = self.faults.row(*(known.get(name) for name in names), *held)
        if error is not None:
            raise RowRefused(complaint(error))

    def one(self, request: Request, act: Callable[[], Any]) -> Any:
        """Do a single-record act; its refusal is the whole answer."""
        request.rows = 1
        self.demand_types(request, [request.json()] if request.body else [])
        try:
            return act()
        except RowRefused as refused:
            raise refusal(refused) from refused

    def demand_types(self, request: Request, rows: list[Any]) -> None:
        """With `strict_json`, a value of the wrong JSON type ends the whole call, unlocated."""
        if not self.options["strict_json"]:
            return
        for row in rows:
            entity = row.get("attributes", {}).get("type") or request.params.get("object", "")
            shape = self.store.objects.get(entity)
            wrong = shape is not None and any(_wrong(shape.visible(k), v) for k, v in row.items())
            if wrong:
                message = "Cannot deserialize instance of string from VALUE_NUMBER_INT"
                raise Refused(said(400, "JSON_PARSER_ERROR", message))


def _wrong(field: FieldShape | None, value: Any) -> bool:
    if field is None or value is None:
        return False
    return field.type in _TEXTS and not isinstance(value, str)
