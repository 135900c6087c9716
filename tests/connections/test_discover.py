"""Field definitions are downloaded per connection, and a snapshot is kept of each that differs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from adapters.errors import Throttled
from connector.connections import closing, discover
from connector.connections.discover import Discovered, Snapshot
from connector.connections.profile import Profile
from connector.connections.views import view
from connector.problems import Code, Refusal
from connector.tables import entity_snapshot
from schemas.fields import Entity, Field, FieldType, Option
from schemas.record import schema_digest
from tests.connections.conftest import ALICE, House


def download(house: House, connection_id: int) -> Discovered:
    return discover.download(house.desk, house.workspace_id, connection_id, actor=ALICE)


def kept(house: House, connection_id: int) -> list[Snapshot]:
    with house.desk.database.begin(house.workspace_id) as connection:
        return discover.snapshots(connection, house.workspace_id, connection_id)


def rows(house: House) -> int:
    with house.desk.database.begin(house.workspace_id) as connection:
        return connection.execute(select(func.count()).select_from(entity_snapshot)).scalar_one()


def test_the_first_download_keeps_a_snapshot_of_each_entity(house: House) -> None:
    connection_id = house.connected()
    assert download(house, connection_id).added == ("contacts",)
    (snapshot,) = kept(house, connection_id)
    assert snapshot.entity.field("comment") is not None
    assert snapshot.schema_digest == schema_digest(snapshot.entity).hex()


def test_a_download_without_a_difference_adds_no_snapshot(house: House) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    first = kept(house, connection_id)[0]
    assert download(house, connection_id).unchanged == ("contacts",)
    second = kept(house, connection_id)[0]
    assert rows(house) == 1
    assert (second.taken_at, second.digest) == (first.taken_at, first.digest)
    assert second.seen_at > first.seen_at


def test_a_changed_definition_becomes_the_current_snapshot_and_the_old_one_stays(
    house: House,
) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    before = kept(house, connection_id)[0]
    house.crm.options["length"] = 100
    assert download(house, connection_id).changed == ("contacts",)
    (now,) = kept(house, connection_id)
    assert now.digest != before.digest
    assert now.schema_digest != before.schema_digest
    assert rows(house) == 2


def test_a_download_while_the_crm_is_away_changes_nothing(house: House) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    house.crm.faults.order({"method": "GET", "path": "/fields", "action": {"status": 500}})
    with pytest.raises(Refusal) as caught:
        download(house, connection_id)
    assert caught.value.code == "crm_unavailable"
    assert rows(house) == 1


def test_a_download_refreshes_a_token_that_the_crm_refuses(house: House) -> None:
    connection_id = house.connected()
    house.crm.oauth_control({"expire": True})
    # The fake's /fields asks for no token; /me does, through the same way.
    identity = discover.ask(
        house.desk, house.workspace_id, connection_id, question=lambda crm: crm.probe()
    )
    assert identity.account_id == "org-1"
    assert house.refreshes() == 1


def test_a_token_that_is_refused_even_when_fresh_parks_the_connection(house: House) -> None:
    connection_id = house.connected()
    house.crm.faults.order(
        {"method": "GET", "path": "/fields", "times": 9, "action": {"status": 401}}
    )
    with pytest.raises(Refusal) as caught:
        download(house, connection_id)
    assert caught.value.extra["reason"] == "token_refused"
    assert view(house.desk, house.workspace_id, connection_id).state == "needs_attention"


def test_a_connection_that_is_not_connected_has_nothing_to_download(house: House) -> None:
    with pytest.raises(Refusal) as caught:
        download(house, house.new())
    assert caught.value.code == "not_connected"


def test_a_disconnected_connection_keeps_its_definitions(house: House) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    closing.disconnect(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert len(kept(house, connection_id)) == 1


def test_a_stranger_sees_no_definitions_of_ours(house: House, stranger: House) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    assert kept(stranger, connection_id) == []


def test_the_listing_has_a_line_for_every_field(house: House) -> None:
    connection_id = house.connected()
    download(house, connection_id)
    text = discover.listing([one.entity for one in kept(house, connection_id)])
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["field"] for line in lines] == ["nps", "comment"]
    assert lines[1]["max_length"] == "255"


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx"])
def test_no_cell_of_the_listing_begins_a_formula(label: str) -> None:
    field = Field("f", label, FieldType.CHOICE, options=(Option("a", "A"),))
    text = discover.listing([Entity("contacts", "Contact", (field,))])
    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert line["label"] == "'" + label


def test_the_listing_tells_what_each_record_type_offers() -> None:
    offered = (("Partner", ("a",)), ("Retail", ()))
    field = Field("f", "F", FieldType.CHOICE, options=(Option("a", "A"),), offered=offered)
    (line,) = csv.DictReader(
        io.StringIO(discover.listing([Entity("c", "C", (field,))]), newline="")
    )
    assert line["record_types"] == "Partner: a | Retail: "


def test_every_call_of_a_download_asks_for_its_place_in_the_rate(house: House) -> None:
    connection_id = house.connected()
    asked: list[str] = []
    desk = replace(house.desk, permit=lambda profile, _rates, _kind: asked.append(profile.app))
    before = len(house.crm.log.listing())
    discover.download(desk, house.workspace_id, connection_id, actor=ALICE)
    assert asked == ["fake"] * (len(house.crm.log.listing()) - before)
    assert asked


def test_a_download_that_would_wait_too_long_is_refused_and_calls_nothing(house: House) -> None:
    connection_id = house.connected()

    def refuse(_profile: Profile, _rates: object, _kind: str | None) -> None:
        raise Throttled(wait_s=60)

    before = len(house.crm.log.listing())
    with pytest.raises(Refusal) as raised:
        discover.download(
            replace(house.desk, permit=refuse), house.workspace_id, connection_id, actor=ALICE
        )
    assert raised.value.code is Code.CRM_UNAVAILABLE
    assert len(house.crm.log.listing()) == before
