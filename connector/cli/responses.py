"""`answerback push`, `deliveries`, `contact` and `replay`: what goes in and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector import audit
from connector.cli.shell import ACTOR, Shell
from connector.contacts import people
from connector.contacts.timeline import timeline
from connector.problems import Code, Refusal, not_found
from connector.queues import PLAN
from connector.responses import replay as replaying
from connector.responses import tracking
from connector.responses.intake import FROM_API, MAX_ITEMS, accept
from schemas.batches import Item, decode_array, decode_lines
from schemas.priority import Priority
from schemas.strict import NotStrict, decode

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
MAX_ITEM_BYTES = 256 * 1024
MAX_ID = 10**18


@click.command()
@click.argument("slug")
@click.argument("file", type=FILE)
@click.option(
    "--lane",
    type=click.Choice(["live", "backfill"]),
    default="live",
    help="backfill: old answers, which let new ones pass.",
)
@click.pass_obj
def push(shell: Shell, slug: str, file: Path, *, lane: str) -> None:
    """Push responses from a JSON file (one or an array) or an NDJSON file (.ndjson, .jsonl)."""
    items = _items(file)
    outcomes: list[dict[str, Any]] = [
        {"place": one.number, "status": "invalid", "text": one.fault.text}
        for one in items
        if one.fault is not None
    ]
    good = [one for one in items if one.fault is None]
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        for start in range(0, len(good), MAX_ITEMS):
            part = good[start : start + MAX_ITEMS]
            taken = accept(
                opened.database,
                workspace_id,
                source=FROM_API,
                items=[one.value for one in part],
                priority=Priority[lane.upper()],
                limits=opened.settings.files,
            )
            outcomes += [
                {"place": item.number, "status": one.status, "response_id": one.response_id}
                for item, one in zip(part, taken, strict=True)
            ]
        opened.ring(PLAN, workspace_id)
    outcomes.sort(key=lambda one: one["place"])
    if shell.as_json:
        shell.table(outcomes, [])
        return
    for status in ("accepted", "duplicate", "conflict", "invalid"):
        click.echo(f"{status}: {sum(one['status'] == status for one in outcomes)}")


@click.group()
def deliveries() -> None:
    """Steps on their way to a CRM."""


@deliveries.command("list")
@click.argument("slug")
@click.option("--state", default=None, help="pending, parked, dead, done ...")
@click.option("--limit", type=click.IntRange(1, 500), default=50)
@click.pass_obj
def list_deliveries(shell: Shell, slug: str, *, state: str | None, limit: int) -> None:
    """The newest deliveries."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = tracking.deliveries(
                connection, workspace_id, only={"state": state}, before=MAX_ID, limit=limit
            )
    columns = ["id", "connection_id", "kind", "entity", "state", "reason", "error_code", "attempts"]
    shell.table(rows, columns)


@click.group()
def contact() -> None:
    """Contacts."""


@contact.command("timeline")
@click.argument("slug")
@click.argument("who")
@click.option("--limit", type=click.IntRange(1, 500), default=100)
@click.pass_obj
def contact_timeline(shell: Shell, slug: str, who: str, *, limit: int) -> None:
    """What happened to a contact, by e-mail address or external id, newest first."""
    key = "email" if "@" in who else "external_id"
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            found = people.listed(connection, workspace_id, **{key: who})  # type: ignore[arg-type]
            if not found:
                raise not_found()
            events = timeline(connection, workspace_id, found[0]["id"], limit=limit)
    rows = [{"at": e.at, "kind": e.kind, "id": e.id, **e.detail} for e in events]
    shell.table(rows, ["at", "kind", "field", "before", "after", "state", "error_code"])


@click.command()
@click.argument("slug")
@click.argument("delivery_id", required=False, type=click.IntRange(1, MAX_ID))
@click.option("--all-dead", is_flag=True, help="Every dead delivery.")
@click.option("--all-parked", is_flag=True, help="Every parked delivery.")
@click.pass_obj
def replay(
    shell: Shell, slug: str, delivery_id: int | None, *, all_dead: bool, all_parked: bool
) -> None:
    """Try a dead or parked delivery again, or all of a kind."""
    states = [name for name, on in (("dead", all_dead), ("parked", all_parked)) if on]
    if (delivery_id is None) == (not states):
        message = "give the id of one delivery, or --all-dead or --all-parked"
        raise click.UsageError(message)
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            if delivery_id is not None:
                replaying.replay_one(connection, workspace_id, delivery_id)
                count = 1
            else:
                count = sum(
                    replaying.replay_all(connection, workspace_id, {"state": one}) for one in states
                )
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="deliveries.replayed",
                detail={"count": count},
            )
    shell.say({"replayed": count}, f"{count} deliveries are pending again.")


def _items(file: Path) -> list[Item]:
    raw = file.read_bytes()
    try:
        if file.suffix in {".ndjson", ".jsonl"}:
            return decode_lines(raw, max_item_bytes=MAX_ITEM_BYTES)
        if raw.lstrip()[:1] == b"[":
            return decode_array(raw, max_item_bytes=MAX_ITEM_BYTES)
        return [Item(0, decode(raw))]
    except NotStrict as exc:
        raise Refusal(Code.JSON_INVALID, f"{file}: {exc.text} {exc.pointer}") from exc
