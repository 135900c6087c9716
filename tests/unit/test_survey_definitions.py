"""Surveys as their platforms define them become ours, in the words that responses have."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from schemas.campaign import SurveySchema
from schemas.sources import PLATFORMS
from schemas.sources.base import Definitions, Unreadable, Wishes
from tests.survey_definitions import SURVEYS
from tests.unit.test_sources import ODD, bent

DEFINED = sorted(name for name, one in PLATFORMS.items() if one.definitions)


def definitions(platform: str) -> Definitions:
    found = PLATFORMS[platform].definitions
    assert found is not None
    return found


def read(platform: str, told: Any, **types: str) -> dict[str, Any]:
    one = definitions(platform)
    names = [ask.name for ask in one.asks("x1")]
    # Where it takes two calls, the example has what each of them answers.
    found = {name: told.get(name) for name in names} if len(names) > 1 else {names[0]: told}
    if "questions" in found:
        found["questions"] = {"questions": found["questions"]}
    body: dict[str, Any] = one.read(found, Wishes(types=types))
    SurveySchema().load(body)
    return body


def told_of(platform: str) -> Any:
    return SURVEYS[platform].told


@pytest.mark.parametrize("platform", DEFINED)
def test_a_survey_becomes_ours(platform: str) -> None:
    assert read(platform, told_of(platform)) == SURVEYS[platform].becomes


@pytest.mark.parametrize("platform", DEFINED)
def test_a_survey_bent_at_any_place_is_refused_or_read_and_never_breaks(platform: str) -> None:
    for told in bent(told_of(platform)):
        with suppress(Unreadable):
            read(platform, told)


@pytest.mark.parametrize("platform", DEFINED)
@pytest.mark.parametrize("odd", ODD)
def test_a_bent_list_is_refused_or_read(platform: str, odd: Any) -> None:
    one = definitions(platform)
    for name in ("items", "data", "result"):
        with suppress(Unreadable):
            one.page({name: odd}, one.first)
        with suppress(Unreadable):
            one.page({name: [odd], "result": {"elements": [odd]}}, one.first)


@pytest.mark.parametrize("platform", DEFINED)
@pytest.mark.parametrize("name", ["../../v3/users/me", "a?b#c", "a/b"])
def test_an_id_leads_nowhere_else(platform: str, name: str) -> None:
    for ask in definitions(platform).asks(name):
        assert not {"?", "#"} & set(ask.path)
        assert "/../" not in ask.path


def test_the_admins_types_hold_for_surveys_too() -> None:
    body = read("typeform", told_of("typeform"), scale="nps")
    kinds = {one["key"]: one["type"] for one in body["questions"]}
    assert kinds["scale"] == "nps"
    ranked = read("qualtrics", told_of("qualtrics"), QID5="ranking")
    (order,) = [one for one in ranked["questions"] if one["key"] == "QID5"]
    assert order["type"] == "ranking"
    assert [one["label"] for one in order["options"]] == ["A", "B"]
    assert "rows" not in order
