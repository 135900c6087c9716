"""`answerback mapping try`: a mapping against a live record of the CRM; sent to a test record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from connector.cli.configuration import named_mapping
from connector.cli.shell import ACTOR, Shell
from connector.problems import Code, Refusal
from connector.responses.configuration import bench, looking, mappings, proved, proving
from connector.responses.configuration.bench import Asked
from connector.responses.configuration.seeing import EVERYTHING

WRITES = "This writes in the CRM, to the record that you have named. Go on?"


@click.command("try")
@click.argument("slug")
@click.argument("name")
@click.option("--response", default=None, help="A stored response, by its platform's id.")
@click.option("--record", default="", help="The CRM's record, by its id or e-mail.")
@click.option("--calls", is_flag=True, help="Show the calls, too.")
@click.option("--send", is_flag=True, help="Write to the named record, and read it back.")
@click.option("--tag", is_flag=True, help="With --send: the score tag, too.")
@click.option("--note", is_flag=True, help="With --send: the note, too.")
@click.option("--yes", is_flag=True, help="Do not ask before it writes.")
@click.pass_obj
def try_mapping(
    shell: Shell,
    slug: str,
    name: str,
    *,
    response: str | None,
    record: str,
    calls: bool,
    send: bool,
    tag: bool,
    note: bool,
    yes: bool,
) -> None:
    """Show what the newest version would change in a live record; nothing is written.

    Without --response a made-up one is tried, without --record the one that the mapping finds. With
    --send it writes to the named record, says so first, and reads it back.
    """
    if send and not record:
        raise Refusal(Code.CHANGE_REFUSED, f"With --send, {proving.NOT_NAMED}: --record.")
    if send and not yes:
        click.confirm(WRITES, abort=True)
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as store:
            row = named_mapping(mappings.listed(store, workspace_id), name)
            number = bench.numbered(store, workspace_id, response) if response else None
        marks = frozenset(one for one, wanted in (("tag", tag), ("note", note)) if wanted)
        asked, hub = Asked(number, record, marks), opened.hub()
        if send:
            done = proving.prove(hub, workspace_id, row["id"], asked, actor=ACTOR)
            told = proved.shown(done, EVERYTHING)
        else:
            told = looking.shown(looking.look(hub, workspace_id, row["id"], asked), EVERYTHING)
    shell.say(told, "\n".join(_lines(told, calls=calls)))


def _lines(told: Mapping[str, Any], *, calls: bool) -> Iterator[str]:
    """The trial in words."""
    yield _head(told)
    for one in told["fields"]:
        now = one["found"] if "found" in one else one["after"]
        yield f"  {one['field']}: {_said(one['before'])} -> {_said(now)} ({one['state']})"
    yield from (_mark(one) for one in told["marks"])
    for one in told["calls"] if calls else ():
        yield f"{one['method']} {one['path']}{'' if one['sent'] else '   (not sent)'}"
        if one["body"] is not None:
            yield f"  {_said(one['body'])}"


def _mark(one: Mapping[str, Any]) -> str:
    """A score tag with what goes and comes, or a note by its title, with what becomes of it."""
    change = f"{', '.join(one['goes']) or '-'} -> {', '.join(one['comes']) or '-'}"
    why = f": {one['why']['message']}" if one["why"] else ""
    return f"  {one['kind']}: {one['title'] or change} ({one['state']}{why})"


def _head(told: Mapping[str, Any]) -> str:
    where = f"{told['connection']}, {told['entity']} {told['remote_id'] or ''}".rstrip()
    if "outcome" in told:
        unread = f" It could not be read back: {told['unread']}" if told["unread"] else ""
        return f"{where}: {told['outcome']}.{unread}"
    if told["why"]:
        return f"{where}: nothing would be written: {told['why']['message']}."
    if told["creates"]:
        return f"{where}: not found; it would be made."
    return f"{where}: {'would be changed' if told['would_write'] else 'holds all of it already'}."


def _said(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, ensure_ascii=False)
