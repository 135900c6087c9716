"""Every route x every role, every scope and every stranger: generated from the one table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import insert, text

from connector.access import ACCESS, RIGHTS, Door, Role
from connector.api.context import hub
from connector.tables import input_form
from connector.workspaces import EVERY_SCOPE
from tests.api.conftest import Caller, with_key

# The pages have the same matrix in tests/pages/test_access.py.
GUARDED = {route: rule for route, rule in ACCESS.items() if rule.door is Door.KEY}
OPEN = {route: rule for route, rule in ACCESS.items() if rule.right is None}
WITH_ID = [route for route in GUARDED if "<id:" in route[1]]


def path_of(route: str) -> str:
    """An address that fits the route and leads to nothing that is there."""
    return re.sub(
        r"<(id|key|whole):\w+>", lambda kind: "2000000000" if kind[1] == "id" else "none", route
    )


def with_ids(route: str, ids: Mapping[str, int]) -> str:
    """The route's address for these things."""
    return re.sub(r"<id:(\w+)>", lambda name: str(ids[name[1]]), route)


def ask(caller: Any, route: tuple[str, str]) -> Any:
    """The route with an empty body: past the judge it is refused for that, never for access."""
    method, rule = route
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    return caller.call(method, path_of(rule), **body)


def test_every_route_of_the_url_map_stands_in_the_table_and_none_else(app):
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods
        if method != "HEAD"
    }
    assert routes == set(ACCESS)


def test_a_route_that_is_not_in_the_table_is_refused(app):
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_nobody_gets_in_without_a_key(client):
    answers = [client.open(path_of(rule), method=method, json={}) for method, rule in GUARDED]
    assert {(one.status_code, one.json["code"]) for one in answers} == {(401, "unauthenticated")}
    assert {one.headers["WWW-Authenticate"] for one in answers} == {"Bearer"}


def test_roles_and_scopes_open_exactly_the_routes_that_the_table_says(client, database, alice):
    keys = {role: with_key(client, database, alice.workspace_id, role=role) for role in Role}
    wrong = [
        (role, *route)
        for route, rule in GUARDED.items()
        for role, caller in keys.items()
        if (ask(caller, route).status_code == 403) == (rule.right in RIGHTS[role])
    ]
    assert wrong == []


def test_every_route_asks_for_its_own_scope(client, database, alice):
    wrong = []
    for scope in EVERY_SCOPE:
        # A push is let in by either of two; without both it is refused, and with one it is not.
        closed = {scope, "responses:test"} if scope == "responses:push" else {scope}
        others = tuple(one for one in EVERY_SCOPE if one not in closed)
        lacking = with_key(client, database, alice.workspace_id, role=Role.OWNER, scopes=others)
        for route, rule in GUARDED.items():
            is_refused = ask(lacking, route).status_code == 403
            if is_refused != (rule.scope == scope):
                wrong.append((scope, *route))
    assert wrong == []


def test_every_route_of_the_api_asks_for_a_right_and_a_scope():
    assert all(rule.right and rule.scope for rule in GUARDED.values())


def test_open_routes_say_why_they_are_open():
    assert all(rule.reason for rule in OPEN.values())


def test_every_unsafe_route_is_audited_or_says_why_not():
    unsafe = {route: rule for route, rule in GUARDED.items() if route[0] != "GET"}
    assert all(rule.audited or rule.reason for rule in unsafe.values())
    assert not any(rule.audited for route, rule in GUARDED.items() if route[0] == "GET")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_not_taken(alice, method):
    answer = alice.call(method, "/workspace")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_foreign_ids_answer_exactly_as_unknown_ones(client, database, alice, charlie):
    """Alice owns one of everything; to Charlie each looks as if it had never been there."""
    theirs = one_of_everything(alice)
    told = set()
    for method, rule in WITH_ID:
        for ids in (theirs, dict.fromkeys(theirs, 987_654_321)):
            answer = charlie.call(method, with_ids(rule, ids), **valid_body(method, rule))
            told.add((answer.status_code, json.dumps({**answer.json, "instance": ""})))
    assert len(told) == 1
    assert told.pop()[0] == 404


def test_alice_herself_finds_everything_that_charlie_does_not(alice):
    theirs = one_of_everything(alice)
    for method, rule in WITH_ID:
        if method == "GET":
            path = with_ids(rule, theirs)
            # A connection that is not connected is found, and cannot be asked or chosen from.
            wanted = 409 if rule in NEEDS_THE_CRM else 200
            assert alice.get(path).status_code == wanted, path


NEEDS_THE_CRM = {
    "/api/v1/connections/<id:connection_id>/entities",
    "/api/v1/connections/<id:connection_id>/mapping.xlsx",
    "/api/v1/connections/<id:connection_id>/provisioning",
    "/api/v1/mappings/<id:mapping_id>/readiness",
    "/api/v1/connections/<id:connection_id>/preflight",
    "/api/v1/connections/<id:connection_id>/standard/mapping",
}


def valid_body(method: str, rule: str) -> dict[str, Any]:
    bodies = {
        "/api/v1/mappings/<id:mapping_id>": MAPPING,
        "/api/v1/automations/<id:automation_id>": AUTOMATION,
        "/api/v1/connections/<id:connection_id>/provisioning": {"parts": ["tags"]},
        "/api/v1/connections/<id:connection_id>/extra-fields": {"fields": []},
        "/api/v1/contacts/<id:contact_id>/fields": EDIT,
        "/api/v1/members/<id:member_id>": {"role": "owner"},
        "/api/v1/mappings/<id:mapping_id>/trial/send": {"record": "17"},
        "/api/v1/mappings/<id:mapping_id>/mend": {"pointer": "/rows/0", "code": "too_long"},
        "/api/v1/contacts/<id:contact_id>/forms/<id:form_id>": {"changes": []},
        "/api/v1/input-forms/<id:form_id>": FORM,
        "/api/v1/sources/<id:source_id>/emptied": {"gone": 1},
        "/api/v1/sources/<id:source_id>/test": {"email": "c7@example.test"},
    }
    if method in {"GET", "DELETE"}:
        return {}
    return {"json": bodies.get(rule, {})}


MAPPING = {
    "name": "M",
    "connection": "crm",
    "entity": "contacts",
    "operation": "update",
    "identify": {"variable": "contact.email", "field": "email"},
    "rows": [{"variable": "answers.nps", "field": "nps_score"}],
}
EDIT = {"connection_id": 1, "changes": [{"field": "x", "was": None, "value": "y"}]}
FORM = {"name": "F", "connection": "crm", "fields": [{"field": "phone"}]}
AUTOMATION = {"name": "A", "then": [{"do": "tag"}]}


def one_of_everything(caller: Any) -> dict[str, int]:
    """The ids of one thing of each kind in the caller's workspace, by the route's own names."""
    caller.post("/connections", {"app": "hubspot", "name": "crm", "auth": "oauth"})
    connection_id = caller.get("/connections").json["connections"][0]["id"]
    caller.put(f"/connections/{connection_id}/card", {})
    contacts = caller.post("/contacts", {"email": "a@example.test"})
    caller.post(
        "/responses",
        {
            "response_id": "r1",
            "submitted_at": "2026-11-22T01:02:00Z",
            "respondent": {"email": "a@example.test"},
            "answers": {"nps": {"type": "nps", "value": 9}},
        },
    )
    webhook_id = caller.post("/webhooks", WEBHOOK).json["id"]
    return {
        "member_id": caller.get("/members").json["members"][0]["id"],
        "invitation_id": caller.post("/members/invitations", {"email": "n@example.test"}).json[
            "id"
        ],
        "key_id": caller.get("/keys").json["keys"][0]["id"],
        "connection_id": connection_id,
        "contact_id": contacts.json["items"][0]["id"],
        "mapping_id": caller.post("/mappings", MAPPING).json["id"],
        "automation_id": caller.post("/automations", AUTOMATION).json["id"],
        "source_id": caller.post("/sources", {"name": "s"}).json["id"],
        "webhook_id": webhook_id,
        "grant_id": a_grant(caller),
        "message_id": a_message(caller, webhook_id),
        "form_id": a_form(caller, connection_id),
        "delivery_id": a_delivery(caller, connection_id, contacts.json["items"][0]["id"]),
        "backfill_id": a_backfill(caller),
    }


def a_grant(caller: Caller) -> int:
    """A grant to a key of nobody's, put there directly."""
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as connection:
        made = connection.execute(
            text(
                "INSERT INTO partner_grant (workspace_id, public_id, name, role, granted_by)"
                " VALUES (:w, 'aaaaaaaa', 'n', 'viewer', 'test') RETURNING id"
            ),
            {"w": caller.workspace_id},
        )
        return int(made.scalar_one())


WEBHOOK = {"name": "h", "url": "http://127.0.0.1:9/h", "events": ["response.failed"]}


def a_message(caller: Any, webhook_id: int) -> int:
    """A message of the webhook, put there directly."""
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as connection:
        made = connection.execute(
            text(
                "INSERT INTO webhook_message (workspace_id, webhook_id, event)"
                " VALUES (:w, :h, 'response.failed') RETURNING id"
            ),
            {"w": caller.workspace_id, "h": webhook_id},
        )
        return int(made.scalar_one())


def a_backfill(caller: Any) -> int:
    """A backfill that is done, put there directly: a mapping must be on to begin one."""
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as connection:
        made = connection.execute(
            text(
                "INSERT INTO backfill (workspace_id, mapping_id, mapping_version, total, last_id,"
                " state, started_by) SELECT :w, min(id), 1, 0, 0, 'done', 'test' FROM mapping"
                " RETURNING id"
            ),
            {"w": caller.workspace_id},
        )
        return int(made.scalar_one())


def a_form(caller: Any, connection_id: int) -> int:
    """An input form, put there directly: its connection is not connected."""
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as connection:
        body = {"create": True, "fields": [{"field": "phone"}]}
        values = {"name": "F", "connection_id": connection_id, "body": body}
        made = insert(input_form).values(workspace_id=caller.workspace_id, **values)
        return int(connection.execute(made.returning(input_form.c.id)).scalar_one())


def a_delivery(caller: Any, connection_id: int, contact_id: int) -> int:
    """A dead delivery, put there directly: planning is somebody else's test."""
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as connection:
        return int(
            connection.execute(
                text(
                    "INSERT INTO delivery (workspace_id, connection_id, response_id, contact_id,"
                    " lane, step, kind, entity, payload, answered_at, revision, state)"
                    " SELECT :w, :c, id, :p, 'contact:1', 's', 'fields', 'contacts', '{}', now(),"
                    " 1, 'dead' FROM response RETURNING id"
                ),
                {"w": caller.workspace_id, "c": connection_id, "p": contact_id},
            ).scalar_one()
        )
