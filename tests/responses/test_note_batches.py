"""Notes whose CRM opens them in batches by itself: what is looked for, what is not, and that each
stands once whatever is lost.
"""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import text

from connector.responses import leases
from connector.responses.calling import MOST_IN_FLIGHT
from tests.responses.scene import LATER, joined, known, states
from tests.world import CRMSeen, World, answered

LATEST = "2026-11-24T01:02:00Z"


def calls(crm: CRMSeen, since: int = 0) -> Counter[str]:
    """The calls about tickets and jobs, ids replaced."""
    told = Counter[str]()
    for one in crm.calls()[since:]:
        path = one["path"].split("?")[0].removeprefix("/api/v2/").removesuffix(".json")
        words = ["N" if part.isdigit() else part for part in path.split("/")]
        if words[0] == "tickets":
            told[f"{one['method']} {'/'.join(words)}"] += 1
    return told


def until_a_job_opens_tickets(world: World) -> None:
    ends_at = time.monotonic() + 20
    while not any("note" in (one.handle or {}) for one in world.deliveries(state="awaiting")):
        assert time.monotonic() < ends_at
        world.hurry()
        world.drain("zendesk")
        time.sleep(0.05)


def tickets(crm: CRMSeen) -> list[int]:
    """How many comments each ticket has."""
    return [len(one["comments"]) for one in crm.control("state")["tickets"]]


def test_first_notes_are_opened_by_one_job_and_looked_for_by_nobody(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 40)
        world.push(*(answered(n) for n in range(40)))
        world.settle()
        assert calls(crm) == {"POST tickets/create_many": 1}
        assert [len(crm.notes(f"c{n}@example.test")) for n in range(40)] == [1] * 40
        noted = world.deliveries(kind="note")
        assert all(one.remote_id.endswith("/") for one in noted)
        assert {one.state for one in noted} == {"done"}


def test_a_later_note_joins_the_ticket_that_our_own_books_name(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 5)
        world.push(*(answered(n) for n in range(5)))
        world.settle()
        since = len(crm.calls())
        world.push(answered(0, score=3, at=LATER, response_id="again"))
        world.settle()
        assert calls(crm, since) == {"PUT tickets/N": 1}
        assert tickets(crm) == [2, 1, 1, 1, 1]


def test_a_second_note_of_one_push_waits_for_the_ticket_of_the_first(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 4)
        world.push(*(answered(n) for n in range(4)))
        world.push(answered(0, at=LATER, response_id="second"))
        world.push(answered(0, at=LATEST, response_id="third"))
        world.settle()
        assert tickets(crm) == [3, 1, 1, 1]
        assert calls(crm) == {"POST tickets/create_many": 1, "PUT tickets/N": 2}


def test_the_job_whose_answer_was_lost_is_looked_for_before_anything_is_sent(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 4)
        crm.fault("tickets/create_many", "POST", drop_after=True)
        world.push(*(answered(n) for n in range(4)))
        world.plan()
        world.drain("zendesk")
        world.hurry()
        world.drain("zendesk")
        waits = world.rows(
            "SELECT extract(epoch FROM due_at - now()) AS s FROM delivery"
            " WHERE kind = 'note' AND state = 'pending'"
        )
        assert len(waits) == 4
        assert min(one.s for one in waits) > 50
        world.settle()
        assert tickets(crm) == [1, 1, 1, 1]
        assert {one.state for one in world.deliveries(kind="note")} == {"done"}


def test_a_job_that_may_still_begin_is_waited_for(world: World) -> None:
    with joined(world, "zendesk", options={"job_delay_s": 60.0}) as crm:
        known(world, crm, 4)
        crm.fault("tickets/create_many", "POST", drop_after=True)
        world.push(*(answered(n) for n in range(4)))
        world.plan()
        ends_at, offset_s = time.monotonic() + 20, 0
        while {one.error_code for one in world.deliveries(kind="note")} != {"job_running"}:
            assert time.monotonic() < ends_at
            if not any("create_many" in one["path"] for one in crm.calls()):
                # The job that writes the contacts may end, the one that opens the tickets not yet.
                offset_s += 61
                crm.control("clock", {"offset_s": offset_s})
            world.hurry()
            world.drain("zendesk")
        assert tickets(crm) == []
        crm.control("clock", {"offset_s": offset_s + 120})
        world.settle()
        assert tickets(crm) == [1, 1, 1, 1]


def test_a_worker_that_died_with_the_job_leaves_one_ticket_each(world: World) -> None:
    with joined(world, "zendesk", options={"job_delay_s": 0.2}) as crm:
        known(world, crm, 4)
        world.push(*(answered(n) for n in range(4)))
        world.plan()
        until_a_job_opens_tickets(world)
        world.hurry()
        with world.database.begin(world.workspace_id) as store:
            leases.claim_poll(store, crm.connection_id, lease_s=60)
        world.expire_leases()
        world.settle()
        assert tickets(crm) == [1, 1, 1, 1]
        assert {one.state for one in world.deliveries(kind="note")} == {"done"}


def test_a_killed_job_is_looked_for_and_sent_again(world: World) -> None:
    with joined(world, "zendesk", options={"job_delay_s": 0.5}) as crm:
        known(world, crm, 4)
        world.push(*(answered(n) for n in range(4)))
        world.plan()
        until_a_job_opens_tickets(world)
        assert crm.control("seed", {"kill_jobs": True})["killed"] == 1
        world.settle()
        assert tickets(crm) == [1] * 4


def test_a_row_that_the_job_refuses_is_sent_alone_and_says_why(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 4)
        world.push(*(answered(n) for n in range(4)))
        world.plan()
        lost = crm.contacts()["c1@example.test"]["id"]
        world.drain("zendesk")
        crm.control("seed", {"delete": [int(lost)]})
        world.settle()
        assert tickets(crm) == [1, 1, 1]
        assert ("done", None) not in states(world, kind="note", contact_id=2)


def test_an_account_without_bulk_tickets_is_asked_once(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 8)
        crm.fault("tickets/create_many", "POST", times=9, status=403)
        world.push(*(answered(n) for n in range(4)))
        world.settle()
        world.push(*(answered(n) for n in range(4, 8)))
        world.settle()
        assert calls(crm) == {"POST tickets/create_many": 1, "POST tickets": 8}
        assert tickets(crm) == [1] * 8


def test_a_thread_whose_ticket_our_books_do_not_name_is_looked_for(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 4)
        world.push(answered(0))
        world.settle()
        with world.database.begin(world.workspace_id) as store:
            store.execute(text("UPDATE delivery SET remote_id = NULL WHERE kind = 'note'"))
        since = len(crm.calls())
        world.push(answered(0, at=LATER, response_id="again"))
        world.settle()
        assert calls(crm, since) == {"GET tickets": 1, "PUT tickets/N": 1}
        assert tickets(crm) == [2]


def test_whether_a_job_is_at_work_is_asked_once_a_call_in_flight_not_once_a_note(
    world: World,
) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 40)
        world.push(*(answered(n) for n in range(40)))
        world.plan()
        with world.database.begin(world.workspace_id) as store:
            store.execute(text("UPDATE delivery SET claims = 1 WHERE kind = 'note'"))
        since = len(crm.calls())
        world.settle()
        asked = [one for one in crm.calls()[since:] if "job_statuses.json" in one["path"]]
        assert 1 <= len(asked) <= MOST_IN_FLIGHT
        assert calls(crm, since) == {"GET tickets": 40, "POST tickets": 40}
        assert tickets(crm) == [1] * 40


def test_a_look_for_what_stands_comes_before_the_next_job_is_begun(world: World) -> None:
    with joined(world, "zendesk", options={"job_delay_s": 0.3}) as crm:
        known(world, crm, 8)
        world.push(*(answered(n) for n in range(8)))
        world.plan()
        with world.database.begin(world.workspace_id) as store:
            store.execute(
                text("UPDATE delivery SET claims = 1 WHERE kind = 'note' AND contact_id <= 4")
            )
        world.settle()
        assert calls(crm)["POST tickets/create_many"] == 1
        assert tickets(crm) == [1] * 8
        waited = [one for one in world.rows("SELECT code FROM attempt") if one.code]
        assert waited == []
