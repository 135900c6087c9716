"""HubSpot's text values and our canonical ones are the same thing in two forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FieldType, FieldValue
from schemas.hubspot import canonical_of, entity_of, native, type_of

words = st.text(st.characters(exclude_characters=";", exclude_categories=["Cs"]), min_size=1)
ROUND_TRIPS: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.TEXT: words,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.NUMBER: st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    FieldType.DATE: st.dates().map(lambda day: day.isoformat()),
    FieldType.MULTI_CHOICE: st.lists(words, min_size=1).map(tuple),
}


@pytest.mark.parametrize("kind", ROUND_TRIPS, ids=str)
@given(data=st.data())
def test_a_value_comes_back_as_it_went(kind: FieldType, data: st.DataObject) -> None:
    value: FieldValue = data.draw(ROUND_TRIPS[kind])
    assert canonical_of(kind, native(value)) == value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.DATETIME, "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        (FieldType.DATETIME, "2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00Z"),
        (FieldType.DATETIME, "2026-11-22T10:00:00.500Z", "2026-11-22T10:00:00.500Z"),
        (FieldType.DATETIME, "1795341600500", "2026-11-22T10:00:00.500Z"),
        (FieldType.DATE, "1795305600000", "2026-11-22"),
        (FieldType.TEXT, "", None),
        (FieldType.NUMBER, None, None),
        (FieldType.BOOLEAN, "false", False),
        (FieldType.MULTI_CHOICE, ";a;b", ("a", "b")),
    ],
)
def test_what_the_portal_tells_is_canonical(
    kind: FieldType, text: str | None, value: FieldValue
) -> None:
    assert canonical_of(kind, text) == value


def test_a_list_never_begins_with_the_sign_that_appends() -> None:
    assert native(("", "a", "b")) == "a;b"
    assert native(()) == ""
    assert native(None) == ""


@pytest.mark.parametrize(
    ("kind", "shown", "meant"),
    [
        ("string", "text", FieldType.TEXT),
        ("string", "html", FieldType.LONG_TEXT),
        ("string", "file", FieldType.OTHER),
        ("string", "calculation_equation", FieldType.TEXT),
        ("datetime", "date", FieldType.DATETIME),
        ("date", "date", FieldType.DATE),
        ("enumeration", "booleancheckbox", FieldType.BOOLEAN),
        ("enumeration", "checkbox", FieldType.MULTI_CHOICE),
        ("enumeration", "radio", FieldType.CHOICE),
        ("object_coordinates", "text", FieldType.OTHER),
        ("json", "text", FieldType.OTHER),
    ],
)
def test_a_propertys_two_types_tell_what_it_means(kind: str, shown: str, meant: FieldType) -> None:
    assert type_of({"type": kind, "fieldType": shown}) is meant


def test_a_property_kept_elsewhere_is_a_reference_whatever_its_type() -> None:
    owner = {"type": "enumeration", "fieldType": "select", "externalOptions": True}
    assert type_of(owner) is FieldType.REFERENCE


def test_removed_properties_and_odd_definitions_do_no_harm() -> None:
    told: list[dict[str, Any]] = [
        {"name": "gone", "archived": True},
        {"name": "bare", "type": "string", "fieldType": "text"},
        {"name": "email", "type": "string", "fieldType": "text"},
    ]
    contact, company = entity_of("contacts", told), entity_of("companies", told)
    assert [one.name for one in contact.fields] == ["bare", "email"]
    assert contact.by_name()["email"].type is FieldType.EMAIL
    assert contact.by_name()["bare"].updatable
    # Only a contact is known by its e-mail address.
    assert not company.by_name()["email"].identifies
    assert entity_of("2-123", told).custom


def test_a_hidden_option_is_kept_but_not_offered() -> None:
    options = [{"value": "a", "label": "A"}, {"value": "b", "label": "B", "hidden": True}]
    one = {"name": "x", "type": "enumeration", "fieldType": "select", "options": options}
    (field,) = entity_of("contacts", [one]).fields
    assert [(each.value, each.active) for each in field.options] == [("a", True), ("b", False)]
