"""Input forms: fields of the CRM's contact that people fill in here, and what they filled in."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from connector.api.bodies import KIB, media_type, raw_body
from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.api.extras import for_eyes, jobs, written_fields
from connector.api.mapping_files import YAML, download
from connector.api.pages import MAX_ID, id_after, paged
from connector.documents import loaded, read_yaml, write_yaml
from connector.problems import Refusal
from connector.responses.extras import filling, forms
from connector.responses.extras.carrying import Wanted
from schemas.input_forms import (
    FilledSchema,
    FillingsSchema,
    FillSchema,
    FormToFillSchema,
    InputFormListSchema,
    InputFormSchema,
    InputFormShownSchema,
)
from schemas.paging import PageSchema

_ONE = "/input-forms/<id:form_id>"
_CONTACT = "/contacts/<id:contact_id>/forms/<id:form_id>"
MAX_YAML = 128 * KIB
_UPLOAD = {
    "requestBody": {"required": True, "content": {YAML: {"schema": {"type": "string"}}}},
}
resource = Resource("input forms", __name__, description="Input forms for contacts of a CRM")


@resource.on("GET", "/input-forms", gives=InputFormListSchema)
def list_input_forms() -> dict[str, Any]:
    """Every input form, its fields as the CRM has them now"""
    return {"forms": reading(lambda c: forms.listed(c, actor().workspace_id))}


@resource.on("POST", "/input-forms", takes=InputFormSchema, gives=InputFormShownSchema, status=201)
def make_input_form(body: dict[str, Any]) -> dict[str, Any]:
    """Make an input form of chosen fields, in their order"""
    return changing(lambda c: forms.save(c, actor().workspace_id, body=body, form_id=None), _told)


@resource.on("POST", "/input-forms/file", body=_UPLOAD, gives=InputFormShownSchema, status=201)
def save_input_form_file() -> dict[str, Any]:
    """Save a YAML file as the form that it names, instead of the one of that name if there is one

    Where anything is wrong nothing is stored, and every place is told with its line in `where`.
    """
    media_type(YAML)
    document = read_yaml(raw_body(MAX_YAML))
    body = loaded(document, InputFormSchema())
    try:
        return changing(lambda c: forms.save_as_named(c, actor().workspace_id, body=body), _told)
    except Refusal as refusal:
        places = [document.placed(one) for one in refusal.places]
        raise Refusal(refusal.code, refusal.detail, places=places) from refusal


@resource.on("GET", _ONE, gives=InputFormShownSchema)
def read_input_form(form_id: int) -> dict[str, Any]:
    """One input form"""
    return reading(lambda c: forms.read(c, actor().workspace_id, form_id))


@resource.on("GET", f"{_ONE}/form.yaml", media=YAML)
def read_input_form_as_yaml(form_id: int) -> Response:
    """The form as YAML, to change and upload"""
    body = reading(lambda c: forms.as_document(c, actor().workspace_id, form_id))
    return download(write_yaml(body).encode(), YAML, f"form-{form_id}.yaml")


@resource.on("PUT", _ONE, takes=InputFormSchema, gives=InputFormShownSchema)
def change_input_form(body: dict[str, Any], form_id: int) -> dict[str, Any]:
    """Change an input form, under a new name if it has one"""
    return changing(
        lambda c: forms.save(c, actor().workspace_id, body=body, form_id=form_id), _told
    )


@resource.on("DELETE", _ONE, status=204)
def delete_input_form(form_id: int) -> None:
    """Take an input form off the list; what it has written stays"""
    changing(
        lambda c: forms.delete(c, actor().workspace_id, form_id), lambda _: Told(f"form:{form_id}")
    )


@resource.on("GET", f"{_ONE}/fillings", query=PageSchema, gives=FillingsSchema)
def list_fillings(asked: dict[str, Any], form_id: int) -> dict[str, Any]:
    """Who has filled the form in for whom, and what became of it, newest first"""
    rows = reading(
        lambda c: forms.fillings(
            c,
            actor().workspace_id,
            form_id,
            before=id_after(asked["cursor"], start=MAX_ID),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["edit_id"])
    return {"fillings": page, "next": following}


@resource.on("GET", _CONTACT, gives=FormToFillSchema)
def read_form_to_fill(contact_id: int, form_id: int) -> dict[str, Any]:
    """The form for one contact, with what the CRM holds in its fields now"""
    return filling.to_fill(jobs(), actor().workspace_id, contact_id, form_id)


@resource.on("POST", _CONTACT, takes=FillSchema, gives=FilledSchema)
def fill_form_in(body: dict[str, Any], contact_id: int, form_id: int) -> dict[str, Any]:
    """Fill the form in: the contact's record in the CRM is completed, or made

    Say what you saw: `was` of each change, or `If-Match` with the `etag`; without either a field
    was empty. 409 or 412 name `yours`, `was` and `now` of each field; then nothing was written.
    """
    seen = request.if_match
    # Without the header every etag would match.
    matches = seen.contains if seen else None
    try:
        done = filling.fill(
            jobs(),
            actor().workspace_id,
            contact_id,
            form_id,
            Wanted(0, body["changes"], matches),
            actor=actor().name,
            address=request.remote_addr,
        )
    except Refusal as refusal:
        raise for_eyes(refusal) from refusal
    return {
        "edit_id": done.edit_id,
        "form_id": form_id,
        "connection_id": done.connection_id,
        "remote_id": done.remote_id,
        "outcome": done.state,
        "fields": written_fields(done),
    }


def _told(row: dict[str, Any]) -> Told:
    names = [one["field"] for one in row["fields"]]
    return Told(f"form:{row['id']}", {"connection_id": row["connection_id"], "fields": names})
