"""An automation as a form's fields, and back; what a button does to the form. Pure.

The condition's parts are named by their places: `if-join` is the whole, `if-2-variable` its second
part, `if-3-join` a group with parts `if-3-1-...`. Actions are `then-1-do` with `then-1-<member>`.
What is not filled in stays as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from connector.responses.configuration.conditions import ALL, ANY, Comparison, Group, Part
from connector.responses.configuration.forms import moved

Form: TypeAlias = Mapping[str, str]
Place: TypeAlias = tuple[int, ...]
MOST_ACTIONS = 20
EMPTY = Comparison("", "")
# What each action's part of the form asks, besides what it does.
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "feed": ("mapping",),
    "tag": ("connection",),
    "note": ("connection", "answers"),
    "subscribe": ("connection", "list"),
    "unsubscribe": ("connection", "list"),
    "notify": ("connection", "to", "subject", "text", "answers"),
    "redirect": ("connection", "url"),
    "task": ("connection", "subject", "text", "owner", "due_in_days"),
}
_FIELD = re.compile(r"if((?:-[1-9]\d?){0,8})-(join|variable|says|value)")


def group_of(form: Form) -> Group:
    """The condition that a form holds."""
    typed: dict[Place, dict[str, str]] = {}
    for name, value in form.items():
        if found := _FIELD.fullmatch(name):
            place = tuple(int(one) for one in found[1].split("-")[1:])
            typed.setdefault(place, {})[found[2]] = value
    return _group((), typed)


def acted(group: Group, act: str) -> Group:
    """The condition after a button: `add-2` another comparison in the second part, `group-2`
    another group there, `drop-2-1`; `add` and `group` alone are about the whole.
    """
    word, _, where = act.partition("-")
    if not re.fullmatch(r"(?:[1-9]\d?(?:-[1-9]\d?){0,7})?", where):
        return group
    place = tuple(int(one) for one in where.split("-")) if where else ()
    if word == "drop" and place:
        return _without(group, place)
    if word == "add":
        return _with(group, place, EMPTY)
    return _with(group, place, Group(ANY, (EMPTY, EMPTY))) if word == "group" else group


def actions_of(form: Form) -> list[dict[str, Any]]:
    """The actions that a form holds, in their order, without what is left empty."""
    return list(_actions(form))


def actions_after(actions: list[dict[str, Any]], act: str, new: str) -> list[dict[str, Any]]:
    """The actions after a button: `then-add` one that does `new`; remove-2, up-2, down-2."""
    if act == "then-add":
        can = new in MEMBERS and len(actions) < MOST_ACTIONS
        return [*actions, {"do": new}] if can else actions
    return moved(actions, act)


def list_value(action: Mapping[str, Any]) -> str:
    """A list of a connection as one choice of the form."""
    return f"{action.get('list', '')}|{action.get('connection') or ''}"


def _group(place: Place, typed: Mapping[Place, Form]) -> Group:
    joined = typed.get(place, {}).get("join")
    below = sorted(one for one in typed if len(one) == len(place) + 1 and one[:-1] == place)
    parts = tuple(_part(one, typed) for one in below)
    return Group(ANY if joined == ANY else ALL, parts)


def _part(place: Place, typed: Mapping[Place, Form]) -> Part:
    here = typed[place]
    if "join" in here:
        return _group(place, typed)
    said = (here.get(name, "").strip() for name in ("variable", "says", "value"))
    return Comparison(*said)


def _with(group: Group, place: Place, new: Part) -> Group:
    if not place:
        return replace(group, parts=(*group.parts, new))
    return _changed(group, place, lambda inner, rest: _with(inner, rest, new))


def _without(group: Group, place: Place) -> Group:
    if len(place) == 1:
        kept = tuple(one for number, one in enumerate(group.parts, 1) if number != place[0])
        return replace(group, parts=kept)
    return _changed(group, place, _without)


def _changed(group: Group, place: Place, change: Any) -> Group:  # noqa: ANN401 - (Group, Place)
    parts = tuple(
        change(one, place[1:]) if number == place[0] and isinstance(one, Group) else one
        for number, one in enumerate(group.parts, 1)
    )
    return replace(group, parts=parts)


def _actions(form: Form) -> Iterator[dict[str, Any]]:
    for number in range(1, MOST_ACTIONS + 1):
        do = form.get(f"then-{number}-do", "")
        if do not in MEMBERS:
            continue
        typed = {one: form.get(f"then-{number}-{one}", "").strip() for one in MEMBERS[do]}
        if "list" in typed:
            typed["list"], _, typed["connection"] = typed["list"].partition("|")
        yield {"do": do, **{one: _typed(one, said) for one, said in typed.items() if said}}


def _typed(member: str, said: str) -> Any:  # noqa: ANN401 - what the schema checks
    if member == "to":
        return [one for one in re.split(r"[\s,;]+", said) if one]
    if member == "due_in_days":
        return int(said) if re.fullmatch(r"\d{1,6}", said) else said
    return said.replace("\r\n", "\n")
