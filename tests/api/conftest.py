"""Alice owns a workspace, Bob edits in it, Charlie owns another one; each has keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from connector import workspaces
from connector.access import Role
from connector.api import context
from connector.app import create_app, open_hub
from connector.cli import main
from connector.db import Database
from connector.engines import Postgres, Valkey, engine_environ
from connector.settings import Settings
from tests.conftest import KEKS, settings_on


@dataclass(frozen=True)
class Caller:
    """Somebody with a key, and how they call the API. Answers are Any: their JSON is indexed."""

    client: FlaskClient
    workspace_id: int
    key: str

    @property
    def public_id(self) -> str:
        """The part of the key that is no secret."""
        return self.key.split("_")[2][:8]

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        address = path if path.startswith(("/api/", "/hooks/", "/oauth/")) else f"/api/v1{path}"
        return self.client.open(address, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, **({"json": body} if body is not None else {}), **options)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self.call("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)


@pytest.fixture(scope="session")
def routes(unused: Settings) -> Flask:
    """The app whose routes all tests here share: to put them together takes longer than most
    tests. Nothing of it is any one test's but the hub.
    """
    made = create_app(unused, Database(unused))
    made.testing = False  # exceptions become answers here, as they do in the web process
    return made


@pytest.fixture(scope="session")
def unused(migrated: Postgres, valkey: Valkey, engines_dir: Path) -> Settings:
    """Settings on a database that nobody asks."""
    return settings_on(migrated, "unused", valkey, engines_dir)


@pytest.fixture
def app(routes: Flask, settings: Settings, database: Database) -> Flask:
    context.install(routes, open_hub(settings, database))
    return routes


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def alice(client: FlaskClient, database: Database) -> Caller:
    """The owner of a workspace, with a key that has every scope."""
    return founded(client, database, "alice")


@pytest.fixture
def charlie(client: FlaskClient, database: Database) -> Caller:
    """The owner of another workspace."""
    return founded(client, database, "charlie")


@pytest.fixture
def bob(client: FlaskClient, database: Database, alice: Caller) -> Caller:
    """An editor in Alice's workspace."""
    return with_key(client, database, alice.workspace_id, role=Role.EDITOR)


def founded(client: FlaskClient, database: Database, slug: str) -> Caller:
    made = workspaces.found(
        database, slug=slug, name=slug.title(), owner_email=f"{slug}@example.test", country="DK"
    )
    return Caller(client, made.workspace_id, made.key.secret.reveal())


def with_key(
    client: FlaskClient,
    database: Database,
    workspace_id: int,
    *,
    role: Role,
    scopes: tuple[str, ...] = workspaces.EVERY_SCOPE,
) -> Caller:
    with database.begin(workspace_id) as connection:
        key = workspaces.add_key(connection, workspace_id, name="key", role=role, scopes=scopes)[1]
    return Caller(client, workspace_id, key.secret.reveal())


@pytest.fixture
def answerback(settings, database, monkeypatch):
    """Runs a command as a shell of this machine would; its JSON where it gives some."""
    for name, value in {**engine_environ(settings), "ANSWERBACK_KEKS": KEKS}.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> Any:
        result: Result = CliRunner().invoke(main, ["--json", *map(str, words)])
        assert result.exit_code == code, result.output
        return json.loads(result.output) if code == 0 else result.output

    return run
