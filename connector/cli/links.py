"""`answerback links`: the addresses that lead respondents on."""

from __future__ import annotations

import click

from connector.cli.shell import Shell
from connector.responses import redirects


@click.command()
@click.argument("slug")
@click.argument("response", required=False)
@click.pass_obj
def links(shell: Shell, slug: str, response: str | None) -> None:
    """The address for each source's last page; with a RESPONSE, its own and where it leads."""
    with shell.opened() as opened:
        workspace_id, desk = opened.workspace_id(slug), opened.desk()
        with opened.database.begin(workspace_id) as store:
            if response is None:
                found = redirects.listed(store, desk, workspace_id)
            else:
                found = redirects.of_response(store, desk, workspace_id, response_id=response)
    columns = ["name", "url"] if response is None else ["source", "url", "planned", "leads_to"]
    shell.table(found, columns)
