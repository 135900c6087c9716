"""Metrics are the operator's, bounded, and hold nothing personal."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector.api.metrics import KINDS
from connector.app import create_app
from connector.db import Database
from connector.settings import Environment, Settings
from schemas.secret import Secret
from tests.api.conftest import Caller

TOKEN = "t0ken-for-metrics"
LINE = re.compile(r'[a-z_]+\{([a-z]+="[^"\\\n]*",?)+\} -?[0-9.e+]+\Z')


def asked(settings: Settings, database: Database, **options: Any) -> Any:
    return create_app(settings, database).test_client().get("/metrics", **options)


@pytest.fixture
def filled(alice: Caller, database: Database) -> None:
    """A connection with a day, a pace and somebody's deliveries."""
    with database.begin(alice.workspace_id) as store:
        store.execute(
            text(
                "INSERT INTO connection (workspace_id, app, name, auth, state, remote_account_id)"
                " VALUES (:w, 'salesforce', 'secret name', 'oauth', 'connected', '00D1')"
            ),
            {"w": alice.workspace_id},
        )
        store.execute(
            text(
                "INSERT INTO account_usage (workspace_id, account, kind, allowed, remaining,"
                " window_s, source, seen_at) VALUES (:w, 'salesforce:00D1', 'daily', 1000, 300,"
                " 86400, 'header', now())"
            ),
            {"w": alice.workspace_id},
        )
        store.execute(
            text(
                "INSERT INTO connection_pace (workspace_id, connection_id, recent_calls,"
                " recent_rows, recent_s, calls, rows) SELECT :w, id, 1, 2, 3, 41, 82"
                " FROM connection WHERE workspace_id = :w"
            ),
            {"w": alice.workspace_id},
        )


@pytest.mark.usefixtures("filled")
def test_the_metrics_tell_what_waits_and_what_is_left(
    settings: Settings, database: Database
) -> None:
    answer = asked(settings, database)
    assert answer.status_code == 200
    told = answer.text
    assert "answerback_quota_remaining{" in told
    assert 'kind="daily"} 300' in told
    assert "answerback_crm_calls_total{" in told
    assert "# TYPE answerback_crm_calls_total counter" in told
    figures = [line for line in told.splitlines() if not line.startswith("#")]
    assert figures
    assert [line for line in figures if not LINE.match(line)] == []
    assert "secret name" not in told


def test_with_a_token_only_the_token_opens_them(settings: Settings, database: Database) -> None:
    guarded = replace(settings, metrics_token=Secret(TOKEN))
    assert asked(guarded, database).status_code == 401
    wrong = {"Authorization": "Bearer other"}
    assert asked(guarded, database, headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert asked(guarded, database, headers=right).status_code == 200


def test_without_a_token_only_this_machine_sees_them(
    settings: Settings, database: Database
) -> None:
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert asked(settings, database, environ_base=far).status_code == 404
    through_a_proxy = {"X-Forwarded-For": "192.0.2.7"}
    assert asked(settings, database, headers=through_a_proxy).status_code == 404


def test_production_shows_none_without_a_token(settings: Settings, database: Database) -> None:
    production = replace(settings, environment=Environment.PRODUCTION)
    assert asked(production, database).status_code == 404


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operators.md").read_text("utf-8")
    assert [name for name, *_ in KINDS.values() if f"`{name}`" not in page] == []
