"""Person accounts: a contact and an account that are one person, each field seen from both sides.

An org with the feature shows `IsPersonAccount` on both objects, the contact's own standard fields
on the account with `Person` in front, its custom ones with `__pc` at the end. Whether the contact
itself may be written is unverified (`person_contact_writable`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.records import Record, Write
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.store import Store
from simulators.salesforce.values import Complaint, RowRefused

# Standard fields of a contact that a person account has under a name of its own, or its own name.
_PERSON = ("Email", "MobilePhone", "HomePhone", "Title", "Department", "Birthdate", "LeadSource",
           "HasOptedOutOfEmail", "MailingStreet", "MailingCity", "MailingState",
           "MailingPostalCode", "MailingCountry")  # fmt: skip
_SHARED = ("FirstName", "LastName", "Salutation", "Phone")
_FLAG = FieldShape(
    "IsPersonAccount", "Is Person Account", "boolean", default=False, defaulted=True,
    nillable=False, createable=False, updateable=False,
)  # fmt: skip


def account_name(name: str) -> str | None:
    """What a contact's field is called on the person account; None for one it does not have."""
    if name.endswith("__c"):
        return f"{name.removesuffix('__c')}__pc"
    if name in _SHARED:
        return name
    return f"Person{name}" if name in _PERSON else None


def allow_persons(objects: Mapping[str, ObjectShape]) -> None:
    """Switch the feature on. A repeat does nothing."""
    account, contact = objects["Account"], objects["Contact"]
    if "IsPersonAccount" in account.fields:
        return
    for shape in (account, contact):
        shape.fields["IsPersonAccount"] = _FLAG
    reference = FieldShape(
        "PersonContactId", "Contact ID", "reference", length=18, reference_to=("Contact",),
        relationship="PersonContact", createable=False, updateable=False,
    )  # fmt: skip
    account.fields["PersonContactId"] = reference
    for field in list(contact.fields.values()):
        name = account_name(field.name)
        if name is not None and name not in account.fields:
            # A business account has none of them, so none is required.
            account.fields[name] = replace(field, name=name, nillable=True, name_field=False)


def person_made(store: Store, values: Mapping[str, Any]) -> dict[str, str]:
    """A person: the ids of the account and of its contact."""
    account = store.insert("Account", {"Name": values["LastName"]})
    contact = store.insert("Contact", {**values, "AccountId": account})
    store.poke("Account", account, {"IsPersonAccount": True, "PersonContactId": contact})
    store.poke("Contact", contact, {"IsPersonAccount": True})
    store.poke("Account", account, dict(_turned(values.items())))
    return {"account": account, "contact": contact}


def mirror(store: Store, write: Write) -> None:
    """What is written on one side is seen on the other."""
    record = store.get(write.entity, write.record_id) or {}
    if not record.get("IsPersonAccount"):
        return
    if write.entity == "Contact":
        store.poke("Account", record["AccountId"], dict(_turned(write.values.items())))
    elif write.entity == "Account":
        names = {account_name(one): one for one in store.objects["Contact"].fields}
        values = {names[name]: value for name, value in write.values.items() if name in names}
        store.poke("Contact", record["PersonContactId"], values)


def demand_no_person(entity: str, record: Record | None) -> None:
    """Refuse to change the contact of a person account directly. Raises RowRefused."""
    if entity == "Contact" and record is not None and record.get("IsPersonAccount"):
        message = "insufficient access rights on object id"
        raise RowRefused(Complaint("INSUFFICIENT_ACCESS_OR_READONLY", message))


def _turned(values: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in values:
        turned = account_name(name)
        if turned is not None:
            yield turned, value
