"""A platform's own message, verified as it signs, becomes a response; a test response goes all the
way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from connector import clock
from connector.jobs import hub_of
from tests.api.test_responses import body
from tests.api.test_the_whole_way import (  # noqa: F401 - fixtures
    crm,
    emptied,
    portal,
    switch_on,
)
from tests.unit.test_sources import example
from tests.world import World

FORMBRICKS = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Sender:
    """A platform with an address of ours, which signs as it does in the world."""

    def __init__(self, caller: Any, platform: str, **options: Any) -> None:
        self.caller, self.platform = caller, platform
        wanted = {"name": platform, "platform": platform, **options}
        self.made = caller.post("/sources", wanted).json
        self.id, self.secret = self.made["id"], self.made["secret"] or options.get("secret")
        self.path = "/hooks/" + self.made["url"].split("/hooks/")[1]

    def send(self, message: Any, **options: Any) -> Any:
        raw = options.get("raw") or json.dumps(message).encode()
        headers = self.signed(raw) | options.get("headers", {})
        return self.caller.client.post(
            self.path, data=raw, headers={"Content-Type": "application/json", **headers}
        )

    def signed(self, raw: bytes) -> dict[str, str]:
        if self.secret is None:
            return {}
        mac = base64.b64encode(hmac.digest(self.secret.encode(), raw, hashlib.sha256)).decode()
        if self.platform == "typeform":
            return {"Typeform-Signature": f"sha256={mac}"}
        if self.platform == "tally":
            return {"Tally-Signature": mac}
        at = clock.now()
        signed = Webhook(self.secret).sign("msg_1", at, raw.decode())
        stamp = str(int(at.timestamp()))
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": stamp,
            "webhook-signature": signed,
        }


@pytest.fixture
def world(alice: Any, settings: Any) -> Iterator[World]:
    hub = hub_of(settings)
    yield World(hub, alice.workspace_id, alice.key)
    hub.database.close()


SECRETS = {"formbricks": {"secret": FORMBRICKS}}
PLATFORMS = ("npstoday", "typeform", "tally", "formbricks", "surveyjs")


@pytest.fixture(params=PLATFORMS)
def sender(request: pytest.FixtureRequest, alice: Any) -> Sender:
    return Sender(alice, request.param, **SECRETS.get(request.param, {}))


def test_a_platforms_message_is_stored_once_and_can_be_followed(sender, alice):
    message = example(sender.platform)
    answer = sender.send(message)
    assert (answer.status_code, answer.json["duplicate"]) == (202, False), answer.json
    assert sender.send(message).json["duplicate"] is True
    found = alice.get(f"/responses/{answer.json['items'][0]['response_id']}").json
    assert [one["source"] for one in found["versions"]] == [f"hook:{sender.id}"]


def test_a_message_that_somebody_else_made_is_refused_where_the_platform_signs(sender):
    if sender.platform == "npstoday":
        assert sender.caller.client.post("/hooks/npstoday/" + "x" * 43).status_code == 404
        return
    for name in sender.signed(b"{}"):
        answer = sender.send(example(sender.platform), headers={name: "sha256=QUFB"})
        assert (answer.status_code, answer.json["code"]) == (401, "signature_invalid")


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"not json", b"{}", b"[]", b"[" * 2000, b"null"])
def test_what_cannot_be_read_is_a_4xx_and_shown_to_the_admin(alice, raw):
    answer = Sender(alice, "typeform").send(None, raw=raw)
    assert 400 <= answer.status_code < 500
    entry = alice.get("/audit").json["entries"][-1]
    assert (entry["action"], "places" in entry["detail"]) == ("hook.unreadable", True)


def test_an_invalid_response_is_shown_to_the_admin_with_its_place(alice):
    message = example("typeform")
    message["form_response"]["answers"][0]["field"]["ref"] = "x" * 300
    assert Sender(alice, "typeform").send(message).status_code == 422
    actions = [one["action"] for one in alice.get("/audit").json["entries"]]
    assert "response.invalid" in actions


def test_an_edit_without_a_time_of_its_own_is_known_by_coming_later(alice):
    sender = Sender(alice, "npstoday")
    first, edited = example("npstoday"), example("npstoday") | {"Rating": 3}
    path = sender.send(first).json["items"][0]["response_id"]
    assert sender.send(edited).json["items"][0]["status"] == "accepted"
    assert sender.send(first).json["duplicate"] is True
    versions = alice.get(f"/responses/{path}").json["versions"]
    assert [one["revision"] for one in versions] in ([1, 2], [2, 1])


def test_a_partial_response_that_comes_late_changes_nothing(alice):
    sender = Sender(alice, "typeform")
    whole = example("typeform")
    early = json.loads(json.dumps(whole)) | {"event_type": "form_response_partial"}
    early["form_response"]["submitted_at"] = "2026-11-22T01:00:00Z"
    sender.send(whole)
    assert sender.send(early).json["items"][0]["status"] == "conflict"


def test_a_platforms_own_secret_is_brought_later_and_checked(alice):
    sender = Sender(alice, "formbricks")
    assert sender.secret is None
    sender.secret = FORMBRICKS
    assert sender.send(example("formbricks")).status_code == 401
    short = alice.patch(f"/sources/{sender.id}", {"secret": "whsec_dG9wc2VjcmV0"})
    assert (short.status_code, short.json["errors"][0]["pointer"]) == (422, "/secret")
    assert alice.patch(f"/sources/{sender.id}", {"secret": FORMBRICKS}).status_code == 200
    assert sender.send(example("formbricks")).status_code == 202


def test_a_platform_that_does_not_sign_takes_no_secret(alice):
    wanted = {"name": "n", "platform": "npstoday", "secret": "topsecret"}
    assert alice.post("/sources", wanted).status_code == 422
    sender = Sender(alice, "npstoday")
    assert sender.made["secret"] is None
    assert alice.post(f"/sources/{sender.id}/rotate").status_code == 422


def test_settings_are_shown_and_hold_from_the_next_message_on(alice):
    sender = Sender(alice, "tally")
    settings = {"types": {"question_a1": "nps"}, "campaign": {"id": "5000", "name": "Møde"}}
    assert alice.patch(f"/sources/{sender.id}", {"settings": settings}).status_code == 200
    assert alice.get("/sources").json["sources"][0]["settings"] == settings
    sender.send(example("tally"))
    wrong = {"settings": {"types": {"q": "hologram"}}}
    assert (
        alice.patch(f"/sources/{sender.id}", wrong)
        .json["errors"][0]["pointer"]
        .startswith("/settings/types")
    )


@pytest.mark.parametrize("platform", ["npstoday", "typeform", "formbricks"])
def test_a_test_response_goes_all_the_way_to_the_crm(alice, crm, world, platform):  # noqa: F811
    """One platform per way of verifying: by its address, by its own scheme, by the standard one."""
    switch_on(alice)
    sender = Sender(alice, platform, **SECRETS.get(platform, {}))
    sent = alice.post(f"/sources/{sender.id}/test", {"email": "c7@example.test", "score": 3})
    assert (sent.status_code, sent.json["status"]) == (202, "accepted")
    world.settle()
    found = alice.get(f"/responses/{sent.json['response_id']}").json
    assert found["state"] == "done", found
    lines = alice.get("/ledger").json["lines"]
    assert {str(one["after"]) for one in lines if one["field"] == "nps_score"} == {"3"}


def test_a_test_without_the_platforms_secret_says_so(alice):
    sender = Sender(alice, "formbricks")
    answer = alice.post(f"/sources/{sender.id}/test", {"email": "c7@example.test"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/secret")


def test_a_stranger_can_neither_change_nor_try_a_source(alice, charlie):
    sender = Sender(alice, "typeform")
    assert charlie.patch(f"/sources/{sender.id}", {"settings": {}}).status_code == 404
    wanted = {"email": "c7@example.test"}
    assert charlie.post(f"/sources/{sender.id}/test", wanted).status_code == 404


def test_a_deletion_of_what_has_reached_no_crm_says_so(alice, world):
    alice.post("/responses", body("r1"))
    alice.post("/responses", body("r1", event="deleted", revision=2))
    world.plan()
    versions = {one["revision"]: one for one in alice.get("/responses/r1").json["versions"]}
    assert versions[2]["verdicts"]["response"] == "nothing_to_undo"
    assert versions[2]["steps"] == []


def test_a_paused_source_takes_messages_that_wait_until_it_goes_on(alice, answerback):
    sender = Sender(alice, "standard")
    paused = alice.post(f"/sources/{sender.id}/pause")
    assert paused.json == {"paused": True, "responses": 0}
    assert sender.send(body("w1")).status_code == 202
    assert alice.get("/sources").json["sources"][0]["paused_at"] is not None
    assert answerback("source", "pause", "alice", "standard") == {"paused": True, "responses": 1}
    assert alice.post(f"/sources/{sender.id}/resume").json == {"paused": False, "responses": 1}
    assert answerback("source", "resume", "alice", "standard")["responses"] == 0
    assert alice.get("/sources").json["sources"][0]["paused_at"] is None


def test_responses_that_are_gone_at_once_are_shown_and_confirmed(alice, answerback, database):
    source_id = alice.post("/sources", {"name": "s"}).json["id"]
    assert alice.get("/sources").json["sources"][0]["emptied"] is None
    emptied(database, alice, source_id)
    told = {"gone": 37, "asked": 40, "at": "2026-11-22T01:02:00+00:00"}
    assert alice.get("/sources").json["sources"][0]["emptied"] == told
    assert answerback("source", "list", "alice")[0]["gone"] == 37
    for wanted, status in [({}, 422), ({"gone": "37"}, 422), ({"gone": 36}, 409)]:
        assert alice.post(f"/sources/{source_id}/emptied", wanted).status_code == status
    assert alice.post("/sources/999/emptied", {"gone": 37}).status_code == 404
    assert answerback("source", "emptied", "alice", "s", "--yes")["gone"] == 37
    assert alice.get("/sources").json["sources"][0]["emptied"] is None
    assert alice.post(f"/sources/{source_id}/emptied", {"gone": 37}).status_code == 409
