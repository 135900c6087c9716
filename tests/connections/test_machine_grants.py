"""Connections that sign in by themselves: by a signed assertion, or by the client's credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapters.errors import ReconnectNeeded
from adapters.registry import traits_of
from connector.connections import closing, connect, machine, oauth, tokens
from connector.connections.views import View
from connector.db import Database
from connector.problems import Refusal
from connector.settings import Settings
from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.world import World, founded

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
USER = "integration@answerback.example"
# A simulator is reached at 127.0.0.1: whom its assertions are for must be said.
AUDIENCE = "https://login.salesforce.com"
OWN = "https://acme.my.salesforce.com"
BY_KEY = {
    "grant": "jwt_bearer",
    "username": USER,
    "private_key": PEM,
    "jwt_audience": AUDIENCE,
}
BY_CLIENT = {"grant": "client_credentials"}


@pytest.fixture
def url() -> Iterator[str]:
    with running(Salesforce(options={"jwt_public_key": PUBLIC})) as base_url:
        yield base_url


@pytest.fixture
def here(settings: Settings, database: Database) -> World:
    return founded(settings, database)


def control(url: str, what: str, told: Mapping[str, Any]) -> Any:
    return requests.post(f"{url}/__sim__/{what}", json=told, timeout=5).json()


def made(here: World, url: str | None, told: Mapping[str, Any], name: str = "main") -> View:
    return connect.create(
        here.hub.desk,
        here.workspace_id,
        app="salesforce",
        name=name,
        auth="oauth",
        base_url=url,
        settings=told,
        actor="test",
    )


@pytest.mark.parametrize("told", [BY_KEY, BY_CLIENT], ids=["key", "client"])
def test_a_connection_that_signs_in_is_connected_when_it_is_made(
    here: World, url: str, told: Mapping[str, str]
) -> None:
    view = made(here, url, told)
    assert view.state == "connected"
    assert view.remote_account_name == "Answerback demo org"


@pytest.mark.parametrize("told", [BY_KEY, BY_CLIENT], ids=["key", "client"])
def test_a_refused_token_is_replaced_by_asking_in_the_same_way_again(
    here: World, url: str, told: Mapping[str, str]
) -> None:
    view = made(here, url, told)
    first = tokens.access_token(here.hub.desk, here.workspace_id, view.id)
    control(url, "oauth", {"expire": True})
    again = tokens.access_token(
        here.hub.desk, here.workspace_id, view.id, seen_version=first.version
    )
    assert again.version > first.version
    assert again.value.reveal() != first.value.reveal()
    assert connect.probe(here.hub.desk, here.workspace_id, view.id, actor="test").identity


def test_the_private_key_is_sealed_never_shown_and_not_given_to_the_adapter(
    here: World, url: str
) -> None:
    view = made(here, url, BY_KEY)
    reached = tokens.reach(here.hub.desk, here.workspace_id, view.id)
    body = PEM.splitlines()[1]
    assert "private_key" not in reached.account.settings
    assert body not in f"{view} {reached}"
    (stored,) = here.rows("SELECT settings::text AS plain FROM connection")
    assert body not in stored.plain


def test_an_org_that_refuses_the_assertion_needs_a_person(here: World, url: str) -> None:
    view = made(here, url, {**BY_KEY, "username": "somebody@else.example"})
    assert (view.state, view.reason_code) == ("needs_attention", "invalid_grant")


def test_whom_an_assertion_is_for_can_be_said(here: World, url: str) -> None:
    """Whether an org takes its own address is unverified: both must work."""
    control(url, "options", {"jwt_audiences": [OWN]})
    assert made(here, url, BY_KEY).state != "connected"
    assert made(here, url, {**BY_KEY, "jwt_audience": OWN}, "own").state == "connected"


def test_nobody_is_sent_to_a_consent_page(here: World, url: str) -> None:
    view = made(here, url, BY_KEY)
    with pytest.raises(Refusal) as raised:
        oauth.authorize(here.hub.desk, here.workspace_id, view.id)
    assert raised.value.places[0].code == "signs_in_by_itself"


def test_after_a_disconnect_no_token_is_asked_for(here: World, url: str) -> None:
    view = made(here, url, BY_KEY)
    closing.disconnect(here.hub.desk, here.workspace_id, view.id, actor="test")
    with pytest.raises(ReconnectNeeded):
        tokens.access_token(here.hub.desk, here.workspace_id, view.id)
    with pytest.raises(Refusal):
        connect.probe(here.hub.desk, here.workspace_id, view.id, actor="test")


@pytest.mark.parametrize(
    ("address", "told", "pointer"),
    [
        (None, BY_CLIENT, "/base_url"),
        ("https://test.salesforce.com", BY_CLIENT, "/base_url"),
        (None, {"grant": "jwt_bearer", "username": USER}, "/settings/private_key"),
        (None, {"grant": "jwt_bearer", "private_key": PEM}, "/settings/username"),
        (None, {**BY_KEY, "private_key": "no key"}, "/settings/private_key"),
        (None, {"grant": "password"}, "/settings/grant"),
    ],
)
def test_what_is_missing_is_named_when_it_is_saved(
    here: World, address: str | None, told: Mapping[str, Any], pointer: str
) -> None:
    with pytest.raises(Refusal) as raised:
        made(here, address, told)
    assert pointer in {one.pointer for one in raised.value.places}


@pytest.mark.parametrize(
    "address", ["https://acme.lightning.force.com", "https://acme.my.salesforce.com.evil.example"]
)
def test_an_address_that_is_not_the_orgs_is_refused(here: World, address: str) -> None:
    with pytest.raises(Refusal) as raised:
        made(here, address, BY_KEY)
    assert raised.value.code.value == "host_refused"


@pytest.mark.parametrize(
    ("origin", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://crm.example", "https://crm.example"),
    ],
)
def test_production_and_sandboxes_have_their_own_audience(origin: str, audience: str) -> None:
    salesforce = traits_of("salesforce").oauth
    assert salesforce is not None
    assert machine.audience_of(salesforce, origin) == audience


def test_a_key_that_is_none_says_so() -> None:
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    with pytest.raises(ReconnectNeeded) as raised:
        machine.signed({"iss": "x"}, broken)
    assert raised.value.code == "private_key_unreadable"
