"""Record types: kinds of an object's records, each with the options of a list that it offers.

Seeded as {"record_types": [{"object", "name", "label"?, "options": {field: [value]}, "default"?,
"active"?, "told"?}]}; a list that `options` does not name is offered whole. An object without any
has the master type alone and no RecordTypeId. Only restricted lists refuse what a type does not
offer. `told` false: the User Interface API keeps it from this user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.values import bad_choice

PREFIX = "012"
MASTER = "012000000000000AAA"
FIELD = "RecordTypeId"
_LISTS = frozenset({"picklist", "multipicklist"})


@dataclass(frozen=True, slots=True)
class RecordTypeShape:
    """One record type of an object."""

    id: str
    name: str
    label: str
    options: Mapping[str, tuple[str, ...]]
    default: bool = False
    active: bool = True
    told: bool = True

    def offered(self, field: FieldShape) -> tuple[str, ...]:
        """What it offers of a list, in the list's order."""
        chosen = self.options.get(field.name, field.values)
        return tuple(one for one in field.values if one in chosen)

    def demand_offered(self, field: FieldShape, value: Any) -> None:
        """Refuse an option of a restricted list that this type does not offer."""
        if not field.restricted or field.type not in _LISTS or value is None:
            return
        strange = [one for one in str(value).split(";") if one not in self.offered(field)]
        if strange:
            raise bad_choice(field, strange[0])

    def info(self, path: str) -> dict[str, Any]:
        """Its entry in a describe."""
        return info(
            self.id, self.name, self.label, path=path, default=self.default, active=self.active
        )


def reference() -> FieldShape:
    """The field that says of which type a record is."""
    return FieldShape(
        FIELD, "Record Type ID", "reference", length=18, reference_to=("RecordType",),
        relationship="RecordType",
    )  # fmt: skip


def infos(path: str, types: Mapping[str, RecordTypeShape]) -> list[dict[str, Any]]:
    """The `recordTypeInfos` of a describe: the master is the default where no other is."""
    default = not any(one.default for one in types.values())
    master = info(MASTER, "Master", "Master", path=path, default=default, active=True)
    return [*(one.info(path) for one in types.values()), master]


def info(
    record_type: str, name: str, label: str, *, path: str, default: bool, active: bool
) -> dict[str, Any]:
    """One entry of `recordTypeInfos`."""
    return {
        "active": active,
        "available": active,
        "defaultRecordTypeMapping": default,
        "developerName": name,
        "master": record_type == MASTER,
        "name": label,
        "recordTypeId": record_type,
        "urls": {"layout": f"{path}/describe/layouts/{record_type}"},
    }


def values_told(
    fields: Mapping[str, FieldShape], record_type: RecordTypeShape | None, *, url: str
) -> dict[str, Any]:
    """The UI API's picklist values collection; None is the master type."""
    return {
        "eTag": "6f2d1c0a9b8e47d5a3c1e0f9b8a7d6c5",
        "picklistFieldValues": {
            name: {
                "controllerValues": {},
                "defaultValue": None,
                "eTag": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                "url": f"{url}/{name}",
                "values": [
                    {"attributes": None, "label": each, "validFor": [], "value": each}
                    for each in (record_type.offered(one) if record_type else one.values)
                ],
            }
            for name, one in fields.items()
            if one.type in _LISTS and one.visible
        },
    }
