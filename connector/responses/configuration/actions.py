"""Checks the THEN actions of an automation: what an app cannot do would be left out in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from adapters.registry import traits_of
from adapters.traits import TagPlace, Traits
from connector.problems import Place
from connector.responses.configuration.checking import connection_named, definitions_of, words_for
from connector.responses.wording import names_in
from schemas.config import SUBSCRIPTIONS
from schemas.fields import entity_from_json

Action = Mapping[str, Any]

# What the hub computes from the score, and what is compared with a number.
_ABOUT_A_SCORE = re.compile(
    r"\bcomputed\.|\b(?:answers|labels|weights|categories)\.\w+\s*(?:[<>]=?|[!=]=\s*\d)"
    r"|\d\s*(?:[<>]=?|[!=]=)\s*(?:answers|labels|weights|categories)\."
)
# What an action needs of an app, in words, and whether the app has it.
_NEEDS: Mapping[str, tuple[str, Callable[[Traits], bool]]] = {
    "feed": ("fields", lambda traits: bool(traits.contact_entity)),
    "tag": ("tags", lambda traits: traits.tags.place is not TagPlace.NONE),
    "note": ("notes", lambda traits: traits.note_limit is not None),
    "subscribe": ("lists", lambda traits: traits.list_field is not None),
    "unsubscribe": ("lists", lambda traits: traits.list_field is not None),
    "redirect": ("place to lead anybody to", lambda traits: traits.invites),
    "task": ("tasks", lambda traits: bool(traits.task_batch)),
    "notify": ("messages", lambda traits: traits.messages is not None),
}


def faults(
    connection: Connection, workspace_id: int, action: Action, *, app: str, place: str
) -> Iterable[Place]:
    """What keeps the app of the action's connection from doing it."""
    traits, do = traits_of(app), action["do"]
    needed, has = _NEEDS[do]
    if not has(traits):
        yield Place(f"{place}/do", "not_offered", f"{traits.label} has no {needed}")
    elif do in SUBSCRIPTIONS:
        yield from _list_faults(connection, workspace_id, action, place=place)
    elif do == "notify":
        yield from _address_faults(traits, action, place=place)


def word_faults(
    connection: Connection,
    workspace_id: int,
    body: Mapping[str, Any],
    action: Action,
    *,
    place: str,
) -> Iterable[Place]:
    """Variables in its texts that no response can have."""
    for member in ("subject", "text"):
        names = names_in(action.get(member, ""))
        if not names:
            continue
        campaign_id, source = body.get("campaign"), " + ".join(names)
        known = words_for(connection, workspace_id, source=source, campaign_id=campaign_id)
        for name in names:
            if name not in known:
                text = f"there is no variable {name}"
                yield Place(f"{place}/{member}", "unknown_variable", text)


def warnings(body: Mapping[str, Any]) -> list[Place]:
    """What may be done and had better not."""
    leads = any(one["do"] == "redirect" for one in body["then"])
    if leads and _ABOUT_A_SCORE.search(body.get("if") or ""):
        text = (
            "the condition looks at a score: review sites forbid to invite only those who are "
            "satisfied (review gating)"
        )
        return [Place("/if", "review_gating", text)]
    return []


def _address_faults(traits: Traits, action: Action, *, place: str) -> Iterable[Place]:
    addressed = traits.messages is not None and traits.messages.addressed
    if addressed and "to" not in action:
        yield Place(f"{place}/to", "required", "say whom the mail is for")
    elif not addressed and "to" in action:
        text = f"{traits.label} has one place that messages go to: leave it out"
        yield Place(f"{place}/to", "not_offered", text)


def _list_faults(
    connection: Connection, workspace_id: int, action: Action, *, place: str
) -> Iterable[Place]:
    """The list must be among the fields as they were downloaded last."""
    found = connection_named(connection, workspace_id, action["connection"])
    traits = traits_of(found.app)
    told = definitions_of(connection, found.id).get(traits.contact_entity)
    field = str(traits.list_field).format(list=action["list"])
    if told is None or entity_from_json(told).field(field) is None:
        text = "there is no such list; if it is new, download the field definitions again"
        yield Place(f"{place}/list", "unknown", text)
