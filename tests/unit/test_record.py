"""The record schema: a bad value is refused before any call, with field, kind of value and rule."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fields import Entity, Field, FieldType, Option, entity_from_json, entity_to_json
from schemas.record import compile_record_schema, refusals, schema_digest

A = Option("a", "A")
ENTITY = Entity(
    "contacts",
    "Contact",
    (
        Field("text", "Text", FieldType.TEXT, max_length=5),
        Field("email", "E-mail", FieldType.EMAIL, required=True),
        Field("url", "Page", FieldType.URL),
        Field("whole", "Whole", FieldType.INTEGER, max_digits=2),
        Field("number", "Number", FieldType.NUMBER, max_digits=5, max_scale=2),
        Field("yes", "Yes", FieldType.BOOLEAN),
        Field("day", "Day", FieldType.DATE),
        Field("moment", "Moment", FieldType.DATETIME),
        Field("one", "One", FieldType.CHOICE, options=(A, Option("z", "Z", active=False))),
        Field("open", "Open", FieldType.CHOICE, closed=False),
        Field("many", "Many", FieldType.MULTI_CHOICE, options=(A, Option("b", "B"))),
        Field("fixed", "Fixed", FieldType.TEXT, creatable=True, updatable=False),
        Field("blob", "Blob", FieldType.OTHER),
    ),
)
SCHEMA = compile_record_schema(ENTITY)()


def rule(field: str, value: Any, *, creating: bool = False) -> str | None:
    found = {one.field: one for one in refusals(SCHEMA, ENTITY, {field: value}, creating=creating)}
    return found[field].rule if field in found else None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "12345"), ("text", None), ("email", "c@example.test"), ("url", "https://a.example/x"),
        ("whole", 99), ("whole", -5), ("number", "123.45"), ("number", 7), ("yes", False),
        ("day", "2024-02-29"), ("moment", "2026-11-22T01:02:03Z"), ("one", "a"), ("open", "new"),
        ("many", ("a", "b")), ("many", ()),
    ],
)  # fmt: skip
def test_a_fitting_value_passes(field: str, value: Any) -> None:
    assert rule(field, value) is None


@pytest.mark.parametrize(
    ("field", "value", "broken"),
    [
        ("text", "123456", "too_long"), ("text", 5, "type"), ("email", "c@example", "not_an_email"),
        ("url", "ftp://a", "not_a_url"), ("whole", 100, "too_many_digits"), ("whole", "9", "type"),
        ("whole", True, "type"), ("number", "1234.5", "too_many_digits"),
        ("number", "1.234", "too_many_decimals"), ("number", "nine", "type"),
        ("number", 1.5, "type"),
        ("yes", "true", "type"), ("day", "2026-02-30", "not_a_date"), ("day", "22.11.2026", "type"),
        ("moment", "2026-11-22T25:00:00Z", "not_a_date"), ("moment", "2026-11-22", "type"),
        ("one", "b", "unknown_option"), ("one", "z", "unknown_option"),
        ("many", ("a", "c"), "unknown_option"),
        ("many", "a", "type"), ("fixed", "x", "read_only"), ("blob", "x", "not_writable"),
        ("gone", "x", "unknown_field"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_its_rule(field: str, value: Any, broken: str) -> None:
    assert rule(field, value) == broken


def test_a_refusal_names_field_and_rule_and_never_the_value() -> None:
    (one,) = refusals(SCHEMA, ENTITY, {"whole": "canary"}, creating=False)
    assert one.field == "whole"
    assert "Whole takes integer" in one.message
    assert "canary" not in one.message


def test_a_create_needs_what_is_required() -> None:
    (one,) = refusals(SCHEMA, ENTITY, {"text": "x"}, creating=True)
    assert (one.field, one.rule) == ("email", "required")


def test_a_field_that_only_a_create_may_set_is_accepted_there() -> None:
    assert rule("fixed", "x", creating=True) is None


def test_the_digest_follows_the_rules_and_not_their_order() -> None:
    turned = Entity(ENTITY.name, ENTITY.label, tuple(reversed(ENTITY.fields)))
    text = Field("text", "Text", FieldType.TEXT, max_length=4)
    shorter = Entity(ENTITY.name, ENTITY.label, (text,))
    assert schema_digest(turned) == schema_digest(ENTITY)
    assert schema_digest(shorter) != schema_digest(ENTITY)


def test_definitions_survive_being_stored() -> None:
    assert entity_from_json(entity_to_json(ENTITY)) == ENTITY
