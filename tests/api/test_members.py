"""Members by API and by command line: the same functions as the page."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from connector import audit
from connector.access import Role
from connector.accounts import people
from schemas.secret import Secret
from tests.api.conftest import with_key
from tests.api.test_cli import create


@pytest.fixture
def ben(alice, database, settings) -> int:
    """An editor in Alice's workspace, who can sign in."""
    return people.add(
        database, settings.environment, alice.workspace_id, email="ben@example.test", name="Ben",
        role=Role.EDITOR, password=Secret("a meadow in late June"), actor="operator",
    )  # fmt: skip


def test_a_member_is_read_changed_and_removed(alice, ben, database):
    shown = alice.get(f"/members/{ben}").json
    assert (shown["role"], shown["account_settings"], shown["signed_in_at"]) == (
        "editor", False, None,
    )  # fmt: skip
    changed = alice.patch(f"/members/{ben}", {"role": "editor", "account_settings": True}).json
    assert (changed["account_settings"], changed["is_adjusted"]) == (True, True)
    assert alice.post(f"/members/{ben}/sessions/end").json == {"ended": 0}
    assert alice.delete(f"/members/{ben}").status_code == 204
    assert [one["email"] for one in alice.get("/members").json["members"]] == ["alice@example.test"]
    assert alice.delete(f"/members/{ben}").status_code == 404
    with database.begin(alice.workspace_id) as connection:
        actions = [one.action for one in audit.entries(connection, alice.workspace_id)]
    assert actions[-3:] == ["member.changed", "member.sessions_ended", "member.removed"]


BAD = [
    ({}, "/role"),
    ({"role": "boss"}, "/role"),
    ({"role": "admin", "account_settings": "yes"}, "/account_settings"),
    ({"role": "viewer", "account_settings": True}, "/account_settings"),
    ({"role": "admin", "name": "x"}, "/name"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD)
def test_a_wrong_change_is_refused_by_its_field(alice, ben, body, pointer):
    answer = alice.patch(f"/members/{ben}", body)
    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json["errors"]]


def test_a_key_of_an_admin_makes_no_owner(client, database, alice, ben):
    admin = with_key(client, database, alice.workspace_id, role=Role.ADMIN)
    answer = admin.patch(f"/members/{ben}", {"role": "owner"})
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "beyond_own_power")


def test_an_invitation_is_made_listed_sent_again_and_withdrawn(alice):
    made = alice.post("/members/invitations", {"email": "n@example.test", "role": "editor"})
    assert made.status_code == 201
    assert re.fullmatch(r"http://\S+/invitation/[\w-]{43}", made.json["link"])
    again = alice.post(f"/members/invitations/{made.json['id']}/resend").json
    assert again["link"] != made.json["link"]
    (listed,) = alice.get("/members/invitations").json["invitations"]
    assert (listed["email"], listed["letter"], listed["is_expired"]) == (
        "n@example.test", "none", False,
    )  # fmt: skip
    assert alice.delete(f"/members/invitations/{made.json['id']}").status_code == 204
    assert alice.get("/members/invitations").json == {"invitations": []}
    assert alice.post(f"/members/invitations/{made.json['id']}/resend").status_code == 404


def test_the_command_line_invites_and_prints_the_link(answerback):
    create(answerback)
    made = answerback("user", "invite", "acme", "ann@example.test", "--role", "admin")
    assert "/invitation/" in made["link"]
    assert "beyond" not in answerback("user", "invite", "acme", "nobody", code=1)


def test_the_command_line_changes_and_removes_members(answerback, database):
    create(answerback)
    answerback(
        "user", "add", "acme", "ann@example.test", "--role", "owner", "--password-stdin", code=1
    )  # fmt: skip - an empty password is none
    with database.across() as connection:
        w = connection.scalar(text("SELECT id FROM ab_workspaces() WHERE slug = 'acme'"))
    with database.begin(w) as connection:
        connection.execute(
            text("INSERT INTO user_account (workspace_id, email, name, role) VALUES"
                 " (:w, 'ben@example.test', 'Ben', 'editor')"), {"w": w}
        )  # fmt: skip
    made = answerback("user", "role", "acme", "Ben@example.test", "editor", "--account-settings")
    assert made == {"role": "editor", "account_settings": True}
    answerback("user", "remove", "acme", "ben@example.test")
    assert "ben@example.test" not in str(answerback("user", "list", "acme"))
    assert "last_owner" not in answerback("user", "remove", "acme", "no@example.test", code=1)
    refused = answerback("user", "remove", "acme", "o@example.test", code=1)
    assert "Make somebody else an owner first" in refused
