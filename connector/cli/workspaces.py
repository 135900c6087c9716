"""`answerback workspace` and `answerback key`."""

from __future__ import annotations

import click

from connector import audit, workspaces
from connector.access import Role
from connector.cli.shell import ACTOR, Shell


@click.group()
def workspace() -> None:
    """Customers' spaces."""


@workspace.command("create")
@click.argument("slug")
@click.option("--name", default=None, help="As people read it; the slug by default.")
@click.option("--owner", required=True, help="The first owner's e-mail address.")
@click.option(
    "--stage",
    type=click.Choice(["development", "pre-production", "production"]),
    default="development",
)
@click.option("--country", default=None, help="Two letters, for phone numbers: DK.")
@click.option("--timezone", default="UTC", help="Like Europe/Copenhagen.")
@click.pass_obj
def create_workspace(
    shell: Shell,
    slug: str,
    *,
    name: str | None,
    owner: str,
    stage: str,
    country: str | None,
    timezone: str,
) -> None:
    """Make a workspace with its first owner and a key, which is shown this once."""
    with shell.opened() as opened:
        made = workspaces.found(
            opened.database,
            slug=slug,
            name=name or slug,
            owner_email=owner,
            stage=stage,
            country=country,
            timezone=timezone,
        )
    key = made.key.secret.reveal()
    shell.say(
        {"workspace_id": made.workspace_id, "slug": slug, "key": key},
        f"Workspace {slug} is made. Its key is shown this once:\n\n  {key}\n",
    )


@workspace.command("list")
@click.pass_obj
def list_workspaces(shell: Shell) -> None:
    """Every workspace of this installation."""
    with shell.opened() as opened:
        rows = workspaces.listed(opened.database)
    shell.table(rows, ["id", "slug", "name", "stage"])


@click.group()
def key() -> None:
    """API keys of a workspace."""


@key.command("create")
@click.argument("slug")
@click.option("--name", default="key", show_default=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), default="editor")
@click.option("--scope", "scopes", multiple=True, help="Repeat it; every scope by default.")
@click.option("--test", is_flag=True, help="What it pushes is only tried out; reaches no CRM.")
@click.pass_obj
def create_key(
    shell: Shell, slug: str, *, name: str, role: str, scopes: tuple[str, ...], test: bool
) -> None:
    """Make a key, which is shown this once."""
    if test and scopes:
        message = "--test says the scopes: leave --scope out"
        raise click.UsageError(message)
    scopes = workspaces.TEST_SCOPES if test else scopes
    unknown = sorted(set(scopes) - set(workspaces.EVERY_SCOPE))
    if unknown:
        message = f"unknown: {', '.join(unknown)}"
        raise click.BadParameter(message, param_hint="--scope")
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            key_id, fresh = workspaces.add_key(
                connection,
                workspace_id,
                name=name,
                role=Role(role),
                scopes=scopes or workspaces.EVERY_SCOPE,
            )
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="key.created",
                object=f"key:{key_id}",
                detail={"role": role},
            )
    shown = fresh.secret.reveal()
    shell.say({"id": key_id, "key": shown}, f"The key is shown this once:\n\n  {shown}\n")


@key.command("list")
@click.argument("slug")
@click.pass_obj
def list_keys(shell: Shell, slug: str) -> None:
    """Every key of a workspace, without its secret."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = workspaces.keys(connection, workspace_id)
    shell.table(rows, ["id", "public_id", "name", "role", "last_used_at", "revoked_at"])


@key.command("revoke")
@click.argument("slug")
@click.argument("key_id", type=click.IntRange(min=1, max=10**18))
@click.pass_obj
def revoke_key(shell: Shell, slug: str, key_id: int) -> None:
    """Refuse a key from now on."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            workspaces.revoke_key(connection, workspace_id, key_id)
            audit.record(
                connection,
                workspace_id,
                actor=ACTOR,
                action="key.revoked",
                object=f"key:{key_id}",
            )
    shell.say({"id": key_id, "revoked": True}, f"Key {key_id} is revoked.")
