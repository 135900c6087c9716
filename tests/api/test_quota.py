"""What a connection's account has left, over the API and in the shell."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from connector.db import Database
from tests.api.conftest import Caller


@pytest.fixture
def connection_id(alice: Caller, database: Database) -> int:
    """A Salesforce connection that has told of its day, with work that waits."""
    with database.begin(alice.workspace_id) as store:
        made: int = store.execute(
            text(
                "INSERT INTO connection (workspace_id, app, name, auth, state, remote_account_id,"
                " settings) VALUES (:w, 'salesforce', 'sf', 'oauth', 'connected', '00D1',"
                " '{\"reserve_percent\": 20}') RETURNING id"
            ),
            {"w": alice.workspace_id},
        ).scalar_one()
        store.execute(
            text(
                "INSERT INTO account_usage (workspace_id, account, kind, allowed, remaining,"
                " window_s, source, seen_at) VALUES (:w, 'salesforce:00D1', 'daily', 1000, 300,"
                " 86400, 'header', now())"
            ),
            {"w": alice.workspace_id},
        )
    return made


def test_the_quota_tells_what_is_left_and_reserved(alice: Caller, connection_id: int) -> None:
    answer: Any = alice.get(f"/connections/{connection_id}/quota")
    told = answer.json
    assert answer.status_code == 200
    (limit,) = told["limits"]
    assert (limit["used"], limit["remaining"], limit["reserved"]) == (700, 300, 200)
    assert told["light"] == "yellow"
    assert told["waiting"] == {"interactive": 0, "live": 0, "replay": 0, "backfill": 0}
    assert told["forecast"]["calls"] == 0
    assert "200 of them reserved for your other tools" in told["words"]


def test_a_stranger_finds_no_quota(charlie: Caller, connection_id: int) -> None:
    assert charlie.get(f"/connections/{connection_id}/quota").status_code == 404


def test_asking_a_crm_that_is_not_reached_is_a_refusal(alice: Caller, connection_id: int) -> None:
    answer = alice.post(f"/connections/{connection_id}/quota")
    assert answer.status_code in {409, 502, 503}


@pytest.mark.parametrize("percent", [-1, 91, "10", True, 1.5])
def test_a_reserve_that_is_no_percentage_is_refused(
    alice: Caller, connection_id: int, percent: Any
) -> None:
    answer = alice.patch(
        f"/connections/{connection_id}", {"settings": {"reserve_percent": percent}}
    )
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/settings/reserve_percent"


def test_old_answers_are_pushed_as_a_backfill(alice: Caller, database: Database) -> None:
    body = {
        "response_id": "old-1",
        "submitted_at": "2020-11-22T01:02:00Z",
        "answers": {"nps": {"type": "nps", "value": 9}},
    }
    assert alice.post("/responses?lane=backfill", body).status_code == 202
    assert alice.post("/responses?lane=interactive", body).status_code == 422
    with database.begin(alice.workspace_id) as store:
        found = store.execute(text("SELECT priority FROM response")).scalars().all()
    assert found == [3]
