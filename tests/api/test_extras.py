"""Extra fields by the API: who may, what a refusal shows, and that each edit is audited once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import insert

from connector import audit
from connector.access import Role, Scope
from connector.api.context import hub
from connector.api.gate import CRM, LIST, kind_of
from connector.tables import link as links
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.api.conftest import Caller, with_key
from tests.api.test_the_whole_way import allow


@dataclass(frozen=True)
class Scene:
    """A portal with one contact whose extra fields are chosen."""

    url: str
    connection_id: int
    path: str

    def theirs(self, comment: str) -> None:
        told = {"edit": {"c0@example.test": {"nps_comment": comment}}}
        requests.post(f"{self.url}/__sim__/seed", json=told, timeout=5).raise_for_status()

    def edit(self, caller: Caller, *, value: Any = "ours", **change: Any) -> Any:
        headers = change.pop("headers", {})
        changes = [{"field": "nps_comment", "value": value, **change}]
        body = {"connection_id": self.connection_id, "changes": changes}
        return caller.call("PATCH", self.path, json=body, headers=headers)


@pytest.fixture
def scene(alice: Caller) -> Iterator[Scene]:
    with running(HubSpot()) as url:
        client = {"client_id": "demo-client", "client_secret": "demo-secret"}
        alice.put("/oauth-clients/hubspot", client)
        made = alice.post("/connections", {"app": "hubspot", "name": "crm", "base_url": url}).json
        assert allow(alice, made["id"], url).status_code == 200
        alice.post(f"/connections/{made['id']}/fields")
        contact = {"email": "c0@example.test", "nps_comment": "seen"}
        seed = requests.post(f"{url}/__sim__/seed", json={"contacts": [contact]}, timeout=5).json()
        contact_id = alice.post("/contacts", {"email": "c0@example.test"}).json["items"][0]["id"]
        link(alice, made["id"], contact_id, seed["contacts"][0])
        chosen = alice.put(
            f"/connections/{made['id']}/extra-fields",
            {"fields": [{"field": "nps_comment"}, {"field": "nps_score", "editable": False}]},
        )
        assert chosen.status_code == 200
        yield Scene(url, made["id"], f"/contacts/{contact_id}/fields")


def link(caller: Caller, connection_id: int, contact_id: int, remote_id: str) -> None:
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as store:
        store.execute(
            insert(links).values(
                workspace_id=caller.workspace_id,
                connection_id=connection_id,
                contact_id=contact_id,
                entity="contacts",
                remote_id=remote_id,
            )
        )


def entries(caller: Caller) -> list[audit.Entry]:
    with caller.client.application.app_context():
        database = hub().database
    with database.begin(caller.workspace_id) as store:
        return audit.entries(store, caller.workspace_id, limit=500)


def test_what_was_read_is_edited_and_stands_in_ledger_and_timeline(alice, scene):
    (part,) = alice.get(scene.path).json["crms"]
    assert [one["value"] for one in part["fields"]] == ["seen", None]
    before = len(entries(alice))
    answer = scene.edit(alice, was="seen")
    assert (answer.status_code, answer.json["outcome"]) == (200, "written")
    assert answer.json["fields"] == [{"field": "nps_comment", "before": "seen", "after": "ours"}]
    (entry,) = entries(alice)[before:]
    assert entry.action == "contact.fields_edited"
    assert entry.address == "127.0.0.1"
    (line,) = alice.get("/ledger").json["lines"]
    assert (line["edit_id"], line["delivery_id"]) == (answer.json["edit_id"], None)
    events = alice.get(scene.path.replace("/fields", "/timeline")).json["events"]
    assert events[0]["detail"]["edited_by"].startswith("key:")


def test_a_colleagues_change_is_shown_beside_yours(alice, scene):
    scene.theirs("theirs")
    answer = scene.edit(alice, was="seen")
    assert (answer.status_code, answer.json["code"]) == (409, "field_changed")
    assert answer.json["conflicts"] == [
        {"field": "nps_comment", "yours": "ours", "was": "seen", "now": "theirs"}
    ]


def test_if_match_stands_for_what_was_seen(alice, scene):
    etag = alice.get(scene.path).json["crms"][0]["etag"]
    scene.theirs("theirs")
    stale = scene.edit(alice, headers={"If-Match": f'"{etag}"'})
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    assert stale.json["conflicts"][0]["now"] == "theirs"
    etag = alice.get(scene.path).json["crms"][0]["etag"]
    fresh = scene.edit(alice, headers={"If-Match": f'"{etag}"'})
    assert fresh.json["fields"] == [{"field": "nps_comment", "before": "theirs", "after": "ours"}]
    again = scene.edit(alice, headers={"If-Match": f'"{etag}"'})
    assert (again.status_code, again.json["outcome"]) == (200, "unchanged")


def test_an_edit_that_does_not_say_what_was_seen_is_refused(alice, scene):
    answer = scene.edit(alice)
    assert (answer.status_code, answer.json["code"]) == (422, "change_refused")
    assert answer.json["errors"][0]["pointer"] == "/changes/0/was"


@pytest.mark.parametrize("value", [1.5, {"a": "b"}, [1], [["x"]]])
def test_what_no_field_can_hold_is_refused_by_name(alice, scene, value):
    answer = scene.edit(alice, was="seen", value=value)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith("/changes/0/value")


def test_an_editor_edits_a_viewer_only_looks_and_a_stranger_finds_nothing(
    client, database, alice, bob, charlie, scene
):
    viewer = with_key(client, database, alice.workspace_id, role=Role.VIEWER)
    assert viewer.get(scene.path).json["crms"][0]["state"] == "read"
    assert scene.edit(viewer, was="seen").status_code == 403
    assert scene.edit(bob, was="seen").status_code == 200
    assert charlie.get(scene.path).status_code == 404
    assert scene.edit(charlie, was="seen").status_code == 404


def test_a_key_that_may_not_read_contacts_is_not_told_what_they_hold(
    client, database, alice, scene
):
    writer = with_key(
        client,
        database,
        alice.workspace_id,
        role=Role.EDITOR,
        scopes=(Scope.CONTACTS_WRITE.value,),
    )
    scene.theirs("theirs")
    answer = scene.edit(writer, was="seen")
    assert answer.json["conflicts"] == [{"field": "nps_comment", "yours": "ours", "was": "seen"}]
    assert "theirs" not in answer.text


def test_looking_counts_as_a_call_of_the_crm():
    assert kind_of("GET", "/api/v1/contacts/<id:contact_id>/fields") == CRM
    assert kind_of("PATCH", "/api/v1/contacts/<id:contact_id>/fields") == CRM
    assert kind_of("GET", "/api/v1/connections/<id:connection_id>/fields") == LIST


def test_the_command_line_chooses_shows_and_edits(alice, scene, answerback, monkeypatch):
    monkeypatch.setenv("ANSWERBACK_ALLOWED_HOSTS", "127.0.0.1")
    chosen = answerback("extra", "choose", "alice", "crm", "nps_comment", "nps_score")
    assert [(one["field"], one["editable"]) for one in chosen] == [
        ("nps_comment", True),
        ("nps_score", True),
    ]
    assert entries(alice)[-1].action == "connection.extra_fields_chosen"
    assert answerback("extra", "list", "alice", "crm") == chosen
    shown = answerback("contact", "fields", "alice", "c0@example.test")
    assert [(one["field"], one["value"]) for one in shown] == [
        ("nps_comment", "seen"),
        ("nps_score", None),
    ]
    edit = ("contact", "edit", "alice", "c0@example.test", "crm", "nps_score")
    assert answerback(*edit, "7.5", "--was", "")["outcome"] == "written"
    assert "nps_score is now" in answerback(*edit, "8", "--was", "7", code=1)
