"""One object of the simulated org: its fields, and how it describes itself. Pure.

The describe answers have the keys of a recorded one (2015) plus those later API versions added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from simulators.salesforce.field import FieldShape, system_fields
from simulators.salesforce.record_types import RecordTypeShape, infos


@dataclass(slots=True)
class ObjectShape:
    """One object: its fields by name, in describe order, and what may be done with its records."""

    name: str
    label: str
    prefix: str
    fields: dict[str, FieldShape] = field(default_factory=dict)
    updateable: bool = True
    createable: bool = True
    record_types: dict[str, RecordTypeShape] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, prefix: str, fields: Iterable[FieldShape], **flags: Any) -> ObjectShape:
        """An object with the system fields every object has, then its own."""
        label = str(flags.pop("label", name.removesuffix("__c").replace("_", " ")))
        every = {one.name: one for one in (*system_fields(), *fields)}
        return cls(name, label, prefix, every, **flags)

    @property
    def custom(self) -> bool:
        """Whether a customer (or a package) made it."""
        return self.name.endswith("__c")

    def visible(self, name: str) -> FieldShape | None:
        """The field of that name in any case, as the API user sees it: hidden ones are absent."""
        found = self.fields.get(name) or self._whatever_case(name)
        return found if found is not None and found.visible else None

    def change(self, name: str, **changes: Any) -> None:
        """Alter one field, as an admin does in the set-up."""
        self.fields[name] = replace(self.fields[name], **changes)

    def relationship(self, name: str) -> FieldShape | None:
        """The reference field behind a relationship name such as Account or Contact__r."""
        wanted = name.lower()
        matches = (
            one for one in self.fields.values() if (one.relationship or "").lower() == wanted
        )
        return next(matches, None)

    def _whatever_case(self, name: str) -> FieldShape | None:
        wanted = name.lower()
        return next((one for one in self.fields.values() if one.name.lower() == wanted), None)

    def listed(self, root: str) -> dict[str, Any]:
        """The entry of this object in the global describe."""
        path = f"{root}/sobjects/{self.name}"
        return {
            "activateable": False,
            "associateEntityType": None,
            "associateParentEntity": None,
            "createable": self.createable,
            "custom": self.custom,
            "customSetting": False,
            "deepCloneable": False,
            "deletable": True,
            "deprecatedAndHidden": False,
            "feedEnabled": False,
            "hasSubtypes": False,
            "isInterface": False,
            "isSubtype": False,
            "keyPrefix": self.prefix,
            "label": self.label,
            "labelPlural": f"{self.label}s",
            "layoutable": True,
            "mergeable": self.name in {"Account", "Contact", "Lead"},
            "mruEnabled": True,
            "name": self.name,
            "queryable": True,
            "replicateable": True,
            "retrieveable": True,
            "searchable": True,
            "triggerable": True,
            "undeletable": True,
            "updateable": self.updateable,
            "urls": {
                "describe": f"{path}/describe",
                "rowTemplate": f"{path}/{{ID}}",
                "sobject": path,
            },
        }

    def described(self, root: str, children: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer of /sobjects/{name}/describe for the API user."""
        answer = self.listed(root)
        path = f"{root}/sobjects/{self.name}"
        answer["urls"] = {
            "compactLayouts": f"{path}/describe/compactLayouts",
            "describe": f"{path}/describe",
            "layouts": f"{path}/describe/layouts",
            "quickActions": f"{path}/quickActions",
            "rowTemplate": f"{path}/{{ID}}",
            "sobject": path,
            "uiDetailTemplate": "/{ID}",
            "uiEditTemplate": "/{ID}/e",
            "uiNewRecord": f"/{self.prefix}/e",
        }
        answer.update(
            actionOverrides=[],
            childRelationships=children,
            compactLayoutable=True,
            defaultImplementation=None,
            extendedBy=None,
            extendsInterfaces=None,
            fields=[one.described() for one in self.fields.values() if one.visible],
            implementedBy=None,
            implementsInterfaces=None,
            listviewable=None,
            lookupLayoutable=None,
            namedLayoutInfos=[],
            networkScopeFieldName=None,
            recordTypeInfos=infos(path, self.record_types),
            searchLayoutable=True,
            sobjectDescribeOption="FULL",
            supportedScopes=[],
        )
        return answer


def children_of(name: str, objects: Iterable[ObjectShape]) -> list[dict[str, Any]]:
    """The `childRelationships` of an object: every reference to it."""
    return [
        {
            "cascadeDelete": False,
            "childSObject": other.name,
            "deprecatedAndHidden": False,
            "field": one.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": None,
            "restrictedDelete": False,
        }
        for other in objects
        for one in other.fields.values()
        if one.visible and (name in one.reference_to or _links_anything(other, one, name))
    ]


def _links_anything(other: ObjectShape, one: FieldShape, name: str) -> bool:
    # A document can be linked to any custom object.
    return (
        other.name == "ContentDocumentLink" and len(one.reference_to) > 1 and name.endswith("__c")
    )
