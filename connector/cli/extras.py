"""`answerback extra` and `answerback contact fields | edit`: the CRM's own fields beside a
contact.
"""

from __future__ import annotations

import json
from typing import Any

import click

from connector import audit
from connector.cli.connections import named
from connector.cli.responses import contact
from connector.cli.shell import ACTOR, Opened, Shell
from connector.contacts import people
from connector.problems import Code, Refusal, not_found
from connector.responses.extras import choosing, editing, showing
from connector.responses.extras.carrying import Wanted

COLUMNS = ["field", "label", "type", "editable", "why_not"]


@click.group()
def extra() -> None:
    """Fields of the CRM that are shown beside a contact."""


@extra.command("list")
@click.argument("slug")
@click.argument("connection_name")
@click.pass_obj
def list_extras(shell: Shell, slug: str, connection_name: str) -> None:
    """What is chosen at a connection."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as store:
            found = choosing.read(store, workspace_id, connection_id)
    shell.table(found["fields"], COLUMNS)


@extra.command("choose")
@click.argument("slug")
@click.argument("connection_name")
@click.argument("fields", nargs=-1)
@click.option("--only-shown", multiple=True, metavar="FIELD", help="Not edited here.")
@click.pass_obj
def choose_extras(
    shell: Shell,
    slug: str,
    connection_name: str,
    *,
    fields: tuple[str, ...],
    only_shown: tuple[str, ...],
) -> None:
    """Choose these fields, in this order, instead of those before."""
    wanted = [{"field": one, "editable": False if one in only_shown else None} for one in fields]
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as store:
            found = choosing.save(store, workspace_id, connection_id, wanted)
            audit.record(
                store,
                workspace_id,
                actor=ACTOR,
                action="connection.extra_fields_chosen",
                object=f"connection:{connection_id}",
                detail={"fields": list(fields)},
            )
    shell.table(found["fields"], COLUMNS)


@contact.command("fields")
@click.argument("slug")
@click.argument("who")
@click.pass_obj
def contact_fields(shell: Shell, slug: str, who: str) -> None:
    """A contact's extra fields as each CRM holds them now."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        contact_id = contact_id_of(opened, workspace_id, who)
        parts = showing.show(opened.hub(), workspace_id, contact_id)
    told = [showing.shown(one) for one in parts]
    rows = [row for one in told for row in _rows(one)]
    shell.table(rows, ["connection", "field", "label", "value", "editable", "error"])


@contact.command("edit")
@click.argument("slug")
@click.argument("who")
@click.argument("connection_name")
@click.argument("field")
@click.argument("value")
@click.option("--was", required=True, help="The value that you saw; '' where it was empty.")
@click.pass_obj
def contact_edit(
    shell: Shell, slug: str, who: str, connection_name: str, *, field: str, value: str, was: str
) -> None:
    """Write an extra field if it still holds what you saw; '' empties it, '["a"]' is a list."""
    change = {"field": field, "was": given(was), "value": given(value)}
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        contact_id = contact_id_of(opened, workspace_id, who)
        wanted = Wanted(connection_id, [change])
        try:
            done = editing.edit(opened.hub(), workspace_id, contact_id, wanted, actor=ACTOR)
        except Refusal as refusal:
            raise with_conflicts(refusal) from refusal
    shell.say({"edit_id": done.edit_id, "outcome": done.state}, f"It is {done.state}.")


def contact_id_of(opened: Opened, workspace_id: int, who: str) -> int:
    key = "email" if "@" in who else "external_id"
    with opened.database.begin(workspace_id) as store:
        found = people.listed(store, workspace_id, **{key: who})  # type: ignore[arg-type]
    if not found:
        raise not_found()
    return int(found[0]["id"])


def _rows(part: dict[str, Any]) -> list[dict[str, Any]]:
    why = part["error"]["detail"] if part["error"] else None
    if part["state"] == showing.NOT_LINKED:
        why = "no record there"
    return [
        {"connection": part["connection"], **one, "etag": part["etag"], "error": why}
        for one in part["fields"]
    ]


def given(word: str) -> object:
    """What was typed; a list where it is one in JSON."""
    if not word.startswith("["):
        return word
    try:
        return json.loads(word)
    except ValueError as exc:
        message = "is no list in JSON"
        raise click.BadParameter(message) from exc


def with_conflicts(refusal: Refusal) -> Refusal:
    """The same, with what the fields hold now in its sentence: it goes to the terminal alone."""
    told = refusal.extra.get("conflicts")
    if refusal.code not in {Code.FIELD_CHANGED} or not isinstance(told, list):
        return refusal
    now = ", ".join(f"{one['field']} is now {json.dumps(one['now'])}" for one in told)
    return Refusal(refusal.code, f"{refusal.kind.title}: {now}.", extra=refusal.extra)
