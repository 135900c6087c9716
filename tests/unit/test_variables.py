"""The variables of a response: every kind of answer and every namespace, under stable names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.responses.variables import variables_of
from connector.responses.vocabulary import (
    ANSWER_KINDS,
    Kind,
    LabelRule,
    SurveyShape,
    declared,
    variable_name,
)
from schemas.answer import ANSWER_TYPES
from schemas.response import ResponseSchema, normalised

PUSHED: dict[str, Any] = {
    "response_id": "typeform:mXk2:tok_9f",
    "survey": {"id": "mXk2", "name": "After the meeting"},
    "campaign": {"id": "5000", "name": "Møde"},
    "respondent": {"email": "c7@example.test", "phone": "+4512345678", "name": "Contact Seven"},
    "answers": {
        "nps": {"type": "nps", "value": 9, "title": "How likely?"},
        "rating": {"type": "rating", "value": 4, "scale": {"min": 1, "max": 5}},
        "channel": {"type": "single_choice", "value": "shop", "label": "Shop"},
        "topics": {
            "type": "multi_choice",
            "value": ["price", "staff"],
            "labels": ["Price", "Staff"],
            "other": "parking",
        },
        "why": {"type": "text", "value": "Friendly 🙂"},
        "story": {"type": "long_text", "value": "Line one\nline two"},
        "when": {"type": "date", "value": "2026-11-20"},
        "at": {"type": "datetime", "value": "2026-11-20T10:00:00.5+01:00"},
        "amount": {"type": "number", "value": "12.50"},
        "took": {"type": "duration", "value": 330},
        "photo": {
            "type": "file",
            "value": [{"url": "https://files.example/a.jpg", "name": "a.jpg"}],
        },
        "sign": {"type": "signature", "value": {"url": "https://files.example/s.png"}},
        "grid": {
            "type": "matrix",
            "value": {"row_staff": ["good"], "row_price": ["bad", "dear"]},
            "labels": {"rows": {"row_staff": "Staff"}, "cols": {"good": "Good", "bad": "Bad"}},
        },
        "order": {"type": "ranking", "value": ["b", "a"], "labels": ["Beer", "Ale"]},
        "agree": {"type": "boolean", "value": False},
    },
    "hidden": {"store": "42"},
    "attributes": {"segment": "gold"},
    "variables": {"score": 4, "tier": "x"},
    "properties": {"distribution": "EMD_1"},
    "flags": ["callback"],
    "tags": ["staff"],
    "weights": {"rating": 2},
    "categories": {"rating": "service", "nps": "service", "why": "words"},
    "started_at": "2026-11-22T00:59:00Z",
    "submitted_at": "2026-11-22T01:02:00Z",
    "duration_s": 180,
    "locale": "da",
    "channel": "email",
}


def stored(**changes: Any) -> dict[str, Any]:
    return normalised({**PUSHED, **changes}, schema=ResponseSchema())


def test_the_example_has_every_kind_of_answer() -> None:
    assert (
        {one["type"] for one in PUSHED["answers"].values()}
        == set(ANSWER_TYPES)
        == set(ANSWER_KINDS)
    )


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("answers.nps", Kind.NUMBER, 9),
        ("answers.rating", Kind.NUMBER, 4),
        ("answers.channel", Kind.CHOICE, "shop"),
        ("answers.channel.label", Kind.TEXT, "Shop"),
        ("answers.topics", Kind.CHOICES, ("price", "staff")),
        ("answers.topics.label", Kind.TEXT, "Price, Staff, parking"),
        ("answers.topics.other", Kind.TEXT, "parking"),
        ("answers.why", Kind.TEXT, "Friendly 🙂"),
        ("answers.story", Kind.TEXT, "Line one\nline two"),
        ("answers.when", Kind.DATE, "2026-11-20"),
        ("answers.at", Kind.DATETIME, "2026-11-20T09:00:00Z"),
        ("answers.amount", Kind.NUMBER, "12.50"),
        ("answers.took", Kind.NUMBER, 330),
        ("answers.photo", Kind.FILES, ("https://files.example/a.jpg",)),
        ("answers.photo.label", Kind.TEXT, "a.jpg"),
        ("answers.sign", Kind.FILES, ("https://files.example/s.png",)),
        ("answers.grid", Kind.MATRIX, ("Staff: Good", "row_price: Bad, dear")),
        ("answers.grid.row_staff", Kind.CHOICES, ("good",)),
        ("answers.order", Kind.RANKING, ("b", "a")),
        ("answers.order.label", Kind.TEXT, "Beer, Ale"),
        ("answers.agree", Kind.BOOLEAN, False),
        ("answered.agree", Kind.BOOLEAN, True),
        ("contact.email", Kind.TEXT, "c7@example.test"),
        ("flags.callback", Kind.BOOLEAN, True),
        ("hidden.store", Kind.TEXT, "42"),
        ("attributes.segment", Kind.TEXT, "gold"),
        ("variables.score", Kind.NUMBER, 4),
        ("properties.distribution", Kind.TEXT, "EMD_1"),
        ("weights.rating", Kind.NUMBER, 2),
        ("categories.service", Kind.NUMBER, "5.5"),
        ("campaign.name", Kind.TEXT, "Møde"),
        ("survey.id", Kind.TEXT, "mXk2"),
        ("response.id", Kind.TEXT, "typeform:mXk2:tok_9f"),
        ("response.answered_at", Kind.DATETIME, "2026-11-22T01:02:00Z"),
        ("response.started_at", Kind.DATETIME, "2026-11-22T00:59:00Z"),
        ("response.duration_s", Kind.NUMBER, 180),
        ("response.locale", Kind.TEXT, "da"),
        ("response.tags", Kind.CHOICES, ("staff",)),
        ("computed.score", Kind.NUMBER, 9),
        ("computed.score_class", Kind.TEXT, "promoter"),
        ("computed.nps", Kind.NUMBER, 42),
    ],
)
def test_a_variable_has_its_kind_and_value(name: str, kind: Kind, value: object) -> None:
    variable = variables_of(stored(), None, nps=42)[name]
    assert (variable.kind, variable.value) == (kind, value)


@pytest.mark.parametrize(
    "name", ["categories.words", "answers.nps.other", "flags.vip", "answered.x"]
)
def test_what_was_not_said_is_absent(name: str) -> None:
    assert name not in variables_of(stored(), None)


def test_a_variable_names_the_answers_it_was_read_from() -> None:
    found = variables_of(stored(), None)
    assert found["answers.topics.label"].answers == frozenset({"topics"})
    assert found["answers.grid.row_staff"].answers == frozenset({"grid"})
    assert found["contact.email"].answers == frozenset()


def test_the_contact_wins_over_what_the_respondent_sent() -> None:
    found = variables_of(stored(), {"name": "Seven", "city": "Århus", "age": 7, "phone": ""})
    assert found["contact.name"].value == "Seven"
    assert found["contact.city"].value == "Århus"
    assert found["contact.age"].kind is Kind.NUMBER
    assert found["contact.phone"].value == "+4512345678"


def test_an_anonymous_respondent_has_no_contact_variables() -> None:
    found = variables_of(stored(respondent={"anonymous": True}), {"email": "a@example.test"})
    assert not [name for name in found if name.startswith("contact.")]


def test_the_distribution_wins_over_the_campaign() -> None:
    campaign = {"properties": {"distribution": "old", "region": "north"}}
    found = variables_of(stored(), None, campaign=campaign)
    assert found["properties.distribution"].value == "EMD_1"
    assert found["properties.region"].value == "north"


@pytest.mark.parametrize(
    ("rule", "value"),
    [("first", 9), ("last", 4), ("join", "9\n4\nPrice, Staff"), ("mean", "6.5")],
)
def test_one_label_over_several_questions_is_one_variable(rule: str, value: object) -> None:
    questions = ("nps", "absent", "rating") if rule != "join" else ("nps", "rating", "topics")
    found = variables_of(stored(), None, labels=[LabelRule("overall", questions, rule)])
    assert found["labels.overall"].value == value


def test_a_label_whose_questions_are_unanswered_is_absent() -> None:
    found = variables_of(stored(), None, labels=[LabelRule("overall", ("absent",), "mean")])
    assert "labels.overall" not in found


def test_a_score_of_six_is_a_detractor() -> None:
    answers = {"q": {"type": "nps", "value": 6}}
    assert variables_of(stored(answers=answers), None)["computed.score_class"].value == "detractor"


def test_everything_of_a_response_was_declared_by_its_survey() -> None:
    found = variables_of(stored(), {"city": "Århus"}, labels=[LabelRule("all", ("nps",))], nps=1)
    shape = SurveyShape(
        questions={key: one["type"] for key, one in PUSHED["answers"].items()},
        rows={"grid": ("row_staff", "row_price")},
        labels=(LabelRule("all", ("nps",)),),
        contact={"city": Kind.TEXT},
        flags=("callback",),
        categories=("service",),
        others={
            "hidden": ("store",),
            "attributes": ("segment",),
            "variables": ("score", "tier"),
            "properties": ("distribution",),
        },
    )
    names = declared(shape)
    assert found.keys() <= names.keys()
    wrong = [name for name, one in found.items() if names[name] not in (one.kind, Kind.ANY)]
    assert wrong == []


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("QID2_1", "answers.QID2_1"),
        ("q-1", "answers.q_x2d_1"),
        ("1", "answers._x31_"),
        ("a.b", "answers.a_x2e_b"),
        ("in", "answers._x69_n"),
        ("løn", "answers.l_xf8_n"),
    ],
)
def test_a_key_becomes_a_name_that_an_expression_can_hold(key: str, name: str) -> None:
    assert variable_name("answers", key) == name


@given(st.one_of(st.text(min_size=1, max_size=12), st.text("_xf8a1-.", min_size=1, max_size=12)))
def test_no_two_keys_share_a_name(key: str) -> None:
    name = variable_name("answers", key).removeprefix("answers.")
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    assert re.sub(r"_x([0-9a-f]+)_", lambda sign: chr(int(sign[1], 16)), name) == key
