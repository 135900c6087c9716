"""Definitions, finding and writing: HubSpot judges each row, and so does its adapter."""

# ruff: noqa: F811 - pytest finds the imported fixtures by their names

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import (
    BatchRefused,
    OutcomeUnknown,
    PauseMapping,
    TryLater,
)
from adapters.hubspot.traits import TAG_FIELD, TRAITS
from adapters.values import Batch, Operation, Row, Status, TagOptions
from schemas.fields import FieldType
from tests.adapters.contract import Bench, people
from tests.adapters.hubspot_bench import (  # noqa: F401
    READ,
    UPDATE,
    bench,
    definitions,
    hubspot,
    update,
    update_first,
)


def test_the_probe_learns_the_time_zone(bench: Bench) -> None:
    identity = hubspot(bench).probe()
    assert identity.account_id == "14200142"
    assert identity.learnt == {"time_zone": "Europe/Copenhagen"}


def test_definitions_tell_what_can_be_written(bench: Bench) -> None:
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    fields = contact.by_name()
    assert not fields["nps_trend"].updatable
    assert not fields["hs_object_id"].updatable
    assert fields["nps_signature"].type is FieldType.OTHER
    assert fields["customer_number"].identifies
    assert [one.value for one in fields["nps_segment"].options] == [
        "promoter",
        "passive",
        "detractor",
    ]
    assert fields["nps_comment"].max_length == 65_536


def test_required_properties_stand_in_the_schema(bench: Bench) -> None:
    bench.control("options", {"required_rules": {"contacts": ["nps_segment"]}})
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    assert [one.name for one in contact.fields if one.required] == ["nps_segment"]


def test_kinds_the_token_may_not_see_are_left_out(bench: Bench) -> None:
    bench.control("options", {"removed_scopes": ["tickets"]})
    assert [one.name for one in hubspot(bench).entities()] == ["contacts", "companies", "deals"]


def test_a_merged_id_answers_with_the_survivor_in_one_call(bench: Bench) -> None:
    first, second, third = bench.seed(people(3))
    bench.control("seed", {"merge": [[first, second]]})
    adapter = hubspot(bench)
    before = len(bench.calls())
    found = adapter.find("contacts", TRAITS.id_field, [second, third], want=["email"])
    assert [one.remote_id for one in found[second]] == [first]
    assert [one.remote_id for one in found[third]] == [third]
    assert len(bench.calls()) - before == 1


def test_a_unique_property_finds_as_the_email_does(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    update(bench, Row("k1", {"customer_number": "K-1"}, first))
    found = hubspot(bench).find("contacts", "customer_number", ["K-1", "K-2"], want=[])
    assert [one.remote_id for one in found["K-1"]] == [first]
    assert found["K-2"] == ()


def test_a_property_that_is_not_unique_cannot_find(bench: Bench) -> None:
    with pytest.raises(PauseMapping) as raised:
        hubspot(bench).find("contacts", "lastname", ["Hansen"], want=[])
    assert raised.value.code == "not_identifying"


def test_the_tag_property_can_be_wanted_before_it_was_downloaded(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    found = hubspot(bench).find("contacts", TRAITS.id_field, [first], want=[TAG_FIELD])
    assert found[first][0].values == {TAG_FIELD: None}


@pytest.mark.parametrize("told", [{}, {"nps_comment": None}, {"nps_comment": ""}])
def test_an_empty_property_is_empty_however_it_is_told(bench: Bench, told: dict[str, Any]) -> None:
    (first,) = bench.seed(people(1))
    body = {"status": "COMPLETE", "results": [{"id": first, "properties": told}]}
    bench.fault(bench.read_path, status=200, body=body)
    found = bench.make().find("contacts", "hs_object_id", [first], want=["nps_comment"])
    assert found[first][0].values == {"nps_comment": None}


@pytest.mark.parametrize("status", [207, 200])
def test_a_row_that_is_missing_from_a_read_is_gone_whether_it_is_named_or_not(
    bench: Bench, status: int
) -> None:
    (first,) = bench.seed(people(1))
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some"}
    told = [{**error, "context": {"ids": ["404"]}}] if status == 207 else []
    there = {"id": first, "properties": {}}
    body = {"status": "COMPLETE", "results": [there], "numErrors": len(told), "errors": told}
    bench.fault(bench.read_path, status=status, body=body)
    found = bench.make().find("contacts", "hs_object_id", [first, "404"], want=[])
    assert [one.remote_id for one in found[first]] == [first]
    assert found["404"] == ()


@pytest.mark.parametrize("status", [400, 404])
def test_a_custom_object_that_nobody_knows_is_left_out_however_it_is_refused(
    bench: Bench, status: int
) -> None:
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": "Unable to infer"}
    bench.control(
        "fault",
        {"method": ".*", "path": "2-99999", "times": 9, "action": {"status": status, "body": body}},
    )
    names = [one.name for one in bench.make(settings={"entities": ["2-99999"]}).entities()]
    assert names == ["contacts", "companies", "deals", "tickets"]


def test_no_values_make_no_call(bench: Bench) -> None:
    adapter = hubspot(bench)
    assert adapter.find("contacts", "email", ["", " "], want=[]) == {"": (), " ": ()}
    assert not [one for one in bench.calls() if one["kind"] == "read"]


def test_a_read_that_failed_in_part_is_not_taken_for_absence(bench: Bench) -> None:
    errors = [{"status": "error", "category": "INTERNAL_ERROR", "message": "x", "context": {}}]
    bench.fault(READ, status=207, body={"results": [], "errors": errors})
    with pytest.raises(TryLater) as raised:
        hubspot(bench).find("contacts", "email", ["c0@example.test"], want=[])
    assert raised.value.code == "read_incomplete"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nps_score", "nine", "not_a_number"),
        ("nps_date", "22.11.2026", "not_a_date"),
        ("nps_topics", ("price", "unknown"), "unknown_option"),
        ("email", "nobody", "not_an_email"),
        ("nps_trend", "1", "read_only"),
    ],
)
def test_a_refused_value_names_its_field_and_not_itself(
    bench: Bench, name: str, value: Any, code: str
) -> None:
    (outcome,) = update_first(bench, {name: value})
    assert (outcome.status, outcome.code, outcome.field) == (Status.REJECTED, code, name)
    assert "nine" not in outcome.message
    assert "unknown, " not in outcome.message


def test_a_property_that_is_gone_pauses_the_mapping(bench: Bench) -> None:
    adapter = hubspot(bench)
    (first,) = bench.seed(people(1))
    bench.control("seed", {"remove_properties": {"contacts": ["nps_score"]}})
    rows = (Row("k1", {"nps_score": "9"}, first),)
    with pytest.raises(PauseMapping) as raised:
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert raised.value.field == "nps_score"


def test_a_tag_without_its_option_is_parked_and_not_refused(bench: Bench) -> None:
    adapter = hubspot(bench)
    adapter.provision_tags("contacts", [TagOptions("Møde", ("NPSToday.Møde.9",))])
    with pytest.raises(PauseMapping) as raised:
        update_first(bench, {TAG_FIELD: ("NPSToday.Møde.8",)})
    assert (raised.value.code, raised.value.field) == ("tag_option_missing", TAG_FIELD)


def test_a_batch_refused_whole_is_for_the_caller_to_split(bench: Bench) -> None:
    bench.control("options", {"strict_batches": True})
    first, second = bench.seed(people(2))
    good = Row("k1", {"nps_score": "9"}, first)
    bad = Row("k2", {"nps_score": "nine"}, second)
    with pytest.raises(BatchRefused):
        update(bench, good, bad)
    (outcome,) = update(bench, bad)
    assert (outcome.code, outcome.field) == ("not_a_number", "nps_score")


@pytest.mark.parametrize("category", ["RATE_LIMITS", "LOCKED", "INTERNAL_ERROR"])
def test_a_row_that_could_not_be_taken_now_is_tried_again(bench: Bench, category: str) -> None:
    error = {"category": category, "message": "not now", "status": 500}
    bench.control("fault", {"action": {"row": {"key": "c0@example.test", "error": error}}})
    (outcome,) = update_first(bench)
    assert (outcome.status, outcome.code) == (Status.RETRY, "crm_busy")


def test_a_row_of_which_nothing_is_said_is_tried_again(bench: Bench) -> None:
    body = {"status": "COMPLETE", "results": []}
    bench.fault(UPDATE, status=200, body=body)
    (outcome,) = update_first(bench)
    assert (outcome.status, outcome.code) == (Status.RETRY, "no_outcome")


def test_results_without_a_trace_id_are_told_by_id(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    results = [{"id": second, "properties": {}}, {"id": first, "properties": {}}]
    bench.fault(UPDATE, status=200, body={"status": "COMPLETE", "results": results})
    rows = [Row(f"k{n}", {"nps_score": "1"}, one) for n, one in enumerate((first, second))]
    assert [one.remote_id for one in update(bench, *rows)] == [first, second]


def test_an_error_that_names_no_row_belongs_to_the_silent_one(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "x", "context": {}}]
    results = [{"id": first, "properties": {}}]
    bench.fault(UPDATE, status=207, body={"results": results, "errors": errors})
    rows = [Row(f"k{n}", {"nps_score": "1"}, one) for n, one in enumerate((first, second))]
    told = [(one.status, one.code) for one in update(bench, *rows)]
    assert told == [(Status.WRITTEN, ""), (Status.REJECTED, "not_found")]


def test_a_unique_value_that_is_taken_names_its_holder(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    update(bench, Row("k1", {"customer_number": "K-1"}, first))
    (outcome,) = update(bench, Row("k1", {"customer_number": "K-1"}, second))
    assert (outcome.code, outcome.remote_id) == ("duplicate", first)


def test_a_thousand_updates_are_ten_calls(bench: Bench) -> None:
    ids = bench.seed(people(1000))
    adapter = hubspot(bench)
    before = len(bench.calls())
    for start in range(0, 1000, TRAITS.write_batch):
        rows = tuple(Row(one, {"nps_score": "9"}, one) for one in ids[start : start + 100])
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert len(bench.calls()) - before == 10


def test_a_create_applied_without_an_answer_is_a_duplicate_at_the_second_try(bench: Bench) -> None:
    rows = (Row("k1", {"email": "new@example.test"}),)
    batch = Batch("contacts", Operation.CREATE, rows, match_field="email")
    bench.fault(r"/batch/create", drop_after=True)
    with pytest.raises(OutcomeUnknown):
        hubspot(bench).write(batch)
    (outcome,) = hubspot(bench).write(batch).outcomes
    (contact,) = bench.control("state")["contacts"]
    assert (outcome.code, outcome.remote_id) == ("duplicate", contact["id"])


def test_a_contact_merged_before_the_write_answers_with_the_survivor(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    bench.control("seed", {"merge": [[first, second]]})
    (outcome,) = update(bench, Row("k1", {"nps_score": "9"}, second))
    assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, first)


def test_a_contact_deleted_before_the_write_is_not_made_anew(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    bench.control("seed", {"delete": [first]})
    (outcome,) = update(bench, Row("k1", {"nps_score": "9"}, first))
    assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")
    assert bench.control("state")["contacts"] == []


def test_a_new_contact_is_found_though_search_does_not_know_it_yet(bench: Bench) -> None:
    adapter = hubspot(bench)
    rows = (Row("k1", {"email": "new@example.test"}),)
    adapter.write(Batch("contacts", Operation.CREATE, rows, match_field="email"))
    assert adapter.find("contacts", "email", ["new@example.test"], want=[])["new@example.test"]
    assert not [one for one in bench.calls() if one["path"].endswith("/search")]


def test_a_merge_that_no_property_tells_of_is_followed_by_a_single_read(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    bench.control("seed", {"merge": [[first, second]]})
    # A portal whose merged records do not say which ids they swallowed.
    result = {"id": first, "properties": {"hs_object_id": first}, "updatedAt": None}
    bench.fault(READ, status=200, body={"status": "COMPLETE", "results": [result]})
    found = hubspot(bench).find("contacts", TRAITS.id_field, [second], want=["email"])
    assert [one.remote_id for one in found[second]] == [first]
