"""What a survey adds to its responses: labels, weights, categories, flags, the order of its
questions.
"""

from __future__ import annotations

from typing import Any

from connector.responses.questions import enriched, label_rules, order_of, shape_of
from connector.responses.variables import variables_of
from connector.responses.vocabulary import Kind, declared

SURVEY: dict[str, Any] = {
    "questions": [
        {"key": "why", "type": "text"},
        {
            "key": "channel",
            "type": "single_choice",
            "label": "touchpoint",
            "category": "service",
            "options": [
                {"value": "shop", "weight": 2, "flags": ["on_site"]},
                {"value": "web", "weight": 5},
            ],
        },
        {
            "key": "old_channel",
            "type": "single_choice",
            "label": "touchpoint",
            "label_rule": "last",
        },
        {
            "key": "grid",
            "type": "matrix",
            "title": "How were we?",
            "options": [{"value": "g", "label": "Good"}, {"value": "b"}],
            "rows": [{"value": "staff", "label": "Staff"}, {"value": "price"}],
            "flags": ["asked_grid"],
        },
    ]
}


def response(**answers: Any) -> dict[str, Any]:
    return {
        "response_id": "r1",
        "submitted_at": "2026-11-22T01:02:00Z",
        "event": "completed",
        "revision": 1,
        "answers": answers,
        "respondent": {},
    }


def choice(value: str) -> dict[str, Any]:
    return {"type": "single_choice", "value": value}


def test_the_chosen_options_weight_category_and_flags_are_added() -> None:
    full = enriched(response(channel=choice("shop")), SURVEY, campaign_flags=["fair"])
    assert full["weights"] == {"channel": 2}
    assert full["categories"] == {"channel": "service"}
    assert full["flags"] == ["on_site", "fair"]


def test_a_questions_own_weight_is_how_much_it_counts_in_its_category() -> None:
    survey = {
        "questions": [
            {"key": "nps", "type": "nps", "category": "service", "weight": 3},
            {"key": "rating", "type": "rating", "category": "service"},
            {"key": "unasked", "type": "rating", "category": "service", "weight": 100},
        ]
    }
    answers = {"nps": {"type": "nps", "value": 9}, "rating": {"type": "rating", "value": 1}}
    full = enriched(response(**answers), survey)
    assert full["weights"] == {}
    assert variables_of(full, None)["categories.service"].value == 7


def test_a_category_whose_questions_all_count_nothing_has_no_value() -> None:
    survey = {"questions": [{"key": "nps", "type": "nps", "category": "service", "weight": 0}]}
    full = enriched(response(nps={"type": "nps", "value": 9}), survey)
    assert "categories.service" not in variables_of(full, None)


def test_what_the_platform_sent_is_kept() -> None:
    sent = response(channel=choice("shop")) | {"weights": {"channel": 9}, "flags": ["callback"]}
    full = enriched(sent, SURVEY)
    assert full["weights"] == {"channel": 9}
    assert full["flags"] == ["callback", "on_site"]


def test_an_unanswered_question_adds_nothing() -> None:
    full = enriched(response(why={"type": "text", "value": "x"}), SURVEY)
    assert (full["weights"], full["categories"], full["flags"]) == ({}, {}, [])


def test_one_label_over_two_questions_is_one_variable_by_its_rule() -> None:
    rules = label_rules([SURVEY])
    assert [(one.label, one.questions, one.rule) for one in rules] == [
        ("touchpoint", ("channel", "old_channel"), "last")
    ]
    both = response(channel=choice("shop"), old_channel=choice("web"))
    assert variables_of(both, None, labels=rules)["labels.touchpoint"].value == "web"


def test_the_note_keeps_the_surveys_order() -> None:
    assert order_of(SURVEY) == ("why", "channel", "old_channel", "grid")
    assert order_of(None) == ()


def test_a_key_of_unlike_questions_can_hold_anything() -> None:
    other = {"questions": [{"key": "why", "type": "number"}, {"key": "grid", "type": "matrix"}]}
    shape = shape_of([SURVEY, other], campaign_flags=["fair"])
    assert declared(shape)["answers.why"] is Kind.ANY
    assert declared(shape)["answers.grid.staff"] is Kind.CHOICES
    assert shape.flags == ("asked_grid", "fair", "on_site")
    assert shape.categories == ("service",)


def test_a_key_of_two_questions_of_one_kind_keeps_it() -> None:
    both = [{"questions": [{"key": "score", "type": one}]} for one in ("nps", "rating")]
    assert declared(shape_of(both))["answers.score"] is Kind.NUMBER


def test_titles_and_labels_come_from_the_survey_where_the_answer_has_none() -> None:
    grid = {"type": "matrix", "value": {"staff": ["g"], "price": ["b"]}}
    full = enriched(response(grid=grid, channel=choice("shop")), LABELLED)
    assert full["answers"]["grid"]["title"] == "How were we?"
    found = variables_of(full, None)
    assert found["answers.grid"].value == ("Staff: Good", "price: b")
    assert found["answers.channel.label"].value == "In the shop"


def test_a_matrix_that_brings_some_labels_gets_the_others() -> None:
    read = {"rows": {"staff": "Personale"}}
    grid = {"type": "matrix", "value": {"staff": ["g"]}, "labels": read}
    assert variables_of(enriched(response(grid=grid), LABELLED), None)["answers.grid"].value == (
        "Personale: Good",
    )


def test_what_the_respondent_read_wins_over_the_survey() -> None:
    sent = {**choice("shop"), "label": "I butikken", "title": "Hvor?"}
    assert enriched(response(channel=sent), LABELLED)["answers"]["channel"] == sent


LABELLED = {
    "questions": [
        *(one for one in SURVEY["questions"] if one["key"] == "grid"),
        {
            "key": "channel",
            "type": "single_choice",
            "title": "Where?",
            "options": [{"value": "shop", "label": "In the shop"}],
        },
    ]
}
