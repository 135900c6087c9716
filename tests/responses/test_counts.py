"""What 1,000 responses cost: calls at the CRM, statements and rows at the database. CI gates on
these counts, never on time.

Calls are counted in the simulator's own log, by the kind of their route. Notes (`note`) and
Zendesk's tag endpoints (`tag`) are counted apart; Zendesk's notes cost two calls each, so its
mapping writes none here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, TextClause, event, text

from benchmarks.backlog import STEPS, fill
from connector.responses import leases, planner
from simulators.kit.server import running
from tests.responses.conftest import SIMULATORS
from tests.world import CRMSeen, World, answered, people

RESPONSES = 1_000
BOUND = {"hubspot": 40, "odoo": 55, "salesforce": 25, "zendesk": 60}
APART = {"note", "tag"}
# Jobs take the second and a half they are known to take at least: polls are counted too.
OPTIONS: Mapping[str, Any] = {"zendesk": {"job_delay_s": 1.5, "index_lag_s": 0, "rate": 100_000}}
NOTE = {"odoo": "none", "zendesk": "none"}


@contextmanager
def connected(world: World, app: str, **options: Any) -> Iterator[CRMSeen]:
    with running(SIMULATORS[app](options={**OPTIONS.get(app, {}), **options})) as url:
        crm = world.connect(app, url)
        world.mapping(app, note=NOTE.get(app, "all"))
        yield crm


def linked_contacts(world: World, crm: CRMSeen, count: int) -> None:
    """That many contacts we know in the CRM, and the campaign known from an earlier response."""
    ids = crm.seed(people(count))
    world.linked(crm.app, {f"c{n}@example.test": one for n, one in enumerate(ids)})
    world.push(answered(0, response_id="earlier", at="2026-11-01T00:00:00Z"))
    world.settle()


def calls_by_kind(crm: CRMSeen, *, since: int) -> Counter[str]:
    return Counter(one["kind"] for one in crm.calls()[since:])


# --- calls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", sorted(BOUND))
def test_a_thousand_responses_cost_few_calls_and_none_when_pushed_again(
    world: World, app: str
) -> None:
    with connected(world, app) as crm:
        linked_contacts(world, crm, RESPONSES)
        since = len(crm.calls())
        pushed = [answered(n) for n in range(RESPONSES)]
        world.push(*pushed)
        world.settle(for_s=100, hurry=False)
        assert set(world.states()) == {"done"}
        kinds = calls_by_kind(crm, since=since)
        counted = sum(count for kind, count in kinds.items() if kind not in APART)
        assert 0 < counted <= BOUND[app], kinds
        # One call a contact, and a few more until the account's spelling of tags is learnt.
        assert kinds["tag"] <= (RESPONSES + 30 if app == "zendesk" else 0)
        assert {one.status for one in world.push(*pushed)} == {"duplicate"}
        world.settle()
        assert calls_by_kind(crm, since=since) == kinds


@pytest.mark.parametrize(("count", "absent", "writes"), [(150, [], 4), (60, ["load"], 60)])
def test_at_odoo_different_values_share_calls_where_imports_are_open(
    world: World, count: int, absent: list[str], writes: int
) -> None:
    """Without imports each row costs a write, as Odoo sets one set of values in a call."""
    with connected(world, "odoo", absent=absent) as crm:
        linked_contacts(world, crm, count)
        since = len(crm.calls())
        world.push(*(answered(n, why=f"Reason {n}") for n in range(count)))
        world.settle(for_s=60, hurry=False)
        kinds = calls_by_kind(crm, since=since)
        # The tags, and the first import that is refused.
        assert writes <= kinds["write"] <= writes + 3
        assert kinds["read"] <= 10


# --- statements -----------------------------------------------------------------------------------


def statements(world: World, act: Callable[[], object]) -> int:
    """How many statements `act` has the database work off; each row of an executemany is one."""
    seen = Counter[str]()

    def count(*said: Any) -> None:
        _connection, _cursor, statement, parameters, _context, executemany = said
        many = executemany and isinstance(parameters, list)
        seen[statement] += len(parameters) if many else 1

    engine = world.database.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return seen.total()


@pytest.mark.parametrize("app", sorted(BOUND))
def test_no_step_has_a_query_per_row(world: World, app: str) -> None:
    """Ten responses and a hundred: the same statements for the push, the plan and every wave."""
    counts: dict[int, dict[str, int]] = {}
    # A job that is done at its first poll: how often a slow one is polled is no matter of rows.
    at_once = {"job_delay_s": 0} if app == "zendesk" else {}
    with connected(world, app, **at_once) as crm:
        linked_contacts(world, crm, 120)
        for first, count in ((0, 10), (10, 100)):
            push = partial(world.push, *(answered(n) for n in range(first, first + count)))
            told = counts[count] = {"push": statements(world, push)}
            told["plan"] = statements(world, world.plan)
            told["drain"] = 0
            while world.open():
                world.hurry()
                told["drain"] += statements(world, partial(world.drain, app))
    # What a wave has learnt about the account may cost a statement, or one less.
    assert all(counts[100][step] <= counts[10][step] + 5 for step in counts[10]), counts


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistics", ["unaware", "of before", "fresh"])
def test_a_claim_looks_at_no_more_rows_in_a_longer_queue(world: World, statistics: str) -> None:
    """PostgreSQL's statistics know nothing of a burst: its plan must not hang on them. Those of
    before were taken of a short queue.
    """
    with running(SIMULATORS["hubspot"]()) as url:
        crm = world.connect("hubspot", url)
    touched = []
    for after, lanes in ((0, 200), (200, 3_000)):
        with world.database.begin(world.workspace_id) as store:
            if after == 0:
                fill(store, world.workspace_id, crm.connection_id, state="done", lanes=500)
            fill(
                store,
                world.workspace_id,
                crm.connection_id,
                state="pending",
                lanes=lanes,
                after=after,
            )
        if statistics == "fresh" or (statistics == "of before" and after == 0):
            analyzed(world, "delivery")
        touched.append(rows_touched(world, crm.connection_id, lanes=100))
    assert touched[0] >= 100 * STEPS
    assert touched[1] <= 1.1 * touched[0]


def test_a_batch_of_planning_looks_at_no_more_rows_in_a_longer_queue(world: World) -> None:
    """With statistics of before the burst, as for claims."""
    touched = []
    for after, count in ((0, 120), (120, 1_000)):
        world.push(*(answered(n) for n in range(after, after + count)))
        if after == 0:
            analyzed(world, "response")
        touched.append(_taken(world))
    assert touched[0] >= 100
    assert touched[1] <= 1.1 * touched[0]


def analyzed(world: World, table: str) -> None:
    owner = str(world.hub.settings.database_owner_url)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _taken(world: World) -> int:
    with world.database.begin(world.workspace_id) as store:
        touched = _looked_at(store, planner.TAKE, {"n": 100})
        store.rollback()
    return touched


def rows_touched(world: World, connection_id: int, *, lanes: int) -> int:
    """The rows that all parts of the count of lanes and of one claim looked at, as PostgreSQL
    counted them.
    """
    options: dict[str, Any] = {"c": connection_id, "lanes": lanes}
    options["scan"] = lanes * leases.ROWS_PER_LANE
    options |= {"lease": 60.0, "token": uuid4(), "slowest": 3, "crashes": 0}
    with world.database.begin(world.workspace_id) as store:
        leases.queue_up(store, connection_id)
        touched = sum(_looked_at(store, one, options) for one in (leases.LANES_DUE, leases.CLAIM))
        store.rollback()
    return touched


def _looked_at(store: Connection, statement: TextClause, options: Mapping[str, Any]) -> int:
    explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}")
    (plan,) = store.execute(explain, options).scalar_one()
    return _rows(plan["Plan"])


def _rows(node: Mapping[str, Any]) -> int:
    each = sum(
        node.get(name, 0)
        for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    )
    return int(each * node["Actual Loops"]) + sum(_rows(one) for one in node.get("Plans", ()))
