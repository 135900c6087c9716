"""What each survey platform sends becomes our normal form; what was not answered stays absent."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.response import ResponseSchema, normalised
from schemas.source import SourceSettingsSchema
from schemas.sources import PLATFORMS
from schemas.sources.base import Envelope, Notice, Told, Unreadable, Wishes

PAGES = Path(__file__).resolve().parents[2] / "docs" / "sources"
FETCHED = sorted(name for name, one in PLATFORMS.items() if one.fetch)
READ = sorted(
    name
    for name, one in PLATFORMS.items()
    if one.parse and not one.by_recipe and name not in FETCHED
)
POLLED = sorted(name for name, one in PLATFORMS.items() if one.polls)
ODD: list[Any] = [
    *(None, "", 0, -1, 11, 1.5, 10**60, True, "x"),
    *([], {}, [None], [[1]], {"": {}}, ["a", {}]),
]
AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def blocks(platform: str, kind: str) -> list[Any]:
    text = (PAGES / f"{platform}.md").read_text(encoding="utf-8")
    return [json.loads(one) for one in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)]


def wishes_of(**said: Any) -> Wishes:
    SourceSettingsSchema().load(said)
    lists = {part: said[part] for part in ("respondent", "names") if part in said}
    return Wishes(types=said.get("types", {}), campaign=said.get("campaign"), **lists)


def read(platform: str, message: Any, **said: Any) -> dict[str, Any]:
    parse = PLATFORMS[platform].parse
    assert parse is not None
    (found,) = parse(message, wishes_of(**said), Envelope(AT)).responses
    return normalised(found, schema=ResponseSchema())


def example(platform: str) -> Any:
    return blocks(platform, "json")[0]


@pytest.mark.parametrize("platform", READ)
def test_the_message_on_a_platforms_page_becomes_what_the_page_says(platform: str) -> None:
    message, becomes = blocks(platform, "json")
    said = (blocks(platform, "yaml") or [{}])[0]
    found = read(platform, message, **said)
    assert {key: one for key, one in found.items() if key not in {"schema", "revision"}} == becomes


def fetched(platform: str, event: Any, answers: Any, **said: Any) -> dict[str, Any]:
    one = PLATFORMS[platform]
    assert one.parse is not None
    assert one.fetch is not None
    (notice,) = one.parse(event, wishes_of(**said), Envelope(AT)).notices
    assert {ask.name for ask in one.fetch.asks(notice)} == set(answers)
    found = one.fetch.read(notice, answers, wishes_of(**said), Envelope(AT))
    return normalised(found, schema=ResponseSchema())


@pytest.mark.parametrize("platform", FETCHED)
def test_what_a_platform_answers_becomes_what_its_page_says(platform: str) -> None:
    event, answers, becomes = blocks(platform, "json")
    found = fetched(platform, event, answers, **(blocks(platform, "yaml") or [{}])[0])
    assert {key: one for key, one in found.items() if key not in {"schema", "revision"}} == becomes


def polled(platform: str, answer: Any, **said: Any) -> dict[str, Any]:
    polls = PLATFORMS[platform].polls
    assert polls is not None
    found = polls.read(Notice("poll", {}), answer, wishes_of(**said), Envelope(AT))
    return normalised(found, schema=ResponseSchema())


@pytest.mark.parametrize("platform", POLLED)
def test_what_a_crm_answers_becomes_what_the_page_says(platform: str) -> None:
    answer, becomes = blocks(platform, "json")
    found = polled(platform, answer, **blocks(platform, "yaml")[0])
    assert {key: one for key, one in found.items() if key not in {"schema", "revision"}} == becomes


@pytest.mark.parametrize("platform", POLLED)
def test_a_record_bent_at_any_place_is_refused_or_read_and_never_breaks(platform: str) -> None:
    polls = PLATFORMS[platform].polls
    assert polls is not None
    for answer in bent(blocks(platform, "json")[0]):
        with suppress(Unreadable):
            polls.read(Notice("poll", {}), answer, Wishes(types={"q11": "nps"}), Envelope(AT))


@pytest.mark.parametrize("platform", FETCHED)
def test_an_answer_bent_at_any_place_is_refused_or_read_and_never_breaks(platform: str) -> None:
    event, answers, _ = blocks(platform, "json")
    one = PLATFORMS[platform]
    assert one.parse is not None
    assert one.fetch is not None
    (notice,) = one.parse(event, Wishes(), Envelope(AT)).notices
    for name, answer in answers.items():
        for told in bent(answer):
            with suppress(Unreadable):
                one.fetch.read(
                    notice, answers | {name: told}, Wishes(types={"q1": "nps"}), Envelope(AT)
                )


@pytest.mark.parametrize("name", ["../../v3/users/me", "a?b#c", "a/b"])
def test_an_id_in_a_message_leads_nowhere_else(name: str) -> None:
    for platform in FETCHED:
        fetch = PLATFORMS[platform].fetch
        assert fetch is not None
        for ask in fetch.asks(Notice("x", {"survey": name, "response": name})):
            assert not {"?", "#"} & set(ask.path)
            assert ask.path.count("/") <= 6
            assert "/../" not in ask.path


def test_events_of_other_kinds_bring_nothing() -> None:
    parse = PLATFORMS["qualtrics"].parse
    assert parse is not None
    event = blocks("qualtrics", "json")[0] | {"Topic": "acme.controlpanel.deactivateSurvey"}
    assert parse(event, Wishes(), Envelope(AT)) == Told()


def test_surveymonkey_tells_of_a_deletion_at_once() -> None:
    event = blocks("surveymonkey", "json")[0] | {"event_type": "response_deleted"}
    found = read("surveymonkey", event)
    assert (found["event"], found["answers"]) == ("deleted", {})
    assert found["response_id"] == "surveymonkey:500:9001"


@pytest.mark.parametrize("platform", sorted({*PLATFORMS} - {*FETCHED, *POLLED, "recipe"}))
def test_a_platforms_test_message_is_a_response_with_a_score(platform: str) -> None:
    message = PLATFORMS[platform].sample("77", "c7@example.test", 3, "2026-11-22T01:02:00+00:00")
    found = message if platform == "standard" else read(platform, message, types={"nps": "nps"})
    assert normalised(found, schema=ResponseSchema())["answers"]["nps"]["value"] == 3
    assert found["answers"]["nps"]["type"] == "nps"
    assert found["respondent"]["email"] == "c7@example.test"


@pytest.mark.parametrize("platform", READ)
def test_a_message_bent_at_any_place_is_refused_or_read_and_never_breaks(platform: str) -> None:
    parse = PLATFORMS[platform].parse
    assert parse is not None
    for message in bent(example(platform)):
        with suppress(Unreadable):
            parse(message, Wishes(types={"nps": "nps"}), Envelope(AT))


def bent(straight: Any) -> Iterator[Any]:
    """The same with something odd in each place, one place at a time."""
    told = copy.deepcopy(straight)
    for place, key in list(_places(told)):
        was = place[key]
        for odd in ODD:
            place[key] = odd
            yield told
        place[key] = was


def _places(value: Any) -> Any:
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(one, dict | list):
            yield from _places(one)


# --- scores ---------------------------------------------------------------------------------------


def tally(*fields: Any, **said: Any) -> dict[str, Any]:
    message = example("tally")
    message["data"]["fields"] = list(fields)
    answers: dict[str, Any] = read("tally", message, **said)["answers"]
    return answers


def scale(value: Any) -> Any:
    return {"key": "q", "label": "How likely?", "type": "LINEAR_SCALE", "value": value}


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_score_is_no_score(missing: Any) -> None:
    assert tally(scale(missing), types={"q": "nps"}) == {}


@pytest.mark.parametrize(
    ("value", "kind"), [(0, "nps"), (10, "nps"), (11, "rating"), (-1, "rating")]
)
def test_a_scale_is_nps_only_from_0_to_10_and_where_one_says_so(value: int, kind: str) -> None:
    assert tally(scale(value), types={"q": "nps"})["q"]["type"] == kind
    assert tally(scale(value))["q"]["type"] == "rating"


def test_a_score_with_a_fraction_is_never_nps() -> None:
    assert tally(scale(8.5), types={"q": "nps"})["q"] | {"title": ""} == {
        "type": "rating",
        "value": "8.5",
        "title": "",
    }


def test_a_platforms_own_nps_beyond_10_is_a_number() -> None:
    message = example("npstoday") | {"Rating": 11}
    assert read("npstoday", message)["answers"]["nps"]["type"] == "number"


def test_npstoday_without_a_rating_has_no_score() -> None:
    message = example("npstoday") | {"Rating": None}
    assert "nps" not in read("npstoday", message)["answers"]


# --- choices --------------------------------------------------------------------------------------


def test_nothing_chosen_is_no_answer() -> None:
    assert tally({"key": "q", "type": "CHECKBOXES", "value": [], "options": []}) == {}
    assert tally({"key": "q", "type": "MATRIX", "value": {"r": []}}) == {}


def test_only_an_answer_of_ones_own_is_no_option() -> None:
    message = example("typeform")
    message["form_response"]["answers"] = [
        {"type": "choices", "choices": {"other": "Parking"}, "field": {"id": "f2", "ref": "topics"}}
    ]
    answer = read("typeform", message)["answers"]["topics"]
    assert (answer["value"], answer["other"]) == ([], "Parking")


def test_an_unknown_kind_of_answer_is_named_and_left_out() -> None:
    message = example("typeform")
    message["form_response"]["answers"] = [
        {"type": "hologram", "hologram": {"x": 1}, "field": {"id": "f2", "ref": "topics"}}
    ]
    found = read("typeform", message)
    assert (found["answers"], found["meta"]) == ({}, {"unread_answers": "topics"})


# --- who and when ---------------------------------------------------------------------------------


def test_who_answered_is_looked_for_by_the_admins_names() -> None:
    message = example("typeform")
    message["form_response"]["hidden"] = {"Customer_No": "C-7"}
    found = read("typeform", message, respondent={"external_id": ["customer_no"]})
    assert found["respondent"]["external_id"] == "C-7"


def test_an_address_that_is_none_leaves_the_respondent_anonymous() -> None:
    message = example("typeform")
    message["form_response"]["hidden"] = {"email": "not an address"}
    assert read("typeform", message)["respondent"] == {"anonymous": True}


def test_a_partial_response_is_partial() -> None:
    message = example("typeform") | {"event_type": "form_response_partial"}
    assert read("typeform", message)["event"] == "partial"
    unfinished = example("formbricks")
    unfinished["data"]["finished"] = False
    assert read("formbricks", unfinished)["event"] == "partial"


def test_formbricks_wraps_an_event_or_does_not_and_may_only_try_the_address() -> None:
    message = example("formbricks")
    assert read("formbricks", [message]) == read("formbricks", message)
    parse = PLATFORMS["formbricks"].parse
    assert parse is not None
    assert parse({"event": "testEndpoint"}, Wishes(), Envelope(AT)).responses == ()


def test_a_tally_edit_counts_from_its_own_event() -> None:
    message = example("tally") | {"createdAt": "2026-11-23T01:02:00Z"}
    assert read("tally", message)["submitted_at"] == "2026-11-23T01:02:00Z"


def test_npstoday_tells_responses_apart_by_person_and_sending_where_no_id_comes() -> None:
    message = example("npstoday")
    later = message | {"SurveySendTime": "2026-11-25T08:00:00+00:00"}
    changed = message | {"Rating": 3}
    first, second, edited = (
        read("npstoday", one)["response_id"] for one in (message, later, changed)
    )
    assert first == edited != second
    with pytest.raises(Unreadable):
        read("npstoday", {"CampaignId": 5000, "Rating": 9})


def test_npstodays_unverified_names_can_be_said() -> None:
    message = {"CampaignId": 1, "Karakter": 4, "Svar": "x1", "Email": "c7@example.test"}
    found = read("npstoday", message, names={"score": ["Karakter"], "response_id": ["Svar"]})
    assert found["answers"]["nps"]["value"] == 4
    assert found["response_id"] == "npstoday:1:x1"
