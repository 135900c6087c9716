"""Members of a workspace: roles, rights, removal; an owner is always left."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from connector import audit
from connector.access import Member, Right, Role
from connector.accounts import members
from connector.accounts.members import Standing
from connector.problems import Refusal
from tests.pages.conftest import Browser, client_of, let_in, text_of


def account_of(browser: Browser, database) -> int:
    """The browser's person as a member of their workspace."""
    with database.begin(browser.workspace_id) as connection:
        found = connection.scalar(
            text("SELECT id FROM user_account WHERE email = :email"), {"email": browser.email}
        )
    return int(found)


@pytest.fixture
def colleagues(colleague, database):
    """A browser of each role beside Alice, and their accounts."""
    found = {role: colleague(role) for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER)}
    return found, {role: account_of(one, database) for role, one in found.items()}


def test_people_are_listed_with_role_and_last_sign_in(alice, colleagues, database, settings):
    let_in(database, settings, alice.workspace_id, "never@example.test", Role.EDITOR)
    page = text_of(alice.get("~/people"))
    assert all(word in page for word in ("Owner", "Admin", "Editor", "Viewer", "You", "Never"))
    with database.begin(alice.workspace_id) as connection:
        rows = members.listed(connection, alice.workspace_id)
    signed_in = {row["email"]: row["signed_in_at"] is not None for row in rows}
    assert signed_in.pop("never@example.test") is False
    assert set(signed_in.values()) == {True}


def test_a_changed_role_counts_at_once_and_signs_the_member_out(alice, colleagues, database):
    browsers, ids = colleagues
    viewer, here = browsers[Role.VIEWER], f"~/people/{ids[Role.VIEWER]}"
    alice.get(here)
    assert alice.post(here, role="admin", account_settings="").status_code == 303
    assert viewer.get("~/").headers["Location"].startswith("/sign-in")
    viewer.sign_in()
    assert viewer.get("~/apps").status_code == 200
    with database.begin(alice.workspace_id) as connection:
        entry = audit.entries(connection, alice.workspace_id, limit=1_000)[-2]
    assert (entry.action, entry.object) == ("member.changed", f"user:{ids[Role.VIEWER]}")
    assert entry.detail == {"role": "admin", "account_settings": True}


def test_what_is_sent_again_unchanged_signs_nobody_out(alice, colleagues):
    browsers, ids = colleagues
    here = f"~/people/{ids[Role.VIEWER]}"
    alice.get(here)
    assert alice.post(here, role="viewer", account_settings="").status_code == 303
    assert browsers[Role.VIEWER].get("~/").status_code == 200


def test_account_settings_are_given_to_an_editor_and_taken_from_an_admin(alice, colleagues):
    browsers, ids = colleagues
    seen = {}
    for role, wanted in ((Role.EDITOR, "yes"), (Role.ADMIN, "no")):
        alice.get(f"~/people/{ids[role]}")
        alice.post(f"~/people/{ids[role]}", role=role.value, account_settings=wanted)
        browsers[role].sign_in()
        paths = ("~/apps", "~/mappings", "~/people")
        seen[role] = [browsers[role].get(path).status_code for path in paths]
        seen[role].append("Mappings" in text_of(browsers[role].get("~/fields")))
    assert seen == {
        Role.EDITOR: [200, 200, 403, True],
        Role.ADMIN: [403, 403, 200, False],
    }
    page = text_of(alice.get("~/people"))
    assert "with account settings" in page
    assert "without account settings" in page


BEYOND = [
    # An admin who has lost account settings, and what they may not hand on.
    (Role.ADMIN, False, Role.EDITOR, Standing(Role.EDITOR, account_settings=True)),
    (Role.ADMIN, False, Role.VIEWER, Standing(Role.ADMIN)),
    # An admin makes, changes and removes no owner.
    (Role.ADMIN, None, Role.VIEWER, Standing(Role.OWNER)),
    (Role.ADMIN, None, Role.OWNER, Standing(Role.VIEWER)),
]


@pytest.mark.parametrize(("by", "has", "whom", "wanted"), BEYOND)
def test_nobody_hands_on_more_than_they_have(alice, colleagues, database, by, has, whom, wanted):
    ids = {**colleagues[1], Role.OWNER: account_of(alice, database)}
    asker = Member(alice.workspace_id, ids[by], by, has)
    with pytest.raises(Refusal) as told, database.begin(alice.workspace_id) as connection:
        members.change(connection, alice.workspace_id, ids[whom], wanted=wanted, by=asker)
    assert [one.code for one in told.value.places] == ["beyond_own_power"]


def test_an_admin_is_told_so_on_the_page_and_may_take_away(alice, colleagues, database):
    browsers, ids = colleagues
    admin, owner = browsers[Role.ADMIN], account_of(alice, database)
    assert "Only an owner makes or changes owners" in text_of(admin.get(f"~/people/{owner}"))
    answer = admin.post(f"~/people/{owner}", role="viewer", account_settings="")
    assert answer.status_code == 422
    assert "Nobody gives more than they have" in text_of(answer)
    assert admin.post(f"~/people/{owner}/remove").status_code == 422
    admin.get(f"~/people/{ids[Role.EDITOR]}")
    assert admin.post(f"~/people/{ids[Role.EDITOR]}/remove").status_code == 303


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_the_right_is_not_set_where_the_role_leaves_no_choice(role):
    odd = role is Role.VIEWER
    asker = Member(1, 1, Role.OWNER)
    with pytest.raises(Refusal) as told:
        members.refuse_beyond(Standing(role, account_settings=odd), by=asker)
    assert told.value.places[0].code == "has_it_anyway"
    assert Standing(role, account_settings=odd).may(Right.SETTINGS) != odd


def test_the_last_owner_stays_one(alice, colleagues, database):
    owner = account_of(alice, database)
    alice.get(f"~/people/{owner}")
    for path, fields in (("", {"role": "admin"}), ("/remove", {})):
        answer = alice.post(f"~/people/{owner}{path}", **fields)
        assert answer.status_code == 409
        assert "This is the last owner" in text_of(answer)
    assert alice.get("~/people").status_code == 200


def test_an_owner_who_cannot_sign_in_does_not_count_as_one(alice, database):
    with database.begin(alice.workspace_id) as connection:
        connection.execute(
            text("INSERT INTO user_account (workspace_id, email, name, role) VALUES"
                 " (:w, 'ghost@example.test', 'Ghost', 'owner')"), {"w": alice.workspace_id}
        )  # fmt: skip
    owner = account_of(alice, database)
    alice.get(f"~/people/{owner}")
    assert alice.post(f"~/people/{owner}/remove").status_code == 409


def test_two_owners_who_remove_each_other_leave_one(alice, colleague, database):
    other = colleague(Role.OWNER)
    pair = [account_of(alice, database), account_of(other, database)]
    ready, refused = threading.Barrier(2), []

    def remove(mine: int, theirs: int) -> None:
        by = Member(alice.workspace_id, mine, Role.OWNER)
        try:
            with database.begin(alice.workspace_id) as connection:
                ready.wait()
                members.remove(connection, alice.workspace_id, theirs, by=by)
        except Refusal as refusal:
            refused.append(refusal.code)

    threads = [threading.Thread(target=remove, args=way) for way in (pair, pair[::-1])]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert refused == ["conflict"]


def test_a_removed_member_is_out_at_once_wherever_they_live(alice, charlie, database, settings):
    let_in(database, settings, alice.workspace_id, charlie.email, Role.EDITOR, password=None)
    visitor = Browser(client_of(charlie.client.application), alice.slug, charlie.email)
    visitor.sign_in()
    assert visitor.get("~/").status_code == 200
    visitor.workspace_id = alice.workspace_id
    here = f"~/people/{account_of(visitor, database)}"
    alice.get(here)
    assert alice.post(f"{here}/remove").status_code == 303
    assert visitor.get("~/").headers["Location"].startswith("/sign-in")
    visitor.sign_in()
    assert visitor.get("~/").status_code == 404
    assert charlie.email not in text_of(alice.get("~/people"))
    assert alice.get(here).status_code == 404


def test_a_workspace_ends_no_session_of_somebody_elses_member(alice, charlie, database):
    theirs = account_of(charlie, database)
    with database.begin(alice.workspace_id) as connection:
        assert connection.scalar(text("SELECT ab_end_sessions(:id)"), {"id": theirs}) == 0
        connection.execute(text("SELECT * FROM ab_members()")).one()
    assert charlie.get("~/").status_code == 200


def test_a_member_is_signed_out_everywhere_by_an_admin(alice, colleagues, database):
    browsers, ids = colleagues
    alice.get(f"~/people/{ids[Role.VIEWER]}")
    assert alice.post(f"~/people/{ids[Role.VIEWER]}/sessions").status_code == 303
    assert browsers[Role.VIEWER].get("~/").status_code == 303
    assert browsers[Role.EDITOR].get("~/").status_code == 200


def test_one_can_leave_where_another_owner_is_left(alice, colleague, database):
    colleague(Role.OWNER)
    alice.get(f"~/people/{account_of(alice, database)}")
    answer = alice.post(f"~/people/{account_of(alice, database)}/remove")
    assert answer.status_code == 303
    assert alice.get("~/people").headers["Location"].startswith("/sign-in")
