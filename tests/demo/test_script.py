"""The demo's script: the same for the same seed, and with everything in it that it promises."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, cast

import pytest
from standardwebhooks import Webhook

from demo.campaigns import CAMPAIGNS, CRMS, survey_of
from demo.checker import refused_ids
from demo.crms import mappings
from demo.expected import crms_of, head_of
from demo.pushing import Stage, is_settled
from demo.script import Script, script
from demo.signing import signed_headers
from schemas.answer import ANSWER_TYPES
from schemas.campaign import SurveySchema
from schemas.config import MappingSchema
from schemas.contact import ContactSchema
from schemas.response import ResponseSchema

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBkZW1v"


@pytest.fixture(scope="module")
def told() -> Script:
    return script(responses=1_000, contacts=2_000, seed=1)


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    small = script(responses=120, contacts=300, seed=4)
    assert small == script(responses=120, contacts=300, seed=4)
    assert small.responses != script(responses=120, contacts=300, seed=5).responses


def test_a_thousand_responses_go_a_third_each_to_the_crms_and_sixty_to_all(told: Script) -> None:
    routes = Counter(crms_of(one) for one in told.responses)
    assert len({one["response_id"] for one in told.responses}) == 1_000
    assert routes[CRMS] == 60
    assert routes[()] == 2  # of nobody
    assert all(310 <= routes[(crm,)] <= 316 for crm in CRMS)
    assert len({one.email for one in told.people}) == 2_000


def test_five_languages_and_every_kind_of_answer_are_there(told: Script) -> None:
    assert {one["locale"][:2] for one in told.responses} == {"da", "de", "fr", "it", "en"}
    kinds = {one["type"] for item in told.responses for one in item["answers"].values()}
    assert kinds == set(ANSWER_TYPES)


def test_each_crm_has_a_rescored_a_disordered_and_a_refused_one(told: Script) -> None:
    late = {one["respondent"]["email"]: one for one in told.late}
    for crm in CRMS:
        assert late[told.rescored[crm]]["answers"]["nps"]["value"] == 9
        assert refused_ids(told.responses, crm) == {told.refused[crm]}
    first = {one["respondent"].get("email"): one["submitted_at"] for one in told.first}
    older = [one for one in told.late if one["submitted_at"] < first[one["respondent"]["email"]]]
    assert len(older) == 3


def test_campaign_and_minute_tell_a_contacts_notes_apart(told: Script) -> None:
    heads = Counter(
        (one["respondent"].get("email"), head_of(one)) for one in told.responses if crms_of(one)
    )
    assert max(heads.values()) == 1


def test_all_of_it_is_well_formed(told: Script) -> None:
    assert ResponseSchema(many=True).validate(told.responses) == {}
    assert ContactSchema(many=True).validate([one.imported() for one in told.people]) == {}
    assert SurveySchema(many=True).validate([survey_of(one) for one in CAMPAIGNS]) == {}
    assert MappingSchema(many=True).validate([body for _, body in mappings()]) == {}


def test_a_signed_message_satisfies_the_standards_own_library() -> None:
    body = b'{"a":1}'
    headers = signed_headers(SECRET, "msg_1", body, now_s=int(time.time()))
    assert Webhook(SECRET).verify(body, headers) == {"a": 1}


class PlannedMeanwhile:
    """A hub that plans what was pushed right after the first question, and opens a delivery."""

    def __init__(self) -> None:
        self.asked = 0

    def call(self, method: str, path: str) -> Any:
        is_planned, self.asked = self.asked > 0, self.asked + 1
        if path == "/connections":
            return {"connections": [{"id": 1, "waiting": int(is_planned)}]}
        return {"state": "in_progress" if is_planned else "received"}


def test_what_is_planned_while_one_looks_is_not_taken_for_settled(told: Script) -> None:
    unused: Any = None
    api = cast("Any", PlannedMeanwhile())
    stage = Stage(told, screen=unused, api=api, controls={}, running=unused, pace=0.0)
    assert not is_settled(stage, lambda: None)
    assert not is_settled(stage, lambda: None)
