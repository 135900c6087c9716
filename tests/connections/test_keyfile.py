"""At start: a key is made for an empty database, and a lost one stops the start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from connector.connections import keyfile, keys, vault
from connector.connections.vault import KeysUnusable
from connector.db import Database
from connector.settings import Environment, Settings
from tests.connections.conftest import new_workspace
from tests.connections.test_keys import sealed


@pytest.fixture
def by_file(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, keks=None, keks_file=tmp_path / "new" / "keks")


def test_an_empty_database_gets_a_key_file(by_file: Settings, database: Database) -> None:
    assert keyfile.prepare(by_file, database)
    assert not keyfile.prepare(by_file, database)
    assert keys.keyring_of(by_file).active == 1


def test_a_lost_key_file_stops_the_start_and_is_not_replaced(
    by_file: Settings, database: Database
) -> None:
    workspace_id = new_workspace(database, "acme")
    keyfile.prepare(by_file, database)
    with database.begin(workspace_id) as connection:
        sealed(connection, workspace_id, keys.keyring_of(by_file))
    assert by_file.keks_file is not None
    by_file.keks_file.unlink()
    with pytest.raises(KeysUnusable, match="put it back"):
        keyfile.prepare(by_file, database)
    assert not by_file.keks_file.exists()


def test_another_key_file_stops_the_start(by_file: Settings, database: Database) -> None:
    workspace_id = new_workspace(database, "acme")
    keyfile.prepare(by_file, database)
    with database.begin(workspace_id) as connection:
        sealed(connection, workspace_id, keys.keyring_of(by_file))
    assert by_file.keks_file is not None
    by_file.keks_file.unlink()
    vault.write_keyring(by_file.keks_file)
    with pytest.raises(KeysUnusable, match="missing or wrong"):
        keyfile.prepare(by_file, database)


def test_production_makes_no_key_file(by_file: Settings, database: Database) -> None:
    production = replace(by_file, environment=Environment.PRODUCTION)
    with pytest.raises(KeysUnusable):
        keyfile.prepare(production, database)
    assert production.keks_file is not None
    assert not production.keks_file.exists()


def test_two_processes_that_start_at_once_agree_on_one_key(
    by_file: Settings, database: Database
) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: keyfile.prepare(by_file, database), range(4)))
    assert sum(made) == 1
