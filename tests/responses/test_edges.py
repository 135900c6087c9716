"""Edges of delivering: creates, asynchronous jobs, threads of notes, and what the ledger says of
them.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import threading
import time
import zlib
from typing import Any

import pytest
import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import text

from connector import jobs
from connector.queues import DRAIN, QUEUE, Doorbell
from connector.responses import calling, deliver, leases, prepare, replay
from connector.settings import Settings
from tests.responses.scene import LATER, joined, known, states
from tests.world import CRMSeen, World, answered, people


def test_a_mapping_that_only_creates_never_writes_an_existing_record(world: World) -> None:
    with joined(world, "hubspot", operation="create") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        assert crm.value("c0@example.test", "score") in (None, "")


def test_a_rule_for_several_matches_holds_when_a_tag_travels_along(world: World) -> None:
    with joined(world, "salesforce", ambiguous="newest") as crm:
        crm.seed([{"email": "c0@example.test"}, {"email": "c0@example.test"}])
        world.push(answered(0))
        world.settle()
        assert states(world, kind="fields") == [("done", None)]


def test_a_mapping_that_only_creates_makes_a_new_zendesk_user_with_its_values(
    world: World,
) -> None:
    with joined(world, "zendesk", operation="create", note="none") as crm:
        with world.database.begin(world.workspace_id) as store:
            store.execute(
                text("""UPDATE workspace SET settings = '{"tags": {"enabled":
            false}}'""")
            )
        world.push(answered(0))
        world.settle()
        assert states(world) == [("done", None)]
        assert "c0@example.test" in crm.contacts()


def test_nobody_works_on_a_lane_whose_job_runs(world: World) -> None:
    with joined(world, "zendesk", note="none", options={"job_delay_s": 60.0}) as crm:
        known(world, crm, 3)
        world.push(*(answered(n, score=1) for n in range(3)))
        world.push(*(answered(n, score=5, at=LATER, response_id=f"l{n}") for n in range(3)))
        world.plan()
        world.drain("zendesk")
        assert {one.state for one in world.deliveries(kind="fields")} == {"superseded", "awaiting"}
        third = [
            answered(n, score=9, at="2026-11-24T01:02:00Z", response_id=f"t{n}") for n in range(3)
        ]
        world.push(*third)
        world.plan()
        world.drain("zendesk")
        newest = [one for one in world.deliveries(kind="fields") if one.answered_at.day == 24]
        assert [one.claims for one in newest] == [0, 0, 0]


def test_a_job_is_taken_up_again_when_one_of_its_lanes_had_a_refused_row(world: World) -> None:
    score = [{"variable": "answers.nps", "field": "nps_score"}]
    comment = [{"variable": "answers.why", "field": "nps_comment"}]
    with joined(world, "zendesk", rows=score, options={"job_delay_s": 0.3}) as crm:
        world.mapping("zendesk", name="second", rows=comment)
        known(world, crm, 3)
        world.push(*(answered(n) for n in range(3)))
        world.plan()
        first = world.deliveries(kind="fields")[0]
        with world.database.begin(world.workspace_id) as store:
            # The first mapping's value for the first contact is one that the schema refuses.
            store.execute(
                text(
                    "UPDATE delivery SET payload = jsonb_set(payload, '{values,nps_score}',"
                    " '\"no number\"') WHERE id = :id"
                ),
                {"id": first.id},
            )
        world.drain("zendesk")
        assert "awaiting" in {one.state for one in world.deliveries()}
        time.sleep(0.5)
        world.hurry()
        world.drain("zendesk")


def test_a_replayed_poll_does_not_take_the_wave_with_it(world: World) -> None:
    with joined(world, "zendesk", note="none", options={"job_delay_s": 60.0}) as crm:
        known(world, crm, 4)
        world.push(*(answered(n) for n in range(3)))
        world.plan()
        world.drain("zendesk")
        for _ in range(3):
            world.hurry()
            with world.database.begin(world.workspace_id) as store:
                leases.claim_poll(store, crm.connection_id, lease_s=60)
            world.expire_leases()
            with world.database.begin(world.workspace_id) as store:
                leases.take_back_abandoned(store, crm.connection_id)
        dead = world.deliveries(state="dead")
        assert {one.reason for one in dead} == {"crashes"}
        with world.database.begin(world.workspace_id) as store:
            replay.replay_one(store, world.workspace_id, dead[0].id)
        world.push(answered(3))
        world.plan()
        world.drain("zendesk")
        fresh = [one for one in world.deliveries() if one.response_id == 4]
        assert [(one.attempts, one.error_code) for one in fresh] == [(0, None)] * len(fresh)


def test_a_wave_ends_before_its_lease_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, float] = {}
    real = calling.Caller

    def recorded(**options: Any) -> Any:
        seen["left"] = options["ends_at"] - options["monotonic"]()
        (row,) = world.rows(
            "SELECT min(extract(epoch FROM lease_until - clock_timestamp())) AS left"
            " FROM delivery WHERE state = 'leased'"
        )
        seen["lease"] = float(row.left)
        return real(**options)

    monkeypatch.setattr(deliver, "Caller", recorded)
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.plan()
        held = threading.Event()

        def other_claim() -> None:
            with world.database.begin(world.workspace_id) as store:
                store.execute(
                    text("SELECT pg_advisory_xact_lock(7001, :c)"), {"c": crm.connection_id}
                )
                held.set()
                time.sleep(2)

        with world.database.begin(world.workspace_id):
            pass
        other = threading.Thread(target=other_claim)
        monkeypatch.setattr(leases, "take_back_abandoned", lambda *_: 0)
        other.start()
        held.wait()
        world.drain("hubspot")
        other.join()
        assert seen["left"] <= seen["lease"] + 0.2


def test_no_answer_reaches_redis_when_a_wave_breaks(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "my boss is a crook"

    def broken(*_: Any) -> None:
        float(secret)

    connection = redis.Redis.from_url(str(settings.redis_url))
    monkeypatch.setattr(deliver, "_work", broken)
    monkeypatch.setattr(jobs, "hub", lambda: world.hub)
    monkeypatch.setattr(jobs, "_bell", lambda: Doorbell(str(settings.redis_url)))
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        world.push(answered(0, why=secret))
        world.plan()
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        bell = Doorbell(str(settings.redis_url))
        bell.ring(DRAIN, world.workspace_id, crm.connection_id)
        SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(burst=True)
        kept: list[Any] = []
        for key in connection.scan_iter("rq:*"):
            kind: Any = connection.type(key)
            if kind == b"hash":
                kept += dict(connection.hgetall(key)).values()
            elif kind == b"stream":
                told: Any = connection.xrange(key)
                kept += [value for _, fields in told for value in fields.values()]
        plain: list[bytes] = []
        for one in kept:
            plain.append(one)
            for unpacked in (zlib.decompress, lambda raw: zlib.decompress(base64.b64decode(raw))):
                with contextlib.suppress(Exception):
                    plain.append(unpacked(one))
        assert not any(secret.encode() in one for one in plain)


def test_a_wave_that_could_not_be_prepared_is_handed_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.plan()

        def broken(*_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(prepare, "known_of", broken)
        with pytest.raises(RuntimeError):
            world.drain("hubspot")
        assert "leased" not in {one.state for one in world.deliveries()}


def test_two_notes_of_one_thread_join_one_ticket(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 1)
        world.push(*(answered(0, response_id=f"n{number}") for number in range(4)))
        crm.fault("tickets", "GET", times=4, delay_s=0.3)
        world.settle()
        opened = [
            one
            for one in crm.calls()
            if one["method"] == "POST" and one["path"].split("?")[0].endswith("/tickets.json")
        ]
        assert len(crm.notes("c0@example.test")) == 4
        assert len(opened) == 1


def test_the_ledger_keeps_the_value_before_when_the_answer_was_lost(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        world.push(answered(0, score=3))
        world.settle()
        crm.fault("contacts/batch/update", "POST", drop_after=True)
        world.push(answered(0, score=9, at=LATER, response_id="later"))
        world.settle()
        rows = world.rows(
            "SELECT before, after FROM ledger WHERE field = 'nps_score' ORDER BY id DESC LIMIT 1"
        )
        assert [(str(one.before), str(one.after)) for one in rows] == [("3", "9")]


def test_the_ledger_knows_a_record_that_was_made_to_link_it(world: World) -> None:
    with joined(world, "zendesk", note="none"):
        world.push(answered(0))
        world.settle()
        (counted,) = world.rows("SELECT count(*) AS n FROM ledger WHERE created")
        assert counted.n > 0


def test_the_ledger_does_not_claim_what_the_crm_kept(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        crm.seed([{"email": "c0@example.test", "first_name": "Anna", "last_name": "Own"}])
        world.standard("hubspot", note=False)
        crm.fault("contacts/batch/read", "POST", throttle=1)
        world.push(answered(0))
        world.settle()
        wrong = world.rows("SELECT field FROM ledger WHERE field IN ('firstname', 'lastname')")
        assert crm.contacts()["c0@example.test"]["properties"]["firstname"] == "Anna"
        assert wrong == []


def test_a_note_does_not_die_with_another_mappings_value(world: World) -> None:
    score = [{"variable": "answers.nps", "field": "nps_score"}]
    comment = [{"variable": "answers.why", "field": "nps_comment"}]
    with joined(world, "hubspot", rows=score) as crm:
        world.mapping("hubspot", name="second", rows=comment)
        told = '[{"isValid":false,"error":"INVALID_INTEGER","name":"nps_score"}]'
        body = {"status": "error", "category": "VALIDATION_ERROR", "message": f"Not valid: {told}"}
        crm.fault("contacts/batch/create", "POST", status=400, body=body)
        world.push(answered(0))
        world.settle()
        assert sorted(states(world, kind="fields")) == [("dead", "validation"), ("done", None)]
        assert states(world, kind="note") == [("done", None)]


def test_a_create_that_the_crm_answers_with_the_existing_record_is_written_there(
    world: World,
) -> None:
    with joined(world, "hubspot", note="none") as crm:
        (number,) = crm.seed([{"email": "other@example.test"}])
        body = {
            "status": "error",
            "category": "CONFLICT",
            "message": f"Contact already exists. Existing ID: {number}",
        }
        crm.fault("contacts/batch/create", "POST", times=100, status=409, body=body)
        world.push(answered(0))
        world.settle()
        assert states(world, kind="fields") == [("done", None)]


def test_a_create_refused_without_a_field_does_not_kill_another_mappings_answers(
    world: World,
) -> None:
    score = [{"variable": "answers.nps", "field": "nps_score"}]
    comment = [{"variable": "answers.why", "field": "nps_comment"}]
    with joined(world, "hubspot", rows=score, note="none") as crm:
        world.mapping("hubspot", name="second", rows=comment, note="none")
        body = {"status": "error", "category": "VALIDATION_ERROR", "message": "Not valid"}
        fault = {"path": "contacts/batch/create", "body": "nps_score", "times": 100}
        crm.control("fault", fault | {"action": {"status": 400, "body": body}})
        world.push(answered(0))
        world.settle()
        assert sorted(states(world, kind="fields")) == [("dead", "validation"), ("done", None)]


def test_a_reconnect_resumes_what_waits_for_a_permission(world: World) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        refusal = {
            "status": "error",
            "category": "MISSING_SCOPES",
            "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}],
        }
        crm.fault("notes/batch/create", "POST", status=403, body=refusal)
        world.push(answered(0))
        world.settle()
        assert states(world, kind="note") == [("parked", "scope")]
        world.reconnect("hubspot", crm.connection_id, crm.url)
        world.settle()
        assert states(world, kind="note") == [("done", None)]


def test_an_update_that_would_double_a_unique_value_is_refused_at_once(world: World) -> None:
    key = [{"variable": "campaign.id", "field": "NPSToday_Key__c"}]
    with joined(world, "salesforce", rows=key, note="none") as crm:
        crm.seed(people(2))
        world.push(answered(0))
        world.settle()
        world.push(answered(1))
        world.settle()
        refused = world.deliveries(kind="fields")[1]
        assert (refused.state, refused.reason) == ("dead", "validation")
        assert refused.error


def test_a_wave_that_is_over_leaves_nothing_behind(world: World, crm: CRMSeen) -> None:
    """A drain makes an adapter per wave and thread; what stays of one stays for months."""
    crm.seed(people(2))
    for n in range(2):
        world.push(answered(n))
        world.settle()
    gc.collect()
    kept = [one for one in gc.get_objects() if type(one) is calling.Caller]
    assert [one for one in kept if one.desk is world.hub.desk] == []
