"""Checks the THEN actions of an automation: what an app cannot do would be left out in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from adapters.registry import apps, traits_of
from adapters.traits import TagPlace, Traits
from connector.problems import Place
from connector.responses.configuration.checking import connection_named, definitions_of, words_for
from connector.responses.wording import names_in
from connector.tables import connection as connections
from schemas.config import SUBSCRIPTIONS
from schemas.fields import entity_from_json
from schemas.phrases import phrase

Action = Mapping[str, Any]

# What the hub computes from the score, and what is compared with a number.
_ABOUT_A_SCORE = re.compile(
    r"\bcomputed\.|\b(?:answers|labels|weights|categories)\.\w+\s*(?:[<>]=?|[!=]=\s*\d)"
    r"|\d\s*(?:[<>]=?|[!=]=)\s*(?:answers|labels|weights|categories)\."
)
# What an action needs of an app, in words, and whether the app has it.
_NEEDS: Mapping[str, tuple[str, Callable[[Traits], bool]]] = {
    "feed": (phrase("fields"), lambda traits: bool(traits.contact_entity)),
    "tag": (phrase("tags"), lambda traits: traits.tags.place is not TagPlace.NONE),
    "note": (phrase("notes"), lambda traits: traits.note_limit is not None),
    "subscribe": (phrase("lists"), lambda traits: traits.list_field is not None),
    "unsubscribe": (phrase("lists"), lambda traits: traits.list_field is not None),
    "redirect": (phrase("place to lead anybody to"), lambda traits: traits.invites),
    "task": (phrase("tasks"), lambda traits: bool(traits.task_batch)),
    "notify": (phrase("messages"), lambda traits: traits.messages is not None),
}


def able(traits: Traits, do: str) -> bool:
    """Whether an app can do it."""
    return _NEEDS[do][1](traits)


def faults(
    connection: Connection, workspace_id: int, action: Action, *, app: str, place: str
) -> Iterable[Place]:
    """What keeps the app of the action's connection from doing it."""
    traits, do = traits_of(app), action["do"]
    needed, has = _NEEDS[do]
    if not has(traits):
        yield Place(
            f"{place}/do",
            "not_offered",
            phrase("%(label)s has no %(needed)s", label=phrase(traits.label), needed=needed),
        )
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
                text = phrase("there is no variable %(name)s", name=name)
                yield Place(f"{place}/{member}", "unknown_variable", text)


def inviting(connection: Connection, workspace_id: int) -> frozenset[str]:
    """The names of the connections that ask people for a review."""
    rows = connection.execute(
        select(connections.c.name, connections.c.app).where(
            connections.c.workspace_id == workspace_id, connections.c.deleted_at.is_(None)
        )
    ).all()
    known = frozenset(apps())
    return frozenset(row.name for row in rows if row.app in known and traits_of(row.app).invites)


def warnings(body: Mapping[str, Any], *, inviting: Collection[str]) -> list[Place]:
    """What may be done and had better not. `inviting`: the names of connections that ask people for
    a review.
    """
    asks = any(
        one["do"] == "redirect" or (one["do"] == "notify" and one.get("connection") in inviting)
        for one in body["then"]
    )
    if asks and _ABOUT_A_SCORE.search(body.get("if") or ""):
        text = phrase(
            "the condition looks at a score: review sites forbid to invite only those who are"
            " satisfied (review gating)"
        )
        return [Place("/if", "review_gating", text)]
    return []


def _address_faults(traits: Traits, action: Action, *, place: str) -> Iterable[Place]:
    addressed = traits.messages is not None and traits.messages.addressed
    if traits.messages is not None and traits.messages.respondent:
        for name in ("subject", "text"):
            if name in action:
                text = phrase(
                    "%(label)s has words of its own for whom it invites: leave it out",
                    label=phrase(traits.label),
                )
                yield Place(f"{place}/{name}", "not_offered", text)
    if addressed and "to" not in action:
        yield Place(f"{place}/to", "required", phrase("say whom the mail is for"))
    elif not addressed and "to" in action:
        text = phrase(
            "%(label)s has one place that messages go to: leave it out", label=phrase(traits.label)
        )
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
        text = phrase("there is no such list; if it is new, download the field definitions again")
        yield Place(f"{place}/list", "unknown", text)
