"""A mapping as spreadsheet and YAML: downloaded, filled in, uploaded; every fault by its cell."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from connector.api.mapping_files import XLSX, YAML
from connector.db import Database
from connector.responses.configuration.sheet.layout import MAPPING, SETTINGS, VALUES
from schemas.fields import Entity, Field, FieldType, Option, entity_to_json
from tests.api.conftest import Caller

CONTACTS = Entity(
    "contacts",
    "Contact",
    (
        Field("email", "E-mail", FieldType.EMAIL, unique=True, identifies=True),
        Field("nps_score", "NPS score", FieldType.NUMBER),
        Field(
            "topics", "=Topics", FieldType.CHOICE, options=(Option("PR", "Price"),), closed=False
        ),
        Field("comment", "Comment", FieldType.LONG_TEXT),
        Field("created", "Created", FieldType.DATETIME, creatable=False, updatable=False),
    ),
)
SURVEY = {
    "name": "After the møde",
    "questions": [
        {"key": "nps", "type": "nps", "title": "How likely?"},
        {
            "key": "topic",
            "type": "single_choice",
            "title": "What about?",
            "options": [{"value": "price", "label": "Prisen"}, {"value": "staff"}],
        },
        {"key": "why-not", "type": "long_text", "title": "=HYPERLINK(1)"},
    ],
}
MAP = 'map_values(values=table(answers.topic), otherwise=default, default="01")'


@pytest.fixture
def crm(alice: Caller, database: Database) -> int:
    """A connected connection with the definitions of one entity, and a campaign with its survey."""
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    connection_id: int = alice.get("/connections").json["connections"][0]["id"]
    describe(alice, database, connection_id, CONTACTS)
    alice.put("/surveys/s", SURVEY)
    alice.put("/campaigns/5000", {"name": "Møde", "survey": "s"})
    return connection_id


def describe(caller: Caller, database: Database, connection_id: int, entity: Entity) -> None:
    with database.begin(caller.workspace_id) as store:
        store.execute(text("UPDATE connection SET state = 'connected'"))
        store.execute(
            text(
                "INSERT INTO entity_snapshot (workspace_id, connection_id, entity, digest,"
                " schema_digest, definition) VALUES (:w, :c, :e, 'd', 's', CAST(:j AS jsonb))"
            ),
            {
                "w": caller.workspace_id,
                "c": connection_id,
                "e": entity.name,
                "j": json.dumps(entity_to_json(entity)),
            },
        )


def template(caller: Caller, crm: int, query: str = "?campaign=5000") -> Any:
    answer = caller.get(f"/connections/{crm}/mapping.xlsx{query}")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == XLSX
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def put(book: Any, cells: Mapping[str, Any]) -> Any:
    for place, value in cells.items():
        sheet, _, cell = place.partition("!")
        book[sheet][cell] = value
    return book


def upload(caller: Caller, book: Any) -> Any:
    raw = io.BytesIO()
    book.save(raw)
    return send(caller, raw.getvalue())


def send(caller: Caller, raw: bytes, kind: str = XLSX) -> Any:
    return caller.call("POST", "/mappings/file", data=raw, headers={"Content-Type": kind})


def wrong(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["where"], one["code"]) for one in answer.json["errors"]]


GOOD = {
    "Mapping!C2": "NPS score [nps_score]",
    "Mapping!C3": "topics",
    "Mapping!D3": MAP,
    "Mapping!C4": "Comment [comment]",
    "Mapping!D4": "trim | cut(length=80, ellipsis=true)",
    "Values!E2": "PR",
}


def test_the_template_asks_what_the_survey_asked_and_offers_the_fields(alice, crm):
    book = template(alice, crm)
    asked = [[cell.value for cell in row] for row in book[MAPPING]["A2:C4"]]
    assert asked == [
        ["How likely?", "answers.nps", None],
        ["What about?", "answers.topic", None],
        ["'=HYPERLINK(1)", "answers.why_x2d_not", None],
    ]
    assert {row[0].value: row[1].value for row in book[SETTINGS]["A2:B8"]} == {
        "Name": "Møde: Contact",
        "Connection": "crm",
        "Entity": "contacts",
        "Operation": "update",
        "Campaign": "5000",
        "Identify by variable": "contact.email",
        "Identify by field": "E-mail [email]",
    }
    assert [[cell.value for cell in row] for row in book[VALUES]["A2:E3"]] == [
        ["answers.topic", "price", "Prisen", None, None],
        ["answers.topic", "staff", None, None, None],
    ]
    offered = {
        cell
        for offer in book[MAPPING].data_validations.dataValidation
        if offer.formula1 == "Lists!$C$2:$C$5"
        for cell in str(offer.sqref).split()
    }
    assert offered == {f"C2:C{book[MAPPING].max_row + 300}"}
    writable = [cell.value for (cell,) in book["Lists"]["C2:C5"]]
    assert writable[2] == "=Topics [topics]".join(("'", ""))
    assert "Created [created]" not in writable
    assert book["Lists"].sheet_state == "hidden"


def test_a_filled_in_template_becomes_a_draft(alice, crm):
    answer = upload(alice, put(template(alice, crm), GOOD))
    assert answer.status_code == 201, answer.text
    assert answer.json["warnings"] == []
    assert (answer.json["draft"], answer.json["latest"]) == (True, 1)
    steps = [row["transforms"] for row in answer.json["body"]["rows"]]
    assert answer.json["body"]["campaign"] == "5000"
    assert [row["field"] for row in answer.json["body"]["rows"]] == [
        "nps_score",
        "topics",
        "comment",
    ]
    assert steps[1] == [
        {"name": "map_values", "values": {"price": "PR"}, "otherwise": "default", "default": "01"}
    ]
    assert steps[2] == [{"name": "trim"}, {"name": "cut", "length": 80, "ellipsis": True}]
    assert alice.post(f"/mappings/{answer.json['id']}/publish").status_code == 200
    audited = [one["action"] for one in alice.get("/audit").json["entries"]]
    assert audited.count("mapping.saved") == 1


def test_what_was_uploaded_is_downloaded_and_means_the_same(alice, crm):
    made = upload(alice, put(template(alice, crm), GOOD)).json
    for kind, ending in ((XLSX, "xlsx"), (YAML, "yaml")):
        file = alice.get(f"/mappings/{made['id']}/mapping.{ending}")
        again = send(alice, file.data, kind)
        assert (again.status_code, again.json["body"]) == (201, made["body"])
        assert again.json["latest"] == 1


def test_every_wrong_cell_is_named_at_once_and_nothing_is_stored(alice, crm):
    book = put(
        template(alice, crm),
        {
            **GOOD,
            "Settings!B5": "merge",
            "Mapping!C2": "nps_scor",
            "Mapping!D3": "map_values(values=table(topics))",
            "Mapping!E4": "sometimes",
            "Mapping!D4": "cut(80)",
            "Mapping!C5": "=Fields!B2",
            "Values!E3": "PR",
            "Values!B3": "price",
        },
    )
    answer = upload(alice, book)
    assert answer.json["code"] == "body_invalid"
    assert sorted(wrong(answer)) == [
        ("Mapping!C5", "unreadable"),
        ("Mapping!D3", "unreadable"),
        ("Mapping!D4", "unreadable"),
        ("Mapping!E4", "invalid"),
        ("Settings!B5", "invalid"),
        ("Values!A2", "unreadable"),
        ("Values!B3", "unreadable"),
    ]
    assert alice.get("/mappings").json["mappings"] == []


def test_a_fault_of_one_row_does_not_hide_what_the_crm_lacks_in_another(alice, crm):
    cells = {
        **GOOD,
        "Mapping!C2": "nps_scor",
        "Mapping!C3": "created",
        "Mapping!D3": None,
        "Mapping!D4": "cut(length=-1)",
        "Mapping!E5": "sometimes",
        "Mapping!C5": "email",
        "Mapping!B6": "answers.nope",
        "Mapping!C6": "nps_score",
        "Mapping!E6": "default",
        "Mapping!F6": "many",
        "Values!E2": None,
    }
    answer = upload(alice, put(template(alice, crm), cells))
    assert sorted(wrong(answer)) == [
        ("Mapping!B6", "unknown_variable"),
        ("Mapping!C2", "unknown_field"),
        ("Mapping!C3", "read_only"),
        ("Mapping!C3", "type_unfit"),
        ("Mapping!D4", "transform_invalid"),
        ("Mapping!E5", "invalid"),
        ("Mapping!F6", "default_unfit"),
    ]


def test_one_field_for_two_rows_is_told_at_the_second(alice, crm):
    answer = upload(alice, put(template(alice, crm), {**GOOD, "Mapping!C4": "nps_score"}))
    assert wrong(answer) == [("Mapping!C4", "invalid")]


def test_a_fault_in_yaml_is_told_by_its_line(alice, crm):
    made = upload(alice, put(template(alice, crm), GOOD)).json
    file = alice.get(f"/mappings/{made['id']}/mapping.yaml").text
    answer = send(alice, file.replace("field: comment", "field: commend").encode(), YAML)
    line = file[: file.index("field: comment")].count("\n") + 1
    assert answer.json["code"] == "mapping_invalid"
    assert wrong(answer) == [(f"line {line}", "unknown_field")]
    assert wrong(send(alice, b"a: [", YAML)) == [("line 1", "unreadable")]
    assert send(alice, b"[1]", YAML).status_code == 422
    assert ("line 1", "invalid") in wrong(send(alice, b"rows: 3", YAML))


def test_what_cannot_be_checked_yet_is_saved_with_a_warning(alice):
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    raw = b"""{name: M, connection: crm, entity: contacts, operation: update,
 identify: {variable: contact.email, field: email}, rows: [{variable: computed.nps, field: x}]}"""
    answer = send(alice, raw, YAML)
    assert answer.status_code == 201
    assert [one["code"] for one in answer.json["warnings"]] == ["unchecked_field"]


def test_an_unknown_connection_is_told_at_its_cell(alice, crm):
    answer = upload(alice, put(template(alice, crm), {**GOOD, "Settings!B3": "other"}))
    assert wrong(answer) == [("Settings!B3", "unknown")]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("?entity=people", "?entity"), ("?campaign=1", "?campaign"), ("?survey=x", "?survey")],
)
def test_a_template_for_what_is_not_there_is_refused_by_name(alice, crm, query, pointer):
    answer = alice.get(f"/connections/{crm}/mapping.xlsx{query}")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_template_needs_field_definitions(alice):
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    connection_id = alice.get("/connections").json["connections"][0]["id"]
    answer = alice.get(f"/connections/{connection_id}/mapping.xlsx")
    assert (answer.status_code, answer.json["code"]) == (409, "no_field_definitions")


def test_a_text_longer_than_a_cell_is_no_spreadsheet_and_yaml_takes_it(alice, crm):
    steps = [{"name": "replace", "find": "x" * 33_000}]
    rows = [{"variable": "answers.why", "field": "comment", "transforms": steps}]
    body: dict[str, Any] = {"name": "M", "connection": "crm", "entity": "contacts"}
    body |= {"operation": "update"}
    body |= {"identify": {"variable": "contact.email", "field": "email"}, "rows": rows}
    made = alice.post("/mappings", body).json
    answer = alice.get(f"/mappings/{made['id']}/mapping.xlsx")
    assert (answer.status_code, answer.json["code"]) == (409, "not_in_a_sheet")
    assert alice.get(f"/mappings/{made['id']}/mapping.yaml").status_code == 200


@pytest.mark.parametrize(
    ("raw", "kind", "status", "code"),
    [
        (b"{}", "application/json", 415, "media_type_refused"),
        (b"", XLSX, 422, "file_invalid"),
        (b"PK\x03\x04rest", XLSX, 422, "file_invalid"),
        (b"x" * (4 * 1024 * 1024 + 1), XLSX, 413, "body_too_large"),
        (b"x" * (128 * 1024 + 1), YAML, 413, "body_too_large"),
    ],
    ids=["json", "empty", "damaged", "large", "large-yaml"],
)
def test_what_is_no_such_file_is_refused(alice, crm, raw, kind, status, code):
    answer = send(alice, raw, kind)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["mend"]


def test_only_who_may_change_settings_uploads_and_downloads(alice, bob, charlie, crm):
    made = upload(alice, put(template(alice, crm), GOOD)).json
    file = alice.get(f"/mappings/{made['id']}/mapping.xlsx").data
    for path in (f"/mappings/{made['id']}/mapping.xlsx", f"/connections/{crm}/mapping.xlsx"):
        assert bob.get(path).status_code == 403
        assert charlie.get(path).status_code == 404
    assert send(bob, file).status_code == 403
    assert wrong(send(charlie, file)) == [("Settings!B3", "unknown")]
