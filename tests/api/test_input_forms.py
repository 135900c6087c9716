"""Input forms by the API and the command line: made, as YAML, filled in, and who filled in what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.access import Role, Scope
from connector.api.gate import CRM, kind_of
from connector.api.mapping_files import YAML
from tests.api.conftest import Caller, with_key
from tests.api.test_extras import (
    Scene,
    entries,
    scene,  # noqa: F401 - a fixture
)

FIELDS = [
    {"field": "nps_comment", "label": "What was said", "required": True, "help": "In a word."},
    {"field": "nps_score", "default": 5},
]
FORM = {"name": "Fair", "connection": "crm", "fields": FIELDS}


def filled(caller: Caller, where: Scene, form: int, *changes: Mapping[str, Any]) -> Any:
    path = where.path.replace("/fields", f"/forms/{form}")
    return caller.post(path, {"changes": list(changes)})


def test_a_form_is_made_filled_in_told_and_taken_off_the_list(alice, scene):  # noqa: F811
    made = alice.post("/input-forms", FORM)
    assert (made.status_code, made.json["entity"], made.json["create"]) == (201, "contacts", True)
    form = made.json["id"]
    assert alice.get("/input-forms").json["forms"] == [made.json]
    assert alice.post("/input-forms", FORM).json["code"] == "name_taken"
    told = alice.get(scene.path.replace("/fields", f"/forms/{form}")).json
    assert [(one["value"], one["default"]) for one in told["fields"]] == [
        ("seen", None),
        (None, "5"),
    ]
    wrong = filled(alice, scene, form, {"field": "nps_comment", "value": "ours"})
    assert (wrong.status_code, wrong.json["code"]) == (409, "field_changed")
    answer = filled(alice, scene, form, {"field": "nps_comment", "was": "seen", "value": "ours"})
    assert (answer.status_code, answer.json["outcome"]) == (200, "written")
    assert answer.json["fields"] == [
        {"field": "nps_comment", "before": "seen", "after": "ours"},
        {"field": "nps_score", "before": None, "after": "5"},
    ]
    assert entries(alice)[-1].detail["form_id"] == form
    history = alice.get(f"/input-forms/{form}/fillings?limit=1").json
    assert [one["outcome"] for one in history["fillings"]] == ["written"]
    assert history["fillings"][0]["fields"] == ["nps_comment", "nps_score"]
    older = alice.get(f"/input-forms/{form}/fillings?cursor={history['next']}").json
    assert [one["outcome"] for one in older["fillings"]] == ["conflict"]
    fewer = FORM | {"name": "Fair 2", "create": False, "fields": FIELDS[1:]}
    assert alice.put(f"/input-forms/{form}", fewer).json["name"] == "Fair 2"
    assert alice.delete(f"/input-forms/{form}").status_code == 204
    assert alice.get(f"/input-forms/{form}").status_code == 404
    assert entries(alice)[-1].action == "form.deleted"


def test_a_form_is_kept_as_yaml_and_every_fault_has_its_line(alice, scene):  # noqa: F811
    raw = b"name: Fair\nconnection: crm\nfields:\n  - {field: nps_comment, required: true}\n"
    send = {"data": raw, "content_type": YAML}
    made = alice.call("POST", "/input-forms/file", **send)
    assert made.status_code == 201
    assert alice.call("POST", "/input-forms/file", **send).json["id"] == made.json["id"]
    back = alice.get(f"/input-forms/{made.json['id']}/form.yaml")
    again = alice.call("POST", "/input-forms/file", data=back.data, content_type=YAML)
    assert again.json["fields"] == made.json["fields"]
    wrong = {"data": raw + b"  - {field: no_such}\n", "content_type": YAML}
    refused = alice.call("POST", "/input-forms/file", **wrong)
    assert [(one["code"], one["where"]) for one in refused.json["errors"]] == [
        ("unknown_field", "line 5")
    ]
    nowhere = alice.post("/input-forms", FORM | {"connection": "other"})
    assert nowhere.json["errors"][0]["pointer"] == "/connection"


def test_who_may_fill_in_and_what_a_refusal_shows(
    client,
    database,
    alice,
    bob,
    charlie,
    scene,  # noqa: F811
):
    form = alice.post("/input-forms", FORM).json["id"]
    change = {"field": "nps_comment", "value": "ours"}
    viewer = with_key(client, database, alice.workspace_id, role=Role.VIEWER)
    assert filled(viewer, scene, form, change).status_code == 403
    assert bob.post("/input-forms", FORM | {"name": "Bob's"}).status_code == 403
    assert filled(charlie, scene, form, change).status_code == 404
    scopes = (Scope.CONTACTS_WRITE.value,)
    writer = with_key(client, database, alice.workspace_id, role=Role.EDITOR, scopes=scopes)
    assert "seen" not in filled(writer, scene, form, change).text
    assert filled(bob, scene, form, change | {"was": "seen"}).status_code == 200
    for method in ("GET", "POST"):
        route = "/api/v1/contacts/<id:contact_id>/forms/<id:form_id>"
        assert kind_of(method, route) == CRM


def test_the_command_line_keeps_and_fills_in_forms(
    alice,
    scene,  # noqa: F811
    answerback,
    monkeypatch,
    tmp_path: Path,
):
    monkeypatch.setenv("ANSWERBACK_ALLOWED_HOSTS", "127.0.0.1")
    file = tmp_path / "form.yaml"
    text = (
        "name: Fair\nconnection: crm\nfields:\n  - {field: nps_comment}\n  - {field: nps_score}\n"
    )
    file.write_text(text, encoding="utf-8")
    assert answerback("form", "apply", "alice", file)["name"] == "Fair"
    assert [one["name"] for one in answerback("form", "list", "alice")] == ["Fair"]
    assert answerback("form", "export", "alice", "Fair")["fields"][0] == {"field": "nps_comment"}
    shown = answerback("contact", "form", "alice", "c0@example.test", "Fair")
    assert [one["value"] for one in shown] == ["seen", None]
    fill = ("contact", "fill", "alice", "c0@example.test", "Fair")
    assert "nps_comment is now" in answerback(*fill, "nps_comment=x", code=1)
    done = answerback(*fill, "nps_comment=x", "nps_score=7", "--was", "nps_comment=seen")
    assert done["outcome"] == "written"
    assert [one["outcome"] for one in answerback("form", "fillings", "alice", "Fair")] == [
        "written",
        "conflict",
    ]
    answerback("form", "delete", "alice", "Fair")
    assert answerback("form", "list", "alice") == []
