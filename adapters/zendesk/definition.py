"""What the survey-response object is in Zendesk's words. Pure.

Bodies by the custom objects pages (vendor documentation, 2026-11), on which a lookup names its
target as `zen:user`, `zen:organization` or `zen:ticket`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.zendesk.traits import RECORD, RECORD_OBJECT

TITLE, PLURAL = "NPSToday response", "NPSToday responses"


@dataclass(frozen=True, slots=True)
class OwnField:
    """A field of the object. `target`: what a lookup leads to."""

    key: str
    title: str
    type: str
    target: str | None = None

    def body(self) -> Mapping[str, Any]:
        """What makes it."""
        told = {"key": self.key, "title": self.title, "type": self.type}
        return {**told, "relationship_target_type": self.target} if self.target else told


def record_object() -> Mapping[str, Any]:
    """The object as it is made; its name and external id it has by itself."""
    return {"key": RECORD_OBJECT, "title": TITLE, "title_pluralized": PLURAL}


def record_fields() -> tuple[OwnField, ...]:
    """Its own fields: what we know of a response, then what it belongs to. Zendesk has no times,
    so it keeps the day of the answer.
    """
    link = {word: name for word, (name, _) in RECORD.links.items()}
    return (
        OwnField("campaign", "Campaign", "text"),
        OwnField("score", "Score", "integer"),
        OwnField("segment", "Segment", "text"),
        OwnField("comment", "Comment", "textarea"),
        OwnField("answered_on", "Answered on", "date"),
        OwnField("tag", "Tag", "text"),
        OwnField("link", "Link", "text"),
        OwnField(link["contact"], "Contact", "lookup", "zen:user"),
        OwnField(link["company"], "Organization", "lookup", "zen:organization"),
        OwnField(link["ticket"], "Ticket", "lookup", "zen:ticket"),
        OwnField(link["owner"], "Owner", "lookup", "zen:user"),
    )
