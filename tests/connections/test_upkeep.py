"""Nothing stays parked for a connection that works, and no grant dies of idleness."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, text, update

from connector.connections import tokens
from connector.connections.upkeep import Kept, keep_up
from connector.connections.views import view
from connector.tables import credential
from schemas.secret import Secret
from tests.connections.conftest import House, states_of
from tests.connections.fake_crm import KEY

Waiting = Callable[..., list[int]]


def unused_for(house: House, days: int) -> None:
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(
            update(credential).values(updated_at=func.now() - text(f"interval '{days} days'"))
        )


def test_what_was_parked_while_somebody_reconnected_goes_on(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=2, state="parked", reason="auth")
    assert keep_up(house.desk, house.workspace_id) == Kept(healed=2)
    assert states_of(house, connection_id) == [("pending", None)] * 2


def test_what_is_parked_for_other_reasons_stays_so(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=1, state="parked", reason="mapping")
    waiting_deliveries(house.new("unconnected"), count=1, state="parked", reason="auth")
    assert keep_up(house.desk, house.workspace_id) == Kept()
    assert states_of(house, connection_id) == [("parked", "mapping")]


def test_a_grant_that_nobody_used_for_a_week_is_renewed_once(house: House) -> None:
    house.connected()
    unused_for(house, 8)
    assert keep_up(house.desk, house.workspace_id).renewed == 1
    assert keep_up(house.desk, house.workspace_id).renewed == 0
    assert house.refreshes() == 1


def test_a_grant_that_is_in_use_is_left_alone(house: House) -> None:
    house.connected()
    unused_for(house, 6)
    assert keep_up(house.desk, house.workspace_id) == Kept()


def test_a_key_is_never_renewed(house: House) -> None:
    connection_id = house.new(auth="key", key=Secret(KEY))
    unused_for(house, 30)
    assert keep_up(house.desk, house.workspace_id) == Kept()
    assert tokens.access_token(house.desk, house.workspace_id, connection_id)


def test_an_idle_grant_that_is_dead_needs_attention_before_anybody_needs_it(
    house: House,
) -> None:
    connection_id = house.connected()
    unused_for(house, 8)
    house.crm.oauth_control({"revoke": True})
    assert keep_up(house.desk, house.workspace_id).renewed == 0
    assert view(house.desk, house.workspace_id, connection_id).reason_code == "invalid_grant"
