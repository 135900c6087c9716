"""Apps without code: templates reach nothing but their scope, and a document that cannot work is
refused where it is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from adapters.http import Wire, requests_session
from adapters.registry import UnknownApp, adapter_for, apps, traits_of
from adapters.rest import shelf
from adapters.rest.judging import Answer, RowRefused, refusal_of, wait_of
from adapters.rest.templates import Unfillable, filled, filled_headers, filled_path, is_true
from connector.connections import addresses, described
from connector.connections.hosts import AllowedHosts
from connector.connections.wayout import Outward
from connector.documents import read_yaml
from connector.problems import Refusal
from connector.settings import Settings, SettingsError, load_settings
from schemas.app import AppDocumentSchema

SHIPPED = sorted(shelf.APPS.glob("*.yaml"))
PIPEDRIVE = (shelf.APPS / "pipedrive.yaml").read_text(encoding="utf-8")
SCOPE = {"id": "7/..", "values": {"a": 1, "b": None, "c": ["x"]}, "settings": {"path": "in/x?s=1"}}

# --- templates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{values.a}}", 1),
        ("n{{values.a}}-{{values.b}}", "n1-"),
        ({"x": "{{values.b}}", "y": "{{values.c}}", "z": 0}, {"y": ["x"], "z": 0}),
        ({"*": "{{values}}", "d": True}, {"a": 1, "b": None, "c": ["x"], "d": True}),
        (["{{values.a}}", "{{none}}"], [1]),
        ("{{ {k: {n: values.a}} }}", {"k": {"n": 1}}),
    ],
)
def test_a_template_is_filled_by_what_it_picks(template: Any, made: Any) -> None:
    assert filled(template, SCOPE) == made


@pytest.mark.parametrize(
    "hostile",
    ["{{token}}", "{{settings.path}}", "{{__class__}}", "{0.__class__}", "{% raw %}", "{{`1`}}"],
)
def test_a_value_that_looks_like_a_template_stays_a_text(hostile: str) -> None:
    scope = {"values": {"why": hostile}, "token": "secret", "record": {"why": hostile}}
    template = {"*": "{{record}}", "text": "said: {{values.why}}"}
    assert filled(template, scope) == {"why": hostile, "text": f"said: {hostile}"}


@pytest.mark.parametrize("way", ["__class__", "a.__class__", "values.__dict__", "to_string(@.f)"])
def test_an_expression_reaches_no_attribute_of_python(way: str) -> None:
    assert filled("{{" + way + "}}", {"a": "x", "values": {}}) in (None, "null")


@tried(max_examples=80, deadline=None)
@given(st.text(max_size=30))
def test_no_value_leaves_its_segment_of_the_path(value: str) -> None:
    try:
        path = filled_path("/v3/contacts/{{value}}/notes", {"value": value})
    except Unfillable:
        assert value in {"", ".", ".."}
        return
    parts = path.split("/")
    assert (len(parts), parts[1:3], parts[4]) == (5, ["v3", "contacts"], "notes")
    assert path.isascii()
    assert not set("?#\\ \r\n") & set(path)


def test_a_setting_stands_in_a_path_as_its_admin_wrote_it() -> None:
    assert filled_path("/{{settings.path}}", SCOPE) == "/in/x?s=1"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "é", "\x00"])
def test_no_value_begins_a_header_of_its_own(value: str) -> None:
    with pytest.raises(Unfillable):
        filled_headers({"X-Name": "{{value}}"}, {"value": value})


def test_a_rule_that_does_not_fit_holds_not() -> None:
    assert is_true("body.code == 'x'", {"body": "unauthorized"}) is False
    assert is_true("contains(body.message, 'x')", {"body": {}}) is False


# --- what answers mean ----------------------------------------------------------------------------

RULES = yaml.safe_load("""
app: a
label: Acme
base_url: https://api.acme.example
hosts: [api.acme.example]
key_label: Key
rates: [{calls: 1}]
wait_headers: [X-Wait]
errors:
  - {when: "body.code == 'gone'", means: field_gone, field: body.field}
  - {when: "body.code == 'bad'", means: refused, code: out_of_range, field: body.field}
push: {name: r, label: R, key: k, request: {path: /, method: POST}}
""")


def judged(status: int, body: Any = None, *, writes: bool = True, **headers: str) -> Exception:
    answer = Answer(status, headers, body)
    document = AppDocumentSchema().load(RULES)
    return refusal_of(document, answer, writes=writes, known=("nps",))


@pytest.mark.parametrize(
    ("status", "body", "writes", "name", "code"),
    [
        (400, {"code": "bad", "field": "nps"}, True, "RowRefused", "out_of_range"),
        (400, {"code": "gone", "field": "nps"}, True, "PauseMapping", "field_gone"),
        (401, "unauthorized", True, "TokenExpired", "token_expired"),
        (403, None, True, "PauseMapping", "missing_scope"),
        (404, None, True, "RowRefused", "not_found"),
        (409, None, True, "RowRefused", "duplicate"),
        (422, ["x"], True, "RowRefused", "invalid_value"),
        (429, None, True, "Throttled", "crm_throttled"),
        (500, None, True, "OutcomeUnknown", "crm_failed"),
        (500, None, False, "TryLater", "crm_failed"),
        (503, None, True, "TryLater", "crm_failed"),
        (200, "<html>", True, "OutcomeUnknown", "answer_unreadable"),
        (302, None, True, "BrokenContract", "crm_302"),
        (418, None, True, "BrokenContract", "crm_418"),
    ],
)
def test_an_answer_is_judged_by_rule_and_status(
    status: int,
    body: Any,
    writes: bool,  # noqa: FBT001 - a table
    name: str,
    code: str,
) -> None:
    told: Any = judged(status, body, writes=writes)
    assert (type(told).__name__, told.code) == (name, code)


def test_only_the_name_of_a_field_that_was_sent_is_passed_on() -> None:
    for field, passed in (("nps", "nps"), ("ada@example.test", None), (["nps"], None)):
        told = judged(400, {"code": "bad", "field": field})
        assert isinstance(told, RowRefused)
        assert told.field == passed


def test_the_wait_is_told_by_the_documents_header_first() -> None:
    assert wait_of({"x-wait": "3", "retry-after": "7"}, ["X-Wait"]) == 3
    assert wait_of({"retry-after": "7"}, ["X-Wait"]) == 7
    assert wait_of({"x-wait": "soon"}, ["X-Wait"]) is None


# --- documents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_document_can_work_and_is_read_alike_by_both_readers(path: Path) -> None:
    plain = AppDocumentSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert described.read(path) == plain
    assert plain["app"] == path.stem


WRONG = [
    ("app: pipedrive", "app: hubspot", "/app"),
    ("base_url: https://{company}", "base_url: http://{company}", "/base_url"),
    ("base_url: https://{company}", "base_url: https://{firm}", "/base_url"),
    ('"{{token}}"}', '"{{tokn}}"}', "/headers/x-api-token"),
    ('record: "[body.data]', 'record: "[bdy.data]', "/contact/read/record"),
    ("id: body.data.id\n  update", "id: body.data.\n  update", "/contact/create/id"),
    ("field: email\n", "field: mail\n", "/contact/find/0/field"),
    ("{method: PATCH, path", "{method: PUT, success: a b, path", "/contact/update/request/success"),
    ("means: not_found", "means: lost", "/errors/2/means"),
    ("calls: 10", "calls: ten", "/rates/0/calls"),
]


@pytest.mark.parametrize(("good", "bad", "pointer"), WRONG)
def test_a_document_that_cannot_work_is_refused_at_its_line(
    good: str, bad: str, pointer: str
) -> None:
    before, _, after = PIPEDRIVE.partition(good)
    assert good not in after
    with pytest.raises(Refusal) as refused:
        described.checked(read_yaml((before + bad + after).encode()))
    line = f"line {before.count(chr(10)) + 1}"
    assert [(one.pointer, one.where) for one in refused.value.places] == [(pointer, line)]


def test_a_setting_that_no_document_has_is_named() -> None:
    text = PIPEDRIVE.replace("path: /api/v1/users/me", 'path: "/api/{{settings.version}}/me"')
    with pytest.raises(Refusal) as refused:
        described.checked(read_yaml(text.encode()))
    assert [one.text for one in refused.value.places] == [
        "settings.version is none of the settings"
    ]


# --- the operator's folder ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    yield tmp_path
    shelf.install({})


def with_apps(folder: Path) -> Settings:
    return load_settings({"ANSWERBACK_ENV": "test", "ANSWERBACK_APPS_DIR": str(folder)})


def test_a_document_in_the_folder_is_an_app(folder: Path) -> None:
    text = PIPEDRIVE.replace("app: pipedrive", "app: acme").replace(
        "label: Pipedrive", "label: Acme"
    )
    (folder / "acme.yaml").write_text(text, encoding="utf-8")
    described.install(with_apps(folder))
    assert traits_of("acme").label == "Acme"
    assert set(apps()) >= {"acme", "hubspot", "pipedrive"}
    described.install(replace(with_apps(folder), apps_dir=None))
    with pytest.raises(UnknownApp):
        adapter_for("acme")


def test_the_operators_document_takes_the_place_of_a_shipped_one(folder: Path) -> None:
    text = PIPEDRIVE.replace("label: Pipedrive", "label: Ours")
    (folder / "pipedrive.yaml").write_text(text, encoding="utf-8")
    described.install(with_apps(folder))
    assert traits_of("pipedrive").label == "Ours"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pipedrive.yaml", PIPEDRIVE.replace("means: not_found", "means: lost"), "/errors/2/means"),
        ("other.yaml", PIPEDRIVE, "name the file pipedrive.yaml"),
        ("broken.yaml", "app: [", "line 1"),
        ("empty.yaml", "", "the file is empty"),
    ],
)
def test_a_document_that_cannot_work_keeps_the_process_from_starting(
    folder: Path, name: str, text: str, said: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        described.install(with_apps(folder))
    (problem,) = refused.value.problems
    assert problem.startswith(f"ANSWERBACK_APPS_DIR: {name}: ")
    assert said in problem


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        described.install(with_apps(tmp_path / "none"))
    assert "no such folder" in refused.value.problems[0]


# --- any public host ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "10.0.0.5", "[::1]", "2130706433"]
)
def test_any_public_host_means_no_other(host: str) -> None:
    with pytest.raises(Exception, match=r"public|plain") as raised:
        addresses.check_origin(f"https://{host}", own_hosts=["*"], allowed=AllowedHosts())
    assert raised.value.code in {"address_not_open", "base_url_invalid"}  # type: ignore[attr-defined]


def test_a_host_that_changes_its_mind_is_met_at_its_judged_address() -> None:
    """The name is judged when the connection is made, and that very address is connected to."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.5"]

    wire = Wire(out=Outward(AllowedHosts(), resolve=resolve))
    session = requests_session(wire, "https://acme.example", judged=True)
    with pytest.raises(Exception, match="network that we may not call") as raised:
        session.get("https://acme.example/v1")
    assert raised.value.code == "address_not_open"  # type: ignore[attr-defined]
    assert asked == ["acme.example"]
