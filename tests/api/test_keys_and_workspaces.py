"""Keys open exactly one workspace, are shown once, and never hand on more than they hold."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from connector import audit, clock
from connector.access import Role
from tests.api.conftest import with_key


def test_a_workspace_is_made_with_an_owner_and_a_key_that_opens_it(alice):
    answer = alice.get("/workspace")
    assert answer.status_code == 200
    assert answer.json["slug"] == "alice"
    assert answer.json["id"] == alice.workspace_id


def test_a_key_opens_its_own_workspace_and_no_other(alice, charlie):
    assert charlie.get("/workspace").json["slug"] == "charlie"
    assert [key["name"] for key in charlie.get("/keys").json["keys"]] == ["first key"]


def test_a_key_is_shown_once_and_kept_as_a_digest(alice, database):
    made = alice.post("/keys", {"name": "push", "role": "editor", "scopes": ["responses:push"]})
    assert made.status_code == 201
    listed = alice.get("/keys")
    assert made.json["key"] not in listed.text
    with database.begin(alice.workspace_id) as connection:
        rows = connection.execute(text("SELECT row_to_json(api_key)::text FROM api_key")).scalars()
        assert all(made.json["key"][16:] not in row for row in rows)


def test_a_revoked_key_is_refused_from_then_on(alice, client, database):
    made = alice.post("/keys", {"name": "push"}).json
    assert alice.delete(f"/keys/{made['id']}").status_code == 204
    answer = client.get("/api/v1/workspace", headers={"Authorization": f"Bearer {made['key']}"})
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "unauthenticated"


def test_an_expired_key_is_refused(alice, client, database):
    past = (clock.now() - timedelta(seconds=1)).isoformat()
    assert alice.post("/keys", {"name": "x", "expires_at": past}).status_code == 422
    caller = with_key(client, database, alice.workspace_id, role=Role.OWNER)
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE api_key SET expires_at = now() - interval '1 second'"))
    assert caller.get("/workspace").status_code == 401


def test_every_wrong_key_gets_the_same_answer(client, alice):
    other = alice.key[:-1] + ("1" if alice.key.endswith("0") else "0")
    wrong = ["", "Bearer", "Bearer x", "Basic eA==", f"Bearer {other}", "Bearer \x80"]
    told = set()
    for header in wrong:
        answer = client.get("/api/v1/workspace", headers={"Authorization": header})
        told.add((answer.status_code, answer.get_json()["code"], answer.get_json()["detail"]))
    assert len(told) == 1


def test_a_key_cannot_make_a_key_with_more_than_it_has(alice, client, database):
    scopes = ("settings:write", "settings:read")
    admin = with_key(client, database, alice.workspace_id, role=Role.ADMIN, scopes=scopes)
    assert admin.post("/keys", {"name": "same", "scopes": ["settings:read"]}).status_code == 201
    wider = admin.post("/keys", {"name": "wider", "scopes": ["settings:read", "audit:read"]})
    assert wider.status_code == 422
    assert wider.json["errors"][0]["pointer"] == "/scopes/1"


def test_the_last_use_is_noted_at_most_once_a_minute(alice, database):
    alice.get("/workspace")
    first = alice.get("/keys").json["keys"][0]["last_used_at"]
    alice.get("/workspace")
    assert first
    assert alice.get("/keys").json["keys"][0]["last_used_at"] == first


def test_a_stranger_cannot_revoke_a_key(alice, charlie):
    key_id = alice.get("/keys").json["keys"][0]["id"]
    foreign, unknown = charlie.delete(f"/keys/{key_id}"), charlie.delete("/keys/999999")
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json, "instance": ""} == {**unknown.json, "instance": ""}
    assert alice.get("/workspace").status_code == 200


def test_what_an_owner_changes_is_read_back(alice):
    answer = alice.patch("/workspace", {"timezone": "Europe/Copenhagen", "country": "DE"})
    assert answer.status_code == 200
    assert (answer.json["timezone"], answer.json["country"]) == ("Europe/Copenhagen", "DE")


def test_a_zone_that_is_none_is_refused_by_name(alice):
    answer = alice.patch("/workspace", {"timezone": "Mars/Olympus"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/timezone"


def test_a_paused_workspace_stays_paused_until_it_is_resumed(alice):
    paused = alice.post("/workspace/pause").json["paused_at"]
    assert paused
    assert alice.post("/workspace/pause").json["paused_at"] == paused
    assert alice.post("/workspace/resume").json["paused_at"] is None


def test_every_change_leaves_an_entry_in_an_unbroken_chain(alice, database):
    alice.post("/workspace/pause")
    alice.post("/workspace/resume")
    with database.begin(alice.workspace_id) as connection:
        entries = audit.entries(connection, alice.workspace_id)
        broken = audit.broken_at(connection, alice.workspace_id)
    actions = [entry.action for entry in entries]
    assert actions == ["workspace.created", "workspace.paused", "workspace.resumed"]
    assert broken is None


def test_a_refused_route_is_audited_with_what_was_lacking(alice, client, database):
    viewer = with_key(client, database, alice.workspace_id, role=Role.VIEWER)
    answer = viewer.post("/workspace/pause")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")
    with database.begin(alice.workspace_id) as connection:
        last = audit.entries(connection, alice.workspace_id)[-1]
    assert last.action == "access.refused"
    assert last.detail["route"] == "/api/v1/workspace/pause"
