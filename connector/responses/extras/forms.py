"""Input forms: fields of the CRM's contact in an order, some required, some with a default, that
people fill in here. They are held against the downloaded definitions when they are saved and
whenever they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from connector.connections import findings
from connector.connections.profile import Profile, load, load_all
from connector.problems import Code, Place, Refusal, not_found
from connector.responses.extras.choosing import (
    OURS,
    READ_ONLY,
    SENTENCES,
    UNFIT,
    UNKNOWN,
    Chosen,
    Extra,
    contact_entity,
    extra_of,
)
from connector.responses.fitting import Unfit, fitted, given
from connector.responses.vocabulary import Kind
from connector.tables import input_form as forms
from schemas.fields import Entity, Field, FieldValue
from schemas.phrases import phrase
from schemas.record import broken_rule


@dataclass(frozen=True, slots=True)
class Form:
    """A form at its connection, against the newest definitions. `stored` are its fields as saved,
    beside `chosen.extras`.
    """

    id: int
    name: str
    creates: bool
    chosen: Chosen
    stored: tuple[Mapping[str, Any], ...]

    def default_of(self, field: Field) -> FieldValue:
        """What stands in the field where nobody fills it in; None for nothing, or where it does not
        fit any more.
        """
        told = next((one.get("default") for one in self.stored if one["field"] == field.name), None)
        try:
            value = _default(field, told)
        except Unfit:
            return None
        return None if broken_rule(field, value) else value

    @property
    def required(self) -> tuple[Extra, ...]:
        """The fields that must hold something in the end."""
        names = {one["field"] for one in self.stored if one.get("required")}
        return tuple(one for one in self.chosen.extras if one.name in names)


@dataclass(frozen=True, slots=True)
class Makeable:
    """A connection that a form can be made at, and the fields that can stand on it."""

    profile: Profile
    entity: Entity
    fields: tuple[Field, ...]


def makeable(connection: Connection, workspace_id: int) -> list[Makeable]:
    """Every connection whose contact fields are downloaded, by name."""
    found = []
    for one in sorted(load_all(connection, workspace_id), key=lambda here: here.name):
        entity = contact_entity(connection, one) if one.traits.contact_entity else None
        if entity is not None:
            fields = tuple(each for each in entity.fields if _never(each, entity, one) is None)
            found.append(Makeable(one, entity, fields))
    return found


def names(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Id, name and connection of every form, by name: what leads to one."""
    return [dict(row) for row in connection.execute(NAMES, {"w": workspace_id}).mappings()]


def listed(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every form by name, without those of connections that are off the list."""
    profiles = {one.id: one for one in load_all(connection, workspace_id)}
    entities = {one: contact_entity(connection, profiles[one]) for one in profiles}
    asked = _living(workspace_id).order_by(forms.c.name)
    return [
        _shown(row, profiles[row.connection_id], entities[row.connection_id])
        for row in connection.execute(asked)
        if row.connection_id in profiles
    ]


def read(connection: Connection, workspace_id: int, form_id: int) -> dict[str, Any]:
    """One form as it stands. Raises Refusal(NOT_FOUND)."""
    row, profile = _one(connection, workspace_id, form_id)
    return _shown(row, profile, contact_entity(connection, profile))


def form_of(connection: Connection, workspace_id: int, form_id: int) -> Form:
    """One form, to be filled in. Raises Refusal(NOT_FOUND)."""
    row, profile = _one(connection, workspace_id, form_id)
    entity, stored = contact_entity(connection, profile), tuple(row.body["fields"])
    extras = tuple(extra_of(one, entity, profile.traits) for one in stored)
    chosen = Chosen(profile, entity, extras)
    return Form(row.id, row.name, bool(row.body["create"]), chosen, stored)


def save(
    connection: Connection, workspace_id: int, *, body: Mapping[str, Any], form_id: int | None
) -> dict[str, Any]:
    """Keep a form under its name, or this one instead of what it was; as it stands then.

    Raises Refusal: not_found, name_taken, no_field_definitions, setting_invalid with every place.
    """
    before = None if form_id is None else _one(connection, workspace_id, form_id)[0]
    profile = _named(connection, workspace_id, body["connection"])
    entity = contact_entity(connection, profile)
    if entity is None:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    if places := tuple(_wrong(body["fields"], entity, profile)):
        raise Refusal(Code.SETTING_INVALID, places=places)
    values = {
        "connection_id": profile.id,
        "name": body["name"],
        "body": {"create": body["create"], "fields": [dict(one) for one in body["fields"]]},
    }
    row = _kept(connection, workspace_id, values, form_id=form_id)
    if before is not None:
        # What had drifted and is on no form any more needs nobody.
        findings.close_unused(connection, load(connection, workspace_id, before.connection_id))
    return _shown(row, profile, entity)


def save_as_named(
    connection: Connection, workspace_id: int, *, body: Mapping[str, Any]
) -> dict[str, Any]:
    """The same for a form of a file: the one of its name is replaced where there is one."""
    asked = _living(workspace_id).where(forms.c.name == body["name"])
    row = connection.execute(asked).one_or_none()
    return save(connection, workspace_id, body=body, form_id=row.id if row else None)


def delete(connection: Connection, workspace_id: int, form_id: int) -> None:
    """Take a form off the list; what it has written, and its history, stay."""
    row, profile = _one(connection, workspace_id, form_id)
    connection.execute(update(forms).where(forms.c.id == row.id).values(deleted_at=func.now()))
    findings.close_unused(connection, profile)


def as_document(connection: Connection, workspace_id: int, form_id: int) -> dict[str, Any]:
    """A form as a file holds it: what was saved, and nothing that is only shown. Raises
    Refusal(NOT_FOUND).
    """
    row, profile = _one(connection, workspace_id, form_id)
    return {
        "name": row.name,
        "connection": profile.name,
        "create": row.body["create"],
        "fields": [_said(one) for one in row.body["fields"]],
    }


def _said(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A field without what is not said of it; a default that is `false` is said."""
    told = {name: value for name, value in stored.items() if value is not None}
    return {name: value for name, value in told.items() if name != "required" or value}


def fillings(
    connection: Connection, workspace_id: int, form_id: int, *, before: int, limit: int
) -> list[dict[str, Any]]:
    """The times it was filled in, newest first, before that id. Raises Refusal(NOT_FOUND)."""
    _one(connection, workspace_id, form_id)
    asked = {"w": workspace_id, "form": form_id, "before": before, "limit": limit}
    return [dict(row) for row in connection.execute(FILLINGS, asked).mappings()]


# --- what is wrong with a form --------------------------------------------------------------------


def _wrong(wanted: Sequence[Mapping[str, Any]], entity: Entity, here: Profile) -> Iterator[Place]:
    seen: set[str] = set()
    for at, one in enumerate(wanted):
        name, field = one["field"], entity.field(one["field"])
        if name in seen:
            yield Place(
                f"/fields/{at}/field", "duplicate", phrase("%(name)s stands twice", name=name)
            )
        elif field is None:
            yield Place(
                f"/fields/{at}/field",
                UNKNOWN,
                phrase("%(label)s has no field %(name)s", label=entity.label, name=name),
            )
        elif (why_not := _never(field, entity, here)) is not None:
            yield Place(f"/fields/{at}/field", why_not, SENTENCES[why_not])
        else:
            yield from _unfit(field, one.get("default"), f"/fields/{at}/default")
        seen.add(name)


def _never(field: Field, entity: Entity, here: Profile) -> str | None:
    """Why nobody can fill it in, not even for a new record."""
    why_not = extra_of({"field": field.name}, entity, here.traits).why_not
    if why_not in {OURS, UNFIT}:
        return why_not
    return None if field.creatable or field.updatable else READ_ONLY


def _unfit(field: Field, default: object, pointer: str) -> Iterator[Place]:
    try:
        value = _default(field, default)
    except Unfit as exc:
        yield Place(pointer, exc.code, str(exc))
        return
    if (broken := broken_rule(field, value)) is not None:
        yield Place(pointer, *broken)


def _default(field: Field, told: object) -> FieldValue:
    held = given(told)
    return None if held == "" else fitted(held, Kind.ANY, field=field)


# --- the store ------------------------------------------------------------------------------------


def _living(workspace_id: int) -> Any:  # noqa: ANN401 - a statement of many types
    return select(forms).where(forms.c.workspace_id == workspace_id, forms.c.deleted_at.is_(None))


def _one(connection: Connection, workspace_id: int, form_id: int) -> tuple[Row[Any], Profile]:
    row = connection.execute(_living(workspace_id).where(forms.c.id == form_id)).one_or_none()
    if row is None:
        raise not_found()
    return row, load(connection, workspace_id, row.connection_id)


def _named(connection: Connection, workspace_id: int, name: str) -> Profile:
    for one in load_all(connection, workspace_id):
        if one.name == name:
            return one
    place = Place(
        "/connection", "unknown", phrase("there is no connection named %(name)s", name=name)
    )
    raise Refusal(Code.SETTING_INVALID, places=[place])


def _kept(
    connection: Connection, workspace_id: int, values: Mapping[str, Any], *, form_id: int | None
) -> Row[Any]:
    statement: Any
    if form_id is None:
        statement = insert(forms).values(workspace_id=workspace_id, **values)
    else:
        statement = (
            update(forms).where(forms.c.id == form_id).values(**values, updated_at=func.now())
        )
    try:
        return connection.execute(statement.returning(forms)).one()
    except IntegrityError as exc:
        raise Refusal(Code.NAME_TAKEN, phrase("Another input form has that name already.")) from exc


def _shown(row: Row[Any], profile: Profile, entity: Entity | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "connection_id": profile.id,
        "connection": profile.name,
        "entity": profile.traits.contact_entity,
        "create": row.body["create"],
        "fields": [_field(one, entity, profile) for one in row.body["fields"]],
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _field(stored: Mapping[str, Any], entity: Entity | None, here: Profile) -> dict[str, Any]:
    extra = extra_of(stored, entity, here.traits)
    why_not = (
        UNKNOWN if extra.field is None or entity is None else _never(extra.field, entity, here)
    )
    return {
        "field": extra.name,
        "label": extra.label,
        "help": stored.get("help"),
        "required": bool(stored.get("required")),
        "default": stored.get("default"),
        "type": extra.field.type.value if extra.field else None,
        "why_not": why_not,
    }


NAMES = text(
    """
    SELECT f.id, f.name, c.name AS connection
      FROM input_form f JOIN connection c ON c.id = f.connection_id
     WHERE f.workspace_id = :w AND f.deleted_at IS NULL AND c.deleted_at IS NULL ORDER BY f.name
    """
)
FILLINGS = text(
    """
    SELECT e.id AS edit_id, e.contact_id, nullif(e.remote_id, '') AS remote_id, e.actor,
           CASE WHEN e.state = 'written' AND EXISTS (
                SELECT FROM ledger l WHERE l.workspace_id = e.workspace_id AND l.edit_id = e.id
                   AND l.contact_id = e.contact_id AND l.created)
                THEN 'created' ELSE e.state END AS outcome,
           e.error_code, e.created_at, e.settled_at,
           ARRAY(SELECT l.field FROM ledger l WHERE l.workspace_id = e.workspace_id
                    AND l.edit_id = e.id AND l.contact_id = e.contact_id ORDER BY l.field) AS fields
      FROM edit e
     WHERE e.workspace_id = :w AND e.form_id = :form AND e.id < :before
     ORDER BY e.id DESC LIMIT :limit
    """
)
