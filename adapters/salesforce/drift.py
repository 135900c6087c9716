"""In what a field of the org differs from what our package says it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.salesforce.definition import OwnField, values_of

# The metadata's word for a type, and the describe's (Object Reference, "Field Types").
DESCRIBED = {
    "Text": "string",
    "LongTextArea": "textarea",
    "Number": "double",
    "DateTime": "datetime",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Url": "url",
    "Lookup": "reference",
}
OPEN_LIST = "MultiselectPicklist"


def drift(wanted: OwnField, described: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the field, in words; () when it will do."""
    kind = DESCRIBED[str(wanted.metadata["type"])]
    if described["type"] != kind:
        return (f"it is of the type {described['type']}, it must be {kind}: rename or remove it",)
    faults = (*_flags(wanted, described), *_sizes(wanted, described), *_values(wanted, described))
    return tuple(one for one in faults if one)


def _flags(wanted: OwnField, described: Mapping[str, Any]) -> tuple[str, ...]:
    told = wanted.metadata
    return (
        "it is not unique: tick Unique" if told.get("unique") and not described["unique"] else "",
        "it is no external id: tick External ID"
        if told.get("externalId") and not described["externalId"]
        else "",
        "the connected user may not edit it" if not described["updateable"] else "",
    )


def _sizes(wanted: OwnField, described: Mapping[str, Any]) -> tuple[str, ...]:
    length, target = wanted.metadata.get("length"), wanted.metadata.get("referenceTo")
    short = length is not None and int(described["length"]) < int(length)
    astray = target is not None and target not in described["referenceTo"]
    return (
        f"it holds {described['length']} signs, it must hold {length}" if short else "",
        f"it does not refer to {target}" if astray else "",
    )


def _values(wanted: OwnField, described: Mapping[str, Any]) -> tuple[str, ...]:
    if wanted.metadata["type"] == OPEN_LIST:
        # Tags of new campaigns come by themselves; the opt-out tag is a thing of its own.
        closed = described["restrictedPicklist"]
        return ("the list is restricted: untick 'Restrict picklist to the values'",) * bool(closed)
    there = {str(one["value"]) for one in described["picklistValues"] if one["active"]}
    missing = [one for one in values_of(wanted.metadata) if one not in there]
    return (f"the values {', '.join(missing)} are missing",) if missing else ()
