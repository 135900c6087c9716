"""Let in by a link that serves once: by mail where a mail server is set, else handed over."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from sqlalchemy import text

from connector import audit, clock
from connector.access import Role
from connector.accounts import invitations, letters, sessions
from connector.accounts.sign_in import Visitor
from connector.problems import Refusal
from connector.queues import Doorbell
from connector.sweep import Sweep
from schemas.secret import Secret
from tests.pages.conftest import PASSWORD, Browser, client_of, let_in, text_of
from tests.pages.posted import last_mail, newcomer, path_in, send
from tests.world import hub_on


def invited(browser: Browser, address: str, role: str = "viewer") -> str:
    """The path of the link that is shown for an invitation by hand."""
    browser.get("~/people/invite")
    answer = browser.post("~/people/invite", email=address, role=role, account_settings="")
    assert answer.status_code == 200, text_of(answer)
    return path_in(answer.text)


def come_in(guest: Browser, path: str, **fields: str) -> Any:
    guest.get(path)
    return guest.post(path, name="Nora", password=fields.get("password", PASSWORD))


def test_somebody_new_comes_in_by_the_link_and_by_their_password_after(app, alice, database):
    address = newcomer()
    path = invited(alice, address)
    guest = Browser(client_of(app), alice.slug, address)
    page = text_of(guest.get(path))
    assert all(word in page for word in (address, "Viewer", "invites you to this workspace"))
    assert come_in(guest, path).headers["Location"] == f"/w/{alice.slug}/"
    assert guest.get("~/").status_code == 200
    assert guest.get("~/people").status_code == 403
    guest.post("/sign-out")
    assert guest.sign_in().status_code == 303
    assert "Nora" in text_of(alice.get("~/people"))
    with database.begin(alice.workspace_id) as connection:
        actions = [one.action for one in audit.entries(connection, alice.workspace_id, limit=500)]
    assert {"member.invited", "member.joined"} <= set(actions)


def test_the_link_is_shown_once_and_kept_as_a_digest(alice, database):
    token = invited(alice, newcomer()).rpartition("/")[2]
    assert token not in alice.get("~/people").text
    with database.begin(alice.workspace_id) as connection:
        kept = connection.execute(text("SELECT * FROM member_invitation")).one()
        told = connection.scalars(text("SELECT detail::text FROM audit")).all()
    assert token not in str(kept) + str(told)
    assert kept.email not in str(told)


def used(alice: Browser, path: str) -> None:
    come_in(Browser(client_of(alice.client.application)), path)


def withdrawn(alice: Browser, path: str) -> None:
    number = re.findall(r"invitations/(\d+)/withdraw", alice.get("~/people").text)[0]
    assert alice.post(f"~/people/invitations/{number}/withdraw").status_code == 303


def replaced(alice: Browser, path: str) -> None:
    number = re.findall(r"invitations/(\d+)/resend", alice.get("~/people").text)[0]
    again = alice.post(f"~/people/invitations/{number}/resend")
    assert path_in(again.text) != path


def asked_anew(alice: Browser, path: str) -> None:
    address = re.findall(r"new-\d+@example.test", alice.get("~/people").text)[0]
    assert invited(alice, address.upper()) != path


def expired(alice: Browser, path: str) -> None:
    database = alice.client.application.extensions["answerback"].database
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE member_invitation SET expires_at = now()"))


@pytest.mark.parametrize("ends", [used, withdrawn, replaced, asked_anew, expired])
def test_a_link_that_is_over_opens_nothing_and_says_the_same(app, alice, ends):
    path = invited(alice, newcomer())
    ends(alice, path)
    guest = Browser(client_of(app))
    unknown = guest.get("/invitation/" + "x" * 43)
    answer = guest.get(path)
    assert (answer.status_code, text_of(answer)) == (404, text_of(unknown))
    assert come_in(guest, path).status_code == 404


def test_of_two_who_open_it_at_once_one_comes_in(app, alice, database, settings):
    address = newcomer()
    token = invited(alice, address).rpartition("/")[2]
    found = [invitations.found(database, token) for _ in range(2)]
    ready, ends = threading.Barrier(2), []

    def accept(one: Any) -> None:
        ready.wait()
        try:
            invitations.accept_as_new(
                database, settings.environment, one, name="N", password=Secret(PASSWORD),
                visitor=Visitor(None, ""),
            )  # fmt: skip
            ends.append("in")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=accept, args=(one,)) for one in found]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert "in" in ends
    assert set(ends) - {"in"} <= {"not_found", "conflict"}
    assert len(ends) == 2 > ends.count("in")


def test_a_weak_password_is_refused_and_the_link_still_serves(app, alice):
    path = invited(alice, newcomer())
    guest = Browser(client_of(app))
    answer = come_in(guest, path, password="short")
    assert answer.status_code == 422
    assert "Choose another password" in text_of(answer)
    assert come_in(guest, path).status_code == 303


def test_somebody_known_accepts_signed_in_and_keeps_their_password(app, alice, charlie):
    path = invited(alice, charlie.email, "editor")
    guest = Browser(client_of(app), alice.slug, charlie.email)
    page = guest.get(path)
    assert f"/sign-in?next={path}" in page.text
    # Nobody sets a password by it for whoever has one.
    assert guest.post(path, name="x", password="a quite different one").status_code == 200
    assert guest.sign_in().status_code == 303
    guest.get(path)
    assert guest.post(path).headers["Location"] == f"/w/{alice.slug}/"
    assert guest.get("~/").status_code == 200
    assert guest.get("~/apps").status_code == 403


def test_somebody_else_who_is_signed_in_cannot_accept(app, alice, charlie):
    path = invited(alice, newcomer())
    assert "Sign out, then open the link again" in text_of(charlie.get(path))
    assert charlie.post(path).status_code == 200
    charlie.slug = alice.slug
    assert charlie.get("~/").status_code == 404


def test_the_story_itself_lets_nobody_accept_for_somebody_else(alice, charlie, database):
    one = invitations.found(database, invited(alice, newcomer()).rpartition("/")[2])
    token = charlie.client.get_cookie("ab-session").value
    here = sessions.find(database, token, now=clock.now())
    assert here is not None
    assert one is not None
    with pytest.raises(Refusal) as told:
        invitations.accept_as_known(database, one, here, visitor=Visitor(None, ""))
    assert told.value.code == "conflict"


def test_accepting_gives_a_new_session_whatever_was_planted(app, alice):
    guest = Browser(client_of(app))
    guest.client.set_cookie("ab-session", "planted")
    come_in(guest, invited(alice, newcomer()))
    kept = guest.client.get_cookie("ab-session")
    assert kept is not None
    assert kept.value != "planted"


def test_who_is_a_member_by_now_stays_what_they_are(app, alice, charlie, database, settings):
    path = invited(alice, charlie.email, "viewer")
    let_in(database, settings, alice.workspace_id, charlie.email, Role.OWNER, password=None)
    charlie.get(path)
    assert charlie.post(path).status_code == 303
    charlie.slug = alice.slug
    assert charlie.get("~/people").status_code == 200


def test_who_was_removed_can_be_invited_again(app, alice, database):
    address = newcomer()
    guest = Browser(client_of(app), alice.slug, address)
    come_in(guest, invited(alice, address))
    with database.begin(alice.workspace_id) as connection:
        connection.execute(
            text("UPDATE user_account SET disabled_at = now() WHERE email = :e"), {"e": address}
        )
    path = invited(alice, address, "editor")
    guest.get(path)
    assert guest.post(path).status_code == 303
    assert guest.get("~/").status_code == 200


BAD = [
    ({"email": "nobody"}, "This is not an e-mail address."),
    ({"role": "viewer", "account_settings": "yes"}, "a viewer never"),
    ({"email": "ALICE"}, "This person is a member already."),
]


def test_a_wrong_invitation_is_told_on_the_form(alice):
    alice.get("~/people/invite")
    told = []
    for fields, said in BAD:
        asked = {"email": newcomer(), "role": "admin", "account_settings": "", **fields}
        asked["email"] = asked["email"].replace("ALICE", alice.email)
        answer = alice.post("~/people/invite", **asked)
        told.append((answer.status_code, said in text_of(answer)))
    assert told == [(422, True)] * len(BAD)


def test_an_admin_invites_no_owner(colleague):
    admin = colleague(Role.ADMIN)
    admin.get("~/people/invite")
    answer = admin.post("~/people/invite", email=newcomer(), role="owner", account_settings="")
    assert answer.status_code == 422


def test_the_letter_says_who_invites_in_the_inviters_language(owner, database, by_mail,
                                                               mail_server):  # fmt: skip
    address = newcomer()
    owner.headers["Accept-Language"] = "de"
    owner.get("~/people/invite")
    answer = owner.post("~/people/invite", email=address, role="editor", account_settings="")
    assert answer.status_code == 303
    assert send(database, by_mail, owner) == 1
    mail = last_mail(mail_server)
    assert mail["To"] == address
    assert mail["From"] == "Answerback <hub@hub.test>"
    assert mail["Subject"].startswith("Einladung")
    assert f"{owner.email} lädt Sie" in mail.get_content()
    guest = Browser(client_of(owner.client.application), owner.slug, address)
    assert come_in(guest, path_in(mail.get_content())).status_code == 303
    assert send(database, by_mail, owner) == 0


def test_a_letter_sent_again_makes_the_link_before_void(owner, database, by_mail, mail_server):
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    send(database, by_mail, owner)
    first = path_in(last_mail(mail_server).get_content())
    number = re.findall(r"invitations/(\d+)/resend", owner.get("~/people").text)[0]
    assert owner.post(f"~/people/invitations/{number}/resend").status_code == 303
    guest = Browser(client_of(owner.client.application))
    assert guest.get(first).status_code == 404
    send(database, by_mail, owner)
    assert guest.get(path_in(last_mail(mail_server).get_content())).status_code == 200


# What the mail server does, what becomes of the letter, and what the list says of it.
FAULTS = [
    (("RCPT", "550 5.1.1 unknown"), "failed", "address_refused", "The mail could not be sent"),
    (("RCPT", "450 4.2.0 later"), "waiting", "address_refused", "The mail is tried again"),
    (("CONNECT", "drop"), "waiting", "connect_failed", "The mail is tried again"),
    # It may have gone: a second one would make the first one's link void.
    (("DATA", "drop_after"), "sent", None, "Invited"),
]


@pytest.mark.parametrize(("fault", "state", "error", "said"), FAULTS)
def test_a_letter_that_cannot_be_sent_is_told(owner, database, by_mail, mail_server, fault, state,
                                              error, said):  # fmt: skip
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    mail_server.faults.append(fault)
    send(database, by_mail, owner)
    with database.begin(owner.workspace_id) as connection:
        row = connection.execute(text("SELECT letter, error FROM member_invitation")).one()
    assert tuple(row) == (state, error)
    assert said in text_of(owner.get("~/people"))


def test_a_letter_is_given_up_after_its_tries_and_sent_again_on_request(owner, database, by_mail,
                                                                        mail_server):  # fmt: skip
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    for _ in range(len(letters.WAITS_S) + 1):
        mail_server.faults.append(("MAIL", "451 4.3.0 later"))
        assert send(database, by_mail, owner) == 0
        assert send(database, by_mail, owner) == 0  # not before it is due
        with database.begin(owner.workspace_id) as connection:
            connection.execute(text("UPDATE member_invitation SET due_at = now()"))
    assert "The mail could not be sent" in text_of(owner.get("~/people"))
    number = re.findall(r"invitations/(\d+)/resend", owner.get("~/people").text)[0]
    owner.post(f"~/people/invitations/{number}/resend")
    assert send(database, by_mail, owner) == 1


def test_the_sweep_sees_a_letter_that_is_due_and_none_that_is_over(owner, database, by_mail):
    asked = text("SELECT kind, waiting FROM ab_due_letters() WHERE workspace_id = :w")
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    with database.across() as connection:
        due = connection.execute(asked, {"w": owner.workspace_id}).all()
    with database.begin(owner.workspace_id) as connection:
        connection.execute(text("UPDATE member_invitation SET expires_at = now()"))
    assert send(database, by_mail, owner) == 0
    with database.across() as connection:
        over = connection.execute(asked, {"w": owner.workspace_id}).all()
    assert (due, over) == ([("letters", 1)], [])


def test_the_sweep_sends_letters_itself_while_redis_is_away(owner, database, by_mail, mail_server):
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    sweep = Sweep(hub_on(by_mail, database), Doorbell("redis://127.0.0.1:1"))
    sweep._work([one for one in sweep._due() if one.workspace_id == owner.workspace_id])
    assert len(mail_server.mails) == 1


def test_what_people_call_things_makes_no_header_and_no_second_line(owner, database, by_mail,
                                                                    mail_server):  # fmt: skip
    with database.begin(owner.workspace_id) as connection:
        connection.execute(text("UPDATE workspace SET name = E'A\\nBcc: evil@example.test'"))
    owner.get("~/people/invite")
    owner.post("~/people/invite", email=newcomer(), role="viewer", account_settings="")
    send(database, by_mail, owner)
    mail = last_mail(mail_server)
    assert mail["Bcc"] is None
    assert "A Bcc: evil" in mail["Subject"]


def test_a_workspace_sees_no_invitation_of_another(alice, charlie, database):
    invited(alice, newcomer())
    with database.begin(charlie.workspace_id) as connection:
        assert connection.execute(text("SELECT * FROM member_invitation")).all() == []
    with database.begin(alice.workspace_id) as connection:
        number = connection.scalar(text("SELECT id FROM member_invitation"))
    charlie.get("~/people")
    for act in ("resend", "withdraw"):
        assert charlie.post(f"~/people/invitations/{number}/{act}").status_code == 404
