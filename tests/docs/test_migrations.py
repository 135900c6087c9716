"""The migrations make exactly the tables that the code describes."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from connector.db import sqlalchemy_url
from connector.engines import Postgres
from connector.migrating import alembic_config, upgrade
from connector.tables import metadata

ROOT = Path(__file__).resolve().parents[2]


def test_the_migrations_match_the_tables(migrated: Postgres) -> None:
    engine = create_engine(sqlalchemy_url(migrated.owner_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_an_upgrade_of_an_upgraded_database_does_nothing(migrated: Postgres) -> None:
    upgrade(migrated.owner_url)


def test_the_history_is_one_line(migrated: Postgres) -> None:
    history = ScriptDirectory.from_config(alembic_config(migrated.owner_url))
    assert len(history.get_heads()) == 1
    assert len(history.get_bases()) == 1


@pytest.mark.parametrize(
    "path", sorted((ROOT / "migrations" / "versions").glob("*.py")), ids=lambda path: path.name
)
def test_a_migration_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith('"""')
