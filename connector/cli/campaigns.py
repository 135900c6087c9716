"""`answerback campaign`: the tags of a campaign."""

from __future__ import annotations

import click

from connector import audit
from connector.cli.shell import ACTOR, Shell
from connector.responses import retag as story


@click.group()
def campaign() -> None:
    """Campaigns."""


@campaign.command("retag")
@click.argument("slug")
@click.argument("platform_id")
@click.option("--name", default=None, help="The new name; the campaign's own where none is said.")
@click.pass_obj
def retag(shell: Shell, slug: str, platform_id: str, *, name: str | None) -> None:
    """Give a campaign's tags another name, and write all of them anew."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as store:
            done = story.rename(store, workspace_id, platform_id=platform_id, name=name)
            audit.record(
                store,
                workspace_id,
                actor=ACTOR,
                action="campaign.retagged",
                object=f"campaign:{done.campaign_id}",
                detail={"tags": done.tags},
            )
    shell.say({"tags": done.tags}, f"{done.tags} tags are written anew.")
