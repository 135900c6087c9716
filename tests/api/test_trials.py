"""A mapping tried by the API and the command line: who may, what is seen, and that a test is told
once to the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from connector.access import Role
from connector.api.gate import CRM, kind_of
from connector.cli import main
from schemas.secret import MASK
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.api.conftest import Caller, with_key
from tests.api.test_access import MAPPING
from tests.api.test_the_whole_way import allow
from tests.world import answered


@dataclass(frozen=True)
class Scene:
    """A portal with one contact, and a draft for it."""

    url: str
    path: str
    record: str

    def held(self) -> Any:
        state = requests.get(f"{self.url}/__sim__/state", timeout=5).json()
        return state["contacts"][0]["properties"].get("nps_score")


@pytest.fixture
def scene(alice: Caller) -> Iterator[Scene]:
    with running(HubSpot()) as url:
        client = {"client_id": "demo-client", "client_secret": "demo-secret"}
        alice.put("/oauth-clients/hubspot", client)
        made = alice.post("/connections", {"app": "hubspot", "name": "crm", "base_url": url}).json
        assert allow(alice, made["id"], url).status_code == 200
        alice.post(f"/connections/{made['id']}/fields")
        contact = {"email": "tester@example.test", "nps_score": "1"}
        seed = requests.post(f"{url}/__sim__/seed", json={"contacts": [contact]}, timeout=5).json()
        alice.post("/responses", answered(5))
        draft = alice.post("/mappings", MAPPING).json["id"]
        yield Scene(url, f"/mappings/{draft}/trial", seed["contacts"][0])


def test_a_trial_shows_and_a_test_writes(
    client: Any, database: Any, alice: Caller, bob: Caller, scene: Scene
) -> None:
    asked = {"response": "r5", "record": "tester@example.test"}
    told = alice.post(scene.path, asked).json
    assert (told["remote_id"], told["would_write"]) == (scene.record, True)
    assert told["fields"] == [
        {"field": "nps_score", "label": "NPS score", "before": "1", "after": "9",
         "state": "changed"}
    ]  # fmt: skip
    assert [one["sent"] for one in told["calls"]][-1] is False
    assert scene.held() == "1"
    assert [one["kind"] for one in told["marks"]] == ["tag", "note"]
    # An editor changes no settings; a key without these scopes sees no value.
    assert bob.post(scene.path, asked).status_code == 403
    assert bob.post(f"{scene.path}/send", asked).status_code == 403
    blind = with_key(
        client, database, alice.workspace_id, role=Role.OWNER,
        scopes=("settings:read", "settings:write"),
    )  # fmt: skip
    masked = blind.post(scene.path, asked).json
    assert [(one["before"], one["after"]) for one in masked["fields"]] == [(MASK, MASK)]
    assert [(one["comes"], one["text"]) for one in masked["marks"]] == [([MASK], None), ([], MASK)]
    assert alice.post(f"{scene.path}/send", {**asked, "note": "yes, please"}).status_code == 422
    done = alice.post(f"{scene.path}/send", {**asked, "note": True}).json
    assert (done["outcome"], done["fields"][0]["state"], scene.held()) == (
        "written",
        "as_sent",
        "9",
    )
    assert [(one["kind"], one["state"]) for one in done["marks"]] == [("note", "as_sent")]
    entries = [
        one for one in alice.get("/audit").json["entries"] if one["action"] == "mapping.tested"
    ]
    assert [one["detail"]["remote_id"] for one in entries] == [scene.record]


@pytest.mark.parametrize(
    ("way", "asked", "status"),
    [
        ("", {"response": "nobody"}, 404),
        ("", {"record": "404"}, 404),
        ("/send", {}, 422),
        ("/send", {"record": ""}, 422),
        ("/send", {"record": "404"}, 404),
    ],
)
def test_what_is_not_there_is_said(
    alice: Caller, scene: Scene, way: str, asked: Any, status: int
) -> None:
    assert alice.post(f"{scene.path}{way}", asked).status_code == status
    assert scene.held() == "1"


def test_trials_count_as_calls_of_the_crm() -> None:
    rule = "/api/v1/mappings/<id:mapping_id>/trial"
    assert {kind_of("POST", rule), kind_of("POST", f"{rule}/send")} == {CRM}


def test_the_command_line_tries_and_asks_before_it_writes(
    alice: Caller, scene: Scene, answerback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERBACK_ALLOWED_HOSTS", "127.0.0.1")

    def shell(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, words, input=typed)

    asked = ("mapping", "try", "alice", "M", "--response", "r5", "--record", scene.record)
    told = shell(*asked, "--calls")
    assert 'nps_score: "1" -> "9" (changed)' in told.output
    assert "/batch/update   (not sent)" in told.output
    assert "  tag: - -> NPSToday" in told.output
    assert shell(*asked, "--send", typed="n\n").exit_code == 1
    assert scene.held() == "1"
    assert "note: Møde (as_sent)" in shell(*asked, "--send", "--note", "--yes").output
    assert scene.held() == "9"
    assert "name the record" in answerback("mapping", "try", "alice", "M", "--send", code=1)
    assert answerback("mapping", "try", "alice", "M")["creates"] is False
