"""How often a key and an address may ask, with Redis and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from connector.access import ACCESS
from connector.api.gate import CRM, LIMITS, LIST, PUSH, READ, WRITE, Gate, kind_of
from connector.app import create_app
from connector.db import Database
from connector.problems import Refusal
from connector.settings import Settings
from tests.api.conftest import Caller

FEW = {"list": 3, "push": 2, "read": 3, "refused": 2, "hook": 2}


@pytest.fixture(params=["redis", "redis away"])
def few(request: pytest.FixtureRequest, settings: Settings, database: Database) -> FlaskClient:
    """A web process with small limits."""
    url = settings.redis_url if request.param == "redis" else "redis://127.0.0.1:1/0"
    own = replace(settings, api_limits=FEW, redis_url=url)
    return create_app(own, database).test_client()


def key(caller: Caller) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {caller.key}"}


def test_a_key_that_asks_too_often_is_told_for_how_long_to_wait(
    few: FlaskClient, alice: Caller
) -> None:
    answers = [few.get("/api/v1/surveys", headers=key(alice)) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].get_json()["code"] == "rate_limited"


def test_another_key_and_another_kind_are_not_held_up(
    few: FlaskClient, alice: Caller, bob: Caller
) -> None:
    for _ in range(4):
        few.get("/api/v1/surveys", headers=key(alice))
    assert few.get("/api/v1/surveys", headers=key(bob)).status_code == 200
    assert few.get("/api/v1/contacts/1", headers=key(alice)).status_code == 404


def test_an_address_that_guesses_keys_is_held_up_and_a_good_key_from_it_is_not(
    few: FlaskClient, alice: Caller
) -> None:
    here = {"REMOTE_ADDR": f"192.0.2.{alice.workspace_id % 200 + 1}"}
    wrong = {"Authorization": "Bearer ab_live_wrong"}
    answers = [
        few.get("/api/v1/surveys", headers=wrong, environ_base=here).status_code for _ in range(3)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert few.get("/api/v1/surveys", headers=key(alice), environ_base=here).status_code == 200


def test_a_push_is_not_refused_because_redis_is_away(
    settings: Settings, database: Database, alice: Caller
) -> None:
    own = replace(settings, redis_url="redis://127.0.0.1:1/0")
    client = create_app(own, database).test_client()
    answer = client.post("/api/v1/responses", headers=key(alice), json={"response_id": "r"})
    assert answer.status_code == 422  # judged, not held up


def test_two_processes_share_one_count(settings: Settings) -> None:
    gates = [Gate({"list": 3}, settings.redis_url) for _ in range(2)]
    for gate in (*gates, gates[0]):
        gate.pass_through(LIST, "shared-by-two")
    with pytest.raises(Refusal):
        gates[1].pass_through(LIST, "shared-by-two")


def test_a_limit_of_nought_is_none() -> None:
    gate = Gate({"list": 0}, None)
    for _ in range(10):
        gate.pass_through(LIST, "anybody")


@pytest.mark.parametrize(
    ("method", "route", "kind"),
    [
        ("POST", "/api/v1/responses", PUSH),
        ("GET", "/api/v1/responses/<whole:response>", READ),
        ("GET", "/api/v1/connections/<id:connection_id>/fields.csv", LIST),
        ("GET", "/api/v1/ledger", LIST),
        ("POST", "/api/v1/connections/<id:connection_id>/fields", CRM),
        ("PUT", "/api/v1/surveys/<key:survey>", WRITE),
    ],
)
def test_each_route_has_its_kind(method: str, route: str, kind: str) -> None:
    assert (method, route) in ACCESS
    assert kind_of(method, route) == kind


def test_every_kind_has_a_limit() -> None:
    assert {kind_of(*one) for one in ACCESS} <= set(LIMITS)
