"""The three CRMs as they are: the whole dance, a refresh and the end, against their simulators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

import pytest
import requests

from adapters.errors import ReconnectNeeded
from connector.connections import closing, connect, discover, oauth, tokens
from connector.connections.desk import Desk
from connector.connections.views import view
from connector.db import Database
from connector.settings import OAuthClient, Settings
from schemas.secret import Secret
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from simulators.salesforce.service import Salesforce
from simulators.zendesk.service import Zendesk
from tests.connections.conftest import ALICE, callback_of, desk_of, new_workspace

SIMULATORS = {"hubspot": HubSpot, "salesforce": Salesforce, "zendesk": Zendesk}
SETTINGS = {"hubspot": {}, "salesforce": {}, "zendesk": {"subdomain": "acme"}}
ROTATING = ("salesforce", "zendesk")


@dataclass
class Portal:
    """One simulated CRM and a connection to it."""

    app: str
    simulator: Simulator
    url: str
    desk: Desk
    workspace_id: int
    connection_id: int

    def authorize(self) -> dict[str, str]:
        """Consent at the CRM's own page; what it sends to the callback."""
        return callback_of(oauth.authorize(self.desk, self.workspace_id, self.connection_id).url)

    def token(self, seen: int | None = None) -> tokens.Token:
        return tokens.access_token(
            self.desk, self.workspace_id, self.connection_id, seen_version=seen
        )

    def refreshes(self) -> int:
        return int(self.simulator.state()["token_refreshes"])


@pytest.fixture(params=sorted(SIMULATORS))
def portal(
    request: pytest.FixtureRequest, settings: Settings, database: Database
) -> Iterator[Portal]:
    app = request.param
    simulator = SIMULATORS[app]()
    clients = {app: OAuthClient("demo-client", Secret("demo-secret"))}
    desk = replace(desk_of(settings, database), operator_clients=MappingProxyType(clients))
    workspace_id = new_workspace(database, "acme")
    with running(simulator) as url:
        made = connect.create(
            desk, workspace_id, app=app, name="main", auth="oauth", base_url=url,
            settings=SETTINGS[app], actor=ALICE,
        )  # fmt: skip
        yield Portal(app, simulator, url, desk, workspace_id, made.id)


def test_the_dance_connects_and_tells_the_account(portal: Portal) -> None:
    done = oauth.complete(portal.desk, portal.app, portal.authorize())
    seen = view(portal.desk, portal.workspace_id, portal.connection_id)
    assert done.identity.account_id
    assert (seen.state, seen.remote_account_id) == ("connected", done.identity.account_id)


def test_a_refresh_gives_a_token_that_the_crm_takes(portal: Portal) -> None:
    oauth.complete(portal.desk, portal.app, portal.authorize())
    seen = portal.token()
    newer = portal.token(seen=seen.version)
    connect.probe(portal.desk, portal.workspace_id, portal.connection_id, actor=ALICE)
    assert newer.value != seen.value
    assert portal.refreshes() == 1


def test_a_second_refresh_works_where_tokens_rotate(portal: Portal) -> None:
    portal.simulator.options["rotate_refresh"] = portal.app in ROTATING
    oauth.complete(portal.desk, portal.app, portal.authorize())
    for _ in range(2):
        portal.token(seen=portal.token().version)
    assert portal.refreshes() == 2


def test_fault_53_a_revoked_grant_needs_a_reconnect(portal: Portal) -> None:
    oauth.complete(portal.desk, portal.app, portal.authorize())
    seen = portal.token()
    control = {"revoke": True}
    requests.post(f"{portal.url}/__sim__/oauth", json=control, timeout=5).raise_for_status()
    with pytest.raises(ReconnectNeeded) as caught:
        portal.token(seen=seen.version)
    assert caught.value.code == "invalid_grant"


def test_field_definitions_come_from_the_crm(portal: Portal) -> None:
    oauth.complete(portal.desk, portal.app, portal.authorize())
    done = discover.download(portal.desk, portal.workspace_id, portal.connection_id, actor=ALICE)
    assert len(done.added) >= 3


def test_a_disconnect_ends_the_grant_at_the_crm(portal: Portal) -> None:
    oauth.complete(portal.desk, portal.app, portal.authorize())
    ended = closing.disconnect(portal.desk, portal.workspace_id, portal.connection_id, actor=ALICE)
    assert ended.revoked


def test_a_token_that_expires_is_refreshed_once_and_the_probe_goes_on(portal: Portal) -> None:
    oauth.complete(portal.desk, portal.app, portal.authorize())
    requests.post(
        f"{portal.url}/__sim__/oauth", json={"expire": True}, timeout=5
    ).raise_for_status()
    connect.probe(portal.desk, portal.workspace_id, portal.connection_id, actor=ALICE)
    assert portal.refreshes() == 1
