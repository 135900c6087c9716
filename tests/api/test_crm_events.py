"""HubSpot tells of merged and deleted records: only what an app's own secret has signed moves the
links of the workspaces that have this app, and each message once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from connector import audit, clock
from connector.app import create_app
from connector.connections import connect, oauth_clients
from connector.connections import events as story
from connector.db import Database, DatabaseAway
from connector.settings import OAuthClient, Settings
from connector.tables import link
from schemas.secret import Secret
from simulators.hubspot.service import HubSpot
from simulators.hubspot.webhooks import signed
from tests.world import World, answered, founded

PORTAL = "14200142"
SECRET = "operators-secret"
OPERATOR = OAuthClient("the-app", Secret(SECRET))
PATH = "/events/hubspot/the-app"


@pytest.fixture
def settings_here(settings: Settings) -> Settings:
    return replace(settings, oauth_clients={"hubspot": OPERATOR})


@pytest.fixture
def client(settings_here: Settings, database: Database) -> FlaskClient:
    made = create_app(settings_here, database)
    made.testing = False
    return made.test_client()


@pytest.fixture
def world(settings_here: Settings, database: Database) -> World:
    return with_portal(founded(settings_here, database))


@pytest.fixture
def portal() -> HubSpot:
    return HubSpot(options={})


def with_portal(world: World, account: str = PORTAL) -> World:
    made = connect.create(
        world.hub.desk, world.workspace_id, app="hubspot", name=f"hubspot-{account}", auth="oauth",
        base_url=None, settings={}, key=Secret(""), actor="test",
    )  # fmt: skip
    world.rows(
        "UPDATE connection SET state = 'connected', remote_account_id = :account WHERE id = :id"
        " RETURNING id",
        account=account,
        id=made.id,
    )
    return world


def linked(world: World, number: int, remote_id: str, account: str = PORTAL) -> None:
    """A contact of ours whose record there we know."""
    world.push(answered(number))
    world.plan()
    with world.database.begin(world.workspace_id) as store:
        asked = text("SELECT id FROM contact ORDER BY id DESC LIMIT 1")
        named = text("SELECT id FROM connection WHERE remote_account_id = :account")
        store.execute(
            insert(link).values(
                workspace_id=world.workspace_id,
                connection_id=store.execute(named, {"account": account}).scalar_one(),
                contact_id=store.execute(asked).scalar_one(),
                entity="contacts",
                remote_id=remote_id,
            )
        )


def links(world: World) -> list[str]:
    return [one.remote_id for one in world.rows("SELECT remote_id FROM link ORDER BY contact_id")]


def audited(world: World) -> list[Mapping[str, Any]]:
    with world.database.begin(world.workspace_id) as store:
        assert audit.broken_at(store, world.workspace_id) is None
    asked = "SELECT detail FROM audit WHERE action = 'links.told' ORDER BY seq"
    return [one.detail for one in world.rows(asked)]


def address(world: World, path: str = PATH) -> str:
    return f"{world.hub.settings.public_url}{path}"


def event(what: str, **told: Any) -> dict[str, Any]:
    return {"subscriptionType": what, "portalId": int(PORTAL), **told}


def tell(
    client: FlaskClient, world: World, message: Any, *, path: str = PATH,
    secret: str = SECRET, off_s: float = 0.0, signs: str | None = None,
) -> Any:  # fmt: skip
    """As HubSpot's servers send it."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    at = clock.now().timestamp() + off_s
    headers = signed(signs or address(world, path), body, secret, at)
    return client.post(path, data=body, headers=headers)


@pytest.mark.parametrize("form", ["ids", "newer", "bare"])
def test_links_follow_a_merge_and_end_with_a_deletion_however_it_is_told(
    world: World, client: FlaskClient, portal: HubSpot, form: str
) -> None:
    portal.options["merge_told"] = form
    people = [{"email": f"c{one}@example.test"} for one in range(1, 5)]
    ids = portal.seed({"contacts": people})["contacts"]
    for number, one in enumerate(ids, start=1):
        linked(world, number, one)
    portal.seed({"merge": [[ids[0], ids[1]]], "delete": [ids[2]], "erase": [ids[3]]})

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return client.post(PATH, data=body, headers=dict(headers)).status_code

    assert portal.send(post, url=address(world), secret=SECRET) == [200]
    assert portal.untold == []
    merged = form != "bare"
    # A merge that names only the survivor tells nothing: the next delivery finds it out.
    assert links(world) == [ids[0], ids[0] if merged else ids[1]]
    (told,) = audited(world)
    assert told == {**({"merged": 1} if merged else {}), "deleted": 1, "erased": 1}


def test_a_hundred_events_are_one_message_and_those_of_no_use_are_taken_too(
    world: World, client: FlaskClient
) -> None:
    linked(world, 1, "501")
    many = [event("contact.propertyChange", objectId=501, propertyName="email")] * 98
    odd = [event("deal.deletion", objectId=501), event("contact.deletion", objectId=None)]
    told = tell(client, world, [*many, *odd])
    assert (told.status_code, told.json) == (200, {"events": 1, "links": 0})
    assert tell(client, world, many * 2).status_code == 422
    assert (links(world), audited(world)) == (["501"], [])


def test_what_came_before_counts_once_and_a_message_that_failed_may_come_again(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    linked(world, 1, "501")
    gone = [event("contact.deletion", objectId=501)]

    def away(*_: Any) -> int:
        message = "the database does not answer"
        raise DatabaseAway(message)

    with monkeypatch.context() as patch:
        patch.setattr(story, "heard", away)
        assert tell(client, world, gone).status_code == 503
    assert tell(client, world, gone).json == {"events": 1, "links": 1}
    again = tell(client, world, gone)
    assert (again.status_code, again.json["code"]) == (401, "signature_invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another-secret"},
        {"off_s": -301.0},
        {"off_s": 301.0},
        {"signs": "https://elsewhere.example/events/hubspot/the-app"},
        {"path": "/events/hubspot/another-app"},
    ],
    ids=str,
)
def test_whatever_is_not_signed_moves_nothing(
    world: World, client: FlaskClient, wrong: dict[str, Any]
) -> None:
    linked(world, 1, "501")
    told = tell(client, world, [event("contact.deletion", objectId=501)], **wrong)
    assert (told.status_code, told.json["code"]) == (401, "signature_invalid")
    assert links(world) == ["501"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[[]]", b'{"portalId": 1}', b"\xff"])
def test_what_is_no_list_of_events_is_refused(
    world: World, client: FlaskClient, body: bytes
) -> None:
    assert tell(client, world, body).status_code in {400, 422}


def test_an_app_that_tells_nothing_has_no_such_address(world: World, client: FlaskClient) -> None:
    for app in ("zendesk", "brevo", "nobody"):
        assert tell(client, world, [], path=f"/events/{app}/the-app").status_code == 404


def test_another_portal_and_another_workspace_keep_their_links(
    world: World, client: FlaskClient, settings_here: Settings, database: Database
) -> None:
    with_portal(world, "4712")
    linked(world, 1, "501", "4712")
    linked(world, 2, "501")
    stranger = with_portal(founded(settings_here, database, slug="stranger"))
    linked(stranger, 1, "501")
    # The stranger has an app of their own, which happens to be called the same.
    oauth_clients.save_client(
        stranger.hub.desk, stranger.workspace_id, app="hubspot", client_id="the-app",
        client_secret="strangers-secret", actor="test",
    )  # fmt: skip
    gone = [event("contact.deletion", objectId=501)]
    assert tell(client, world, gone).json == {"events": 1, "links": 1}
    assert (links(world), links(stranger)) == (["501"], ["501"])
    told = tell(client, world, gone, secret="strangers-secret")
    assert told.json == {"events": 1, "links": 1}
    assert (links(world), links(stranger)) == (["501"], [])


def test_the_operators_app_speaks_to_every_workspace_that_has_none_of_its_own(
    world: World, client: FlaskClient, settings_here: Settings, database: Database
) -> None:
    other = with_portal(founded(settings_here, database, slug="other"))
    linked(world, 1, "501")
    linked(other, 1, "501")
    message = [event("contact.merge", primaryObjectId=500, mergedObjectIds=[501], newObjectId=502)]
    assert tell(client, world, message).json["links"] == 2
    assert (links(world), links(other)) == (["502"], ["502"])
    unknown = [{**message[0], "portalId": 999}]
    assert tell(client, world, unknown).json["links"] == 0
