"""`answerback quota` and `answerback drift`: what a connection has left, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from connector.cli.connections import named
from connector.cli.shell import ACTOR, Shell
from connector.connections import discover, quotas
from connector.connections import drift as story


@click.command()
@click.argument("slug")
@click.argument("connection_name")
@click.option("--ask", is_flag=True, help="Ask the CRM first, with one call.")
@click.pass_obj
def quota(shell: Shell, slug: str, connection_name: str, *, ask: bool) -> None:
    """What the connection's account has left of its calls, and when the backlog is done."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        if ask:
            quotas.refreshed(opened.desk(), workspace_id, connection_id)
        share = opened.settings.rate_share
        with opened.database.begin(workspace_id) as store:
            found = quotas.shown(store, workspace_id, connection_id, share=share)
    shell.say(found, found["words"])


@click.command()
@click.argument("slug")
@click.argument("connection_name")
@click.option("--look", is_flag=True, help="Download the definitions first.")
@click.pass_obj
def drift(shell: Shell, slug: str, connection_name: str, *, look: bool) -> None:
    """What has changed in the CRM's field definitions, and what that breaks."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        if look:
            discover.download(opened.desk(), workspace_id, connection_id, actor=ACTOR)
        with opened.database.begin(workspace_id) as store:
            found = story.shown(store, workspace_id, connection_id)
    rows = [
        {
            "found": one["found_at"],
            "entity": one["entity"],
            "change": change["kind"],
            "field": change["field"],
            "breaks": "yes" if change["breaks"] else "",
            "hits": ", ".join(_hits(one)),
            "would fail": f"{one['would_fail']} of {one['looked_at']}",
            "mended": one["mended_at"] or "",
        }
        for one in found["drift"]
        for change in one["changes"]
    ]
    columns = ["found", "entity", "change", "field", "breaks", "hits", "would fail", "mended"]
    shell.table(rows, columns)


def _hits(one: Mapping[str, Any]) -> Iterator[str]:
    """What a finding concerns, in words."""
    yield from (str(hit["name"]) for hit in one["mappings"])
    if one["extra_fields"]:
        yield f"extra fields {', '.join(one['extra_fields'])}"
    for form in one["input_forms"]:
        yield f"input form {form['name']}"
    if one["record_fields"]:
        yield f"response records {', '.join(one['record_fields'])}"
