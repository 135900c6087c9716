"""Who may do what: the one table of every route.

A request by a key is allowed when the role of its key has the route's right and the key has the
route's scope; a page when the member's role has the right. A route that is not in the table is
refused, and a test compares the table with the URL map.

    rules.py   roles, rights, scopes, doors
    api.py     the routes of the API and of machines
    pages.py   the pages
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from connector.access.api import API
from connector.access.pages import PAGES
from connector.access.rules import (
    ADJUSTABLE,
    RIGHTS,
    Actor,
    Door,
    Member,
    Right,
    Role,
    Rule,
    Scope,
    rights_of,
)

__all__ = [
    "ACCESS",
    "ADJUSTABLE",
    "RIGHTS",
    "Actor",
    "Door",
    "Member",
    "Right",
    "Role",
    "Rule",
    "Scope",
    "documented",
    "missing",
    "readable",
    "rights_of",
    "rule_for",
]

ACCESS: Mapping[tuple[str, str], Rule] = MappingProxyType({**API, **PAGES})


def rule_for(method: str, route: str) -> Rule | None:
    """The rule of a route as the URL map spells it; HEAD asks what GET asks. None: not listed."""
    return ACCESS.get(("GET" if method == "HEAD" else method, route))


def missing(actor: Actor | Member, rule: Rule) -> str | None:
    """What the actor lacks for this rule, in words for a problem document; None: it is allowed."""
    if rule.right is not None and not actor.may(rule.right):
        return f"the right {rule.right.value}, which the role {actor.role.value} has not"
    if isinstance(actor, Member):
        return None
    if rule.own and actor.is_partner:
        return "what only a key of the workspace itself has: it is a partner's"
    if rule.scope is None:
        return None
    if actor.scopes.isdisjoint(_scopes(rule)):
        return f"the scope {rule.scope.value}"
    return None


def _scopes(rule: Rule) -> list[str]:
    """Each of these scopes opens the route."""
    return [one.value for one in (rule.scope, rule.or_scope) if one is not None]


_OPENNESS = {Door.OPEN: "open", Door.PERSON: "signed in"}


def documented() -> str:
    """The access table as docs/access.md shows it."""
    lines = ["| method | address | right | scope | audited as |", "|---|---|---|---|---|"]
    for (method, route), rule in ACCESS.items():
        right = rule.right.value if rule.right else f"{_OPENNESS[rule.door]}: {rule.reason}"
        scope = " or ".join(f"`{one}`" for one in _scopes(rule)) + ", own" * rule.own
        audited = f"`{rule.audited}`" if rule.audited else rule.reason if rule.right else ""
        lines.append(f"| {method} | `{readable(route)}` | {right} | {scope} | {audited} |")
    return "\n".join(lines) + "\n"


def readable(route: str) -> str:
    """A route of the URL map as the description spells it: `{id}` for `<id:id>`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
