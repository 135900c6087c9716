"""A workspace, its desk, and a fake CRM with a real authorization server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import Connection, Table, func, insert, select

from adapters import registry
from connector import workspaces
from connector.connections import connect, oauth
from connector.connections.desk import Desk
from connector.connections.establish import Established
from connector.db import Database
from connector.settings import OAuthClient, Settings
from connector.tables import audit, contact, delivery, response
from schemas.secret import Secret
from simulators.kit.server import running
from tests.connections.fake_crm import FakeService

ALICE = "key:alice"


@dataclass
class House:
    """A workspace with a desk, and the fake CRM that its connections lead to."""

    desk: Desk
    workspace_id: int
    crm: FakeService
    crm_url: str

    def new(self, name: str = "main", **more: object) -> int:
        """A fresh OAuth connection to the fake CRM; its id."""
        settings = more.pop("settings", {"subdomain": "acme"})
        made = connect.create(
            self.desk,
            self.workspace_id,
            app="fake",
            name=name,
            auth=str(more.pop("auth", "oauth")),
            base_url=str(more.pop("base_url", self.crm_url)),
            settings=settings,  # type: ignore[arg-type]
            actor=ALICE,
            **more,  # type: ignore[arg-type]
        )
        return made.id

    def consented(self, connection_id: int) -> dict[str, str]:
        """What the CRM sends back to the callback after a person has consented."""
        url = oauth.authorize(self.desk, self.workspace_id, connection_id).url
        return callback_of(url)

    def connect(self, connection_id: int) -> Established:
        """The whole dance."""
        return oauth.complete(self.desk, "fake", self.consented(connection_id))

    def connected(self, name: str = "main") -> int:
        """A connected OAuth connection; its id."""
        connection_id = self.new(name)
        self.connect(connection_id)
        return connection_id

    def refreshes(self) -> int:
        """How many refreshes the CRM's token endpoint has granted."""
        return int(self.crm.state()["token_refreshes"])

    def token_calls(self) -> int:
        """How many calls the token endpoint has seen, whatever it answered."""
        return len([one for one in self.crm.log.listing() if one["path"] == "/oauth/token"])

    def audited(self, action: str) -> int:
        """How many audit entries there are of an action."""
        with self.desk.database.begin(self.workspace_id) as connection:
            counted = select(func.count()).select_from(audit).where(audit.c.action == action)
            return connection.execute(counted).scalar_one()


def callback_of(url: str) -> dict[str, str]:
    """Follow a consent URL; the query that the redirect carries."""
    answer = requests.get(url, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeService, str]]:
    monkeypatch.setitem(registry.ADAPTERS, "fake", "tests.connections.fake_crm:FakeCRM")
    service = FakeService()
    with running(service) as url:
        yield service, url


@pytest.fixture
def house(crm: tuple[FakeService, str], settings: Settings, database: Database) -> House:
    return House(desk_of(settings, database), new_workspace(database, "acme"), *crm)


@pytest.fixture
def stranger(house: House) -> House:
    """Charlie's workspace in the same installation."""
    return House(
        house.desk, new_workspace(house.desk.database, "charlie"), house.crm, house.crm_url
    )


def desk_of(settings: Settings, database: Database) -> Desk:
    """A desk whose operator has registered the fake CRM's client."""
    plain = Desk.of(settings, database)
    clients = {"fake": OAuthClient("demo-client", Secret("demo-secret"))}
    return Desk(
        database=database,
        keyring=plain.keyring,
        allowed=plain.allowed,
        operator_clients=MappingProxyType(clients),
        public_url=plain.public_url,
    )


def new_workspace(database: Database, slug: str) -> int:
    founded = workspaces.found(database, slug=slug, name=slug, owner_email=f"{slug}@example.com")
    return founded.workspace_id


@pytest.fixture
def waiting_deliveries(house: House) -> Callable[..., list[int]]:
    """Puts pending deliveries of a connection into the outbox; their ids."""

    def put(connection_id: int, *, count: int = 3, **values: object) -> list[int]:
        with house.desk.database.begin(house.workspace_id) as connection:
            return [
                _delivery(connection, house.workspace_id, connection_id, step=f"s{n}", **values)
                for n in range(count)
            ]

    return put


def states_of(house: House, connection_id: int) -> list[tuple[str, str | None]]:
    """State and reason of each of a connection's deliveries, in order."""
    asked = (
        select(delivery.c.state, delivery.c.reason)
        .where(delivery.c.connection_id == connection_id)
        .order_by(delivery.c.id)
    )
    with house.desk.database.begin(house.workspace_id) as connection:
        return [(row.state, row.reason) for row in connection.execute(asked)]


def _delivery(
    connection: Connection, workspace_id: int, connection_id: int, *, step: str, **values: object
) -> int:
    def added(table: Table, **row: object) -> int:
        made = insert(table).values(workspace_id=workspace_id, **row).returning(table.c.id)
        return int(connection.execute(made).scalar_one())

    contact_id = added(contact)
    heard = {"answered_at": func.now(), "revision": 1}
    response_id = added(
        response,
        source="api",
        response_id=f"r-{contact_id}",
        event="completed",
        anonymous=False,
        **heard,
    )
    row = {"kind": "fields", "entity": "contacts", "lane": f"contact:{contact_id}", **values}
    return added(
        delivery,
        connection_id=connection_id,
        contact_id=contact_id,
        response_id=response_id,
        step=step,
        **heard,
        **row,
    )
