"""Who is a member of the workspace, and as what."""

from __future__ import annotations

from typing import Any

from connector.access import Right, Role
from connector.accounts import invitations
from connector.accounts import members as story
from connector.accounts.invitations import Made, Wanted
from connector.accounts.members import Shown, Standing
from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from schemas.member import (
    EndedSessionsSchema,
    InvitationListSchema,
    InvitationRequestSchema,
    MadeInvitationSchema,
    MemberChangeSchema,
    MemberListSchema,
    MemberSchema,
)

resource = Resource("members", __name__, description="The people in your workspace")


@resource.on("GET", "/members", gives=MemberListSchema)
def list_members() -> dict[str, Any]:
    """Every member, with role, rights and last sign-in"""
    return {"members": reading(lambda store: story.listed(store, actor().workspace_id))}


@resource.on("GET", "/members/<id:member_id>", gives=MemberSchema)
def read_member(member_id: int) -> Shown:
    """One member"""
    return reading(lambda store: story.one(store, actor().workspace_id, member_id))


@resource.on("PATCH", "/members/<id:member_id>", takes=MemberChangeSchema, gives=MemberSchema)
def change_member(wanted: dict[str, Any], member_id: int) -> Shown:
    """Change what a member may do; they sign in anew

    The last owner stays one. Only an owner makes or changes owners.
    """
    standing = Standing(Role(wanted["role"]), wanted["account_settings"])
    return changing(
        lambda store: story.change(
            store, actor().workspace_id, member_id, wanted=standing, by=actor()
        ),
        told_of,
    )


@resource.on("POST", "/members/<id:member_id>/sessions/end", gives=EndedSessionsSchema)
def end_member_sessions(member_id: int) -> dict[str, int]:
    """Sign a member out everywhere"""
    ended = changing(
        lambda store: story.end_sessions(store, actor().workspace_id, member_id),
        lambda _: Told(f"user:{member_id}"),
    )
    return {"ended": ended}


@resource.on("DELETE", "/members/<id:member_id>", status=204)
def remove_member(member_id: int) -> None:
    """Let a member in no more; their sessions end"""
    changing(
        lambda store: story.remove(store, actor().workspace_id, member_id, by=actor()),
        lambda _: Told(f"user:{member_id}"),
    )


@resource.on("GET", "/members/invitations", gives=InvitationListSchema)
def list_invitations() -> dict[str, Any]:
    """Every invitation that nobody has accepted or withdrawn"""
    return {"invitations": reading(lambda store: invitations.listed(store, actor().workspace_id))}


@resource.on(
    "POST",
    "/members/invitations",
    takes=InvitationRequestSchema,
    gives=MadeInvitationSchema,
    status=201,
)
def invite_member(wanted: dict[str, Any]) -> dict[str, Any]:
    """Invite somebody by a link that serves once, within a week

    It goes by mail where the operator has set a mail server; elsewhere this answer alone shows it.
    An open invitation of the same address is replaced.
    """
    asked = Wanted(
        email=wanted["email"],
        standing=Standing(Role(wanted["role"]), wanted["account_settings"]),
        language=wanted["language"],
        by_mail=by_mail(),
    )
    made = changing(
        lambda store: invitations.invite(store, actor().workspace_id, asked, by=actor()),
        lambda made: told_of_invitation(made, asked.standing),
    )
    return _made(made)


@resource.on("POST", "/members/invitations/<id:invitation_id>/resend", gives=MadeInvitationSchema)
def resend_invitation(invitation_id: int) -> dict[str, Any]:
    """Make a new link, for another week; the one before is void"""
    made = changing(
        lambda store: invitations.again(
            store, actor().workspace_id, invitation_id, by_mail=by_mail()
        ),
        lambda _: Told(f"invitation:{invitation_id}"),
    )
    return _made(made)


@resource.on("DELETE", "/members/invitations/<id:invitation_id>", status=204)
def withdraw_invitation(invitation_id: int) -> None:
    """Let its link open nothing any more"""
    changing(
        lambda store: invitations.withdraw(store, actor().workspace_id, invitation_id),
        lambda _: Told(f"invitation:{invitation_id}"),
    )


def by_mail() -> bool:
    """Whether links go by mail: the operator has set a mail server."""
    return hub().settings.mail is not None


def link_of(made: Made) -> str | None:
    """The link to hand over, at the one moment at which it can be shown."""
    if made.token is None:
        return None
    return f"{hub().settings.public_url}/invitation/{made.token.reveal()}"


def told_of_invitation(made: Made, standing: Standing) -> Told:
    """What the audit log says of a new invitation."""
    detail = {"role": standing.role.value, "account_settings": standing.may(Right.SETTINGS)}
    return Told(f"invitation:{made.id}", detail)


def _made(made: Made) -> dict[str, Any]:
    return {"id": made.id, "email": made.email, "link": link_of(made)}


def told_of(shown: Shown) -> Told:
    """What the audit log says of a changed member."""
    detail = {name: shown[name] for name in ("role", "account_settings")}
    return Told(f"user:{shown['id']}", detail)
