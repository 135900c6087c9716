"""How the Zendesk adapter writes: jobs, single calls, creates that meet somebody, exact bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import (
    OutcomeUnknown,
    Throttled,
    TryLater,
)
from adapters.values import Batch, BatchResult, Operation, Row, Started, Status
from tests.adapters.contract import people, settled, written
from tests.adapters.zendesk_bench import (
    ZendeskBench,
    create,
    rows_for,
    served,
    update,
)


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


# --- batches and jobs -----------------------------------------------------------------------------


def test_a_batch_becomes_one_job_and_one_poll(bench: ZendeskBench) -> None:
    ids = bench.seed(people(100))
    before = len(bench.calls())
    outcomes = written(bench.adapter(), update(bench, rows_for(ids, nps_score=9)))
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert bench.paths(before)[0] == "PUT users/update_many"
    assert [path.split("/")[0] for path in bench.paths(before)[1:]] == ["GET job_statuses"]


def test_a_running_job_is_asked_again_later(bench: ZendeskBench) -> None:
    bench.control("options", {"job_delay_s": 60})
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    again = adapter.collect(started.handle)
    assert isinstance(again, Started)
    bench.control("clock", {"offset_s": 61})
    done = bench.adapter().collect(again.handle)
    assert isinstance(done, BatchResult)
    assert {one.status for one in done.outcomes} == {Status.WRITTEN}


def test_a_job_done_at_the_first_poll_is_asked_earlier_next_time(bench: ZendeskBench) -> None:
    adapter = bench.adapter(first_poll_s=4.0)
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    assert started.poll_after_s == 4.0
    done = adapter.collect(started.handle)
    assert isinstance(done, BatchResult)
    assert done.learnt == {"first_poll_s": 3.2}


def test_a_handle_is_plain_json(bench: ZendeskBench) -> None:
    bench.seed(people(3))
    rows = [Row(f"k{n}", bench.new_contact(f"c{n}@example.test")) for n in range(4)]
    started = bench.adapter().write(create(bench, rows))
    assert isinstance(started, Started)
    handle = json.loads(json.dumps(started.handle))
    assert settled(bench.adapter(), Started(handle, 0)).outcomes[3].created


def test_a_forgotten_job_leaves_the_outcome_unknown(bench: ZendeskBench) -> None:
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    bench.control("seed", {"forget_jobs": True})
    with pytest.raises(OutcomeUnknown) as raised:
        adapter.collect(started.handle)
    assert raised.value.code == "job_lost"


def test_a_killed_job_leaves_the_outcome_unknown(bench: ZendeskBench) -> None:
    bench.control("options", {"job_delay_s": 60})
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    bench.control("seed", {"kill_jobs": True})
    with pytest.raises(OutcomeUnknown) as raised:
        adapter.collect(started.handle)
    assert raised.value.code == "job_failed"


def test_failed_rows_are_told_by_their_place(bench: ZendeskBench) -> None:
    first, second, third = bench.seed(people(3))
    bench.control("seed", {"delete": [int(second)]})
    rows = rows_for([first, second, third, "999"], nps_score=9)
    rows[0] = Row("k0", {"nps_group": "no_such_option"}, first)
    outcomes = written(bench.adapter(), update(bench, rows))
    assert [(one.key, one.status, one.code) for one in outcomes] == [
        ("k0", Status.REJECTED, "invalid_value"),
        ("k1", Status.REJECTED, "not_found"),
        ("k2", Status.WRITTEN, ""),
        ("k3", Status.REJECTED, "not_found"),
    ]
    assert outcomes[0].field == "nps_group"


def test_without_bulk_import_rows_go_one_by_one_and_it_is_learnt(bench: ZendeskBench) -> None:
    bench.control("options", {"bulk_enabled": False})
    ids = bench.seed(people(4))
    result = bench.adapter().write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert result.learnt == {"bulk_update": False}
    assert {one.status for one in result.outcomes} == {Status.WRITTEN}
    before = len(bench.calls())
    bench.adapter(**result.learnt).write(update(bench, rows_for(ids, nps_score=8)))
    assert bench.paths(before) == ["PUT users/N"] * 4


def test_too_many_jobs_is_a_pause(bench: ZendeskBench) -> None:
    bench.control("options", {"jobs_limit": 0})
    with pytest.raises(Throttled) as raised:
        bench.adapter().write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert raised.value.wait_s == 10


def test_a_pause_in_the_middle_keeps_what_was_written(bench: ZendeskBench) -> None:
    ids = bench.seed(people(4))
    bench.control(
        "fault",
        {"method": "PUT", "path": "/users/", "occurrence": 3, "action": {"throttle": 9}},
    )
    result = bench.adapter(bulk_update=False).write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert [(one.status, one.code) for one in result.outcomes] == [
        (Status.WRITTEN, ""),
        (Status.WRITTEN, ""),
        (Status.RETRY, "crm_throttled"),
        (Status.RETRY, "not_sent"),
    ]
    assert result.outcomes[3].detail == {"sent": False, "wait_s": 9.0}


def test_a_lost_answer_in_the_middle_says_that_the_row_was_sent(bench: ZendeskBench) -> None:
    ids = bench.seed(people(3))
    bench.control(
        "fault",
        {"method": "PUT", "path": "/users/", "occurrence": 2, "action": {"drop_after": True}},
    )
    result = bench.adapter(bulk_update=False).write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert [one.code for one in result.outcomes] == ["", "outcome_unknown", "not_sent"]
    assert result.outcomes[1].detail["sent"] is True


def test_a_thousand_linked_contacts_cost_at_most_sixty_calls(bench: ZendeskBench) -> None:
    ids = bench.seed(people(1000))
    before = len(bench.calls())
    for start in range(0, 1000, 100):
        chunk = ids[start : start + 100]
        adapter = bench.adapter()
        adapter.find("users", "id", chunk, want=["nps_score"])
        written(adapter, update(bench, rows_for(chunk, nps_score=9)))
    assert len(bench.calls()) - before <= 60


# --- creating -------------------------------------------------------------------------------------


def test_people_who_exist_are_answered_with_their_ids_and_stay_as_they_are(
    bench: ZendeskBench,
) -> None:
    ids = bench.seed(people(4))
    rows = [Row(f"k{n}", bench.new_contact(f"C{n}@example.test")) for n in range(5)]
    outcomes = written(bench.adapter(), create(bench, rows))
    assert [one.code for one in outcomes] == ["duplicate"] * 4 + [""]
    assert [one.remote_id for one in outcomes[:4]] == ids
    assert outcomes[4].created
    assert [bench.contact(one)["name"] for one in ids] == [f"Søren Contact {n}" for n in range(4)]


def test_nobody_is_mailed(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    rows = [Row(f"k{n}", bench.new_contact(f"n{n}@example.test")) for n in range(4)]
    written(adapter, create(bench, rows))
    written(adapter, create(bench, [Row("k9", bench.new_contact("n9@example.test"))]))
    written(adapter, update(bench, [Row("k1", {"email": "other@example.test"}, first)]))
    assert bench.control("state")["mails_sent"] == []


def test_a_taken_external_id_leads_to_its_holder(bench: ZendeskBench) -> None:
    holder = {"id": 77, "name": "A", "email": "a@example.test", "external_id": "Kunde-1"}
    bench.control("seed", {"contacts": [holder]})
    values = {"name": "B", "email": "b@example.test", "external_id": "kunde-1"}
    (outcome,) = written(bench.adapter(), create(bench, [Row("k1", values)]))
    assert (outcome.code, outcome.field) == ("duplicate", "external_id")
    assert outcome.remote_id == "77"
    assert bench.contact("77")["email"] == "a@example.test"


def test_a_lagging_search_makes_no_second_person(bench: ZendeskBench) -> None:
    bench.control("options", {"index_lag_s": 600})
    adapter = bench.adapter()
    batch = create(bench, [Row("k1", bench.new_contact("new@example.test"))])
    (made,) = written(adapter, batch)
    assert adapter.find("users", "email", ["new@example.test"], want=[]) == {"new@example.test": ()}
    (again,) = written(adapter, batch)
    assert (again.code, again.remote_id) == ("duplicate", made.remote_id)
    assert len(bench.control("state")["contacts"]) == 1


def test_a_create_whose_answer_was_lost_makes_one_person(bench: ZendeskBench) -> None:
    bench.fault("/users.json", drop_after=True)
    batch = create(bench, [Row("k1", bench.new_contact("new@example.test"))])
    with pytest.raises(OutcomeUnknown):
        bench.adapter().write(batch)
    (outcome,) = written(bench.adapter(), batch)
    assert outcome.code == "duplicate"
    assert outcome.remote_id == bench.control("state")["contacts"][0]["id"]


def test_a_missing_name_is_named(bench: ZendeskBench) -> None:
    batch = create(bench, [Row("k1", {"email": "x@example.test"})])
    (outcome,) = written(bench.adapter(), batch)
    assert (outcome.status, outcome.code, outcome.field) == (Status.REJECTED, "required", "name")


def test_organizations_are_written_as_people_are(bench: ZendeskBench) -> None:
    adapter = bench.adapter()
    rows = tuple(Row(f"k{n}", {"name": f"Acme {n}", "responses": n}) for n in range(3))
    made = written(adapter, Batch("organizations", Operation.CREATE, rows))
    assert all(one.created for one in made)
    (again,) = written(adapter, Batch("organizations", Operation.CREATE, rows[:1]))
    assert (again.code, again.remote_id) == ("duplicate", made[0].remote_id)
    found = adapter.find("organizations", "name", ["acme 2"], want=["responses"])
    assert found["acme 2"][0].values == {"responses": 2}


def test_a_ticket_per_response_is_written_and_found_again(bench: ZendeskBench) -> None:
    (person,) = bench.seed(people(1))
    adapter = bench.adapter()
    number = next(one.name for one in bench.entities["tickets"].fields if one.label == "NPS score")
    values: dict[str, Any] = {"subject": "NPS", "description": "9", "requester_id": person}
    values |= {"external_id": "resp-1", number: 9}
    (made,) = written(adapter, Batch("tickets", Operation.CREATE, (Row("k1", values),)))
    found = adapter.find("tickets", "external_id", ["resp-1"], want=["subject", number])
    assert found["resp-1"][0].remote_id == made.remote_id
    assert found["resp-1"][0].values == {"subject": "NPS", number: 9}
    assert bench.control("state")["tickets"][0]["is_public"] is False


# --- what is sent ---------------------------------------------------------------------------------


def sent_to(bench: ZendeskBench, remote_id: str) -> list[dict[str, Any]]:
    return [one["set"] for one in bench.control("state")["history"].get(remote_id, [])]


def test_only_the_given_fields_are_sent(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.adapter().write(update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first) == [{"id": int(first), "user_fields": {"nps_score": 9}}]


def test_none_clears_attributes_and_custom_fields(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    values: dict[str, Any] = {"notes": None, "nps_comment": None, "survey_topics": None}
    bench.adapter().write(update(bench, rows_for([first], **values)))
    cleared: dict[str, Any] = {"nps_comment": None, "survey_topics": []}
    assert sent_to(bench, first) == [{"id": int(first), "notes": None, "user_fields": cleared}]


def test_a_retry_after_a_failure_sends_the_same_body(bench: ZendeskBench) -> None:
    first, second = bench.seed(people(2))
    adapter = bench.adapter()
    bench.fault(f"/users/{first}", status=503)
    with pytest.raises(TryLater):
        adapter.write(update(bench, rows_for([first], nps_score=9)))
    adapter.write(update(bench, rows_for([second], nps_score=1)))
    adapter.write(update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first) == [{"id": int(first), "user_fields": {"nps_score": 9}}]


def test_zenpy_keeps_nothing_in_memory(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    users = bench.adapter()._client.zenpy.users
    before = len(bench.calls())
    assert users(id=int(first)).name == users(id=int(first)).name
    assert len(bench.calls()) - before == 2


def test_what_was_read_before_is_read_again(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.find("users", "id", [first], want=["nps_score"])
    adapter.write(update(bench, rows_for([first], nps_score=4)))
    found = adapter.find("users", "id", [first], want=["nps_score"])
    assert found[first][0].values == {"nps_score": 4}
