"""Looks through a Zendesk account for what the hub needs, and makes the one thing that can be made.

Users have tags and an external id by themselves, and there is no object for survey responses that
an API could make on every plan: each response is a ticket or a comment (notes). What is made is a
checkbox on users that carries the opt-out tag, so that people can tick it (a checkbox's `tag` is
added to the user: user fields API, 2026-11, unverified).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from adapters.provisioning import (
    Part,
    Plan,
    State,
    Task,
    Thing,
    Wanted,
    carried_out,
    seen_again,
)
from adapters.zendesk.client import Client, speaking

FIELD_KEY = "npstoday_nosend"
FIELDS = "user_fields.json"
NO_RECORD = (
    "Zendesk has no object of this kind: each response is a private ticket on the person, or a"
    " comment to the campaign's ticket, with all answers"
)
HINTS = (
    "Zendesk copies a person's tags onto each new ticket: your triggers and reports will see them.",
)


def planned(client: Client, wanted: Wanted) -> Plan:
    """The port's `planned`: one call."""
    return Plan(tuple(one.thing for one in _tasks(client, wanted)), HINTS)


def furnish(client: Client, wanted: Wanted, parts: Collection[Part]) -> Plan:
    """The port's `furnish`."""
    done = carried_out(_tasks(client, wanted), parts)
    return seen_again(done, planned(client, wanted))


def _tasks(client: Client, wanted: Wanted) -> list[Task]:
    own = "Zendesk's own, nothing is made"
    return [
        Task(Thing(Part.KEY, "field", "users.external_id", own, State.EXISTS)),
        Task(Thing(Part.TAGS, "field", "users.tags", own, State.EXISTS)),
        _no_send(client, wanted.no_send.lower()),
        Task(Thing(Part.RECORD, "entity", "responses", "an object", State.IMPOSSIBLE, NO_RECORD)),
    ]


def _no_send(client: Client, tag: str) -> Task:
    held = next((one for one in _fields(client) if one.get("key") == FIELD_KEY), None)
    text = _drift(held, tag) if held is not None else ""
    state = State.MISSING if held is None else State.DRIFTED if text else State.EXISTS
    name, wants = f"users.{FIELD_KEY}", f"a checkbox that sets the tag {tag}"
    thing = Thing(Part.NO_SEND, "field", name, wants, state, text)
    return Task(thing, (lambda: _make(client, tag)) if held is None else None)


def _fields(client: Client) -> list[Mapping[str, Any]]:
    # One page holds every field that an account may have made (unverified: 100 and more).
    with speaking():
        return list(client.get(FIELDS).get("user_fields") or ())


def _drift(held: Mapping[str, Any], tag: str) -> str:
    if held.get("type") != "checkbox":
        return f"it is of the type {held.get('type')}, it must be a checkbox: rename or remove it"
    if not held.get("active", True):
        return "it is switched off: activate it"
    return "" if held.get("tag") == tag else f"it does not set the tag {tag}: set it there"


def _make(client: Client, tag: str) -> None:
    told = {"key": FIELD_KEY, "type": "checkbox", "title": "No surveys", "tag": tag}
    url = f"{client.origin}/api/v2/{FIELDS}"
    with speaking():
        client.session.post(url, json={"user_field": told})
