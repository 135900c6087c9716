"""Data keys of a workspace: made once, counted, replaced; a lost one stops the start."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, func, literal_column, select, update

from connector.connections import keys, vault
from connector.connections.keys import check_keys, open_document, rewrap, rows_per_kek
from connector.connections.vault import Keyring, KeysUnusable, Place, SealBroken
from connector.db import Database
from connector.settings import Settings
from connector.tables import data_key, metadata
from tests.connections.conftest import House, new_workspace

OLD = Keyring(active=1, keys={1: bytes(range(32))})
BOTH = Keyring(active=2, keys={1: bytes(range(32)), 2: bytes(range(32, 64))})
NEW = Keyring(active=2, keys={2: bytes(range(32, 64))})
ROW = UUID(int=7)


@pytest.fixture
def workspace_id(database: Database) -> int:
    return new_workspace(database, "acme")


def place(workspace_id: int, row_id: UUID = ROW) -> Place:
    return Place(workspace_id, "credential", row_id, "sealed")


def sealed(connection: Connection, workspace_id: int, ring: Keyring = OLD) -> bytes:
    return keys.seal_document(
        connection, ring, place=place(workspace_id), document={"token": "canary"}
    )


def opened(connection: Connection, workspace_id: int, blob: bytes, ring: Keyring = OLD) -> Any:
    return open_document(connection, ring, place=place(workspace_id), sealed=blob)


def states(connection: Connection) -> list[tuple[str, int]]:
    rows = connection.execute(select(data_key.c.state, data_key.c.seals).order_by(data_key.c.id))
    return [(row.state, row.seals) for row in rows]


def test_the_first_seal_makes_the_workspaces_key_and_seals_are_counted(
    database: Database, workspace_id: int
) -> None:
    with database.begin(workspace_id) as connection:
        sealed(connection, workspace_id)
        blob = sealed(connection, workspace_id)
        assert opened(connection, workspace_id, blob) == {"token": "canary"}
        assert states(connection) == [("active", 2)]


def test_two_first_seals_at_once_share_one_key(database: Database, workspace_id: int) -> None:
    gate = threading.Barrier(2)

    def work(_: int) -> bytes:
        with database.begin(workspace_id) as connection:
            gate.wait(10)
            return sealed(connection, workspace_id)

    with ThreadPoolExecutor(2) as pool:
        blobs = list(pool.map(work, range(2)))
    with database.begin(workspace_id) as connection:
        assert [opened(connection, workspace_id, blob) for blob in blobs] == [
            {"token": "canary"}
        ] * 2
        assert states(connection) == [("active", 2)]


def test_a_key_that_sealed_enough_is_replaced_and_still_opens(
    database: Database, workspace_id: int
) -> None:
    with database.begin(workspace_id) as connection:
        old = sealed(connection, workspace_id)
        connection.execute(update(data_key).values(seals=vault.ROTATE_AFTER_SEALS))
        new = sealed(connection, workspace_id)
        assert vault.data_key_id_of(old) != vault.data_key_id_of(new)
        assert opened(connection, workspace_id, old) == {"token": "canary"}
        assert [state for state, _ in states(connection)] == ["retired", "active"]


def test_every_workspace_has_a_key_of_its_own(database: Database, workspace_id: int) -> None:
    other_id = new_workspace(database, "charlie")
    with database.begin(workspace_id) as connection:
        blob = sealed(connection, workspace_id)
    with database.begin(other_id) as connection:
        sealed(connection, other_id)
        with pytest.raises(SealBroken):
            opened(connection, other_id, blob)


def test_rewrapping_changes_the_wrapping_and_no_sealed_row(
    database: Database, workspace_id: int
) -> None:
    with database.begin(workspace_id) as connection:
        blob = sealed(connection, workspace_id)
        assert rewrap(connection, BOTH, workspace_id) == 1
        assert rewrap(connection, BOTH, workspace_id) == 0
        assert rows_per_kek(connection, workspace_id) == {2: 1}
        assert opened(connection, workspace_id, blob, NEW) == {"token": "canary"}


def test_a_start_with_every_key_is_allowed(database: Database, workspace_id: int) -> None:
    with database.begin(workspace_id) as connection:
        sealed(connection, workspace_id)
    check_keys(database, BOTH, [workspace_id])


@pytest.mark.parametrize(
    "ring", [NEW, Keyring(active=1, keys={1: bytes(32)})], ids=["missing", "wrong"]
)
def test_a_start_without_the_right_key_is_refused_and_changes_nothing(
    database: Database, workspace_id: int, ring: Keyring
) -> None:
    with database.begin(workspace_id) as connection:
        blob = sealed(connection, workspace_id)
    with pytest.raises(KeysUnusable, match="key-encryption key 1 is missing or wrong"):
        check_keys(database, ring, [workspace_id])
    with database.begin(workspace_id) as connection:
        assert opened(connection, workspace_id, blob) == {"token": "canary"}


def test_a_sealed_row_put_into_another_row_does_not_open(
    database: Database, workspace_id: int
) -> None:
    with database.begin(workspace_id) as connection:
        blob = sealed(connection, workspace_id)
        with pytest.raises(SealBroken):
            open_document(connection, OLD, place=place(workspace_id, uuid4()), sealed=blob)


def test_no_secret_lies_open_anywhere_in_the_database(house: House, settings: Settings) -> None:
    house.connected()
    told = [told for _, told in house.crm.told]
    canaries = {told[0]["client_secret"], told[0]["code_verifier"]}
    families = house.crm.server._families
    canaries |= {one.refresh_token for one in families} | set(house.crm.server._access)
    names = {table.name for table in metadata.sorted_tables} - {"workspace"}
    # Under row-level security the owner sees no row of a workspace, nor the web's role what is
    # closed to it.
    with psycopg.connect(str(settings.database_owner_url)) as owner:
        unread = owner.execute(
            "SELECT name FROM unnest(%s::text[]) AS name"
            " WHERE NOT has_table_privilege('answerback_app', name, 'SELECT')",
            [sorted(names)],
        ).fetchall()
        closed = {name for (name,) in unread}
        dump = "".join(
            str(owner.execute(f"SELECT jsonb_agg({name}) FROM {name}").fetchone())  # noqa: S608 - names of ours
            for name in closed
        )
    assert "sign_in_hold" in closed
    with house.desk.database.begin(house.workspace_id) as connection:
        dump += "".join(
            str(
                connection.execute(
                    select(func.jsonb_agg(literal_column(f'"{table.name}"'))).select_from(table)
                ).scalar()
            )
            for table in metadata.sorted_tables
            if table.name in names - closed
        )
    assert "connection.connected" in dump
    assert not [one for one in canaries if one in dump or one.encode().hex() in dump]
