"""What every command needs: the store, the terminal, and errors in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from connector import workspaces
from connector.connections.desk import Desk
from connector.connections.vault import KeysUnusable
from connector.db import Database, DatabaseAway, sqlstate
from connector.engines import EngineError, engines
from connector.problems import Place, Refusal
from connector.queues import Doorbell
from connector.release import NotReady
from connector.release import release as prepare
from connector.responses.hub import Hub
from connector.responses.limiter import Limiter
from connector.responses.permit import permitting
from connector.settings import Settings, SettingsError, load_settings

ACTOR = "operator"
# Nothing answers there: the rate is then kept by this process alone.
_NO_REDIS = "redis://127.0.0.1:1"
_NOT_MIGRATED = {"42P01", "42883", "42703"}


@dataclass(frozen=True, slots=True)
class Opened:
    """The store while a command runs."""

    settings: Settings
    database: Database

    def workspace_id(self, slug: str) -> int:
        """The id of a workspace by its slug."""
        return workspaces.by_slug(self.database, slug)

    def desk(self) -> Desk:
        """What managed authentications work with; needs the keys."""
        return self.hub().desk

    def hub(self) -> Hub:
        """What calls a CRM at its account's rate; needs the keys."""
        limiter = Limiter(self.settings.redis_url or _NO_REDIS)
        permit = permitting(limiter, self.settings.rate_share)
        desk = Desk.of(self.settings, self.database, permit=permit)
        return Hub(self.settings, desk, limiter)

    def ring(self, kind: str, workspace_id: int, about: int = 0) -> None:
        """Wake a worker; without Redis the sweep does it. `about`: a connection or a webhook."""
        Doorbell(str(self.settings.redis_url)).ring(kind, workspace_id, about)


@dataclass(frozen=True, slots=True)
class Shell:
    """How a command reads and answers."""

    as_json: bool

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The store, open until the command has done with it."""
        with ExitStack() as stack:
            settings = load_settings()
            is_embedded = settings.database_url is None
            settings = stack.enter_context(engines(settings))
            if is_embedded:
                prepare(settings)  # nobody has run `release` for an engine that just started
            database = Database(settings)
            stack.callback(database.close)
            yield Opened(settings, database)

    def say(self, found: Mapping[str, Any], words: str) -> None:
        """One thing: JSON for a script, words for a person."""
        if self.as_json:
            click.echo(json.dumps(found, default=_plain, ensure_ascii=False))
        else:
            click.echo(words)

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Many things: a JSON array, or a table of the named columns."""
        if self.as_json:
            click.echo(json.dumps(list(rows), default=_plain, ensure_ascii=False))
            return
        shown = Table(*columns)
        for row in rows:
            shown.add_row(*(Text(_short(row.get(column))) for column in columns))
        Console().print(shown if rows else "Nothing there.")


class PlainGroup(click.Group):
    """A group of commands whose errors are told in plain words."""

    def invoke(self, ctx: click.Context) -> object:
        with plain_errors():
            return super().invoke(ctx)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What goes wrong inside becomes a plain line and exit code 1."""
    try:
        yield
    except Refusal as exc:
        raise click.ClickException(_told(exc)) from exc
    except (SettingsError, EngineError, KeysUnusable, NotReady) as exc:
        raise click.ClickException(str(exc)) from exc
    except DatabaseAway as exc:
        message = "the database cannot be reached; is it running, is DATABASE_URL right?"
        raise click.ClickException(message) from exc
    except DBAPIError as exc:
        if sqlstate(exc) not in _NOT_MIGRATED:
            raise
        message = "the database is not set up: run `answerback release` first"
        raise click.ClickException(message) from exc


def _told(refusal: Refusal) -> str:
    lines = [refusal.detail or refusal.kind.title, f"  code: {refusal.code.value}"]
    lines += [f"  {_spot(place)}: {place.text}" for place in refusal.places]
    lines.append(f"  what to do: {refusal.kind.mend}")
    return "\n".join(lines)


def _spot(place: Place) -> str:
    spots = [one for one in (place.where, place.pointer) if one]
    return ", ".join(spots) or "the whole"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _short(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
