"""What a test did to its database connections does not reach the next test (tests/databases.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from connector.engines import Postgres, Valkey
from connector.settings import Settings
from tests.conftest import settings_on
from tests.databases import Databases


@pytest.fixture
def own(migrated: Postgres) -> Iterator[Databases]:
    """Databases of this test's own, so that it sees the first and the second use of one."""
    made = Databases(migrated)
    yield made
    made.close()


@pytest.fixture
def there(own: Databases, valkey: Valkey, engines_dir: Path) -> Settings:
    return settings_on(own.postgres, own.take(), valkey, engines_dir)


def name_of(settings: Settings) -> str:
    return str(settings.database_url).split("/")[3].split("?")[0]


ASKED = """
SELECT pg_backend_pid() AS pid, current_setting('work_mem') AS memory,
       to_regclass('pg_temp.left_over') IS NULL AS is_tidy,
       (SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%left_over%') AS prepared,
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
           AND pid = pg_backend_pid()) AS held
"""


def prepared_by_now(store: Connection) -> None:
    """By psycopg, which prepares what it has run five times."""
    for _ in range(8):
        store.execute(text("SELECT 1 AS left_over"))


def test_a_connection_is_handed_on_with_nothing_of_its_session(
    own: Databases, there: Settings
) -> None:
    with own.opened(there) as one, one.across() as store:
        before = store.execute(text(ASKED)).one()
        store.execute(text("SET SESSION work_mem = '1MB'"))
        store.execute(text("CREATE TEMPORARY TABLE left_over (id int)"))
        store.execute(text("SELECT pg_advisory_lock(1)"))
        prepared_by_now(store)
    own.give_back(name_of(there))
    assert (own.take(), own.made) == (name_of(there), 1)
    with own.opened(there) as two, two.across() as store:
        assert tuple(store.execute(text(ASKED)).one()) == (before.pid, before.memory, True, 0, 0)


def test_statements_are_prepared_anew_each_time(own: Databases, there: Settings) -> None:
    """Where psycopg believed in one that the server has forgotten, the next use would fail."""
    with own.opened(there) as one, one.across() as store:
        store.execute(text("SELECT 1"))
    for _ in range(2):
        with own.opened(there) as one, one.across() as store:
            prepared_by_now(store)
            assert store.execute(text(ASKED)).one().prepared == 1


def test_what_listened_to_the_statements_of_one_hears_nothing_of_the_next(
    own: Databases, there: Settings
) -> None:
    heard: list[str] = []
    with own.opened(there) as one, one.across() as store:
        event.listen(one.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        store.execute(text("SELECT 1"))
    with own.opened(there) as two, two.across() as store:
        store.execute(text("SELECT 2"))
    assert heard == ["SELECT 1"]


def test_a_database_with_a_connection_in_use_is_not_handed_on(
    own: Databases, there: Settings
) -> None:
    with own.opened(there) as one:
        in_use = one.engine.connect()
    own.give_back(name_of(there))
    in_use.invalidate()
    in_use.close()
    assert own.take() != name_of(there)


def test_connections_that_the_server_ended_are_not_handed_on(
    own: Databases, there: Settings
) -> None:
    with own.opened(there) as one, one.across() as store:
        store.execute(text("SELECT 1"))
    own.postgres.restart_immediate()
    own.give_back(name_of(there))
    with own.opened(there) as two, two.across() as store:
        assert store.execute(text("SELECT 1")).scalar_one() == 1
