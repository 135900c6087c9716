"""Sees to the key-encryption keys at start: made for an empty database, proved for any other."""

from contextlib import suppress

from sqlalchemy import select, text

from connector.connections import vault
from connector.connections.keys import check_keys, keyring_of
from connector.connections.vault import KeysUnusable
from connector.db import Database
from connector.settings import Environment, Settings
from connector.tables import data_key


def prepare(settings: Settings, database: Database) -> bool:
    """Make sure that everything sealed can be opened; True when a key file was made for it.

    Outside production a missing key file is made as long as nothing is sealed. Raises KeysUnusable
    saying which key is missing or wrong: refuse to start. Nothing sealed is ever changed. May be
    called by several processes at once.
    """
    workspace_ids = _workspaces(database)
    is_made = _is_missing(settings) and _make(settings, database, workspace_ids)
    check_keys(database, keyring_of(settings), workspace_ids)
    return is_made


def _is_missing(settings: Settings) -> bool:
    return settings.keks_file is not None and not settings.keks_file.exists()


def _make(settings: Settings, database: Database, workspace_ids: list[int]) -> bool:
    path = settings.keks_file
    if path is None or settings.environment is Environment.PRODUCTION:
        return False
    if any(_has_sealed(database, workspace_id) for workspace_id in workspace_ids):
        message = (
            "the key file is missing, and the database holds secrets sealed under it: put it back, "
            "or begin anew with an empty database"
        )
        raise KeysUnusable(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process was first: its key is ours
        vault.write_keyring(path)
        return True
    return False


def _has_sealed(database: Database, workspace_id: int) -> bool:
    with database.begin(workspace_id) as connection:
        return connection.execute(select(data_key.c.id).limit(1)).first() is not None


def _workspaces(database: Database) -> list[int]:
    with database.across() as connection:
        rows = connection.execute(text("SELECT id FROM ab_workspaces()"))
        return [int(one) for one in rows.scalars()]
