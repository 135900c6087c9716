"""`answerback optout`: contacts that want no more surveys, one or a file of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connector import audit
from connector.cli.shell import ACTOR, Shell
from connector.problems import Code, Refusal
from connector.responses import optlists
from schemas.batches import decode_array, decode_lines
from schemas.contact import OPT_OUT_STATES
from schemas.strict import NotStrict

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
MAX_ITEM_BYTES = 4 * 1024
MOST_LISTED = 10_000
_COLUMNS = ["id", "email", "external_id", "opted_out_at", "opted_out_by"]


@click.group()
def optout() -> None:
    """Contacts that want no more surveys."""


@optout.command("add")
@click.argument("slug")
@click.argument("contacts", nargs=-1)
@click.option("--file", type=FILE, help="One e-mail address a line, or .json, .ndjson, .jsonl.")
@click.pass_obj
def add(shell: Shell, slug: str, contacts: tuple[str, ...], *, file: Path | None) -> None:
    """They want no more surveys: by e-mail address or external id. A repeat does nothing."""
    _take(shell, slug, contacts, file, opted_out=True)


@optout.command("remove")
@click.argument("slug")
@click.argument("contacts", nargs=-1)
@click.option("--file", type=FILE, help="One e-mail address a line, or .json, .ndjson, .jsonl.")
@click.pass_obj
def remove(shell: Shell, slug: str, contacts: tuple[str, ...], *, file: Path | None) -> None:
    """They may be asked again, because they have said so."""
    _take(shell, slug, contacts, file, opted_out=False)


@optout.command("list")
@click.argument("slug")
@click.option("--after", default=0, help="Go on behind this id.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=1_000)
@click.pass_obj
def list_optouts(shell: Shell, slug: str, *, after: int, limit: int) -> None:
    """Who wants no more surveys, since when, and who told it."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = optlists.opted_out(connection, workspace_id, after=after, limit=limit)
    shell.table(rows, _COLUMNS)


def _take(
    shell: Shell, slug: str, contacts: tuple[str, ...], file: Path | None, *, opted_out: bool
) -> None:
    items = [*map(_named, contacts), *(_items(file) if file else ())]
    if not items:
        raise Refusal(Code.REQUEST_INVALID, "Name contacts, or a file with them.")
    wishes = [_wish(one, opted_out=opted_out) for one in items]
    told: list[dict[str, Any]] = []
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        for start in range(0, len(wishes), optlists.MAX_ITEMS):
            part = dict(enumerate(wishes[start : start + optlists.MAX_ITEMS], start))
            taken = optlists.take(opened.database, workspace_id, part)
            told += [{"place": one.place, "status": one.status, "id": one.id} for one in taken]
        counts = {word: sum(one["status"] == word for one in told) for word in OPT_OUT_STATES}
        with opened.database.begin(workspace_id) as connection:
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="contacts.opted_out",
                object=f"workspace:{workspace_id}",
                detail=counts,
            )
    if shell.as_json:
        shell.table(told, [])
        return
    for word, count in counts.items():
        click.echo(f"{word}: {count}")


def _named(text: str) -> dict[str, str]:
    return {"email" if "@" in text else "external_id": text.strip()}


def _wish(item: object, *, opted_out: bool) -> object:
    """The command says what is wished, whatever the file says."""
    return {**item, "opted_out": opted_out} if isinstance(item, Mapping) else item


def _items(file: Path) -> list[object]:
    raw = file.read_bytes()
    if file.suffix not in {".json", ".ndjson", ".jsonl"}:
        try:
            lines = raw.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as exc:
            raise Refusal(Code.FILE_INVALID, "The file is not UTF-8.") from exc
        return [_named(line) for line in lines if line.strip()]
    read = decode_array if file.suffix == ".json" else decode_lines
    try:
        found = read(raw, max_item_bytes=MAX_ITEM_BYTES)
    except NotStrict as exc:
        raise Refusal(Code.JSON_INVALID, f"{file}: {exc.text} {exc.pointer}") from exc
    for one in found:
        if one.fault is not None:
            # Nothing is taken of a file that is broken: who mends it sends it again.
            detail = f"{file}, entry {one.number + 1}: {one.fault.text}"
            raise Refusal(Code.JSON_INVALID, detail)
    return [one.value for one in found]
