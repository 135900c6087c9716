"""`answerback connect`, `answerback entities` and `answerback fields`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from connector.cli.shell import ACTOR, Opened, Shell
from connector.connections import choosable, discover, oauth, views
from connector.connections import connect as story
from connector.problems import Code, Refusal
from schemas.secret import Secret


@click.command()
@click.argument("slug")
@click.argument("app")
@click.option("--name", default=None, help="The connection's name; the app's by default.")
@click.option("--base-url", default=None, help="A sandbox's address instead of the CRM's own.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting.")
@click.option("--key", "with_key", is_flag=True, help="Ask for an API key instead of OAuth.")
@click.pass_obj
def connect(
    shell: Shell,
    slug: str,
    app: str,
    *,
    name: str | None,
    base_url: str | None,
    settings: tuple[str, ...],
    with_key: bool,
) -> None:
    """Make a connection; prints the address at which a person allows it, or asks for its key."""
    key = click.prompt("API key", hide_input=True) if with_key else ""
    with shell.opened() as opened:
        desk, workspace_id = opened.desk(), opened.workspace_id(slug)
        made = story.create(
            desk,
            workspace_id,
            app=app,
            name=name or app,
            auth="key" if with_key else "oauth",
            base_url=base_url,
            settings=pairs(settings),
            key=Secret(key),
            actor=ACTOR,
        )
        url = None if with_key else oauth.authorize(desk, workspace_id, made.id).url
    told = f"Open this address within ten minutes:\n\n  {url}\n" if url else f"It is {made.state}."
    shell.say(
        {"id": made.id, "name": made.name, "state": made.state, "authorize_url": url},
        f"Connection {made.name} ({made.id}) is made. {told}",
    )


@click.command()
@click.argument("slug")
@click.argument("connection_name")
@click.pass_obj
def entities(shell: Shell, slug: str, connection_name: str) -> None:
    """The entities of the CRM that can be added to a connection, and those it has."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        found = choosable.choice(opened.desk(), workspace_id, connection_id)
    rows = [
        {"name": one.name, "label": one.label, "downloaded": "yes" if one.downloaded else "no"}
        for one in found.entities
    ]
    shell.table(rows, ["name", "label", "downloaded"])


@click.group()
def fields() -> None:
    """Field definitions of a connection."""


@fields.command("download")
@click.argument("slug")
@click.argument("connection_name")
@click.pass_obj
def download_fields(shell: Shell, slug: str, connection_name: str) -> None:
    """Fetch the definitions from the CRM and say what changed."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        done = discover.download(opened.desk(), workspace_id, connection_id, actor=ACTOR)
    found = asdict(done)
    broken = found.pop("broken")
    words = [f"{what}: {', '.join(names) or 'none'}" for what, names in found.items()]
    if broken:
        words.append(f"{broken} changes break something: see `answerback drift`")
    shell.say({**found, "broken": broken}, "\n".join(words))


@fields.command("list")
@click.argument("slug")
@click.argument("connection_name")
@click.option("--entity", default=None)
@click.pass_obj
def list_fields(shell: Shell, slug: str, connection_name: str, *, entity: str | None) -> None:
    """The downloaded fields."""
    rows = [
        {"entity": one.entity.name, "field": field.name, "label": field.label, "type": field.type}
        for one in _snapshots(shell, slug, connection_name)
        if entity in {None, one.entity.name}
        for field in one.entity.fields
    ]
    shell.table(rows, ["entity", "field", "label", "type"])


@fields.command("csv")
@click.argument("slug")
@click.argument("connection_name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def fields_as_csv(shell: Shell, slug: str, connection_name: str, file: Path) -> None:
    """Write the downloaded fields into a CSV file."""
    found = _snapshots(shell, slug, connection_name)
    text = discover.listing([one.entity for one in found])
    file.write_text(text, encoding="utf-8", newline="")
    shell.say({"file": str(file)}, f"Written: {file}")


def _snapshots(shell: Shell, slug: str, connection_name: str) -> list[discover.Snapshot]:
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as connection:
            return discover.snapshots(connection, workspace_id, connection_id)


def named(opened: Opened, slug: str, connection_name: str) -> tuple[int, int]:
    """The ids of a workspace and of its connection. Refusal not_found."""
    workspace_id = opened.workspace_id(slug)
    for one in views.views(opened.desk(), workspace_id):
        if one.name == connection_name:
            return workspace_id, one.id
    raise Refusal(Code.NOT_FOUND, "There is no connection of that name.")


def pairs(settings: tuple[str, ...]) -> dict[str, str]:
    """The settings NAME=VALUE. Raises BadParameter."""
    found = {}
    for one in settings:
        name, sign, value = one.partition("=")
        if not sign:
            message = "must be NAME=VALUE"
            raise click.BadParameter(message, param_hint="--set")
        found[name] = value
    return found
