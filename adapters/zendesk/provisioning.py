"""Looks through a Zendesk account for what the hub needs, and makes what is missing, on request.

Users have tags and an external id by themselves. What is made is a checkbox on users that carries
the opt-out tag, so that people can tick it (a checkbox's `tag` is added to the user: user fields
API, 2026-11, unverified), and an object for survey responses where the account may have custom
objects: elsewhere each response is a ticket or a comment alone (notes).
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
from adapters.zendesk.definition import OwnField, record_fields, record_object
from adapters.zendesk.objects import PATH, UNSEEN, fields_of, titles
from adapters.zendesk.traits import OBJECT_SCOPES, RECORD_OBJECT

FIELD_KEY = "npstoday_nosend"
FIELDS = "user_fields.json"
NO_RECORD = (
    "custom objects need a plan that has them and the scopes"
    f" {' and '.join(OBJECT_SCOPES)}: name {RECORD_OBJECT} in the connection's setting entities,"
    " connect again, then make it; without it each response is a private ticket on the person, or a"
    " comment to the campaign's ticket, with all answers"
)
HINTS = (
    "Zendesk copies a person's tags onto each new ticket: your triggers and reports will see them.",
    "Whoever works in a role of your own sees the responses once that role may view the object.",
)
Fields = Mapping[str, Mapping[str, Any]]


def planned(client: Client, wanted: Wanted) -> Plan:
    """The port's `planned`: two calls, three where the object is there."""
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
        *_record(client),
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


# --- the survey-response object -------------------------------------------------------------------


def _record(client: Client) -> list[Task]:
    there, refusal = _held(client)
    state = State.IMPOSSIBLE if refusal else State.MISSING if there is None else State.EXISTS
    wants = "an object of its own, one record per response"
    thing = Thing(Part.RECORD, "entity", RECORD_OBJECT, wants, state, refusal)
    make = (lambda: _make_object(client)) if state is State.MISSING else None
    fields = [_record_field(client, one, there, refused=bool(refusal)) for one in record_fields()]
    return [Task(thing, make), *fields]


def _held(client: Client) -> tuple[Fields | None, str]:
    """The object's fields, None while it is not there; why it cannot be looked for."""
    try:
        with speaking():
            if RECORD_OBJECT not in titles(client):
                return None, ""
            told = fields_of(client, RECORD_OBJECT)
    except UNSEEN:
        return None, NO_RECORD
    return {str(one["key"]): one for one in told}, ""


def _record_field(client: Client, own: OwnField, there: Fields | None, *, refused: bool) -> Task:
    held = (there or {}).get(own.key)
    text = _misfit(own, held) if held is not None else ""
    state = State.MISSING if held is None else State.DRIFTED if text else State.EXISTS
    wants = f"{own.type} to {own.target}" if own.target else own.type
    name = f"{RECORD_OBJECT}.{own.key}"
    thing = Thing(Part.RECORD, "field", name, wants, State.IMPOSSIBLE if refused else state, text)
    make = (lambda: _make_field(client, own)) if thing.state is State.MISSING else None
    return Task(thing, make, frozenset({RECORD_OBJECT}))


def _misfit(own: OwnField, held: Mapping[str, Any]) -> str:
    if held.get("type") != own.type:
        return f"it is of the type {held.get('type')}, it must be {own.type}: rename or remove it"
    if own.target and held.get("relationship_target_type") != own.target:
        return f"it leads to {held.get('relationship_target_type')}, it must lead to {own.target}"
    return "" if held.get("active", True) else "it is switched off: activate it"


def _make_object(client: Client) -> None:
    with speaking():
        client.send("POST", PATH, {"custom_object": record_object()})


def _make_field(client: Client, own: OwnField) -> None:
    path = f"{PATH}/{RECORD_OBJECT}/fields"
    with speaking():
        client.send("POST", path, {"custom_object_field": own.body()})


# --- the opt-out checkbox -------------------------------------------------------------------------


def _drift(held: Mapping[str, Any], tag: str) -> str:
    if held.get("type") != "checkbox":
        return f"it is of the type {held.get('type')}, it must be a checkbox: rename or remove it"
    if not held.get("active", True):
        return "it is switched off: activate it"
    return "" if held.get("tag") == tag else f"it does not set the tag {tag}: set it there"


def _make(client: Client, tag: str) -> None:
    told = {"key": FIELD_KEY, "type": "checkbox", "title": "No surveys", "tag": tag}
    with speaking():
        client.send("POST", FIELDS, {"user_field": told})
