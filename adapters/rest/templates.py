"""Fills templates: what stands between {{ and }} is JMESPath over a scope of plain values. Pure.

The language has no loops, no functions of ours and no way to Python: it can pick from what it is
given and nothing else. A text that is one hole and nothing more becomes the value itself; a member
whose value is nothing is left out; the key `*` spreads an object into the one it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError

JSON = Any
Scope = Mapping[str, JSON]
SPREAD = "*"
# Alone, an expression may hold braces of its own; inside a text it may not.
_ALONE = re.compile(r"\{\{((?:(?!\{\{).)+)\}\}", re.DOTALL)
_HOLE = re.compile(r"\{\{([^{}]+)\}\}")


class Unfillable(ValueError):
    """A template that these values do not fill; the text holds none of them."""


def picked(expression: str, told: JSON) -> JSON:
    """What an expression finds; None for nothing. Raises Unfillable where it does not fit."""
    try:
        return jmespath.search(expression, told)
    except (JMESPathError, RecursionError) as exc:
        message = f"an expression does not fit what it was given: {type(exc).__name__}"
        raise Unfillable(message) from exc


def is_true(expression: str, told: JSON) -> bool:
    """Whether a rule holds: it finds something that is neither false nor empty. One that does not
    fit holds not.
    """
    try:
        return picked(expression, told) not in (None, False, "", [], {})
    except Unfillable:
        return False


def holes(template: JSON) -> Iterator[tuple[str, str]]:
    """Every expression of a template, with its JSON pointer below it."""
    if isinstance(template, str):
        whole = _ALONE.fullmatch(template)
        found = [whole[1]] if whole else _HOLE.findall(template)
        yield from (("", one.strip()) for one in found)
    elif isinstance(template, Mapping):
        for key, below in template.items():
            yield from ((f"/{key}{at}", one) for at, one in holes(below))
    elif isinstance(template, list):
        for place, below in enumerate(template):
            yield from ((f"/{place}{at}", one) for at, one in holes(below))


def filled(template: JSON, scope: Scope) -> JSON:
    """The template with its holes filled. Raises Unfillable."""
    if isinstance(template, str):
        return _filled_text(template, scope)
    if isinstance(template, Mapping):
        return _filled_object(template, scope)
    if isinstance(template, list):
        return [one for one in (filled(below, scope) for below in template) if one is not None]
    return template


def _filled_object(template: Mapping[str, JSON], scope: Scope) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    for key, below in template.items():
        value = filled(below, scope)
        if key == SPREAD:
            made |= value if isinstance(value, Mapping) else {}
        elif value is not None and value not in ([], {}):
            made[key] = value
    return made


def _filled_text(template: str, scope: Scope) -> JSON:
    whole = _ALONE.fullmatch(template)
    if whole:
        return picked(whole[1].strip(), scope)
    return _HOLE.sub(lambda hole: as_text(picked(hole[1].strip(), scope)), template)


def as_text(value: JSON) -> str:
    """A value inside a text. Raises Unfillable for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    message = "a list or an object cannot stand inside a text"
    raise Unfillable(message)


def filled_path(template: str, scope: Scope) -> str:
    """A path whose values cannot leave their segment; a setting is the admin's own and stands as it
    is. Raises Unfillable for an empty value.
    """
    return _HOLE.sub(lambda hole: _segment(hole[1].strip(), scope), template)


def _segment(expression: str, scope: Scope) -> str:
    text = as_text(picked(expression, scope))
    if expression.startswith("settings."):
        return text
    if text in {"", ".", ".."}:
        message = "a part of the address is empty or names a folder"
        raise Unfillable(message)
    return quote(text, safe="")


def filled_texts(templates: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Headers, or a query: those whose value is nothing are left out. Raises Unfillable."""
    made = {name: filled(one, scope) for name, one in templates.items()}
    return {name: as_text(value) for name, value in made.items() if value is not None}


def filled_headers(templates: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Headers, none of which can begin another. Raises Unfillable."""
    made = filled_texts(templates, scope)
    if not all(value.isascii() and value.isprintable() for value in made.values()):
        message = "a header holds what no header may hold"
        raise Unfillable(message)
    return made
