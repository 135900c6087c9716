"""Surveys keep every version; a campaign's tag name is frozen when it is registered."""

from __future__ import annotations

from typing import Any

import pytest

QUESTIONS = [
    {"key": "nps", "type": "nps", "title": "How likely?", "label": "loyalty"},
    {
        "key": "channel",
        "type": "single_choice",
        "options": [{"value": "shop", "label": "Shop", "weight": "1.50"}, {"value": "web"}],
        "flags": ["reachable"],
    },
]


def survey(**more: Any) -> dict[str, Any]:
    return {"name": "After the meeting", "questions": QUESTIONS, **more}


def test_a_survey_is_pushed_as_a_whole_and_read_back(alice):
    answer = alice.put("/surveys/mXk2", survey())
    assert answer.status_code == 200
    stored = alice.get("/surveys/mXk2").json
    assert (stored["name"], stored["version"]) == ("After the meeting", 1)
    assert [one["key"] for one in stored["questions"]] == ["nps", "channel"]
    assert stored["questions"][1]["options"][0]["weight"] == "1.50"


def test_the_same_survey_again_makes_no_version_and_a_changed_one_does(alice):
    alice.put("/surveys/mXk2", survey())
    assert alice.put("/surveys/mXk2", survey()).json["version"] == 1
    assert alice.put("/surveys/mXk2", survey(questions=QUESTIONS[:1])).json["version"] == 2
    versions = alice.get("/surveys/mXk2/versions").json["versions"]
    assert [len(one["body"]["questions"]) for one in versions] == [1, 2]


def test_two_questions_of_one_key_are_refused(alice):
    answer = alice.put("/surveys/s", survey(questions=[QUESTIONS[0], QUESTIONS[0]]))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/questions"


def test_a_label_has_its_rule_and_a_matrix_its_rows(alice):
    rows = [{"value": "staff", "label": "Staff"}, {"value": "price"}]
    questions = [
        {"key": "nps", "type": "nps", "label": "loyalty", "label_rule": "last"},
        {"key": "grid", "type": "matrix", "rows": rows, "options": [{"value": "good"}]},
    ]
    stored = alice.put("/surveys/mXk2", survey(questions=questions)).json["questions"]
    assert (stored[0]["label_rule"], stored[1]["rows"]) == ("last", rows)


@pytest.mark.parametrize(
    "question",
    [
        {"type": "matrix", "rows": [{"value": "staff"}, {"value": "staff"}]},
        {"type": "text", "rows": [{"value": "staff"}]},
        {"type": "text", "label": "a", "label_rule": "median"},
    ],
)
def test_rows_and_rules_that_cannot_be_are_refused(alice, question):
    answer = alice.put("/surveys/s", survey(questions=[{"key": "q", **question}]))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith("/questions/0/")


def test_renaming_a_campaign_leaves_its_tag_name(alice):
    first = alice.put("/campaigns/5000", {"name": "Møde"}).json
    renamed = alice.put("/campaigns/5000", {"name": "Besøg"}).json
    assert (first["tag_name"], renamed["tag_name"]) == ("Møde", "Møde")
    assert renamed["name"] == "Besøg"


def test_fault_47_two_campaigns_that_would_share_a_tag_are_told_apart(alice):
    alice.put("/campaigns/1", {"name": "Møde"})
    same = alice.put("/campaigns/2", {"name": "Møde"}).json["tag_name"]
    folded = alice.put("/campaigns/3", {"name": "moede"}).json["tag_name"]
    assert len({"Møde", same, folded}) == 3
    assert folded != "moede"


def test_a_campaign_names_its_survey_segment_and_properties(alice):
    alice.put("/surveys/mXk2", survey())
    alice.put("/segments/gold", {"attributes": {"tier": "gold"}})
    body = {"name": "A", "survey": "mXk2", "segment": "gold", "properties": {"fair": "Milano"}}
    stored = alice.put("/campaigns/5000", body).json
    assert (stored["survey"], stored["segment"]) == ("mXk2", "gold")
    assert stored["properties"] == {"fair": "Milano"}


def test_a_campaign_says_how_often_a_person_answers(alice):
    said = {"answers": "once", "days": 90}
    assert alice.put("/campaigns/5000", {"name": "A"}).json["participation"] is None
    stored = alice.put("/campaigns/5000", {"name": "A", "participation": said}).json
    assert stored["participation"] == said
    assert alice.put("/campaigns/5000", {"name": "A"}).json["participation"] == said
    cleared = alice.put("/campaigns/5000", {"name": "A", "participation": None}).json
    assert cleared["participation"] is None
    wrong = {"answers": "several", "days": 90}
    answer = alice.put("/campaigns/5000", {"name": "A", "participation": wrong})
    assert answer.json["errors"][0]["pointer"] == "/participation/days"


def test_a_campaign_cannot_name_what_is_not_there(alice):
    answer = alice.put("/campaigns/5000", {"name": "A", "survey": "none"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/survey")
    assert alice.get("/campaigns/5000").status_code == 404


def test_distributions_belong_to_their_campaign(alice):
    alice.put("/campaigns/5000", {"name": "A"})
    body = {"name": "November", "properties": {"wave": "2"}}
    assert alice.put("/campaigns/5000/distributions/EMD_1", body).status_code == 200
    assert alice.put("/campaigns/none/distributions/EMD_1", body).status_code == 404
    stored = alice.get("/campaigns/5000").json["distributions"]
    assert [one["platform_id"] for one in stored] == ["EMD_1"]


def test_a_strangers_campaign_and_survey_are_as_good_as_none(alice, charlie):
    alice.put("/campaigns/5000", {"name": "A"})
    alice.put("/surveys/mXk2", survey())
    assert charlie.get("/campaigns/5000").status_code == 404
    assert charlie.get("/surveys/mXk2").status_code == 404
    assert charlie.get("/surveys/mXk2/versions").status_code == 404
    assert charlie.put("/campaigns/5000/distributions/E", {}).status_code == 404
