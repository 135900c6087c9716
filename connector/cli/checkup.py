"""What `answerback doctor` looks at; each finding is one thing, and its mend when it is bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import redis
from sqlalchemy import text

from adapters.errors import AdapterError
from connector import audit, workspaces
from connector.accounts import letters
from connector.accounts.provider import Provider, SignInFailed
from connector.connections import described
from connector.connections.keys import check_keys, keyring_of
from connector.connections.vault import KeysUnusable
from connector.db import Database, DatabaseAway, unsafe_role
from connector.engines import EngineError, engines
from connector.settings import Environment, Settings, SettingsError, load_settings

_DURABLE = {"synchronous_commit": "on", "fsync": "on"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` says what to do, "" when it is good."""

    what: str
    is_good: bool
    mend: str = ""


def examined() -> list[Finding]:
    """Every finding, as far as one gets: without settings or store the rest cannot be looked at."""
    try:
        settings = load_settings()
    except SettingsError as exc:
        return [Finding("settings", is_good=False, mend=problem) for problem in exc.problems]
    findings = [
        Finding("settings", is_good=True),
        _keys(settings),
        *_apps(settings),
        *_mail(settings),
        *_provider(settings),
    ]
    with ExitStack() as stack:
        try:
            settings = stack.enter_context(engines(settings))
        except EngineError as exc:
            return [*findings, Finding("embedded engines", is_good=False, mend=str(exc))]
        database = Database(settings)
        stack.callback(database.close)
        findings.append(_redis(settings))
        findings.extend(_store(settings, database))
    return findings


def _keys(settings: Settings) -> Finding:
    try:
        keyring_of(settings)
    except KeysUnusable as exc:
        return Finding("key-encryption keys", is_good=False, mend=str(exc))
    return Finding("key-encryption keys", is_good=True)


def _apps(settings: Settings) -> Iterator[Finding]:
    try:
        described.install(settings)
    except SettingsError as exc:
        yield from (Finding("described apps", is_good=False, mend=one) for one in exc.problems)
    else:
        if settings.apps_dir is not None:
            yield Finding("described apps", is_good=True)


def _mail(settings: Settings) -> Iterator[Finding]:
    """Signs in at the mail server; nothing is sent."""
    if settings.mail is None:
        return
    mend = "mend ANSWERBACK_SMTP_URL, or let the mail server be reached from here"
    try:
        letters.probe(settings.mail)
    except AdapterError as exc:
        yield Finding("mail server", is_good=False, mend=f"{mend} ({exc.code})")
    else:
        yield Finding("mail server", is_good=True)


def _provider(settings: Settings) -> Iterator[Finding]:
    """Asks the provider what it says of itself, and its keys."""
    if settings.oidc is None:
        return
    mend = "mend ANSWERBACK_OIDC_ISSUER, or let the provider be reached from here"
    try:
        Provider(settings.oidc, settings.public_url).look()
    except SignInFailed as exc:
        yield Finding("sign-in provider", is_good=False, mend=f"{mend} ({exc.code})")
    else:
        yield Finding("sign-in provider", is_good=True)


def _redis(settings: Settings) -> Finding:
    mend = "start Redis or Valkey, or mend REDIS_URL; until then the scheduler works alone"
    try:
        with redis.Redis.from_url(str(settings.redis_url), socket_timeout=2) as client:
            client.ping()
    except (redis.RedisError, ValueError):
        return Finding("Redis", is_good=False, mend=mend)
    return Finding("Redis", is_good=True)


def _store(settings: Settings, database: Database) -> Iterator[Finding]:
    try:
        with database.across() as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseAway:
        yield Finding("database", is_good=False, mend="start PostgreSQL, or mend DATABASE_URL")
        return
    yield Finding("database", is_good=True)
    yield _schema(database)
    yield _role(settings, database)
    yield from _durability(database)
    yield from _workspaces(settings, database)


def _schema(database: Database) -> Finding:
    with database.across() as connection:
        there = connection.execute(text("SELECT to_regclass('workspace')")).scalar_one()
    mend = "" if there else "run `answerback release`"
    return Finding("database schema", is_good=bool(there), mend=mend)


def _role(settings: Settings, database: Database) -> Finding:
    wrong = unsafe_role(database)
    must = settings.environment is Environment.PRODUCTION
    return Finding("database role", is_good=wrong is None or not must, mend=wrong or "")


def _durability(database: Database) -> Iterator[Finding]:
    with database.across() as connection:
        for name, wanted in _DURABLE.items():
            found = connection.execute(text("SELECT current_setting(:name)"), {"name": name})
            is_good = found.scalar_one() == wanted
            mend = "" if is_good else f"set {name} = {wanted}: a 2xx must mean durable"
            yield Finding(f"PostgreSQL {name}", is_good=is_good, mend=mend)


def _workspaces(settings: Settings, database: Database) -> Iterator[Finding]:
    ids = [int(one["id"]) for one in workspaces.listed(database)]
    yield _tried(
        "sealed secrets",
        lambda: check_keys(database, keyring_of(settings), ids),
    )
    for workspace_id in ids:
        with database.begin(workspace_id) as connection:
            broken = audit.broken_at(connection, workspace_id)
        mend = f"entry {broken} does not fit: compare with the last export" if broken else ""
        yield Finding(f"audit log of workspace {workspace_id}", is_good=not broken, mend=mend)


def _tried(what: str, look: Callable[[], None]) -> Finding:
    try:
        look()
    except KeysUnusable as exc:
        return Finding(what, is_good=False, mend=str(exc))
    return Finding(what, is_good=True)
