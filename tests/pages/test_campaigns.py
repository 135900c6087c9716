"""Campaigns: results for a viewer, questions that are completed, whom it asks, what follows."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from connector import audit
from connector.access import Role
from connector.campaigns import surveys
from connector.responses import results
from tests.pages.conftest import text_of
from tests.pages.filled import fill


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


def at(here: Any, path: str = "") -> str:
    return f"~/campaigns/{here.ids['campaign_id']}{path}"


def answered(here: Any, name: str, score: int | None, **told: Any) -> None:
    """A response of the campaign, answered as long ago as `ago` says."""
    answers = {} if score is None else {"score": {"type": "nps", "value": score}}
    told = {"revision": 1, "event": "completed", "ago": "1 hour", "source": "api", **told}
    here.sql(
        "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,"
        " answered_at, campaign_id) VALUES (:w, :source, :name, :revision, :event, true,"
        " cast(:body AS jsonb), now() - cast(:ago AS interval), :campaign_id)",
        name=name,
        body=json.dumps({"answers": answers}),
        campaign_id=here.ids["campaign_id"],
        **told,
    )


def counted(here: Any, days: int = 90) -> results.Results:
    with here.database.begin(here.browser.workspace_id) as store:
        return results.results(
            store,
            here.browser.workspace_id,
            here.ids["campaign_id"],
            days=days,
            zone="Europe/Copenhagen",
        )


def test_the_newest_version_of_each_whole_response_counts_once(here):
    answered(here, "a", 3)
    answered(here, "a", 10, revision=2, event="updated")
    answered(here, "gone", 0)
    answered(here, "gone", None, revision=2, event="deleted")
    answered(here, "half", 0, event="partial")
    answered(here, "tried", 0, source="api-test")
    answered(here, "old", 0, ago="91 days")
    answered(here, "passive", 8)
    answered(here, "detractor", 6)
    answered(here, "without", None)
    told = counted(here)
    whole = told.whole
    assert (whole.responses, whole.promoters, whole.passives, whole.detractors) == (5, 2, 1, 1)
    assert whole.nps == 25
    assert [score for score, n in enumerate(told.scores) for _ in range(n)] == [6, 8, 9, 10]
    assert counted(here, days=365).whole.responses == 6


def test_periods_are_those_of_the_workspaces_zone(here):
    here.sql("UPDATE response SET answered_at = date_trunc('day', now(), 'Europe/Copenhagen')")
    answered(here, "before", 0)
    here.sql(
        "UPDATE response SET answered_at = date_trunc('day', now(), 'Europe/Copenhagen')"
        " - interval '1 second' WHERE response_id = 'before'"
    )
    told = counted(here, days=30)
    assert (told.by, [one.count.nps for one in told.periods]) == ("day", [-100, 100])
    assert (counted(here, days=90).by, counted(here, days=365).by) == ("week", "month")


def test_more_than_is_counted_says_from_when_on(here, monkeypatch):
    answered(here, "a", 3)
    assert counted(here).counted_from is None
    monkeypatch.setattr(results, "MOST_COUNTED", 1)
    told = counted(here)
    assert told.counted_from is not None
    assert told.whole.responses == 1


def test_a_viewer_sees_responses_score_and_trend_and_no_settings(here, colleague):
    viewer = colleague(Role.VIEWER)
    listed = viewer.get("~/campaigns")
    assert "Spring c-1 s-1 Spring" in text_of(listed)
    assert "pushed through the API" in text_of(listed)
    page = viewer.get(at(here))
    told = text_of(page)
    assert "1 Responses 100 Net Promoter Score 1 gave a score 0 Detractors" in told
    chart = re.search(r'data-chart="([^"]+)"', page.text)
    assert chart
    assert json.loads(html.unescape(chart[1]))["series"][0]["values"] == [100]
    assert "/actions" not in page.text
    assert viewer.get(at(here, "/actions")).status_code == 403
    assert "/survey/1" not in viewer.get(at(here, "/survey")).text


def test_nothing_yet_says_what_belongs_there(alice, here, charlie):
    assert "No campaigns yet" in text_of(charlie.get("~/campaigns"))
    here.sql("UPDATE response SET answered_at = now() - interval '40 days'")
    assert "No responses in this time" in text_of(here.browser.get(at(here) + "?span=30"))
    here.sql("UPDATE campaign SET survey_id = NULL")
    assert "No survey is known" in text_of(here.browser.get(at(here, "/survey")))
    assert here.browser.get(at(here, "/survey/1")).status_code == 404


def test_questions_tell_what_is_known_of_them_and_where_it_comes_from(here):
    with here.database.begin(here.browser.workspace_id) as store:
        surveys.learn(
            store,
            here.browser.workspace_id,
            platform_id="s-1",
            name=None,
            questions={"why": {"type": "text", "title": "Why?"}},
        )
    told = text_of(here.browser.get(at(here, "/survey")))
    assert (
        "How did you reach us? reached One choice Category: Contact The web web · Weight 2" in told
    )
    assert re.search(r"Why\? why Text learnt from a response version 2", told)
    assert "version 1: pushed through the API" in told


FORM = {
    "version": "1", "key": "reached", "label": "Channel", "label_rule": "last", "category": "",
    "weight": "0.5", "flags": "seen, seen, online ", "option-label-0": "The web",
    "option-weight-0": "3", "option-flags-0": "",
}  # fmt: skip


def test_a_question_is_completed_as_a_new_version(here):
    here.browser.get(at(here, "/survey/2"))
    saved = here.browser.post(at(here, "/survey/2"), **FORM)
    assert saved.status_code == 303
    with here.database.begin(here.browser.workspace_id) as store:
        body = surveys.body_of(store, here.browser.workspace_id, here.ids["survey_id"])
        versions = surveys.history(store, here.ids["survey_id"])
        acts = [one.action for one in audit.entries(store, here.browser.workspace_id)]
    (question,) = [one for one in body["questions"] if one["key"] == "reached"]
    assert question == {
        "key": "reached", "type": "single_choice", "title": "How did you reach us?",
        "label": "Channel", "label_rule": "last", "category": None, "weight": "0.5",
        "flags": ["seen", "online"],
        "options": [{"value": "web", "label": "The web", "weight": 3, "flags": []}],
    }  # fmt: skip
    assert [one["learnt_from"] for one in versions] == ["page", "api"]
    assert acts.count("survey.saved") == 1
    assert "Saved as version 2" in text_of(here.browser.get(at(here, "/survey")))


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"weight": "heavy"}, 422, "must be an integer or a decimal string"),
        ({"option-weight-0": "1e9"}, 422, "must be an integer or a decimal string"),
        ({"label_rule": "best"}, 422, "label_rule"),
        ({"flags": "x" * 300}, 422, "flags"),
        ({"version": "7"}, 409, "reload the page"),
        ({"version": "x"}, 409, "reload the page"),
        ({"key": "other"}, 404, "nothing here"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_saved(here, wrong, status, says):
    here.browser.get(at(here, "/survey/2"))
    answer = here.browser.post(at(here, "/survey/2"), **{**FORM, **wrong})
    assert (answer.status_code, says in text_of(answer)) == (status, True), text_of(answer)
    assert here.one("SELECT max(version) FROM survey_version") == 1


def test_whom_it_asks_and_what_follows(here):
    here.sql(
        "INSERT INTO distribution (workspace_id, campaign_id, platform_id, learnt_from, properties)"
        " VALUES (:w, :campaign_id, 'd-1', 'response', '{\"country\": \"DK\"}')",
        **here.ids,
    )
    told = text_of(here.browser.get(at(here, "/audience")))
    assert "d-1 d-1 learnt from a response" in told
    assert "country DK" in told
    here.sql("UPDATE automation SET deleted_at = now()")
    assert "Nothing follows an answer yet" in text_of(here.browser.get(at(here, "/actions")))
    for name, campaign in (("Mine", "c-1"), ("All", None), ("Other", "c-2")):
        body = {"name": name, "campaign": campaign, "when": "response.completed", "if": None,
                "then": [{"do": "feed", "mapping": "Scores"}]}  # fmt: skip
        number = here.one(
            "INSERT INTO automation (workspace_id, name) VALUES (:w, :name) RETURNING id", name=name
        )
        here.sql(
            "INSERT INTO automation_version (workspace_id, automation_id, version, body) VALUES"
            " (:w, :number, 1, cast(:body AS jsonb))",
            number=number,
            body=json.dumps(body),
        )
    told = text_of(here.browser.get(at(here, "/actions")))
    says = "When a response is complete, or edited: Feed a CRM through a mapping “Scores”."
    assert f"All {says} every campaign Draft Mine {says} this campaign" in told
    assert "Other" not in told


def test_a_segment_is_named_and_its_attributes_are_changed_without_losing_their_types(here):
    here.browser.get(at(here, "/audience"))
    done = here.browser.post(
        at(here, "/segment"), segment="Big", attributes="country = DK\nname = a = b"
    )
    assert done.status_code == 303
    here.sql("UPDATE segment SET attributes = attributes || '{\"seats\": 100}'")
    page = here.browser.get(at(here, "/audience"))
    shown = re.findall(r'name="attributes".*?>(.*?)</textarea>', page.text, re.DOTALL)
    lines = html.unescape(shown[0])
    assert lines.splitlines() == ["country = DK", "name = a = b", "seats = 100"]
    here.browser.post(at(here, "/segment"), segment="Big", attributes=lines.replace("DK", "SE"))
    assert here.one("SELECT attributes FROM segment") == {
        "country": "SE", "name": "a = b", "seats": 100,
    }  # fmt: skip
    here.browser.post(at(here, "/segment"), segment="", attributes="")
    assert here.one("SELECT segment_id FROM campaign") is None


def test_a_line_of_a_segment_that_is_none_is_told_and_nothing_is_kept(here):
    here.browser.get(at(here, "/audience"))
    wrong = here.browser.post(at(here, "/segment"), segment="Big", attributes="a = b\ncountry DK")
    assert (wrong.status_code, "Line 2 is not" in text_of(wrong)) == (422, True)
    assert here.one("SELECT count(*) FROM segment") == 0


def test_how_often_a_person_answers_is_said_and_taken_back(here):
    assert "Nobody has said" in text_of(here.browser.get(at(here, "/audience")))
    here.browser.post(at(here, "/participation"), answers="once", days="90")
    assert here.one("SELECT participation FROM campaign") == {"answers": "once", "days": 90}
    assert "Once in 90 days" in text_of(here.browser.get(at(here, "/audience")))
    here.browser.post(at(here, "/participation"), answers="", days="")
    assert here.one("SELECT participation FROM campaign") is None


@pytest.mark.parametrize(("answers", "days"), [("several", "9"), ("once", "0"), ("once", "soon")])
def test_days_that_cannot_be_are_told_beside_them(here, answers, days):
    wrong = here.browser.post(at(here, "/participation"), answers=answers, days=days)
    assert (wrong.status_code, "Days are a whole number" in text_of(wrong)) == (422, True)
    assert f'value="{days}"' in wrong.text
    assert here.one("SELECT participation FROM campaign") is None
