"""Downloads the field definitions of a connection and keeps a snapshot of each that differs."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection, func, insert, select, update

from adapters.base import CRM
from adapters.errors import AdapterError, ReconnectNeeded, TokenExpired
from adapters.rights import Inspector, Rights
from connector.connections import findings, parking, quota
from connector.connections import rights as kept_rights
from connector.connections.at_rate import adapter_at
from connector.connections.desk import Desk
from connector.connections.ear import Ear
from connector.connections.holding import audited
from connector.connections.profile import Profile, load
from connector.connections.refusals import refusal_of
from connector.connections.tokens import Reached, reach
from connector.documents import plain_cell
from connector.tables import entity_snapshot
from schemas.fields import Entity, Field, entity_from_json, entity_to_json
from schemas.record import schema_digest

Answer = TypeVar("Answer")

# Why a download was made: a person asked, or a delivery met a lost field.
BY_HAND, BY_ERROR = "person", "error"
MOST_HISTORY = 200
COLUMNS = (
    "entity", "field", "label", "type", "native_type", "max_length", "required", "creatable",
    "updatable", "unique", "identifies", "options", "record_types",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest definition of one entity. `digest` changes with anything, in hexadecimal.

    `taken_at` is when this definition was first seen, `seen_at` when last.
    """

    id: int
    entity: Entity
    digest: str
    schema_digest: str
    taken_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a download found: names of the entities, by what became of them. `broken` counts the
    changes that break something here.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    gone: tuple[str, ...]
    broken: int = 0


def download(desk: Desk, workspace_id: int, connection_id: int, *, actor: str) -> Discovered:
    """Fetch the definitions and store what differs; an entity that is gone stops being current.

    Refusal not_connected, crm_refused or crm_unavailable: then nothing is changed.
    """
    try:
        found = ask(desk, workspace_id, connection_id, question=lambda crm: crm.entities())
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    with desk.database.begin(workspace_id) as connection:
        here = load(connection, workspace_id, connection_id)
        done = store(connection, here, found)
        detail = {"changed": list(done.changed), "added": list(done.added)}
        audited(connection, here, action="fields_downloaded", actor=actor, detail=detail)
    return done


def look(desk: Desk, workspace_id: int, connection_id: int, *, cause: str) -> Discovered:
    """The drift watch's download: written down only where it found something. Raises
    AdapterError.
    """
    found, told = ask(desk, workspace_id, connection_id, question=with_rights)
    with desk.database.begin(workspace_id) as connection:
        here = load(connection, workspace_id, connection_id)
        before = kept_rights.kept(connection, here)
        if told is not None:
            kept_rights.keep(connection, here, told, entities=[one.name for one in found])
        return store(connection, here, found, cause=cause, rights=(before, told))


def with_rights(crm: CRM) -> tuple[tuple[Entity, ...], Rights | None]:
    """The definitions, and what the connected user may do with them where the CRM tells."""
    return crm.entities(), crm.rights() if isinstance(crm, Inspector) else None


def store(
    connection: Connection,
    here: Profile,
    found: Iterable[Entity],
    *,
    cause: str = BY_HAND,
    rights: tuple[Rights | None, Rights | None] = (None, None),
) -> Discovered:
    """Keep what a download found, and what it has changed; what waited for a field that was gone
    is tried again, unless a lost field made us look and nothing has changed.
    """
    entities = tuple(found)
    known = snapshots(connection, here.workspace_id, here.id)
    done = _stored(connection, here.workspace_id, here.id, entities)
    if cause != BY_ERROR or done.changed or done.added:
        waits = (parking.MAPPING,)
        parking.resume_deliveries(connection, here.workspace_id, here.id, reasons=waits)
    before = {one.entity.name: one.entity for one in known}
    now = {one.name: one for one in entities}
    broken = findings.note(connection, here, before=before, now=now, cause=cause, rights=rights)
    return replace(done, broken=broken)


def ask(
    desk: Desk,
    workspace_id: int,
    connection_id: int,
    *,
    question: Callable[[CRM], Answer],
    entities: Mapping[str, Entity] = MappingProxyType({}),
) -> Answer:
    """The answer of the connection's adapter outside any delivery; a refused token is renewed once.
    `entities`: the definitions that the question needs.

    Raises AdapterError; a connection that needs a reconnect has been parked by then.
    """
    reached = reach(desk, workspace_id, connection_id)
    try:
        return _asked(desk, reached, question, entities)
    except TokenExpired:
        reached = reach(desk, workspace_id, connection_id, seen_version=reached.version)
    try:
        return _asked(desk, reached, question, entities)
    except TokenExpired as exc:
        code = "token_refused"
        parking.park(desk, workspace_id, connection_id, code=code, seen_version=reached.version)
        raise ReconnectNeeded(code=code) from exc


def _asked(
    desk: Desk,
    reached: Reached,
    question: Callable[[CRM], Answer],
    entities: Mapping[str, Entity],
) -> Answer:
    """The answer; what the CRM told of its calls on the way is kept, whatever came of them."""
    here = reached.profile
    ear = Ear(here.app, here.learnt)
    try:
        return question(adapter_at(desk, reached, entities=entities, answered=ear.answered))
    finally:
        with desk.database.begin(here.workspace_id) as connection:
            quota.keep(connection, here.workspace_id, quota.account_of(here), ear.heard())


def snapshots(connection: Connection, workspace_id: int, connection_id: int) -> list[Snapshot]:
    """The current definitions of a connection, by entity name; [] before the first download."""
    asked = (
        select(entity_snapshot)
        .where(
            entity_snapshot.c.workspace_id == workspace_id,
            entity_snapshot.c.connection_id == connection_id,
            entity_snapshot.c.current,
        )
        .order_by(entity_snapshot.c.entity)
    )
    return [_snapshot(row) for row in connection.execute(asked)]


def history(connection: Connection, workspace_id: int, connection_id: int) -> list[Snapshot]:
    """Every definition that was ever current, by entity, the newest first."""
    asked = (
        select(entity_snapshot)
        .where(
            entity_snapshot.c.workspace_id == workspace_id,
            entity_snapshot.c.connection_id == connection_id,
        )
        .order_by(entity_snapshot.c.entity, entity_snapshot.c.id.desc())
        .limit(MOST_HISTORY)
    )
    return [_snapshot(row) for row in connection.execute(asked)]


def _snapshot(row: Any) -> Snapshot:  # noqa: ANN401 - a row
    return Snapshot(
        id=row.id,
        entity=entity_from_json(row.definition),
        digest=bytes(row.digest).hex(),
        schema_digest=bytes(row.schema_digest).hex(),
        taken_at=row.taken_at,
        seen_at=row.seen_at,
    )


def listing(entities: Iterable[Entity]) -> str:
    """The definitions as CSV, one line a field. No cell begins a formula."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entity in entities:
        for one in entity.fields:
            writer.writerow([plain_cell(cell) for cell in _cells(entity, one)])
    return written.getvalue()


def _stored(
    connection: Connection, workspace_id: int, connection_id: int, found: Iterable[Entity]
) -> Discovered:
    before = {
        one.entity.name: one.digest for one in snapshots(connection, workspace_id, connection_id)
    }
    now = {entity.name: entity for entity in found}
    digests = {name: _digest(entity) for name, entity in now.items()}
    differing = [name for name, digest in digests.items() if before.get(name) != digest.hex()]
    gone = sorted(before.keys() - now.keys())
    same = sorted(now.keys() - set(differing))
    _retire(connection, connection_id, [*differing, *gone])
    _see(connection, connection_id, same)
    for name in differing:
        connection.execute(
            insert(entity_snapshot).values(
                workspace_id=workspace_id,
                connection_id=connection_id,
                entity=name,
                digest=digests[name],
                schema_digest=schema_digest(now[name]),
                definition=entity_to_json(now[name]),
            )
        )
    return Discovered(
        added=tuple(sorted(set(differing) - before.keys())),
        changed=tuple(sorted(set(differing) & before.keys())),
        unchanged=tuple(same),
        gone=tuple(gone),
    )


def _retire(connection: Connection, connection_id: int, names: Iterable[str]) -> None:
    connection.execute(_current(connection_id, names).values(current=False))


def _see(connection: Connection, connection_id: int, names: Iterable[str]) -> None:
    connection.execute(_current(connection_id, names).values(seen_at=func.now()))


def _current(connection_id: int, names: Iterable[str]) -> Any:  # noqa: ANN401 - a statement
    return update(entity_snapshot).where(
        entity_snapshot.c.connection_id == connection_id,
        entity_snapshot.c.entity.in_(list(names)),
        entity_snapshot.c.current,
    )


def _digest(entity: Entity) -> bytes:
    """SHA-256 of the whole definition in the CRM's order: labels and order count too."""
    text = json.dumps(entity_to_json(entity), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _cells(entity: Entity, one: Field) -> Iterator[str]:
    yield from (entity.name, one.name, one.label, one.type.value, one.native_type)
    yield "" if one.max_length is None else str(one.max_length)
    for flag in (one.required, one.creatable, one.updatable, one.unique, one.identifies):
        yield "yes" if flag else "no"
    yield "; ".join(f"{option.value}={option.label}" for option in one.options if option.active)
    yield " | ".join(f"{record_type}: {'; '.join(of)}" for record_type, of in one.offered)
