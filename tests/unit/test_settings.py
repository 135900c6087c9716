"""Settings: read in one place, refused with every problem at once, shown without their secrets."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from connector.settings import (
    Environment,
    OAuthClient,
    Settings,
    SettingsError,
    is_loopback,
    load_settings,
)
from schemas.secret import Secret

PRODUCTION = {
    "DATABASE_URL": "postgresql://answerback_app@db/answerback",
    "REDIS_URL": "rediss://broker",
    "PUBLIC_URL": "https://answers.example.com",
    "ANSWERBACK_KEKS_FILE": "/run/secrets/keks",
}


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return refused.value.problems


def test_nothing_set_is_the_demo_on_embedded_engines() -> None:
    settings = load_settings({})
    assert settings.environment is Environment.DEMO
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.keks_file == settings.data_dir / "keks"


def test_a_named_database_means_production_unless_said_otherwise() -> None:
    assert load_settings(PRODUCTION).environment is Environment.PRODUCTION
    assert load_settings(PRODUCTION | {"ANSWERBACK_ENV": "test"}).environment is Environment.TEST


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({"DATABASE_URL": "", "PORT": ""}).port == 8080


def test_the_data_folder_is_the_checkouts_from_any_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = load_settings({}).data_dir
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).data_dir == before


def test_the_old_scheme_of_a_database_url_is_understood() -> None:
    settings = load_settings(PRODUCTION | {"DATABASE_URL": "postgres://app@db/answerback"})
    assert settings.database_url == "postgresql://app@db/answerback"


def test_lists_and_tables_are_read() -> None:
    settings = load_settings(
        {
            "ANSWERBACK_ALLOWED_HOSTS": "127.0.0.1:9000, CRM.example.com",
            "ANSWERBACK_LINGER_S": "hubspot=1.5,zendesk=0",
        }
    )
    assert settings.allowed_hosts == {"127.0.0.1:9000", "crm.example.com"}
    assert dict(settings.linger_s) == {"hubspot": 1.5, "zendesk": 0.0}


def test_an_oauth_client_is_read_for_whatever_app_is_named() -> None:
    settings = load_settings(
        {"ANSWERBACK_ACME_CLIENT_ID": "id-1", "ANSWERBACK_ACME_CLIENT_SECRET": "canary-7"}
    )
    assert settings.oauth_clients == {"acme": OAuthClient("id-1", Secret("canary-7"))}
    assert "canary-7" not in repr(settings)


def test_half_an_oauth_client_is_refused() -> None:
    refused = problems({"ANSWERBACK_ACME_CLIENT_SECRET": "canary-7"})
    assert refused == (
        "ANSWERBACK_ACME_CLIENT_ID and ANSWERBACK_ACME_CLIENT_SECRET: set both or neither",
    )


def test_a_url_with_a_password_is_not_in_the_repr() -> None:
    settings = load_settings(
        PRODUCTION
        | {
            "DATABASE_URL": "postgresql://app:canary-1@db/x",
            "DATABASE_OWNER_URL": "postgresql://owner:canary-2@db/x",
            "REDIS_URL": "redis://:canary-3@broker",
        }
    )
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "canary"),
        ("ANSWERBACK_LEASE_S", "canary"),
        ("ANSWERBACK_ENV", "canary"),
        ("ANSWERBACK_LINGER_S", "canary"),
        ("ANSWERBACK_LINGER_S", "hubspot=canary"),
        ("ANSWERBACK_LOG_LEVEL", "canary"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_value(name: str, value: str) -> None:
    (problem,) = problems({name: value})
    assert problem.startswith(name)
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANSWERBACK_LEASE_S", "20"),
        ("ANSWERBACK_SWEEP_S", "0"),
        ("ANSWERBACK_SWEEP_S", "nan"),
        ("ANSWERBACK_RATE_SHARE", "1.5"),
        ("ANSWERBACK_RATE_SHARE", "0"),
        ("PORT", "70000"),
        ("ANSWERBACK_POOL_SIZE", "0"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_name(name: str, value: str) -> None:
    assert [p.split(":")[0] for p in problems({name: value})] == [name]


def test_production_says_everything_that_is_missing_at_once() -> None:
    refused = problems({"ANSWERBACK_ENV": "production"})
    assert [p.split(":")[0] for p in refused] == [
        "DATABASE_URL",
        "REDIS_URL",
        "ANSWERBACK_KEKS_FILE",
        "PUBLIC_URL",
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:80", "::1"])
def test_production_refuses_loopback_among_the_allowed_hosts(host: str) -> None:
    (problem,) = problems(PRODUCTION | {"ANSWERBACK_ALLOWED_HOSTS": f"crm.example.com,{host}"})
    assert host in problem
    assert "crm.example.com" not in problem


def test_the_demo_may_allow_loopback() -> None:
    assert load_settings({"ANSWERBACK_ALLOWED_HOSTS": "127.0.0.1"}).allowed_hosts == {"127.0.0.1"}


def test_a_name_that_only_begins_like_loopback_is_another_host() -> None:
    assert not is_loopback("localhost.example.com")
    assert not is_loopback("crm.example.com:443")


@pytest.mark.parametrize("environment", ["demo", "production"])
def test_failpoints_outside_the_test_environment_stop_the_start(environment: str) -> None:
    environ = PRODUCTION | {"ANSWERBACK_ENV": environment, "ANSWERBACK_FAILPOINTS": "pop=kill"}
    assert [p.split(":")[0] for p in problems(environ)] == ["ANSWERBACK_FAILPOINTS"]


def test_two_sources_of_keys_are_refused() -> None:
    assert "set one of the two" in problems(PRODUCTION | {"ANSWERBACK_KEKS": "1:canary"})[0]


def test_an_owner_without_the_apps_role_is_refused() -> None:
    (problem,) = problems({"DATABASE_OWNER_URL": "postgresql://owner@db/x"})
    assert problem.startswith("DATABASE_OWNER_URL")


def test_settings_cannot_be_changed_after_the_start() -> None:
    with pytest.raises(AttributeError):
        load_settings({}).port = 1  # type: ignore[misc]


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("canary")
    assert f"{secret} {secret!r} {secret:>5}" == "*** ***   ***"
    with pytest.raises(TypeError):
        json.dumps({"token": secret})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_a_secret_equals_only_a_secret_of_the_same_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_every_setting_has_a_value_in_the_demo() -> None:
    optional = {
        "apps_dir",
        "database_url",
        "database_owner_url",
        "redis_url",
        "runtime_dir",
        "keks",
        "metrics_token",
        "mail",
        "oidc",
    }
    settings = load_settings({})
    missing = {n for n in Settings.__dataclass_fields__ if getattr(settings, n) is None}
    assert missing == optional
