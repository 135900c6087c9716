"""One key of a partner acts in the workspaces that have let it in, and in no other."""

from __future__ import annotations

from typing import Any

import pytest

from connector.access import Role
from connector.access.api import API
from connector.partners import HEADER
from tests.api.conftest import Caller, founded, with_key
from tests.api.test_access import path_of

READS = ["settings:read", "responses:push", "responses:read", "audit:read"]
BODY = {"response_id": "r1", "submitted_at": "2026-11-22T01:02:00Z", "answers": {}}


class Partner:
    """A key of a workspace of its own, and what it is called inside another."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.public_id = caller.public_id

    def ask(self, slug: str, path: str, method: str = "GET", **options: Any) -> Any:
        return self.caller.call(method, path, headers={HEADER: slug}, **options)


@pytest.fixture
def partner(client, database) -> Partner:
    return Partner(founded(client, database, "agency"))


def let_in(caller: Caller, partner: Partner, **changes: Any) -> int:
    wanted = {"key": partner.public_id, "name": "Agency", "role": "admin", "scopes": READS}
    answer = caller.post("/grants", wanted | changes)
    assert answer.status_code == 201, answer.text
    return int(answer.json["id"])


def test_a_key_that_was_let_in_acts_there_and_the_log_names_the_partner(alice, partner):
    let_in(alice, partner)
    assert partner.ask("alice", "/workspace").json["slug"] == "alice"
    assert partner.caller.get("/workspace").json["slug"] == "agency"
    assert partner.ask("agency", "/workspace").json["slug"] == "agency"
    assert partner.ask("alice", "/responses", "POST", json=BODY).status_code == 202
    assert alice.get("/responses/r1").status_code == 200
    assert partner.caller.get("/responses/r1").status_code == 404
    (listed,) = partner.caller.get("/workspaces").json["workspaces"]
    assert (listed["slug"], listed["role"], listed["scopes"]) == ("alice", "admin", sorted(READS))
    (grant,) = alice.get("/grants").json["grants"]
    assert grant["last_used_at"]
    assert partner.ask("alice", "/mappings", "POST", json={}).status_code == 403
    last = alice.get("/audit").json["entries"][-1]
    assert (last["actor"], last["action"]) == (f"partner:{partner.public_id}", "access.refused")


def test_who_was_not_let_in_cannot_tell_a_workspace_from_none(alice, charlie, partner):
    let_in(alice, partner)
    answers = [partner.ask(slug, "/workspace") for slug in ("charlie", "nobody", "", "x" * 70, "Æ")]
    assert {(one.status_code, one.json["code"], one.json["detail"]) for one in answers} == {
        (404, "not_found", answers[0].json["detail"])
    }
    charlie_as_partner = Partner(charlie).ask("alice", "/workspace")
    assert charlie_as_partner.status_code == 404


def test_a_partner_that_is_shut_out_is_out_at_once_and_elsewhere_still_in(alice, charlie, partner):
    grant_id = let_in(alice, partner)
    let_in(charlie, partner)
    assert alice.delete(f"/grants/{grant_id}").status_code == 204
    assert partner.ask("alice", "/workspace").status_code == 404
    assert partner.ask("charlie", "/workspace").status_code == 200
    assert charlie.delete(f"/grants/{grant_id}").status_code == 404
    let_in(alice, partner)
    assert partner.ask("alice", "/workspace").status_code == 200


def test_a_partner_may_do_what_both_its_key_and_the_grant_allow(client, database, alice, partner):
    home = partner.caller.workspace_id
    scopes = ("settings:read", "settings:write")
    narrow = Partner(with_key(client, database, home, role=Role.VIEWER, scopes=scopes))
    let_in(alice, narrow, role="owner", scopes=["settings:read", "contacts:read"])
    assert narrow.ask("alice", "/workspace").status_code == 200
    assert narrow.ask("alice", "/contacts").status_code == 403
    assert narrow.ask("alice", "/keys").status_code == 403


def test_no_partner_can_leave_a_door_open_behind_it(alice, partner):
    """Keys, grants and people: what would outlive a revoked grant, on every route there is."""
    every = alice.get("/keys").json["keys"][0]["scopes"]
    let_in(alice, partner, role="owner", scopes=every)
    kept = {
        route
        for route, rule in API.items()
        if rule.audited and route[1].split("/")[3] in {"keys", "grants", "members"}
    }
    assert {route for route, rule in API.items() if rule.own} == kept
    answers = [partner.ask("alice", path_of(rule), method, json={}) for method, rule in kept]
    assert {(one.status_code, one.json["code"]) for one in answers} == {(403, "scope_missing")}


def test_what_cannot_be_granted_is_refused_by_its_place(client, database, alice, partner):
    wanted = {"key": partner.public_id, "name": "A", "scopes": ["settings:read"]}
    narrow = with_key(
        client,
        database,
        alice.workspace_id,
        role=Role.ADMIN,
        scopes=("settings:read", "settings:write"),
    )
    cases = [
        (alice, {"key": "ZZZZZZZZ"}, "/key"),
        (alice, {"key": alice.public_id}, "/key"),
        (alice, {"key": partner.caller.key}, "/key"),
        (alice, {"scopes": ["all"]}, "/scopes/0"),
        (alice, {"scopes": []}, "/scopes"),
        (narrow, {"scopes": ["contacts:read"]}, "/scopes/0"),
        (narrow, {"role": "owner", "scopes": ["audit:read"]}, "/scopes/0"),
    ]
    answers = [caller.post("/grants", wanted | changes) for caller, changes, _ in cases]
    assert [(one.status_code, one.json["errors"][0]["pointer"]) for one in answers] == [
        (422, place) for _, _, place in cases
    ]
    assert alice.post("/grants", wanted).status_code == 201
    assert alice.post("/grants", wanted).status_code == 409


def test_the_command_line_lets_in_and_shuts_out(alice, partner, answerback):
    scopes = ("--scope", "settings:read")
    made = answerback("partner", "grant", "alice", partner.public_id, *scopes)
    assert partner.ask("alice", "/workspace").status_code == 200
    (row,) = answerback("partner", "list", "alice")
    assert row["scopes"] == ["settings:read"]
    answerback("partner", "revoke", "alice", str(made["id"]))
    assert partner.ask("alice", "/workspace").status_code == 404
