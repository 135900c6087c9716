"""One universe's contacts, custom fields and lists, and what Splio refuses."""

from __future__ import annotations

import re
from typing import Any

from simulators.kit.messages import Answer, Refused

PLAIN = ("email", "cellphone", "firstname", "lastname", "language", "creation_date")
LONGEST = 255
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+?[0-9]{6,15}")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{1,2}:\d{1,2}")
_FITS = {
    "text": re.compile(r"(?s).*"),
    "int": re.compile(r"-?\d{1,18}"),
    "double": re.compile(r"-?\d{1,18}(\.\d{1,10})?"),
    "date": _STAMP,
}
Contact = dict[str, Any]


def refusal(key: str, error: str, description: str, status: int = 400) -> Answer:
    """Splio's own envelope."""
    told = {"error_key": key, "error": error, "error_description": description}
    return Answer(status, {"status": status, "errors": [told]})


class Universe:
    """The records behind the API. `unique_key`: a plain field's name, or c<number>."""

    def __init__(self, unique_key: str, *, folds_case: bool, duplicate_status: int) -> None:
        self.unique_key, self.folds_case = unique_key, folds_case
        self.duplicate_status = duplicate_status
        self.contacts: dict[int, Contact] = {}
        self.fields: dict[int, dict[str, str]] = {}
        self.lists: dict[int, str] = {}
        self.last = 0

    # --- finding ----------------------------------------------------------------------------------

    def found(self, value: str, *, internal: bool) -> Contact | None:
        """The contact by its internal id or its unique key."""
        if internal:
            return self.contacts.get(int(value)) if value.isdigit() else None
        wanted = self._folded(value)
        held = (one for one in self.contacts.values() if self._folded(self.key_of(one)) == wanted)
        return next(held, None)

    def key_of(self, contact: Contact) -> str:
        """The value of the unique key."""
        if self.unique_key in PLAIN:
            return str(contact[self.unique_key])
        return str(contact["custom"].get(int(self.unique_key[1:]), ""))

    def _folded(self, value: str) -> str:
        return value.lower() if self.folds_case else value

    # --- changing ---------------------------------------------------------------------------------

    def create(self, told: dict[str, Any]) -> Contact:
        """A new contact. 400 where its key is missing or taken."""
        contact: Contact = {**dict.fromkeys(PLAIN, ""), "custom": {}, "lists": set()}
        self._put(contact, told)
        key = self.key_of(contact)
        if not key:
            raise Refused(refusal(self.unique_key, "required", f"{self.unique_key} is required"))
        if self.found(key, internal=False) is not None:
            text = f"Contact with unique key {key} already exists"
            raise Refused(refusal(self.unique_key, "wrong_value", text, self.duplicate_status))
        contact["lists"] = {self._list(one) for one in told.get("lists", [])}
        self.last += 1
        contact["id"] = self.last
        self.contacts[self.last] = contact
        return contact

    def change(self, contact: Contact, told: dict[str, Any]) -> None:
        """Only what is told changes; `lists` replaces all of them; the key cannot change."""
        fresh = {**contact, "custom": dict(contact["custom"])}
        self._put(fresh, told)
        if self._folded(self.key_of(fresh)) != self._folded(self.key_of(contact)):
            text = f"{self.unique_key} cannot be modified"
            raise Refused(refusal(self.unique_key, "wrong_value", text))
        if "lists" in told:
            fresh["lists"] = {self._list(one) for one in told["lists"]}
        contact.update(fresh)

    def _put(self, contact: Contact, told: dict[str, Any]) -> None:
        for name, value in told.items():
            if name in {"custom_fields", "lists", "key", "double_optin"}:
                continue
            if name not in PLAIN:
                raise Refused(refusal(name, "wrong_value", f"{name} is unknown"))
            contact[name] = _plain(name, value)
        for one in told.get("custom_fields", []):
            number = self._custom(one)
            contact["custom"][number] = self._fitting(number, one.get("value"))

    def _custom(self, told: dict[str, Any]) -> int:
        by_name = {one["name"]: number for number, one in self.fields.items()}
        number = told["id"] if "id" in told else by_name.get(told.get("name", ""))
        if not isinstance(number, int) or number not in self.fields:
            text = f"Custom field with id {number} does not exist."
            raise Refused(refusal("custom_fields", "wrong_value", text))
        return number

    def _fitting(self, number: int, value: object) -> str:
        field = self.fields[number]
        if not isinstance(value, str) or (value and not _FITS[field["type"]].fullmatch(value)):
            text = (
                f"Custom field with id {number} and name {field['name']} must be of type"
                f" {field['type']}."
            )
            raise Refused(refusal("custom_fields", "wrong_type", text))
        return value

    def _list(self, told: dict[str, Any]) -> int:
        number = told.get("id")
        if not isinstance(number, int) or number not in self.lists:
            raise unknown_list(number)
        return number

    # --- telling ----------------------------------------------------------------------------------

    def told(self, contact: Contact, *, only_filled: bool) -> dict[str, Any]:
        """A contact as every answer tells it."""
        custom = [
            {
                "id": number,
                "name": one["name"],
                "value": contact["custom"].get(number, ""),
                "data_type": one["type"],
            }
            for number, one in self.fields.items()
            if contact["custom"].get(number) or not only_filled
        ]
        lists = [{"id": one, "name": self.lists[one]} for one in sorted(contact["lists"])]
        plain = {name: contact[name] for name in PLAIN}
        return {"id": contact["id"], **plain, "custom_fields": custom, "lists": lists}


def unknown_list(number: object) -> Refused:
    """A list that is not there (any more)."""
    return Refused(refusal("list_ids", "wrong_value", f"List {number} does not exist"))


def _plain(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Refused(refusal(name, "wrong_value", f"{name} is not correct"))
    if name == "email" and value and not _MAIL.fullmatch(value):
        raise Refused(refusal(name, "wrong_email", "The email given should have the right format"))
    if name == "cellphone" and value and not _PHONE.fullmatch(value):
        raise Refused(
            refusal(name, "wrong_cellphone", "The cellphone given should have the right format")
        )
    if name == "creation_date" and not _STAMP.fullmatch(value):
        raise Refused(refusal(name, "wrong_value", "creation_date should have the right format"))
    return value
