"""`answerback user`: people who sign in to the pages."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from sqlalchemy import Connection

from connector import audit
from connector.access import Member, Right, Role
from connector.accounts import invitations, members, people
from connector.accounts.invitations import Wanted
from connector.accounts.members import Standing
from connector.cli.shell import ACTOR, Shell
from connector.problems import Code, Refusal
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
            rows = members.listed(connection, workspace_id)
    shell.table(rows, ["id", "email", "name", "role", "account_settings", "signed_in_at"])


@user.command("role")
@click.argument("slug")
@click.argument("email")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option(
    "--account-settings/--no-account-settings",
    default=None,
    help="Give an editor that right, or take it from an admin.",
)
@click.pass_obj
def change_role(
    shell: Shell, slug: str, email: str, role: str, *, account_settings: bool | None
) -> None:
    """Change what a member may do; their sessions end."""
    wanted = Standing(Role(role), account_settings)
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            account_id = _account_of(members.listed(connection, workspace_id), email)
            shown = members.change(
                connection, workspace_id, account_id, wanted=wanted, by=_operator(workspace_id)
            )
            detail = {name: shown[name] for name in ("role", "account_settings")}
            _note(connection, workspace_id, "member.changed", f"user:{account_id}", detail)
    shell.say(detail, f"{email} is {role} now.")


@user.command("remove")
@click.argument("slug")
@click.argument("email")
@click.pass_obj
def remove_user(shell: Shell, slug: str, email: str) -> None:
    """Let somebody into a workspace no more; their sessions end."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            account_id = _account_of(members.listed(connection, workspace_id), email)
            members.remove(connection, workspace_id, account_id, by=_operator(workspace_id))
            _note(connection, workspace_id, "member.removed", f"user:{account_id}", {})
    shell.say({"id": account_id}, f"{email} is no member any more.")


@user.command("invite")
@click.argument("slug")
@click.argument("email")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default="viewer", show_default=True
)
@click.option("--account-settings/--no-account-settings", default=None)
@click.option("--language", default="en", help="Of the letter: en, da, de, fr or it.")
@click.pass_obj
def invite_user(
    shell: Shell,
    slug: str,
    email: str,
    *,
    role: str,
    account_settings: bool | None,
    language: str,
) -> None:
    """Invite somebody: by mail where a mail server is set, else by the link that this prints."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        by_mail = opened.settings.mail is not None
        wanted = Wanted(email, Standing(Role(role), account_settings), language, by_mail)
        with opened.database.begin(workspace_id) as connection:
            made = invitations.invite(connection, workspace_id, wanted, by=_operator(workspace_id))
            detail = {"role": role, "account_settings": wanted.standing.may(Right.SETTINGS)}
            object_ = f"invitation:{made.id}"
            _note(connection, workspace_id, "member.invited", object_, detail)
        public_url = opened.settings.public_url
    link = f"{public_url}/invitation/{made.token.reveal()}" if made.token else None
    words = f"Hand over this link, which serves once within a week:\n{link}"
    shell.say({"id": made.id, "link": link}, words if link else f"A mail goes to {made.email}.")


def _account_of(rows: Sequence[members.Shown], email: str) -> int:
    """The account of that address. Raises Refusal(NOT_FOUND)."""
    for row in rows:
        if row["email"].casefold() == email.strip().casefold():
            return int(row["id"])
    raise Refusal(Code.NOT_FOUND, "There is no member with that address.")


def _operator(workspace_id: int) -> Member:
    """Whoever runs the installation may do what an owner may."""
    return Member(workspace_id, 0, Role.OWNER)


def _note(
    connection: Connection,
    workspace_id: int,
    action: str,
    object_: str,
    detail: Mapping[str, Any],
) -> None:
    audit.record(
        connection,
        workspace_id,
        actor=ACTOR,
        action=action,
        object=object_,
        detail=detail,
    )


def _password(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
