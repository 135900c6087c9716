"""The release step: migrates, judges the role, sees to the keys; a repeat changes nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from connector.connections.vault import KeysUnusable
from connector.engines import Postgres, make_database
from connector.release import NotReady, release
from connector.settings import Environment, Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(settings: Settings, postgres: Postgres) -> Settings:
    """The settings on a database without any table, and without a key file."""
    name = "unmigrated"
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        make_database(admin, name)
    return replace(
        settings,
        database_url=postgres.url_for("answerback_app", name),
        database_owner_url=postgres.url_for("answerback_owner", name),
        keks=None,
        keks_file=settings.data_dir / "keks",
    )


def tables(settings: Settings) -> int:
    assert settings.database_url
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert row
    count: int = row[0]
    return count


def test_an_empty_database_gets_tables_and_a_private_key_file(empty: Settings) -> None:
    release(empty)
    assert tables(empty) > 10
    assert empty.keks_file
    assert empty.keks_file.stat().st_mode & 0o777 == 0o600


def test_a_repeat_changes_nothing(empty: Settings) -> None:
    release(empty)
    assert empty.keks_file
    before = (tables(empty), empty.keks_file.read_bytes())
    release(empty)
    assert (tables(empty), empty.keks_file.read_bytes()) == before


def test_production_makes_no_key_file(empty: Settings) -> None:
    with pytest.raises(KeysUnusable):
        release(replace(empty, environment=Environment.PRODUCTION))
    assert empty.keks_file
    assert not empty.keks_file.exists()


def test_production_refuses_a_role_that_row_level_security_does_not_bind(
    settings: Settings, migrated: Postgres
) -> None:
    assert settings.database_url
    superuser = settings.database_url.replace("answerback_app@", "postgres@")
    unsafe = replace(settings, database_url=superuser, environment=Environment.PRODUCTION)
    with pytest.raises(NotReady, match="superuser"):
        release(unsafe)


def test_the_owners_role_is_refused_in_production_too(settings: Settings) -> None:
    unsafe = replace(
        settings, database_url=settings.database_owner_url, environment=Environment.PRODUCTION
    )
    with pytest.raises(NotReady, match="owns tables"):
        release(unsafe)


def test_elsewhere_an_unsafe_role_is_a_warning(settings: Settings) -> None:
    release(replace(settings, database_url=settings.database_owner_url))


def test_without_the_owners_role_it_says_which_variable_to_set(settings: Settings) -> None:
    with pytest.raises(NotReady, match="DATABASE_OWNER_URL"):
        release(replace(settings, database_owner_url=None))


def test_the_procfiles_command_ends_with_one_line_where_it_cannot(
    child_environ: dict[str, str],
) -> None:
    environ = {**child_environ, "ANSWERBACK_KEKS": "1:too-short"}
    done = subprocess.run(
        [sys.executable, "-m", "connector.release"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("release: ")
    assert "too-short" not in done.stderr
