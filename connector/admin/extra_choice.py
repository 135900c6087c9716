"""Which fields of the CRM's contact are shown beside ours, and whether they are edited here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.admin.chosen_fields import (
    SPARE_ROWS,
    faults_of,
    options_of,
    rearranged,
    typed_rows,
)
from connector.admin.language import gettext
from connector.admin.page import field, go, loaded, page, show, tell
from connector.api.context import Told, changing, member, reading
from connector.connections.profile import load
from connector.problems import Code, Refusal
from connector.responses.extras import choosing
from schemas.extras import ExtraFieldsSchema

_ONE = "/w/<key:space>/connections/<id:connection_id>/extra-fields"
_MENDED_HERE = {Code.BODY_INVALID, Code.SETTING_INVALID, Code.NO_FIELD_DEFINITIONS}


@page.get(_ONE)
def extra_fields(connection_id: int) -> Response:
    """Which are chosen"""
    return _shown(connection_id)


@page.post(_ONE)
def choose_extra_fields(connection_id: int) -> Response:
    """Keep the choice, or only move its rows"""
    rows = typed_rows("field", "label", "edit")
    moved = rearranged(rows, field("act", most=20))
    if moved is not None:
        return _shown(connection_id, rows=moved)
    wanted = [
        {
            "field": one["field"],
            "label": one["label"] or None,
            "editable": False if one["edit"] == "no" else None,
        }
        for one in rows
    ]
    try:
        body = loaded(ExtraFieldsSchema(), {"fields": wanted})
        changing(
            lambda c: choosing.save(c, member().workspace_id, connection_id, body["fields"]),
            lambda row: Told(
                f"connection:{connection_id}", {"fields": [one["field"] for one in row["fields"]]}
            ),
        )
    except Refusal as refusal:
        if refusal.code not in _MENDED_HERE:
            raise
        return _shown(connection_id, rows=rows, faults=faults_of(refusal))
    return tell(go("pages.extra_fields", connection_id=connection_id), gettext("Saved."))


def _shown(
    connection_id: int,
    *,
    rows: Sequence[Mapping[str, str]] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        profile = load(store, workspace_id, connection_id)
        return {"profile": profile, "chosen": choosing.chosen_at(store, profile)}

    found = reading(story)
    chosen = found["chosen"]
    entity = chosen.entity
    return show(
        "pages/forms/extra_fields.html",
        status=422 if faults else 200,
        connection_id=connection_id,
        connection=found["profile"].name,
        entity=entity.label if entity else None,
        rows=[_row(one) for one in chosen.extras] if rows is None else rows,
        why_not={one.name: one.why_not for one in chosen.extras if one.why_not},
        spare=SPARE_ROWS,
        options=options_of(entity.fields) if entity else [],
        faults=faults or {},
    )


def _row(one: choosing.Extra) -> dict[str, str]:
    own_label = one.label if one.field is None or one.label != one.field.label else ""
    edit = "no" if one.why_not == choosing.BY_CHOICE else ""
    return {"field": one.name, "label": "" if own_label == one.name else own_label, "edit": edit}
