"""`answerback webhook`: the customer's own systems that are told what became of responses."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from connector import audit
from connector.cli.shell import ACTOR, Opened, Shell
from connector.problems import Code, Refusal
from connector.queues import TELL
from connector.webhooks import endpoints as story
from connector.webhooks import events, sending, trail
from schemas.webhook import DEFAULT_OVERLAP_HOURS, MESSAGE_STATES, MOST_OVERLAP_HOURS

_NEWEST = 10**18
_COLUMNS = ["id", "name", "host", "events", "state", "reason", "error", "delivered_at"]


@click.group()
def webhook() -> None:
    """Webhooks that tell your own systems what became of responses."""


@webhook.command("list")
@click.argument("slug")
@click.pass_obj
def list_webhooks(shell: Shell, slug: str) -> None:
    """Every webhook with its state, without its address and secret."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = story.listed(connection, workspace_id)
    shell.table(rows, _COLUMNS)


@webhook.command("create")
@click.argument("slug")
@click.argument("name")
@click.argument("url")
@click.option(
    "--event", "wanted", type=click.Choice(events.EVENTS), multiple=True, help="All without one."
)
@click.pass_obj
def create(shell: Shell, slug: str, name: str, url: str, wanted: tuple[str, ...]) -> None:
    """Make a webhook; shows the secret that signs, this once."""
    with shell.opened() as opened:
        workspace_id, desk = opened.workspace_id(slug), opened.desk()
        story.check_url(desk, url)
        with opened.database.begin(workspace_id) as connection:
            made = story.create(
                connection,
                desk,
                workspace_id,
                name=name,
                url=url,
                events=list(wanted or events.EVENTS),
            )
            _audit(connection, workspace_id, "created", made.id)
    shell.say({"id": made.id, "secret": made.secret}, f"secret: {made.secret}")


@webhook.command("rotate")
@click.argument("slug")
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, MOST_OVERLAP_HOURS),
    default=DEFAULT_OVERLAP_HOURS,
    help="How long the secret before signs beside the new one.",
)
@click.pass_obj
def rotate(shell: Shell, slug: str, name: str, overlap_hours: int) -> None:
    """Make a new secret; shown this once."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            made = story.rotate(
                connection,
                opened.desk(),
                workspace_id,
                webhook_id,
                overlap_s=overlap_hours * 3_600,
            )
            _audit(connection, workspace_id, "rotated", webhook_id)
    shell.say({"id": made.id, "secret": made.secret}, f"secret: {made.secret}")


@webhook.command("pause")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def pause(shell: Shell, slug: str, name: str) -> None:
    """Send nothing until it is resumed."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.pause(connection, workspace_id, webhook_id)
            _audit(connection, workspace_id, "paused", webhook_id)
    shell.say({"id": webhook_id}, "Paused; what happens meanwhile waits.")


@webhook.command("resume")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def resume(shell: Shell, slug: str, name: str) -> None:
    """Send what waits, also where failures had disabled it."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.resume(connection, workspace_id, webhook_id)
            _audit(connection, workspace_id, "resumed", webhook_id)
        opened.ring(TELL, workspace_id, webhook_id)
    shell.say({"id": webhook_id}, "Active; what waited is sent.")


@webhook.command("remove")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def remove(shell: Shell, slug: str, name: str) -> None:
    """End a webhook, with its messages and their log."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            story.remove(connection, workspace_id, webhook_id)
            _audit(connection, workspace_id, "removed", webhook_id)
    shell.say({"removed": True}, "The webhook is ended.")


@webhook.command("test")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def test(shell: Shell, slug: str, name: str) -> None:
    """Send a test message now, and tell what the receiver answered."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        tried = sending.try_out(opened.desk(), workspace_id, webhook_id)
        with opened.database.begin(workspace_id) as connection:
            _audit(connection, workspace_id, "tested", webhook_id)
    told = {"delivered": tried.code is None, "status": tried.status, "ms": tried.ms}
    words = f"taken: {tried.status} after {tried.ms} ms" if tried.code is None else tried.error
    shell.say({**told, "code": tried.code, "error": tried.error}, str(words))


@webhook.command("log")
@click.argument("slug")
@click.argument("name")
@click.option("--state", type=click.Choice(MESSAGE_STATES), default=None)
@click.option("--limit", type=click.IntRange(1, 500), default=50)
@click.pass_obj
def log(shell: Shell, slug: str, name: str, *, state: str | None, limit: int) -> None:
    """The newest messages and what became of them."""
    with shell.opened() as opened:
        workspace_id, webhook_id = _named(opened, slug, name)
        with opened.database.begin(workspace_id) as connection:
            rows = trail.messages(
                connection, workspace_id, webhook_id, state=state, before=_NEWEST, limit=limit
            )
    shell.table(rows, ["id", "event", "state", "attempts", "occurred_at", "due_at"])


@webhook.command("resend")
@click.argument("slug")
@click.argument("message", type=click.IntRange(1, _NEWEST))
@click.pass_obj
def resend(shell: Shell, slug: str, message: int) -> None:
    """Send a message again under its own id, whatever became of it."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            webhook_id = trail.resend(connection, workspace_id, message)
            _audit(connection, workspace_id, "resent", webhook_id)
        opened.ring(TELL, workspace_id, webhook_id)
    shell.say({"id": message}, "It is due now.")


def _named(opened: Opened, slug: str, name: str) -> tuple[int, int]:
    """The ids of a workspace and of its webhook. Refusal not_found."""
    workspace_id = opened.workspace_id(slug)
    with opened.database.begin(workspace_id) as connection:
        for one in story.listed(connection, workspace_id):
            if one["name"] == name:
                return workspace_id, int(one["id"])
    raise Refusal(Code.NOT_FOUND, "There is no webhook of that name.")


def _audit(connection: Connection, workspace_id: int, what: str, webhook_id: int) -> None:
    about = f"webhook:{webhook_id}"
    audit.record(connection, workspace_id, actor=ACTOR, action=f"webhook.{what}", object=about)
