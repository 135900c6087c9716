"""A condition as a form fills it in: comparisons in nested groups, written as CEL. Pure.

There is one truth, the CEL of the automation's body: a form writes a small part of that language,
and reading.py reads it back.

    Group("all", (Comparison("answers.nps", "at_least", "9"), Comparison("flags.vip", "yes")))
    answers.nps >= 9 && flags.vip
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from connector.responses.vocabulary import Kind

ALL, ANY = "all", "any"
MOST_COMPARISONS, MOST_DEPTH = 40, 4
# What one comparison can say of a variable, by its kind; the first is what a new one says.
_ORDER = ("at_least", "at_most", "more", "less")
SAYS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("is", "is_not", "contains", "contains_not", "begins"),
    Kind.NUMBER: ("at_least", "at_most", "is", "is_not", "more", "less"),
    Kind.BOOLEAN: ("yes", "no"),
    Kind.DATE: ("is", *_ORDER),
    Kind.DATETIME: _ORDER,
    Kind.CHOICE: ("is", "is_not"),
    Kind.CHOICES: ("has", "has_not"),
    Kind.RANKING: ("has", "has_not"),
    Kind.FILES: (),
    Kind.MATRIX: (),
    Kind.ANY: ("is", "is_not", "contains", *_ORDER, "yes", "no"),
}
# What is said of an answer whatever it is.
_GIVEN = ("answered", "not_answered")
WITHOUT_VALUE = frozenset({*_GIVEN, "yes", "no"})
SIGNS = {"is": "==", "is_not": "!=", "at_least": ">=", "at_most": "<=", "more": ">", "less": "<"}
CALLS = {"contains": "contains", "begins": "startsWith"}

NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """As it is typed: the variable, a word of SAYS, and the value where it takes one."""

    variable: str
    says: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Parts of which all must hold, or any."""

    joined: str
    parts: tuple[Part, ...] = ()


Part: TypeAlias = Comparison | Group
NOTHING = Group(ALL)


def says_of(variable: str, kind: Kind) -> tuple[str, ...]:
    """What can be said of this variable."""
    return (*SAYS[kind], *(_GIVEN if _answered(variable) else ()))


def faults(group: Group, kinds: Mapping[str, Kind], place: str = "") -> Iterator[tuple[str, str]]:
    """What is not filled in, or cannot be: the part's place ("2-1": the first of the second) and a
    stable word; "" is the whole.
    """
    if not place and (count(group) > MOST_COMPARISONS or depth(group) > MOST_DEPTH):
        yield "", "too_much"
    for number, part in enumerate(group.parts, 1):
        here = f"{place}-{number}" if place else str(number)
        if isinstance(part, Group):
            yield from faults(part, kinds, here)
            if not part.parts:
                yield here, "empty_group"
        elif fault := _fault(part, kinds.get(part.variable, Kind.ANY)):
            yield here, fault


def written(group: Group, kinds: Mapping[str, Kind]) -> str:
    """The condition as CEL; empty where nothing is asked. For a group without faults."""
    parts = [_part(one, kinds) for one in group.parts]
    return (" && " if group.joined == ALL else " || ").join(one for one in parts if one)


def count(group: Group) -> int:
    """How many comparisons it has."""
    return sum(count(one) if isinstance(one, Group) else 1 for one in group.parts)


def depth(group: Group) -> int:
    """How deep it is nested: 1 for a group of comparisons."""
    return 1 + max((depth(one) for one in group.parts if isinstance(one, Group)), default=0)


def comparisons(group: Group) -> Iterator[Comparison]:
    """Every comparison, in order."""
    for one in group.parts:
        if isinstance(one, Group):
            yield from comparisons(one)
        else:
            yield one


# --- writing --------------------------------------------------------------------------------------


def _part(part: Part, kinds: Mapping[str, Kind]) -> str:
    if isinstance(part, Comparison):
        return _comparison(part, kinds.get(part.variable, Kind.ANY))
    inner = written(part, kinds)
    return f"({inner})" if count(part) > 1 else inner


def _comparison(one: Comparison, kind: Kind) -> str:
    name, says = one.variable, one.says
    answered = _answered(name)
    plain = {
        "answered": answered,
        "not_answered": f"!{answered}",
        "yes": name,
        "no": f"!{name}",
    }
    if says in plain:
        return plain[says]
    is_part = says in {"contains", "contains_not", "begins"}
    value = _literal(one.value.strip(), Kind.TEXT if is_part else kind)
    if says in {"has", "has_not"}:
        return f"{value} in {name}" if says == "has" else f"!({value} in {name})"
    if says in SIGNS:
        return f"{name} {SIGNS[says]} {value}"
    negated = says == "contains_not"
    return f"{'!' if negated else ''}{name}.{CALLS['contains' if negated else says]}({value})"


def _literal(typed: str, kind: Kind) -> str:
    if kind is Kind.DATETIME:
        return f"timestamp({_quoted(_moment(typed))})"
    if kind is Kind.NUMBER or (kind is Kind.ANY and NUMBER.fullmatch(typed)):
        return typed
    # Of any kind and quoted: digits that are a text.
    is_quoted = kind is Kind.ANY and len(typed) > 1 and typed[0] == typed[-1] == '"'
    return _quoted(typed[1:-1] if is_quoted else typed)


def _quoted(typed: str) -> str:
    escaped = typed.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _moment(typed: str) -> str:
    return f"{typed}T00:00:00Z" if len(typed) == len("2026-01-01") else typed


def _answered(variable: str) -> str:
    """What says whether this answer was given; empty for what is no answer."""
    namespace, _, rest = variable.partition(".")
    return f"answered.{rest}" if namespace == "answers" and rest and "." not in rest else ""


def _fault(one: Comparison, kind: Kind) -> str:
    if not _NAME.fullmatch(one.variable):
        return "no_variable"
    if one.says not in says_of(one.variable, kind):
        return "unfit"
    typed = one.value.strip()
    if one.says in WITHOUT_VALUE:
        return ""
    if not typed:
        return "no_value"
    ordered = kind is Kind.ANY and one.says in _ORDER
    if (kind is Kind.NUMBER or ordered) and not NUMBER.fullmatch(typed):
        return "not_a_number"
    return "not_a_date" if kind in {Kind.DATE, Kind.DATETIME} and not _is_time(typed, kind) else ""


def _is_time(typed: str, kind: Kind) -> bool:
    try:
        if kind is Kind.DATE:
            return date.fromisoformat(typed).isoformat() == typed
        return datetime.fromisoformat(_moment(typed)).tzinfo is not None
    except ValueError:
        return False
