"""The search index: what was changed a moment ago is not in it yet. Pure over the state."""

from __future__ import annotations

import shlex
from typing import Any

from simulators.zendesk.state import Record, State

KINDS = ("user", "organization", "ticket")
OPERATORS = (">=", "<=", ":", ">", "<")
COMPARED = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def found(state: State, query: str, kinds: tuple[str, ...] = KINDS) -> list[Record]:
    """Indexed records that every term of the query fits, newest first, with their `result_type`."""
    terms = _terms(query)
    wanted = {value for key, _, value in terms if key == "type"} or set(kinds)
    rest = [term for term in terms if term[0] != "type"]
    records: list[Record] = []
    for kind in KINDS:
        if kind in wanted and kind in kinds:
            records += [one | {"result_type": kind} for one in _of(state, kind) if _fits(one, rest)]
    return sorted(records, key=lambda one: (one["created_at"], one["id"]), reverse=True)


def users_found(state: State, query: str) -> list[Record]:
    """What users/search answers."""
    living = {one["id"]: one for one in _of(state, "user")}
    direct = [one["id"] for one in reversed(found(state, query, ("user",)))]
    told = dict.fromkeys([*direct, *(_by_identity(state, query) if _knows(state) else ())])
    return [living[number] for number in told if number in living]


def _knows(state: State) -> bool:
    """Whether the search knows further addresses of people (U)."""
    return bool(state.options["search_knows_identities"])


def _by_identity(state: State, query: str) -> list[int]:
    asked = [value.lower() for key, _, value in _terms(query) if key == "email"]
    return [number for mail, number in state.identities.items() if mail in asked]


def _of(state: State, kind: str) -> list[Record]:
    holders = {"user": state.users, "organization": state.organizations, "ticket": state.tickets}[
        kind
    ]
    return [one for one in holders.values() if state.indexed(one["id"]) and one.get("active", True)]


def _terms(query: str) -> list[tuple[str, str, str]]:
    try:
        words = shlex.split(query)
    except ValueError:
        words = query.split()
    return [_term(word) for word in words]


def _term(word: str) -> tuple[str, str, str]:
    for operator in OPERATORS:
        key, sign, value = word.partition(operator)
        if sign and key.replace("_", "").isalnum() and value:
            return key, operator, value
    return "", ":", word


def _fits(record: Record, terms: list[tuple[str, str, str]]) -> bool:
    return all(_meets(record, key, operator, value) for key, operator, value in terms)


def _meets(record: Record, key: str, operator: str, value: str) -> bool:
    if not key:
        return any(
            value.lower() in str(record.get(name) or "").lower()
            for name in ("name", "email", "subject")
        )
    held: Any = record.get("tags") if key == "tags" else record.get(key)
    if key not in record and key in record.get("user_fields", {}):
        held = record["user_fields"][key]
    if operator != ":":
        return held is not None and bool(COMPARED[operator](str(held), value))
    if isinstance(held, list):
        return value in held
    if key == "email":
        # How loosely the real search matches is not established: whoever reads must compare.
        return value.lower() in str(held or "").lower()
    return str(held or "").lower() == value.lower()
