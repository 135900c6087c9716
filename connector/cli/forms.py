"""`answerback form` and `answerback contact form | fill`: input forms for contacts of a CRM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector import audit
from connector.cli.configuration import FILE, WRITTEN
from connector.cli.extras import contact_id_of, given, with_conflicts
from connector.cli.files import parsed
from connector.cli.responses import contact
from connector.cli.shell import ACTOR, Opened, Shell
from connector.documents import loaded, write_yaml
from connector.problems import Code, Refusal
from connector.responses.extras import filling, forms
from connector.responses.extras.carrying import Wanted
from schemas.input_forms import InputFormSchema

MOST = 100


@click.group()
def form() -> None:
    """Forms of the CRM's fields that people fill in for a contact."""


@form.command("list")
@click.argument("slug")
@click.pass_obj
def list_forms(shell: Shell, slug: str) -> None:
    """Every input form."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as store:
            rows = forms.listed(store, workspace_id)
    if not shell.as_json:
        rows = [{**row, "fields": [one["field"] for one in row["fields"]]} for row in rows]
    shell.table(rows, ["id", "name", "connection", "create", "fields"])


@form.command("apply")
@click.argument("slug")
@click.argument("file", type=FILE)
@click.pass_obj
def apply_form(shell: Shell, slug: str, file: Path) -> None:
    """Save a form from a YAML or JSON file, instead of the one of its name if there is one."""
    document = parsed(file)
    body = loaded(document, InputFormSchema())
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as store:
            try:
                row = forms.save_as_named(store, workspace_id, body=body)
            except Refusal as refusal:
                places = [document.placed(one) for one in refusal.places]
                raise Refusal(refusal.code, refusal.detail, places=places) from refusal
            names = [one["field"] for one in row["fields"]]
            detail = {"connection_id": row["connection_id"], "fields": names}
            audit.record(
                store,
                workspace_id,
                actor=ACTOR,
                action="form.saved",
                object=f"form:{row['id']}",
                detail=detail,
            )
    shell.say(row, f"Form {row['name']} has {len(names)} fields.")


@form.command("export")
@click.argument("slug")
@click.argument("name")
@click.argument("file", type=WRITTEN, required=False)
@click.pass_obj
def export_form(shell: Shell, slug: str, name: str, file: Path | None) -> None:
    """Print a form as YAML, or write it into a file."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        found = _named(opened, workspace_id, name)
        with opened.database.begin(workspace_id) as store:
            body = forms.as_document(store, workspace_id, found["id"])
    if file is None:
        shell.say(body, write_yaml(body).rstrip())
        return
    file.write_bytes(write_yaml(body).encode())
    shell.say({"file": str(file)}, f"Written: {file}")


@form.command("delete")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def delete_form(shell: Shell, slug: str, name: str) -> None:
    """Take a form off the list; what it has written stays."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        found = _named(opened, workspace_id, name)
        with opened.database.begin(workspace_id) as store:
            forms.delete(store, workspace_id, found["id"])
            audit.record(
                store,
                workspace_id,
                actor=ACTOR,
                action="form.deleted",
                object=f"form:{found['id']}",
            )
    shell.say({"id": found["id"]}, f"Form {name} is off the list.")


@form.command("fillings")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def list_fillings(shell: Shell, slug: str, name: str) -> None:
    """Who has filled a form in for whom, the newest hundred."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        found = _named(opened, workspace_id, name)
        with opened.database.begin(workspace_id) as store:
            rows = forms.fillings(store, workspace_id, found["id"], before=2**62, limit=MOST)
    columns = ["created_at", "contact_id", "actor", "outcome", "fields", "error_code"]
    shell.table(rows, columns)


@contact.command("form")
@click.argument("slug")
@click.argument("who")
@click.argument("name")
@click.pass_obj
def contact_form(shell: Shell, slug: str, who: str, name: str) -> None:
    """A form for a contact, with what the CRM holds in its fields now."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        found = _named(opened, workspace_id, name)
        contact_id = contact_id_of(opened, workspace_id, who)
        told = filling.to_fill(opened.hub(), workspace_id, contact_id, found["id"])
    why = told["error"]["detail"] if told["error"] else told["state"]
    rows = [{**one, "etag": told["etag"], "state": why} for one in told["fields"]]
    columns = ["field", "label", "value", "default", "required", "editable", "state"]
    shell.table(rows, columns)


@contact.command("fill")
@click.argument("slug")
@click.argument("who")
@click.argument("name")
@click.argument("values", nargs=-1, metavar="FIELD=VALUE...")
@click.option("--was", multiple=True, metavar="FIELD=VALUE", help="What you saw; else: empty.")
@click.pass_obj
def contact_fill(
    shell: Shell, slug: str, who: str, name: str, *, values: tuple[str, ...], was: tuple[str, ...]
) -> None:
    """Fill a form in: the contact's record in the CRM is completed, or made."""
    seen = dict(_pair(one) for one in was)
    changes: list[dict[str, Any]] = [
        {"field": field, "value": value, **({"was": seen[field]} if field in seen else {})}
        for field, value in map(_pair, values)
    ]
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        found = _named(opened, workspace_id, name)
        contact_id = contact_id_of(opened, workspace_id, who)
        try:
            done = filling.fill(
                opened.hub(),
                workspace_id,
                contact_id,
                found["id"],
                Wanted(found["connection_id"], changes),
                actor=ACTOR,
            )
        except Refusal as refusal:
            raise with_conflicts(refusal) from refusal
    shell.say({"edit_id": done.edit_id, "outcome": done.state}, f"It is {done.state}.")


def _pair(word: str) -> tuple[str, object]:
    field, is_pair, value = word.partition("=")
    if not is_pair or not field:
        message = f"{word!r} is not FIELD=VALUE"
        raise click.BadParameter(message)
    return field, given(value)


def _named(opened: Opened, workspace_id: int, name: str) -> dict[str, Any]:
    with opened.database.begin(workspace_id) as store:
        rows = forms.listed(store, workspace_id)
    for row in rows:
        if row["name"] == name:
            return row
    raise Refusal(Code.NOT_FOUND, "There is no input form of that name.")
