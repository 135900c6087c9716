"""The permission pre-flight: what is published needs certain entities and fields at the CRM, and
whether the connected user may use them is asked of the CRM itself, before an answer finds out.

Rights on fields are those of definitions downloaded for the occasion, rights on entities, plan,
role and room what the CRM tells (adapters/rights.py), scopes those of the grant. Nothing is
changed, neither there nor here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from adapters.errors import AdapterError
from adapters.rights import EntityRights, Rights, Room
from adapters.traits import TagPlace, Traits
from connector import audit
from connector.connections import credentials
from connector.connections.desk import Desk
from connector.connections.discover import ask, snapshots, with_rights
from connector.connections.profile import Profile, load
from connector.connections.refusals import refusal_of
from connector.connections.rights import kept
from connector.connections.vault import SealBroken
from connector.log import get_logger
from connector.problems import Code, Refusal
from connector.tables import connection as connections
from connector.tables import input_form, mapping, mapping_version
from schemas.fields import Entity
from schemas.phrases import phrase

READ, CREATE, UPDATE = "read", "create", "update"
_VERBS = {READ: phrase("read"), CREATE: phrase("create"), UPDATE: phrase("update")}
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "create": (READ, CREATE),
    "update": (READ, UPDATE),
    "upsert": (READ, CREATE, UPDATE),
}


@dataclass(frozen=True, slots=True)
class Need:
    """Something published needs to do this to an entity, or to one of its fields."""

    by: str
    entity: str
    operations: tuple[str, ...]
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """What a need is refused, in words, and how to mend it."""

    by: str
    entity: str
    field: str | None
    operation: str
    text: str
    mend: str


@dataclass(frozen=True, slots=True)
class Usable:
    """What may be done with an entity that is needed, or with one of its fields."""

    entity: str
    field: str | None
    create: bool
    read: bool
    update: bool


@dataclass(frozen=True, slots=True)
class Preflight:
    """The whole: `ready` where nothing that is published lacks anything."""

    app: str
    edition: str
    role: str
    scopes: tuple[str, ...]
    scopes_missing: tuple[str, ...]
    usable: tuple[Usable, ...]
    lacks: tuple[Lack, ...]
    room: tuple[Room, ...] = ()
    warnings: tuple[str, ...] = ()
    ready: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """The same in whole sentences, what must be mended first."""
        return tuple(_words(self))


def preflight(desk: Desk, workspace_id: int, connection_id: int) -> Preflight:
    """Ask the CRM what the connected user may do, and compare it with what is published.

    Refusal not_connected, crm_refused or crm_unavailable.
    """
    with desk.database.begin(workspace_id) as connection:
        here = load(connection, workspace_id, connection_id)
        needs = tuple(_needs(connection, here))
        granted = _scopes(connection, desk, here)
    try:
        found, rights = ask(desk, workspace_id, connection_id, question=with_rights)
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    entities = {one.name: one for one in found}
    return _compared(here, needs, granted, entities, rights or Rights())


def known(connection: Connection, desk: Desk, workspace_id: int, connection_id: int) -> Preflight:
    """The same by what was told last: after connecting, or at night. The CRM is not asked.

    Refusal no_field_definitions where nothing has been told yet.
    """
    here = load(connection, workspace_id, connection_id)
    entities = {one.entity.name: one.entity for one in snapshots(connection, workspace_id, here.id)}
    if not entities:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    rights = kept(connection, here) or Rights()
    needs, granted = tuple(_needs(connection, here)), _scopes(connection, desk, here)
    return _compared(here, needs, granted, entities, rights)


def tell(desk: Desk, workspace_id: int, connection_id: int) -> None:
    """After connecting: what is lacking is written down where an admin looks, once."""
    with desk.database.begin(workspace_id) as connection:
        seen = known(connection, desk, workspace_id, connection_id)
        audit.record(
            connection,
            workspace_id,
            actor="system",
            action="connection.preflighted",
            object=f"connection:{connection_id}",
            detail={"ready": seen.ready, "words": list(seen.words[:50])},
        )
    if not seen.ready:
        get_logger(__name__).warning(
            "crm_permission_lacking",
            workspace_id=workspace_id,
            connection_id=connection_id,
            lacks=len(seen.lacks) + len(seen.scopes_missing),
        )


def _compared(
    here: Profile,
    needs: Sequence[Need],
    granted: tuple[str, ...],
    entities: Mapping[str, Entity],
    rights: Rights,
) -> Preflight:
    wanted = here.traits.oauth.wanted(here.settings) if here.traits.oauth else ()
    # A name that is a pattern is that of the one entity which fits it here.
    plain = [_plain(one, entities) for one in needs]
    needed = [scope for one in plain for scope in scopes_lacking(one, here.traits, granted)]
    missing = tuple(one for one in wanted if one not in granted) if granted else ()
    missing = tuple(dict.fromkeys((*missing, *needed)))
    lacks = tuple(lack for one in plain for lack in lacking(one, entities, rights, here.traits))
    usable = tuple(_usable(plain, entities, rights))
    return Preflight(
        app=here.app,
        edition=rights.edition,
        role=rights.role,
        scopes=granted,
        scopes_missing=missing,
        usable=usable,
        lacks=lacks,
        room=rights.room,
        warnings=rights.warnings,
        ready=not lacks and not missing,
    )


def _words(one: Preflight) -> Iterator[str]:
    yield from (f"{lack.by}: {lack.text}. {_sentence(lack.mend)}" for lack in one.lacks)
    for scope in one.scopes_missing:
        yield f"The scope {scope} is missing: connect again and allow it."
    if one.ready:
        yield "Everything that is published may be written."
    if one.edition or one.role:
        known = [("plan", one.edition), ("role", one.role)]
        yield "The CRM tells: " + ", ".join(f"{what} {told}" for what, told in known if told) + "."
    for room in one.room:
        left = f"{room.left:,} of {room.limit:,}{' ' + room.unit if room.unit else ''}"
        low = "Only " if room.is_low else ""
        yield f"{low}{left} are left: {room.what}."
    yield from one.warnings


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _scopes(connection: Connection, desk: Desk, here: Profile) -> tuple[str, ...]:
    """The scopes the grant was given; () where the CRM did not tell, or it is a key."""
    try:
        kept = credentials.read(connection, desk, here.workspace_id, connection_id=here.id)
    except SealBroken:
        return ()
    return tuple(str(one) for one in kept.document.get("scopes", ())) if kept else ()


# --- what is needed -------------------------------------------------------------------------------


def _needs(connection: Connection, here: Profile) -> Iterator[Need]:
    for name, body in _published(connection, here):
        yield from of_mapping(name, body)
    asked = select(connections.c.standard, connections.c.extra_fields).where(
        connections.c.id == here.id
    )
    row = connection.execute(asked).one()
    yield from of_standard(row.standard or {}, here.traits)
    yield from of_extras((row.extra_fields or {}).get("fields", ()), here.traits)
    yield from _of_forms(connection, here)


def _published(connection: Connection, here: Profile) -> Iterable[tuple[str, Mapping[str, Any]]]:
    asked = (
        select(mapping.c.name, mapping_version.c.body)
        .join(mapping_version, mapping_version.c.mapping_id == mapping.c.id)
        .where(
            mapping.c.workspace_id == here.workspace_id,
            mapping.c.connection_id == here.id,
            mapping_version.c.version == mapping.c.published,
        )
        .order_by(mapping.c.name)
    )
    return [(row.name, row.body) for row in connection.execute(asked)]


def of_mapping(name: str, body: Mapping[str, Any]) -> Iterator[Need]:
    """What a published mapping needs."""
    by, entity, does = f"mapping {name}", str(body["entity"]), OPERATIONS[body["operation"]]
    yield Need(by, entity, does)
    yield Need(by, entity, (READ,), str(body["identify"]["field"]))
    for name in (*(row["field"] for row in body["rows"]), *(body.get("links") or {}).values()):
        yield Need(by, entity, does, str(name))


def of_standard(standard: Mapping[str, Any], traits: Traits) -> Iterator[Need]:
    """What the standard integration of a connection needs."""
    if not standard.get("enabled"):
        return
    does = OPERATIONS["upsert" if standard.get("create") else "update"]
    contact = traits.contact_entity
    yield Need("standard integration", contact, does)
    if standard.get("fields", True):
        for name in traits.standard_fields.values():
            yield Need("standard integration", contact, does, name)
    if standard.get("tag", True) and traits.tags.place is TagPlace.FIELD and traits.tags.field:
        yield Need("score tags", contact, OPERATIONS["update"], traits.tags.field)
    if standard.get("record") and traits.record is not None:
        yield Need("response records", traits.record.entity, OPERATIONS["upsert"])
        yield from _of_inheriting(standard, traits)
        for name in (traits.record.key, *traits.record.fields.values()):
            yield Need("response records", traits.record.entity, OPERATIONS["upsert"], name)


def _of_inheriting(standard: Mapping[str, Any], traits: Traits) -> Iterator[Need]:
    """Company and owner are read on the contact, where a record has them from there."""
    if standard.get("record_inherits"):
        for ways in traits.inherited.values():
            for name in (name for via, name in ways if via == "contact"):
                yield Need("response records", traits.contact_entity, (READ,), name)


def of_extras(chosen: Iterable[Mapping[str, Any]], traits: Traits) -> Iterator[Need]:
    """What the extra fields of a connection need. One that may be edited as far as the CRM lets it
    lacks nothing where the CRM does not.
    """
    for one in chosen:
        does = OPERATIONS["update"] if one.get("editable") else (READ,)
        yield Need("extra fields", traits.contact_entity, does, str(one["field"]))


def _of_forms(connection: Connection, here: Profile) -> Iterator[Need]:
    asked = (
        select(input_form.c.name, input_form.c.body)
        .where(
            input_form.c.workspace_id == here.workspace_id,
            input_form.c.connection_id == here.id,
            input_form.c.deleted_at.is_(None),
        )
        .order_by(input_form.c.name)
    )
    for row in connection.execute(asked):
        yield from of_form(row.name, row.body, here.traits)


def of_form(name: str, body: Mapping[str, Any], traits: Traits) -> Iterator[Need]:
    """What an input form needs; a field that it shows and the CRM keeps to itself lacks nothing."""
    by, does = f"input form {name}", OPERATIONS["upsert" if body["create"] else "update"]
    yield Need(by, traits.contact_entity, does)
    for one in body["fields"]:
        yield Need(by, traits.contact_entity, (READ,), str(one["field"]))


def _plain(need: Need, entities: Mapping[str, Entity]) -> Need:
    if need.entity in entities:
        return need
    fits = next((name for name in entities if re.fullmatch(need.entity, name)), need.entity)
    return Need(need.by, fits, need.operations, need.field)


# --- what of it is lacking ------------------------------------------------------------------------


def lacking(
    need: Need, entities: Mapping[str, Entity], rights: Rights, traits: Traits
) -> Iterator[Lack]:
    """What this need is refused; nothing where all is well. Pure."""
    entity = entities.get(need.entity)

    def lack(operation: str, text: str) -> Lack:
        mend = phrase(
            "give it to the connected user in %(label)s;"
            " docs/apps/%(app)s.md says which permissions the connected user needs",
            label=phrase(traits.label),
            app=traits.app,
        )
        return Lack(need.by, need.entity, need.field, operation, text, mend)

    if entity is None:
        if need.field is None:
            yield lack(
                READ,
                phrase("%(entity)s is not there, or the user may not see it", entity=need.entity),
            )
        return
    if need.field is None:
        has = _on_entity(need.entity, rights)
        lost = [one for one in need.operations if not getattr(has, one)]
        yield from (
            lack(
                one,
                phrase(
                    "the user may not %(may_not)s %(entity)s",
                    may_not=_VERBS[one],
                    entity=need.entity,
                ),
            )
            for one in lost
        )
        return
    known = entity.field(need.field)
    if known is None:
        if not (traits.tags.needs_options and need.field == traits.tags.field):
            # Else it is made when the first tag needs it.
            text = phrase(
                "%(entity)s has no field %(field)s, or the user may not see it",
                entity=need.entity,
                field=need.field,
            )
            yield lack(READ, text)
        return
    may = {READ: True, CREATE: known.creatable, UPDATE: known.updatable}
    lost = [one for one in need.operations if not may[one]]
    yield from (
        lack(
            one,
            phrase(
                "the user may not %(may_not)s %(entity)s.%(field)s",
                may_not=_VERBS[one],
                entity=need.entity,
                field=need.field,
            ),
        )
        for one in lost
    )


def scopes_lacking(need: Need, traits: Traits, granted: Collection[str]) -> tuple[str, ...]:
    """The scopes that this need has and the grant has not; () where the CRM did not tell. Pure."""
    if traits.oauth is None or need.field is not None:
        return ()
    writes = any(one != READ for one in need.operations)
    return traits.oauth.lacking(need.entity, writes=writes, granted=granted)


def _on_entity(name: str, rights: Rights) -> EntityRights:
    return rights.entities.get(name, EntityRights(create=True, read=True, update=True))


def _usable(
    needs: Sequence[Need], entities: Mapping[str, Entity], rights: Rights
) -> Iterator[Usable]:
    """The matrix of everything that is needed, each once."""
    for name, field_name in dict.fromkeys((one.entity, one.field) for one in needs):
        entity = entities.get(name)
        has = _on_entity(name, rights)
        if field_name is None or entity is None:
            there = entity is not None
            yield Usable(
                name, field_name, *(there and one for one in (has.create, has.read, has.update))
            )
            continue
        known = entity.field(field_name)
        create = known is not None and known.creatable and has.create
        update = known is not None and known.updatable and has.update
        yield Usable(name, field_name, create, known is not None and has.read, update)
