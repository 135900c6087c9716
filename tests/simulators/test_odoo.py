"""The simulated Odoo answers as the measured one, and keeps its own rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from simulators.kit.server import running
from simulators.odoo import Odoo
from simulators.odoo.service import DATABASE, LOGIN, PASSWORD, UID

EXAMPLES = json.loads(
    (Path(__file__).parent / "data" / "odoo_examples.json").read_text(encoding="utf-8")
)["calls"]


class Caller:
    """Calls as any client makes them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rpc(self, service: str, method: str, *arguments: Any) -> Any:
        params = {"service": service, "method": method, "args": list(arguments)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        answer = requests.post(f"{self.url}/jsonrpc", json=body, timeout=5)
        assert answer.status_code == 200
        return answer.json()

    def call(
        self, model: str, method: str, *arguments: Any, key: str = PASSWORD, **named: Any
    ) -> Any:
        return self.rpc(
            "object", "execute_kw", DATABASE, UID, key, model, method, list(arguments), named
        )

    def control(self, name: str, body: Any) -> Any:
        answer = requests.post(f"{self.url}/__sim__/{name}", json=body, timeout=5)
        answer.raise_for_status()
        return answer.json()

    def contact(self, **values: Any) -> int:
        told = {"name": "Søren", **values}
        return int(self.control("seed", {"contacts": [told]})["contacts"][0])


@pytest.fixture(params=[11, 16, 18])
def odoo(request: pytest.FixtureRequest) -> Iterator[Caller]:
    with running(Odoo(options={"version": request.param})) as url:
        yield Caller(url)


@pytest.fixture
def old() -> Iterator[Caller]:
    """Version 11, whose one contact is that of the measurement."""
    with running(Odoo(options={"version": 11})) as url:
        caller = Caller(url)
        caller.contact(name="YourCompany")
        yield caller


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name"])
def test_a_measured_call_of_version_11_is_answered_alike(
    old: Caller, example: Mapping[str, Any]
) -> None:
    if example["user"] == "employee":
        old.control("options", {"denied": [f"{example['method']} {example['model']}"]})
    key = "nope" if example["user"] == "denied" else PASSWORD
    told = old.call(
        example["model"], example["method"], *example["args"], key=key, **example["kwargs"]
    )
    told.get("error", {}).get("data", {}).pop("debug", None)
    assert {name: told[name] for name in example["answer"]} == example["answer"]


def test_a_login_that_is_none_is_false_and_no_error(odoo: Caller) -> None:
    assert odoo.rpc("common", "authenticate", DATABASE, LOGIN, "nope", {})["result"] is False
    assert odoo.rpc("common", "authenticate", DATABASE, LOGIN, PASSWORD, {})["result"] == UID


def test_a_database_that_is_none_is_an_error_of_the_database(odoo: Caller) -> None:
    told = odoo.rpc("common", "authenticate", "nodb", LOGIN, PASSWORD, {})
    assert told["error"]["data"]["name"] == "psycopg2.OperationalError"


def test_a_write_on_several_is_all_or_nothing(odoo: Caller) -> None:
    first = odoo.contact()
    told = odoo.call("res.partner", "write", [first, 999], {"x_nps_score": 5})
    assert told["error"]["data"]["name"] == "odoo.exceptions.MissingError"
    held = odoo.call("res.partner", "read", [first], ["x_nps_score"])["result"]
    assert held == [{"id": first, "x_nps_score": 0}]


def test_a_pattern_takes_wildcards_and_escaped_ones_literally(odoo: Caller) -> None:
    first, _ = odoo.contact(email="A_b%c@x.test"), odoo.contact(email="AZbZc@x.test")

    def found(value: str) -> list[int]:
        domain = [["email", "=ilike", value]]
        return [one["id"] for one in odoo.call("res.partner", "search_read", domain)["result"]]

    assert found("a\\_b\\%C@x.test") == [first]
    assert len(found("a_b%c@x.test")) == 2


def test_two_tags_may_have_one_name_and_links_come_and_go_alone(odoo: Caller) -> None:
    one = odoo.contact(tags=["VIP"])
    made = [odoo.call("res.partner.category", "create", {"name": "T"})["result"] for _ in "ab"]
    odoo.call("res.partner", "write", [one], {"category_id": [[4, made[0]]]})
    odoo.call("res.partner", "write", [one], {"category_id": [[3, made[0]], [4, made[1]]]})
    (held,) = odoo.call("res.partner", "read", [one], ["category_id"])["result"]
    assert held["category_id"][1:] == [made[1]]
    assert len(held["category_id"]) == 2


def test_archived_records_are_found_only_when_asked_for(odoo: Caller) -> None:
    one = odoo.contact(email="a@x.test")
    odoo.control("seed", {"archive": [one]})
    domain = [["email", "=", "a@x.test"]]
    assert odoo.call("res.partner", "search", domain)["result"] == []
    context = {"active_test": False}
    assert odoo.call("res.partner", "search", domain, context=context)["result"] == [one]


def test_a_text_longer_than_its_field_is_cut_without_a_word(odoo: Caller) -> None:
    one = odoo.contact()
    odoo.call("res.partner", "write", [one], {"x_nps_summary": "x" * 100})
    (held,) = odoo.call("res.partner", "read", [one], ["x_nps_summary"])["result"]
    assert held["x_nps_summary"] == "x" * 80


def test_a_user_without_an_address_can_neither_note_nor_create(odoo: Caller) -> None:
    one = odoo.contact()
    odoo.control("options", {"user_email": ""})
    posted = odoo.call("res.partner", "message_post", [one], body="x")
    made = odoo.call("res.partner", "create", {"name": "N"})
    assert "sender's email" in posted["error"]["data"]["message"]
    assert "sender's email" in made["error"]["data"]["message"]
    assert odoo.call("res.partner", "write", [one], {"phone": "1"})["result"] is True


def test_the_page_shows_contacts_with_tags_and_notes(odoo: Caller) -> None:
    one = odoo.contact(tags=["NPSToday.Møde.9"])
    odoo.call("res.partner", "message_post", [one], body="<p>Why? Friendly</p>")
    page = requests.get(odoo.url, timeout=5).text
    assert "NPSToday.Møde.9" in page
    assert "Friendly" in page
