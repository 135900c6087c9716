"""Surveys are fetched from their platforms: as people ask, each night what has changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from connector.responses import surveydues
from simulators.kit.server import running
from simulators.surveys import Formbricks, Qualtrics, SurveyMonkey, Tally, Typeform
from tests.api.test_sources import SECRETS, Sender, world  # noqa: F401 - a fixture
from tests.survey_definitions import SURVEYS
from tests.unit.test_sources import example

SIMULATORS: dict[str, Any] = {
    "formbricks": Formbricks,
    "qualtrics": Qualtrics,
    "surveymonkey": SurveyMonkey,
    "tally": Tally,
    "typeform": Typeform,
}


class Platform:
    """A source with a token, and the platform's API with three surveys: two pages."""

    def __init__(self, caller: Any, platform: str, url: str, simulator: Any) -> None:
        self.caller, self.platform, self.simulator = caller, platform, simulator
        secrets = {"surveymonkey": {"secret": "clientid&topsecret"}} | SECRETS
        options = {"token": simulator.options["token"], "settings": {"base_url": url}}
        self.source = Sender(caller, platform, **options, **secrets.get(platform, {}))
        self.id = SURVEYS[platform].id
        for number in (self.id, "second", "third"):
            self.seed(number)

    def seed(self, number: str, *, title: str = "After the meeting", day: int = 20) -> None:
        told, at = copy.deepcopy(SURVEYS[self.platform].told), f"2026-11-{day}T01:02:00Z"
        if self.platform == "qualtrics":
            told["result"] |= {"SurveyID": number, "SurveyName": title}
            known = {number: {"modified": at, "definition": told["result"]}}
            self.simulator.seed({"surveys": known})
        elif self.platform == "formbricks":
            self.simulator.seed(
                {"surveys": {number: told["data"] | {"id": number, "name": title, "updatedAt": at}}}
            )
        elif self.platform == "tally":
            told["form"] |= {"id": number, "name": title, "updatedAt": at}
            self.simulator.seed({"forms": {number: told}})
        else:
            name = "forms" if self.platform == "typeform" else "surveys"
            dated = {"last_updated_at": at, "date_modified": at}
            self.simulator.seed({name: {number: told | {"id": number, "title": title} | dated}})

    def ask(self) -> Any:
        return self.caller.post(f"/sources/{self.source.id}/surveys")

    def survey(self) -> Any:
        return self.caller.get(f"/surveys/{self.id}").json

    def versions(self) -> list[str]:
        every = self.caller.get(f"/surveys/{self.id}/versions").json["versions"]
        return [one["learnt_from"] for one in every]

    def notices(self) -> list[tuple[str, str, str | None]]:
        every = self.caller.get(f"/sources/{self.source.id}/notices").json["notices"]
        return sorted((one["key"], one["state"], one["reason"]) for one in every)


@pytest.fixture(params=sorted(SIMULATORS))
def platform(request: pytest.FixtureRequest, alice: Any) -> Iterator[Platform]:
    simulator = SIMULATORS[request.param]()
    with running(simulator) as url:
        yield Platform(alice, request.param, url, simulator)


def night(world: Any) -> int:  # noqa: F811
    """It is another day."""
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE hook_source SET surveys_on = surveys_on - 2"))
        return surveydues.schedule(store, world.workspace_id, hour=0)


def test_surveys_are_fetched_once_asked_for_and_then_each_night(platform, world):  # noqa: F811
    assert night(world) == 0
    assert (platform.ask().status_code, platform.ask().status_code) == (202, 202)
    world.settle()
    becomes = SURVEYS[platform.platform].becomes
    assert {name: platform.survey()[name] for name in becomes} == becomes
    assert len(platform.caller.get("/surveys").json["surveys"]) == 3
    assert len(platform.notices()) == 4
    # What a person has said stays; the same again makes no version.
    platform.seed(platform.id, title="After the visit", day=21)
    assert (night(world), night(world)) == (1, 1)
    with world.database.begin(world.workspace_id) as store:
        assert surveydues.schedule(store, world.workspace_id, hour=0) == 0
    world.settle()
    assert platform.survey()["name"] == "After the visit"
    assert platform.versions() == ["platform", "platform"]
    # The list, and the one that has changed.
    fetched = [key for key, _, _ in platform.notices()]
    assert sorted(fetched).count(f"survey {platform.id}") == 2
    assert fetched.count("survey second") == 1


def test_a_refused_token_and_a_survey_that_is_gone_show_why(alice, world):  # noqa: F811
    simulator = Typeform()
    with running(simulator) as url:
        told = Platform(alice, "typeform", url, simulator)
        alice.patch(f"/sources/{told.source.id}", {"token": "another-token"})
        told.ask()
        _work(world)
        assert told.notices() == [("surveys", "pending", "source_forbidden")]
        simulator.seed({"forms": {"second": {"id": "other", "title": 1, "fields": 7}}})
        alice.patch(f"/sources/{told.source.id}", {"token": simulator.options["token"]})
        alice.post(f"/sources/{told.source.id}/notices/retry")
        _work(world)
        assert ("survey other", "pending", "source_unknown") in told.notices()
        assert ("survey third", "fetched", None) in told.notices()
        # One of which nobody says when it changed is read each night.
        simulator.seed({"forms": {"third": {"id": "third", "title": "T", "fields": []}}})
        for _ in range(2):
            night(world)
            _work(world)
        assert [key for key, *_ in told.notices()].count("survey third") == 3


def test_what_cannot_be_asked_is_refused(alice, charlie):
    surveyjs = Sender(alice, "surveyjs")
    answer = alice.post(f"/sources/{surveyjs.id}/surveys")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/platform")
    typeform = Sender(alice, "typeform")
    answer = alice.post(f"/sources/{typeform.id}/surveys")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/token")
    assert charlie.post(f"/sources/{typeform.id}/surveys").status_code == 404


def test_what_people_and_answers_have_said_stays(alice, world):  # noqa: F811
    simulator = Formbricks()
    with running(simulator) as url:
        told = Platform(alice, "formbricks", url, simulator)
        # Before the survey is known, values are what they look like.
        message = example("formbricks")
        message["data"]["data"] = {"nps": 9, "topics": ["Price", "Dogs"], "extra": "x"}
        told.source.send(message)
        world.plan()
        assert told.versions() == ["response"]
        told.ask()
        world.settle()
        questions = {one["key"]: one for one in told.survey()["questions"]}
        assert list(questions) == ["nps", "topics", "grid", "extra"]
        values = [one["value"] for one in questions["topics"]["options"]]
        assert values == ["Price", "Other", "Dogs"]
        # Then they are what the survey says.
        message["data"]["id"] = "resp2"
        raw = json.dumps(message).encode()
        headers = told.source.signed(raw) | {"webhook-id": "msg_1"}
        assert told.source.send(message, raw=raw, headers=headers).status_code == 202
        rows = world.rows(
            "SELECT body->'answers'->'nps'->>'type' AS kind FROM response ORDER BY id"
        )
        assert [row.kind for row in rows] == ["number", "nps"]
        # What is pushed is only completed from then on.
        pushed = {"name": "Mine", "questions": [{"key": "nps", "type": "rating", "label": "l"}]}
        alice.put(f"/surveys/{told.id}", pushed)
        told.ask()
        world.settle()
        found = told.survey()
        assert (found["name"], found["questions"][0]["type"]) == ("Mine", "rating")
        keys = [one["key"] for one in found["questions"]]
        assert (keys[0], sorted(keys)) == ("nps", ["extra", "grid", "nps", "topics"])


def _work(world: Any) -> None:  # noqa: F811
    for _ in range(3):
        for one in world.due():
            world.work(one)
