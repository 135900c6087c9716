"""Who works in the workspace: members, what they may do, when they signed in last."""

from __future__ import annotations

from werkzeug.wrappers import Response

from connector.access import Right, Role
from connector.accounts import invitations
from connector.accounts import members as story
from connector.accounts.invitations import Made, Wanted
from connector.accounts.members import Standing
from connector.admin.language import gettext, language, marked
from connector.admin.page import field, go, page, show, space, tell
from connector.api.context import Told, changing, member, reading
from connector.api.members import by_mail, link_of, told_of, told_of_invitation
from connector.problems import Refusal

_PEOPLE = "/w/<key:space>/people"
_ONE = f"{_PEOPLE}/<id:member_id>"
# role -> (its name, what it may do)
ROLES = {
    Role.OWNER: (marked("Owner"), marked("Everything, and makes other owners.")),
    Role.ADMIN: (marked("Admin"), marked("Connections, mappings, people: everything but owners.")),
    Role.EDITOR: (
        marked("Editor"),
        marked("Campaigns, contacts and replays; no account settings."),
    ),
    Role.VIEWER: (marked("Viewer"), marked("Sees results and deliveries, and changes nothing.")),
}
FAULTS = {
    "last_owner": marked("This is the last owner. Make somebody else an owner first."),
    "beyond_own_power": marked(
        "Nobody gives more than they have: only an owner makes or changes owners."
    ),
    "is_member": marked("This person is a member already."),
    "invalid": marked("This is not an e-mail address."),
    "has_it_anyway": marked("An owner always has account settings, a viewer never."),
}


@page.get(_PEOPLE)
def people() -> Response:
    """Everybody who may come in"""
    found = reading(
        lambda store: {
            "members": story.listed(store, member().workspace_id),
            "invitations": invitations.listed(store, member().workspace_id),
        }
    )
    return show(
        "pages/people/list.html",
        members=found["members"],
        invitations=found["invitations"],
        roles=roles(),
        myself=member().account_id,
        by_mail=by_mail(),
    )


@page.get(f"{_PEOPLE}/invite")
def invite() -> Response:
    """The form of an invitation"""
    return _invite()


@page.post(f"{_PEOPLE}/invite")
def send_invitation() -> Response:
    """Send it by mail, or show the link this once"""
    wanted = Wanted(field("email", most=320), standing_of_form(), language(), by_mail())
    try:
        made = changing(
            lambda store: invitations.invite(store, member().workspace_id, wanted, by=member()),
            lambda made: told_of_invitation(made, wanted.standing),
        )
    except Refusal as refusal:
        return _invite(fault_of(refusal), status=refusal.kind.status)
    return _invited(made)


@page.post(f"{_PEOPLE}/invitations/<id:invitation_id>/resend")
def resend_invitation(invitation_id: int) -> Response:
    """A new link; the one before is void"""
    made = changing(
        lambda store: invitations.again(
            store, member().workspace_id, invitation_id, by_mail=by_mail()
        ),
        lambda _: Told(f"invitation:{invitation_id}"),
    )
    return _invited(made)


@page.post(f"{_PEOPLE}/invitations/<id:invitation_id>/withdraw")
def withdraw_invitation(invitation_id: int) -> Response:
    """Its link opens nothing any more"""
    changing(
        lambda store: invitations.withdraw(store, member().workspace_id, invitation_id),
        lambda _: Told(f"invitation:{invitation_id}"),
    )
    return _back(0, gettext("Withdrawn. The link opens nothing any more."))


@page.get(_ONE)
def person(member_id: int) -> Response:
    """One member: what they may do, and how it is ended"""
    return _person(member_id)


@page.post(_ONE)
def change_person(member_id: int) -> Response:
    """Another role, or the right beside it"""
    wanted = standing_of_form()
    try:
        changing(
            lambda store: story.change(
                store, member().workspace_id, member_id, wanted=wanted, by=member()
            ),
            told_of,
        )
    except Refusal as refusal:
        return _again(member_id, refusal)
    return _back(member_id, gettext("Saved. They sign in anew."))


@page.post(f"{_ONE}/sessions")
def end_person_sessions(member_id: int) -> Response:
    """Sign them out everywhere"""
    changing(
        lambda store: story.end_sessions(store, member().workspace_id, member_id),
        lambda _: Told(f"user:{member_id}"),
    )
    return _back(member_id, gettext("Their sessions have ended."))


@page.post(f"{_ONE}/remove")
def remove_person(member_id: int) -> Response:
    """They come in no more"""
    try:
        changing(
            lambda store: story.remove(store, member().workspace_id, member_id, by=member()),
            lambda _: Told(f"user:{member_id}"),
        )
    except Refusal as refusal:
        return _again(member_id, refusal)
    return _back(0, gettext("Removed. Their sessions have ended."))


def roles() -> dict[Role, tuple[str, str]]:
    """Every role in the reader's language: its name, and what it may do."""
    return {role: (gettext(name), gettext(may)) for role, (name, may) in ROLES.items()}


def standing_of_form() -> Standing:
    """The role and the right beside it, as a form says them; what nobody can choose is a viewer."""
    role = field("role", most=20)
    known = Role(role) if role in set(Role) else Role.VIEWER
    return Standing(known, {"yes": True, "no": False}.get(field("account_settings", most=20)))


def fault_of(refusal: Refusal) -> str:
    """The refusal in the reader's words; raises it again where it is of another kind."""
    known = [FAULTS[one.code] for one in refusal.places if one.code in FAULTS]
    if not known:
        raise refusal
    return gettext(known[0])


def _invite(fault: str = "", *, status: int = 200) -> Response:
    return show(
        "pages/people/invite.html",
        status=status,
        roles=roles(),
        fault=fault,
        email=field("email", most=320),
        role=field("role", most=20) or Role.VIEWER.value,
        by_mail=by_mail(),
    )


def _invited(made: Made) -> Response:
    link = link_of(made)
    if link is None:
        text = gettext("A mail is on its way to %(email)s.", email=made.email)
        return tell(go("pages.people"), text)
    shown = show("pages/people/invited.html", email=made.email, link=link)
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _person(member_id: int, *, fault: str = "", status: int = 200) -> Response:
    found = reading(lambda store: story.one(store, member().workspace_id, member_id))
    return show(
        "pages/people/person.html",
        status=status,
        person=found,
        roles=roles(),
        is_myself=member_id == member().account_id,
        is_beyond=found["role"] == Role.OWNER and member().role is not Role.OWNER,
        fault=fault,
    )


def _again(member_id: int, refusal: Refusal) -> Response:
    return _person(member_id, fault=fault_of(refusal), status=refusal.kind.status)


def _back(member_id: int, text: str) -> Response:
    """On to the member's page; whoever has changed themselves may have no right to it any more."""
    if member_id == member().account_id or not member().may(Right.PEOPLE):
        return tell(go("pages.home", space=space().slug), text)
    if not member_id:
        return tell(go("pages.people"), text)
    return tell(go("pages.person", member_id=member_id), text)
