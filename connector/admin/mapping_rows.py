"""One row of a mapping: its variable and field, the steps between them, and what they make of a
response, shown while they are typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.language import gettext
from connector.admin.mappings import ONE, change
from connector.admin.page import field, go, page, problem_words, show, tell
from connector.api.context import member, reading
from connector.problems import Code, Refusal, not_found
from connector.responses.configuration import drafting, editing, forms, trying
from connector.responses.configuration.editing import Desk
from connector.responses.configuration.trying import Traced
from connector.responses.transforms import TRANSFORMS, step_problem

_ROW = f"{ONE}/rows/<id:place>"


@page.get(_ROW)
def mapping_row(mapping_id: int, place: int) -> Response:
    """The row's editor"""
    return _page(mapping_id, place, None, {})


@page.post(_ROW)
def change_row(mapping_id: int, place: int) -> AnyResponse:
    """Keep the row as it is typed; a button may add, move or remove a step besides"""
    row = forms.row_of(request.form)
    act = field("act")
    row["transforms"] = forms.moved(row["transforms"], act)
    if act == "add" and field("new_step") in TRANSFORMS:
        row["transforms"].append(_begun(mapping_id, field("new_step"), row))
    try:
        change(mapping_id, lambda body: drafting.with_row(body, _place(body, place), row))
    except Refusal as refusal:
        if refusal.code is Code.CONFLICT or not refusal.places:
            raise
        return _page(mapping_id, place, row, problem_words(refusal))
    if act == "save":
        return tell(go("pages.mapping", mapping_id=mapping_id), gettext("Saved as a draft."))
    response = request.form.get("response") or None
    return go("pages.mapping_row", mapping_id=mapping_id, place=place, response=response)


@page.post(f"{_ROW}/remove")
def remove_row(mapping_id: int, place: int) -> AnyResponse:
    """Keep the mapping without the row"""
    change(mapping_id, lambda body: drafting.without_row(body, _place(body, place)))
    return tell(go("pages.mapping", mapping_id=mapping_id), gettext("Saved as a draft."))


@page.get(f"{_ROW}/preview")
def preview_row(mapping_id: int, place: int) -> Response:
    """What the row makes of a response, as it is typed"""
    typed = forms.row_of(request.args)

    def story(store: Connection) -> Traced | None:
        desk = editing.desk(store, member().workspace_id, mapping_id)
        _place(desk.mapping["body"], place)
        return _trace(store, desk, typed)

    return show("pages/mappings/preview.html", trace=reading(story))


def _page(mapping_id: int, place: int, typed: Mapping[str, Any] | None, faults: Any) -> Response:  # noqa: ANN401 - words by field
    def story(store: Connection) -> tuple[Desk, dict[str, Any], Traced | None, list[Any]]:
        desk = editing.desk(store, member().workspace_id, mapping_id)
        body = desk.mapping["body"]
        row = dict(typed or body["rows"][_place(body, place)])
        recent = trying.recent(store, member().workspace_id, body.get("campaign"))
        return desk, row, _trace(store, desk, row), recent

    desk, row, trace, recent = reading(story)
    target = desk.entity.field(row["field"]) if desk.entity else None
    return show(
        "pages/mappings/row.html", status=400 if faults else 200, desk=desk, row=row, place=place,
        faults=faults, trace=trace, recent=recent, target=target, shown=forms.shown,
        transforms=TRANSFORMS, chosen=_response() or "", wrong=_wrong(row["transforms"]),
        kind=next((one.kind for one in desk.known if one.variable == row["variable"]), ""),
    )  # fmt: skip


def _trace(store: Connection, desk: Desk, row: Mapping[str, Any]) -> Traced | None:
    """None: the entity's fields are not here."""
    if desk.entity is None:
        return None
    at = trying.subject(store, member().workspace_id, _response(), desk.known)
    alone = {**desk.mapping["body"], "rows": [row]}
    tried = trying.tried(alone, at.variables, entity=desk.entity, context=at.context)
    return tried.traces[0]


def _begun(mapping_id: int, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A new step; a table of values has the answer's options with the field's that are alike."""
    if name != "map_values":
        return {"name": name}
    desk = reading(lambda store: editing.desk(store, member().workspace_id, mapping_id))
    target = desk.entity.field(row["field"]) if desk.entity else None
    options = next((one.options for one in desk.known if one.variable == row["variable"]), ())
    values = drafting.value_map(options, target.options if target else ())
    return {"name": name, "values": values}


def _wrong(steps: list[Mapping[str, Any]]) -> dict[int, str]:
    """What cannot be saved for good, by the step's number."""
    found = {number: step_problem(step) for number, step in enumerate(steps, 1)}
    return {number: words for number, words in found.items() if words}


def _response() -> int | None:
    given = request.values.get("response", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _place(body: Mapping[str, Any], place: int) -> int:
    """Rows are counted from 1 in addresses. Refusal(NOT_FOUND)."""
    if not 1 <= place <= len(body["rows"]):
        raise not_found()
    return place - 1
