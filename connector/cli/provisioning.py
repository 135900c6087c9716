"""`answerback provisioning`: what the hub needs at a CRM, looked through and made on request."""

from __future__ import annotations

from dataclasses import asdict

import click

from adapters.provisioning import Part, Thing
from connector.cli.connections import named
from connector.cli.shell import ACTOR, Shell
from connector.connections import furnishing
from connector.connections.furnishing import Furnished
from connector.responses.configuration import preflight as story
from connector.responses.prepare import wanted_at


@click.group()
def provisioning() -> None:
    """What the hub needs at a CRM."""


@provisioning.command("show")
@click.argument("slug")
@click.argument("connection_name")
@click.pass_obj
def show(shell: Shell, slug: str, connection_name: str) -> None:
    """What exists, what is missing, what has drifted; nothing is changed."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        seen = furnishing.preview(opened.desk(), workspace_id, connection_id, wanted_at=wanted_at)
    _say(shell, seen)


@provisioning.command("make")
@click.argument("slug")
@click.argument("connection_name")
@click.argument("parts", nargs=-1, required=True, type=click.Choice([one.value for one in Part]))
@click.pass_obj
def make(shell: Shell, slug: str, connection_name: str, *, parts: tuple[str, ...]) -> None:
    """Make what is missing of the named parts."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        done = furnishing.furnish(
            opened.desk(),
            workspace_id,
            connection_id,
            parts=[Part(one) for one in parts],
            wanted_at=wanted_at,
            actor=ACTOR,
        )
    _say(shell, done)


@click.command()
@click.argument("slug")
@click.argument("connection_name")
@click.option("--known", is_flag=True, help="By what the CRM told last, without asking it.")
@click.pass_obj
def preflight(shell: Shell, slug: str, connection_name: str, *, known: bool) -> None:
    """What the connected user may do at the CRM, against what is published."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        if known:
            with opened.database.begin(workspace_id) as store:
                seen = story.known(store, opened.desk(), workspace_id, connection_id)
        else:
            seen = story.preflight(opened.desk(), workspace_id, connection_id)
    shell.say({**asdict(seen), "words": seen.words}, "\n".join(seen.words))


def _say(shell: Shell, one: Furnished) -> None:
    words = "\n".join([*map(_line, one.plan.things), *one.plan.hints])
    shell.say({"app": one.app, **asdict(one.plan)}, words)


def _line(one: Thing) -> str:
    made = " (made now)" if one.made else ""
    why = f": {one.text}" if one.text else ""
    return f"{one.part.value:8} {one.state.value:10} {one.name}{made}{why}"
