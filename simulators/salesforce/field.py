"""One field of the simulated org, and how it describes itself. Pure.

The describe answer has the keys of a recorded one (2015) plus those that later API versions added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TEXT_TYPES = frozenset({"string", "textarea", "email", "phone", "url"})
_LISTS = frozenset({"picklist", "multipicklist"})
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "base64": "xsd:base64Binary",
}


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field. `length` counts characters, `precision` all digits, `scale` the decimals.

    `visible` is field-level security: what is not visible does not exist for the API user.
    """

    name: str
    label: str
    type: str = "string"
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    calculated: bool = False
    restricted: bool = False
    defaulted: bool = False
    default: Any = None
    name_field: bool = False
    values: tuple[str, ...] = ()
    retired_values: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    visible: bool = True

    @property
    def custom(self) -> bool:
        """Whether a customer (or a package) made it."""
        return self.name.endswith("__c")

    @property
    def required(self) -> bool:
        """Whether a create without it is refused."""
        return not self.nillable and not self.defaulted and self.createable

    @property
    def identifying(self) -> bool:
        """Whether a record can be addressed by it."""
        return self.external_id or self.id_lookup

    def described(self) -> dict[str, Any]:
        """The entry of this field in a describe answer."""
        text = self.type in _TEXT_TYPES | _LISTS
        return {
            "aggregatable": True,
            "aiPredictionField": False,
            "autoNumber": False,
            "byteLength": self.length * 3 if text else self.length,
            "calculated": self.calculated,
            "calculatedFormula": None,
            "cascadeDelete": False,
            "caseSensitive": False,
            "compoundFieldName": self.compound,
            "controllerName": None,
            "createable": self.createable,
            "custom": self.custom,
            "defaultValue": self.default,
            "defaultValueFormula": None,
            "defaultedOnCreate": self.defaulted or self.type == "boolean",
            "dependentPicklist": False,
            "deprecatedAndHidden": False,
            "digits": self.precision if self.type == "int" else 0,
            "displayLocationInDecimal": False,
            "encrypted": False,
            "externalId": self.external_id,
            "extraTypeInfo": None,
            "filterable": self.type != "textarea" or self.length <= 255,
            "filteredLookupInfo": None,
            "formulaTreatNullNumberAsZero": False,
            "groupable": text,
            "highScaleNumber": False,
            "htmlFormatted": False,
            "idLookup": self.id_lookup or self.external_id,
            "inlineHelpText": None,
            "label": self.label,
            "length": 0 if self.type in {"boolean", "date", "datetime"} else self.length,
            "mask": None,
            "maskType": None,
            "name": self.name,
            "nameField": self.name_field,
            "namePointing": False,
            "nillable": self.nillable,
            "permissionable": self.custom,
            "picklistValues": self._picklist(),
            "polymorphicForeignKey": len(self.reference_to) > 1,
            "precision": 0 if self.type == "int" else self.precision,
            "queryByDistance": False,
            "referenceTargetField": None,
            "referenceTo": list(self.reference_to),
            "relationshipName": self.relationship,
            "relationshipOrder": None,
            "restrictedDelete": False,
            "restrictedPicklist": self.restricted,
            "scale": self.scale,
            "searchPrefilterable": False,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.type != "multipicklist",
            "type": self.type,
            "unique": self.unique,
            "updateable": self.updateable,
            "writeRequiresMasterRead": False,
        }

    def _picklist(self) -> list[dict[str, Any]]:
        entries = [(value, True) for value in self.values]
        entries += [(value, False) for value in self.retired_values]
        return [
            {
                "active": active,
                "defaultValue": False,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value, active in entries
        ]


def system_fields() -> tuple[FieldShape, ...]:
    """The fields Salesforce gives every object."""
    fixed: dict[str, Any] = {
        "nillable": False, "createable": False, "updateable": False, "defaulted": True,
    }  # fmt: skip
    user: dict[str, Any] = {"type": "reference", "length": 18, "reference_to": ("User",), **fixed}
    return (
        FieldShape("Id", "Record ID", "id", length=18, id_lookup=True, **fixed),
        FieldShape("IsDeleted", "Deleted", "boolean", default=False, **fixed),
        FieldShape("CreatedDate", "Created Date", "datetime", **fixed),
        FieldShape("CreatedById", "Created By ID", relationship="CreatedBy", **user),
        FieldShape("LastModifiedDate", "Last Modified Date", "datetime", **fixed),
        FieldShape(
            "LastModifiedById", "Last Modified By ID", relationship="LastModifiedBy", **user
        ),
        FieldShape("SystemModstamp", "System Modstamp", "datetime", **fixed),
    )
