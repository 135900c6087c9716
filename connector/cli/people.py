"""`answerback user`: people who sign in to the pages."""

from __future__ import annotations

import sys

import click

from connector.access import Role
from connector.accounts import people
from connector.cli.shell import ACTOR, Shell
from schemas.secret import Secret


@click.group()
def user() -> None:
    """People who sign in to the pages."""


@user.command("add")
@click.argument("slug")
@click.argument("email")
@click.option("--name", default="", help="As colleagues read it; the address by default.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="viewer", show_default=True
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, for scripts."
)
@click.option(
    "--no-password", is_flag=True, help="They sign in already, as a member of another workspace."
)
@click.pass_obj
def add_user(
    shell: Shell,
    slug: str,
    email: str,
    *,
    name: str,
    role: str,
    password_stdin: bool,
    no_password: bool,
) -> None:
    """Let somebody into a workspace; again: change their role, or give them a new password."""
    password = None if no_password else Secret(_password(is_piped=password_stdin))
    with shell.opened() as opened:
        account_id = people.add(
            opened.database,
            opened.settings.environment,
            opened.workspace_id(slug),
            email=email,
            name=name,
            role=Role(role),
            password=password,
            actor=ACTOR,
        )
    shell.say({"id": account_id, "role": role}, f"{email} may sign in as {role}.")


@user.command("list")
@click.argument("slug")
@click.pass_obj
def list_users(shell: Shell, slug: str) -> None:
    """Every member of a workspace."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = people.listed(connection, workspace_id)
    shell.table(rows, ["id", "email", "name", "role", "disabled_at"])


def _password(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
