"""Everything an operator needs works from the command line, in words and in JSON for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from connector.cli import main
from tests.api.test_mapping_files import CONTACTS, GOOD, SURVEY, describe, put
from tests.api.test_responses import body

MAPPING = """
name: After the meeting
connection: hubspot-main
entity: contacts
operation: upsert
identify: {variable: contact.email, field: email}
rows:
  - {variable: answers.nps, field: nps_score}
  - {variable: answers.when, field: visited, when_missing: default, default: 2026-11-20}
"""


def create(answerback: Any, slug: str = "acme") -> Any:
    return answerback("workspace", "create", slug, "--owner", "o@example.test", "--country", "DK")


def test_a_workspace_and_its_key_are_made_and_the_key_opens_the_api(answerback, client):
    made = create(answerback)
    answer = client.get("/api/v1/workspace", headers={"Authorization": f"Bearer {made['key']}"})
    assert answer.json["slug"] == "acme"
    assert [one["slug"] for one in answerback("workspace", "list")] == ["acme"]


def test_a_slug_can_be_taken_once_only(answerback):
    create(answerback)
    output = answerback("workspace", "create", "acme", "--owner", "o@example.test", code=1)
    assert "name_taken" in output
    assert "what to do" in output


def test_a_key_is_made_and_revoked(answerback, client):
    create(answerback)
    made = answerback("key", "create", "acme", "--role", "viewer", "--scope", "settings:read")
    header = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/api/v1/workspace", headers=header).status_code == 200
    answerback("key", "revoke", "acme", str(made["id"]))
    assert client.get("/api/v1/workspace", headers=header).status_code == 401


def test_responses_are_pushed_from_a_file_and_each_line_has_its_outcome(answerback, tmp_path):
    create(answerback)
    file = tmp_path / "responses.ndjson"
    lines = [json.dumps(body("a")), "{broken", json.dumps(body("b", 11)), json.dumps(body("a"))]
    file.write_text("\n".join(lines), encoding="utf-8")
    outcomes = [one["status"] for one in answerback("push", "acme", file)]
    assert outcomes == ["accepted", "invalid", "invalid", "duplicate"]


def test_a_survey_is_pushed_from_yaml(answerback, tmp_path):
    create(answerback)
    file = tmp_path / "survey.yaml"
    file.write_text("name: S\nquestions:\n  - {key: nps, type: nps}\n", encoding="utf-8")
    assert answerback("survey", "push", "acme", "mXk2", file)["version"] == 1


def test_a_mapping_without_its_connection_is_refused_by_name(answerback, tmp_path):
    create(answerback)
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING, encoding="utf-8")
    output = answerback("mapping", "apply", "acme", file, code=1)
    assert "/connection" in output


def test_a_mapping_is_saved_unchecked_before_the_fields_are_downloaded(answerback, alice, tmp_path):
    alice.post("/connections", {"app": "hubspot", "name": "hubspot-main"})
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING, encoding="utf-8")
    saved = answerback("mapping", "apply", "alice", file)
    assert [one["code"] for one in saved["warnings"]] == ["unchecked_field"]
    assert saved["warnings"][0]["where"] == "line 4"
    assert answerback("mapping", "export", "alice", "After the meeting") == saved["body"]


def test_a_mapping_goes_through_a_spreadsheet(answerback, alice, database, tmp_path):
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    connection_id = alice.get("/connections").json["connections"][0]["id"]
    describe(alice, database, connection_id, CONTACTS)
    alice.put("/surveys/s", SURVEY)
    blank, file = tmp_path / "blank.xlsx", tmp_path / "mapping.xlsx"
    answerback("mapping", "template", "alice", "crm", blank, "--survey", "s")
    assert "Mapping, /rows" in answerback("mapping", "apply", "alice", blank, code=1)
    put(openpyxl.load_workbook(blank), GOOD).save(file)
    saved = answerback("mapping", "apply", "alice", file, "--publish")
    assert (saved["published"], len(saved["body"]["rows"])) == (1, 3)
    for ending in ("xlsx", "yaml"):
        again = tmp_path / f"again.{ending}"
        answerback("mapping", "export", "alice", saved["name"], again)
        assert answerback("mapping", "apply", "alice", again)["body"] == saved["body"]


def test_a_wrong_cell_is_told_on_the_terminal(answerback, alice, database, tmp_path):
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    connection_id = alice.get("/connections").json["connections"][0]["id"]
    describe(alice, database, connection_id, CONTACTS)
    file = tmp_path / "mapping.xlsx"
    answerback("mapping", "template", "alice", "crm", file)
    put(openpyxl.load_workbook(file), {"Mapping!C2": "nope"}).save(file)
    output = answerback("mapping", "apply", "alice", file, code=1)
    assert "Mapping!C2, /rows/0/field: the CRM has no field nope" in output
    assert answerback("mapping", "list", "alice") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: A\nname: B\n", "twice"),
        ("{name: [}", "not YAML"),
        ("rows: 3\n", "/rows"),
        ("name: 2026-11-20\nnope: 1\n", "/nope"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused_with_the_place(answerback, tmp_path, text, said):
    create(answerback)
    file = tmp_path / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    assert said in answerback("mapping", "apply", "acme", file, code=1)


def test_the_newest_deliveries_and_a_timeline_can_be_read(answerback, alice):
    alice.post("/contacts", {"email": "anna@example.test"})
    assert answerback("deliveries", "list", "alice") == []
    assert answerback("contact", "timeline", "alice", "ANNA@example.test") == []
    assert "not_found" in answerback("contact", "timeline", "alice", "nobody", code=1)


def test_replaying_nothing_is_harmless_and_an_unclear_wish_is_refused(answerback):
    create(answerback)
    assert answerback("replay", "acme", "--all-dead", "--all-parked") == {"replayed": 0}
    answerback("replay", "acme", code=2)
    assert "not_found" in answerback("replay", "acme", "7", code=1)


def test_the_doctor_finds_a_good_installation_good(answerback):
    create(answerback)
    findings = answerback("doctor")
    assert {one["state"] for one in findings} == {"ok"}
    assert any(one["what"].startswith("audit log") for one in findings)


def test_the_doctor_names_the_setting_and_its_mend(answerback, monkeypatch):
    monkeypatch.setenv("ANSWERBACK_LEASE_S", "1")
    assert "ANSWERBACK_LEASE_S" in answerback("doctor", code=1)


def test_a_release_brings_the_schema_up_and_a_repeat_does_nothing(answerback):
    assert answerback("release") == {"released": True}
    assert answerback("release") == {"released": True}


def test_an_unknown_workspace_is_said_plainly(answerback):
    assert "no workspace with that slug" in answerback("key", "list", "nobody", code=1)


def test_the_documentation_names_every_command():
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        assert f"answerback {name}" in text
        for inner in getattr(command, "commands", {}):
            assert f"answerback {name} {inner}" in text


def test_the_addresses_that_lead_respondents_on_are_told(answerback, tmp_path):
    create(answerback)
    (told,) = answerback("links", "acme")
    assert told["name"] == "api"
    assert told["url"].endswith("/{response_id}")
    file = tmp_path / "one.json"
    file.write_text(json.dumps(body("r-1")), encoding="utf-8")
    answerback("push", "acme", file)
    (own,) = answerback("links", "acme", "r-1")
    assert (own["planned"], own["leads_to"]) == (False, None)
    assert own["url"].endswith("/r-1")


def test_the_quota_and_what_has_drifted_are_told(answerback, database):
    create(answerback)
    with database.across() as store:
        ids = store.execute(text("SELECT id FROM ab_workspaces() WHERE slug = 'acme'"))
        workspace_id = ids.scalar_one()
    with database.begin(workspace_id) as store:
        store.execute(
            text(
                "INSERT INTO connection (workspace_id, app, name, auth, state)"
                " VALUES (:w, 'salesforce', 'sf', 'oauth', 'connected')"
            ),
            {"w": workspace_id},
        )
    told = answerback("quota", "acme", "sf")
    assert told["words"] == "The account tells no limit of a day. Nothing waits."
    assert answerback("drift", "acme", "sf") == []
    assert "not_found" in answerback("quota", "acme", "other", code=1)
