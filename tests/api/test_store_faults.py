"""While the store is away, locked, or crowded a push gets 503 and never a 2xx that is not true."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from connector.app import create_app
from connector.db import Database
from connector.engines import Postgres
from tests.api.conftest import Caller, founded
from tests.api.test_responses import body


@pytest.fixture
def hasty(settings) -> Iterator[Caller]:
    """A workspace behind an app that waits for nothing longer than half a second."""
    short = replace(
        settings,
        lock_timeout_s=0.5,
        statement_timeout_s=0.5,
        pool_size=1,
        pool_overflow=0,
        pool_wait_s=0.5,
    )
    database = Database(short)
    yield founded(create_app(short, database).test_client(), database, "hasty")
    database.close()


def owner(settings) -> psycopg.Connection:
    return psycopg.connect(settings.database_owner_url)


def test_fault_20_without_the_database_a_push_gets_503_and_when_to_come_again(alice, postgres):
    postgres.stop_immediate()
    answer = alice.post("/responses", body())
    assert (answer.status_code, answer.json["code"]) == (503, "database_away")
    assert int(answer.headers["Retry-After"]) > 0
    assert alice.client.get("/ready").status_code == 503
    assert alice.client.get("/health").status_code == 200
    postgres.start()
    assert _until_taken(alice, body()).json["duplicate"] is False


def test_fault_21_a_push_that_a_restart_cut_off_is_taken_once_when_it_comes_again(alice, postgres):
    alice.post("/responses", body("before"))
    postgres.restart_immediate()
    assert _until_taken(alice, body("after")).json["duplicate"] is False
    assert _until_taken(alice, body("before")).json["duplicate"] is True


def test_fault_22_a_locked_table_is_not_waited_for_and_nothing_piles_up(hasty, settings):
    with owner(settings) as locking:
        locking.execute("LOCK TABLE response_key IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answers = [hasty.post("/responses", body(str(n))) for n in range(3)]
        locking.rollback()
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - began < 6
    assert hasty.post("/responses", body("0")).json["duplicate"] is False


def test_fault_23_a_deadlock_is_tried_again_and_never_shown(alice, settings, postgres):
    alice.post("/contacts", [{"external_id": "1"}, {"external_id": "2"}])
    changed = [{"external_id": "1", "name": "A"}, {"external_id": "2", "name": "B"}]
    answers = []
    name = settings.database_owner_url.split("/")[3].split("?")[0]
    # As the superuser, so that PostgreSQL ends our session and not this one.
    with psycopg.connect(postgres.url_for("postgres", name)) as other:
        other.execute("SET deadlock_timeout = '30s'")
        other.execute("SELECT 1 FROM contact WHERE external_id = '2' FOR UPDATE")
        push = threading.Thread(target=lambda: answers.append(alice.post("/contacts", changed)))
        push.start()
        _until_waiting(postgres, name)
        other.execute("SELECT 1 FROM contact WHERE external_id = '1' FOR UPDATE")
        other.commit()
        push.join(20)
    assert answers[0].status_code == 200
    assert answers[0].json["updated"] == 2


def test_fault_26_with_every_connection_taken_the_answer_is_fast(hasty):
    database = hasty.client.application.extensions["answerback"].database
    with database.begin(hasty.workspace_id):
        began = time.monotonic()
        answer = hasty.post("/responses", body())
    assert (answer.status_code, answer.json["code"]) == (503, "database_away")
    assert time.monotonic() - began < 3
    assert hasty.post("/responses", body()).status_code == 202


def test_fault_26_fifty_clients_on_one_connection_are_all_answered(hasty):
    statuses = []
    pushes = [
        threading.Thread(
            target=lambda n=n: statuses.append(hasty.post("/responses", body(str(n))).status_code)
        )
        for n in range(50)
    ]
    for push in pushes:
        push.start()
    for push in pushes:
        push.join(30)
    assert len(statuses) == 50
    assert set(statuses) <= {202, 503}
    assert 202 in statuses


def test_fault_39_fifty_pushes_at_once_of_one_response_store_it_once(alice, database):
    answers = []
    pushes = [
        threading.Thread(target=lambda: answers.append(_until_taken(alice, body())))
        for _ in range(50)
    ]
    for push in pushes:
        push.start()
    for push in pushes:
        push.join(60)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum(not answer.json["duplicate"] for answer in answers) == 1
    with database.begin(alice.workspace_id) as connection:
        assert connection.execute(text("SELECT count(*) FROM response")).scalar_one() == 1


def test_a_bug_of_ours_is_told_without_its_trace(app, alice, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        message = "canary-secret"
        raise RuntimeError(message)

    monkeypatch.setattr("connector.workspaces.read", broken)
    answer = alice.get("/workspace")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text


def _until_taken(caller: Caller, pushed: dict[str, Any]) -> Any:
    """A client that comes again as Retry-After says, within ten seconds."""
    until = time.monotonic() + 10
    while True:
        answer = caller.post("/responses", pushed)
        if answer.status_code != 503 or time.monotonic() > until:
            return answer
        time.sleep(0.1)


def _until_waiting(postgres: Postgres, name: str) -> None:
    """Somebody in that database waits for a row lock."""
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        for _ in range(100):
            waiting = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
                " AND wait_event_type = 'Lock'",
                [name],
            ).fetchone()
            if waiting and waiting[0]:
                return
            time.sleep(0.02)
    pytest.fail("the import never came to wait for the row")
