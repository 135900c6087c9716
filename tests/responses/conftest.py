"""One world per test, and each CRM's simulator in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.db import Database
from connector.settings import Settings
from simulators.adobe.service import AdobeCampaign
from simulators.brevo.service import Brevo
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.odoo.service import Odoo
from simulators.pipedrive.service import Pipedrive
from simulators.salesforce.service import Salesforce
from simulators.splio.service import Splio
from simulators.zendesk.service import Zendesk
from tests.world import CRMSeen, World, founded

SIMULATORS: dict[str, Any] = {
    "hubspot": HubSpot,
    "odoo": Odoo,
    "salesforce": Salesforce,
    "zendesk": Zendesk,
}
# Apps without tags and notes: what all CRMs promise together is not asked of them.
FURTHER: dict[str, Any] = {
    "adobe": AdobeCampaign,
    "brevo": Brevo,
    "pipedrive": Pipedrive,
    "splio": Splio,
}
FAST: dict[str, dict[str, Any]] = {
    "adobe": {"rate": 100_000},
    "brevo": {"rate": 100_000},
    "pipedrive": {"rate": 100_000},
    "splio": {"rate": 100_000, "other_rate": 100_000, "tells_types": True},
    "zendesk": {"job_delay_s": 0.0, "index_lag_s": 0, "plan": "enterprise", "rate": 100_000},
}


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    """A workspace without connections."""
    return founded(settings, database)


@pytest.fixture(params=sorted(SIMULATORS))
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """Each CRM in turn, connected, with a published mapping."""
    app = request.param
    with running(SIMULATORS[app](options=FAST.get(app, {}))) as url:
        seen = world.connect(app, url)
        world.mapping(app)
        yield seen
