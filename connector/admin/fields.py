"""Field definitions: what each CRM has, to look through, take away and compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.language import gettext, marked
from connector.admin.page import go, page, show, tell
from connector.api.context import hub, member, reading
from connector.connections import browsing, discover, drift
from connector.connections.discover import Discovered
from connector.connections.profile import Profile, load
from connector.problems import not_found

_ONE = "/w/<key:space>/fields/<id:connection_id>"
TYPES = {
    "text": (marked("Text"), "blue"),
    "long_text": (marked("Long text"), "blue"),
    "email": (marked("E-mail"), "cyan"),
    "phone": (marked("Phone"), "cyan"),
    "url": (marked("Web address"), "cyan"),
    "integer": (marked("Whole number"), "green"),
    "number": (marked("Number"), "green"),
    "boolean": (marked("Yes or no"), "orange"),
    "date": (marked("Date"), "purple"),
    "datetime": (marked("Date and time"), "purple"),
    "choice": (marked("Choice"), "indigo"),
    "multi_choice": (marked("Several choices"), "indigo"),
    "reference": (marked("Reference"), "pink"),
    "other": (marked("Cannot be written"), "secondary"),
}
ONLY = {
    "required": marked("Needed by a new record"),
    "unique": marked("Finds one record"),
    "writable": marked("Can be written"),
}
CHANGES = {
    "entity_removed": marked("The entity is gone"),
    "removed": marked("Gone"),
    "renamed": marked("Renamed"),
    "read_only": marked("Cannot be written any more"),
    "permission_lost": marked("Permission lost"),
    "retyped": marked("Another type"),
    "shortened": marked("Less room"),
    "required": marked("Needed by a new record now"),
    "options_gone": marked("Options gone"),
    "options_withdrawn": marked("Options withdrawn from a record type"),
    "options_offered": marked("Options offered by a record type"),
    "options_added": marked("Options added"),
    "widened": marked("More room"),
    "added": marked("New"),
}
# What a field was and is, where that is a word of ours and no option's or field's name.
SIDES = {
    "it was removed, or the connected user may no longer see it": marked(
        "removed, or hidden from the connected user"
    ),
    "writable": marked("can be written"),
    "read-only": marked("read only"),
    "optional": marked("optional"),
    "required": marked("needed"),
    "not allowed": marked("not allowed"),
    "no limit": marked("no limit"),
}
_NAMES_ITSELF = ("options_", "renamed")


@page.app_template_filter("type_word")
def type_word(kind: str) -> str:
    """What a field's type is called."""
    return gettext(TYPES[kind][0]) if kind in TYPES else kind


@page.app_template_filter("type_colour")
def type_colour(kind: str) -> str:
    """The colour of a type's badge."""
    return TYPES[kind][1] if kind in TYPES else "secondary"


@page.app_template_filter("change_word")
def change_word(kind: str) -> str:
    """What became of a field."""
    return gettext(CHANGES.get(kind, kind))


@page.app_template_filter("side_word")
def side_word(change: Mapping[str, Any], side: str) -> str:
    """What a field was, or is: `side` is before or after."""
    told = str(change[side])
    if change["kind"].startswith(_NAMES_ITSELF):
        return told
    return gettext(SIDES[told]) if told in SIDES else type_word(told)


@page.get("/w/<key:space>/fields")
def fields() -> Response:
    """What is downloaded of each connection"""
    found = reading(lambda store: browsing.summaries(store, member().workspace_id))
    return show("pages/fields/list.html", summaries=found)


@page.get(_ONE)
def entity_fields(connection_id: int) -> Response:
    """The fields of one entity, searched and filtered"""
    asked = {name: request.args.get(name, "")[:200] for name in ("search", "kind", "only")}
    here, known = reading(lambda store: _known(store, connection_id))
    entities = [one.entity for one in known]
    name = request.args.get("entity", "")
    entity = browsing.entity_named(entities, name, instead=here.traits.contact_entity)
    if entity is None and name:
        raise not_found()
    found = browsing.matching(entity.fields if entity else (), **asked)
    shown = _most(len(found))
    return show(
        "pages/fields/entity.html", part="pages/fields/rows.html", profile=here, entity=entity,
        entities=entities, found=found[:shown], total=len(found), more=shown + browsing.PAGE,
        seen_at=max((one.seen_at for one in known), default=None), asked=asked,
        kinds=_kinds(entity), only=[(name, gettext(word)) for name, word in ONLY.items()],
    )  # fmt: skip


@page.get(f"{_ONE}/csv")
def fields_csv(connection_id: int) -> Response:
    """Every field of the connection as a table"""
    _, known = reading(lambda store: _known(store, connection_id))
    answer = Response(discover.listing([one.entity for one in known]), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="fields-{connection_id}.csv"'
    return answer


@page.post(f"{_ONE}/download")
def download_fields(connection_id: int) -> AnyResponse:
    """Ask the CRM for its fields now"""
    done = discover.download(hub().desk, member().workspace_id, connection_id, actor=member().name)
    kind = "warning" if done.broken else "success"
    entity = request.form.get("entity") or None
    return tell(go("pages.entity_fields", connection_id=connection_id, entity=entity),
                _told(done), kind=kind)  # fmt: skip


@page.get(f"{_ONE}/compare")
def compare_fields(connection_id: int) -> Response:
    """What changed between two downloads, and which mappings that hits"""
    before, after = _number("before"), _number("after")
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[Profile, dict[str, Any], dict[str, Any]]:
        told = drift.shown(store, workspace_id, connection_id)
        compared = drift.compared(store, workspace_id, connection_id, before=before, after=after)
        return load(store, workspace_id, connection_id), told, compared

    here, told, compared = reading(story)
    entity = request.args.get("entity") or here.traits.contact_entity
    snapshots = [one for one in told["snapshots"] if one["entity"] == entity]
    return show(
        "pages/fields/compare.html", profile=here, watch=told, compared=compared, entity=entity,
        snapshots=snapshots, entities=sorted({one["entity"] for one in told["snapshots"]}),
        before=before or _id(snapshots, -1), after=after or _id(snapshots, 0),
    )  # fmt: skip


def _known(store: Connection, connection_id: int) -> tuple[Profile, list[discover.Snapshot]]:
    here = load(store, member().workspace_id, connection_id)
    return here, discover.snapshots(store, member().workspace_id, connection_id)


def _kinds(entity: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - an Entity or None
    """The types that the entity has."""
    has = {one.type.value for one in entity.fields} if entity else set()
    return [(kind, type_word(kind)) for kind in TYPES if kind in has]


def _told(done: Discovered) -> str:
    """What a download found, in one line."""
    if not (done.added or done.changed or done.gone):
        return gettext("Nothing has changed in the CRM.")
    text = gettext(
        "Downloaded. New: %(added)s. Changed: %(changed)s. Gone: %(gone)s.",
        added=", ".join(done.added) or "0",
        changed=", ".join(done.changed) or "0",
        gone=", ".join(done.gone) or "0",
    )
    return f"{text} {gettext('Some of it breaks mappings: compare.')}" if done.broken else text


def _most(total: int) -> int:
    asked = _number("most") or browsing.PAGE
    return max(browsing.PAGE, min(asked, total + browsing.PAGE))


def _number(name: str) -> int | None:
    given = request.args.get(name, "")
    is_number = given.isascii() and given.isdigit() and len(given) < 19
    return int(given) if is_number else None


def _id(snapshots: list[dict[str, Any]], place: int) -> int | None:
    return snapshots[place]["id"] if snapshots else None
