"""A mapping's draft on the server: begun, changed one step at a time, put back to a former version.

Every change is kept at once, so that nothing is lost when a session ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, text

from adapters.registry import apps, traits_of
from adapters.traits import Traits
from connector.connections import discover
from connector.connections.profile import load
from connector.problems import Code, Place, Refusal, not_found, places_of
from connector.responses.configuration import mappings, standard, templates, versioned
from connector.responses.configuration.drafting import SURE, Body, mark, suggestions, with_rows
from connector.responses.configuration.readiness import mended
from connector.responses.configuration.sheet.choices import Known
from connector.responses.configuration.versioned import MAPPING
from schemas.config import MappingSchema
from schemas.fields import Entity, Field, FieldType
from schemas.phrases import phrase

STARTS = ("standard", "suggested", "empty")
CHANGED = phrase("Somebody has changed this mapping since the page was shown: look at it again.")
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Desk:
    """What an editor works with: the mapping, its entity (None: not downloaded, or gone), the
    variables that can be mapped, and what the app can do (None: there is no such app any more).
    """

    mapping: Mapping[str, Any]
    entity: Entity | None
    known: tuple[Known, ...]
    traits: Traits | None = None

    @property
    def mark(self) -> str:
        """What a form is made of."""
        return mark(self.mapping["body"])

    @property
    def is_about_contacts(self) -> bool:
        """Whether the mapping writes the contacts themselves."""
        entity = self.mapping["body"]["entity"]
        return self.traits is not None and entity == self.traits.contact_entity

    @property
    def takes_files(self) -> bool:
        """Whether files can hang on what the mapping writes."""
        entity = self.mapping["body"]["entity"]
        return self.traits is not None and self.traits.takes_files(entity)

    @property
    def references(self) -> tuple[Field, ...]:
        """The fields that can link a record to the contact and its company."""
        written = {row["field"] for row in self.mapping["body"]["rows"]}
        every = self.entity.fields if self.entity and not self.is_about_contacts else ()
        return tuple(
            one
            for one in every
            if one.type is FieldType.REFERENCE
            and (one.creatable or one.updatable)
            and one.name not in written
        )


def overview(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every mapping by name with its connection, entity, rows, state and what feeds it; one
    question to the store. `state`: draft, paused, drift, published or changed (published, and a
    newer draft).
    """
    rows = connection.execute(OVERVIEW, {"w": workspace_id})
    return [dict(row) for row in rows.mappings()]


def begin(
    connection: Connection,
    workspace_id: int,
    *,
    name: str,
    connection_id: int,
    entity: str,
    campaign: str | None,
    start: str,
    actor: str,
) -> dict[str, Any]:
    """A new draft: with the standard fields, with what suggests itself, or empty; the mapping.

    Raises Refusal: NOT_FOUND, NO_FIELD_DEFINITIONS, NAME_TAKEN, BODY_INVALID for an entity that the
    connection does not have.
    """
    here = load(connection, workspace_id, connection_id)
    found = {one.entity.name: one.entity for one in
             discover.snapshots(connection, workspace_id, connection_id)}  # fmt: skip
    if not found:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    if entity not in found:
        place = Place("/entity", "unknown_entity", phrase("the connection has no such entity"))
        raise Refusal(Code.BODY_INVALID, places=[place])
    _refuse_a_taken_name(connection, workspace_id, name)
    body = _first(name, here.name, found[entity], campaign=campaign)
    if start == "standard" and entity == here.traits.contact_entity:
        told = standard.prefilled(connection, workspace_id, connection_id)["mapping"]
        body = {**body, **told, "name": body["name"], "campaign": campaign}
    elif start == "suggested":
        known = templates.known_of(connection, workspace_id, campaign)
        offered = suggestions(known, found[entity], body)
        sure = [one for one in offered if one.likeness >= SURE]
        body = with_rows(body, [(one.variable, one.field.name) for one in sure])
    return mappings.save(connection, workspace_id, body=_shaped(body), actor=actor, mapping_id=None)


def desk(connection: Connection, workspace_id: int, mapping_id: int) -> Desk:
    """What the editor of this mapping works with. Raises Refusal(NOT_FOUND)."""
    asked = {"w": workspace_id, "id": mapping_id}
    row = connection.execute(ONE, asked).mappings().one_or_none()
    if row is None:
        raise not_found()
    body = row["body"]
    known = discover.snapshots(connection, workspace_id, row["connection_id"])
    entity = next((one.entity for one in known if one.entity.name == body["entity"]), None)
    variables = templates.known_of(connection, workspace_id, body.get("campaign"))
    traits = traits_of(row["app"]) if row["app"] in apps() else None
    shown = {**row, "draft": row["published"] != row["latest"]}
    return Desk(shown, entity, variables, traits)


def change(
    connection: Connection,
    workspace_id: int,
    mapping_id: int,
    edit: Callable[[Body], Body],
    *,
    seen: str,
    actor: str,
) -> dict[str, Any]:
    """Keep what `edit` makes of the draft. `seen` is the mark of the draft that was shown.

    Raises Refusal: CONFLICT where another has changed it since; NOT_FOUND, NAME_TAKEN,
    BODY_INVALID where it has not a mapping's shape any more.
    """
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    body = versioned.body_of(connection, MAPPING, row)
    if mark(body) != seen:
        raise Refusal(Code.CONFLICT, CHANGED)
    return mappings.save(
        connection, workspace_id, body=_shaped(edit(body)), actor=actor, mapping_id=mapping_id
    )


def mend(
    connection: Connection,
    workspace_id: int,
    mapping_id: int,
    *,
    pointer: str,
    code: str,
    seen: str | None,
    actor: str,
) -> dict[str, Any]:
    """Mend one finding of the draft's readiness; the mapping afterwards. `seen` as in `change`,
    None where nobody looked. Refusal(CHANGE_REFUSED) where a person has to decide.
    """
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    body = versioned.body_of(connection, MAPPING, row)
    fixed = mended(connection, workspace_id, body, pointer=pointer, code=code)
    return change(
        connection, workspace_id, mapping_id, lambda _: fixed, seen=seen or mark(body), actor=actor
    )


def restore(
    connection: Connection, workspace_id: int, mapping_id: int, *, version: int, actor: str
) -> dict[str, Any]:
    """Make a former version the draft; publishing it is the next step. Refusal(NOT_FOUND)."""
    every = mappings.versions(connection, workspace_id, mapping_id)
    body = next((one["body"] for one in every if one["version"] == version), None)
    if body is None:
        raise not_found()
    return mappings.save(connection, workspace_id, body=body, actor=actor, mapping_id=mapping_id)


def compared(before: Body, after: Body) -> list[dict[str, Any]]:
    """What differs between two versions: {place, before, after}, rows by the field they write."""
    heads = [
        {"place": name, "before": before.get(name), "after": after.get(name)}
        for name in ("name", "connection", "entity", "campaign", "operation", "identify", "note",
                     "ambiguous", "links", "files")
        if before.get(name) != after.get(name)
    ]  # fmt: skip
    then = {row["field"]: row for row in before.get("rows", ())}
    now = {row["field"]: row for row in after.get("rows", ())}
    return heads + [
        {"place": field, "before": then.get(field), "after": now.get(field)}
        for field in dict.fromkeys((*then, *now))
        if then.get(field) != now.get(field)
    ]


def _first(name: str, connection: str, entity: Entity, *, campaign: str | None) -> dict[str, Any]:
    finds = [one for one in entity.fields if one.identifies or one.unique]
    by_mail = [one for one in finds if one.type.value == "email" or "mail" in one.name.lower()]
    best = (*by_mail, *finds, *entity.fields)[0]
    variable = "contact.email" if best in by_mail else "response.id"
    return {
        "name": name[:_LONGEST_NAME],
        "connection": connection,
        "entity": entity.name,
        "operation": "update",
        "identify": {"variable": variable, "field": best.name},
        "rows": [],
        "campaign": campaign,
    }


def _shaped(body: Body) -> dict[str, Any]:
    """The body as the schema has it; one without rows yet is a draft all the same.

    Refusal(BODY_INVALID).
    """
    rows = body["rows"] or [{"variable": "-", "field": "-"}]
    try:
        shaped = MappingSchema().load({**body, "rows": rows})
    except ValidationError as exc:
        raise Refusal(Code.BODY_INVALID, places=places_of(exc.messages)) from exc
    return {**shaped, "rows": shaped["rows"] if body["rows"] else []}


def _refuse_a_taken_name(connection: Connection, workspace_id: int, name: str) -> None:
    if versioned.named(connection, MAPPING, workspace_id, name=name) is not None:
        raise Refusal(
            Code.NAME_TAKEN,
            phrase("Another mapping has that name already."),
            places=[Place("/name", "name_taken", phrase("another mapping has that name already"))],
        )


_TRIGGERED = """
           ARRAY(SELECT a.name FROM automation a
                   JOIN automation_version av
                     ON av.automation_id = a.id AND av.version = a.published
                  WHERE a.workspace_id = m.workspace_id AND a.deleted_at IS NULL AND a.enabled
                    AND (v.body->>'campaign' IS NULL OR av.body->>'campaign' IS NULL
                         OR av.body->>'campaign' = v.body->>'campaign')
                    AND av.body->'then' @> jsonb_build_array(
                            jsonb_build_object('do', 'feed', 'mapping', m.name))
                  ORDER BY a.name) AS triggered_by
      FROM mapping m JOIN connection c ON c.id = m.connection_id
      JOIN mapping_version v ON v.mapping_id = m.id AND v.version = m.latest
     WHERE m.workspace_id = :w AND m.deleted_at IS NULL
"""
OVERVIEW = text(
    f"""
    SELECT m.id, m.name, c.name AS connection, c.app, m.published, m.latest, m.paused_at,
           v.body->>'entity' AS entity, v.body->>'campaign' AS campaign,
           jsonb_array_length(v.body->'rows') AS rows, v.created_at AS changed_at,
           CASE WHEN m.published IS NULL THEN 'draft'
                WHEN m.paused_at IS NOT NULL THEN 'paused'
                WHEN EXISTS (SELECT FROM drift d
                              WHERE d.connection_id = m.connection_id AND d.mended_at IS NULL
                                AND d.breaks AND d.impact->'mappings' @>
                                    jsonb_build_array(jsonb_build_object('id', m.id)))
                THEN 'drift'
                WHEN m.published <> m.latest THEN 'changed' ELSE 'published' END AS state,
           {_TRIGGERED} ORDER BY m.name
    """  # noqa: S608 - our own text
)
ONE = text(
    f"""
    SELECT m.id, m.name, c.name AS connection, c.app, m.connection_id, m.published, m.latest,
           coalesce(c.standard->>'files', 'true') = 'true' AS sends_files,
           m.paused_at, m.paused_reason, v.body, {_TRIGGERED} AND m.id = :id
    """
)
