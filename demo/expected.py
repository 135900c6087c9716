"""What a CRM must hold after the pushes: the demo's own idea of it, from the pushed items alone.

It knows the customer's wishes (which campaign feeds which CRM, which answer stands in which field)
and the CRMs' ways, and nothing of the product. Pure; standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from demo.expected_fields import (
    HUBSPOT,
    SALESFORCE,
    ZENDESK,
    Item,
    Values,
    rows_of,
    score_of,
    written_by,
)

ROUTES: Mapping[str, tuple[str, ...]] = {
    "5001": (HUBSPOT,),
    "5002": (HUBSPOT,),
    "5003": (SALESFORCE,),
    "5004": (SALESFORCE,),
    "5005": (ZENDESK,),
    "5006": (ZENDESK,),
    "5007": (SALESFORCE, HUBSPOT, ZENDESK),
}
# Here the note tells only what found no field.
UNMAPPED: Mapping[tuple[str, str], tuple[str, ...]] = {
    (SALESFORCE, "5003"): ("staff",),
    (SALESFORCE, "5007"): ("reason", "improve"),
}


def crms_of(item: Item) -> tuple[str, ...]:
    """Where a response must leave its traces; nowhere if nobody knows whose it is."""
    return () if item["respondent"].get("anonymous") else ROUTES[item["campaign"]["id"]]


def is_refused(crm: str, item: Item) -> bool:
    """Whether the CRM itself finds fault with a value, so that it takes no field of this response.

    Salesforce takes ASCII addresses only, in HubSpot somebody has removed the topic "delivery",
    Zendesk has a pattern for customer numbers.
    """
    answers = item["answers"]
    if crm == SALESFORCE and "invoice" in answers:
        return not answers["invoice"]["value"].isascii()
    if crm == HUBSPOT and "topics" in answers:
        return "delivery" in answers["topics"]["value"]
    if crm == ZENDESK and "customer_no" in answers:
        number = answers["customer_no"]["value"].strip().upper()
        return re.fullmatch(r"[A-Z]{2}[0-9]{4,8}", number) is None
    return False


def values_of(crm: str, item: Item) -> Values:
    """Field -> value that this response writes, as plain Python values; what is not said is absent.

    A Decimal is compared as a number, a frozenset as parts in any order, times by the moment.
    """
    if is_refused(crm, item):
        return {}
    said = written_by(crm, item)
    return {name: value for name, value in said.items() if value is not None}


def tag_of(crm: str, item: Item) -> str:
    """The score tag of the response as this CRM keeps it."""
    return _tag(crm, item, score_of(item))


def tags_of_campaign(crm: str, item: Item) -> set[str]:
    """Every score tag of the response's campaign: only one may stand."""
    return {_tag(crm, item, score) for score in range(11)}


def _tag(crm: str, item: Item, score: int) -> str:
    tag = f"NPSToday.{item['campaign']['name']}.{score}"
    if crm != ZENDESK:
        return tag
    # Zendesk keeps lower case letters, digits and _-:/ and splits at spaces.
    return re.sub(r"[^\w:/-]", "", re.sub(r"[ .]", "_", tag.lower()))


def head_of(item: Item) -> str:
    """The first line of the response's note: by campaign and minute it is the only one."""
    at = item["submitted_at"].replace("T", " ")[:16]
    return f"{item['campaign']['name']} · {at} UTC"


def told_in_note(crm: str, item: Item) -> list[str]:
    """What the note must say: each question with its answer, readably."""
    told = _told_keys(crm, item)
    answers = [answer for key, answer in item["answers"].items() if key in told]
    return [sentence for answer in answers for sentence in _sentences(answer)]


def not_told_in_note(crm: str, item: Item) -> list[str]:
    """Questions that the note must not repeat, because their answers stand in fields."""
    told = _told_keys(crm, item)
    return [answer["title"] for key, answer in item["answers"].items() if key not in told]


def new_contact(crm: str, contact: Mapping[str, Any]) -> Values:
    """What a contact that the CRM did not have is made with."""
    if crm == ZENDESK:
        names = {"name": "name", "phone": "phone"}
    elif crm == HUBSPOT:
        names = {
            "email": "email", "first_name": "firstname", "last_name": "lastname",
            "phone": "phone", "company": "company", "country": "country",
        }  # fmt: skip
    else:
        names = {
            "email": "Email", "first_name": "FirstName", "last_name": "LastName",
            "phone": "Phone", "country": "MailingCountry",
        }  # fmt: skip
    return {name: contact[key] for key, name in names.items() if contact.get(key)}


def contact_of(item: Item, imported: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is known of a respondent: the imported contact, else the name's two parts."""
    who = item["respondent"]
    known = imported.get(who["email"])
    if known is not None:
        return known
    first, _, last = who["name"].rpartition(" ")
    return {**who, "first_name": first, "last_name": last}


# --- notes ----------------------------------------------------------------------------------------


def _told_keys(crm: str, item: Item) -> Iterable[str]:
    chosen = UNMAPPED.get((crm, item["campaign"]["id"]))
    return item["answers"] if chosen is None else chosen


def _sentences(answer: Mapping[str, Any]) -> list[str]:
    if answer["type"] == "matrix":
        # The rows of a matrix are an object of JSON: they come in any order.
        return [answer["title"], *rows_of(answer)]
    read = _READABLE.get(answer["type"])
    return [f"{answer['title']} {read(answer) if read else answer['value']}"]


def _of_scale(answer: Mapping[str, Any]) -> str:
    return f"{answer['value']}/{answer['scale']['max']}"


def _clock(answer: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(answer["value"], 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _ranks(answer: Mapping[str, Any]) -> str:
    return " ".join(f"{at}. {label}" for at, label in enumerate(answer["labels"], 1))


_READABLE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "nps": lambda one: f"{one['value']}/10",
    "rating": _of_scale,
    "single_choice": lambda one: str(one["label"]),
    "multi_choice": lambda one: ", ".join(one["labels"]),
    "ranking": _ranks,
    "boolean": lambda one: "✓" if one["value"] else "✗",
    "datetime": lambda one: one["value"].replace("T", " ")[:16] + " UTC",
    "duration": _clock,
    "signature": lambda one: str(one["value"]["name"]),
    "file": lambda one: " ".join(each["name"] for each in one["value"]),
}


def file_urls(item: Item) -> list[str]:
    """Where the files of a response lie, signatures too."""
    urls: list[str] = []
    for one in item["answers"].values():
        if one["type"] in {"file", "signature"}:
            links = one["value"] if isinstance(one["value"], list) else [one["value"]]
            urls += [link["url"] for link in links]
    return urls
