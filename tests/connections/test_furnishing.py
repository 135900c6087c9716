"""What the hub needs at a CRM is made on request, through a connection, audited and downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Connection, select

from adapters.provisioning import Part, State, Thing, Wanted
from connector.connections import connect, discover, furnishing, oauth
from connector.connections.account_hold import held
from connector.connections.profile import Profile, load
from connector.db import Database
from connector.problems import Code, Refusal
from connector.settings import OAuthClient, Settings
from connector.tables import audit
from schemas.secret import Secret
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from simulators.salesforce.service import Salesforce
from simulators.zendesk.service import Zendesk
from tests.connections.conftest import ALICE, House, desk_of, new_workspace
from tests.connections.test_crms import SETTINGS, Portal

PARTS = frozenset(Part)


def wanted_at(_connection: Connection, _profile: Profile) -> Wanted:
    return Wanted("NPSToday.NoSend")


def empty(app: str) -> Simulator:
    """A simulated account in which nothing of ours is there."""
    if app == "hubspot":
        return HubSpot(options={"enterprise": True})
    return Salesforce(options={"package_installed": False}) if app == "salesforce" else Zendesk()


@pytest.fixture(params=["hubspot", "salesforce", "zendesk"])
def portal(
    request: pytest.FixtureRequest, settings: Settings, database: Database
) -> Iterator[Portal]:
    """An empty account, connected."""
    app = request.param
    simulator = empty(app)
    clients = {app: OAuthClient("demo-client", Secret("demo-secret"))}
    desk = replace(desk_of(settings, database), operator_clients=MappingProxyType(clients))
    workspace_id = new_workspace(database, "acme")
    with running(simulator) as url:
        made = connect.create(
            desk, workspace_id, app=app, name="main", auth="oauth", base_url=url,
            settings=SETTINGS[app], actor=ALICE,
        )  # fmt: skip
        one = Portal(app, simulator, url, desk, workspace_id, made.id)
        oauth.complete(desk, app, one.authorize())
        yield one


def seen(portal: Portal) -> tuple[Thing, ...]:
    here = (portal.desk, portal.workspace_id, portal.connection_id)
    return furnishing.preview(*here, wanted_at=wanted_at).plan.things


def furnished(portal: Portal, parts: frozenset[Part] = PARTS) -> tuple[Thing, ...]:
    here = (portal.desk, portal.workspace_id, portal.connection_id)
    return furnishing.furnish(*here, parts=parts, wanted_at=wanted_at, actor=ALICE).plan.things


def entries(portal: Portal) -> list[Any]:
    with portal.desk.database.begin(portal.workspace_id) as connection:
        asked = (
            select(audit.c.detail)
            .where(audit.c.action == "connection.provisioned")
            .order_by(audit.c.seq)
        )
        return list(connection.execute(asked).scalars())


def missing(things: tuple[Thing, ...]) -> list[str]:
    return [one.name for one in things if one.state is State.MISSING]


def test_a_look_changes_nothing_and_is_not_audited(portal: Portal) -> None:
    assert missing(seen(portal))
    assert seen(portal) == seen(portal)
    assert entries(portal) == []


def test_what_is_made_is_audited_by_name_and_looked_at_again(portal: Portal) -> None:
    lacking = missing(seen(portal))
    things = furnished(portal)
    assert missing(things) == []
    (entry,) = entries(portal)
    assert len(entry["made"]) == len(lacking)
    assert entry["refused"] == []


def test_nothing_is_made_while_another_connection_changes_the_account(portal: Portal) -> None:
    with portal.desk.database.begin(portal.workspace_id) as connection:
        here = load(connection, portal.workspace_id, portal.connection_id)
    with held(portal.desk, here, for_s=60), pytest.raises(Refusal) as raised:
        furnished(portal)
    assert raised.value.extra == {"reason": "account_held"}
    assert missing(seen(portal))
    assert missing(furnished(portal)) == []


def test_a_repeat_makes_nothing(portal: Portal) -> None:
    furnished(portal)
    assert not any(one.made for one in furnished(portal))
    assert [bool(one["made"]) for one in entries(portal)] == [True, False]


def test_a_part_that_was_not_chosen_stays_missing(portal: Portal) -> None:
    before = missing(seen(portal))
    things = furnished(portal, frozenset({Part.ACCESS}))
    assert missing(things) == before or portal.app == "salesforce"


def test_what_was_made_is_among_the_downloaded_definitions(portal: Portal) -> None:
    furnished(portal)
    with portal.desk.database.begin(portal.workspace_id) as connection:
        held = discover.snapshots(connection, portal.workspace_id, portal.connection_id)
    names = {field.name for one in held for field in one.entity.fields}
    own = {"hubspot": "response_id", "salesforce": "Response_Id__c", "zendesk": "npstoday_nosend"}
    assert own[portal.app] in names


def test_zendesk_says_what_it_does_instead_of_a_record(portal: Portal) -> None:
    record = [one for one in seen(portal) if one.part is Part.RECORD]
    told = any("ticket" in one.text for one in record if one.state is State.IMPOSSIBLE)
    assert told == (portal.app == "zendesk")


def test_an_app_that_nothing_can_be_made_at_says_so(house: House) -> None:
    here = (house.desk, house.workspace_id, house.connected())
    plan = furnishing.preview(*here, wanted_at=wanted_at).plan
    assert {one.state for one in plan.things} == {State.IMPOSSIBLE}


def test_a_connection_that_is_not_connected_is_refused(house: House) -> None:
    with pytest.raises(Refusal) as caught:
        furnishing.preview(house.desk, house.workspace_id, house.new(), wanted_at=wanted_at)
    assert caught.value.code is Code.NOT_CONNECTED


def test_another_workspace_s_connection_is_not_there(house: House, stranger: House) -> None:
    connection_id = house.connected()
    with pytest.raises(Refusal) as caught:
        furnishing.preview(stranger.desk, stranger.workspace_id, connection_id, wanted_at=wanted_at)
    assert caught.value.code is Code.NOT_FOUND
