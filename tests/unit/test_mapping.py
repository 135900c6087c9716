"""One response through one mapping: every answer kind into typed fields; what a check refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from adapters.registry import traits_of
from connector.responses.fitting import FITS, Unfit, fitted
from connector.responses.mapping import MappedRow, check_mapping, mapped_row
from connector.responses.transforms import Context
from connector.responses.variables import variables_of
from connector.responses.vocabulary import STANDARD, Kind, SurveyShape, declared
from schemas.config import MappingSchema
from schemas.fields import Entity, Field, FieldType, FieldValue, Option
from tests.unit.test_variables import PUSHED, stored

COPENHAGEN = Context(zone="Europe/Copenhagen", language="da")
TOPICS = (Option("P", "price"), Option("staff", "Staff"))
ENTITY = Entity(
    "contacts",
    "Contact",
    (
        Field("email", "Email", FieldType.EMAIL, identifies=True, unique=True),
        Field("last_name", "Name", FieldType.TEXT, required=True),
        Field("created", "Created", FieldType.DATETIME, creatable=False, updatable=False),
        Field("blob", "Blob", FieldType.OTHER),
        *(
            Field(f"f_{one.value}", one.value, one, options=TOPICS if "choice" in one else ())
            for one in FieldType
            if one is not FieldType.OTHER
        ),
    ),
)
SHAPE = SurveyShape(
    questions={key: one["type"] for key, one in PUSHED["answers"].items()},
    rows={"grid": ("row_staff",)},
)
DECLARED = declared(SHAPE)


def row(variable: str, field: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"variable": variable, "field": field, "transforms": list(steps), **more}


def mapping(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {
        "name": "After the meeting",
        "connection": "crm",
        "entity": "contacts",
        "operation": "update",
        "identify": {"variable": "contact.email", "field": "email"},
        "rows": list(rows),
    }
    loaded: dict[str, Any] = MappingSchema().load({**body, **more})
    return loaded


def mapped(*rows: dict[str, Any], **changes: Any) -> MappedRow:
    variables = variables_of(stored(**changes), None)
    return mapped_row(mapping(*rows), variables, entity=ENTITY, context=COPENHAGEN)


def codes(*rows: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    found = check_mapping(mapping(*rows, **more), DECLARED, entity=ENTITY)
    return [(one.place, one.code) for one in found]


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("answers.nps", "f_integer", 9),
        ("answers.nps", "f_number", "9"),
        ("answers.nps", "f_text", "9"),
        ("answers.nps", "f_choice", "9"),
        ("answers.rating", "f_integer", 4),
        ("answers.amount", "f_number", "12.5"),
        ("answers.amount", "f_text", "12.50"),
        ("answers.took", "f_integer", 330),
        ("answers.channel", "f_choice", "shop"),
        ("answers.channel", "f_multi_choice", ("shop",)),
        ("answers.channel.label", "f_text", "Shop"),
        ("answers.topics", "f_multi_choice", ("P", "staff")),
        ("answers.topics", "f_text", "price, staff"),
        ("answers.topics.label", "f_long_text", "Price, Staff, parking"),
        ("answers.why", "f_text", "Friendly 🙂"),
        ("answers.story", "f_long_text", "Line one\nline two"),
        ("answers.when", "f_date", "2026-11-20"),
        ("answers.when", "f_datetime", "2026-11-19T23:00:00Z"),
        ("answers.when", "f_text", "2026-11-20"),
        ("answers.at", "f_datetime", "2026-11-20T09:00:00Z"),
        ("answers.at", "f_date", "2026-11-20"),
        ("answers.photo", "f_url", "https://files.example/a.jpg"),
        ("answers.sign", "f_url", "https://files.example/s.png"),
        ("answers.sign", "f_text", "https://files.example/s.png"),
        ("answers.grid", "f_long_text", "Staff: Good\nrow_price: Bad, dear"),
        ("answers.grid", "f_text", "Staff: Good; row_price: Bad, dear"),
        ("answers.grid.row_staff", "f_choice", "good"),
        ("answers.order", "f_text", "b > a"),
        ("answers.order", "f_multi_choice", ("b", "a")),
        ("answers.agree", "f_boolean", False),
        ("answers.agree", "f_text", "false"),
        ("hidden.store", "f_integer", 42),
        ("contact.email", "f_email", "c7@example.test"),
        ("contact.phone", "f_phone", "+4512345678"),
        ("response.answered_at", "f_date", "2026-11-22"),
        ("computed.score_class", "f_choice", "promoter"),
    ],
)
def test_every_kind_of_answer_goes_into_typed_fields(
    variable: str, field: str, value: FieldValue
) -> None:
    found = mapped(row(variable, field))
    assert found.problems == ()
    assert dict(found.values) == {field: value}
    assert type(found.values[field]) is type(value)


def test_a_row_says_whom_it_is_about_and_what_it_used() -> None:
    found = mapped(row("answers.nps", "f_integer"), row("answers.topics.label", "f_text"))
    assert (found.match_field, found.match_value) == ("email", "c7@example.test")
    assert found.used == frozenset({"nps", "topics"})


def test_transformations_stand_between_answer_and_field() -> None:
    found = mapped(row("contact.phone", "f_phone", {"name": "phone_national"}))
    assert found.values == {"f_phone": "12345678"}


def test_a_choice_label_is_known_to_its_transformation() -> None:
    found = mapped(row("answers.topics", "f_text", {"name": "choice_label"}))
    assert found.values == {"f_text": "Price, Staff"}


def test_an_unanswered_question_leaves_its_field_alone() -> None:
    assert mapped(row("answers.absent", "f_text")).values == {}


@pytest.mark.parametrize(
    "answer", [{"type": "text", "value": " "}, {"type": "multi_choice", "value": []}]
)
def test_a_blank_answer_counts_as_unanswered(answer: dict[str, Any]) -> None:
    found = mapped(row("answers.q", "f_text"), answers={"q": answer})
    assert found.values == {}
    assert found.used == frozenset()


def test_a_missing_answer_clears_or_defaults_only_when_told() -> None:
    found = mapped(
        row("answers.absent", "f_text", when_missing="clear"),
        row("answers.absent", "f_integer", when_missing="default", default="7"),
    )
    assert found.values == {"f_text": None, "f_integer": 7}


def test_only_if_present_beats_clear() -> None:
    found = mapped(
        row("answers.absent", "f_text", {"name": "only_if_present"}, when_missing="clear")
    )
    assert found.values == {}


def test_a_field_to_be_kept_is_named_where_it_has_a_value() -> None:
    found = mapped(
        row("answers.nps", "f_integer", when_present="keep"),
        row("answers.absent", "f_text", when_present="keep"),
    )
    assert found.keep == frozenset({"f_integer"})


@pytest.mark.parametrize(
    ("variable", "field", "code"),
    [
        ("answers.why", "f_integer", "not_a_number"),
        ("answers.amount", "f_integer", "not_whole"),
        ("answers.why", "f_boolean", "not_true_or_false"),
        ("answers.why", "f_date", "not_a_date"),
        ("answers.topics", "f_choice", "several_values"),
        ("answers.nps", "blob", "type_unsupported"),
        ("answers.nps", "gone", "unknown_field"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem_and_its_neighbours_are_written(
    variable: str, field: str, code: str
) -> None:
    found = mapped(row(variable, field), row("answers.nps", "f_text"))
    assert [(one.place, one.field, one.code) for one in found.problems] == [
        ("rows[0]", field, code)
    ]
    assert found.values == {"f_text": "9"}


def test_a_problem_never_quotes_the_answer() -> None:
    found = mapped(row("answers.why", "f_integer"), row("answers.why", "f_text", {"name": "round"}))
    assert [one.code for one in found.problems] == ["not_a_number", "transform_failed"]
    assert not [one for one in found.problems if "Friendly" in one.message]


def test_a_response_that_says_not_whom_it_is_about_has_no_match() -> None:
    found = mapped(row("answers.nps", "f_integer"), respondent={"anonymous": True})
    assert found.match_value is None
    assert [one.code for one in found.problems] == ["match_missing"]


def test_a_sound_mapping_has_no_problem() -> None:
    assert codes(row("answers.nps", "f_integer"), row("hidden.anything", "f_text")) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (row("answers.npz", "f_integer"), "unknown_variable"),
        (row("answers.nps", "f_intger"), "unknown_field"),
        (row("response.answered_at", "created"), "read_only"),
        (row("answers.nps", "blob"), "type_unfit"),
        (row("answers.nps", "f_date"), "type_unfit"),
        (row("answers.agree", "f_integer"), "type_unfit"),
        (row("answers.grid", "f_multi_choice"), "type_unfit"),
        (row("answers.topics", "f_integer"), "type_unfit"),
        (row("answers.nps", "f_text", {"name": "shout"}), "transform_invalid"),
        (row("answers.nps", "f_text", {"name": "cut"}), "transform_invalid"),
        (
            row("answers.nps", "f_text", {"name": "cel", "expression": "answers.x"}),
            "transform_invalid",
        ),
        (row("answers.nps", "f_integer", when_missing="default", default="x"), "default_unfit"),
        (row("answers.nps", "f_number", when_missing="default", default=1.5), "default_unfit"),
        (row("answers.nps", "f_text", when_missing="default"), "default_unfit"),
    ],
)
def test_a_broken_row_is_refused_when_saved_by_its_place(wrong: dict[str, Any], code: str) -> None:
    assert codes(row("answers.why", "f_long_text"), wrong) == [("rows[1]", code)]


def test_a_typo_gets_a_suggestion() -> None:
    body = mapping(row("answers.npz", "f_intger"))
    messages = " ".join(one.message for one in check_mapping(body, DECLARED, entity=ENTITY))
    assert "did you mean answers.nps?" in messages
    assert "did you mean f_integer?" in messages


def test_a_field_that_identifies_nobody_is_refused() -> None:
    identify = {"variable": "contact.email", "field": "last_name"}
    assert codes(row("answers.nps", "f_integer"), identify=identify) == [
        ("identify", "not_identifying")
    ]


def test_an_operation_the_app_cannot_do_is_refused() -> None:
    body = mapping(row("answers.nps", "f_integer"), operation="upsert")
    found = check_mapping(body, DECLARED, entity=ENTITY, operations=("update",))
    assert ("operation", "operation_unsupported") in [(one.place, one.code) for one in found]


def test_files_are_refused_where_none_can_hang_on_what_is_made() -> None:
    body = mapping(row("answers.nps", "f_integer"), files="record")
    found = check_mapping(body, DECLARED, entity=ENTITY, takes_files=False)
    assert [(one.place, one.code) for one in found] == [("files", "files_unsupported")]
    assert check_mapping(body, DECLARED, entity=ENTITY) == ()


@pytest.mark.parametrize(("word", "refused"), [("crm_link", True), ("hub_link", False)])
def test_a_link_into_an_app_that_takes_no_files_is_refused_and_ours_is_offered(
    word: str, *, refused: bool
) -> None:
    (files,) = [key for key, kind in SHAPE.questions.items() if kind == "file"][:1]
    name = f"answers.{files}.{word}"
    found = check_mapping(
        mapping(row(name, "f_text")), {**DECLARED, name: Kind.TEXT}, entity=ENTITY,
        links_files=False,
    )  # fmt: skip
    assert [(one.place, one.code) for one in found] == (
        [("rows[0]", "files_unsupported")] if refused else []
    )
    assert all(f"answers.{files}.hub_link" in one.message for one in found)


@pytest.mark.parametrize(
    ("app", "takes", "not_takes"),
    [
        ("hubspot", ("contacts", "deals", "companies", "p1_visit"), ("tickets",)),
        ("odoo", ("res.partner", "crm.lead", "x_visit"), ("mail.activity",)),
        ("salesforce", ("Contact", "Case", "Visit__c"), ()),
        ("zendesk", ("users", "tickets"), ("organizations", "visit")),
        ("splio", (), ("contacts",)),
    ],
)
def test_where_files_can_hang_is_said_by_each_app(
    app: str, takes: tuple[str, ...], not_takes: tuple[str, ...]
) -> None:
    traits = traits_of(app)
    assert [one for one in (*takes, *not_takes) if traits.takes_files(one)] == list(takes)


@pytest.mark.parametrize(
    ("field", "code"),
    [("f_reference", None), ("f_text", "type_unfit"), ("created", "read_only"),
     ("gone", "unknown_field")],
)  # fmt: skip
def test_a_link_is_refused_by_its_place_unless_its_field_refers(
    field: str, code: str | None
) -> None:
    found = codes(row("answers.nps", "f_integer"), links={"contact": field})
    assert found == ([("links/contact", code)] if code else [])


def test_a_field_that_a_row_writes_is_no_link() -> None:
    with pytest.raises(ValidationError, match="f_reference"):
        mapping(row("answers.nps", "f_reference"), links={"company": "f_reference"})


def warned(field: Field, *rows: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """What is said about a list of which the record type Partner offers only P."""
    narrow = dataclasses.replace(field, offered=(("Partner", ("P",)),))
    fields = tuple(narrow if one.name == field.name else one for one in ENTITY.fields)
    entity = dataclasses.replace(ENTITY, fields=fields)
    found = check_mapping(mapping(*rows), DECLARED, entity=entity)
    return [(one.place, one.message, one.warning) for one in found]


CHOICE = ENTITY.by_name()["f_choice"]
MAPPED = {"name": "map_values", "values": {"shop": "P", "web": "staff"}, "otherwise": "fail"}


def test_an_option_that_a_record_type_does_not_offer_is_a_warning() -> None:
    text = "f_choice: records of the type Partner do not offer staff"
    assert warned(CHOICE, row("answers.channel", "f_choice")) == [("rows[0]", text, True)]
    assert warned(CHOICE, row("answers.channel", "f_choice", MAPPED)) == [("rows[0]", text, True)]


def test_only_the_options_a_row_can_write_are_looked_at() -> None:
    step = {**MAPPED, "values": {"shop": "P"}}
    assert warned(CHOICE, row("answers.channel", "f_choice", step)) == []
    late = row("answers.channel", "f_choice", step, when_missing="default", default="staff")
    assert len(warned(CHOICE, late)) == 1


def test_a_list_that_takes_any_value_is_not_warned_of() -> None:
    assert (
        warned(dataclasses.replace(CHOICE, closed=False), row("answers.channel", "f_choice")) == []
    )


def test_every_kind_and_every_type_of_field_is_decided() -> None:
    assert FITS.keys() == set(Kind)
    assert {one.kind for one in variables_of(stored(), None).values()} <= FITS.keys()
    assert "contact.email" in STANDARD


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=30),
        st.decimals().map(str),
        st.datetimes().map(lambda at: at.isoformat() + "Z"),
        st.dates().map(lambda day: day.isoformat()),
        st.lists(st.text(max_size=9), max_size=3).map(tuple),
    ),
    st.sampled_from(list(FieldType)),
    st.sampled_from(list(Kind)),
)
def test_any_value_fits_canonically_or_is_refused(
    value: FieldValue, wanted: FieldType, kind: Kind
) -> None:
    field = Field("f", "F", wanted)
    try:
        found = fitted(value, kind, field=field, zone="Europe/Copenhagen")
    except Unfit:
        return
    again = fitted(found, kind, field=field, zone="Europe/Copenhagen")
    assert again == found
