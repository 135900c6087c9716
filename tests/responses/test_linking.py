"""Contacts that are linked by a write of their own, before anything else is sent for them."""

from __future__ import annotations

from simulators.kit.server import running
from simulators.zendesk.service import Zendesk
from tests.responses.conftest import FAST
from tests.responses.scene import joined
from tests.world import World, answered, people


def test_a_first_note_is_not_looked_for_as_if_it_might_have_been_sent(world: World) -> None:
    """The claim that linked the contact sent no note: no ticket is asked for."""
    with running(Zendesk(options=FAST["zendesk"])) as url:
        crm = world.connect("zendesk", url)
        world.mapping("zendesk")
        crm.seed(people(4))
        world.push(*(answered(n) for n in range(4)))
        world.settle()
        looked = [one for one in crm.calls(kinds=["read"]) if one["path"].endswith("tickets.json")]
        assert [len(crm.notes(f"c{n}@example.test")) for n in range(4)] == [1, 1, 1, 1]
        assert looked == []


def test_a_contact_merged_between_look_and_write_is_written_on_the_survivor(world: World) -> None:
    """By its id, since the survivor has another address; its own tags stay."""
    with joined(world, "salesforce", note="none") as crm:
        loser, survivor = crm.seed([{"email": "c0@example.test"}, {"email": "other@example.test"}])
        kept = {"id": survivor, "values": {"NPSToday_Tags__c": "NPSToday.NoSend"}}
        crm.control("seed", {"update": [kept]})
        merge = {"loser": loser, "survivor": survivor}
        crm.fault("/query/", meanwhile={"seed": {"merge": [merge]}})
        world.push(answered(0))
        world.settle(hurry=False)
        assert set(crm.contacts()) == {"other@example.test"}
        assert float(crm.value("other@example.test", "score")) == 9
        (seen,) = crm.control("state")["contacts"]
        assert set(seen["tags"]) == {"NPSToday.NoSend", "NPSToday.Møde.9"}
        assert {one.attempts for one in world.deliveries()} == {0}
