"""What a survey leaves out or says oddly, at every source: absent, or the answer, never wrong data.

Each source has the same seven questions; each line is one of them as that platform writes it, and
what becomes of it. A response without a score is planned, too: nobody is a detractor by silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from connector.responses.case import AutomationFacts
from connector.responses.plan import plan
from connector.responses.rules import condition
from connector.responses.vocabulary import Kind
from schemas.response import ResponseSchema, normalised
from schemas.sources import PLATFORMS
from schemas.sources.base import Envelope, Notice, Wishes
from tests.unit.test_plan import FEED, case, facts

AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
NOW = "2026-11-22T01:02:00+00:00"
ABSENT: dict[str, Any] = {}


def chosen(kind: str, value: Any, **beside: Any) -> dict[str, Any]:
    return {"q": {"type": kind, "value": value, **beside}}


# --- a message or an API's answer around one question ---------------------------------------------


def standard(answers: Any) -> Any:
    return {"response_id": "r", "submitted_at": NOW, "answers": answers}


def npstoday(parts: Any) -> Any:
    return {"CampaignId": 1, "ResponseId": "r", "Email": "c7@example.test", **parts}


def typeform(parts: Any) -> Any:
    field, answers = parts
    form = {"form_id": "f", "token": "t", "submitted_at": NOW, "answers": answers}
    definition = {"definition": {"id": "f", "title": "T", "fields": [field]}}
    return {"event_type": "form_response", "form_response": form | definition}


def surveymonkey(parts: Any) -> Any:
    asked, answers = parts
    given = [{"id": "q", "answers": answers}] if answers is not None else []
    told = {"response_status": "completed", "date_modified": NOW}
    return {
        "response": told | {"pages": [{"questions": given}]},
        "survey": {"pages": [{"questions": [{"id": "q", **asked}]}]},
    }


def qualtrics(parts: Any) -> Any:
    values, labels = parts
    named = {name.replace("q", "QID1", 1): one for name, one in values.items()}
    shown = {name.replace("q", "QID1", 1): one for name, one in labels.items()}
    told = {"finished": 1, "recordedDate": NOW, **named}
    return {"response": {"result": {"values": told, "labels": shown}}}


def formbricks(data: Any) -> Any:
    told = {"id": "r", "surveyId": "s", "finished": True, "data": data, "updatedAt": NOW}
    return {"event": "responseFinished", "data": told}


def tally(fields: Any) -> Any:
    told = {"responseId": "r", "formId": "f", "createdAt": NOW, "fields": fields}
    return {"eventType": "FORM_RESPONSE", "createdAt": NOW, "data": told}


def surveyjs(data: Any) -> Any:
    return {"id": "r", "completed_at": NOW, "survey": {"id": "s"}, "data": data}


def odoo(parts: Any) -> Any:
    kind, options, lines = parts
    given = [{"question_id": ["q", ""], "write_date": NOW, **one} for one in lines]
    return {
        "input": {"id": 1, "survey_id": [1, "T"], "end_datetime": NOW},
        "questions": [{"id": "q", "question_type": kind}],
        "options": options,
        "lines": given,
    }


AROUND: Mapping[str, Callable[[Any], Any]] = {
    one.__name__: one
    for one in (
        standard,
        npstoday,
        typeform,
        surveymonkey,
        qualtrics,
        formbricks,
        tally,
        surveyjs,
        odoo,
    )
}


def response_of(platform: str, parts: Any, types: Mapping[str, str]) -> dict[str, Any]:
    source, message = PLATFORMS[platform], AROUND[platform](parts)
    key = {"qualtrics": "QID1", "npstoday": "nps"}.get(platform, "q")
    wishes = Wishes(types={name.replace("q", key, 1): kind for name, kind in types.items()})
    if source.fetch is not None:
        notice = Notice("r", {"survey": "s", "response": "r"})
        found = source.fetch.read(notice, message, wishes, Envelope(AT))
    elif source.polls is not None:
        found = source.polls.read(Notice("poll", {}), message, wishes, Envelope(AT))
    elif source.parse is not None:
        (found,) = source.parse(message, wishes, Envelope(AT)).responses
    else:
        found = message
    made = normalised(found, schema=ResponseSchema())
    made["answers"] = {
        name.replace(key, "q", 1): {part: one[part] for part in one if part not in {"title"}}
        for name, one in made["answers"].items()
    }
    return made


# --- the lines ------------------------------------------------------------------------------------

NPS = {"q": "nps"}
FIELD = {"id": "f1", "ref": "q", "type": "nps"}
TOPICS = {"id": "f1", "ref": "q", "type": "multiple_choice"}
GRID = {"id": "f1", "ref": "q", "type": "matrix"} | {
    "properties": {"fields": [{"id": "r1", "ref": "staff", "title": "Staff"}, {"id": "r2"}]}
}
GOOD = {"id": "c1", "label": "Good"}
ORDER = {"id": "f1", "ref": "q", "type": "ranking"}
SCALE = {
    "family": "matrix",
    "subtype": "rating",
    "answers": {
        "rows": [{"id": "r1", "text": ""}],
        "choices": [
            {"id": "c9", "text": "9", "weight": 9},
            {"id": "c0", "text": "N/A", "weight": 0, "is_na": True},
        ],
    },
}
OPTIONS = {
    "family": "multiple_choice",
    "answers": {"choices": [{"id": "11", "text": "Price"}, {"id": "12", "text": "Staff"}]},
}
ONE_OPTION = {**OPTIONS, "family": "single_choice"}
ROWS = {
    "family": "matrix",
    "subtype": "single",
    "answers": {
        "rows": [{"id": "r1", "text": "Staff"}, {"id": "r2", "text": "Price"}],
        "choices": [{"id": "1", "text": "Good"}],
    },
}
PLACES = {
    "family": "matrix",
    "subtype": "ranking",
    "answers": {
        "rows": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}, {"id": "c", "text": "C"}],
        "choices": [
            {"id": "1", "text": "1"},
            {"id": "2", "text": "2"},
            {"id": "0", "text": "N/A", "is_na": True},
        ],
    },
}
TALLY = {"key": "q", "options": [{"id": "o1", "text": "Price"}, {"id": "o2", "text": "Staff"}]}
OWN = {"key": "q"} | {
    "options": [{"id": "o1", "text": "Price"}, {"id": "o9", "text": "Dogs", "isOtherOption": True}]
}
TALLY_GRID = {"key": "q", "type": "MATRIX", "rows": [{"id": "r1", "text": "Staff"}]} | {
    "columns": [{"id": "c1", "text": "Good"}]
}
# What Odoo keeps of a skipped question: numbers are never nothing there.
SKIPPED = {"skipped": True, "answer_type": None, "value_numerical_box": "0.0"}
ODOO_OPTIONS = [
    {"id": 11, "question_id": ["q", ""], "value": "Price"},
    {"id": 12, "question_id": ["q", ""], "value": "Staff"},
]
PICKED = {"answer_type": "suggestion", "suggested_answer_id": [11, "Price"]}
WROTE = {"answer_type": "char_box", "value_char_box": "Dogs"}
# The places were made in another order than they are shown in.
ODOO_PLACES = [
    {"id": 7, "matrix_question_id": ["q", ""], "value": "A"},
    {"id": 8, "matrix_question_id": ["q", ""], "value": "B"},
    {"id": 21, "question_id": ["q", ""], "value": "2"},
    {"id": 22, "question_id": ["q", ""], "value": "1"},
]


def placed(row: int, place: int) -> dict[str, Any]:
    picked = {"answer_type": "suggestion", "suggested_answer_id": [place, ""]}
    return {**picked, "matrix_row_id": [row, ""]}


SHOWN = {"rows": {"r1": "Staff", "r2": "Price"}, "cols": {"1": "Good"}}

# (platform, what, its own words, the types that the admin names, the answers)
DROPPED: list[tuple[str, Any, Any]] = [
    ("standard", ABSENT, {}),
    ("npstoday", {"Rating": None, "Comment": "", "Answer1": None, "SurveyAnswers": []}, {}),
    ("typeform", (FIELD, []), {}),
    ("typeform", (FIELD, None), {}),
    ("surveymonkey", (SCALE, None), {}),
    ("surveymonkey", (SCALE, []), {}),
    ("qualtrics", ({}, {}), {}),
    ("qualtrics", ({"q": None, "q_TEXT": ""}, {"q": None}), {}),
    ("formbricks", {"q": ""}, {}),
    ("formbricks", {"q": None}, {}),
    ("tally", [{"key": "q", "type": "TEXTAREA", "value": None}], {}),
    ("tally", [{"key": "q", "type": "MATRIX", "value": None}], {}),
    ("surveyjs", {"q": None}, {}),
    ("surveyjs", {"q": ""}, {}),
    ("odoo", ("text_box", [], [SKIPPED]), {}),
    ("odoo", ("text_box", [], [{"answer_type": "text_box", "value_text_box": None}]), {}),
    ("odoo", ("simple_choice", ODOO_OPTIONS, []), {}),
]
SCORELESS = [
    ("standard", ABSENT, {}),
    ("npstoday", {"Rating": None}, {}),
    ("npstoday", {"Rating": ""}, {}),
    ("npstoday", {"Comment": "no score"}, {"comment": {"type": "long_text", "value": "no score"}}),
    ("typeform", (FIELD, [{"type": "number", "number": None, "field": FIELD}]), {}),
    ("surveymonkey", (SCALE, [{"row_id": "r1", "choice_id": "c0"}]), {}),
    ("surveymonkey", (SCALE, [{"row_id": "r1", "choice_id": None}]), {}),
    ("qualtrics", ({"q": None, "q_NPS_GROUP": None}, {}), {}),
    ("qualtrics", ({"q_NPS_GROUP": 1}, {}), {}),
    ("formbricks", {"q": ""}, {}),
    ("formbricks", {"q": "dismissed"}, chosen("text", "dismissed")),
    ("tally", [{"key": "q", "type": "LINEAR_SCALE", "value": None}], {}),
    ("tally", [{"key": "q", "type": "RATING", "value": ""}], {}),
    ("surveyjs", {"q": None}, {}),
    (
        "surveyjs",
        {"q": None, "q-Comment": "no score"},
        {"q-Comment": {"type": "text", "value": "no score"}},
    ),
    ("odoo", ("numerical_box", [], [SKIPPED]), {}),
    ("odoo", ("numerical_box", [], [{**SKIPPED, "answer_type": "numerical_box"}]), {}),
]
OTHERS = [
    (
        "standard",
        chosen("single_choice", "other", other="Dogs"),
        chosen("single_choice", "other", other="Dogs"),
    ),
    (
        "typeform",
        (TOPICS, [{"type": "choice", "choice": {"other": "Dogs"}, "field": TOPICS}]),
        chosen("single_choice", "other", other="Dogs"),
    ),
    (
        "typeform",
        (TOPICS, [{"type": "choices", "choices": {"other": "Dogs"}, "field": TOPICS}]),
        chosen("multi_choice", [], other="Dogs"),
    ),
    (
        "surveymonkey",
        (ONE_OPTION, [{"other_id": "o", "text": "Dogs"}]),
        chosen("single_choice", "other", other="Dogs"),
    ),
    ("surveymonkey", (ONE_OPTION, [{"other_id": "o", "text": ""}]), {}),
    (
        "surveymonkey",
        (OPTIONS, [{"choice_id": "11"}, {"other_id": "o", "text": "Dogs"}]),
        chosen("multi_choice", ["11"], labels=["Price"], other="Dogs"),
    ),
    (
        "qualtrics",
        ({"q": "3", "q_3_TEXT": "Dogs"}, {"q": "Other"}),
        chosen("single_choice", "3", label="Other", other="Dogs"),
    ),
    (
        "qualtrics",
        ({"q": ["1", "3"], "q_3_TEXT": "Dogs"}, {"q": ["Price", "Other"]}),
        chosen("multi_choice", ["1", "3"], labels=["Price", "Other"], other="Dogs"),
    ),
    # Left behind when another option was chosen instead: an answer of its own, not this one's.
    (
        "qualtrics",
        ({"q": "1", "q_3_TEXT": "Dogs"}, {"q": "Price"}),
        {**chosen("single_choice", "1", label="Price"), "q_3": {"type": "text", "value": "Dogs"}},
    ),
    ("formbricks", {"q": "Dogs"}, chosen("text", "Dogs")),
    ("tally", [OWN | {"type": "MULTIPLE_CHOICE", "value": ["o9"]}],
     chosen("single_choice", "other", other="Dogs")),
    ("tally", [OWN | {"type": "CHECKBOXES", "value": ["o1", "o9"]}],
     chosen("multi_choice", ["o1"], labels=["Price"], other="Dogs")),
    ("surveyjs", {"q": "other", "q-Comment": "Dogs"},
     chosen("single_choice", "other", other="Dogs")),
    ("surveyjs", {"q": ["price", "other"], "q-Comment": "Dogs"},
     chosen("multi_choice", ["price"], other="Dogs")),
    (
        "surveyjs",
        {"q": {"staff": "good"}, "q-Comment": "Dogs"},
        {**chosen("matrix", {"staff": ["good"]}), "q-Comment": {"type": "text", "value": "Dogs"}},
    ),
    ("odoo", ("simple_choice", ODOO_OPTIONS, [WROTE]),
     chosen("single_choice", "other", other="Dogs")),
    ("odoo", ("multiple_choice", ODOO_OPTIONS, [PICKED, WROTE]),
     chosen("multi_choice", ["11"], labels=["Price"], other="Dogs")),
    ("odoo", ("matrix", ODOO_PLACES, [placed(7, 21), WROTE]),
     {**chosen("matrix", {"7": ["21"]}, labels={"rows": {"7": "A", "8": "B"},
                                               "cols": {"21": "2", "22": "1"}}),
      "q.comment": {"type": "text", "value": "Dogs"}}),
]  # fmt: skip
GRIDS = [
    ("standard", chosen("matrix", {"staff": ["good"]}), chosen("matrix", {"staff": ["good"]})),
    (
        "typeform",
        (GRID, [{"type": "choice", "choice": GOOD, "field": {"id": "r1"}}]),
        chosen(
            "matrix",
            {"staff": ["c1"]},
            labels={"rows": {"staff": "Staff"}, "cols": {"c1": "Good"}},
        ),
    ),
    ("typeform", (GRID, []), {}),
    (
        "surveymonkey",
        (ROWS, [{"row_id": "r1", "choice_id": "1"}]),
        chosen("matrix", {"r1": ["1"]}, labels=SHOWN),
    ),
    (
        "qualtrics",
        ({"q_1": "3", "q_2": None}, {"q_1": "Good"}),
        chosen("matrix", {"1": ["3"]}, labels={"rows": {}, "cols": {"3": "Good"}}),
    ),
    ("qualtrics", ({"q_1": None}, {}), {}),
    ("formbricks", {"q": {"Staff": "Good", "Price": ""}}, chosen("matrix", {"Staff": ["Good"]})),
    ("formbricks", {"q": {"Staff": "", "Price": None}}, {}),
    (
        "tally",
        [TALLY_GRID | {"value": {"r1": ["c1"], "r2": []}}],
        chosen("matrix", {"r1": ["c1"]}, labels={"rows": {"r1": "Staff"}, "cols": {"c1": "Good"}}),
    ),
    ("surveyjs", {"q": {"staff": True, "price": 1.5}},
     chosen("matrix", {"staff": ["true"], "price": ["1.5"]})),
    ("surveyjs", {"q": {"r1": {"c1": "x"}, "r2": None}},
     {"q.r1.c1": {"type": "text", "value": "x"}}),
    ("odoo", ("matrix", ODOO_PLACES, [placed(8, 22), SKIPPED]),
     chosen("matrix", {"8": ["22"]}, labels={"rows": {"7": "A", "8": "B"},
                                            "cols": {"21": "2", "22": "1"}})),
    ("odoo", ("matrix", ODOO_PLACES, [SKIPPED]), {}),
]  # fmt: skip
RANKINGS = [
    ("standard", chosen("ranking", ["b", "a"]), chosen("ranking", ["b", "a"])),
    (
        "typeform",
        (
            ORDER,
            [{"type": "choices", "choices": {"ids": ["b", "a"], "labels": ["B", "A"]}} | {
                "field": ORDER
            }],
        ),
        chosen("ranking", ["b", "a"], labels=["B", "A"]),
    ),
    (
        "surveymonkey",
        (
            PLACES,
            [
                {"row_id": "a", "choice_id": "2"},
                {"row_id": "c", "choice_id": "0"},
                {"row_id": "b", "choice_id": "1"},
            ],
        ),
        chosen("ranking", ["b", "a"], labels=["B", "A"]),
    ),
    ("surveymonkey", (PLACES, [{"row_id": "a", "choice_id": "0"}]), {}),
    ("qualtrics", ({"q_1": 2, "q_2": 1}, {}), chosen("ranking", ["2", "1"], labels=["2", "1"])),
    # Two in one place: no order, so it stays what came.
    ("qualtrics", ({"q_1": 1, "q_2": 1}, {}), chosen("matrix", {"1": ["1"], "2": ["1"]})),
    ("formbricks", {"q": ["b", "a"]}, chosen("ranking", ["b", "a"])),
    ("tally", [TALLY | {"type": "RANKING", "value": ["o2", "o1"]}],
     chosen("ranking", ["o2", "o1"], labels=["Staff", "Price"])),
    ("tally", [TALLY | {"type": "RANKING", "value": None}], {}),
    ("surveyjs", {"q": ["b", 2.5]}, chosen("ranking", ["b", "2.5"])),
    # By the places that people saw, not by the ids of the columns.
    ("odoo", ("matrix", ODOO_PLACES, [placed(7, 21), placed(8, 22)]),
     chosen("ranking", ["8", "7"], labels=["B", "A"])),
]  # fmt: skip
EMPTY = [
    ("standard", chosen("multi_choice", []), chosen("multi_choice", [])),
    ("typeform", (TOPICS, [{"type": "choices", "choices": {"labels": []}, "field": TOPICS}]), {}),
    ("surveymonkey", (OPTIONS, []), {}),
    ("qualtrics", ({"q": []}, {"q": []}), {}),
    ("formbricks", {"q": []}, {}),
    ("tally", [TALLY | {"type": "CHECKBOXES", "value": []}], {}),
    (
        "tally",
        [
            TALLY | {"type": "CHECKBOXES", "value": None},
            {"key": "q_o1", "type": "CHECKBOXES", "value": False},
            {"key": "q_o2", "type": "MULTIPLE_CHOICE", "value": False},
        ],
        {},
    ),
    ("surveyjs", {"q": []}, {}),
    ("odoo", ("multiple_choice", ODOO_OPTIONS, [SKIPPED]), {}),
]  # fmt: skip
# An option's id is no number, whatever it looks like; the number that was read is one.
NUMBERS = [
    (
        "surveymonkey",
        (ONE_OPTION, [{"choice_id": "11"}]),
        chosen("single_choice", "11", label="Price"),
    ),
    ("tally", [TALLY | {"type": "DROPDOWN", "value": ["o1"]}],
     chosen("single_choice", "o1", label="Price")),
    ("qualtrics", ({"q": 4}, {"q": "Good"}), chosen("rating", 4, label="Good")),
    ("qualtrics", ({"q": 17}, {"q": "4"}), chosen("rating", 4, label="4")),
    ("odoo", ("simple_choice", ODOO_OPTIONS, [PICKED]),
     chosen("single_choice", "11", label="Price")),
    ("surveyjs", {"q": 4, "q-Comment": "so so"},
     {**chosen("rating", 4), "q-Comment": {"type": "text", "value": "so so"}}),
]  # fmt: skip
LINES = [
    pytest.param(platform, parts, types, becomes, id=f"{what}-{platform}")
    for what, types, lines in (
        ("dropped", {}, DROPPED),
        ("scoreless", NPS, SCORELESS),
        ("other", {}, OTHERS),
        ("grid", {}, GRIDS),
        ("ranking", {"q": "ranking"}, RANKINGS),
        ("empty", {}, EMPTY),
        ("number", {"q": "rating"}, NUMBERS),
    )
    for platform, parts, becomes in lines
]


@pytest.mark.parametrize(("platform", "parts", "types", "becomes"), LINES)
def test_what_was_not_answered_is_absent_and_the_rest_is_what_was_meant(
    platform: str, parts: Any, types: Mapping[str, str], becomes: Any
) -> None:
    assert response_of(platform, parts, types)["answers"] == becomes


@pytest.mark.parametrize(("platform", "parts"), [(one, parts) for one, parts, _ in SCORELESS])
def test_without_a_score_nobody_is_a_detractor(platform: str, parts: Any) -> None:
    """No score is written, no tag set, and a rule for detractors does not hold."""
    answers = response_of(platform, parts, NPS)["answers"]
    rule = condition("answers.q < 7", {"answers.q": Kind.NUMBER})
    row = {**facts().mappings["m"].body["rows"][0], "variable": "answers.q"}
    known = facts()
    body = {**known.mappings["m"].body, "rows": [row]}
    told = case({"other_question": {"type": "text", "value": "x"}, **answers})
    asked = replace(
        known,
        mappings={"m": replace(known.mappings["m"], body=body)},
        automations=(
            AutomationFacts(8, FEED),
            AutomationFacts(9, {**FEED, "then": [{"do": "tag"}]}, condition=rule),
        ),
        declared={"answers.q": Kind.NUMBER},
    )
    planned = plan(told, asked)
    feed = next(one for one in planned.steps if one.key == "feed:3")
    assert "nps" not in feed.payload["values"]
    assert [one for one in planned.steps if one.kind == "tag"] == []
    assert planned.verdicts["automation:9"] in {"answer_missing", "variable_retyped"}


def test_the_same_rule_holds_for_a_score() -> None:
    """So that the table above can fail."""
    answers = response_of("surveymonkey", (SCALE, [{"row_id": "r1", "choice_id": "c9"}]), NPS)
    planned = plan(case(answers["answers"]), facts())
    assert [one.payload["score"] for one in planned.steps if one.kind == "tag"] == [9]


@pytest.mark.parametrize("value", [None, "", 11, -1, "9"])
def test_a_pushed_score_that_is_none_is_refused_at_its_place(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        normalised(standard(chosen("nps", value)), schema=ResponseSchema())
    assert "value" in str(caught.value)


def test_every_source_has_its_lines() -> None:
    for lines in (DROPPED, SCORELESS, GRIDS, RANKINGS, EMPTY):
        assert {one for one, *_ in lines} | {"npstoday", "recipe"} == set(PLATFORMS)
