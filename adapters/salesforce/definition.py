"""What our package consists of in Salesforce, in the words of its Metadata API. Pure.

One definition for both ways in: provisioning through the Tooling API sends these bodies, and
package.py writes the same as source files for `sf project deploy`.
Metadata types CustomField, CustomObject and PermissionSet (Metadata API Developer Guide, 2026-11;
unverified on a real org).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.salesforce.traits import KEY_FIELD, RECORD_ENTITY, TAG_FIELD, TAG_LENGTH

CONTACT, LEAD = "Contact", "Lead"
PERMISSION_SET = "NPSToday_Answerback"
PERMISSION_LABEL = "Answerback"
SEGMENTS = ("Promoter", "Passive", "Detractor")
# A longest long text area; Salesforce asks for the lines shown, too.
COMMENT_LENGTH = 32_768
Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OwnField:
    """One field of ours: where, and its metadata without the name."""

    entity: str
    name: str
    metadata: Metadata

    @property
    def full_name(self) -> str:
        """As Salesforce names it over all objects."""
        return f"{self.entity}.{self.name}"


def own_object() -> Metadata:
    """The survey-response object; its records are numbered."""
    return {
        "label": "NPSToday Response",
        "pluralLabel": "NPSToday Responses",
        "nameField": {
            "type": "AutoNumber",
            "label": "Response Number",
            "displayFormat": "R-{00000000}",
        },
        "deploymentStatus": "Deployed",
        "sharingModel": "ReadWrite",
        "description": "One record per survey response, written by Answerback.",
    }


def key_field(entity: str = CONTACT) -> OwnField:
    """A key of our own on a person, which Salesforce itself keeps unique."""
    return OwnField(entity, KEY_FIELD, _text("NPSToday key", 64, unique=True))


def tag_field(no_send: str, entity: str = CONTACT) -> OwnField:
    """The score tags: open, so that a new campaign needs no change here."""
    metadata = {
        "label": "NPSToday tags",
        "type": "MultiselectPicklist",
        "visibleLines": 5,
        "valueSet": {
            "restricted": False,
            "valueSetDefinition": {"sorted": False, "value": [choice(no_send)]},
        },
    }
    return OwnField(entity, TAG_FIELD, metadata)


def record_fields() -> tuple[OwnField, ...]:
    """The fields of the survey-response object, its key first."""
    told: Mapping[str, Metadata] = {
        "Response_Id__c": _text("Response Id", 64, unique=True),
        "Contact__c": _lookup("Contact", CONTACT),
        "Lead__c": _lookup("Lead", LEAD),
        "Account__c": _lookup("Account", "Account"),
        "Opportunity__c": _lookup("Opportunity", "Opportunity"),
        "Case__c": _lookup("Case", "Case"),
        "Campaign__c": _text("Campaign", 255),
        "Score__c": {"label": "Score", "type": "Number", "precision": 2, "scale": 0},
        "Segment__c": _choices("Segment", SEGMENTS),
        "Comment__c": {
            "label": "Comment",
            "type": "LongTextArea",
            "length": COMMENT_LENGTH,
            "visibleLines": 5,
        },
        "Responded_At__c": {"label": "Responded at", "type": "DateTime"},
        "Tag__c": _text("Tag", TAG_LENGTH),
        "Link__c": {"label": "Link", "type": "Url"},
    }
    return tuple(OwnField(RECORD_ENTITY, name, one) for name, one in told.items())


def choice(value: str) -> dict[str, Any]:
    """One value of a picklist's definition."""
    return {"fullName": value, "default": False, "label": value}


def values_of(metadata: Metadata) -> tuple[str, ...]:
    """The values a picklist must have; () for other fields."""
    definition = (metadata.get("valueSet") or {}).get("valueSetDefinition") or {}
    return tuple(str(one["fullName"]) for one in definition.get("value") or ())


def _text(label: str, length: int, *, unique: bool = False) -> Metadata:
    keyed = {"externalId": True, "unique": True, "caseSensitive": False} if unique else {}
    return {"label": label, "type": "Text", "length": length, **keyed}


def _lookup(label: str, target: str) -> Metadata:
    return {
        "label": label,
        "type": "Lookup",
        "referenceTo": target,
        "relationshipLabel": "NPSToday Responses",
        "relationshipName": "NPSToday_Responses",
        "deleteConstraint": "SetNull",
    }


def _choices(label: str, values: tuple[str, ...]) -> Metadata:
    definition = {"sorted": False, "value": [choice(one) for one in values]}
    return {
        "label": label,
        "type": "Picklist",
        "valueSet": {"restricted": True, "valueSetDefinition": definition},
    }
