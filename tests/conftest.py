"""What every test may ask for: engines of its own, a clean database, settings that point there.

    postgres, valkey   one of each per test process, in a temporary folder; a test may kill them
    settings           the test environment on a fresh, migrated database and an empty Valkey
    database           connector.db.Database on it, as the app's role
    child_environ      the variables with which a process of ours finds the same database and Valkey

Sockets reach loopback and unix only, warnings are errors, a test may take 120 s (pyproject.toml).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
import structlog

from connector import failpoints
from connector.db import Database
from connector.engines import (
    Postgres,
    Valkey,
    engine_environ,
    remove_sockets,
    start_postgres,
    start_valkey,
)
from connector.migrating import upgrade
from connector.settings import Settings, load_settings, process_environ
from tests.databases import Databases

# What Hypothesis makes up is the same in every run, as it is anyway where CI is set: what fails
# there fails here. `./run test --hypothesis-profile=default TEST` makes up other things.
hypothesis.settings.register_profile(
    "same",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("same")

# The soak and the demo take minutes: begun last, the other process would have nothing to do.
FIRST_FOLDERS = {Path(__file__).parent / name for name in ("prove", "demo")}
KEKS = "1:" + base64.b64encode(bytes(range(32))).decode()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; all else in the order of the files."""
    items.sort(key=lambda item: not FIRST_FOLDERS.intersection(item.path.parents))


@pytest.fixture(scope="session")
def engines_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data_dir = tmp_path_factory.mktemp("engines")
    yield data_dir
    remove_sockets(data_dir)


@pytest.fixture(scope="session")
def postgres(engines_dir: Path) -> Iterator[Postgres]:
    running = start_postgres(engines_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def valkey(engines_dir: Path) -> Iterator[Valkey]:
    running = start_valkey(engines_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Postgres:
    """The cluster with all migrations in the database that each test's own is copied from."""
    upgrade(postgres.owner_url)
    return postgres


@pytest.fixture(scope="session")
def databases(migrated: Postgres) -> Iterator[Databases]:
    made = Databases(migrated)
    yield made
    made.close()


@pytest.fixture
def fresh_database(databases: Databases) -> Iterator[str]:
    """The name of an empty, migrated database that this test has for itself."""
    name = databases.take()
    yield name
    databases.give_back(name)


@pytest.fixture
def empty_valkey(valkey: Valkey) -> Valkey:
    if not valkey.answers():
        valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey


@pytest.fixture
def settings(
    migrated: Postgres, fresh_database: str, empty_valkey: Valkey, tmp_path: Path
) -> Settings:
    return settings_on(migrated, fresh_database, empty_valkey, tmp_path)


def settings_on(postgres: Postgres, database: str, valkey: Valkey, data_dir: Path) -> Settings:
    """The test environment on this database."""
    return load_settings(
        {
            "ANSWERBACK_ENV": "test",
            "DATABASE_URL": postgres.url_for("answerback_app", database),
            "DATABASE_OWNER_URL": postgres.url_for("answerback_owner", database),
            "REDIS_URL": valkey.url,
            "ANSWERBACK_KEKS": KEKS,
            "ANSWERBACK_DATA_DIR": str(data_dir),
            "ANSWERBACK_ALLOWED_HOSTS": "127.0.0.1,localhost",
        }
    )


@pytest.fixture
def database(settings: Settings, databases: Databases) -> Iterator[Database]:
    with databases.opened(settings) as opened:
        yield opened


@pytest.fixture
def child_environ(settings: Settings) -> dict[str, str]:
    """Add what a process needs on top (ANSWERBACK_FAILPOINTS and such) and start it with this."""
    return {
        **process_environ(),
        **engine_environ(settings),
        "ANSWERBACK_KEKS": KEKS,
        "ANSWERBACK_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }


@pytest.fixture(autouse=True)
def no_failpoint_survives() -> Iterator[None]:
    yield
    failpoints.configure_text("")


@pytest.fixture(autouse=True)
def no_log_stays_configured() -> Iterator[None]:
    """A later test would look for its lines where this one has sent them."""
    root = logging.getLogger()
    level = root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        ours = structlog.stdlib.ProcessorFormatter
        root.handlers = [one for one in root.handlers if not isinstance(one.formatter, ours)]
        root.setLevel(level)
