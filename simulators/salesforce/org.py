"""The objects of the simulated org, and how its set-up changes: fields hidden, added, altered.

People and companies are in people.py; here are the deals, the calendar, notes, topics, the report
object of the package and the set-up objects that field-level security is made of.
"""

from __future__ import annotations

from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.files import file_shapes
from simulators.salesforce.people import (
    account,
    box,
    choice,
    contact,
    lead,
    long_text,
    number,
    owner,
    text,
    to,
    user,
)
from simulators.salesforce.record_types import PREFIX
from simulators.salesforce.shape import ObjectShape

_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}
_STAGES = ("Prospecting", "Proposal", "Negotiation", "Closed Won", "Closed Lost")


def standard_org() -> dict[str, ObjectShape]:
    """Every object of a fresh org, by name."""
    every = (
        account(), contact(), lead(), user(), *_deals(), *_calendar(), *_notes(), *_topics(),
        *_security(), _response(), _organization(), _case(), _record_type(),
    )  # fmt: skip
    return {one.name: one for one in every}


def field_of_metadata(metadata: dict[str, Any], name: str) -> FieldShape:
    """The field a CustomField metadata body asks for. Raises KeyError for a type not simulated."""
    kind, defaults = _METADATA_TYPES[str(metadata.get("type"))]
    entries = (metadata.get("valueSet") or {}).get("valueSetDefinition", {}).get("value", [])
    targets = (metadata["referenceTo"],) if kind == "reference" else ()
    own: dict[str, Any] = {
        "reference_to": targets,
        "relationship": name.replace("__c", "__r") if targets else None,
        "length": int(metadata.get("length", defaults.get("length", 0))),
        "precision": int(metadata.get("precision", 0)),
        "scale": int(metadata.get("scale", 0)),
        "unique": bool(metadata.get("unique", False)),
        "external_id": bool(metadata.get("externalId", False)),
        "restricted": bool((metadata.get("valueSet") or {}).get("restricted", False)),
        "values": tuple(str(one["fullName"]) for one in entries),
    }
    return FieldShape(name, str(metadata.get("label", name)), kind, **own)


_METADATA_TYPES: dict[str, tuple[str, dict[str, int]]] = {
    "Text": ("string", {}),
    "LongTextArea": ("textarea", {}),
    "Number": ("double", {}),
    "Checkbox": ("boolean", {}),
    "Date": ("date", {}),
    "DateTime": ("datetime", {}),
    "Picklist": ("picklist", {"length": 255}),
    "MultiselectPicklist": ("multipicklist", {"length": 4099}),
    "Url": ("url", {"length": 255}),
    "Phone": ("phone", {"length": 40}),
    "Email": ("email", {"length": 80}),
    "Lookup": ("reference", {"length": 18}),
}


def _deals() -> tuple[ObjectShape, ...]:
    opportunity = (
        text("Name", "Name", 120, nillable=False, name_field=True),
        to("AccountId", "Account ID", "Account"),
        choice("StageName", "Stage", *_STAGES),
        FieldShape("CloseDate", "Close Date", "date", nillable=False),
        number("Amount", "Amount", 18, 2, type="currency"),
        FieldShape("IsWon", "Won", "boolean", default=False, defaulted=True, **_READ_ONLY),
        FieldShape("IsClosed", "Closed", "boolean", default=False, defaulted=True, **_READ_ONLY),
        FieldShape("LastStageChangeDate", "Last Stage Change Date", "datetime", **_READ_ONLY),
        number("NPS_Score__c", "NPS score", 2, 0),
        owner(),
    )
    role = (
        to("OpportunityId", "Opportunity ID", "Opportunity", nillable=False),
        to("ContactId", "Contact ID", "Contact", nillable=False),
        choice("Role", "Role", "Decision Maker", "Business User", "Other"),
        box("IsPrimary", "Primary"),
    )
    return (
        ObjectShape.of("Opportunity", "006", opportunity),
        ObjectShape.of("OpportunityContactRole", "00K", role, label="Opportunity Contact Role"),
    )


def _calendar() -> tuple[ObjectShape, ...]:
    event = (
        to("WhoId", "Name ID", "Contact", "Lead"),
        to("WhatId", "Related To ID", "Account", "Opportunity"),
        to("AccountId", "Account ID", "Account", **_READ_ONLY),
        text("Subject", "Subject", 255),
        choice("Type", "Type", "Meeting", "Call", "Other"),
        FieldShape("StartDateTime", "Start Date Time", "datetime"),
        FieldShape("EndDateTime", "End Date Time", "datetime"),
        box("IsChild", "Is Child"),
        box("IsRecurrence", "Recurring"),
        long_text("Description", "Description", 32000),
        owner(),
    )
    relation = (
        to("EventId", "Event ID", "Event", nillable=False),
        to("RelationId", "Relation ID", "Contact", "Lead", "User", nillable=False),
        box("IsWhat", "Is What"),
    )
    task = (
        to("WhoId", "Name ID", "Contact", "Lead"),
        to("WhatId", "Related To ID", "Account", "Opportunity"),
        text("Subject", "Subject", 255),
        choice("Status", "Status", "Not Started", "In Progress", "Completed"),
        FieldShape("ActivityDate", "Due Date Only", "date"),
        FieldShape("IsClosed", "Closed", "boolean", default=False, defaulted=True, **_READ_ONLY),
        long_text("Description", "Description", 32000),
        owner(),
    )
    return (
        ObjectShape.of("Event", "00U", event),
        ObjectShape.of("EventRelation", "0RE", relation, label="Event Relation"),
        ObjectShape.of("Task", "00T", task),
    )


def _notes() -> tuple[ObjectShape, ...]:
    note = (
        text("Title", "Title", 255, nillable=False, name_field=True),
        FieldShape("Content", "Content", "base64"),
        long_text("TextPreview", "Text Preview", 255, **_READ_ONLY),
        FieldShape(
            "IsReadOnly", "Read Only", "boolean", default=False, defaulted=True, **_READ_ONLY
        ),
        owner(),
    )
    fixed: dict[str, Any] = {"nillable": False, "updateable": False}
    homes = ("Contact", "Account", "Lead", "Opportunity", "Case", "User")
    link = (
        to("ContentDocumentId", "ContentDocument ID", "ContentNote", "ContentDocument", **fixed),
        to("LinkedEntityId", "Linked Entity ID", *homes, **fixed),
        choice("ShareType", "Share Type", "V", "C", "I", restricted=True),
        choice("Visibility", "Visibility", "AllUsers", "InternalUsers", restricted=True),
    )  # fmt: skip
    return (
        ObjectShape.of("ContentNote", "069", note, label="Note"),
        *file_shapes(),
        ObjectShape.of("ContentDocumentLink", "06A", link, label="Content Document Link"),
    )


def _topics() -> tuple[ObjectShape, ...]:
    assignment = (
        to("TopicId", "Topic ID", "Topic", nillable=False),
        to("EntityId", "Entity ID", "Contact", "Account", nillable=False),
    )
    return (
        ObjectShape.of(
            "Topic", "0TO", (text("Name", "Name", 99, nillable=False, name_field=True),)
        ),
        ObjectShape.of(
            "TopicAssignment", "0PT", assignment, label="Topic Assignment", updateable=False
        ),
    )


def _security() -> tuple[ObjectShape, ...]:
    permissions = (
        to("ParentId", "Parent ID", "PermissionSet", nillable=False),
        text("SobjectType", "Sobject Type", 40, nillable=False),
        text("Field", "Field Name", 120, nillable=False),
        box("PermissionsRead", "Read Field"),
        box("PermissionsEdit", "Edit Field"),
    )
    assignment = (
        to("AssigneeId", "Assignee ID", "User", nillable=False),
        to("PermissionSetId", "Permission Set ID", "PermissionSet", nillable=False),
    )
    objects = (
        to("ParentId", "Parent ID", "PermissionSet", nillable=False),
        text("SobjectType", "Sobject Type", 40, nillable=False),
        *(box(f"Permissions{one}", one) for one in ("Read", "Create", "Edit", "Delete")),
    )
    permission_set = (
        text("Name", "Permission Set Name", 80, nillable=False, unique=True),
        text("Label", "Permission Set Label", 80, nillable=False),
    )
    return (
        ObjectShape.of("PermissionSet", "0PS", permission_set, label="Permission Set"),
        ObjectShape.of(
            "PermissionSetAssignment", "0Pa", assignment, label="Permission Set Assignment"
        ),
        ObjectShape.of("FieldPermissions", "01k", permissions, label="Field Permissions"),
        ObjectShape.of("ObjectPermissions", "110", objects, label="Object Permissions"),
    )


def _record_type() -> ObjectShape:
    fields = (
        text("Name", "Name", 80, nillable=False, name_field=True),
        text("DeveloperName", "Record Type Name", 80, nillable=False),
        text("SobjectType", "SObject Type Name", 40, nillable=False),
        box("IsActive", "Active"),
    )
    return ObjectShape.of("RecordType", PREFIX, fields, label="Record Type")


def _response() -> ObjectShape:
    fields = (
        text("Name", "Response Name", 80, name_field=True, nillable=False, defaulted=True),
        text("Response_Id__c", "Response Id", 64, external_id=True, unique=True),
        to("Contact__c", "Contact", "Contact"),
        to("Lead__c", "Lead", "Lead"),
        to("Account__c", "Account", "Account"),
        to("Opportunity__c", "Opportunity", "Opportunity"),
        to("Case__c", "Case", "Case"),
        text("Campaign__c", "Campaign", 255),
        number("Score__c", "Score", 2, 0),
        choice("Segment__c", "Segment", "Promoter", "Passive", "Detractor", restricted=True),
        long_text("Comment__c", "Comment", 32768),
        FieldShape("Responded_At__c", "Responded at", "datetime"),
        text("Tag__c", "Tag", 255),
        FieldShape("Link__c", "Link", "url", length=255),
        owner(),
    )
    return ObjectShape.of("NPSToday_Response__c", "a0R", fields, label="NPSToday response")


def _organization() -> ObjectShape:
    fields = (
        text("Name", "Name", 80, name_field=True, **_READ_ONLY),
        FieldShape(
            "IsSandbox", "Is Sandbox", "boolean", default=False, defaulted=True, **_READ_ONLY
        ),
        text("InstanceName", "Instance Name", 5, **_READ_ONLY),
        text("OrganizationType", "Edition", 40, **_READ_ONLY),
    )
    return ObjectShape.of("Organization", "00D", fields, createable=False)


def _case() -> ObjectShape:
    fields = (
        to("ContactId", "Contact ID", "Contact"),
        to("AccountId", "Account ID", "Account"),
        text("Subject", "Subject", 255),
        choice("Status", "Status", "New", "Working", "Closed"),
        choice("Priority", "Priority", "High", "Medium", "Low"),
        long_text("Description", "Description", 32000),
        number("NPS_Score__c", "NPS score", 2, 0),
        owner(),
    )
    return ObjectShape.of("Case", "500", fields)
