"""Alice owns a workspace and is signed in, as are a colleague of each role; Charlie owns another
workspace. A Browser is a client with a cookie jar that sends the forms of the pages it saw.

All tests here share one app and one database, for making them costs more than most of the tests:
each has workspaces of its own, and each browser an address of its own.
"""

from __future__ import annotations

import html
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from connector import workspaces
from connector.access import Role
from connector.accounts import people
from connector.app import create_app
from connector.db import Database
from connector.engines import Postgres, Valkey
from connector.settings import MailServer, Settings
from schemas.secret import Secret
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.mail import MailServer as SimulatedMailServer
from tests.conftest import settings_on
from tests.databases import Databases
from tests.world import World, hub_on

CHROMIUM = Path("/usr/bin/chromium")
NUMBERS = itertools.count(1)
PASSWORD = "a meadow in late June"
PROOF = re.compile(r'name="form_proof"\s+value="([0-9a-f]{64})"')


@dataclass
class Browser:
    """Somebody in front of a browser without scripts. `slug` is the workspace they work in."""

    client: FlaskClient
    slug: str = ""
    email: str = ""
    workspace_id: int = 0
    seen: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Any:
        answer = self.client.get(self.address(path), headers={**self.headers, **headers})
        if answer.mimetype == "text/html" and PROOF.search(answer.text):
            self.seen = answer.text
        return answer

    def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        found = PROOF.search(self.seen)
        data = {"form_proof": found[1] if found else "", **fields}
        return self.client.post(
            self.address(path), data=data, headers={**self.headers, **(headers or {})}
        )

    def address(self, path: str) -> str:
        """A path of the workspace, unless it begins with a word of its own."""
        return path if not path.startswith("~") else f"/w/{self.slug}{path[1:]}"

    def sign_in(self, password: str = PASSWORD) -> Any:
        self.get("/sign-in")
        answer = self.post("/sign-in", email=self.email, password=password)
        self.get("/account")
        return answer


def text_of(answer: Any) -> str:
    """What a reader sees, in one line."""
    plain = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(plain).split())


@pytest.fixture(scope="session")
def settings(
    databases: Databases, migrated: Postgres, valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:  # fmt: skip
    name = databases.take()
    yield settings_on(migrated, name, valkey, tmp_path_factory.mktemp("pages"))
    databases.give_back(name)


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def app(settings: Settings, database: Database) -> Flask:
    made = create_app(settings, database)
    made.testing = False
    return made


def client_of(app: Flask) -> FlaskClient:
    """A browser at an address that no other test has."""
    client = app.test_client()
    number = next(NUMBERS)
    client.environ_base["REMOTE_ADDR"] = (
        f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
    )
    return client


def founded(app: Flask, database: Database, settings: Settings, name: str) -> Browser:
    slug = f"{name}-{next(NUMBERS)}"
    made = workspaces.found(
        database,
        slug=slug,
        name=slug.title(),
        owner_email=f"{slug}@example.test",
        country="DK",
        timezone="Europe/Copenhagen",
    )
    let_in(database, settings, made.workspace_id, f"{slug}@example.test", Role.OWNER)
    return Browser(client_of(app), slug, f"{slug}@example.test", made.workspace_id)


def let_in(
    database: Database,
    settings: Settings,
    workspace_id: int,
    email: str,
    role: Role,
    password: str | None = PASSWORD,
) -> int:
    return people.add(
        database,
        settings.environment,
        workspace_id,
        email=email,
        name="",
        role=role,
        password=Secret(password) if password else None,
        actor="operator",
    )


@pytest.fixture
def alice(app: Flask, database: Database, settings: Settings) -> Browser:
    """The owner of a workspace, signed in."""
    browser = founded(app, database, settings, "alice")
    browser.sign_in()
    return browser


@pytest.fixture
def charlie(app: Flask, database: Database, settings: Settings) -> Browser:
    """The owner of another workspace, signed in."""
    browser = founded(app, database, settings, "charlie")
    browser.sign_in()
    return browser


@pytest.fixture
def colleague(
    app: Flask, database: Database, settings: Settings, alice: Browser
) -> Callable[[Role], Browser]:
    """Makes a colleague of Alice's with that role, signed in."""

    def made(role: Role) -> Browser:
        email = f"{role.value}-{next(NUMBERS)}@example.test"
        let_in(database, settings, alice.workspace_id, email, role)
        browser = Browser(client_of(app), alice.slug, email, alice.workspace_id)
        browser.sign_in()
        return browser

    return made


@pytest.fixture(scope="session")
def hubspot() -> Iterator[str]:
    """The address of a simulated HubSpot, which the tests share: together they ask it for more than
    a portal takes in ten seconds.
    """
    with running(HubSpot(options={"ten_secondly": 100_000})) as url:
        yield url


@pytest.fixture
def world(alice: Browser, settings: Settings, database: Database, hubspot: str) -> World:
    """Alice's workspace, with a HubSpot connected, its fields downloaded, and no mapping."""
    made = World(hub_on(settings, database), alice.workspace_id, "")
    made.connect("hubspot", hubspot)
    return made


@pytest.fixture(scope="session")
def reader(app: Flask, database: Database, settings: Settings) -> Browser:
    """The owner of a workspace that many tests look at and none changes: see `read_world`."""
    browser = founded(app, database, settings, "reader")
    browser.sign_in()
    return browser


@pytest.fixture(scope="session")
def read_world(reader: Browser, settings: Settings, database: Database, hubspot: str) -> World:
    """The reader's workspace, with a HubSpot connected and a mapping published."""
    made = World(hub_on(settings, database), reader.workspace_id, "")
    made.connect("hubspot", hubspot)
    made.mapping("hubspot")
    return made


@pytest.fixture(scope="session")
def mail_server() -> Iterator[SimulatedMailServer]:
    """A relay on loopback that asks for no user."""
    server = SimulatedMailServer(needs_user=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def by_mail(settings: Settings, mail_server: SimulatedMailServer) -> Settings:
    """The settings of an installation that sends mail."""
    port = mail_server.port
    sends = MailServer("127.0.0.1", port, "none", user="", password=None, sender="hub@hub.test")
    return replace(settings, mail=sends)


@pytest.fixture(scope="session")
def mailing(by_mail: Settings, database: Database) -> Flask:
    made = create_app(by_mail, database)
    made.testing = False
    return made


@pytest.fixture
def owner(alice: Browser, mailing: Flask, mail_server: SimulatedMailServer) -> Browser:
    """Alice, where mail is sent."""
    mail_server.mails.clear()
    mail_server.faults.clear()
    browser = Browser(client_of(mailing), alice.slug, alice.email, alice.workspace_id)
    browser.sign_in()
    return browser


@pytest.fixture(scope="module")
def address(settings: Settings, database: Database) -> Iterator[str]:
    """The pages, served at an address that is their public one."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    public_url = f"http://127.0.0.1:{server.server_port}"
    server.app = create_app(replace(settings, public_url=public_url), database)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield public_url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()
