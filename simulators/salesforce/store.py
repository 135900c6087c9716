"""Writes to the simulated org, checked as Salesforce checks them.

A write either takes the whole row or raises RowRefused and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.ids import long_id, looks_like_id, record_id
from simulators.salesforce.record_types import FIELD
from simulators.salesforce.records import Record, Records, blank
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.values import Code, Complaint, RowRefused, refuse, taken

_DOCUMENTS = frozenset({"ContentDocument", "ContentNote"})


class Store(Records):
    """The records with Salesforce's checks in front. Not locked: the simulator holds its lock."""

    def __init__(self, objects: dict[str, ObjectShape], now: Callable[[], datetime]) -> None:
        super().__init__(objects, now)
        self.duplicate_rule = "off"
        self._count = 0

    def insert(self, entity: str, given: Mapping[str, Any], *, allow_save: bool = True) -> str:
        """A new record's id. Raises RowRefused."""
        shape = self.objects[entity]
        values = self._accepted(shape, given, creating=True)
        if shape.record_types:
            default = next((one.id for one in shape.record_types.values() if one.default), None)
            values.setdefault(FIELD, default)
        self._demand_offered(shape, values, values)
        self._demand_required(shape, values)
        self._demand_unique(shape, values, own_id=None)
        if not allow_save:
            self._demand_no_duplicate(entity, values)
        self._count += 1
        remote_id = record_id(shape.prefix, self._count)
        record = {**blank(shape), **values, **self.stamps(created=True), "Id": remote_id}
        self.keep(entity, record, kind="create", values=values)
        return remote_id

    def update(self, entity: str, remote_id: str, given: Mapping[str, Any]) -> None:
        """Change the given fields. Raises RowRefused, also for a record that is gone."""
        shape = self.objects[entity]
        record = self._living(entity, remote_id)
        if record.get("IsConverted"):
            message = "cannot reference converted lead"
            raise refuse(Code.CANNOT_UPDATE_CONVERTED_LEAD, message)
        values = self._accepted(shape, given, creating=False)
        self._demand_offered(shape, values, {**record, **values})
        self._demand_unique(shape, values, own_id=record["Id"])
        changed = {**record, **values, **self.stamps(created=False)}
        self.keep(entity, changed, kind="update", values=values)

    def delete(self, entity: str, remote_id: str) -> None:
        """Move a record to the recycle bin."""
        record = self._living(entity, remote_id)
        gone = {**record, **self.stamps(created=False), "IsDeleted": True}
        self.keep(entity, gone, kind="delete", values={})
        if entity in _DOCUMENTS:
            self._unlink(record["Id"])

    def _unlink(self, document: str) -> None:
        """A document takes its links with it."""
        for link in list(self.all_of("ContentDocumentLink")):
            if link["ContentDocumentId"] == document:
                self.poke("ContentDocumentLink", link["Id"], {"IsDeleted": True})

    def merge(self, entity: str, loser: str, survivor: str) -> None:
        """Merge two records: the loser is deleted and points to the survivor."""
        record = self._living(entity, loser)
        self._living(entity, survivor)
        gone = {**record, "IsDeleted": True, "MasterRecordId": long_id(survivor)}
        self.keep(entity, gone, kind="merge", values={"MasterRecordId": long_id(survivor)})

    def convert(self, lead: str, contact: str) -> None:
        """A lead becomes a contact: it stays, cannot be changed any more and names the contact."""
        record = self._living("Lead", lead)
        became = {"IsConverted": True, "ConvertedContactId": long_id(contact)}
        self.keep("Lead", {**record, **became}, kind="convert", values=became)

    # --- what is checked ---

    def _accepted(self, shape: ObjectShape, given: Mapping[str, Any], *, creating: bool) -> Record:
        values: Record = {}
        complaints: list[Complaint] = []
        for name, value in given.items():
            try:
                found = self._field(shape, name, value)
                _demand_writable(found, creating=creating)
                values[found.name] = self._taken(found, value)
            except RowRefused as refused:
                complaints.extend(refused.complaints)
        if complaints:
            raise RowRefused(*complaints)
        return values

    def _field(self, shape: ObjectShape, name: str, value: Any) -> FieldShape:
        found = shape.relationship(name) if isinstance(value, Mapping) else shape.visible(name)
        if found is None:
            raise no_such_column(shape.name, name)
        return found

    def _taken(self, field: FieldShape, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._referred(field, value)
        stored = taken(field, value)
        if field.type == "reference" and stored is not None:
            return self._reference(field, stored)
        return stored

    def _reference(self, field: FieldShape, value: str) -> str:
        home = self.home_of(value)
        # A file's or note's home may be a record of any custom object besides.
        anywhere = len(field.reference_to) > 1 and str(home).endswith("__c")
        is_home = home in field.reference_to or anywhere
        if home is None or not looks_like_id(value) or not is_home:
            message = f"{field.label}: id value of incorrect type: {value}"
            raise refuse(Code.MALFORMED_ID, message, field.name)
        record = self.get(home, value)
        if record is None:
            raise refuse(Code.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id", field.name)
        if record["IsDeleted"]:
            raise refuse(Code.ENTITY_IS_DELETED, "entity is deleted", field.name)
        if field.name == "OwnerId" and home == "User" and not record["IsActive"]:
            # A documented status code; that it names no field is unverified.
            message = f"operation performed with inactive user [{value}] as owner"
            raise refuse(Code.INACTIVE_OWNER_OR_USER, message)
        return str(record["Id"])

    def _referred(self, field: FieldShape, value: Mapping[str, Any]) -> str:
        keys = [key for key in value if key != "attributes"]
        for home in field.reference_to:
            if len(keys) == 1 and self.indexed(home, keys[0]):
                matches = self.holding(home, keys[0], value[keys[0]])
                if len(matches) == 1:
                    return str(matches[0]["Id"])
        message = (
            f"Foreign key external ID: not found for field {keys} in entity {field.reference_to}"
        )
        raise refuse(Code.INVALID_FIELD, message, field.name)

    def _demand_offered(self, shape: ObjectShape, values: Record, record: Record) -> None:
        record_type = shape.record_types.get(str(record.get(FIELD)))
        if record_type is None:
            return
        if FIELD in values and not record_type.active:
            message = "Record Type ID: this ID value isn't valid for the user"
            raise refuse(Code.INVALID_CROSS_REFERENCE_KEY, message, FIELD)
        for name, value in values.items():
            record_type.demand_offered(shape.fields[name], value)

    def _demand_required(self, shape: ObjectShape, values: Record) -> None:
        missing = [
            one.name
            for one in shape.fields.values()
            if one.required and one.type != "boolean" and values.get(one.name) is None
        ]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise refuse(Code.REQUIRED_FIELD_MISSING, message, *missing)

    def _demand_unique(self, shape: ObjectShape, values: Record, *, own_id: str | None) -> None:
        for name, value in values.items():
            if value is None or not shape.fields[name].unique:
                continue
            others = [one["Id"] for one in self.holding(shape.name, name, value)]
            if others and others != [own_id]:
                message = (
                    f"duplicate value found: {name} duplicates value on record with id: {others[0]}"
                )
                raise refuse(Code.DUPLICATE_VALUE, message)

    def _demand_no_duplicate(self, entity: str, values: Record) -> None:
        if self.duplicate_rule == "off" or entity != "Contact" or not values.get("Email"):
            return
        same = [
            one
            for one in self.holding(entity, "Email", values["Email"])
            if one["LastName"].casefold() == str(values.get("LastName", "")).casefold()
        ]
        if same:
            raise _duplicates(entity, same, allow=self.duplicate_rule == "alert")

    def _living(self, entity: str, remote_id: str) -> Record:
        if not looks_like_id(remote_id) or self.home_of(remote_id) != entity:
            message = f"{entity} ID: id value of incorrect type: {remote_id}"
            raise refuse(Code.MALFORMED_ID, message, "Id")
        record = self.get(entity, remote_id)
        if record is None:
            raise refuse(Code.INVALID_CROSS_REFERENCE_KEY, "invalid cross reference id")
        if record["IsDeleted"]:
            raise refuse(Code.ENTITY_IS_DELETED, "entity is deleted")
        return record


def no_such_column(entity: str, name: str) -> RowRefused:
    """What Salesforce says to a field it does not know, or does not show."""
    return refuse(Code.INVALID_FIELD, f"No such column '{name}' on sobject of type {entity}")


def _demand_writable(field: FieldShape, *, creating: bool) -> None:
    if field.createable if creating else field.updateable:
        return
    message = (
        f"Unable to create/update fields: {field.name}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set."
    )
    raise refuse(Code.INVALID_FIELD_FOR_INSERT_UPDATE, message, field.name)


def _duplicates(entity: str, same: list[Record], *, allow: bool) -> RowRefused:
    found = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": entity}, "Id": one["Id"]},
        }
        for one in same
    ]
    result = {
        "allowSave": allow,
        "duplicateRule": "Standard_Contact_Duplicate_Rule",
        "duplicateRuleEntityType": entity,
        "errorMessage": "Use one of these records?",
        "matchResults": [
            {
                "entityType": entity,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": found,
                "rule": "Standard_Contact_Match_Rule",
                "size": len(found),
                "success": True,
            }
        ],
    }
    return refuse(Code.DUPLICATES_DETECTED, "Use one of these records?", duplicateResult=result)
