"""Real servers, one for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.db import Database
from connector.settings import Settings
from tests.live.odoo_server import CannotRun, Server, serving
from tests.live.relay import Relay
from tests.world import World, founded


@pytest.fixture(scope="session")
def odoo() -> Iterator[Server]:
    """A real Odoo 11. Where this machine cannot run it, the run fails and says what is missing."""
    try:
        with serving() as server:
            yield server
    except CannotRun as exc:
        pytest.fail(str(exc), pytrace=False)


@pytest.fixture
def relay(odoo: Server) -> Relay:
    return Relay(odoo)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    """A workspace without connections."""
    return founded(settings, database)
