"""Salesforce's shapes as the adapter reads them: recorded answers, values, odd answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PauseMapping
from adapters.salesforce.refusals import call_error, retry_after_s, row_outcome
from adapters.values import Outcome, Row, Status
from schemas.fields import Field, FieldType, FieldValue
from schemas.salesforce import (
    Complaint,
    Unreadable,
    complaints_in,
    entity_of,
    field_of,
    from_native,
    page_of,
    row_results,
    to_native,
)
from tests.adapters.salesforce_org import definitions
from tests.simulators.conformance import Exchange, recorded

# --- recorded answers -----------------------------------------------------------------------------


def answered(kind: str) -> list[Exchange]:
    found = [one for one in recorded("salesforce") if kind in one.target]
    assert found
    return found


def test_a_recorded_describe_is_an_entity_with_its_fields() -> None:
    (one,) = answered("/describe")
    entity = entity_of(one.answer)
    parent = entity.field("CustomObject__c")
    assert (entity.name, entity.custom, len(entity.fields)) == ("CustomObjectDetail__c", True, 9)
    assert parent is not None
    assert (parent.type, parent.required) == (FieldType.REFERENCE, True)


def test_recorded_queries_are_pages_of_readable_records() -> None:
    pages = [page_of(one.answer) for one in answered("/query")]
    assert sum(len(page.records) for page in pages) > 5
    assert {page.next_url for page in pages} == {None}
    assert all("Id" in record for page in pages for record in page.records)


def test_a_recorded_refusal_is_a_record_that_is_gone() -> None:
    gone = [one for one in answered("/sobjects/") if one.status == 404]
    told = [complaints_in(one.answer) for one in gone]
    assert {each.code for complaints in told for each in complaints} == {"ENTITY_IS_DELETED"}
    outcome = row_outcome(Row("k1", {}, "003"), told[0])
    assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")


# --- values ---------------------------------------------------------------------------------------


def field(kind: FieldType) -> Field:
    return Field("F__c", "F", kind)


def through_json(value: object) -> Any:
    return json.loads(json.dumps(value), parse_float=Decimal)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_survives_the_way_there_and_back(number: Decimal) -> None:
    told = f"{number.normalize():f}"
    native = through_json(to_native(field(FieldType.NUMBER), told))
    assert from_native(field(FieldType.NUMBER), native) == told


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_a_whole_number_survives_as_the_double_it_comes_back_as(number: int) -> None:
    native = through_json(float(str(to_native(field(FieldType.INTEGER), number))))
    assert from_native(field(FieldType.INTEGER), native) == number


@given(st.lists(st.text(st.characters(exclude_characters=";"), min_size=1), unique=True))
def test_choices_survive(choices: list[str]) -> None:
    kind = field(FieldType.MULTI_CHOICE)
    assert from_native(kind, to_native(kind, tuple(choices))) == tuple(choices)


@pytest.mark.parametrize(
    ("kind", "native", "value"),
    [
        (FieldType.DATETIME, "2026-11-22T05:30:00.000+0100", "2026-11-22T04:30:00Z"),
        (FieldType.DATE, "2026-11-22", "2026-11-22"),
        (FieldType.LONG_TEXT, "a\r\nb", "a\nb"),
        (FieldType.NUMBER, Decimal("1E+2"), "100"),
        (FieldType.MULTI_CHOICE, None, None),
        (FieldType.TEXT, None, None),
        (FieldType.OTHER, {"city": "Aarhus"}, "{'city': 'Aarhus'}"),
    ],
)
def test_a_stored_value_is_read_in_its_canonical_form(
    kind: FieldType, native: object, value: FieldValue
) -> None:
    assert from_native(field(kind), native) == value


@pytest.mark.parametrize(
    ("kind", "native"),
    [
        (FieldType.INTEGER, Decimal("1.5")),
        (FieldType.INTEGER, "many"),
        (FieldType.BOOLEAN, "true"),
        (FieldType.DATETIME, "yesterday"),
        (FieldType.MULTI_CHOICE, ["a"]),
    ],
)
def test_a_value_of_the_wrong_kind_is_unreadable_and_not_shown(
    kind: FieldType, native: object
) -> None:
    with pytest.raises(Unreadable) as raised:
        from_native(field(kind), native)
    assert str(native) not in str(raised.value)


def test_a_checkbox_is_cleared_by_false_because_it_has_no_null() -> None:
    assert to_native(field(FieldType.BOOLEAN), None) is False
    assert to_native(field(FieldType.TEXT), None) is None


# --- describes ------------------------------------------------------------------------------------


def test_the_definitions_say_what_may_be_written_and_how() -> None:
    contact = definitions()["Contact"].by_name()
    assert (contact["LastName"].required, contact["LastName"].max_length) == (True, 80)
    assert (contact["Email"].identifies, contact["Email"].unique) == (True, False)
    assert (contact["NPSToday_Key__c"].identifies, contact["NPSToday_Key__c"].unique) == (
        True,
        True,
    )
    assert (contact["NPS_Score__c"].type, contact["NPS_Score__c"].max_digits) == (
        FieldType.INTEGER,
        2,
    )
    assert (contact["Basket_Value__c"].max_digits, contact["Basket_Value__c"].max_scale) == (12, 2)
    assert contact["Satisfaction__c"].closed
    assert not contact["NPSToday_Tags__c"].closed
    assert not contact["Survey_Label__c"].updatable
    assert contact["MailingAddress"].type is FieldType.OTHER
    assert "Internal_Rating__c" not in contact
    assert not contact["Would_Recommend__c"].required


def test_a_retired_option_is_kept_as_inactive() -> None:
    told = {
        "name": "P__c", "label": "P", "type": "picklist", "restrictedPicklist": True,
        "picklistValues": [{"value": "old", "label": "Old", "active": False}],
    }  # fmt: skip
    (option,) = field_of(told).options
    assert (option.value, option.label, option.active) == ("old", "Old", False)


def test_a_type_nobody_knows_is_seen_but_not_writable_through_a_mapping() -> None:
    assert field_of({"name": "X", "label": "X", "type": "hologram"}).type is FieldType.OTHER


# --- odd answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [None, {}, "x", [], [1], [{"id": "003"}], [{"success": True}], [{"success": "yes", "id": "1"}]],
)
def test_results_that_do_not_say_what_happened_are_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable):
        row_results(answer, 1)


@pytest.mark.parametrize(
    "answer", [None, [], "x", {"records": None}, {"done": False, "records": []}]
)
def test_a_page_without_records_or_place_is_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable):
        page_of(answer)


@pytest.mark.parametrize("answer", [None, {}, {"name": "x", "label": "x"}, {"fields": [1]}])
def test_a_describe_that_lacks_a_part_is_unreadable(answer: Any) -> None:
    with pytest.raises(Unreadable):
        entity_of(answer or {})


def test_a_refusal_may_be_a_list_a_bare_error_or_nothing() -> None:
    error = {"errorCode": "X", "message": "m"}
    assert complaints_in([error]) == complaints_in(error) == (Complaint("X", "m"),)
    assert complaints_in("<html>") == complaints_in(None) == complaints_in([]) == ()


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        ("7", 7.0),
        ("Sun, 22 Nov 2026 04:31:00 GMT", 60.0),
        ("Sun, 22 Nov 2020 04:31:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_a_time_to_wait_is_read_in_both_forms(told: str, wait_s: float | None) -> None:
    now_s = 1_795_321_800.0  # Sun, 22 Nov 2026 04:30:00 GMT
    assert retry_after_s({"Retry-After": told}, now_s) == wait_s


def test_a_storage_that_is_full_pauses() -> None:
    told = (Complaint("STORAGE_LIMIT_EXCEEDED"),)
    assert isinstance(call_error(400, told, {}, writing=True, now_s=0), PauseMapping)
    assert isinstance(row_outcome(Row("k", {}, "1"), told), Outcome)
