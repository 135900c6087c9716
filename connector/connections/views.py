"""What may be shown of connections: never a secret, only that it is set and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from connector import clock
from connector.connections import credentials, parking
from connector.connections.desk import Desk
from connector.connections.parking import KEY_ENDS, what_to_do
from connector.connections.profile import NEEDS_ATTENTION, Profile, load, load_all
from connector.connections.vault import SealBroken

# How long before a key ends its connection needs attention.
TOLD_AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class SecretState:
    """All that is ever told of a secret."""

    set: bool
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class View:
    """A connection as it may be shown.

    `state` is new, connected, needs_attention, disconnected, or paused (a connected one that a
    person has paused). `waiting` counts its deliveries that are not settled. A connection whose key
    ends soon needs attention ahead of it, while its deliveries go on.
    """

    id: int
    app: str
    name: str
    auth: str
    state: str
    reason_code: str | None
    reason: str | None
    base_url: str | None
    settings: Mapping[str, Any]
    secrets: Mapping[str, SecretState]
    remote_account_id: str | None
    remote_account_name: str | None
    learnt: Mapping[str, Any]
    paused_at: datetime | None
    waiting: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A connection as a list shows it; `state`, reason and `waiting` as in View."""

    id: int
    app: str
    label: str
    name: str
    auth: str
    state: str
    reason_code: str | None
    reason: str | None
    remote_account_name: str | None
    waiting: int


def summaries(connection: Connection, workspace_id: int) -> tuple[Summary, ...]:
    """Every connection of the workspace, by name, with two questions to the store."""
    waits, today = parking.waiting_by_connection(connection, workspace_id), clock.now().date()
    return tuple(
        _summary(one, waits.get(one.id, 0), today) for one in load_all(connection, workspace_id)
    )


def _summary(one: Profile, waiting: int, today: date) -> Summary:
    state, code, reason = _state(one, today)
    return Summary(
        id=one.id,
        app=one.app,
        label=one.traits.label,
        name=one.name,
        auth=one.auth,
        state=state,
        reason_code=code,
        reason=reason,
        remote_account_name=one.remote_account_name,
        waiting=waiting,
    )


def view(desk: Desk, workspace_id: int, connection_id: int) -> View:
    """One connection; Refusal not_found for an unknown or foreign id."""
    with desk.database.begin(workspace_id) as connection:
        one = load(connection, workspace_id, connection_id)
        return _view(connection, desk, one, today=clock.now().date())


def views(desk: Desk, workspace_id: int) -> tuple[View, ...]:
    """Every connection of the workspace, by name."""
    with desk.database.begin(workspace_id) as connection:
        every, today = load_all(connection, workspace_id), clock.now().date()
        return tuple(_view(connection, desk, one, today=today) for one in every)


def _view(connection: Connection, desk: Desk, one: Profile, *, today: date) -> View:
    state, code, reason = _state(one, today)
    return View(
        id=one.id,
        app=one.app,
        name=one.name,
        auth=one.auth,
        state=state,
        reason_code=code,
        reason=reason,
        base_url=one.base_url,
        settings=one.settings,
        secrets=_secrets(connection, desk, one),
        remote_account_id=one.remote_account_id,
        remote_account_name=one.remote_account_name,
        learnt=one.learnt,
        paused_at=one.paused_at,
        waiting=parking.waiting(connection, one.workspace_id, one.id),
        updated_at=one.updated_at,
    )


def _state(one: Profile, today: date) -> tuple[str, str | None, str | None]:
    """State, reason's code and reason, as they are shown."""
    if one.state == "connected" and _key_ends_soon(one, today):
        return NEEDS_ATTENTION, KEY_ENDS, what_to_do(KEY_ENDS)
    state = "paused" if one.paused_at and one.state == "connected" else one.state
    return state, one.reason_code, one.reason


def _key_ends_soon(one: Profile, today: date) -> bool:
    ends = one.traits.key_ends
    return one.auth == "key" and ends is not None and today >= ends - TOLD_AHEAD


def _secrets(connection: Connection, desk: Desk, one: Profile) -> Mapping[str, SecretState]:
    """The key or the grant, and each secret setting: set or not."""
    try:
        kept = credentials.read(connection, desk, one.workspace_id, connection_id=one.id)
    except SealBroken:
        kept = None
    is_set = {"key" if one.auth == "key" else "grant": kept is not None and kept.token is not None}
    settings = kept.document.get("settings", {}) if kept else {}
    is_set.update({f.name: f.name in settings for f in one.traits.settings if f.secret})
    since = kept.updated_at if kept else None
    return {name: SecretState(yes, since if yes else None) for name, yes in is_set.items()}
