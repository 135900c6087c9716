"""A mapping is applied to stored responses by the API: preview, begin, follow, stop, audit."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from connector.db import Database
from tests.api.conftest import Caller
from tests.api.test_mapping_files import CONTACTS, describe

MAPPING = {
    "name": "Scores",
    "connection": "crm",
    "entity": "contacts",
    "operation": "upsert",
    "identify": {"variable": "contact.email", "field": "email"},
    "rows": [{"variable": "answers.nps", "field": "nps_score"}],
}
COUNTED = "to_write refused already under_way not_fed nobody removed replaced waiting broken"
NOTHING = dict.fromkeys(COUNTED.split(), 0)


@pytest.fixture
def backfills(alice: Caller, database: Database) -> str:
    """The address of a mapping's backfills: it is on, and one response waits to be planned."""
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    connection_id = alice.get("/connections").json["connections"][0]["id"]
    describe(alice, database, connection_id, CONTACTS)
    alice.post(
        "/responses",
        {
            "response_id": "r1",
            "submitted_at": "2026-03-10T12:00:00Z",
            "respondent": {"email": "a@example.test"},
            "answers": {"nps": {"type": "nps", "value": 9}},
        },
    )
    mapping_id = alice.post("/mappings", MAPPING).json["id"]
    alice.post(f"/mappings/{mapping_id}/publish", {"accept_warnings": True})
    return f"/mappings/{mapping_id}/backfills"


def test_it_is_looked_at_begun_followed_and_stopped(
    alice: Caller, database: Database, backfills: str
) -> None:
    seen = alice.post(f"{backfills}/preview", {"since": "2026-03-01", "notes": True}).json
    assert (seen["responses"], seen["counts"]) == (1, {**NOTHING, "waiting": 1})
    assert (seen["calls"], seen["reaches"]) == (None, None)
    assert alice.get(backfills).json == {"backfills": []}
    begun = alice.post(backfills, {"since": "2026-03-01"})
    assert begun.status_code == 201
    assert (begun.json["state"], begun.json["total"], begun.json["since"]) == (
        "running", 1, "2026-03-01",
    )  # fmt: skip
    assert alice.post(backfills, {}).json["code"] == "conflict"
    stopped = alice.post(f"{backfills}/{begun.json['id']}/stop").json
    assert stopped["state"] == "stopped"
    assert alice.get(backfills).json == {"backfills": [stopped]}
    with database.begin(alice.workspace_id) as store:
        noted = store.execute(
            text("SELECT action FROM audit WHERE action LIKE 'backfill.%' ORDER BY seq")
        )
        assert noted.scalars().all() == ["backfill.started", "backfill.stopped"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "/until"),
        ({"campaigns": ["nobody"]}, "/campaigns/0"),
        ({"campaign": "5000"}, "/campaign"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(
    alice: Caller, backfills: str, body: dict[str, Any], pointer: str
) -> None:
    for address in (backfills, f"{backfills}/preview"):
        answer = alice.post(address, body)
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json["errors"]] == [pointer]


def test_the_command_says_what_would_happen_begins_it_and_stops_it(
    answerback: Any, alice: Caller, backfills: str
) -> None:
    command = ("mapping", "backfill", "alice", "Scores")
    assert answerback(*command, "--until", "2026-03-09")["responses"] == 0
    assert answerback(*command)["counts"]["waiting"] == 1
    assert alice.get(backfills).json == {"backfills": []}
    assert answerback(*command, "--start")["state"] == "running"
    assert answerback(*command, "--stop")["state"] == "stopped"
    assert "No backfill" in answerback(*command, "--stop", code=1)
