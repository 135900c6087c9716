"""Each CRM connected, processes to kill, and leases so short that recovery can be waited for, where
a test does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from connector.db import Database
from connector.settings import Settings
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.odoo.service import Odoo
from simulators.salesforce.service import Salesforce
from simulators.zendesk.service import Zendesk
from tests.faults.processes import Processes, hub_variables
from tests.world import CRMSeen, World, founded

SIMULATORS: dict[str, Any] = {
    "hubspot": HubSpot,
    "odoo": Odoo,
    "salesforce": Salesforce,
    "zendesk": Zendesk,
}
# Whether Zendesk knows Idempotency-Key for tickets is not verified: our marker must do without.
OPTIONS: dict[str, dict[str, Any]] = {
    "hubspot": {},
    "odoo": {},
    "salesforce": {},
    "zendesk": {
        "job_delay_s": 0.0,
        "index_lag_s": 0,
        "rate": 100_000,
        "per_user_rate": 100_000,
        "ticket_rate": 100_000,
        "idempotency_keys": False,
    },
}
# A key is neither refreshed nor does it expire.
WITH_TOKENS = sorted(SIMULATORS.keys() - {"odoo"})
LEASE_S, DEADLINE_S = 3.0, 1.0
# A test that waits for neither has room for a machine that stands still: with the short ones a call
# that was cut would be taken for the trouble it is about.
LONG_LEASE_S, LONG_DEADLINE_S = 30.0, 15.0


@pytest.fixture
def waits(request: pytest.FixtureRequest) -> tuple[float, float]:
    """The lease and the deadline of a call, seconds: short for what is marked `waited_for`."""
    if request.node.get_closest_marker("waited_for"):
        return LEASE_S, DEADLINE_S
    return LONG_LEASE_S, LONG_DEADLINE_S


@pytest.fixture
def settings(settings: Settings, waits: tuple[float, float]) -> Settings:
    lease_s, deadline_s = waits
    return replace(settings, lease_s=lease_s, call_deadline_s=deadline_s)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    """A workspace without connections."""
    return founded(settings, database)


@pytest.fixture
def connected(world: World) -> Iterator[Callable[..., CRMSeen]]:
    """connected(app, **options): a simulated CRM with a connection and a published mapping, which
    `mapping` may change.
    """
    open_ones = []

    def connect(app: str, *, mapping: Mapping[str, Any] | None = None, **options: Any) -> CRMSeen:
        served = running(SIMULATORS[app](options={**OPTIONS[app], **options}))
        url = served.__enter__()
        open_ones.append(served)
        seen = world.connect(app, url)
        world.mapping(app, **(mapping or {}))
        return seen

    yield connect
    for served in open_ones:
        served.__exit__(None, None, None)


@pytest.fixture(params=sorted(SIMULATORS))
def crm(request: pytest.FixtureRequest, connected: Callable[..., CRMSeen]) -> CRMSeen:
    """Each CRM in turn."""
    return connected(request.param)


@pytest.fixture
def hub_environ(child_environ: dict[str, str], waits: tuple[float, float]) -> dict[str, str]:
    """What a process of the hub needs to work on this test's world."""
    lease_s, deadline_s = waits
    return {**child_environ, **hub_variables(lease_s=lease_s, deadline_s=deadline_s)}


@pytest.fixture
def processes(hub_environ: dict[str, str]) -> Iterator[Processes]:
    held = Processes(hub_environ)
    yield held
    held.end()
