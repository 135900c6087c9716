"""An edit that nobody came back to ends with a plain outcome."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from connector.connections.profile import load
from connector.queues import DRAIN, Doorbell
from connector.responses.extras import choosing, holds, leftover
from connector.responses.extras.comparing import Change
from connector.sweep import Sweep
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.responses.scene import known
from tests.world import CRMSeen, World

AGE = text(
    "UPDATE edit SET created_at = now() - CAST(:by AS interval),"
    " held_until = now() - CAST(:by AS interval)"
)
EMAIL, COMMENT = "c0@example.test", "nps_comment"


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    """A contact with one extra field, whose editing process has died on the way."""
    with running(HubSpot()) as url:
        seen = world.connect("hubspot", url)
        known(world, seen, 1)
        with world.database.begin(world.workspace_id) as store:
            choosing.save(store, world.workspace_id, seen.connection_id, [{"field": COMMENT}])
        held(world, seen)
        yield seen


def held(world: World, crm: CRMSeen) -> None:
    """The edit from "seen" to "ours" holds the contact, its lease long over."""
    (row,) = world.rows("SELECT contact_id, remote_id FROM link")
    spot = holds.Spot(
        world.workspace_id, crm.connection_id, row.contact_id, "contacts", row.remote_id
    )
    with world.database.begin(world.workspace_id) as store:
        (field,) = choosing.read(store, world.workspace_id, crm.connection_id)["fields"]
        entity = choosing.contact_entity(store, load(store, world.workspace_id, crm.connection_id))
        assert entity is not None
        definition = entity.field(field["field"])
        assert definition is not None
        change = Change(definition, "ours", "seen")
        assert holds.take(store, spot, [change], actor="test", lease_s=1)
    age(world, "10 minutes")


def age(world: World, by: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(AGE, {"by": by})


def look(world: World, crm: CRMSeen) -> int:
    return leftover.look_after(world.hub, world.workspace_id, crm.connection_id)


def state(world: World) -> tuple[str, str | None]:
    (row,) = world.rows("SELECT state, error_code FROM edit")
    return row.state, row.error_code


@pytest.mark.parametrize(
    ("holds_now", "ended"), [("ours", "written"), ("seen", "not_written"), ("theirs", "unknown")]
)
def test_it_ends_by_what_the_record_shows(
    world: World, crm: CRMSeen, holds_now: str, ended: str
) -> None:
    crm.control("seed", {"edit": {EMAIL: {COMMENT: holds_now}}})
    assert look(world, crm) == 1
    assert state(world)[0] == ended
    assert look(world, crm) == 0


def test_a_crm_that_is_away_is_asked_again_and_given_up_after_a_day(
    world: World, crm: CRMSeen
) -> None:
    crm.fault(times=99, drop_before=True)
    assert look(world, crm) == 0
    assert state(world) == ("open", None)
    age(world, "25 hours")
    assert look(world, crm) == 1
    assert state(world) == ("unknown", "abandoned")
    (told,) = world.rows("SELECT detail FROM audit WHERE action = 'contact.fields_edited'")
    assert told.detail["outcome"] == "unknown"


def test_one_that_is_still_worked_on_is_left_alone(world: World, crm: CRMSeen) -> None:
    age(world, "10 seconds")
    assert look(world, crm) == 0
    assert state(world) == ("open", None)


def test_a_connection_off_the_list_ends_its_edits(world: World, crm: CRMSeen) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE connection SET deleted_at = now()"))
    assert look(world, crm) == 1
    assert state(world) == ("unknown", "abandoned")


def test_the_schedulers_minute_wakes_the_drain_for_it(world: World, crm: CRMSeen) -> None:
    rung: list[tuple[str, int]] = []

    class Heard(Doorbell):
        """A bell that only remembers."""

        def ring(self, kind: str, workspace_id: int, connection_id: int = 0, **_: int) -> bool:
            del workspace_id
            rung.append((kind, connection_id))
            return True

    Sweep(world.hub, Heard(str(world.hub.settings.redis_url))).once()
    assert (DRAIN, crm.connection_id) in rung
