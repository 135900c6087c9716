"""Whether a document can work: what its shape alone does not say. Pure.

Every expression must be one, and may name only what stands in its scope; a setting that is named
must be one of the document's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from adapters.rest.templates import JSON, holes

Document = Mapping[str, Any]
Scope = frozenset[str]
BASE: Scope = frozenset({"settings", "token", "message_id", "now"})
ANSWER: Scope = frozenset({"status", "headers", "body"})
ROW: Scope = frozenset({"id", "record", "values", "joins", "leaves"})
# The parts that hold a call -> what its templates may name beside BASE.
_CALLS: Mapping[str, Scope] = {
    "/probe/request": frozenset(),
    "/contact/fields_from/request": frozenset({"page"}),
    "/contact/lists_from/request": frozenset({"page"}),
    "/contact/read/request": frozenset({"id"}),
    "/contact/create/request": ROW,
    "/contact/update/request": ROW,
    "/contact/update_many/request": frozenset({"rows"}),
    "/push/request": frozenset({"id", "values"}),
    "/tags/read": frozenset({"id"}),
    "/tags/add": frozenset({"id", "tag"}),
    "/tags/remove": frozenset({"id", "tag"}),
    "/notes/read": frozenset({"id", "page"}),
    "/notes/create": frozenset({"id", "note"}),
    "/notes/delete": frozenset({"id", "note"}),
}
# The parts that look at an answer; those that look at an item of one may name what they like.
_PICKS = (
    "/success", "/probe/account_id", "/probe/account_name", "/probe/user_id",
    "/contact/fields_from/each", "/contact/fields_from/page/next", "/contact/lists_from/each",
    "/contact/lists_from/page/next", "/contact/read/record", "/contact/create/id",
    "/contact/update_many/each", "/tags/names", "/notes/each", "/notes/created_id",
    "/notes/page/next",
)  # fmt: skip
_OF_AN_ITEM = (
    "/contact/id", "/contact/updated_at", "/notes/id", "/notes/text", "/contact/update_many/ok",
    *(f"/contact/fields_from/{one}" for one in ("only_if", "name", "label", "type", "read_only")),
    *(f"/contact/fields_from/options/{one}" for one in ("each", "value", "label")),
    *(f"/contact/lists_from/{one}" for one in ("id", "label", "held")),
)  # fmt: skip
_BASE_HOLE = re.compile(r"\{([^{}]*)\}")
_PLAIN_BASE = re.compile(r"https://[a-z0-9.{}_-]+(?::\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the JSON pointer of where."""

    pointer: str
    text: str


def faults(document: Document) -> Iterator[Fault]:
    """Everything that keeps a document of the right shape from working."""
    settings = {one["name"] for one in document["settings"]}
    yield from _base_faults(document, settings)
    yield from _setting_faults(document)
    for pointer, expression, scope in _expressions(document):
        yield from _expression_faults(pointer, expression, scope, settings)
    if "contact" in document:
        yield from _contact_faults(document)


def _base_faults(document: Document, settings: set[str]) -> Iterator[Fault]:
    base = document["base_url"]
    if not _PLAIN_BASE.fullmatch(base):
        yield Fault("/base_url", "an address such as https://api.example.com, without a path")
    for name in _BASE_HOLE.findall(base):
        if name not in settings:
            yield Fault("/base_url", f"{{{name}}} is none of the settings")


def _setting_faults(document: Document) -> Iterator[Fault]:
    for place, one in enumerate(document["settings"]):
        try:
            re.compile(one.get("pattern", ""))
        except re.error as exc:
            yield Fault(f"/settings/{place}/pattern", f"is no regular expression: {exc.msg}")


def _contact_faults(document: Document) -> Iterator[Fault]:
    contact = document["contact"]
    known = {one["name"] for one in contact["fields"]}
    for place, one in enumerate(contact["find"]):
        if one["field"] not in known:
            text = f"{one['field']} is none of the fields that the document names"
            yield Fault(f"/contact/find/{place}/field", text)
    if "create" not in contact and "update" not in contact:
        yield Fault("/contact", "neither create nor update: nothing could be written")
    if "update_many" in contact and "update" not in contact:
        yield Fault("/contact/update_many", "needs an update too, for a record that stands alone")


# --- expressions ----------------------------------------------------------------------------------


def _expressions(document: Document) -> Iterator[tuple[str, str, Scope | None]]:
    """Every expression with its pointer and what it may name; None: what it likes."""
    for pointer, said in _found(document, _CALLS):
        yield from _of_a_call(pointer, said, BASE | _CALLS[pointer])
    for place, one in enumerate(document.get("contact", {}).get("find", ())):
        at = f"/contact/find/{place}"
        yield from _of_a_call(f"{at}/request", one["request"], BASE | {"value"})
        yield f"{at}/records", one["records"], ANSWER
    yield from ((at, one, ANSWER) for at, one in _found(document, _PICKS))
    yield from ((at, one, None) for at, one in _found(document, _OF_AN_ITEM))
    for at, below in holes(document["headers"]):
        yield f"/headers{at}", below, BASE
    yield from _of_rules(document)
    yield from _of_fields(document)


def _of_a_call(pointer: str, said: Document, scope: Scope) -> Iterator[tuple[str, str, Scope]]:
    for part in ("path", "query", "headers", "body"):
        for at, expression in holes(said.get(part)):
            yield f"{pointer}/{part}{at}", expression, scope
    if "success" in said:
        yield f"{pointer}/success", said["success"], ANSWER


def _of_rules(document: Document) -> Iterator[tuple[str, str, Scope]]:
    for place, rule in enumerate(document["errors"]):
        for part in ("when", "field"):
            if part in rule:
                yield f"/errors/{place}/{part}", rule[part], ANSWER
    for at, expression in holes(document.get("sign", {})):
        yield f"/sign{at}", expression, BASE


def _of_fields(document: Document) -> Iterator[tuple[str, str, Scope | None]]:
    contact = document.get("contact", {})
    for place, one in enumerate(contact.get("fields", ())):
        if "read" in one:
            yield f"/contact/fields/{place}/read", one["read"], None
        for at, expression in holes(one.get("write")):
            yield f"/contact/fields/{place}/write{at}", expression, frozenset({"value"})
    for at, expression in holes(contact.get("fields_from", {}).get("at")):
        yield f"/contact/fields_from/at{at}", expression, frozenset({"name"})


def _found(document: Document, pointers: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for pointer in pointers:
        said: JSON = document
        for part in pointer[1:].split("/"):
            said = said.get(part) if isinstance(said, Mapping) else None
        if said is not None:
            yield pointer, said


def _expression_faults(
    pointer: str, expression: str, scope: Scope | None, settings: set[str]
) -> Iterator[Fault]:
    try:
        parsed = jmespath.compile(expression).parsed
    except JMESPathError as exc:
        yield Fault(pointer, f"is no expression (JMESPath): {_first_line(exc)}")
        return
    if scope is None:
        return
    for name in sorted(set(_roots(parsed)) - scope):
        yield Fault(pointer, f"{name} is not known here: there is {', '.join(sorted(scope))}")
    for name in sorted(set(_settings_named(parsed)) - settings):
        yield Fault(pointer, f"settings.{name} is none of the settings")


def _first_line(exc: JMESPathError) -> str:
    lines = [one.strip() for one in str(exc).splitlines() if one.strip()]
    return " ".join(lines)[:200] or type(exc).__name__


# Nodes whose first part alone looks at the scope; the others look at what it finds.
_CHAINS = frozenset(
    {
        "subexpression", "projection", "value_projection", "filter_projection", "flatten",
        "index_expression", "pipe",
    }
)  # fmt: skip


def _roots(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that an expression looks up in its scope."""
    if node["type"] == "field":
        yield node["value"]
        return
    children = node.get("children", [])
    for child in children[:1] if node["type"] in _CHAINS else children:
        yield from _roots(child)


def _settings_named(node: Mapping[str, Any]) -> Iterator[str]:
    children = node.get("children", [])
    if node["type"] == "subexpression":
        first, second = children[:2]
        if first == {"type": "field", "children": [], "value": "settings"}:
            yield str(second.get("value"))
    for child in children:
        yield from _settings_named(child)
