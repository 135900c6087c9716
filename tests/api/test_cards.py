"""The card inside a CRM asks as the vendor's servers would: only a genuine request is answered, and
once, and only with what its own account may see.
"""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import insert, text

from connector import audit, clock
from connector.app import create_app
from connector.connections import closing, connect
from connector.db import Database, DatabaseAway
from connector.responses import card as story
from connector.settings import Settings
from connector.tables import link
from schemas.secret import Secret
from tests.world import SETTINGS, World, answered, founded

SECRET = "the-client-secret-of-the-hubspot-app"
EMPTY: dict[str, Any] = {
    "contact": None,
    "score": None,
    "score_class": None,
    "direction": None,
    "trend": [],
    "comment": None,
    "link": None,
}
ACCOUNTS = {"hubspot": "4711", "zendesk": "acme.zendesk.com"}


@dataclass
class Joined:
    """A workspace with a connected CRM that has a card, and one contact with three answers."""

    world: World
    client: FlaskClient
    app: str
    connection_id: int
    path: str
    secret: str

    def call(self, method: str, body: Any = None) -> Any:
        address = f"/api/v1/connections/{self.connection_id}/card"
        headers = {"Authorization": f"Bearer {self.world.key}"}
        return self.client.open(address, method=method, json=body, headers=headers)

    def ask(self, contact: str = "501", **changes: Any) -> Any:
        """As HubSpot's or Zendesk's servers ask."""
        return ASK[self.app](self, contact, **changes)

    def audited(self) -> list[str]:
        with self.world.database.begin(self.world.workspace_id) as store:
            assert audit.broken_at(store, self.world.workspace_id) is None
        return [one.action for one in self.world.rows("SELECT action FROM audit ORDER BY seq")]


def ask_hubspot(card: Joined, contact: str, **changes: Any) -> Any:
    stamp = str(int(clock.now().timestamp() * 1000) + changes.get("off_ms", 0))
    query = changes.get("query", f"portalId={changes.get('account', ACCOUNTS['hubspot'])}")
    query += f"&userId=9&userEmail={quote('søren@example.test')}&appId=77"
    path = changes.get("path", card.path)
    url = f"{card.world.hub.settings.public_url}{path}?{query}"
    body = changes.get("body", json.dumps({"contact": contact})).encode()
    signed = b"POST" + changes.get("signs", lambda told: told)(url).encode() + body + stamp.encode()
    made = hmac.digest(changes.get("secret", card.secret).encode(), signed, "sha256")
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(made).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
        "Content-Type": "application/json",
    }
    return card.client.post(f"{path}?{query}", data=changes.get("sent", body), headers=headers)


def ask_zendesk(card: Joined, contact: str, **changes: Any) -> Any:
    now_s = int(clock.now().timestamp()) + changes.get("off_ms", 0) // 1000
    claims = {
        "iss": changes.get("account", "acme.zendesk.com").partition(".")[0],
        "jti": changes.get("jti") or str(uuid.uuid4()),
        "exp": now_s + 120,
        "contact": contact,
        **({"iat": now_s} if changes.get("iat", True) else {}),
        **changes.get("claims", {}),
    }
    told = {name: value for name, value in claims.items() if value is not None}
    key = OctKey.import_key(changes.get("secret", card.secret))
    token = changes.get("token") or jwt.encode({"alg": "HS256"}, told, key)
    headers = {"Authorization": f"Bearer {token}"}
    return card.client.post(changes.get("path", card.path), headers=headers)


ASK: dict[str, Callable[..., Any]] = {"hubspot": ask_hubspot, "zendesk": ask_zendesk}


@pytest.fixture
def client(settings: Settings, database: Database) -> FlaskClient:
    made = create_app(settings, database)
    made.testing = False
    return made.test_client()


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded(settings, database)


def carded(
    world: World, client: FlaskClient, app: str, *, name: str = "main", **wanted: Any
) -> Joined:
    made = connect.create(
        world.hub.desk, world.workspace_id, app=app, name=name, auth="oauth", base_url=None,
        settings=SETTINGS[app], key=Secret(""), actor="test",
    )  # fmt: skip
    world.rows(
        "UPDATE connection SET state = 'connected', remote_account_id = :account WHERE id = :id"
        " RETURNING id",
        account=ACCOUNTS[app],
        id=made.id,
    )
    card = Joined(world, client, app, made.id, "", SECRET)
    told = card.call("PUT", {**({"secret": SECRET} if app == "hubspot" else {}), **wanted})
    assert told.status_code == 200, told.text
    card.path = "/cards/" + told.json["url"].partition("/cards/")[2]
    card.secret = told.json["secret"] or SECRET
    return card


def answers(
    card: Joined, *items: Any, remote_id: str = "501", email: str = "c1@example.test"
) -> None:
    """Responses of one contact, planned, whose record in the CRM we have linked."""
    card.world.push(*items)
    card.world.plan()
    entity = {"hubspot": "contacts", "zendesk": "users"}[card.app]
    with card.world.database.begin(card.world.workspace_id) as store:
        asked = text("SELECT id FROM contact WHERE email_key = :email")
        number = store.execute(asked, {"email": email}).scalar_one()
        row = {"workspace_id": card.world.workspace_id, "connection_id": card.connection_id}
        store.execute(
            insert(link).values(
                row | {"contact_id": number, "entity": entity, "remote_id": remote_id}
            )
        )


THREE = (
    answered(1, email="c1@example.test", score=7, at="2026-11-20T01:00:00Z", why="Late."),
    answered(2, email="c1@example.test", score=9, at="2026-11-22T01:00:00Z", why="",
             meta={"link": "https://forms.example/r2"}),
    answered(3, email="c1@example.test", score=3, at="2026-11-21T01:00:00Z", why="<b>No</b> 😀"),
)  # fmt: skip


@pytest.fixture(params=["hubspot", "zendesk"])
def card(request: pytest.FixtureRequest, world: World, client: FlaskClient) -> Joined:
    made = carded(world, client, request.param, comments=True)
    answers(made, *THREE)
    return made


def test_a_card_shows_the_newest_score_the_trend_and_the_last_comment(card: Joined) -> None:
    told = card.ask()
    assert told.status_code == 200, told.text
    assert (told.json["score"], told.json["score_class"], told.json["direction"]) == (
        9, "promoter", "up",
    )  # fmt: skip
    assert [one["score"] for one in told.json["trend"]] == [7, 3, 9]
    assert told.json["trend"][0]["campaign"] == "Møde"
    assert told.json["comment"]["text"] == "<b>No</b> 😀"
    assert told.json["link"] == "https://forms.example/r2"
    assert told.headers["Cache-Control"] == "no-store"


def test_no_comment_leaves_where_the_card_is_not_to_show_them(card: Joined) -> None:
    card.call("PUT", {"link": "https://hub.example/people/{contact}"})
    told = card.ask().json
    assert told["comment"] is None
    assert told["link"] == f"https://hub.example/people/{told['contact']}"


def test_an_unknown_record_and_one_without_answers_look_the_same(card: Joined) -> None:
    card.world.rows(
        "UPDATE response SET contact_id = NULL WHERE response_id IN ('r1', 'r2', 'r3') RETURNING 1"
    )
    assert card.ask("501").json == EMPTY
    assert card.ask("999").json == EMPTY
    assert card.ask("501' OR 1=1 --").json == EMPTY


def test_what_was_taken_back_or_broken_off_is_not_shown(card: Joined) -> None:
    partial = answered(4, email="c1@example.test", score=0, at="2026-11-23T01:00:00Z")
    card.world.push({**THREE[1], "event": "deleted", "revision": 2}, partial | {"event": "partial"})
    card.world.plan()
    assert [one["score"] for one in card.ask().json["trend"]] == [7, 3]


def test_whatever_is_not_genuine_is_refused_and_counted(card: Joined) -> None:
    told = card.ask(secret="another-secret-that-is-long-enough")
    assert (told.status_code, told.json["code"]) == (401, "signature_invalid")
    assert card.audited()[-1] == "card.signature_invalid"
    assert card.ask(account="4712").json | {"instance": ""} == told.json | {"instance": ""}
    assert card.ask(off_ms=-3_800_000).json | {"instance": ""} == told.json | {"instance": ""}


def test_a_request_is_answered_once(card: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    same = {"jti": "0123456789abcdef"}
    assert card.ask(**same).status_code == 200
    assert card.ask(**same).status_code == 401
    assert card.audited()[-1] == "card.replayed"
    monkeypatch.undo()
    assert card.ask().status_code == 200


def test_a_request_that_failed_because_of_us_may_come_again(
    card: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    with monkeypatch.context() as broken:
        broken.setattr(story, "shown", away)
        assert card.ask(jti="0123456789abcdef").status_code == 503
    assert card.ask(jti="0123456789abcdef").status_code == 200


def away(*_: Any, **__: Any) -> story.Shown:
    message = "the database does not answer"
    raise DatabaseAway(message)


def test_another_workspace_s_card_does_not_see_the_contact(
    card: Joined, settings: Settings, database: Database
) -> None:
    """Both are connected to the same account and ask for the same record."""
    other = carded(founded(settings, database, "other"), card.client, card.app)
    told = other.ask()
    assert (told.status_code, told.json) == (200, EMPTY)
    # HubSpot signs for both with the one secret of its app, Zendesk with that of each card.
    wanted = EMPTY if card.app == "hubspot" else 401
    crossed = card.ask(path=other.path)
    assert (crossed.json if crossed.status_code == 200 else crossed.status_code) == wanted
    assert card.ask().json["score"] == 9


def test_a_record_of_another_entity_or_connection_is_not_shown(card: Joined) -> None:
    """The same number means somebody else in each account."""
    sandbox = carded(card.world, card.client, card.app, name="sandbox")
    assert sandbox.ask().json == EMPTY
    answers(sandbox, answered(9, score=1), email="c9@example.test")
    assert (sandbox.ask().json["score"], card.ask().json["score"]) == (1, 9)
    card.world.rows("UPDATE link SET entity = 'companies' RETURNING 1")
    assert card.ask().json == EMPTY


def test_a_new_secret_counts_beside_the_one_before(card: Joined) -> None:
    new = {"secret": "renewed-client-secret"} if card.app == "hubspot" else {"renew": True}
    told = card.call("PUT", {**new, "comments": True}).json
    fresh = told["secret"] or "renewed-client-secret"
    assert card.path in told["url"]
    assert card.ask().status_code == card.ask(secret=fresh).status_code == 200
    card.call("PUT", {"secret": "a-third-secret"} if card.app == "hubspot" else {"renew": True})
    assert card.ask().status_code == 401
    assert card.ask(secret=fresh).status_code == 200


def test_neither_secret_nor_token_can_be_read_from_the_store(card: Joined) -> None:
    told = card.call("GET")
    assert told.json["secret"] is None
    stored = card.world.rows("SELECT row_to_json(card)::text AS row FROM card")[0].row
    assert card.secret not in stored
    assert card.path.rsplit("/", 1)[1] not in stored


def test_nothing_is_shown_once_it_is_disconnected_or_removed(card: Joined) -> None:
    assert card.ask(path=card.path[:-1] + "x").status_code == 404
    other = "zendesk" if card.app == "hubspot" else "hubspot"
    assert card.ask(path=card.path.replace(card.app, other)).status_code == 404
    closing.disconnect(
        card.world.hub.desk, card.world.workspace_id, card.connection_id, actor="test"
    )
    assert card.ask().status_code == 404
    assert card.call("GET").status_code == 404
    made = card.call("PUT", {"secret": SECRET} if card.app == "hubspot" else {}).json
    fresh = {"path": "/cards/" + made["url"].partition("/cards/")[2]}
    assert card.ask(**fresh, secret=made["secret"] or SECRET).status_code == 404


def test_a_removed_card_answers_as_one_that_never_was(card: Joined) -> None:
    assert card.call("DELETE").status_code == 204
    assert card.ask().status_code == 404
    assert card.call("DELETE").status_code == 404
    assert "card.removed" in card.audited()


def test_a_card_asks_no_more_than_its_share(
    world: World, settings: Settings, database: Database
) -> None:
    tight = create_app(replace(settings, api_limits={"card": 2}), database).test_client()
    one = carded(world, tight, "zendesk")
    assert [one.ask().status_code for _ in range(3)] == [200, 200, 429]


# --- HubSpot --------------------------------------------------------------------------------------


@pytest.fixture
def hubspot(world: World, client: FlaskClient) -> Joined:
    made = carded(world, client, "hubspot")
    answers(made, THREE[0])
    return made


def test_a_signed_question_that_is_none_names_what_is_wrong(hubspot: Joined) -> None:
    told = hubspot.ask(body='{"contact": 5}')
    assert (told.status_code, told.json["errors"][0]["pointer"]) == (422, "/contact")
    told = hubspot.ask(body="")
    assert (told.status_code, told.json["code"]) == (400, "json_invalid")
    assert hubspot.ask(body="[]").status_code == 422
    assert hubspot.ask(body=" " * 5_000).status_code == 413


def test_a_card_refuses_everything_until_its_secret_is_entered(
    world: World, client: FlaskClient
) -> None:
    card = carded(world, client, "hubspot", secret="")
    assert card.call("GET").json["secret_set"] is False
    assert card.ask().status_code == 401
    assert card.ask(secret="").status_code == 401
    card.call("PUT", {"secret": SECRET})
    assert card.ask().status_code == 200


def test_hubspot_s_secret_is_entered_and_zendesk_s_is_made(hubspot: Joined, world: World) -> None:
    assert hubspot.call("PUT", {"renew": True}).json["errors"][0]["pointer"] == "/renew"
    zendesk = carded(world, hubspot.client, "zendesk", name="desk")
    told = zendesk.call("PUT", {"secret": "of-my-own-choosing"})
    assert (told.status_code, told.json["errors"][0]["pointer"]) == (422, "/secret")
    assert zendesk.call("PUT", {"link": "javascript:alert(1)"}).status_code == 422


# --- Zendesk --------------------------------------------------------------------------------------


@pytest.fixture
def zendesk(world: World, client: FlaskClient) -> Joined:
    made = carded(world, client, "zendesk")
    answers(made, THREE[0])
    return made


def test_a_token_for_no_contact_names_what_is_missing(zendesk: Joined) -> None:
    told = zendesk.ask(claims={"contact": None})
    assert (told.status_code, told.json["errors"][0]["pointer"]) == (422, "/contact")
