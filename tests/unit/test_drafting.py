"""Changes of a mapping's draft, what suggests itself, and steps as a form's fields."""

from __future__ import annotations

import pytest

from connector.responses.configuration import drafting, forms
from connector.responses.configuration.sheet.choices import Known
from schemas.fields import Entity, Field, FieldType, Option

BODY = {"identify": {"field": "email", "variable": "contact.email"}, "rows": []}


def suggested(known: Known, *fields: Field) -> list[str]:
    found = drafting.suggestions([known], Entity("c", "C", fields), BODY)
    return [one.field.name for one in found]


def test_what_is_called_alike_and_fits_is_suggested():
    known = Known("contact.phone", "text")
    assert suggested(known, Field("phone", "Phone Number", FieldType.PHONE)) == ["phone"]


def test_a_question_suggests_by_its_words():
    known = Known("answers.q7", "choice", "Preferred shop")
    fields = (
        Field("c9", "Shop, preferred", FieldType.CHOICE),
        Field("q", "Quality", FieldType.TEXT),
    )
    assert suggested(known, *fields) == ["c9"]


@pytest.mark.parametrize(
    "field",
    [
        Field("visits", "Visits", FieldType.DATE),
        Field("visits", "Visits", FieldType.NUMBER, creatable=False, updatable=False),
        Field("visitors", "Visitors", FieldType.NUMBER),
    ],
)
def test_what_does_not_fit_cannot_be_written_or_is_called_otherwise_is_not(field):
    assert suggested(Known("answers.visits", "number"), field) == []


def test_a_field_is_written_by_one_row():
    body = drafting.with_rows(BODY, [("a", "f"), ("b", "f"), ("b", "g")])
    assert [(row["variable"], row["field"]) for row in body["rows"]] == [("a", "f"), ("b", "g")]


def test_a_table_of_values_meets_options_by_value_or_label():
    offered = (
        Option("RETAIL", "Shop"),
        Option("web", "Online"),
        Option("old", "Fax", active=False),
    )
    options = [("1", "Shop"), ("Web", ""), ("3", "Fax")]
    assert drafting.value_map(options, offered) == {"1": "RETAIL", "Web": "web", "3": ""}


def test_the_mark_differs_whenever_the_draft_does():
    assert drafting.mark(BODY) == drafting.mark(dict(reversed(BODY.items())))
    assert drafting.mark(BODY) != drafting.mark({**BODY, "rows": [1]})


def test_a_forms_steps_have_their_parameters_types():
    form = {
        "step-1-name": "cut", "step-1-length": "80", "step-1-ellipsis": "true",
        "step-2-name": "map_values", "step-2-values-old-1": "1", "step-2-values-new-1": "x",
        "step-2-values-old-2": "", "step-2-values-new-2": "", "step-2-default": "007",
    }  # fmt: skip
    assert forms.steps_of(form) == [
        {"name": "cut", "length": 80, "ellipsis": True},
        {"name": "map_values", "values": {"1": "x"}, "default": "007"},
    ]


def test_what_cannot_be_read_stays_as_it_was_typed():
    form = {"step-1-name": "cut", "step-1-length": "eighty"}
    assert forms.steps_of(form) == [{"name": "cut", "length": "eighty"}]


@pytest.mark.parametrize(
    ("act", "names"),
    [("up-2", "bac"), ("down-1", "bac"), ("remove-3", "ab"), ("up-1", "abc"), ("down-3", "abc"),
     ("remove-4", "abc"), ("remove-x", "abc"), ("save", "abc")],
)  # fmt: skip
def test_buttons_move_and_remove_steps(act, names):
    steps = [{"name": name} for name in "abc"]
    assert "".join(one["name"] for one in forms.moved(steps, act)) == names


def test_a_default_is_kept_only_where_it_is_written():
    given = {"variable": "v", "field": "f", "default": "5"}
    assert forms.row_of({**given, "when_missing": "default"})["default"] == 5
    assert forms.row_of({**given, "when_missing": "skip"})["default"] is None
