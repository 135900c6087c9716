"""The custom fields of the simulated account and how Zendesk checks a value against them.

One field of each kind that a survey customer has. Shapes follow recorded answers; the 422 codes are
unverified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

TEXT_LIMIT = 65_535
CREATED_AT = "2025-03-03T08:00:00Z"


class ValueRefused(Exception):
    """A value that Zendesk answers with 422. `code` is its error word, `text` its sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def option(value: str, name: str) -> dict[str, Any]:
    """A dropdown option as the caller of `definition` gives it."""
    return {"name": name, "value": value}


USER_FIELDS: tuple[dict[str, Any], ...] = (
    {"key": "nps_score", "type": "integer", "title": "NPS score"},
    {"key": "nps_date", "type": "date", "title": "NPS date"},
    {"key": "nps_comment", "type": "textarea", "title": "NPS comment"},
    {
        "key": "nps_group",
        "type": "dropdown",
        "title": "NPS group",
        "options": [
            option("nps_promoter", "Promoter"),
            option("nps_passive", "Passive"),
            option("nps_detractor", "Detractor"),
        ],
    },
    {
        "key": "survey_topics",
        "type": "multiselect",
        "title": "Topics",
        "options": [
            option("topic_service", "Service"),
            option("topic_price", "Price"),
            option("topic_quality", "Quality"),
            option("topic_delivery", "Delivery"),
        ],
    },
    {"key": "wants_contact", "type": "checkbox", "title": "Wants to be called"},
    {"key": "satisfaction", "type": "decimal", "title": "Satisfaction"},
    {"key": "survey_link", "type": "text", "title": "Answers (link)"},
    {"key": "last_campaign", "type": "text", "title": "Last campaign"},
    {"key": "handling_s", "type": "integer", "title": "Handling time (s)"},
    {
        "key": "customer_no",
        "type": "regexp",
        "title": "Customer number",
        "regexp_for_validation": r"\A[A-Z]{2}\d{4,8}\z",
    },
    {"key": "account_manager", "type": "lookup", "title": "Account manager"},
    {"key": "old_segment", "type": "text", "title": "Old segment", "active": False},
)
ORGANIZATION_FIELDS: tuple[dict[str, Any], ...] = (
    {"key": "nps_average", "type": "decimal", "title": "NPS average"},
    {"key": "responses", "type": "integer", "title": "Responses"},
    {"key": "last_response", "type": "date", "title": "Last response"},
    {
        "key": "tier",
        "type": "dropdown",
        "title": "Tier",
        "options": [option("tier_a", "A"), option("tier_b", "B")],
    },
)
TICKET_FIELDS: tuple[dict[str, Any], ...] = (
    {"type": "subject", "title": "Subject", "removable": False, "required": True},
    {"type": "description", "title": "Description", "removable": False, "required": True},
    {"type": "status", "title": "Status", "removable": False},
    {"type": "priority", "title": "Priority", "removable": False},
    {"type": "integer", "title": "NPS score"},
    {"type": "textarea", "title": "NPS comment"},
    {
        "type": "tagger",
        "title": "Survey channel",
        "options": [option("channel_mail", "Mail"), option("channel_sms", "SMS")],
    },
)


def definition(kind: str, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """A field definition as the API shows it, for a kind of FIELD_KINDS in state.py."""
    title, told = given["title"], given.get("description", "")
    shown: dict[str, Any] = {
        "active": given.get("active", True),
        "created_at": CREATED_AT,
        "description": told,
        "id": number,
        "key": given.get("key"),
        "position": given.get("position", 9999),
        "raw_description": told,
        "raw_title": title,
        "regexp_for_validation": given.get("regexp_for_validation"),
        "title": title,
        "type": given.get("type", "text"),
        "updated_at": CREATED_AT,
    }
    shown.update(
        _ticket_part(given, title)
        if kind == "ticket_field"
        else {"system": given.get("system", False)} | _checkbox_part(given)
    )
    if "relationship_target_type" in given:
        shown["relationship_target_type"] = given["relationship_target_type"]
    if "options" in given:
        shown["custom_field_options"] = [
            {
                "id": number * 100 + at,
                "name": one["name"],
                "raw_name": one["name"],
                "value": one["value"],
            }
            for at, one in enumerate(given["options"], 1)
        ]
    return shown


def _checkbox_part(given: Mapping[str, Any]) -> dict[str, Any]:
    """A checkbox tells the tag it sets (vendor's user fields page, unverified)."""
    return {"tag": given.get("tag")} if given.get("type") == "checkbox" else {}


def _ticket_part(given: Mapping[str, Any], title: str) -> dict[str, Any]:
    return {
        "agent_description": None,
        "collapsed_for_agents": False,
        "editable_in_portal": False,
        "raw_title_in_portal": title,
        "removable": given.get("removable", True),
        "required": given.get("required", False),
        "required_in_portal": False,
        "tag": None,
        "title_in_portal": title,
        "visible_in_portal": False,
    }


def stored(one: Mapping[str, Any], value: Any) -> Any:
    """The value as Zendesk stores it, None for cleared. Raises ValueRefused."""
    if value is None or value == "":
        return None
    check = _CHECKS.get(one["type"])
    return check(one, value) if check else value


def _text(one: Mapping[str, Any], value: Any) -> str:
    text = str(value)
    if len(text) > TEXT_LIMIT:
        raise ValueRefused(
            code="InvalidValue",
            text=f"{one['title']}: is too long (maximum is {TEXT_LIMIT} characters)",
        )
    return text


def _integer(one: Mapping[str, Any], value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", str(value)):
        raise ValueRefused(code="InvalidValue", text=f"{one['title']}: is not a valid number")
    return int(value)


def _decimal(one: Mapping[str, Any], value: Any) -> float:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,12})?", str(value)):
        raise ValueRefused(code="InvalidValue", text=f"{one['title']}: is not a valid decimal")
    return float(value)


def _checkbox(_: Mapping[str, Any], value: Any) -> bool:
    return value is True or str(value).lower() in {"true", "1", "yes"}


def _date(one: Mapping[str, Any], value: Any) -> str:
    """Dates are read back with a time of midnight (unverified; the reader must take both forms)."""
    try:
        day = date.fromisoformat(str(value)[:10])
    except ValueError as exc:
        raise ValueRefused(
            code="InvalidValue", text=f"{one['title']}: is not a valid date"
        ) from exc
    return f"{day.isoformat()}T00:00:00+00:00"


def _regexp(one: Mapping[str, Any], value: Any) -> str:
    pattern = str(one["regexp_for_validation"]).replace(r"\z", r"\Z")
    if not re.search(pattern, str(value)):
        raise ValueRefused(code="InvalidValue", text=f"{one['title']}: is not valid")
    return str(value)


def _dropdown(one: Mapping[str, Any], value: Any) -> str:
    if value not in [known["value"] for known in one.get("custom_field_options", ())]:
        raise ValueRefused(code="InvalidValue", text=f"{one['title']}: is not a valid option")
    return str(value)


def _multiselect(one: Mapping[str, Any], value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueRefused(code="InvalidValue", text=f"{one['title']}: is not a list")
    return [_dropdown(one, each) for each in value]


_CHECKS = {
    "text": _text,
    "textarea": _text,
    "integer": _integer,
    "decimal": _decimal,
    "checkbox": _checkbox,
    "date": _date,
    "regexp": _regexp,
    "dropdown": _dropdown,
    "multiselect": _multiselect,
    "lookup": _integer,
}
