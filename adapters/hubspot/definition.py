"""What our properties and the survey-response object are in HubSpot's words. Pure.

Property and schema bodies by the CRM properties and custom objects guides (2026-11); the custom
object is unverified on a real account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.hubspot.traits import KEY_FIELD, RECORD_NAME, TAG_FIELD, TAG_GROUP

LABEL = "NPSToday"
SEGMENTS = ("Promoter", "Passive", "Detractor")
RECORD_KEY = "response_id"
# Signs of a property's label: no limit is documented.
LONGEST_LABEL = 120
# What a response may belong to, in the word the schema takes.
ASSOCIATED = ("CONTACT", "COMPANY", "DEAL", "TICKET")
Definition = Mapping[str, Any]


def group() -> Definition:
    """The group our properties stand in."""
    return {"name": TAG_GROUP, "label": LABEL}


def tag_property(tags: Sequence[str]) -> Definition:
    """The score tags: checkboxes, each tag an option."""
    return {
        "groupName": TAG_GROUP,
        "name": TAG_FIELD,
        "label": LABEL,
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": new_options(tags, after=0),
    }


def score_property(name: str, campaign: str) -> Definition:
    """One campaign's score as a number of its own."""
    label = f"{LABEL} {campaign}"[:LONGEST_LABEL]
    return {"groupName": TAG_GROUP, **_of(name, label, "number", "number")}


def key_property() -> Definition:
    """A key of our own on a record, which HubSpot keeps unique."""
    return {
        "groupName": TAG_GROUP,
        "name": KEY_FIELD,
        "label": "NPSToday key",
        "description": "Set by Answerback on records that it made, so that none is made twice.",
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": True,
        "formField": False,
    }


def record_properties() -> tuple[Definition, ...]:
    """The properties of a survey response, its key first."""
    return (
        _of(RECORD_KEY, "Response id", "string", "text", hasUniqueValue=True),
        _of("campaign", "Campaign", "string", "text"),
        _of("score", "Score", "number", "number"),
        _of("segment", "Segment", "enumeration", "select", options=new_options(SEGMENTS, after=0)),
        _of("comment", "Comment", "string", "textarea"),
        _of("answered_at", "Answered at", "datetime", "date"),
        _of("tag", "Tag", "string", "text"),
        _of("link", "Link", "string", "text"),
    )


def record_schema() -> Definition:
    """The survey-response object as it is made."""
    return {
        "name": RECORD_NAME,
        "labels": {"singular": "NPSToday response", "plural": "NPSToday responses"},
        "primaryDisplayProperty": "campaign",
        "requiredProperties": [RECORD_KEY],
        "searchableProperties": ["campaign"],
        "secondaryDisplayProperties": ["score"],
        "properties": [dict(one) for one in record_properties()],
        "associatedObjects": list(ASSOCIATED),
    }


def new_options(values: Sequence[str], *, after: int) -> list[dict[str, Any]]:
    """Values as options, behind those that are there."""
    return [
        {"label": one, "value": one, "displayOrder": after + number, "hidden": False}
        for number, one in enumerate(values)
    ]


def _of(name: str, label: str, kind: str, shown: str, **more: Any) -> Definition:
    return {"name": name, "label": label, "type": kind, "fieldType": shown, **more}
