"""The simulated HubSpot answers as the real one was recorded to answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.simulators import conformance
from tests.simulators.conformance import Client, Exchange

MATCHED = 13


@pytest.fixture
def client() -> Iterator[Client]:
    with running(HubSpot()) as base_url:
        one = Client(base_url)
        tokens = one.control("oauth", {"issue": {}})
        one.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield one
        one.close()


def prepare(client: Client, one: Exchange) -> Exchange:
    """A fresh portal with what the recorded request speaks of."""
    client.control("reset")
    scopes = {"scopes": ["oauth"]} if one.case == "properties_no_scope" else {}
    tokens = client.control("oauth", {"issue": scopes})
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    if one.method == "POST" and not one.path.endswith("/search"):
        return one
    contacts = [
        {"email": f"test{number}@example.org", "firstname": f"Test {number}", "lastname": "User"}
        for number in range(1, 11)
    ]
    made = client.control("seed", {"contacts": contacts})["contacts"]
    if one.status == 200 and one.path.rsplit("/", 1)[1].isdigit():
        return one.sent_to(one.target.replace(one.path.rsplit("/", 1)[1], made[0]))
    return one


def test_recorded_requests_get_answers_of_the_recorded_shape(client: Client) -> None:
    report = conformance.check(
        conformance.recorded("hubspot"), client, prepare=lambda one: prepare(client, one)
    )
    print(report)
    assert report.matched >= MATCHED, str(report)
