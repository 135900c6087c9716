"""Records of Zendesk's custom objects, written by a call or by a job: what is looked at before, and
what a job's answer need not tell.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.values import BatchResult, Operation, Row, Started, Status
from tests.adapters.test_zendesk_objects import (
    VISIT,
    account,
    adapter,
    begun,
    bench,
    held,
    keys,
    write,
)
from tests.adapters.zendesk_bench import ZendeskBench

__all__ = ["account", "bench"]
addresses = (f"looked{number}@example.test" for number in itertools.count(1))


def persons(bench: ZendeskBench, count: int) -> list[str]:
    told = [{"email": next(addresses), "first_name": "A", "last_name": "B"} for _ in range(count)]
    return bench.seed(told)


def visits(count: int, **values: Any) -> list[Row]:
    keyed = [next(keys) for _ in range(count)]
    return [Row(one, {"name": "A visit", "external_id": one, **values}) for one in keyed]


@pytest.mark.parametrize("count", [1, 4], ids=["single", "job"])
def test_a_row_that_names_a_person_who_is_gone_is_refused_by_that_field_and_the_rest_is_written(
    bench: ZendeskBench, count: int
) -> None:
    """Where Zendesk would take it."""
    here, gone = persons(bench, 2)
    bench.control("seed", {"delete": [gone]})
    crm, rows = adapter(bench), visits(count, person=here)
    lost = Row("lost", {"name": "x", "external_id": next(keys), "person": gone})
    outcomes = {one.key: one for one in write(crm, Operation.CREATE, lost, *rows)}
    told = outcomes.pop("lost")
    assert (told.status, told.code, told.field) == (Status.REJECTED, "invalid_value", "person")
    assert {one.status for one in outcomes.values()} == {Status.WRITTEN}
    assert {one["custom_object_fields"]["person"] for one in held(bench)} == {int(here)}


@pytest.mark.parametrize("count", [1, 4], ids=["single", "job"])
def test_a_person_who_goes_while_the_record_is_written_is_told_by_that_field(
    bench: ZendeskBench, count: int
) -> None:
    here, goes = persons(bench, 2)
    crm, rows = adapter(bench), visits(count - 1, person=here)
    last = visits(1, person=goes)
    meanwhile = {"seed": {"merge": [[goes, here]]}}
    bench.fault("/visit/(records|jobs)$", meanwhile=meanwhile)
    outcomes = {one.key: one for one in write(crm, Operation.CREATE, *rows, *last)}
    told = outcomes.pop(last[0].key)
    assert (told.status, told.code, told.field) == (Status.REJECTED, "invalid_value", "person")
    assert {one.status for one in outcomes.values()} <= {Status.WRITTEN}


@pytest.mark.parametrize("count", [1, 4], ids=["single", "job"])
def test_a_person_whom_zendesk_itself_refuses_is_told_by_that_field(
    bench: ZendeskBench, count: int
) -> None:
    (here,) = persons(bench, 1)
    crm, rows = adapter(bench), visits(count, person=here)
    error = {"field": "person", "code": "InvalidValue", "text": "Person: is invalid"}
    bench.control("fault", {"action": {"row": {"key": rows[0].key, "error": error}}})
    first, *others = write(crm, Operation.CREATE, *rows)
    assert (first.status, first.code, first.field) == (Status.REJECTED, "invalid_value", "person")
    assert {one.status for one in others} <= {Status.WRITTEN}


@pytest.mark.parametrize("count", [1, 3], ids=["single", "job"])
def test_a_field_that_the_object_has_lost_pauses_the_mapping_although_zendesk_says_nothing(
    bench: ZendeskBench, count: int
) -> None:
    crm = adapter(bench)
    bench.control("seed", {"remove_object_fields": {"visit": ["comment"]}})
    with pytest.raises(PauseMapping) as raised:
        write(crm, Operation.CREATE, *visits(count, comment="lost"))
    assert raised.value.field == "comment"


# --- many at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_are", ["told", "bare"])
def test_many_new_records_are_one_job_however_it_tells_its_rows(
    bench: ZendeskBench, rows_are: str
) -> None:
    bench.control("options", {"object_job_rows": rows_are})
    crm, rows = adapter(bench), visits(4)
    bad = Row("bad", {"name": "x", "external_id": next(keys), "segment": "no_such_option"})
    before = len(bench.calls())
    outcomes = write(crm, Operation.CREATE, rows[0], bad, *rows[1:])
    # The fields, the job, its end, the ids.
    assert len(bench.calls()) - before == 4
    there = {one["external_id"]: one["id"] for one in held(bench)}
    assert [one.remote_id for one in outcomes] == [
        there[rows[0].key], None, *(there[one.key] for one in rows[1:])
    ]  # fmt: skip
    assert (outcomes[1].code, outcomes[1].field) == ("invalid_value", "segment")
    assert {one.created for one in outcomes if one.remote_id} == {True}
    assert len(there) == 4


def test_a_job_whose_answer_was_lost_may_be_sent_again(bench: ZendeskBench) -> None:
    crm, rows = adapter(bench), visits(3)
    bench.fault("/jobs$", drop_after=True)
    with pytest.raises(OutcomeUnknown) as raised:
        begun(crm, Operation.CREATE, *rows)
    assert raised.value.wait_s == 60
    outcomes = write(crm, Operation.CREATE, *rows)
    assert [one["id"] for one in held(bench)] == [one.remote_id for one in outcomes]


def test_a_record_that_a_job_does_not_tell_of_and_nobody_has_is_tried_again(
    bench: ZendeskBench,
) -> None:
    crm, rows = adapter(bench), visits(3)
    result = begun(crm, Operation.CREATE, *rows)
    assert isinstance(result, Started)
    bench.control("seed", {"custom_objects": [VISIT]})
    outcomes = crm.collect(result.handle).outcomes  # type: ignore[union-attr]
    assert {(one.status, one.code) for one in outcomes} == {(Status.RETRY, "job_row_lost")}


def test_where_jobs_are_kept_from_the_user_rows_go_one_by_one_and_it_is_learnt(
    bench: ZendeskBench,
) -> None:
    bench.control("options", {"object_jobs": False})
    result = begun(adapter(bench), Operation.CREATE, *visits(3))
    assert isinstance(result, BatchResult)
    assert result.learnt == {"bulk_objects": False}
    assert len(held(bench)) == 3
    before = len(bench.calls())
    begun(adapter(bench, **result.learnt), Operation.CREATE, *visits(3))
    # The definitions are read by each adapter of these tests.
    jobs = [one for one in bench.calls()[before:] if one["path"].endswith("/jobs")]
    assert jobs == []
