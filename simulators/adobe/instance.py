"""One instance's profiles, services and subscriptions, and what Adobe Campaign refuses."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from simulators.kit.messages import Answer, Refused

JSON = "application/json"
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d+)?Z")
FIELDS: dict[str, dict[str, Any]] = {
    "email": {"label": "Email", "resType": "string", "dataPolicy": "email", "length": 255},
    "firstName": {"label": "First name", "resType": "string", "length": 100},
    "lastName": {"label": "Last name", "resType": "string", "length": 100},
    "mobilePhone": {"label": "Mobile", "resType": "string", "dataPolicy": "phone", "length": 32},
    "birthDate": {"label": "Birth date", "resType": "date"},
    "gender": {
        "label": "Gender",
        "type": "enumeration",
        "resType": "byte",
        "values": {"unknown": {"label": "Unknown"}, "male": {"label": "Male"}},
    },
    "subscriptions": {"label": "Subscriptions", "type": "collection", "resType": "link"},
    "created": {"label": "Created", "resType": "datetime", "readOnly": True},
    "cusNpsScore": {"label": "NPS score", "resType": "long"},
    "cusNpsComment": {"label": "NPS comment", "resType": "memo"},
    "cusNickname": {"label": "Nickname", "resType": "string", "length": 255},
    "cusBasket": {"label": "Basket", "resType": "double"},
    "cusMember": {"label": "Member", "resType": "boolean"},
    "cusSeenAt": {"label": "Seen at", "resType": "datetime"},
}
SERVICES = {"SVC1": "Sport Newsletter", "SVC2": "Promoters"}
Profile = dict[str, Any]


def refusal(status: int, code: str, message: str) -> Refused:
    """Adobe's own envelope."""
    return Refused(Answer(status, {"error_code": code, "message": message}, {}, JSON))


class Instance:
    """The records behind the API. Primary keys look like Adobe's and say nothing."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.fields = {name: dict(one) for name, one in FIELDS.items()}
        self.services = {self.key("service", name): name for name in SERVICES}
        self.labels = dict(SERVICES)
        self.profiles: dict[str, Profile] = {}
        self.subscriptions: dict[str, dict[str, str]] = {}
        self.made = 0
        custom_key = options["custom_key"]
        if custom_key:
            self.fields[custom_key] = {"label": "Key", "resType": "string", "length": 40}

    def key(self, kind: str, of: object) -> str:
        """A primary key."""
        digest = hashlib.sha256(f"{kind}:{of}".encode()).hexdigest()
        return f"@{digest[:32]}"

    # --- profiles ---------------------------------------------------------------------------------

    def found(self, key: str) -> Profile:
        """By its primary key or its custom one."""
        custom_key = self.options["custom_key"]
        for one in self.profiles.values():
            if one["PKey"] == key or (custom_key and one.get(custom_key) == key):
                return one
        raise refusal(404, "404000", "The profile does not exist.")

    def create(self, told: dict[str, Any]) -> Profile:
        """A new profile. Addresses may be there twice, unless the instance has it otherwise."""
        values = self._checked(told)
        self._refuse_taken(values)
        self.made += 1
        profile = {"PKey": self.key("profile", self.made), **values}
        self.profiles[profile["PKey"]] = profile
        return profile

    def change(self, profile: Profile, told: dict[str, Any]) -> None:
        """Only what is told changes; a custom key cannot."""
        values = self._checked(told)
        custom_key = self.options["custom_key"]
        if custom_key and values.get(custom_key, profile.get(custom_key)) != profile.get(
            custom_key
        ):
            raise refusal(400, "400000", f"The key {custom_key} cannot be modified.")
        profile.update(values)

    def _refuse_taken(self, values: dict[str, Any]) -> None:
        keys = [self.options["custom_key"], "email" if self.options["unique_email"] else None]
        for name in filter(None, keys):
            if name == self.options["custom_key"] and not values.get(name):
                raise refusal(400, "400000", f"The attribute {name} is mandatory.")
            taken = {str(one.get(name) or "").lower() for one in self.profiles.values()}
            if str(values.get(name) or "").lower() in taken - {""}:
                text = f"A profile with {name} {values[name]} already exists."
                raise refusal(self.options["duplicate_status"], "400000", text)

    def _checked(self, told: dict[str, Any]) -> dict[str, Any]:
        return {name: self._one(name, value) for name, value in told.items()}

    def _one(self, name: str, value: object) -> object:
        field = self.fields.get(name)
        if field is None or field.get("type") == "collection" or field.get("readOnly"):
            raise refusal(400, "400000", f"The attribute {name} is unknown or read only.")
        if not _fits(field, value):
            raise refusal(400, "400000", f"The value {value} of the attribute {name} is not valid.")
        return value

    # --- services and subscriptions ---------------------------------------------------------------

    def subscribe(self, profile: Profile, service_key: str) -> dict[str, str]:
        """The new subscription. A repeat is refused, or makes a second one, or does nothing."""
        if service_key not in self.services:
            raise refusal(404, "404000", "The service does not exist.")
        way, held = self.options["duplicate_subscription"], self.of(profile)
        standing = next((one for one in held if one["service"] == service_key), None)
        if standing and way == "refused":
            raise refusal(400, "400000", "The profile is already subscribed to the service.")
        if standing and way == "same":
            return standing
        key = self.key("subscription", len(self.subscriptions) + 1)
        made = {"PKey": key, "profile": profile["PKey"], "service": service_key}
        self.subscriptions[key] = made
        return made

    def of(self, profile: Profile) -> list[dict[str, str]]:
        """A profile's subscriptions."""
        every = self.subscriptions.values()
        return [one for one in every if one["profile"] == profile["PKey"]]

    def names_of(self, profile: Profile) -> list[str]:
        """The labels of the services it is subscribed to, one for each subscription."""
        return [self.labels[self.services[one["service"]]] for one in self.of(profile)]


def _fits(field: dict[str, Any], value: object) -> bool:
    kind = field.get("resType")
    if field.get("type") == "enumeration":
        return value in field["values"] or value == ""
    if kind in {"long", "double"}:
        whole = isinstance(value, int) or (kind == "double" and isinstance(value, float))
        return value is None or (whole and not isinstance(value, bool))
    if kind == "boolean":
        return value is None or isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if value == "":
        return True
    if kind in {"date", "datetime"}:
        return bool((_DAY if kind == "date" else _STAMP).fullmatch(value))
    if field.get("dataPolicy") == "email" and not _MAIL.fullmatch(value):
        return False
    return len(value) <= int(field.get("length", 10_000))
