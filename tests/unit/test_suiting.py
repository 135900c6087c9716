"""What respondents can answer, held against the fields it is written into; what one click mends."""

from __future__ import annotations

from typing import Any

import pytest

from connector.admin.mapping_ready import RULES, WHERE, WHO
from connector.responses.configuration.mending import mended
from connector.responses.configuration.remedies import PAGES, REMEDIES, page_of
from connector.responses.configuration.suiting import (
    answerable,
    required_problems,
    value_problems,
)
from connector.responses.transforms import Context
from schemas.fields import Entity, Field, FieldType, Option

YES_NO = (Option("Y", "Yes"), Option("N", "No"))
ENTITY = Entity(
    "contacts",
    "Contact",
    (
        Field("email", "Email", FieldType.EMAIL, identifies=True, required=True),
        Field("last", "Last name", FieldType.TEXT, required=True),
        Field("again", "Again", FieldType.CHOICE, options=YES_NO),
        Field("open", "Open", FieldType.CHOICE, options=YES_NO, closed=False),
        Field("many", "Many", FieldType.MULTI_CHOICE, options=YES_NO),
        Field("score", "Score", FieldType.INTEGER, max_digits=1),
        Field("digits", "Digits", FieldType.INTEGER),
        Field("short", "Short", FieldType.TEXT, max_length=4),
        Field("text", "Text", FieldType.TEXT, max_length=255),
    ),
)
SURVEY = {
    "questions": [
        {"key": "nps", "type": "nps"},
        {"key": "why", "type": "text"},
        {"key": "tale", "type": "long_text"},
        {"key": "fine", "type": "single_choice", "options": [{"value": "Y"}, {"value": "N"}]},
        {
            "key": "again",
            "type": "single_choice",
            "options": [{"value": "yes", "label": "Yes"}, {"value": "perhaps", "label": "Perhaps"}],
        },
        {"key": "said", "type": "multi_choice", "options": [{"value": "1", "label": "No"}]},
        {
            "key": "grid",
            "type": "matrix",
            "options": [{"value": "good"}],
            "rows": [{"value": "staff"}],
        },
    ]
}
KNOWN = answerable([SURVEY])


def row(variable: str, field: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"when_missing": "skip", "when_present": "overwrite", "default": None, **more}
    return {"variable": variable, "field": field, "transforms": list(steps), **given}


def body(*rows: dict[str, Any], operation: str = "update") -> dict[str, Any]:
    identify = {"variable": "contact.email", "field": "email", "transforms": []}
    return {"operation": operation, "identify": identify, "rows": list(rows)}


def found(*rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    problems = value_problems(body(*rows), entity=ENTITY, known=KNOWN, context=Context())
    return [(one.code, one.place, one.message.rpartition(": ")[2]) for one in problems]


def table(otherwise: str = "fail", **values: str) -> dict[str, Any]:
    return {"name": "map_values", "values": values, "otherwise": otherwise}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (row("answers.fine", "again"), []),
        (row("answers.again", "again"), [("option_uncovered", "yes, perhaps")]),
        (row("answers.again", "again", table(yes="Y")), [("option_uncovered", "perhaps")]),
        (row("answers.again", "again", table(yes="Y", perhaps="N")), []),
        (row("answers.again", "again", table("default", yes="Y")), []),
        (row("answers.again", "again", table(yes="Z", perhaps="N")), [("option_uncovered", "yes")]),
        (row("answers.again", "open"), []),
        (row("answers.said", "many"), [("option_uncovered", "1")]),
        (row("answers.grid.staff", "many"), [("option_uncovered", "good")]),
        (row("answers.nps", "score"), [("value_unfit", "10")]),
        (row("answers.nps", "digits"), []),
        (row("answers.again", "digits"), [("value_unfit", "yes, perhaps")]),
        (row("answers.again", "short"), [("too_long", "perhaps")]),
        (row("answers.again", "short", {"name": "cut", "length": 4}), []),
        (row("computed.score_class", "short"), [("too_long", "promoter, passive, detractor")]),
        (row("answers.again", "again", {"name": "cel", "expression": "'Y'"}), []),
        (row("answers.again", "nowhere"), []),
        (row("contact.email", "short"), []),
    ],
)
def test_every_known_answer_is_tried_on_its_field(
    one: dict[str, Any], said: list[tuple[str, str]]
) -> None:
    assert found(one) == [(code, "rows[0]", listed) for code, listed in said]


@pytest.mark.parametrize(
    ("variable", "field", "warned"),
    [
        ("answers.why", "short", True),
        ("answers.why", "text", False),
        ("answers.tale", "text", True),
        ("answers.tale", "digits", False),
    ],
)
def test_texts_that_may_be_longer_than_the_field_are_a_warning(
    variable: str, field: str, *, warned: bool
) -> None:
    problems = list(
        value_problems(body(row(variable, field)), entity=ENTITY, known=KNOWN, context=Context())
    )
    assert [(one.code, one.warning) for one in problems] == [("may_be_too_long", True)] * warned
    cut = row(variable, field, {"name": "cut", "length": 4})
    assert found(cut) == []


@pytest.mark.parametrize(
    ("rows", "operation", "brought", "said"),
    [
        ([], "create", (), [("required_uncovered", False)]),
        ([], "upsert", (), [("required_uncovered", False)]),
        ([], "upsert", ("last",), [("required_uncovered", True)]),
        ([], "update", (), []),
        ([row("contact.last_name", "last")], "upsert", (), [("required_may_lack", True)]),
        ([row("campaign.id", "last")], "upsert", (), []),
        ([row("contact.email", "last")], "upsert", (), []),
        ([row("x", "last", when_missing="default", default="-")], "create", (), []),
        ([row("campaign.id", "last", when_missing="clear")], "create", (),
         [("required_may_lack", True)]),
    ],
)  # fmt: skip
def test_what_a_new_record_needs_is_asked_for(
    rows: list[dict[str, Any]],
    operation: str,
    brought: tuple[str, ...],
    said: list[tuple[str, bool]],
) -> None:
    problems = required_problems(body(*rows, operation=operation), ENTITY, brought)
    assert [(one.code, one.warning) for one in problems] == said


def mend(code: str, one: dict[str, Any]) -> Any:
    fixed = mended(body(one), code, 0, entity=ENTITY, known=KNOWN, context=Context())
    return fixed and fixed["rows"][0]["transforms"]


def test_one_click_cuts_and_maps_what_is_alike_and_guesses_nothing() -> None:
    cut = {"name": "cut", "length": 4, "count": "units"}
    assert mend("may_be_too_long", row("answers.why", "short")) == [cut]
    mapped = [{"name": "map_values", "values": {"1": "N"}, "otherwise": "keep"}]
    assert mend("option_uncovered", row("answers.said", "many")) == mapped
    # Nothing in the CRM is called like "perhaps": a person has to decide.
    assert mend("option_uncovered", row("answers.again", "again")) is None
    assert mend("unknown_field", row("answers.why", "short")) is None


def test_a_table_that_lacks_one_keeps_what_it_has() -> None:
    known = row("answers.again", "again", table(perhaps="N"))
    assert mend("option_uncovered", known) == [table(perhaps="N", yes="Y")]


def test_what_is_mended_is_found_no_more() -> None:
    for code, one in (("too_long", row("answers.again", "short")),
                      ("option_uncovered", row("answers.said", "many"))):  # fmt: skip
        assert found({**one, "transforms": mend(code, one)}) == []


def test_every_rule_has_its_words_and_its_place() -> None:
    assert set(RULES) == set(REMEDIES)
    assert {one.who for one in REMEDIES.values()} == set(WHO)
    assert {one.where for one in REMEDIES.values()} == set(PAGES) == set(WHERE)


def test_a_place_that_cannot_be_named_leads_to_the_next_above() -> None:
    assert page_of("row", {"mapping": 3, "row": 2}) == "mappings/3/rows/2"
    assert page_of("row", {"mapping": 3, "row": None}) == "mappings/3"
    assert page_of("row", {"mapping": None, "row": 2}) == "mappings"
    assert page_of("audience", {"campaign": None}) == "campaigns"
