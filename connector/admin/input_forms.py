"""Input forms: made of the CRM's own fields, seen with who filled them in, and filled in for a
contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import workspaces
from connector.admin.chosen_fields import (
    SPARE_ROWS,
    faults_of,
    options_of,
    rearranged,
    typed_rows,
)
from connector.admin.language import gettext, marked
from connector.admin.page import address, field, go, loaded, page, show, tell
from connector.api.context import Told, changing, member, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.problems import Code, Refusal
from connector.responses import viewing
from connector.responses.extras import forms
from schemas.fields import FieldType
from schemas.input_forms import InputFormSchema

_ALL = "/w/<key:space>/forms"
_ONE = f"{_ALL}/<id:form_id>"
A_PAGE = 50
OUTCOMES = {
    "created": (marked("Made in the CRM"), "green"),
    "written": (marked("Written"), "green"),
    "unchanged": (marked("It was so already"), "secondary"),
    "open": (marked("At work"), "azure"),
    "conflict": (marked("A colleague had changed it"), "yellow"),
    "refused": (marked("Refused"), "red"),
    "not_written": (marked("Not written"), "red"),
    "unknown": (marked("Nobody knows"), "yellow"),
}
_MENDED_HERE = {
    Code.BODY_INVALID, Code.SETTING_INVALID, Code.NAME_TAKEN, Code.NO_FIELD_DEFINITIONS,
}  # fmt: skip


@page.app_template_filter("filling_word")
def filling_word(outcome: str) -> str:
    """What became of a filling."""
    return gettext(OUTCOMES[outcome][0]) if outcome in OUTCOMES else outcome


@page.app_template_filter("filling_colour")
def filling_colour(outcome: str) -> str:
    """The colour of that badge."""
    return OUTCOMES[outcome][1] if outcome in OUTCOMES else "secondary"


@page.get(_ALL)
def input_forms() -> Response:
    """Every form by name"""
    rows = reading(lambda store: forms.listed(store, member().workspace_id))
    return show("pages/forms/list.html", rows=rows)


@page.get(f"{_ALL}/new")
def new_input_form() -> Response:
    """A form that is not saved yet; first the connection whose fields it has"""
    return _editor(None, {"connection": request.args.get("connection", "")})


@page.post(f"{_ALL}/new")
def make_input_form() -> Response:
    """Make the form, or only move its rows"""
    return _saved(None)


@page.get(_ONE)
def input_form(form_id: int) -> Response:
    """A form, to be changed"""
    row = reading(lambda store: forms.as_document(store, member().workspace_id, form_id))
    return _editor(form_id, {**row, "fields": [_row(one) for one in row["fields"]]})


@page.post(_ONE)
def change_input_form(form_id: int) -> Response:
    """Change the form, or only move its rows"""
    return _saved(form_id)


@page.post(f"{_ONE}/remove")
def remove_input_form(form_id: int) -> Response:
    """Off the list; what it has written stays"""
    changing(
        lambda store: forms.delete(store, member().workspace_id, form_id),
        lambda _: Told(f"form:{form_id}"),
    )
    text = gettext("The form is off the list; what it has written stays.")
    return tell(go("pages.input_forms"), text)


@page.get(f"{_ONE}/fillings")
def form_fillings(form_id: int) -> Response:
    """Who has filled it in, for whom, and what became of it"""
    before = id_after(request.args.get("cursor"), start=MAX_ID)
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        rows = forms.fillings(store, workspace_id, form_id, before=before, limit=A_PAGE + 1)
        return {
            "form": forms.as_document(store, workspace_id, form_id),
            "rows": rows,
            "contacts": viewing.contacts_of(store, workspace_id, rows),
            "actors": workspaces.actors(store, workspace_id),
        }

    found = reading(story)
    found["rows"], following = paged(found["rows"], A_PAGE, lambda row: row["edit_id"])
    here: dict[str, Any] = {"form_id": form_id}
    return show(
        "pages/forms/fillings.html", **found, form_id=form_id,
        first=address("pages.form_fillings", **here) if "cursor" in request.args else None,
        following=address("pages.form_fillings", **here, cursor=following) if following else None,
    )  # fmt: skip


def _saved(form_id: int | None) -> Response:
    rows = typed_rows("field", "label", "help", "required", "default")
    typed: dict[str, Any] = {
        "name": field("name").strip(),
        "connection": field("connection"),
        "fields": rows,
    }
    typed["create"] = "create" in request.form
    moved = rearranged(rows, field("act", most=20))
    if moved is not None:
        return _editor(form_id, {**typed, "fields": moved})
    try:
        body = loaded(InputFormSchema(), {**typed, "fields": _fields(rows, typed["connection"])})
        changing(
            lambda store: forms.save(store, member().workspace_id, body=body, form_id=form_id),
            _told,
        )
    except Refusal as refusal:
        if refusal.code not in _MENDED_HERE:
            raise
        return _editor(form_id, typed, faults=faults_of(refusal))
    text = gettext("Saved. It stands on the page of every contact and response now.")
    return tell(go("pages.input_forms"), text)


def _editor(
    form_id: int | None, filled: Mapping[str, Any], *, faults: Mapping[str, str] | None = None
) -> Response:
    workspace_id = member().workspace_id
    places = reading(lambda store: forms.makeable(store, workspace_id))
    names = [one.profile.name for one in places]
    wanted = filled["connection"] or (names[0] if len(names) == 1 else "")
    place = next((one for one in places if one.profile.name == wanted), None)
    return show(
        "pages/forms/editor.html",
        status=422 if faults else 200,
        form_id=form_id,
        names=names,
        filled={"name": "", "create": True, "fields": (), **filled, "connection": wanted},
        entity=place.entity.label if place else None,
        options=options_of(place.fields) if place else [],
        spare=SPARE_ROWS,
        faults=faults or {},
    )


def _row(stored: Mapping[str, Any]) -> dict[str, str]:
    """A stored field as its inputs show it."""
    default = _said(stored.get("default"))
    return {
        "field": stored["field"],
        "label": stored.get("label") or "",
        "help": stored.get("help") or "",
        "required": "yes" if stored.get("required") else "",
        "default": default,
    }


def _fields(rows: Sequence[Mapping[str, str]], connection: str) -> list[dict[str, Any]]:
    """The fields as the API takes them."""
    places = reading(lambda store: forms.makeable(store, member().workspace_id))
    at = next((one for one in places if one.profile.name == connection), None)
    kinds = {one.name: one.type for one in at.fields} if at else {}
    return [_field(one, kinds.get(one["field"])) for one in rows]


def _field(typed: Mapping[str, str], kind: FieldType | None) -> dict[str, Any]:
    default: Any = _TRUTHS.get(typed["default"], typed["default"] or None)
    if kind is FieldType.MULTI_CHOICE and default:
        default = [one.strip() for one in typed["default"].split(";") if one.strip()]
    return {
        "field": typed["field"],
        "label": typed["label"] or None,
        "help": typed["help"] or None,
        "required": typed["required"] == "yes",
        "default": default,
    }


_TRUTHS = {"true": True, "false": False}


def _said(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list | tuple):
        return ";".join(str(one) for one in default)
    return "" if default is None else str(default)


def _told(row: dict[str, Any]) -> Told:
    names = [one["field"] for one in row["fields"]]
    return Told(f"form:{row['id']}", {"connection_id": row["connection_id"], "fields": names})
