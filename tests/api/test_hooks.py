"""A hook's token only routes, the signature authenticates, and a message counts once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from connector import audit, clock
from tests.api.test_responses import body


class Platform:
    """A survey platform that signs what it sends."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        made = caller.post("/sources", {"name": "forms"}).json
        self.id, self.url, self.secret = made["id"], made["url"], made["secret"]
        self.path = "/hooks/" + self.url.split("/hooks/")[1]

    def send(self, payload: Any, message_id: str = "msg_1", **options: Any) -> Any:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        at = datetime.fromtimestamp(clock.now().timestamp() + options.pop("off_s", 0), UTC)
        signed = Webhook(options.pop("secret", self.secret)).sign(
            message_id, at, raw.decode("utf-8", "replace")
        )
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed,
            "Content-Type": "application/json",
            **options.pop("headers", {}),
        }
        return self.caller.client.post(self.path, data=options.pop("raw", raw), headers=headers)


@pytest.fixture
def platform(alice):
    return Platform(alice)


def test_a_signed_response_is_stored_and_answered_202(platform, alice):
    answer = platform.send(body("r1"))
    assert (answer.status_code, answer.json["duplicate"]) == (202, False)
    assert alice.get("/responses/r1").json["versions"][0]["source"] == f"hook:{platform.id}"


def test_the_same_message_again_is_a_duplicate_and_does_nothing(platform, alice):
    platform.send(body("r1"))
    assert platform.send(body("r1")).json["duplicate"] is True
    assert platform.send(body("r1"), "msg_2").json["duplicate"] is True
    assert len(alice.get("/responses/r1").json["versions"]) == 1


@pytest.mark.parametrize("off_s", [-360, 360])
def test_fault_42_an_old_or_future_message_is_refused_and_counted(platform, alice, off_s):
    answer = platform.send(body("r1"), off_s=off_s)
    assert (answer.status_code, answer.json["code"]) == (401, "signature_invalid")
    assert alice.get("/responses/r1").status_code == 404
    assert alice.get("/audit").json["entries"][-1]["action"] == "hook.signature_invalid"


def test_fault_43_an_altered_body_is_refused(platform):
    assert platform.send(body("r1"), raw=json.dumps(body("r1", 0)).encode()).status_code == 401


def test_fault_43_a_wrong_secret_and_missing_or_doubled_headers_are_refused(platform):
    other = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ=="
    assert platform.send(body("r1"), secret=other).status_code == 401
    assert platform.send(body("r1"), headers={"webhook-signature": ""}).status_code == 401
    doubled = {"webhook-id": "msg_1,msg_1"}
    assert platform.send(body("r1"), headers=doubled).status_code == 401


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"not json", b"{", b"", b"[" * 2000])
def test_a_signed_body_that_is_no_json_is_refused_and_never_breaks(platform, raw):
    assert platform.send(raw).status_code in {400, 401, 422}


def test_other_content_under_a_known_revision_is_answered_2xx_and_audited(platform, alice):
    platform.send(body("r1", 9))
    answer = platform.send(body("r1", 2), "msg_2")
    assert answer.status_code == 202
    assert answer.json["items"][0]["status"] == "conflict"
    assert alice.get("/audit").json["entries"][-1]["action"] == "response.conflict"


def test_platforms_may_look_whether_the_address_exists(platform, client):
    assert client.get(platform.path).status_code == 200
    assert client.head(platform.path).status_code == 200
    assert client.get("/hooks/standard/" + "x" * 43).status_code == 404
    assert client.get(platform.path.replace("standard", "typeform")).status_code == 404


def test_a_larger_body_than_the_source_takes_is_refused(platform):
    answer = platform.send(b'"' + b"x" * 1024 * 1024 + b'"')
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_a_rotated_secret_counts_beside_the_one_before_and_the_address_stays(platform, alice):
    fresh = alice.post(f"/sources/{platform.id}/rotate").json
    assert fresh["url"] is None
    assert platform.send(body("old")).status_code == 202
    assert platform.send(body("new"), "msg_2", secret=fresh["secret"]).status_code == 202
    alice.post(f"/sources/{platform.id}/rotate")
    assert platform.send(body("older"), "msg_3").status_code == 401


def test_a_rotated_address_replaces_the_old_one_at_once(platform, alice, client):
    fresh = alice.post(f"/sources/{platform.id}/rotate", {"what": "address"}).json
    assert client.get(platform.path).status_code == 404
    assert client.get("/hooks/" + fresh["url"].split("/hooks/")[1]).status_code == 200


def test_a_deleted_source_answers_as_one_that_never_was(platform, alice, client):
    assert alice.delete(f"/sources/{platform.id}").status_code == 204
    assert client.get(platform.path).status_code == 404
    assert alice.get("/sources").json["sources"] == []
    assert alice.post("/sources", {"name": "forms"}).status_code == 201


def test_neither_token_nor_secret_can_be_read_again(platform, alice, database):
    assert platform.secret not in alice.get("/sources").text
    with database.begin(alice.workspace_id) as connection:
        row = connection.execute(text("SELECT row_to_json(hook_source)::text FROM hook_source"))
        stored = row.scalar_one()
    assert platform.secret.removeprefix("whsec_")[:20] not in stored
    assert platform.path.rsplit("/", 1)[1] not in stored


def test_a_stranger_can_neither_rotate_nor_delete_a_source(platform, charlie):
    assert charlie.post(f"/sources/{platform.id}/rotate").status_code == 404
    assert charlie.delete(f"/sources/{platform.id}").status_code == 404


def test_the_chain_of_the_audit_log_holds_after_all_this(platform, alice, database):
    platform.send(body("r1"), off_s=999)
    with database.begin(alice.workspace_id) as connection:
        assert audit.broken_at(connection, alice.workspace_id) is None
