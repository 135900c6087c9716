"""One company's persons, their fields and notes, and what Pipedrive's API v2 refuses."""

from __future__ import annotations

import re
from typing import Any

from simulators.kit.messages import Answer, Refused

Person = dict[str, Any]
PLAIN = frozenset(
    {"name", "owner_id", "org_id", "emails", "phones", "visible_to", "label_ids", "custom_fields"}
)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
LONGEST = 255


def refusal(status: int, error: str, info: str = "") -> Answer:
    """The API's own envelope."""
    told = {"success": False, "error": error, "error_info": info or "Please check our docs."}
    return Answer(status, told | {"data": None, "additional_data": None})


def invalid(what: str) -> Answer:
    """Stricter than v1: what does not fit is refused, never turned into something that does."""
    return refusal(400, f"Validation failed: {what}")


class Company:
    """The records behind the API."""

    def __init__(self) -> None:
        self.persons: dict[int, Person] = {}
        self.notes: dict[int, dict[str, Any]] = {}
        self.fields: dict[str, dict[str, Any]] = {}
        self.last = 0

    def next_id(self) -> int:
        """Ids of all kinds come from one count here."""
        self.last += 1
        return self.last

    # --- persons ----------------------------------------------------------------------------------

    def create(self, told: dict[str, Any], at: str) -> Person:
        """A new person; two may have one address."""
        if "name" not in told:
            raise Refused(invalid("name: Required"))
        self._check(told)
        person: Person = {
            "id": self.next_id(), "owner_id": 1, "org_id": None, "emails": [], "phones": [],
            "visible_to": 3, "label_ids": [], "add_time": at, "update_time": at,
            "is_deleted": False, "custom_fields": dict.fromkeys(self.fields),
        }  # fmt: skip
        self.persons[person["id"]] = person
        self._lay(person, told, at)
        return person

    def change(self, person: Person, told: dict[str, Any], at: str) -> None:
        """Only what is given changes."""
        self._check(told)
        self._lay(person, told, at)

    @staticmethod
    def _lay(person: Person, told: dict[str, Any], at: str) -> None:
        plain = {name: value for name, value in told.items() if name != "custom_fields"}
        person.update(plain, update_time=at)
        person["custom_fields"].update(told.get("custom_fields", {}))

    def found(self, number: str) -> Person | None:
        """The person of that id, deleted or not."""
        return self.persons.get(int(number)) if number.isdigit() and len(number) < 16 else None

    def with_mail(self, term: str) -> list[Person]:
        """Those who have this address, whatever its case."""
        wanted = term.casefold()
        return [
            one
            for one in self.persons.values()
            if not one["is_deleted"]
            and wanted in {mail["value"].casefold() for mail in one["emails"]}
        ]

    # --- what is refused --------------------------------------------------------------------------

    def _check(self, told: dict[str, Any]) -> None:
        for name, value in told.items():
            if name not in PLAIN:
                raise Refused(invalid(f"Unrecognized key(s) in object: '{name}'"))
            if name in {"emails", "phones"}:
                self._check_channels(name, value)
        name = told.get("name", "x")
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
            raise Refused(invalid("name: String must contain between 1 and 255 characters"))
        custom = told.get("custom_fields", {})
        if not isinstance(custom, dict):
            raise Refused(invalid("custom_fields: Expected object"))
        for code, value in custom.items():
            self._check_custom(code, value)

    @staticmethod
    def _check_channels(name: str, value: Any) -> None:
        if not isinstance(value, list):
            raise Refused(invalid(f"{name}: Expected array"))
        for one in value:
            if not isinstance(one, dict) or not isinstance(one.get("value"), str):
                raise Refused(invalid(f"{name}: Expected object with value"))
            if one.keys() - {"value", "primary", "label"}:
                raise Refused(invalid(f"{name}: Unrecognized key"))
            if name == "emails" and not _MAIL.fullmatch(one["value"]):
                raise Refused(invalid(f"emails: Invalid email '{one['value']}'"))

    def _check_custom(self, code: str, value: Any) -> None:
        field = self.fields.get(code)
        if field is None:
            raise Refused(invalid(f"custom_fields: Unrecognized key(s) in object: '{code}'"))
        if value is not None and not _FITS[field["field_type"]](value, field):
            raise Refused(invalid(f"custom_fields.{code}: Invalid value {value!r}"))


def _is_text(value: Any, field: dict[str, Any]) -> bool:
    most = LONGEST if field["field_type"] != "text" else 65_000
    return isinstance(value, str) and len(value) <= most


def _is_number(value: Any, _field: dict[str, Any]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any, _field: dict[str, Any]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_day(value: Any, _field: dict[str, Any]) -> bool:
    return isinstance(value, str) and _DAY.fullmatch(value) is not None


def _is_option(value: Any, field: dict[str, Any]) -> bool:
    return value in {one["id"] for one in field["options"]} and not isinstance(value, bool)


def _are_options(value: Any, field: dict[str, Any]) -> bool:
    return isinstance(value, list) and all(_is_option(one, field) for one in value)


_FITS = {
    "varchar": _is_text,
    "varchar_auto": _is_text,
    "text": _is_text,
    "phone": _is_text,
    "double": _is_number,
    "int": _is_integer,
    "date": _is_day,
    "enum": _is_option,
    "set": _are_options,
}
