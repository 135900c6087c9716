"""What every simulator can do, whatever the CRM: faults, log, clock, OAuth, the process."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.kit.messages import Answer, Request
from simulators.kit.quota import DailyCount, SlidingWindow
from simulators.kit.server import running
from simulators.kit.simulator import Simulator, route
from tests.simulators.conformance import Client, differences

ROOT = Path(__file__).parents[2]
BACK = "http://127.0.0.1:9/oauth/callback/any"


class Shop(Simulator):
    """A service with one list."""

    name = "Shop <&>"

    def set_up(self) -> None:
        self.things: list[str] = []

    @route("POST", r"/things", kind="write")
    def add(self, request: Request) -> Answer:
        self.things.append(request.json()["name"])
        return Answer(201, {"count": len(self.things)})

    @route("DELETE", r"/things/(?P<name>[^/]+)", kind="write")
    def remove(self, request: Request) -> Answer:
        self.things.remove(request.params["name"])
        return Answer(204)

    @route("GET", r"/things/(?P<name>[^/]+)", kind="read")
    def one(self, request: Request) -> Answer:
        return Answer(200, {"name": request.params["name"]})

    @route("GET", r"/things/all", kind="read")
    def all(self, _request: Request) -> Answer:
        return Answer(200, self.things)

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self.things += told["things"]
        return {}

    def records(self) -> dict[str, object]:
        return {"things": self.things}


@pytest.fixture
def shop() -> Iterator[Client]:
    with running(Shop()) as base_url:
        client = Client(base_url)
        yield client
        client.close()


def strike(shop: Client, **action: object) -> None:
    shop.control("fault", {"method": "POST", "path": "/things", "action": action})


def add(shop: Client) -> bytes:
    return shop.call("POST", "/things", {"name": "hat"}).body


def test_params_are_decoded_and_the_particular_route_wins(shop: Client) -> None:
    assert shop.call("GET", "/things/a%2Fb%20c").json() == {"name": "a/b c"}
    assert shop.call("GET", "/things/all").json() == []


def test_a_204_has_no_body_bytes_and_the_connection_lives_on(shop: Client) -> None:
    add(shop)
    assert shop.call("DELETE", "/things/hat").body == b""
    assert shop.call("GET", "/things/all").json() == []


def test_a_reset_before_applies_nothing(shop: Client) -> None:
    strike(shop, drop_before=True)
    with pytest.raises(ConnectionResetError):
        add(shop)
    state = shop.state()
    assert state["things"] == []
    assert state["applied_then_lost"] == 0


def test_a_reset_after_is_applied_and_counted_as_lost(shop: Client) -> None:
    strike(shop, drop_after=True)
    with pytest.raises(ConnectionResetError):
        add(shop)
    state = shop.state()
    assert state["things"] == ["hat"]
    assert state["applied_then_lost"] == 1


def test_a_half_answer_is_shorter_than_it_says(shop: Client) -> None:
    strike(shop, half_after=True)
    with pytest.raises(http.client.IncompleteRead):
        add(shop)
    assert shop.state()["things"] == ["hat"]


@pytest.mark.parametrize(
    ("action", "body"),
    [("bad_json_after", b'{"results"'), ("html_after", b"<!doctype"), ("empty_after", b"")],
)
def test_a_spoilt_answer_was_applied(shop: Client, action: str, body: bytes) -> None:
    strike(shop, **{action: True})
    assert add(shop).startswith(body)
    assert shop.state()["things"] == ["hat"]


def test_a_status_on_order_applies_nothing(shop: Client) -> None:
    strike(shop, status=503, body={"no": "way"}, headers={"Retry-After": "7"})
    heard = shop.call("POST", "/things", {"name": "hat"})
    assert (heard.status, heard.headers["retry-after"], heard.json()) == (503, "7", {"no": "way"})
    assert shop.state()["things"] == []


def test_the_second_match_is_struck_and_the_third_is_not(shop: Client) -> None:
    shop.control("fault", {"path": "/things", "occurrence": 2, "action": {"status": 500}})
    statuses = [shop.call("POST", "/things", {"name": "x"}).status for _ in range(3)]
    assert statuses == [201, 500, 201]


def test_every_match_is_struck_until_cleared(shop: Client) -> None:
    shop.control("fault", {"path": "/things", "occurrence": 0, "action": {"status": 500}})
    assert [shop.call("GET", "/things/all").status for _ in range(3)] == [500] * 3
    shop.control("fault", {"clear": True})
    assert shop.call("GET", "/things/all").status == 200


def test_a_storm_answers_429_to_all(shop: Client) -> None:
    shop.control("fault", {"storm": 60})
    assert shop.call("GET", "/things/all").status == 429
    assert shop.state()["faults"] == {"throttle": 1}


def test_random_faults_repeat_with_the_same_seed() -> None:
    def statuses() -> list[int]:
        with running(Shop(seed=7)) as base_url:
            client = Client(base_url)
            client.control("fault", {"random": {"rate": 0.5, "kinds": ["500", "503"]}})
            told = [client.call("GET", "/things/all").status for _ in range(30)]
            client.close()
            return told

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 500, 503}


def test_somebody_else_acts_after_the_call_and_before_its_answer(shop: Client) -> None:
    strike(shop, meanwhile={"seed": {"things": ["scarf"]}})
    assert add(shop) == b'{"count":1}'
    assert shop.state()["things"] == ["hat", "scarf"]


@pytest.mark.parametrize("action", [{"explode": True}, {"meanwhile": {"explode": True}}])
def test_an_unknown_action_is_refused(shop: Client, action: dict[str, Any]) -> None:
    heard = shop.call("POST", "/__sim__/fault", {"action": action})
    assert heard.status == 400


def test_the_log_counts_calls_by_kind_and_leaves_control_out(shop: Client) -> None:
    add(shop)
    shop.call("GET", "/things/all")
    assert [one["kind"] for one in shop.log()] == ["write", "read"]
    assert shop.state()["counts"] == {
        "kind": {"write": 1, "read": 1},
        "status": {"201": 1, "200": 1},
    }


def test_a_reset_forgets_everything(shop: Client) -> None:
    add(shop)
    shop.control("options", {"latency_ms": 5})
    shop.control("clock", {"offset_s": 60})
    shop.control("reset")
    state = shop.state()
    assert (state["things"], state["counts"]["kind"], state["options"]["latency_ms"]) == ([], {}, 0)


def test_an_unknown_option_is_refused(shop: Client) -> None:
    assert shop.call("POST", "/__sim__/options", {"latency": 5}).status == 400


def test_the_page_escapes_what_it_shows(shop: Client) -> None:
    page = shop.call("GET", "/?q=%3Cscript%3E").body.decode()
    assert "<script>" not in page
    assert "Shop &lt;&amp;&gt;" in page


def test_differences_name_the_place() -> None:
    told = differences({"a": [{"b": 1, "c": "x"}]}, {"a": [{"b": "1"}], "d": None})
    assert told == [
        "$.d: only in ours",
        "$.a[].c: missing in ours",
        "$.a[].b: number recorded, text ours",
    ]


def test_a_window_slides() -> None:
    window = SlidingWindow(2, 10)
    assert [window.take(at) for at in (0.0, 1.0, 2.0, 10.5, 10.6, 11.5)] == [
        True, True, False, True, False, True,
    ]  # fmt: skip
    assert window.wait_s(12.0) == 8.5


def test_a_daily_count_starts_anew_at_midnight() -> None:
    count = DailyCount(1)
    day = 20_000 * 86_400.0
    assert [count.take(at) for at in (day, day + 1, day + 86_400)] == [True, False, True]
    assert count.wait_s(day + 86_390) == 10
