"""Finds and makes the data keys of a workspace, and seals JSON documents with them.

Everything happens inside the caller's transaction. Sealing locks the workspace's active data key
row until the commit (its seals are counted), so whoever also locks the row that will hold the
sealed value locks that one first.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.connections import vault
from connector.connections.vault import DataKey, Keyring, Place, SealBroken
from connector.db import Database
from connector.settings import Settings
from connector.tables import data_key


def keyring_of(settings: Settings) -> Keyring:
    """The key-encryption keys of this process. Raises KeysUnusable: then refuse to start."""
    if settings.keks is not None:
        return vault.parse_keyring(settings.keks.reveal())
    if settings.keks_file is None:
        message = "no key-encryption keys: set ANSWERBACK_KEKS_FILE"
        raise vault.KeysUnusable(message)
    return vault.read_keyring(settings.keks_file)


def seal_document(
    connection: Connection, keyring: Keyring, *, place: Place, document: Mapping[str, Any]
) -> bytes:
    """The JSON document sealed for its place by the workspace's active data key."""
    plaintext = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    return vault.seal(_active(connection, keyring, place.workspace_id), place, plaintext=plaintext)


def open_document(
    connection: Connection, keyring: Keyring, *, place: Place, sealed: bytes
) -> dict[str, Any]:
    """The document again. Raises SealBroken: park the connection (crypto), keep the ciphertext."""
    key = _by_id(connection, keyring, place.workspace_id, data_key_id=vault.data_key_id_of(sealed))
    document: dict[str, Any] = json.loads(vault.open_sealed(key, place, sealed=sealed))
    return document


def subkey(connection: Connection, keyring: Keyring, workspace_id: int, *, purpose: bytes) -> bytes:
    """A key of the workspace's own for something that is signed and not stored: always the same,
    since the first of its data keys is kept for as long as the workspace is.
    """
    found = known_subkey(connection, keyring, workspace_id, purpose=purpose)
    if found is None:
        _make(connection, keyring, workspace_id)
        found = known_subkey(connection, keyring, workspace_id, purpose=purpose)
    assert found is not None  # noqa: S101 - it has just been made, by us or by another
    return found


def known_subkey(
    connection: Connection, keyring: Keyring, workspace_id: int, *, purpose: bytes
) -> bytes | None:
    """The same; None where the workspace has no key yet, or is none."""
    first = (
        select(data_key.c.id)
        .where(data_key.c.workspace_id == workspace_id)
        .order_by(data_key.c.id)
        .limit(1)
    )
    number = connection.execute(first).scalar_one_or_none()
    if number is None:
        return None
    key = _by_id(connection, keyring, workspace_id, data_key_id=number)
    return hmac.digest(key.key, purpose, "sha256")


def rewrap(connection: Connection, keyring: Keyring, workspace_id: int) -> int:
    """Wrap the workspace's data keys by the active key-encryption key; how many were changed.

    A repeat changes nothing. The sealed rows stay as they are.
    """
    rows = connection.execute(
        select(data_key.c.id, data_key.c.wrapped).where(
            data_key.c.workspace_id == workspace_id, data_key.c.kek_id != keyring.active
        )
    ).all()
    for row in rows:
        key = vault.unwrap_key(keyring, row.wrapped, workspace_id=workspace_id, data_key_id=row.id)
        _store_wrapped(connection, keyring, workspace_id, key=key)
    return len(rows)


def rows_per_kek(connection: Connection, workspace_id: int) -> dict[int, int]:
    """How many data keys of the workspace hang on each key-encryption key: 0 means removable."""
    counted = select(data_key.c.kek_id, func.count()).where(data_key.c.workspace_id == workspace_id)
    rows = connection.execute(counted.group_by(data_key.c.kek_id)).all()
    return {row[0]: row[1] for row in rows}


def check_keys(database: Database, keyring: Keyring, workspace_ids: Iterable[int]) -> None:
    """Open every data key once. Raises KeysUnusable naming the missing or wrong key: do not start.

    Nothing is changed, so with the right key back everything opens again.
    """
    for workspace_id in workspace_ids:
        with database.begin(workspace_id) as connection:
            _check_workspace(connection, keyring, workspace_id)


def _check_workspace(connection: Connection, keyring: Keyring, workspace_id: int) -> None:
    rows = connection.execute(
        select(data_key.c.id, data_key.c.kek_id).where(data_key.c.workspace_id == workspace_id)
    ).all()
    for row in rows:
        try:
            _by_id(connection, keyring, workspace_id, data_key_id=row.id)
        except SealBroken as exc:
            message = (
                f"key-encryption key {row.kek_id} is missing or wrong: workspace {workspace_id} "
                "has secrets sealed under it; put the key back"
            )
            raise vault.KeysUnusable(message) from exc


def _active(connection: Connection, keyring: Keyring, workspace_id: int) -> DataKey:
    """The workspace's active data key, made or replaced when it is time; counts one seal."""
    counted = (
        update(data_key)
        .where(data_key.c.workspace_id == workspace_id, data_key.c.state == "active")
        .values(seals=data_key.c.seals + 1)
        .returning(data_key.c.id, data_key.c.wrapped, data_key.c.seals)
    )
    row = connection.execute(counted).one_or_none()
    if row is not None and row.seals > vault.ROTATE_AFTER_SEALS:
        connection.execute(update(data_key).where(data_key.c.id == row.id).values(state="retired"))
        row = None
    if row is None:
        _make(connection, keyring, workspace_id)
        row = connection.execute(counted).one()
    return vault.unwrap_key(keyring, row.wrapped, workspace_id=workspace_id, data_key_id=row.id)


def _make(connection: Connection, keyring: Keyring, workspace_id: int) -> None:
    """Add an active data key unless another transaction has just done so.

    The key is wrapped for its id, and the id comes with the insert: hence insert, then update.
    """
    added = connection.execute(
        upsert(data_key)
        .values(workspace_id=workspace_id, kek_id=keyring.active, wrapped=b"")
        .on_conflict_do_nothing()
        .returning(data_key.c.id)
    ).scalar_one_or_none()
    if added is not None:
        key = DataKey(id=added, key=vault.new_key())
        _store_wrapped(connection, keyring, workspace_id, key=key)


def _store_wrapped(
    connection: Connection, keyring: Keyring, workspace_id: int, *, key: DataKey
) -> None:
    wrapped = vault.wrap_key(keyring, key, workspace_id=workspace_id)
    connection.execute(
        update(data_key)
        .where(data_key.c.workspace_id == workspace_id, data_key.c.id == key.id)
        .values(wrapped=wrapped, kek_id=keyring.active)
    )


def _by_id(
    connection: Connection, keyring: Keyring, workspace_id: int, *, data_key_id: int
) -> DataKey:
    wrapped = connection.execute(
        select(data_key.c.wrapped).where(
            data_key.c.workspace_id == workspace_id, data_key.c.id == data_key_id
        )
    ).scalar_one_or_none()
    if wrapped is None:
        message = f"data key {data_key_id} is not among the workspace's keys"
        raise SealBroken(message)
    return vault.unwrap_key(keyring, wrapped, workspace_id=workspace_id, data_key_id=data_key_id)
