"""One account's contacts, attributes and lists, and what Brevo refuses."""

from __future__ import annotations

import re
from typing import Any

from simulators.kit.messages import Answer, Refused

Contact = dict[str, Any]
CREATES = frozenset(
    {"email", "ext_id", "attributes", "emailBlacklisted", "smsBlacklisted", "listIds"}
    | {"updateEnabled", "smtpBlacklistSender"}
)
CHANGES = frozenset(
    {"attributes", "emailBlacklisted", "smsBlacklisted", "listIds", "unlinkListIds", "ext_id"}
)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


def refusal(status: int, code: str, message: str) -> Answer:
    """The API's own envelope."""
    return Answer(status, {"code": code, "message": message})


def invalid(message: str) -> Answer:
    """A parameter that does not fit."""
    return refusal(400, "invalid_parameter", message)


class Account:
    """The records behind the API. Attributes of an unknown name are left out without a word, as
    Brevo does; values that do not fit are refused, `lenient` ones left out as well.
    """

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient
        self.contacts: dict[int, Contact] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.lists: dict[int, str] = {}
        self.last = 0

    def create(self, told: dict[str, Any], at: str) -> Contact:
        """A new contact: an address is one contact's alone."""
        _check_names(told, CREATES)
        mail = told.get("email")
        if not isinstance(mail, str) or not _MAIL.fullmatch(mail):
            raise Refused(invalid("Invalid email address"))
        if self.by_mail(mail):
            message = "Unable to create contact, email is already associated with another Contact"
            answer = refusal(400, "duplicate_parameter", message)
            answer.body["metadata"] = {"duplicate_identifiers": ["email"]}
            raise Refused(answer)
        values, joins = self._values(told), self._lists(told, "listIds")
        self.last += 1
        contact = {
            "id": self.last, "email": mail.lower(), "emailBlacklisted": False, "createdAt": at,
            "smsBlacklisted": False, "modifiedAt": at, "attributes": values, "listIds": joins,
        }  # fmt: skip
        self.contacts[self.last] = contact
        return contact

    def change(self, contact: Contact, told: dict[str, Any], at: str) -> None:
        """Only what is given changes; lists are joined and left."""
        _check_names(told, CHANGES)
        values = self._values(told)
        joins, leaves = self._lists(told, "listIds"), self._lists(told, "unlinkListIds")
        contact["attributes"].update(values)
        held = [one for one in contact["listIds"] if one not in leaves]
        contact["listIds"] = list(dict.fromkeys([*held, *joins]))
        contact["modifiedAt"] = at

    def by_mail(self, mail: str) -> Contact | None:
        """The contact with this address, whatever its case."""
        return next((one for one in self.contacts.values() if one["email"] == mail.lower()), None)

    def by_id(self, number: str) -> Contact | None:
        return self.contacts.get(int(number)) if number.isdigit() and len(number) < 16 else None

    def _lists(self, told: dict[str, Any], name: str) -> list[int]:
        ids = told.get(name, [])
        if not isinstance(ids, list) or not all(type(one) is int for one in ids):
            raise Refused(invalid(f"{name} should be an array of integers"))
        for one in ids:
            if one not in self.lists:
                raise Refused(refusal(404, "document_not_found", "List ID does not exist"))
        return ids

    def _values(self, told: dict[str, Any]) -> dict[str, Any]:
        given = told.get("attributes", {})
        if not isinstance(given, dict):
            raise Refused(invalid("attributes should be an object"))
        known = {name: one for name, one in given.items() if name in self.attributes}
        wrong = [name for name, one in known.items() if not self._fits(name, one)]
        if wrong and not self.lenient:
            raise Refused(invalid(f"Invalid value {known[wrong[0]]!r} of {wrong[0]}"))
        kept = {name: one for name, one in known.items() if name not in wrong}
        return {name: None if one == "" else one for name, one in kept.items()}

    def _fits(self, name: str, value: Any) -> bool:
        attribute = self.attributes[name]
        if value == "":
            return True
        if "enumeration" in attribute:
            return value in {one["value"] for one in attribute["enumeration"]}
        if "multiCategoryOptions" in attribute:
            options = attribute["multiCategoryOptions"]
            return isinstance(value, list) and all(one in options for one in value)
        return _FITS[attribute["type"]](value)


def _check_names(told: dict[str, Any], known: frozenset[str]) -> None:
    unknown = told.keys() - known
    if unknown:
        raise Refused(invalid(f"{min(unknown)} is not a known parameter"))


_FITS = {
    "text": lambda value: isinstance(value, str),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "date": lambda value: isinstance(value, str) and _DAY.fullmatch(value) is not None,
}
