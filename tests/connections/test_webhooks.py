"""A signed webhook on its way: what its receiver checks, and what each answer means for us."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from adapters import webhooks
from adapters.errors import (
    AdapterError,
    OutcomeUnknown,
    ReconnectNeeded,
    Throttled,
    TryLater,
)
from adapters.http import Wire
from adapters.webhooks import Hook, Refused
from connector.connections.hosts import AllowedHosts
from connector.connections.wayout import Outward
from simulators.kit.server import running
from simulators.receivers import SECRET, Receiver

OTHER = "whsec_" + "QUJD" * 8
BODY = webhooks.body_of("response.completed", "2026-11-22T01:02:00Z", {"score": 2, "why": "😀"})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Receiver()) as url:
        yield url


@pytest.fixture
def receiver(address: str) -> str:
    requests.post(f"{address}/__sim__/reset", timeout=5).raise_for_status()
    return address


def wire(*allowed: str, total_s: float = 2.0) -> Wire:
    return Wire(out=Outward(AllowedHosts.of(allowed or ("127.0.0.1",)), total_s))


def send(receiver: str, *, secrets: tuple[str, ...] = (SECRET,), over: Wire | None = None) -> None:
    hook = Hook(f"{receiver}/hooks/a", secrets)
    webhooks.send(over or wire(), hook, BODY, message_id="msg-1", now_s=time.time())


def told(receiver: str) -> Any:
    return requests.get(f"{receiver}/__sim__/state", timeout=5).json()


def fault(receiver: str, **action: Any) -> None:
    order = {"method": "POST", "path": "/hooks/.*", "occurrence": 1, "action": action}
    requests.post(f"{receiver}/__sim__/fault", json=order, timeout=5).raise_for_status()


def test_the_receiver_finds_it_signed_and_whole(receiver: str) -> None:
    send(receiver)
    (message,) = told(receiver)["messages"]
    assert message == {
        "id": "msg-1",
        "type": "response.completed",
        "timestamp": "2026-11-22T01:02:00Z",
        "data": {"score": 2, "why": "😀"},
    }


def test_while_a_secret_is_replaced_the_old_and_the_new_one_sign(receiver: str) -> None:
    send(receiver, secrets=(OTHER, SECRET))
    assert len(told(receiver)["messages"]) == 1
    with pytest.raises(Refused):
        send(receiver, secrets=(OTHER,))


def test_a_repeat_carries_the_same_id(receiver: str) -> None:
    send(receiver)
    send(receiver)
    assert (len(told(receiver)["messages"]), told(receiver)["repeats"]) == (1, ["msg-1"])


@pytest.mark.parametrize(
    ("action", "error", "code"),
    [
        ({"status": 410}, ReconnectNeeded, "receiver_gone"),
        ({"throttle": 7}, Throttled, "receiver_busy"),
        ({"status": 500}, OutcomeUnknown, "receiver_failed"),
        ({"status": 400}, Refused, "receiver_refused"),
        ({"status": 307, "headers": {"Location": "/hooks/b"}}, Refused, "receiver_refused"),
        ({"drop_after": True}, OutcomeUnknown, "outcome_unknown"),
        ({"huge_after": 1}, OutcomeUnknown, "body_too_large"),
    ],
)
def test_each_answer_has_its_meaning(
    receiver: str, action: dict[str, Any], error: type[AdapterError], code: str
) -> None:
    fault(receiver, **action)
    with pytest.raises(AdapterError) as raised:
        send(receiver)
    assert (type(raised.value), raised.value.code) == (error, code)
    assert getattr(raised.value, "wait_s", None) == (7.0 if code == "receiver_busy" else None)


def test_nobody_there_is_certainly_not_sent() -> None:
    with pytest.raises(TryLater) as raised:
        send("http://127.0.0.1:9")
    assert (type(raised.value), raised.value.code) == (TryLater, "connect_failed")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example", "url_not_https"),
        ("https://10.0.0.1", "address_not_open"),
        ("ftp://hooks.example", "url_invalid"),
    ],
)
def test_where_nobody_may_call_a_person_is_needed(url: str, code: str) -> None:
    with pytest.raises(ReconnectNeeded) as raised:
        send(url)
    assert raised.value.code == code


def test_no_error_holds_the_address_or_a_secret(receiver: str) -> None:
    fault(receiver, status=400)
    with pytest.raises(Refused) as raised:
        send(receiver)
    assert "hooks" not in f"{raised.value}{raised.value!r}"
    assert SECRET not in repr(Hook("https://x.example/s", (SECRET,)))


@pytest.mark.parametrize(("secret", "fits"), [(SECRET, True), ("whsec_QUJD", False), ("?", False)])
def test_a_secret_has_the_specification_s_length(secret: str, fits: bool) -> None:  # noqa: FBT001
    assert webhooks.is_key(secret) is fits
