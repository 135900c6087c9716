"""The nine invariants of delivering, each with a test that fails without it.

The fault tests (tests/faults) break more, and at exact places; these say what must never break.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
import redis

from connector.app import create_app
from connector.connections.tokens import reach
from connector.db import InsideTransaction
from connector.engines import Postgres
from connector.engines.process import wait_until
from connector.queues import Doorbell
from connector.responses.calling import Caller
from connector.responses.claiming import claimed
from connector.settings import Settings
from connector.sweep import Sweep
from tests.faults.crowd import REFUSAL, said, trouble
from tests.faults.verdict import wrongs
from tests.world import CRMSeen, World, people

NEW, OLD = "2026-11-22T10:00:00Z", "2026-11-21T10:00:00Z"


def push(world: World, item: Mapping[str, Any]) -> Any:
    app = create_app(world.hub.settings, world.database)
    bearer = {"Authorization": f"Bearer {world.key}"}
    return app.test_client().post("/api/v1/responses", json=item, headers=bearer)


def test_1_a_2xx_means_committed_and_the_same_push_again_answers_the_same(
    world: World, settings: Settings
) -> None:
    first = push(world, said(1, 1))
    assert first.status_code == 202
    with psycopg.connect(str(settings.database_owner_url)) as other:
        other.execute("SET row_security = off")
        (stored,) = other.execute("SELECT count(*) FROM response_key").fetchone() or (0,)
    assert stored == 1
    again = push(world, said(1, 1))
    assert again.status_code in {200, 202}
    assert again.json == first.json | {"duplicate": True, "status": again.json.get("status")}
    assert len(world.rows("SELECT FROM response")) == 1


def test_2_the_database_is_the_truth_and_the_sweep_finds_everything_without_a_ring(
    world: World, crm: CRMSeen, settings: Settings
) -> None:
    sweep = Sweep(world.hub, Doorbell(str(settings.redis_url)))

    def found() -> set[str]:
        with redis.Redis.from_url(str(settings.redis_url)) as client:
            client.flushall()
        return {one.kind for one in sweep.once()}

    crm.seed(people(1))
    assert found() == set()
    world.push(said(1, 0))
    assert "plan" in found()
    world.plan()
    assert "drain" in found()
    lost = claimed(world.hub, world.workspace_id, crm.connection_id, number=0)
    assert lost is not None
    assert "drain" not in found()
    world.expire_leases()
    assert "drain" in found()


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_3_whatever_answer_is_lost_the_effect_stands_exactly_once(
    world: World, crm: CRMSeen, at: int
) -> None:
    crm.seed(people(1))
    items = [said(1, 0), said(2, 1)]
    world.push(*items)
    trouble(crm, at=at, drop_after=True)
    world.settle()
    assert wrongs(crm.app, items, crm.contacts()) == []


def test_4_an_older_answer_never_overwrites_a_newer_one(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    items = [said(1, 0, score=9, at=NEW), said(2, 0, score=2, at=OLD)]
    for one in items:
        world.push(one)
        world.settle()
    assert wrongs(crm.app, items, crm.contacts()) == []
    assert float(crm.value("c0@example.test", "score")) == 9


def test_5_a_bad_row_never_blocks_its_neighbours(world: World, crm: CRMSeen) -> None:
    """What the record schema refuses, and what only the CRM can refuse, in one batch of twelve."""
    ids = crm.seed(people(12))
    world.linked(crm.app, {f"c{n}@example.test": one for n, one in enumerate(ids)})
    items = [said(n, n) for n in range(12)]
    order = {"key": ids[5], "error": REFUSAL[crm.app], "times": None}
    crm.control("fault", {"action": {"row": order}})
    world.push(*items)
    world.settle()
    others = [one for n, one in enumerate(items) if n != 5]
    assert wrongs(crm.app, others, crm.contacts()) == []
    assert {one.contact_id for one in world.deliveries(state="dead")} <= {6}
    assert world.deliveries(state="dead")


BY_KEY = {"odoo"}


def test_6_a_revoked_connection_parks_its_work_says_so_and_resumes(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    items = [said(1, 0)]
    crm.control("oauth", {"revoke": True})
    world.push(*items)
    world.plan()
    world.drain(crm.app)
    assert {(one.state, one.reason) for one in world.deliveries()} <= {
        ("parked", "auth"),
        ("parked", "provision"),
    }
    (said_of,) = world.rows("SELECT state, reason FROM connection")
    assert said_of.state == "needs_attention"
    way_back = "Enter a valid one" if crm.app in BY_KEY else "Connect again"
    assert way_back in said_of.reason
    world.reconnect(crm.app, crm.connection_id, crm.url)
    world.settle()
    assert wrongs(crm.app, items, crm.contacts()) == []


def test_7_no_call_leaves_while_a_transaction_is_open(world: World, crm: CRMSeen) -> None:
    reached = reach(world.hub.desk, world.workspace_id, crm.connection_id)
    caller = Caller(
        desk=world.hub.desk,
        workspace_id=world.workspace_id,
        connection_id=crm.connection_id,
        limiter=world.hub.limiter,
        monotonic=lambda: 0.0,
        ends_at=60.0,
        call_deadline_s=20.0,
        rate_share=1.0,
        entities={},
        reached=reached,
    )
    calls = len(crm.calls())
    with world.database.begin(world.workspace_id), pytest.raises(InsideTransaction):
        caller.call(lambda one: one.probe())
    assert len(crm.calls()) == calls


def test_7_no_session_holds_a_transaction_while_the_crm_is_waited_for(
    world: World, crm: CRMSeen, migrated: Postgres
) -> None:
    crm.seed(people(3))
    world.push(*(said(n, n) for n in range(3)))
    world.plan()
    crm.control("options", {"latency_ms": 250})
    drain = threading.Thread(target=world.drain, args=(crm.app,))
    since = len(crm.calls())
    drain.start()
    held = []
    with psycopg.connect(migrated.admin_url, autocommit=True) as admin:
        while drain.is_alive():
            if wait_until(lambda: is_waiting(crm, since), timeout_s=0.05):
                held += admin.execute(OPEN_TRANSACTIONS).fetchall()
    drain.join()
    assert len(crm.calls()) > since
    assert held == []


OPEN_TRANSACTIONS = (
    "SELECT state, query FROM pg_stat_activity WHERE usename = 'answerback_app'"
    " AND state LIKE 'idle in transaction%'"
    " AND state_change < clock_timestamp() - interval '100 ms'"
)


def is_waiting(crm: CRMSeen, since: int) -> bool:
    return any(one["status"] is None for one in crm.calls()[since:])


OTHERS: dict[str, dict[str, Any]] = {
    "hubspot": {"email": "c0@example.test", "jobtitle": "Chief", "phone": "12345678"},
    "salesforce": {
        "Email": "c0@example.test",
        "LastName": "X",
        "Title": "Chief",
        "NPSToday_Tags__c": "VIP;NPSToday.Other.3",
    },
    "zendesk": {"email": "c0@example.test", "name": "X", "phone": "1", "tags": ["vip", "other_3"]},
    "odoo": {
        "email": "c0@example.test",
        "name": "X",
        "function": "Chief",
        "tags": ["VIP", "NPSToday.Other.3"],
    },
}
OURS = {"hubspot": "nps", "odoo": "x_nps", "salesforce": "NPS", "zendesk": "nps"}


def test_8_what_we_do_not_own_stays_as_it_is(world: World, crm: CRMSeen) -> None:
    crm.control("seed", {"contacts": [OTHERS[crm.app]]})
    before = crm.contacts()["c0@example.test"]
    for score, at in ((3, OLD), (9, NEW)):
        world.push(said(score, 0, score=score, at=at))
        world.settle()
    after = crm.contacts()["c0@example.test"]
    assert foreign(crm.app, after) == foreign(crm.app, before)
    assert set(before["tags"]) <= set(after["tags"])
    assert len(after["tags"]) == len(before["tags"]) + 1


def foreign(app: str, contact: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that no mapping of ours writes, without those the CRM keeps by itself."""
    # Odoo's fields hold the tags' ids; the tags themselves are compared by name.
    own = (
        "hs_",
        "lastmod",
        "SystemMod",
        "LastMod",
        "updated",
        "write_date",
        "category_id",
        OURS[app],
    )
    fields = contact.get("properties") or contact.get("fields") or {}
    return {name: value for name, value in fields.items() if not name.startswith(own)}


CANARY, ADDRESS = "Canary-answer-7Q", "canary.person@example.test"


@pytest.mark.parametrize(
    "action",
    [
        {"status": 400, "body": {"message": f"{CANARY} {ADDRESS}", "status": "error"}},
        {"status": 500},
        {"drop_after": True},
        {"bad_json_after": True},
    ],
    ids=["refused", "failed", "dropped", "nonsense"],
)
def test_9_no_answer_address_or_secret_leaks(
    world: World,
    crm: CRMSeen,
    settings: Settings,
    capfd: pytest.CaptureFixture[str],
    action: dict[str, Any],
) -> None:
    item = said(1, 0) | {"respondent": {"email": ADDRESS}}
    item["answers"]["why"]["value"] = CANARY
    for at in (1, 3, 5):
        trouble(crm, at=at, **action)
    world.push(item)
    Sweep(world.hub, Doorbell(str(settings.redis_url))).once()
    world.plan()
    for _ in range(4):
        world.hurry()
        world.drain(crm.app)
    told = "".join(capfd.readouterr()) + in_redis(settings) + in_words_of_ours(world)
    token = reach(world.hub.desk, world.workspace_id, crm.connection_id).account.token
    assert [one for one in (CANARY, ADDRESS, token) if one in told] == []


def in_redis(settings: Settings) -> str:
    """Everything that Redis holds, jobs unpacked."""
    found = []
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        for key in client.scan_iter():
            if client.type(key) == b"hash":
                for value in client.hgetall(key).values():
                    found.append(str(value))
                    if value[:1] == b"\x78":
                        found.append(str(zlib.decompress(value)))
    return " ".join(found)


def in_words_of_ours(world: World) -> str:
    """Errors, attempts and the audit log: what people and programs are shown."""
    rows = world.rows("SELECT error, error_field FROM delivery")
    rows += world.rows("SELECT message, code FROM attempt")
    rows += world.rows("SELECT detail::text FROM audit")
    rows += world.rows("SELECT plan_error, verdicts::text FROM response")
    return " ".join(str(one) for one in rows)
