"""Limits of an account, of an endpoint and of one record: who waits for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from requests.structures import CaseInsensitiveDict

from adapters.errors import Throttled
from adapters.values import Batch, BatchResult, Operation, Row, Status
from adapters.zendesk import Zendesk
from adapters.zendesk.answers import limit_of
from adapters.zendesk.client import kind_of
from adapters.zendesk.traits import TICKET_UPDATE
from adapters.zendesk.usage import told_in
from tests.adapters.contract import people
from tests.adapters.test_zendesk_marks import NINE, change
from tests.adapters.zendesk_bench import ZendeskBench, rows_for, served, update


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


def test_the_sixth_update_of_a_user_in_a_minute_waits_alone(bench: ZendeskBench) -> None:
    first, second = bench.seed(people(2))
    adapter = bench.adapter()
    for score in range(5):
        adapter.write(update(bench, rows_for([first], nps_score=score)))
    result = adapter.write(update(bench, rows_for([first, second], nps_score=9)))
    assert isinstance(result, BatchResult)
    waits, done = result.outcomes
    assert (waits.status, waits.code) == (Status.RETRY, "record_throttled")
    assert waits.detail["sent"] is False
    assert 0 < waits.detail["wait_s"] <= 60
    assert "throttled" not in waits.detail
    assert done.status is Status.WRITTEN


def test_an_endpoints_own_limit_is_read_from_its_header(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    headers = {"Zendesk-RateLimit-users-update": "total=100; remaining=0; resets=41"}
    told = {"error": "APIRateLimitExceeded", "description": "x"}
    bench.fault(r"/users/\d+", status=429, body=told, headers=headers)
    result = bench.adapter().write(update(bench, rows_for([first], nps_score=9)))
    assert isinstance(result, BatchResult)
    assert result.outcomes[0].detail == {"sent": False, "wait_s": 41.0}


def test_the_accounts_limit_pauses_the_connection(bench: ZendeskBench) -> None:
    ids = bench.seed(people(1))
    adapter = bench.adapter()
    bench.control("options", {"rate": 1})
    with pytest.raises(Throttled):
        adapter.write(update(bench, rows_for(ids, nps_score=9)))


def test_too_many_jobs_pause_the_connection_although_calls_are_left(bench: ZendeskBench) -> None:
    bench.control("options", {"jobs_limit": 0})
    with pytest.raises(Throttled) as raised:
        bench.adapter().write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert raised.value.wait_s == 10


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({"X-Rate-Limit": "200"}, 200),
        ({"rate-limit": "700", "X-Rate-Limit": "700"}, 700),
        ({"ratelimit-limit": "2500"}, 2_500),
        ({"X-Rate-Limit": "many"}, None),
        ({}, None),
    ],
)
def test_the_plans_rate_is_read_under_every_name(
    headers: Mapping[str, str], limit: int | None
) -> None:
    assert limit_of(headers) == limit


def test_updates_of_tickets_count_against_a_limit_of_their_own() -> None:
    assert kind_of("PUT", "/api/v2/tickets/17.json") == TICKET_UPDATE
    assert kind_of("PUT", "/api/v2/tickets/update_many.json") is None
    assert kind_of("POST", "/api/v2/tickets.json") is None
    own = [one for one in Zendesk.traits.rates if one.kind == TICKET_UPDATE]
    assert [(one.calls, one.per_s) for one in own] == [(100, 60)]


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ("total=20; remaining=7; resets=41", [(20, 7, 60)]),
        ("total=300;remaining=0;resets=1", [(300, 0, 60)]),
        ("total=many; remaining=7; resets=41", []),
        ("remaining=7", []),
        ("", []),
    ],
)
def test_how_often_tickets_may_be_updated_is_read_from_its_header(
    told: str, left: list[tuple[int, int, int]]
) -> None:
    now = datetime(2026, 11, 22, 1, 2, tzinfo=UTC)
    headers = CaseInsensitiveDict({"zendesk-ratelimit-tickets-update": told, "X-Rate-Limit": "700"})
    own = [one for one in told_in(headers, now) if one.calls == TICKET_UPDATE]
    assert [(one.limit, one.remaining, one.window_s) for one in own] == left
    assert all(now < one.resets_at <= now + timedelta(seconds=60) for one in own if one.resets_at)


def test_an_unknown_option_is_refused_or_taken_as_the_account_does(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    row = Row("k", {"nps_group": "no_such_option"}, first)
    refused = bench.adapter().write(update(bench, [row]))
    assert isinstance(refused, BatchResult)
    assert (refused.outcomes[0].code, refused.outcomes[0].field) == ("invalid_value", "nps_group")
    bench.control("options", {"unknown_options": "accepted"})
    taken = bench.adapter().write(update(bench, [row]))
    assert isinstance(taken, BatchResult)
    assert taken.outcomes[0].status is Status.WRITTEN
    assert bench.contact(first)["fields"]["nps_group"] == "no_such_option"


def test_a_new_address_of_a_person_is_a_second_one(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.adapter().write(update(bench, [Row("k", {"email": "new@example.test"}, first)]))
    found = bench.adapter().find("users", "email", ["c0@example.test"], want=["email"])
    assert [one.remote_id for one in found["c0@example.test"]] == [first]


def test_a_closed_ticket_says_that_it_is_closed(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    told = {"subject": "x", "description": "x", "requester_id": int(first), "status": "closed"}
    (ticket,) = bench.control("seed", {"tickets": [told]})["tickets"]
    batch = Batch("tickets", Operation.UPDATE, (Row("k", {"priority": "high"}, ticket),))
    result = bench.adapter().write(batch)
    assert isinstance(result, BatchResult)
    assert result.outcomes[0].code == "ticket_closed"
    assert "closed" in result.outcomes[0].message


@pytest.mark.parametrize(("counts", "status"), [(False, Status.WRITTEN), (True, Status.RETRY)])
def test_tag_calls_may_count_as_updates_of_the_user(
    bench: ZendeskBench, *, counts: bool, status: Status
) -> None:
    bench.control("options", {"tag_calls_count_as_updates": counts})
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    for score in range(5):
        adapter.write(update(bench, rows_for([first], nps_score=score)))
    (outcome,) = adapter.retag("users", [change(first, NINE[1:])]).outcomes
    assert outcome.status is status
    assert ("npstoday_møde_9" in bench.contact(first)["tags"]) is (not counts)
