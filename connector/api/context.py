"""What an endpoint may use: the settings, the store inside the asker's workspace, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from sqlalchemy import Connection

from connector import audit
from connector.access import Actor, Member, Rule
from connector.api.gate import Gate
from connector.connections.desk import Desk
from connector.db import Database, retried
from connector.queues import Doorbell
from connector.responses.limiter import Limiter
from connector.settings import Settings

_EXTENSION = "answerback"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Hub:
    """The process's own things, made once by create_app."""

    settings: Settings
    database: Database
    desk: Desk
    bell: Doorbell
    gate: Gate
    limiter: Limiter


@dataclass(frozen=True, slots=True)
class Told:
    """What an audit entry says besides who and when: the object's id, and ids or words."""

    object: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def install(app: Flask, hub: Hub) -> None:
    """Make the hub reachable from the app's requests."""
    app.extensions[_EXTENSION] = hub


def hub() -> Hub:
    """The hub of the app that serves this request."""
    found = current_app.extensions[_EXTENSION]
    assert isinstance(found, Hub)  # noqa: S101 - create_app put it there
    return found


def actor() -> Actor:
    """Who asks by a key. Only for routes of the API that are not open: asking.py has set it."""
    found = g.actor
    assert isinstance(found, Actor)  # noqa: S101 - asking.py put it there
    return found


def member() -> Member:
    """Who asks for a page of a workspace: asking.py has set it."""
    found = g.actor
    assert isinstance(found, Member)  # noqa: S101 - asking.py put it there
    return found


def asker() -> Actor | Member:
    """Who asks, by a key or as a member."""
    return actor() if isinstance(g.actor, Actor) else member()


def reading(story: Callable[[Connection], Result]) -> Result:
    """What the story returns from one transaction in the asker's workspace."""

    def once() -> Result:
        with hub().database.begin(asker().workspace_id) as connection:
            return story(connection)

    return retried(once)


def changing(
    story: Callable[[Connection], Result], told: Callable[[Result], Told] = lambda _: Told()
) -> Result:
    """As `reading`, with the route's audit entry in the same transaction."""

    def with_entry(connection: Connection) -> Result:
        result = story(connection)
        note(connection, told(result))
        return result

    return reading(with_entry)


def noting(told: Told) -> None:
    """The route's audit entry in a transaction of its own, where the story keeps its own too."""
    reading(lambda connection: note(connection, told))


def note(connection: Connection, told: Told) -> None:
    """Write the route's audit entry. Last in the transaction: entries wait for each other."""
    rule = g.rule
    assert isinstance(rule, Rule)  # noqa: S101 - asking.py put it there
    audit.record(
        connection,
        asker().workspace_id,
        actor=asker().name,
        action=rule.audited or "unnamed",
        object=told.object,
        detail=told.detail,
        address=request.remote_addr,
    )
