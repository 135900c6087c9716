"""`answerback partner`: keys of other workspaces that may act in one."""

from __future__ import annotations

import click

from connector import audit, partners, workspaces
from connector.access import Role
from connector.cli.shell import ACTOR, Shell


@click.group()
def partner() -> None:
    """Partners' keys: one key that acts in many workspaces."""


@partner.command("grant")
@click.argument("slug")
@click.argument("key")
@click.option("--name", default="partner", show_default=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), default="editor")
@click.option("--scope", "scopes", multiple=True, required=True, help="Repeat it.")
@click.pass_obj
def grant(
    shell: Shell, slug: str, key: str, *, name: str, role: str, scopes: tuple[str, ...]
) -> None:
    """Let KEY (the eight signs after ab_live_) of another workspace in."""
    unknown = sorted(set(scopes) - set(workspaces.EVERY_SCOPE))
    if unknown:
        message = f"unknown: {', '.join(unknown)}"
        raise click.BadParameter(message, param_hint="--scope")
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            grant_id = partners.grant(
                connection,
                workspace_id,
                key=key,
                name=name,
                role=Role(role),
                scopes=scopes,
                granted_by=ACTOR,
            )
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="grant.created",
                object=f"grant:{grant_id}",
                detail={"key": key, "role": role},
            )
    shell.say({"id": grant_id}, f"The key {key} may act in {slug} from now on.")


@partner.command("list")
@click.argument("slug")
@click.pass_obj
def list_grants(shell: Shell, slug: str) -> None:
    """Every key of another workspace that is, or was, let in."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = partners.listed(connection, workspace_id)
    shell.table(rows, ["id", "public_id", "name", "role", "scopes", "last_used_at", "revoked_at"])


@partner.command("revoke")
@click.argument("slug")
@click.argument("grant_id", type=click.IntRange(min=1, max=10**18))
@click.pass_obj
def revoke(shell: Shell, slug: str, grant_id: int) -> None:
    """Shut a partner's key out from now on."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            partners.revoke(connection, workspace_id, grant_id)
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="grant.revoked",
                object=f"grant:{grant_id}",
            )
    shell.say({"id": grant_id, "revoked": True}, f"Grant {grant_id} is revoked.")
