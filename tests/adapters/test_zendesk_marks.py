"""How the Zendesk adapter sets score tags and notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.errors import (
    OutcomeUnknown,
    PauseMapping,
    StillRunning,
    Throttled,
    TryLater,
)
from adapters.http import Wire
from adapters.values import Account, BatchResult, Note, Started, Status, TagChange
from adapters.zendesk import Zendesk
from tests.adapters.contract import people
from tests.adapters.zendesk_bench import (
    SETTINGS,
    ZendeskBench,
    rows_for,
    served,
    tag,
    update,
)


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


# --- tags -----------------------------------------------------------------------------------------

NINE = ("NPSToday.Møde.9", "npstoday_møde_9", "npstoday_moede_9")
SEVEN = ("NPSToday.Møde.7", "npstoday_møde_7", "npstoday_moede_7")
OWNED = frozenset(
    each.replace("9", str(score)) for each in NINE for score in range(11)
)  # fmt: skip


def change(remote_id: str, spellings: tuple[str, ...] = NINE) -> TagChange:
    return TagChange(f"k-{remote_id}-{spellings[0][-1]}", remote_id, spellings, OWNED)


@pytest.mark.parametrize(
    ("rule", "kept", "style"),
    [("verbatim", NINE[0], 0), ("strict", NINE[1], 1), ("ascii", NINE[2], 2)],
)
def test_the_spelling_that_the_account_keeps_is_found_and_told(
    bench: ZendeskBench, rule: str, kept: str, style: int
) -> None:
    bench.control("options", {"tag_rules": rule})
    (first,) = bench.seed(people(1))
    tag(bench.base_url, first, ["vip"])
    (outcome,) = bench.adapter().retag("users", [change(first)]).outcomes
    assert (outcome.detail["tag"], outcome.detail["style"]) == (kept, style)
    assert (outcome.detail["before"], outcome.detail["after"]) == ([], [kept])
    assert set(bench.contact(first)["tags"]) == {"vip", kept}


def test_a_known_spelling_costs_one_call_and_one_read(bench: ZendeskBench) -> None:
    ids = bench.seed(people(3))
    before = len(bench.calls())
    bench.adapter().retag("users", [change(one, NINE[1:]) for one in ids])
    assert bench.paths(before) == ["GET users/show_many", *["PUT users/N/tags"] * 3]


def test_tags_that_are_known_are_not_read_again(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    tag(bench.base_url, first, [SEVEN[1]])
    adapter = bench.adapter()
    held = adapter.tagged("users", [first, "999"])
    assert held == {first: (SEVEN[1],)}
    before = len(bench.calls())
    known = replace(change(first, NINE[1:]), held=held[first])
    (outcome,) = adapter.retag("users", [known]).outcomes
    assert bench.paths(before) == ["PUT users/N/tags", "DELETE users/N/tags"]
    assert outcome.detail["before"] == [SEVEN[1]]
    assert bench.contact(first)["tags"] == [NINE[1]]


def test_a_rescored_contact_never_stands_without_atag(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.retag("users", [change(first, SEVEN[1:])])
    bench.control("fault", {"method": "DELETE", "path": "/tags", "action": {"throttle": 5}})
    with pytest.raises(Throttled):
        adapter.retag("users", [change(first, NINE[1:])])
    assert set(bench.contact(first)["tags"]) == {SEVEN[1], NINE[1]}
    (healed,) = adapter.retag("users", [change(first, NINE[1:])]).outcomes
    assert healed.status is Status.WRITTEN
    assert healed.detail["before"] == [SEVEN[1], NINE[1]]
    assert bench.contact(first)["tags"] == [NINE[1]]


def test_a_tag_that_somebody_else_sets_meanwhile_stays(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    read: list[int] = []

    def meddle(status: int, _headers: Mapping[str, str]) -> None:
        if not read:
            tag(bench.base_url, first, ["urgent", "npstoday_other_3"])
        read.append(status)

    account = Account(bench.token, bench.base_url, settings=SETTINGS)
    adapter = Zendesk(account, Wire(answered=meddle), bench.entities)
    adapter.retag("users", [change(first)])
    assert set(bench.contact(first)["tags"]) == {"urgent", "npstoday_other_3", NINE[1]}


def test_tags_switched_off_pause_the_tags_only(bench: ZendeskBench) -> None:
    bench.control("options", {"user_tags_enabled": False})
    (first,) = bench.seed(people(1))
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().retag("users", [change(first)])
    assert raised.value.code == "tags_disabled"


def test_a_gone_contact_does_not_stop_the_other_tags(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    outcomes = bench.adapter().retag("users", [change("999"), change(first)]).outcomes
    assert [one.code for one in outcomes] == ["not_found", ""]


# --- notes ----------------------------------------------------------------------------------------


def note(remote_id: str, number: int, thread: str = "5000-17") -> Note:
    marker = f"ref: 00000000-0000-4000-8000-00000000000{number}"
    return Note(
        key=f"n{number}",
        remote_id=remote_id,
        marker=marker,
        title="Møde",
        text=f"9\n{marker}",
        html=f"<p>9</p><p>{marker}</p>",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        thread=thread,
    )


def test_later_notes_of_a_campaign_join_its_ticket(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.note("users", [note(first, 1), note(first, 2), note(first, 3, "5000-18")])
    tickets = bench.control("state")["tickets"]
    assert [len(one["comments"]) for one in tickets] == [2, 1]
    assert all(not each["public"] for one in tickets for each in one["comments"])
    told = {name: tickets[0][name] for name in ("status", "subject", "external_id", "tags")}
    assert told == {
        "status": "solved",
        "subject": "Møde",
        "external_id": "answerback-5000-17",
        "tags": ["npstoday"],
    }
    assert str(tickets[0]["requester_id"]) == first
    assert set(adapter.noted("users", [note(first, 2), note(first, 4)])) == {"n2"}


def test_a_closed_ticket_is_followed_by_a_new_one(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    closed = {"subject": "Møde", "description": "8", "requester_id": int(first), "status": "closed"}
    bench.control("seed", {"tickets": [{**closed, "external_id": "answerback-5000-17"}]})
    adapter = bench.adapter()
    (outcome,) = adapter.note("users", [note(first, 1)]).outcomes
    assert outcome.status is Status.WRITTEN
    assert len(bench.control("state")["tickets"]) == 2
    assert adapter.noted("users", [note(first, 1)]) == {"n1": outcome.remote_id}


def test_a_note_whose_answer_was_lost_is_one_ticket(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.control("fault", {"method": "POST", "path": "/tickets", "action": {"drop_after": True}})
    with pytest.raises(OutcomeUnknown):
        bench.adapter().note("users", [note(first, 1)])
    assert bench.adapter().noted("users", [note(first, 1)])
    assert len(bench.control("state")["tickets"]) == 1


def test_a_list_of_jobs_that_may_not_be_seen_holds_no_note_up(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.fault("/job_statuses.json", status=403)
    assert bench.adapter().noted("users", [note(first, 1)]) == {}


def test_nobody_concludes_from_an_empty_look_while_a_job_opens_tickets(bench: ZendeskBench) -> None:
    bench.control("options", {"job_delay_s": 60})
    ids = bench.seed(people(3))
    notes = [note(one, number, f"5000-{number}") for number, one in enumerate(ids, 1)]
    assert isinstance(bench.adapter().start_notes("users", notes), Started)
    with pytest.raises(TryLater) as raised:
        bench.adapter().noted("users", notes[:1])
    assert raised.value.code == "job_running"
    bench.control("clock", {"offset_s": 61})
    assert set(bench.adapter().noted("users", notes)) == {"n1", "n2", "n3"}


def test_the_job_at_work_may_be_the_last_of_many(bench: ZendeskBench) -> None:
    """A page of the account's jobs holds a hundred."""
    ids = bench.seed(people(3))
    bench.control("options", {"job_delay_s": 0.0, "jobs_limit": 1_000})
    for _ in range(101):
        assert isinstance(bench.adapter().write(update(bench, rows_for(ids, nps_score=9))), Started)
    bench.control("options", {"job_delay_s": 60})
    notes = [note(one, number, f"5000-{number}") for number, one in enumerate(ids, 1)]
    assert isinstance(bench.adapter().start_notes("users", notes), Started)
    with pytest.raises(StillRunning):
        bench.adapter().noted("users", notes[:1])


# (a solved ticket needs an assignee, our user is in a group) -> status and assignee it ends with.
SOLVING = [
    ((True, True), ("solved", True)),
    ((False, True), ("solved", True)),
    ((False, False), ("solved", False)),
    ((True, False), ("new", False)),
]


@pytest.mark.parametrize(("account", "ends"), SOLVING)
@pytest.mark.parametrize("connection", ["tested", "older"])
def test_a_note_is_as_solved_as_the_account_lets_it_be(
    bench: ZendeskBench, account: tuple[bool, bool], ends: tuple[str, bool], connection: str
) -> None:
    needs, grouped = account
    bench.control("options", {"solved_needs_assignee": needs, "agent_in_group": grouped})
    if connection == "older":
        # It has not learnt who it is: nobody is named until the account insists.
        bench.learnt = {}
        ends = ends if needs else ("solved", False)
    first, second = bench.seed(people(2))
    result = bench.adapter().note("users", [note(first, 1)])
    again = bench.adapter(**result.learnt).note("users", [note(second, 2, "5000-18")])
    assert {one.status for one in (*result.outcomes, *again.outcomes)} == {Status.WRITTEN}
    assert again.learnt == {}
    for ticket in bench.control("state")["tickets"]:
        assert (ticket["status"], ticket["assignee_id"] is not None) == ends


def test_who_can_be_assigned_is_found_out_once(bench: ZendeskBench) -> None:
    bench.control("options", {"agent_in_group": False})
    ids = bench.seed(people(3))
    notes = [note(one, number, f"5000-{number}") for number, one in enumerate(ids, 1)]
    since = len(bench.calls())
    result = bench.adapter().note("users", [replace(one, is_first=True) for one in notes])
    assert result.learnt == {"note_assignee": "open"}
    assert bench.paths(since) == ["POST tickets", "GET users/me"] + ["POST tickets"] * 4


def test_one_or_two_first_notes_are_no_job(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    result = bench.adapter().start_notes("users", [note(first, 1)])
    assert result == BatchResult(())
