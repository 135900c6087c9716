"""What an admin does with connections: make, change, prove, pause, end. Secrets never come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import select, text

from adapters.errors import ReconnectNeeded
from adapters.values import Account, Identity
from connector.connections import closing, connect, oauth_clients, tokens
from connector.connections.connect import Changes
from connector.connections.establish import Answered
from connector.connections.hosts import AllowedHosts
from connector.connections.views import SecretState, view, views
from connector.problems import Refusal
from connector.tables import credential
from schemas.secret import Secret
from tests.connections.conftest import ALICE, House, states_of
from tests.connections.fake_crm import KEY, with_oauth

Waiting = Callable[..., list[int]]
ADAPTER = "tests.connections.fake_crm.FakeCRM.traits"


def refused(house: House, **form: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        house.new(**form)
    return caught.value


def changed(house: House, connection_id: int, **changes: Any) -> None:
    connect.change(
        house.desk, house.workspace_id, connection_id, changes=Changes(**changes), actor=ALICE
    )


def shown(house: House, connection_id: int) -> Any:
    return view(house.desk, house.workspace_id, connection_id)


def with_key(house: House, name: str = "keyed", **more: Any) -> int:
    return house.new(name, auth="key", key=Secret(KEY), **more)


def test_a_new_oauth_connection_waits_to_be_authorized(house: House) -> None:
    assert shown(house, house.new()).state == "new"


def test_a_connection_with_a_key_is_proved_at_once(house: House) -> None:
    seen = shown(house, with_key(house))
    assert (seen.state, seen.remote_account_id) == ("connected", "org-1")


def test_a_wrong_key_leaves_a_connection_that_says_why(house: House) -> None:
    seen = shown(house, house.new(auth="key", key=Secret("wrong")))
    assert (seen.state, seen.reason_code) == ("needs_attention", "key_refused")
    assert "valid one" in seen.reason


def test_a_key_that_could_not_be_proved_says_so_and_can_be_probed_again(house: House) -> None:
    house.crm.faults.order({"method": "GET", "path": "/me", "action": {"status": 500}})
    connection_id = with_key(house)
    assert shown(house, connection_id).reason_code == "crm_unavailable"
    connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert shown(house, connection_id).state == "connected"


def test_the_key_is_never_shown_only_that_it_is_set(house: House) -> None:
    seen = shown(house, with_key(house))
    assert seen.secrets["key"].set
    assert seen.secrets["key"].updated_at is not None
    assert KEY not in repr(asdict(seen))


def test_a_secret_setting_is_sealed_and_never_shown(house: House) -> None:
    connection_id = house.new(settings={"subdomain": "acme", "pin": "pin-canary"})
    seen = shown(house, connection_id)
    with house.desk.database.begin(house.workspace_id) as connection:
        stored = connection.execute(text("SELECT settings::text FROM connection")).scalar_one()
    assert seen.secrets["pin"].set
    assert "pin-canary" not in repr(asdict(seen)) + stored


def test_the_adapter_gets_the_secret_setting(house: House) -> None:
    connection_id = with_key(house, settings={"subdomain": "acme", "pin": "1234"})
    account = tokens.reach(house.desk, house.workspace_id, connection_id).account
    assert account.settings == {"subdomain": "acme", "pin": "1234"}


def test_an_empty_secret_field_keeps_the_secret(house: House) -> None:
    connection_id = with_key(house, settings={"subdomain": "acme", "pin": "1234"})
    changed(house, connection_id, name="renamed", settings={"pin": ""}, key=Secret(""))
    account = tokens.reach(house.desk, house.workspace_id, connection_id).account
    assert account.settings["pin"] == "1234"
    assert account.token == KEY


def test_an_unset_secret_says_that_it_is_not_set(house: House) -> None:
    assert shown(house, house.new()).secrets["pin"] == SecretState(set=False, updated_at=None)


@pytest.mark.parametrize(
    ("form", "pointer", "code"),
    [
        ({"name": "  "}, "/name", "required"),
        ({"name": "x" * 121}, "/name", "invalid"),
        ({"name": "a\nb"}, "/name", "invalid"),
        ({"auth": "magic"}, "/auth", "not_offered"),
        ({"auth": "key"}, "/key", "required"),
        ({"auth": "key", "key": Secret("a\nb")}, "/key", "invalid"),
        ({"auth": "key", "key": Secret("x" * 5000)}, "/key", "invalid"),
        ({"key": Secret("x")}, "/key", "invalid"),
        ({"settings": {}}, "/settings/subdomain", "required"),
        ({"settings": {"subdomain": "a.evil.test/"}}, "/settings/subdomain", "invalid"),
        ({"settings": {"subdomain": 7}}, "/settings/subdomain", "invalid"),
        ({"settings": {"subdomain": "a", "x/y": 1}}, "/settings/x~1y", "unknown"),
        ({"settings": {"subdomain": "a", "entities": "x"}}, "/settings/entities", "invalid"),
        ({"settings": {"subdomain": "a", "entities": ["a b"]}}, "/settings/entities", "invalid"),
    ],
)
def test_a_form_is_refused_at_its_faulty_place(
    house: House, form: dict[str, Any], pointer: str, code: str
) -> None:
    refusal = refused(house, **form)
    assert refusal.code == "setting_invalid"
    assert (refusal.places[0].pointer, refusal.places[0].code) == (pointer, code)


def test_every_faulty_place_is_named_at_once(house: House) -> None:
    refusal = refused(house, name="", auth="magic", settings={})
    assert {place.pointer for place in refusal.places} == {"/name", "/auth", "/settings/subdomain"}


@pytest.mark.parametrize(
    "base_url", ["https://evil.example", "http://acme.fake.example", "https://10.0.0.1", "nonsense"]
)
def test_a_base_url_that_may_not_be_called_is_refused(house: House, base_url: str) -> None:
    refusal = refused(house, base_url=base_url)
    assert refusal.code == "host_refused"
    assert refusal.places[0].pointer == "/base_url"


def test_a_name_is_taken_once(house: House) -> None:
    house.new("same")
    assert refused(house, name="same").code == "name_taken"


def test_two_workspaces_may_use_one_name(house: House, stranger: House) -> None:
    house.new("same")
    assert stranger.new("same")


def test_an_unknown_app_is_refused(house: House) -> None:
    with pytest.raises(Refusal) as caught:
        connect.create(
            house.desk, house.workspace_id, app="nothing", name="x", auth="key", actor=ALICE
        )
    assert caught.value.code == "app_unknown"


@pytest.mark.parametrize("act", [view, closing.disconnect, closing.pause, connect.probe])
def test_a_stranger_finds_nothing_behind_our_ids(
    house: House, stranger: House, act: Callable[..., Any]
) -> None:
    connection_id = house.connected()
    actor = {} if act is view else {"actor": "key:charlie"}
    with pytest.raises(Refusal) as caught:
        act(house.desk, stranger.workspace_id, connection_id, **actor)
    assert caught.value.code == "not_found"


def test_a_moved_connection_does_not_take_its_secrets_along(house: House) -> None:
    connection_id = house.connected()
    changed(house, connection_id, base_url="https://acme.fake.example")
    seen = shown(house, connection_id)
    assert seen.state == "new"
    assert not seen.secrets["grant"].set
    with pytest.raises(ReconnectNeeded):
        tokens.access_token(house.desk, house.workspace_id, connection_id)


def test_a_key_must_come_with_a_move(house: House) -> None:
    connection_id = with_key(house)
    with pytest.raises(Refusal) as caught:
        changed(house, connection_id, base_url="https://acme.fake.example")
    assert caught.value.places[0].pointer == "/key"
    assert shown(house, connection_id).base_url == house.crm_url


def test_a_rename_leaves_the_grant_alone(house: House) -> None:
    connection_id = house.connected()
    before = tokens.access_token(house.desk, house.workspace_id, connection_id)
    changed(house, connection_id, name="renamed")
    assert tokens.access_token(house.desk, house.workspace_id, connection_id) == before
    assert shown(house, connection_id).state == "connected"


def test_fault_56_a_key_of_another_account_is_not_used(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = with_key(house)
    waiting_deliveries(connection_id, count=1)
    house.crm.options["account"] = "org-2"
    changed(house, connection_id, key=Secret(KEY))
    seen = shown(house, connection_id)
    assert (seen.state, seen.reason_code) == ("needs_attention", "other_account")
    assert states_of(house, connection_id) == [("parked", "auth")]


def test_a_probe_of_a_working_connection_tells_whose_it_is(house: House) -> None:
    connection_id = house.connected()
    done = connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert done.identity.account_name == "Account org-1"
    assert house.audited("connection.probed") == 1


def test_a_probe_refreshes_a_token_that_the_crm_refuses(house: House) -> None:
    connection_id = house.connected()
    house.crm.oauth_control({"expire": True})
    connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert house.refreshes() == 1


def test_a_probe_of_an_unconnected_connection_says_so(house: House) -> None:
    connection_id = house.new()
    with pytest.raises(Refusal) as caught:
        connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert caught.value.code == "not_connected"


def test_a_disconnect_during_a_probe_wins(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_id = house.connected()

    def probed_meanwhile(app: str, account: Account, **_: object) -> Answered:
        closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
        return Answered(Identity("org-1", "Account org-1"))

    monkeypatch.setattr(connect, "identify", probed_meanwhile)
    with pytest.raises(Refusal) as caught:
        connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert caught.value.code == "not_connected"
    assert shown(house, connection_id).state == "disconnected"


def test_an_address_that_the_operator_takes_away_stops_the_connection(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=1)
    strict = replace(house.desk, allowed=AllowedHosts())
    calls = len(house.crm.log.listing())
    with pytest.raises(ReconnectNeeded):
        tokens.reach(strict, house.workspace_id, connection_id)
    assert shown(house, connection_id).reason_code == "host_not_allowed"
    assert states_of(house, connection_id) == [("parked", "auth")]
    assert len(house.crm.log.listing()) == calls
    connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert states_of(house, connection_id) == [("pending", None)]


def test_a_pause_shows_and_ends(house: House) -> None:
    connection_id = house.connected()
    paused = closing.pause(house.desk, house.workspace_id, connection_id, actor=ALICE)
    again = closing.pause(house.desk, house.workspace_id, connection_id, actor=ALICE)
    ended = closing.unpause(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert (paused.state, again.paused_at) == ("paused", paused.paused_at)
    assert ended.state == "connected"
    assert house.audited("connection.paused") == 1


def test_a_disconnect_revokes_wipes_and_says_what_waits(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    token = tokens.access_token(house.desk, house.workspace_id, connection_id).value.reveal()
    ended = closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    with house.desk.database.begin(house.workspace_id) as connection:
        assert connection.execute(select(credential.c.sealed)).scalar_one() is None
    assert (ended.waiting, ended.revoked) == (3, True)
    assert house.crm.server.access(token) is None
    assert house.audited("connection.disconnected") == 1
    assert states_of(house, connection_id) == [("parked", "auth")] * 3


def test_a_disconnect_that_deletes_the_grant_with_its_own_bearer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ADAPTER, with_oauth(revoke_url="{base}/oauth/me", revoke_body="delete"))
    connection_id = house.connected()
    token = tokens.access_token(house.desk, house.workspace_id, connection_id).value.reveal()
    ended = closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert ended.revoked
    assert house.crm.server.access(token) is None


def test_a_disconnect_while_the_crm_is_away_still_wipes(house: House) -> None:
    connection_id = house.connected()
    house.crm.faults.order({"method": "POST", "path": "/oauth/revoke", "action": {"status": 500}})
    ended = closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert not ended.revoked
    assert not shown(house, connection_id).secrets["grant"].set


def test_a_second_disconnect_is_harmless(house: House) -> None:
    connection_id = house.connected()
    closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    again = closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert (again.waiting, again.revoked) == (0, False)


def test_a_reconnect_after_a_disconnect_resumes_what_waited(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert house.connect(connection_id).resumed == 3


def test_a_connection_is_removed_only_when_nothing_hangs_on_it(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=1)
    closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    with pytest.raises(Refusal) as caught:
        closing.remove(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert caught.value.extra["waiting"] == 1


def test_a_removed_connection_is_gone_and_its_name_is_free(house: House) -> None:
    connection_id = house.new("mine")
    closing.remove(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert views(house.desk, house.workspace_id) == ()
    assert house.new("mine")


def test_the_workspaces_own_client_goes_before_the_operators(house: House) -> None:
    house.crm.options["clients"] = {"own-client": {"secret": "own-secret"}}
    oauth_clients.save_client(
        house.desk,
        house.workspace_id,
        app="fake",
        client_id="own-client",
        client_secret="own-secret",
        actor=ALICE,
    )
    assert house.connected()


def test_a_clients_secret_is_sealed_kept_when_empty_and_never_shown(house: House) -> None:
    def save(secret: str) -> oauth_clients.ClientView:
        return oauth_clients.save_client(
            house.desk,
            house.workspace_id,
            app="fake",
            client_id="own-client",
            client_secret=secret,
            actor=ALICE,
        )

    save("client-canary")
    seen = save("")
    with house.desk.database.begin(house.workspace_id) as connection:
        client = oauth_clients.client_of(connection, house.desk, house.workspace_id, app="fake")
        dumped = connection.execute(text("SELECT c::text FROM oauth_client c")).scalar_one()
    assert client.client_secret.reveal() == "client-canary"
    assert seen.secret_set
    assert "client-canary" not in repr(seen) + dumped
    assert b"client-canary".hex() not in dumped


def test_a_removed_client_gives_way_to_the_operators(house: House) -> None:
    oauth_clients.save_client(
        house.desk,
        house.workspace_id,
        app="fake",
        client_id="own-client",
        client_secret="x",
        actor=ALICE,
    )
    assert oauth_clients.remove_client(house.desk, house.workspace_id, app="fake", actor=ALICE)
    assert house.connected()
