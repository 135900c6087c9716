"""`answerback source`: where survey platforms push, and whether what they push arrives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from connector import audit, clock
from connector.cli.files import parsed
from connector.cli.shell import ACTOR, Opened, Shell
from connector.problems import Code, Refusal
from connector.queues import GATHER, PLAN
from connector.responses import emptied, surveydues, trial
from connector.responses import sources as story
from connector.responses.sourcefile import settings_of
from schemas.source import PLATFORM_NAMES

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def source() -> None:
    """Addresses at which survey platforms push."""


@source.command("list")
@click.argument("slug")
@click.pass_obj
def list_sources(shell: Shell, slug: str) -> None:
    """Every source, without its address and secret."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            held = emptied.held(connection, workspace_id)
            rows = [
                {**one, "gone": held[one["id"]].gone if one["id"] in held else 0}
                for one in story.listed(connection, workspace_id)
            ]
    shell.table(rows, ["id", "name", "platform", "max_bytes", "created_at", "gone"])


@source.command("create")
@click.argument("slug")
@click.argument("name")
@click.option("--platform", type=click.Choice(PLATFORM_NAMES), default="standard")
@click.option(
    "--settings", "file", type=FILE, default=None, help="Its settings in YAML, or a recipe alone."
)
@click.pass_obj
def create_source(shell: Shell, slug: str, name: str, *, platform: str, file: Path | None) -> None:
    """Make a source; shows its address and its secret, this once."""
    settings = _settings_of(file) if file else {}
    with shell.opened() as opened:
        workspace_id, desk = opened.workspace_id(slug), opened.desk()
        with opened.database.begin(workspace_id) as connection:
            made = story.create(
                connection,
                desk,
                workspace_id,
                name=name,
                platform=platform,
                max_bytes=1024 * 1024,
                settings=settings,
            )
            _audit(connection, workspace_id, "source.created", made.id)
        at = f"{opened.settings.public_url}/hooks/{platform}"
    url = f"{at}/{made.token.reveal()}" if made.token else ""
    secret = made.secret.reveal() if made.secret else None
    words = f"address: {url}\n" + (f"secret:  {secret}" if secret else "It has no secret of ours.")
    shell.say({"id": made.id, "name": made.name, "url": url, "secret": secret}, words)


@source.command("pause")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def pause_source(shell: Shell, slug: str, name: str) -> None:
    """Accept and keep what the source brings, and plan none of it until it is resumed."""
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            count = story.pause(connection, workspace_id, source_id)
            _audit(connection, workspace_id, "source.paused", source_id)
    shell.say({"paused": True, "responses": count}, f"Paused; responses that wait: {count}.")


@source.command("resume")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def resume_source(shell: Shell, slug: str, name: str) -> None:
    """Plan what has waited, in the order of its acceptance, and what comes."""
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            count = story.resume(connection, workspace_id, source_id)
            _audit(connection, workspace_id, "source.resumed", source_id)
        opened.ring(PLAN, workspace_id)
    shell.say({"paused": False, "responses": count}, f"It goes on; have waited: {count}.")


@source.command("emptied")
@click.argument("slug")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def confirm_emptied(shell: Shell, slug: str, name: str, *, yes: bool) -> None:
    """Confirm that responses which are gone at the CRM at once were deleted there."""
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            found = emptied.held(connection, workspace_id).get(source_id)
        gone, asked = (found.gone, found.asked) if found else (0, 0)
        if gone and not yes:
            words = f"{gone} of {asked} are gone. Take back what they have written?"
            click.confirm(words, abort=True)
        with opened.database.begin(workspace_id) as connection:
            done = emptied.confirm(connection, workspace_id, source_id, gone=gone, now=clock.now())
            detail = {"gone": gone, "asked": done.asked}
            _audit(connection, workspace_id, "source.emptied", source_id, detail)
        opened.ring(GATHER, workspace_id)
    shell.say({"id": source_id, "gone": gone}, f"Confirmed: {gone} responses are taken back.")


@source.command("secret")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def bring_secret(shell: Shell, slug: str, name: str) -> None:
    """Bring the signing secret that the platform has made; asks for it."""
    secret = click.prompt("Secret", hide_input=True)
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.change(connection, opened.desk(), workspace_id, source_id, secret=secret)
            _audit(connection, workspace_id, "source.changed", source_id)
    shell.say({"id": source_id}, "The secret counts from now on, the one before beside it.")


@source.command("token")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def bring_token(shell: Shell, slug: str, name: str) -> None:
    """Bring the token of the platform's API; asks for it."""
    token = click.prompt("Token", hide_input=True)
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.change(connection, opened.desk(), workspace_id, source_id, token=token)
            _audit(connection, workspace_id, "source.changed", source_id)
    shell.say({"id": source_id}, "The token is used from now on.")


@source.command("surveys")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def fetch_surveys(shell: Shell, slug: str, name: str) -> None:
    """Fetch how the platform defines its surveys: all soon, each night what has changed."""
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            surveydues.ask_for(connection, opened.desk(), workspace_id, source_id)
            _audit(connection, workspace_id, "source.surveys_asked", source_id)
        opened.ring(GATHER, workspace_id)
    shell.say({"id": source_id, "asked": True}, "They are fetched within a minute or so.")


@source.command("settings")
@click.argument("slug")
@click.argument("name")
@click.argument("file", type=FILE)
@click.pass_obj
def change_settings(shell: Shell, slug: str, name: str, file: Path) -> None:
    """Replace a source's settings by those of a YAML file."""
    settings = _settings_of(file)
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.change(connection, opened.desk(), workspace_id, source_id, settings=settings)
            _audit(connection, workspace_id, "source.changed", source_id)
    shell.say({"id": source_id, "settings": settings}, "They hold from the next message on.")


@source.command("test")
@click.argument("slug")
@click.argument("name")
@click.option("--email", required=True, help="The contact that the test response is by.")
@click.option("--score", type=click.IntRange(0, 10), default=9)
@click.pass_obj
def test_source(shell: Shell, slug: str, name: str, *, email: str, score: int) -> None:
    """Send a test response through a source, all the way to the CRM."""
    with shell.opened() as opened:
        workspace_id, source_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            found = story.of_id(connection, opened.desk(), workspace_id, source_id)
        limits = opened.settings.files
        sent = trial.send(
            opened.database, found, email=email, score=score, at=clock.now(), limits=limits
        )
        with opened.database.begin(workspace_id) as connection:
            _audit(connection, workspace_id, "source.tested", source_id)
        opened.ring(PLAN, workspace_id)
    told = {"response_id": sent.response_id, "status": sent.status, "id": sent.id}
    shell.say(told, f"{sent.status}: {sent.response_id}")


def _named(opened: Opened, slug: str, name: str) -> tuple[int, int]:
    """The ids of a workspace and of its source. Refusal not_found."""
    workspace_id = opened.workspace_id(slug)
    with opened.database.begin(workspace_id) as connection:
        for one in story.listed(connection, workspace_id):
            if one["name"] == name:
                return workspace_id, one["id"]
    raise Refusal(Code.NOT_FOUND, "There is no source of that name.")


def _audit(
    connection: Connection,
    workspace_id: int,
    action: str,
    source_id: int,
    detail: Mapping[str, Any] | None = None,
) -> None:
    about = f"source:{source_id}"
    audit.record(connection, workspace_id, actor=ACTOR, action=action, object=about, detail=detail)


def _settings_of(file: Path) -> dict[str, Any]:
    """A source's settings out of a file. Raises Refusal with every fault at its line."""
    return settings_of(parsed(file))
