"""Webhooks by the page: made, tried, changed, rotated, paused, removed; partners' keys shut out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connector import audit
from simulators.kit.server import running
from simulators.receivers import Receiver
from tests.pages.conftest import text_of
from tests.pages.filled import Filled, fill

SECRET = re.compile(r'value="(whsec_[^"]+)"')
ONE = "~/settings/webhooks"


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with running(Receiver()) as url:
        yield url


def secret_on(page: Any) -> str:
    found = SECRET.search(page.text)
    assert found, text_of(page)
    return found[1]


def test_a_webhook_is_made_tried_rotated_paused_and_removed(alice, database, receiver):
    alice.get(ONE)
    made = alice.post(ONE, name="store", url=f"{receiver}/hooks/a", events="response.failed")
    secret = secret_on(made)
    here = Filled(alice, database)
    number = here.one("SELECT id FROM webhook")
    path = f"{ONE}/{number}"
    assert secret not in alice.get(path).text

    knows = requests.post(f"{receiver}/__sim__/options", json={"secrets": [secret]}, timeout=5)
    assert knows.ok
    alice.post(f"{path}/test")
    assert "Taken: it answered 2" in text_of(alice.get(path))
    assert secret_on(alice.post(f"{path}/rotate")) != secret
    alice.get(path)
    alice.post(f"{path}/test")  # the secret before signs beside the new one
    assert "Taken: it answered 2" in text_of(alice.get(path))

    alice.post(f"{path}/pause")
    assert "What happens meanwhile waits" in text_of(alice.get(path))
    assert here.one("SELECT state FROM webhook") == "paused"
    alice.post(f"{path}/resume")
    assert here.one("SELECT state FROM webhook") == "active"
    alice.post(f"{path}/remove")
    assert "No webhook yet" in text_of(alice.get(ONE))
    with database.begin(alice.workspace_id) as store:
        acts = [one.action for one in audit.entries(store, alice.workspace_id)]
    told = [one.removeprefix("webhook.") for one in acts if one.startswith("webhook.")]
    assert sorted(told) == [
        "created", "paused", "removed", "resumed", "rotated", "tested", "tested",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"name": ""}, "h-name"),
        ({"url": "https://10.0.0.1/hooks"}, "h-url"),
        ({"events": "nothing"}, "text-danger-said"),
        ({"name": "Warehouse"}, "has that name already"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(alice, database, receiver, typed, beside):
    here = fill(alice, database)
    alice.get(ONE)
    good = {"name": "store", "url": f"{receiver}/hooks/a", "events": "response.failed"}
    answer = alice.post(ONE, **(good | typed))
    assert (answer.status_code, beside in answer.text) == (422, True), text_of(answer)
    assert here.one("SELECT count(*) FROM webhook") == 1


def test_a_webhook_is_changed_and_its_messages_are_looked_at_and_sent_again(alice, database):
    here = fill(alice, database)
    path = f"{ONE}/{here.ids['webhook_id']}"
    page = alice.get(path)
    assert "hooks.customer.example.test" in text_of(page)
    assert alice.get(f"{path}?state=delivered").text.count("webhook-messages") == 0
    alice.post(path, name="Store", url="", events="response.delivered")
    assert here.sql("SELECT name, events, host FROM webhook") == [
        ("Store", ["response.delivered"], "hooks.customer.example.test")
    ]
    message = f"~/settings/webhook-messages/{here.ids['message_id']}"
    assert "the receiver answered 500" in text_of(alice.get(message))
    assert alice.post(f"{message}/resend").status_code == 303
    assert here.one("SELECT attempts FROM webhook_message") == 0


def test_a_webhook_that_failures_have_ended_says_why_and_goes_on(alice, database):
    here = fill(alice, database)
    here.sql("UPDATE webhook SET state = 'disabled', reason = 'failing', error = 'no answer'")
    path = f"{ONE}/{here.ids['webhook_id']}"
    assert "it failed for too long. no answer" in text_of(alice.get(path))
    alice.post(f"{path}/resume")
    assert here.one("SELECT state FROM webhook") == "active"


def test_a_partners_key_is_seen_and_shut_out(alice, database):
    here = fill(alice, database)
    assert "Agency aB3dE6gH" in text_of(alice.get("~/settings/keys"))
    alice.post(f"~/settings/grants/{here.ids['grant_id']}/revoke")
    assert here.one("SELECT revoked_at IS NOT NULL FROM partner_grant")
    page = alice.get("~/settings/keys")
    assert "/grants/" not in page.text
