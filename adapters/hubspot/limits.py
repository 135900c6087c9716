"""How many records and properties a HubSpot portal may still hold, and what that says of its plan.
Pure.

HubSpot tells no plan. Only an Enterprise portal may have custom objects, so a limit of custom
records above nothing means Enterprise (limits tracking guide, seen 2026-11); otherwise nothing is
said. The paths are documented for 2026-03.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.rights import Room

API = "2026-03"
RECORDS, PROPERTIES = f"/crm/limits/{API}/records", f"/crm/limits/{API}/custom-properties"
ENTERPRISE = "Enterprise"
# The kinds of object that are written, by HubSpot's own numbers.
_KINDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets"}


def edition_by(records: object) -> str:
    """The plan, as far as the limits of records give it away."""
    custom = records.get("customObjectTypes") if isinstance(records, Mapping) else None
    limit = custom.get("overallLimit") if isinstance(custom, Mapping) else None
    return ENTERPRISE if isinstance(limit, int) and limit > 0 else ""


def rooms_by(records: object, properties: object) -> tuple[Room, ...]:
    """What may still be held of each kind; what is not told in numbers is left out."""
    return (
        *_rooms(records, "hubspotDefinedObjectTypes", "records of {}"),
        *_custom(records),
        *_rooms(properties, "byObjectType", "custom properties of {}"),
    )


def _rooms(told: object, key: str, what: str) -> Iterator[Room]:
    listed = told.get(key) if isinstance(told, Mapping) else None
    for one in listed if isinstance(listed, list) else ():
        kind = _KINDS.get(str(one.get("objectTypeId"))) if isinstance(one, Mapping) else None
        if kind:
            yield from _room(what.format(kind), one.get("limit"), one.get("usage"))


def _custom(records: object) -> Iterator[Room]:
    custom = records.get("customObjectTypes") if isinstance(records, Mapping) else None
    if isinstance(custom, Mapping):
        yield from _room(
            "records of custom objects", custom.get("overallLimit"), custom.get("overallUsage")
        )


def _room(what: str, limit: Any, usage: Any) -> Iterator[Room]:
    if isinstance(limit, int) and isinstance(usage, int) and limit > 0:
        yield Room(what, limit, max(0, limit - usage))
