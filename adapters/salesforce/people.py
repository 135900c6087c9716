"""People who are not where a mapping looks for them: converted leads, an address that a contact and
a lead hold at once, and person accounts. Pure.

A converted lead stays in the org, cannot be written any more and names the contact it became. A
person account is a contact and an account in one; whether its contact may be written directly is
not verified (it certainly may not change its record type: Salesforce help 005305352, 2026-02), so
that is the setting `person_accounts`.

Nothing in an org keeps one address from being a contact's and a lead's. Which of them a person is,
says the setting `contact_or_lead`: what a mapping means for the other goes there, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.salesforce.traits import RECORD_CONTACT, RECORD_ENTITY, RECORD_LEAD
from adapters.values import Row
from schemas.fields import Entity

CONTACT, LEAD, ACCOUNT = "Contact", "Lead", "Account"
# How an id of the object begins: the same in every org (SOAP API Developer Guide).
_PREFIXES = {"003": CONTACT, "00Q": LEAD}
# Setting `contact_or_lead`: the object that is preferred -> what is looked for there first.
PREFERRED = {"contact": (LEAD, CONTACT), "lead": (CONTACT, LEAD)}
# What a contact calls `Mailing...` is plain on a lead: conversion copies one to the other.
_MAILING = frozenset({"Street", "City", "State", "PostalCode", "Country", "StateCode",
                      "CountryCode"})  # fmt: skip
PERSON_FLAG = "IsPersonAccount"
CONVERTED, BECAME = "IsConverted", "ConvertedContactId"
_FOLLOWED = {
    LEAD: (CONVERTED, BECAME),
    CONTACT: (PERSON_FLAG, "AccountId"),
    RECORD_ENTITY: (RECORD_LEAD,),
}
_SHARED = frozenset({"FirstName", "LastName", "MiddleName", "Suffix", "Salutation", "Phone", "Fax"})


@dataclass(frozen=True, slots=True)
class Home:
    """The record that holds a row's values. `names`: the row's field -> that record's own, None
    where it has none; a field that is not in it is called the same.
    """

    entity: str
    remote_id: str
    names: Mapping[str, str | None] = field(default_factory=dict)
    refusal: tuple[str, str] = ("", "")

    def name_of(self, name: str) -> str | None:
        """What the row's field is called there."""
        return self.names.get(name, name)

    def name_in_row(self, name: str) -> str:
        """What the row calls a field of that record."""
        return next((ours for ours, theirs in self.names.items() if theirs == name), name)


@dataclass(frozen=True, slots=True)
class Sent:
    """A row on its way to the record that holds its values."""

    row: Row
    home: Home
    body: Mapping[str, Any]


def home_of(entity: str, remote_id: str) -> str:
    """The object a record is of: where a mapping means one kind of person it may be the other."""
    return _PREFIXES.get(remote_id[:3], entity) if entity in {LEAD, CONTACT} else entity


def is_lead(remote_id: str) -> bool:
    """Whether the id is a lead's, converted or not."""
    return _PREFIXES.get(remote_id[:3]) == LEAD


def followed(definitions: Entity | None, entity: str) -> tuple[str, ...]:
    """The columns that tell where a person really is, as far as this user may see them."""
    asked = _FOLLOWED.get(entity, ())
    told = definitions is not None and all(definitions.field(one) for one in asked)
    return asked if told else ()


def person_field(name: str) -> str:
    """What a contact's field is called on the account of a person (Person Accounts guide)."""
    if name.endswith("__c"):
        return f"{name.removesuffix('__c')}__pc"
    return name if name in _SHARED else f"Person{name}"


def contact_field(name: str) -> str:
    """The other direction: what a field of a person's account is called on the contact."""
    if name.endswith("__pc"):
        return f"{name.removesuffix('__pc')}__c"
    return name.removeprefix("Person")


def of_lead(remote_id: str, values: Mapping[str, object], record: Entity | None) -> Home | None:
    """A response record whose person is a lead: it has a field of its own for one. None where it is
    a contact's.
    """
    if not is_lead(str(values.get(RECORD_CONTACT))):
        return None
    known = record is None or record.field(RECORD_LEAD) is not None
    return Home(RECORD_ENTITY, remote_id, {RECORD_CONTACT: RECORD_LEAD} if known else {})


def on_account(remote_id: str, names: Mapping[str, object], account: Entity | None) -> Home:
    """The account that is written in a contact's place."""
    there = {name: person_field(name) for name in names}
    held = {name: _if_there(theirs, account) for name, theirs in there.items()}
    text = "the contact is a person account, and the account has no such field"
    return Home(ACCOUNT, remote_id, held, ("person_account_field", text))


def on_contact(remote_id: str, names: Mapping[str, object], contact: Entity | None) -> Home:
    """The contact that is written in a lead's place."""
    held = {name: _if_there(name_on(CONTACT, name), contact) for name in names}
    text = "the lead is or has become a contact, and contacts have no such field"
    return Home(CONTACT, remote_id, held, ("lead_converted", text))


def on_lead(remote_id: str, names: Mapping[str, object], lead: Entity | None) -> Home:
    """The lead that is written in a contact's place."""
    held = {name: _if_there(name_on(LEAD, name), lead) for name in names}
    text = "the person is a lead, and leads have no such field"
    return Home(LEAD, remote_id, held, ("lead_field", text))


def name_on(home: str, name: str) -> str:
    """What a field of the one kind of person is called on the other, `home`."""
    if home == LEAD:
        plain = name.removeprefix("Mailing")
        return plain if plain in _MAILING else name
    return f"Mailing{name}" if name in _MAILING else name


def _if_there(name: str, definitions: Entity | None) -> str | None:
    return name if definitions is None or definitions.field(name) else None
