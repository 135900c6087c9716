"""Zendesk's forms of values, its error answers and addresses, without any network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import HostRefused, Wire
from adapters.pause import asked_wait_s
from adapters.values import Account
from adapters.zendesk import Zendesk, client
from adapters.zendesk.answers import (
    Forbidden,
    RecordGone,
    RowRefused,
    judge,
    message_of,
    refused_by,
)
from schemas.fields import Entity, FieldType, FieldValue
from schemas.zendesk import ORGANIZATIONS, TICKETS, USERS, entity_of, from_zendesk, read, to_zendesk

CANARY = "canary-3f9a"


def definition(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": 9, "key": key, "type": kind, "title": key.title(), "active": True, **more}


PERSON = entity_of(
    USERS,
    [
        definition("nps_score", "integer"),
        definition("satisfaction", "decimal"),
        definition("topics", "multiselect"),
        definition("wants", "checkbox"),
        definition("manager", "lookup"),
        definition("answered", "date"),
        definition("notes", "text"),
        definition("strange", "some_type_of_2030"),
    ],
)
TICKET = entity_of(TICKETS, [{**definition("", "integer"), "id": 360001, "key": None}])


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (FieldType.INTEGER, 9, 9),
        (FieldType.INTEGER, "9", 9),
        (FieldType.INTEGER, 9.0, 9),
        (FieldType.NUMBER, 12.5, "12.5"),
        (FieldType.NUMBER, "12.50", "12.5"),
        (FieldType.NUMBER, 100.0, "100"),
        (FieldType.NUMBER, 1e21, "1000000000000000000000"),
        (FieldType.BOOLEAN, True, True),
        (FieldType.BOOLEAN, "false", False),
        (FieldType.DATE, "2026-01-02", "2026-01-02"),
        (FieldType.DATE, "2026-01-02T00:00:00+00:00", "2026-01-02"),
        (FieldType.DATETIME, "2026-11-22T01:02:03Z", "2026-11-22T01:02:03Z"),
        (FieldType.DATETIME, "2026-11-22T01:02:03.123+00:00", "2026-11-22T01:02:03Z"),
        (FieldType.MULTI_CHOICE, ["a", "b"], ("a", "b")),
        (FieldType.REFERENCE, 361000000000001, "361000000000001"),
        (FieldType.TEXT, "", None),
        (FieldType.TEXT, None, None),
    ],
)
def test_a_value_is_read_in_its_canonical_form(
    kind: FieldType, raw: object, value: FieldValue
) -> None:
    assert read(kind, raw) == value


def test_values_are_sent_in_zendesks_form() -> None:
    values: dict[str, FieldValue] = {
        "name": "Anna",
        "nps_score": 9,
        "satisfaction": "12.50",
        "topics": ("a", "b"),
        "manager": "361000000000001",
        "user_fields.notes": "ours",
        "notes": None,
    }
    assert to_zendesk(PERSON, values) == {
        "name": "Anna",
        "notes": None,
        "user_fields": {
            "nps_score": 9,
            "satisfaction": "12.50",
            "topics": ["a", "b"],
            "manager": 361000000000001,
            "notes": "ours",
        },
    }


def test_clearing_has_a_form_of_its_own_by_type() -> None:
    values: dict[str, FieldValue] = {"wants": None, "topics": None, "nps_score": None}
    cleared = {"wants": False, "topics": [], "nps_score": None}
    assert to_zendesk(PERSON, values) == {"user_fields": cleared}


def test_a_tickets_custom_fields_go_by_number() -> None:
    values: dict[str, FieldValue] = {"subject": "NPS", "360001": 9}
    sent = to_zendesk(TICKET, values)
    assert sent == {"subject": "NPS", "custom_fields": [{"id": 360001, "value": 9}]}
    assert from_zendesk(TICKET, sent, ["360001"]) == {"360001": 9}


def test_a_type_that_nobody_knows_yet_is_left_out() -> None:
    assert PERSON.field("strange") is None


def test_tags_can_be_read_and_never_be_written() -> None:
    for kind in (USERS, ORGANIZATIONS, TICKETS):
        tags = Entity(kind.name, kind.label, kind.fields).field("tags")
        assert tags is not None
        assert (tags.creatable, tags.updatable) == (False, False)


# --- answers --------------------------------------------------------------------------------------


def answered(
    status: int,
    body: object = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = b"" if body is None else json.dumps(body).encode()
    answer.headers.update({"Content-Type": "application/json; charset=utf-8", **(headers or {})})
    answer.request = requests.Request(method, "https://acme.zendesk.com/api/v2/users").prepare()
    return answer


INVALID = {"error": "RecordInvalid", "description": "Record validation errors"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answered(401, {"error": "invalid_token"}), TokenExpired),
        (answered(401), TokenExpired),
        (answered(403, {"error": {"title": "Forbidden", "message": "x"}}), Forbidden),
        (answered(403, {"error": "Forbidden", "message": "Data imports are off"}), Forbidden),
        (answered(403, {"error": "Forbidden", "description": "users:write"}), PauseMapping),
        (answered(404, {"error": "RecordNotFound", "description": "Not found"}), RecordGone),
        (answered(404, {"error": {"title": "Invalid"}}), BrokenContract),
        (answered(409, {"error": "UpdateConflict"}), TryLater),
        (answered(422, INVALID), RowRefused),
        (answered(429), Throttled),
        (answered(500, method="GET"), TryLater),
        (answered(502, method="PUT"), OutcomeUnknown),
        (answered(503, method="PUT"), TryLater),
        (answered(302), BrokenContract),
        (answered(200, ["a"]), OutcomeUnknown),
        (answered(200), OutcomeUnknown),
    ],
)
def test_an_answer_has_its_class(answer: requests.Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        judge(answer)


def test_a_write_refused_by_503_was_certainly_not_applied() -> None:
    with pytest.raises(TryLater) as raised:
        judge(answered(503, method="POST", headers={"Retry-After": "4"}))
    assert not isinstance(raised.value, OutcomeUnknown)
    assert raised.value.wait_s == 4


def test_good_answers_pass() -> None:
    judge(answered(200, {"user": {}}))
    judge(answered(204, headers={"Content-Type": ""}))


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "93"}, 93),
        ({"Retry-After": "86400"}, 86_400),
        (
            {
                "Retry-After": "Sun, 22 Nov 2026 10:01:00 GMT",
                "Date": "Sun, 22 Nov 2026 10:00:00 GMT",
            },
            60,
        ),
        ({"Retry-After": "soon", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_read_in_every_form(headers: Mapping[str, str], wait_s: float | None) -> None:
    assert asked_wait_s(answered(429, headers=headers).headers) == wait_s


@pytest.mark.parametrize(
    ("sentence", "code", "field"),
    [
        ("Name: Email: x@y_ is not properly formatted", "invalid_format", "email"),
        ("Email: x@y.z is already being used by another user", "duplicate", "email"),
        ("External has already been taken", "duplicate", "external_id"),
        ("Name: is too short (minimum one character)", "required", "name"),
        ("Nps_score: Nps_Score: is not a valid number", "invalid_value", "nps_score"),
        ("Something nobody has seen", "refused", None),
    ],
)
def test_a_jobs_sentence_names_the_field_and_the_rule(
    sentence: str, code: str, field: str | None
) -> None:
    refused = refused_by(sentence, PERSON)
    assert (refused.code, refused.field) == (code, field)


def test_a_refusals_message_holds_no_value() -> None:
    details = {"email": [{"description": f"Email: {CANARY} is bad", "error": "InvalidFormat"}]}
    with pytest.raises(RowRefused) as raised:
        judge(answered(422, {**INVALID, "details": details}))
    assert (raised.value.code, raised.value.field) == ("invalid_format", "email")
    assert CANARY not in message_of(raised.value)


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (None, ("acme", "zendesk.com", None)),
        ("https://acme1757.zendesk.com", ("acme1757", "zendesk.com", None)),
        ("https://acme.zendesk-staging.com", ("acme", "zendesk-staging.com", None)),
        ("http://127.0.0.1:8009", ("acme", "zendesk.com", "http://127.0.0.1:8009")),
        ("https://proxy.example", ("acme", "zendesk.com", "https://proxy.example")),
    ],
)
def test_the_address_is_the_accounts_or_the_override(
    base_url: str | None, address: tuple[str, str, str | None]
) -> None:
    account = Account("t", base_url, settings={"subdomain": "acme"})
    assert client.address_of(account) == address


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(HostRefused):
        client.address_of(Account("t", "https://a:b@acme.zendesk.com"))


def test_no_call_leaves_the_accounts_host() -> None:
    made = client.Client(Account("t", settings={"subdomain": "acme"}), Wire())
    with pytest.raises(AdapterError) as raised, client.speaking():
        made.session.get("https://acme.zendesk.com.evil.example/api/v2/users.json")
    assert isinstance(raised.value, HostRefused)


def test_without_zenpy_the_traits_stand_and_the_adapter_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "zenpy", None)
    assert Zendesk.traits.app == "zendesk"
    with pytest.raises(ImportError, match="extra"):
        Zendesk(Account("t", settings={"subdomain": "acme"}), Wire(), {})
