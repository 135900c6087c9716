"""Every trap of zenpy 2.0.57 that we know of, by its number in our facts, each fenced by a test.

Of its errors: what each answer becomes although zenpy would say something else.

    E1 404                      its own exception       a row that is gone, nothing else fails
    E2 400 too many values      its own exception       a broken contract
    E3 422 "invalid"            "too many results"      a refused row
    E4 another JSON error       APIException            by its status
    E5 HTML or an empty body    HTTPError, or raw       an unknown outcome, or try later
    E6 a JSON list as body      AttributeError          an unknown outcome
    E7 503 on a read            three instant retries   one call, try later
    E8 503 on a POST            APIException            one call, try later
    E9 429                      sleeps and sends again  one call, a pause
    E10 200 with Retry-After    sends the POST again    one call

Of its objects:

    1 a retry after a failure sends less      8 clients cannot be pickled
    2 answers from memory                     9 job rows are objects
    3 one field touched, all are sent        10 DEBUG_LOG logs bodies
    4 a time becomes a date                  11 DELETE has a body
    5 None is dropped                        12 requester must be a User
    6 lists are read once                    13 tags are read once; a str is no list
    7 external ids are not encoded
"""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, Throttled, TryLater
from adapters.values import Batch, BatchResult, Operation, Row, Started, Status
from tests.adapters.contract import people, written
from tests.adapters.test_zendesk_marks import NINE, change, note
from tests.adapters.zendesk_bench import ZendeskBench, create, rows_for, served, update


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


def one_update(bench: ZendeskBench) -> BatchResult | Started:
    (first,) = bench.seed(people(1))
    return bench.adapter().write(update(bench, rows_for([first], nps_score=9)))


def raised_by_update(bench: ZendeskBench, **action: Any) -> AdapterError:
    """The error of an update that is answered so; it was sent once."""
    bench.fault(r"/users/\d+", **action)
    before = len(bench.calls())
    with pytest.raises(AdapterError) as raised:
        one_update(bench)
    assert bench.paths(before).count("PUT users/N") == 1
    return raised.value


# --- errors ---------------------------------------------------------------------------------------


def test_trap_e1_a_404_is_one_gone_row(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    outcomes = written(bench.adapter(), update(bench, rows_for(["999", first], nps_score=9)))
    assert [one.code for one in outcomes] == ["not_found", ""]


def test_trap_e2_too_many_values_is_our_own_fault(bench: ZendeskBench) -> None:
    told = {"error": "TooManyValues", "description": "Maximum 100 users may be created per call"}
    assert isinstance(raised_by_update(bench, status=400, body=told), BrokenContract)


def test_trap_e3_an_invalid_row_is_no_search_limit(bench: ZendeskBench) -> None:
    bench.fault(r"/users/\d+", status=422, body={"error": "invalid"})
    result = one_update(bench)
    assert isinstance(result, BatchResult)
    assert [(one.status, one.code) for one in result.outcomes] == [(Status.REJECTED, "refused")]


def test_trap_e4_another_error_goes_by_its_status(bench: ZendeskBench) -> None:
    told = {"error": "DatabaseConflict", "description": "x"}
    failed = raised_by_update(bench, status=409, body=told)
    assert (type(failed), failed.code) == (TryLater, "conflict")


@pytest.mark.parametrize("body", ["<html>x</html>", ""])
def test_trap_e5_a_page_instead_of_json_leaves_the_outcome_unknown(
    bench: ZendeskBench, body: str
) -> None:
    assert isinstance(raised_by_update(bench, status=200, body=body), OutcomeUnknown)


def test_trap_e6_a_list_instead_of_an_object_leaves_the_outcome_unknown(
    bench: ZendeskBench,
) -> None:
    assert isinstance(raised_by_update(bench, status=200, body=[1]), OutcomeUnknown)


def test_trap_e7_a_read_that_met_a_503_is_sent_once(bench: ZendeskBench) -> None:
    bench.fault("/users/show_many", status=503)
    before = len(bench.calls())
    with pytest.raises(TryLater) as raised:
        bench.adapter().find("users", "id", ["1"], want=[])
    assert raised.value.wait_s == 5
    assert bench.paths(before) == ["GET users/show_many"]


def test_trap_e8_a_create_that_met_a_503_is_sent_once(bench: ZendeskBench) -> None:
    bench.fault("/users.json", status=503)
    before = len(bench.calls())
    with pytest.raises(TryLater):
        bench.adapter().write(create(bench, [Row("k", bench.new_contact("n@example.test"))]))
    assert bench.paths(before) == ["POST users"]


def test_trap_e9_a_429_is_told_at_once_and_sent_once(bench: ZendeskBench) -> None:
    bench.fault(r"/users/\d+", throttle=30)
    before, began = len(bench.calls()), time.monotonic()
    with pytest.raises(Throttled) as raised:
        one_update(bench)
    assert raised.value.wait_s == 30
    assert time.monotonic() - began < 10
    assert bench.paths(before).count("PUT users/N") == 1


def test_trap_e10_a_good_answer_that_asks_to_wait_is_a_good_answer(bench: ZendeskBench) -> None:
    told = {"user": {"id": 7, "name": "New", "email": "n@example.test"}}
    bench.fault("/users.json", status=201, body=told, headers={"Retry-After": "30"})
    before = len(bench.calls())
    (outcome,) = written(
        bench.adapter(), create(bench, [Row("k", bench.new_contact("n@example.test"))])
    )
    assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, "7")
    assert bench.paths(before) == ["POST users"]


# --- objects --------------------------------------------------------------------------------------


def sent_to(bench: ZendeskBench, remote_id: str) -> list[dict[str, Any]]:
    return [one["set"] for one in bench.control("state")["history"].get(remote_id, [])]


def test_trap_01_a_retry_after_a_failure_sends_the_whole_body(bench: ZendeskBench) -> None:
    first, second = bench.seed(people(2))
    adapter = bench.adapter()
    bench.fault(f"/users/{first}", status=503)
    with pytest.raises(TryLater):
        adapter.write(update(bench, rows_for([first], nps_score=9)))
    adapter.write(update(bench, rows_for([second], nps_score=1)))
    adapter.write(update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first) == [{"id": int(first), "user_fields": {"nps_score": 9}}]


def test_trap_02_what_was_read_before_is_asked_again(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    before = len(bench.calls())
    for _ in range(2):
        adapter.find("users", "id", [first], want=["nps_score"])
    assert bench.paths(before) == ["GET users/show_many"] * 2


def test_trap_03_one_field_is_sent_alone(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    written(adapter, update(bench, rows_for([first], nps_score=3, nps_comment="a")))
    written(adapter, update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first)[-1] == {"id": int(first), "user_fields": {"nps_score": 9}}


def test_trap_04_a_date_is_sent_as_text(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    written(bench.adapter(), update(bench, rows_for([first], nps_date="2026-11-22")))
    assert sent_to(bench, first)[-1]["user_fields"] == {"nps_date": "2026-11-22"}


def test_trap_05_none_clears(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    written(bench.adapter(), update(bench, rows_for([first], notes=None, nps_comment=None)))
    cleared = {"id": int(first), "notes": None, "user_fields": {"nps_comment": None}}
    assert sent_to(bench, first) == [cleared]


def test_trap_06_every_page_is_read_once_and_whole(bench: ZendeskBench) -> None:
    told = [{"key": f"field_{n}", "title": f"Field {n}"} for n in range(230)]
    bench.control("seed", {"user_fields": told})
    users = bench.adapter().entities()[0]
    assert sum(one.native_type == "text" for one in users.fields) == 230


ODD = ("a&b", "#1", "x,y", "ø/é ?", "Kunde-1", "100%", "a+b", "日本")


def test_trap_07_external_ids_are_encoded_for_every_entity(bench: ZendeskBench) -> None:
    people_ = [{"name": f"P{n}", "external_id": one} for n, one in enumerate(ODD)]
    homes = [{"name": f"O{n}", "external_id": one} for n, one in enumerate(ODD)]
    made = bench.control("seed", {"contacts": people_, "organizations": homes})
    tickets = [
        {"subject": "x", "description": "x", "external_id": one, "requester_id": int(person)}
        for one, person in zip(ODD, made["contacts"], strict=True)
    ]
    made |= {"tickets": bench.control("seed", {"tickets": tickets})["tickets"]}
    for entity, ids in (("users", "contacts"), ("organizations",) * 2, ("tickets",) * 2):
        found = bench.adapter().find(entity, "external_id", ODD, want=["external_id"])
        assert [found[one][0].remote_id for one in ODD] == made[ids]
        assert [found[one][0].values["external_id"] for one in ODD] == list(ODD)


def test_trap_07_a_notes_thread_is_encoded(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.note("users", [note(first, 1, "a&b#,/ø"), note(first, 2, "a&b#,/ø")])
    assert [len(one["comments"]) for one in bench.control("state")["tickets"]] == [2]
    assert set(adapter.noted("users", [note(first, 2, "a&b#,/ø")])) == {"n2"}


def test_trap_08_what_is_kept_of_a_job_is_plain(bench: ZendeskBench) -> None:
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    assert json.loads(json.dumps(started.handle)) == started.handle
    with pytest.raises(TypeError):
        pickle.dumps(adapter)


def test_trap_09_unknown_keys_of_a_jobs_rows_are_no_matter(bench: ZendeskBench) -> None:
    ids = bench.seed(people(3))
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(started, Started)
    rows = [{"id": int(one), "status": "Updated", "new_key": {"a": [1]}} for one in ids]
    job = {"id": "V3-1", "status": "completed", "results": rows, "total": 3, "newer": True}
    bench.fault("/job_statuses/", status=200, body={"job_status": job})
    done = adapter.collect(started.handle)
    assert isinstance(done, BatchResult)
    assert [one.remote_id for one in done.outcomes] == ids


def test_trap_10_no_body_is_logged_whatever_the_environment_says() -> None:
    program = (
        "import connector.log, logging;"
        "connector.log.configure_log(logging.INFO);"
        "import adapters.zendesk.client;"
        "print(logging.getLogger('zenpy').isEnabledFor(logging.DEBUG),"
        " logging.getLogger('zenpy.lib.api').isEnabledFor(logging.DEBUG))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"DEBUG_LOG": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["False", "False"]
    assert logging.getLogger("zenpy").getEffectiveLevel() >= logging.INFO


def test_trap_11_removing_tags_has_a_body_and_removes_only_those(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.retag("users", [change(first)])
    seven = tuple(each.replace("9", "7") for each in NINE)
    adapter.retag("users", [change(first, seven)])
    assert bench.contact(first)["tags"] == ["npstoday_møde_7"]


def test_trap_12_a_requester_by_e_mail_is_the_one_who_has_it(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    values = {"subject": "NPS", "description": "2", "requester_email": "c0@example.test"}
    rows = (Row("k", {**values, "requester_name": "Søren", "external_id": "resp-1"}),)
    (made,) = written(bench.adapter(), Batch("tickets", Operation.CREATE, rows))
    (ticket,) = bench.control("state")["tickets"]
    assert (made.remote_id, str(ticket["requester_id"])) == (str(ticket["id"]), first)


def test_trap_13_one_tag_goes_as_a_list_and_the_answer_is_read_once(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    (outcome,) = bench.adapter().retag("users", [change(first, NINE[1:])]).outcomes
    assert outcome.detail["after"] == [NINE[1]]
    assert bench.contact(first)["tags"] == [NINE[1]]
