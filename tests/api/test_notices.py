"""A platform only tells that somebody answered: the response is fetched, retried and shown."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from simulators.kit.server import running
from simulators.surveys import Qualtrics, SurveyMonkey
from tests.api.test_sources import world  # noqa: F401 - a fixture
from tests.unit.test_sources import blocks

SECRET = "clientid&topsecret"
SIMULATORS = {"surveymonkey": SurveyMonkey, "qualtrics": Qualtrics}
TOKENS = {"surveymonkey": "sm-token", "qualtrics": "qualtrics-token"}


class Told:
    """A platform that tells of its example response, and its API."""

    def __init__(self, caller: Any, platform: str, simulator: Any, url: str) -> None:
        self.caller, self.platform, self.simulator = caller, platform, simulator
        wanted: dict[str, Any] = {"name": platform, "platform": platform}
        wanted |= {"token": TOKENS[platform], "settings": {"base_url": url}}
        if platform == "surveymonkey":
            wanted |= {"secret": SECRET}
        made = caller.post("/sources", wanted)
        assert made.status_code == 201, made.json
        self.id = made.json["id"]
        self.path = "/hooks/" + made.json["url"].split("/hooks/")[1]
        self.event, self.answers, _ = blocks(platform, "json")

    def seed(self) -> None:
        if self.platform == "surveymonkey":
            told = {"responses": {"9001": self.answers["response"]}}
            self.simulator.seed(told | {"surveys": {"500": self.answers["survey"]}})
        else:
            result = self.answers["response"]["result"]
            self.simulator.seed({"responses": {"R_1": {"survey": "SV_1", "result": result}}})

    def tell(self, **changes: Any) -> Any:
        event = self.event | changes
        if self.platform == "qualtrics":
            kind = "application/x-www-form-urlencoded"
            raw, headers = urlencode(event).encode(), {}
        else:
            kind, raw = "application/vnd.surveymonkey.response.v1+json", json.dumps(event).encode()
            mac = hmac.digest(SECRET.encode(), raw, "sha1")
            headers = {"Sm-Signature": base64.b64encode(mac).decode(), "Sm-Apikey": "clientid"}
        return self.caller.client.post(self.path, data=raw, content_type=kind, headers=headers)

    def notices(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.caller.get(f"/sources/{self.id}/notices").json["notices"]
        return found

    def states(self) -> list[tuple[str, str | None]]:
        return [(one["state"], one["reason"]) for one in self.notices()]

    def response(self) -> Any:
        own = {"surveymonkey": "surveymonkey:500:9001", "qualtrics": "qualtrics:SV_1:R_1"}
        return self.caller.get(f"/responses/{own[self.platform]}")


@pytest.fixture(params=sorted(SIMULATORS))
def told(request: pytest.FixtureRequest, alice: Any) -> Iterator[Told]:
    simulator = SIMULATORS[request.param]()
    with running(simulator) as url:
        yield Told(alice, request.param, simulator, url)


def test_the_response_is_fetched_and_stored_once(told, world):  # noqa: F811
    told.seed()
    assert told.tell().status_code == 202
    assert told.response().status_code == 404
    world.settle()
    assert told.response().json["versions"][0]["source"] == f"hook:{told.id}"
    assert told.states() == [("fetched", None)]
    told.tell(event_id="e78", CompletedDate="2026-11-22 01:02:01")
    world.settle()
    assert len(told.response().json["versions"]) == 1


def test_a_fetch_that_fails_is_shown_and_tried_again(told, world):  # noqa: F811
    told.tell()
    _gather(world)
    assert told.states() == [("pending", "source_unknown")]
    told.seed()
    assert told.caller.post(f"/sources/{told.id}/notices/retry").json == {"retried": 1}
    world.settle()
    assert told.states() == [("fetched", None)]


def test_a_token_that_is_refused_says_so_and_another_one_mends_it(told, world):  # noqa: F811
    told.seed()
    told.caller.patch(f"/sources/{told.id}", {"token": "another-token"})
    told.tell()
    _gather(world)
    assert told.states() == [("pending", "source_forbidden")]
    told.caller.patch(f"/sources/{told.id}", {"token": TOKENS[told.platform]})
    world.settle()
    assert told.response().status_code == 200


def test_an_edited_response_is_a_new_version(told, world):  # noqa: F811
    told.seed()
    told.tell()
    world.settle()
    if told.platform == "surveymonkey":
        told.answers["response"]["date_modified"] = "2026-11-23T01:02:00+00:00"
    else:
        told.answers["response"]["result"]["values"]["QID1"] = 3
    told.seed()
    told.tell(event_id="e79", CompletedDate="2026-11-23 01:02:00")
    world.settle()
    assert len(told.response().json["versions"]) == 2


def test_a_message_with_a_wrong_signature_tells_of_nothing(alice):
    simulator = SurveyMonkey()
    with running(simulator) as url:
        told = Told(alice, "surveymonkey", simulator, url)
        answer = alice.client.post(
            told.path, data=json.dumps(told.event), headers={"Sm-Signature": "QUFB"}
        )
        assert answer.status_code == 401
        assert told.notices() == []


def test_a_test_response_needs_neither_a_message_nor_the_platform(told, world):  # noqa: F811
    sent = told.caller.post(f"/sources/{told.id}/test", {"email": "c7@example.test", "score": 3})
    assert (sent.status_code, sent.json["status"]) == (202, "accepted")


@pytest.mark.parametrize("url", ["http://example.test", "https://10.0.0.1:99", "ftp://x", "x"])
def test_an_address_that_could_never_be_called_is_refused(alice, url):
    wanted = {"name": "q", "platform": "qualtrics", "settings": {"base_url": url}}
    answer = alice.post("/sources", wanted)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/settings/base_url")


def test_a_recipe_is_a_platform_of_its_own(alice):
    recipe = {
        "label": "Form",
        "body": "form",
        "part": "raw",
        "response_id": "id",
        "survey": {"id": "form"},
        "respondent": {"email": "mail"},
        "answers": [{"key": "nps", "type": "nps", "pick": "score"}],
        "example": {"raw": '{"id": "1", "form": "f", "mail": "a@example.test", "score": "9"}'},
    }
    wanted = {"name": "r", "platform": "recipe", "settings": {"recipe": recipe}}
    made = alice.post("/sources", wanted).json
    path = "/hooks/" + made["url"].split("/hooks/")[1]
    message = {"raw": '{"id": "2", "form": "f", "mail": "a@example.test", "score": "3"}'}
    answer = alice.client.post(path, data=message, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["items"][0]["response_id"]) == (202, "f:2")
    sent = alice.post(f"/sources/{made['id']}/test", {"email": "c7@example.test", "score": 3})
    assert sent.json["status"] == "accepted"
    broken = alice.patch(f"/sources/{made['id']}", {"settings": {"recipe": recipe | {"part": "x"}}})
    assert broken.json["errors"][0]["pointer"] == "/settings/recipe/part"


def _gather(world: Any) -> None:  # noqa: F811
    for one in world.due():
        world.work(one)
