"""The OAuth dance: the right person comes back, once, in time, to the right connection."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, text, update

from adapters.registry import adapter_for
from connector import workspaces
from connector.connections import closing, connect, oauth, tokens
from connector.connections.views import view
from connector.problems import Refusal
from connector.tables import credential, oauth_state
from tests.connections.conftest import ALICE, House, callback_of, states_of
from tests.connections.fake_crm import with_oauth

ADAPTER = "tests.connections.fake_crm.FakeCRM.traits"


def refusal_of(house: House, query: dict[str, str], *, app: str = "fake") -> Refusal:
    with pytest.raises(Refusal) as caught:
        oauth.complete(house.desk, app, query)
    return caught.value


def test_a_connection_that_a_person_allowed_is_connected(house: House) -> None:
    connection_id = house.new()
    done = house.connect(connection_id)
    seen = view(house.desk, house.workspace_id, connection_id)
    assert done.identity.account_id == "org-1"
    assert (seen.state, seen.remote_account_id) == ("connected", "org-1")
    assert house.audited("connection.connected") == 1


def test_the_consent_url_asks_for_a_code_with_pkce_and_a_state(house: House) -> None:
    url = oauth.authorize(house.desk, house.workspace_id, house.new()).url
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43
    assert query["scope"] == "contacts.read contacts.write"
    assert query["redirect_uri"] == f"{house.desk.public_url}/oauth/callback/fake"


def test_scopes_of_further_entities_are_asked_for_where_one_is_named() -> None:
    plain = adapter_for("zendesk").traits.oauth
    assert plain is not None
    assert plain.wanted({"entities": []}) == plain.wanted({}) == plain.scopes
    more = plain.wanted({"entities": ["visit"]})
    assert more == (*plain.scopes, "custom_objects:read", "custom_objects:write")


def test_with_an_override_every_endpoint_moves_to_it(house: House) -> None:
    url = oauth.authorize(house.desk, house.workspace_id, house.new()).url
    assert url.startswith(f"{house.crm_url}/oauth/authorize?")


def test_without_an_override_consent_is_at_the_apps_own_page(house: House) -> None:
    connection_id = house.new(base_url="")
    url = oauth.authorize(house.desk, house.workspace_id, connection_id).url
    assert url.startswith("https://login.fake.example/oauth/authorize?")


def test_only_a_digest_of_the_state_is_kept(house: House) -> None:
    url = oauth.authorize(house.desk, house.workspace_id, house.new()).url
    state = parse_qs(urlsplit(url).query)["state"][0]
    with house.desk.database.begin(house.workspace_id) as connection:
        dumped = connection.execute(text("SELECT oauth_state::text FROM oauth_state")).scalar_one()
    assert state not in dumped
    assert state.encode().hex() not in dumped


def test_a_state_serves_once(house: House) -> None:
    query = house.consented(house.new())
    oauth.complete(house.desk, "fake", query)
    assert refusal_of(house, query).extra["reason"] == "state_refused"


def test_a_state_is_used_up_by_a_person_who_declines(house: House) -> None:
    house.crm.options["deny_authorize"] = True
    query = house.consented(house.new())
    assert refusal_of(house, query).extra["reason"] == "access_denied"
    assert refusal_of(house, query).extra["reason"] == "state_refused"


def test_a_state_lives_ten_minutes(house: House) -> None:
    query = house.consented(house.new())
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(
            update(oauth_state).values(expires_at=func.now() - text("interval '1 second'"))
        )
    assert refusal_of(house, query).extra["reason"] == "state_refused"


def test_a_state_expires_ten_minutes_after_it_was_made(house: House) -> None:
    connection_id = house.new()
    expires_at = oauth.authorize(house.desk, house.workspace_id, connection_id).expires_at
    with house.desk.database.begin(house.workspace_id) as connection:
        now = connection.execute(select(func.now())).scalar_one()
    assert 590 < (expires_at - now).total_seconds() <= 600


@pytest.mark.parametrize("state", ["", "unknown", "x" * 5000])
def test_an_unknown_state_is_refused(house: House, state: str) -> None:
    assert refusal_of(house, {"state": state, "code": "c"}).code == "authorization_failed"


def test_a_state_belongs_to_one_app(house: House) -> None:
    query = house.consented(house.new())
    assert refusal_of(house, query, app="other").extra["reason"] == "state_refused"


def test_the_state_of_a_revoked_key_is_refused(house: House) -> None:
    connection_id = house.new()
    with house.desk.database.begin(house.workspace_id) as connection:
        key = workspaces.keys(connection, house.workspace_id)[0]
    url = oauth.authorize(house.desk, house.workspace_id, connection_id, api_key_id=key["id"]).url
    with house.desk.database.begin(house.workspace_id) as connection:
        workspaces.revoke_key(connection, house.workspace_id, key["id"])
    assert refusal_of(house, callback_of(url)).extra["reason"] == "state_refused"


def test_the_key_that_asked_stands_in_the_audit_log(house: House) -> None:
    connection_id = house.new()
    with house.desk.database.begin(house.workspace_id) as connection:
        key = workspaces.keys(connection, house.workspace_id)[0]
    url = oauth.authorize(house.desk, house.workspace_id, connection_id, api_key_id=key["id"]).url
    oauth.complete(house.desk, "fake", callback_of(url))
    with house.desk.database.begin(house.workspace_id) as connection:
        actor = connection.execute(
            text("SELECT actor FROM audit WHERE action = 'connection.connected'")
        ).scalar_one()
    assert actor == f"key:{key['id']}"


def test_a_code_of_one_workspace_does_not_connect_another_one(
    house: House, stranger: House
) -> None:
    theirs = stranger.consented(stranger.new())
    ours = house.consented(house.new())
    refused = refusal_of(house, {**ours, "code": theirs["code"]})
    # The verifier belongs to the state, so the provider refuses a code that was asked with another.
    assert refused.extra["reason"] == "invalid_grant"


def test_a_stranger_cannot_start_the_authorization_of_our_connection(
    house: House, stranger: House
) -> None:
    connection_id = house.new()
    with pytest.raises(Refusal) as caught:
        oauth.authorize(house.desk, stranger.workspace_id, connection_id)
    assert caught.value.code == "not_found"


def test_a_code_serves_once_at_the_provider(house: House) -> None:
    connection_id = house.new()
    first = house.consented(connection_id)
    oauth.complete(house.desk, "fake", first)
    second = house.consented(connection_id)
    assert refusal_of(house, {**second, "code": first["code"]}).extra["reason"] == "invalid_grant"


def test_an_issuer_that_we_did_not_ask_is_refused_before_the_code_is_sent(house: House) -> None:
    query = house.consented(house.new())
    refused = refusal_of(house, {**query, "iss": "https://evil.example"})
    assert refused.extra["reason"] == "issuer_mismatch"
    assert house.token_calls() == 0


def test_the_issuer_that_we_asked_is_accepted(house: House) -> None:
    query = house.consented(house.new())
    assert oauth.complete(house.desk, "fake", {**query, "iss": house.crm_url})


def test_a_callback_without_a_code_is_refused(house: House) -> None:
    query = house.consented(house.new())
    assert refusal_of(house, {"state": query["state"]}).extra["reason"] == "callback_invalid"


def test_the_code_is_exchanged_by_a_form_with_client_secret_and_verifier(house: House) -> None:
    house.connected()
    form, told = house.crm.told[0]
    assert form == "form"
    assert told["grant_type"] == "authorization_code"
    assert (told["client_id"], told["client_secret"]) == ("demo-client", "demo-secret")
    assert 43 <= len(told["code_verifier"]) <= 128


def test_the_code_is_exchanged_as_json_where_the_app_wants_that(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ADAPTER, with_oauth(body="json", extra_token={"expires_in": 1800}))
    house.connected()
    form, told = house.crm.told[0]
    assert form == "json"
    assert told["expires_in"] == 1800
    assert told["client_secret"] == "demo-secret"


def test_an_instance_on_a_foreign_host_is_refused(house: House) -> None:
    house.crm.options["tells_instance"] = "https://evil.example"
    refused = refusal_of(house, house.consented(house.new()))
    assert refused.extra["reason"] == "instance_not_allowed"


def test_the_instance_that_the_provider_tells_is_kept(house: House) -> None:
    house.crm.options["tells_instance"] = house.crm_url
    connection_id = house.connected()
    reached = tokens.reach(house.desk, house.workspace_id, connection_id)
    assert reached.account.instance_url == house.crm_url


def test_fault_56_a_reconnect_to_another_account_is_refused(
    house: House, waiting_deliveries
) -> None:
    connection_id = house.connected()
    before = tokens.access_token(house.desk, house.workspace_id, connection_id)
    waiting_deliveries(connection_id)
    connect_elsewhere = house.consented(connection_id)
    house.crm.options["account"] = "org-2"
    refused = refusal_of(house, connect_elsewhere)
    assert (refused.code, refused.extra["reason"]) == ("conflict", "other_account")
    assert tokens.access_token(house.desk, house.workspace_id, connection_id) == before
    assert view(house.desk, house.workspace_id, connection_id).remote_account_id == "org-1"


def test_fault_56_parked_work_stays_parked_when_another_account_answers(
    house: House, waiting_deliveries
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=2)
    house.crm.oauth_control({"revoke": True, "expire": True})
    with pytest.raises(Refusal):
        connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    house.crm.options["account"] = "org-2"
    refusal_of(house, house.consented(connection_id))
    assert states_of(house, connection_id) == [("parked", "auth")] * 2


def test_a_second_connection_of_the_same_user_is_warned_of(house: House) -> None:
    house.connected("first")
    done = house.connect(house.new("second"))
    assert any("first" in note for note in done.notes)


def test_several_connections_of_one_app_hold_their_own_tokens(house: House) -> None:
    one, other = house.connected("one"), house.connected("other")
    first = tokens.access_token(house.desk, house.workspace_id, one)
    second = tokens.access_token(house.desk, house.workspace_id, other)
    assert first.value != second.value


def test_without_any_oauth_client_the_authorization_says_so(house: House) -> None:
    bare = House(
        desk=type(house.desk)(
            database=house.desk.database,
            keyring=house.desk.keyring,
            allowed=house.desk.allowed,
            operator_clients={},
            public_url=house.desk.public_url,
        ),
        workspace_id=house.workspace_id,
        crm=house.crm,
        crm_url=house.crm_url,
    )
    with pytest.raises(Refusal) as caught:
        oauth.authorize(bare.desk, bare.workspace_id, house.new())
    assert caught.value.places[0].code == "oauth_client_missing"


def test_a_provider_that_is_down_leaves_the_connection_as_it_was(house: House) -> None:
    connection_id = house.new()
    query = house.consented(connection_id)
    house.crm.faults.order({"method": "POST", "path": "/oauth/token", "action": {"status": 503}})
    assert refusal_of(house, query).extra["reason"] == "token_endpoint_failed"
    assert view(house.desk, house.workspace_id, connection_id).state == "new"


def test_an_authorization_under_way_ends_when_the_connection_moves(house: House) -> None:
    connection_id = house.new()
    query = house.consented(connection_id)
    moved = connect.Changes(base_url="https://acme.fake.example")
    connect.change(house.desk, house.workspace_id, connection_id, changes=moved, actor=ALICE)
    assert refusal_of(house, query).extra["reason"] == "state_refused"


def test_an_authorization_under_way_ends_with_a_disconnect(house: House) -> None:
    connection_id = house.connected()
    query = house.consented(connection_id)
    closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert refusal_of(house, query).extra["reason"] == "state_refused"


def test_no_secret_of_the_dance_lies_open_in_the_database(house: House) -> None:
    connection_id = house.connected()
    token = tokens.access_token(house.desk, house.workspace_id, connection_id).value.reveal()
    with house.desk.database.begin(house.workspace_id) as connection:
        row = connection.execute(select(credential)).one()
    assert token.encode() not in bytes(row.sealed)


def test_a_token_endpoint_that_redirects_is_not_followed(house: House) -> None:
    query = house.consented(house.new())
    redirect = {"status": 302, "headers": {"Location": f"{house.crm_url}/me"}}
    house.crm.faults.order({"method": "POST", "path": "/oauth/token", "action": redirect})
    assert refusal_of(house, query).extra["reason"] == "token_endpoint_failed"
    assert "/me" not in [one["path"] for one in house.crm.log.listing()]
