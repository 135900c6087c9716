"""The adapter's whole contract and the story against a real Odoo 11: `./run live odoo`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.base import Batch, Operation, Row, TagOptions
from adapters.errors import OutcomeUnknown
from schemas.odoo import PARTNER
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract
from tests.adapters.odoo_bench import OdooBench, benched
from tests.faults.crowd import crowd, said, settled_before, trouble, verdict
from tests.live.relay import Relay
from tests.world import CRMSeen, World, people

pytestmark = pytest.mark.live
TAGS = tuple(f"NPSToday.Møde.{score}" for score in range(11))


@pytest.fixture
def bench(relay: Relay) -> Iterator[OdooBench]:
    with running(relay) as url:
        yield benched(url)


@pytest.fixture
def crm(relay: Relay, world: World) -> Iterator[CRMSeen]:
    """The real server connected as an admin does it, with a published mapping."""
    with running(relay) as url:
        seen = world.connect("odoo", url)
        world.mapping("odoo")
        yield seen


class TestContract(AdapterContract):
    """The promises of every adapter, kept at a real server."""


# --- the story ------------------------------------------------------------------------------------


def test_responses_become_fields_tags_and_notes(world: World, crm: CRMSeen) -> None:
    items = settled_before(world, crm) + crowd()
    world.push(*crowd())
    world.settle(for_s=90)
    assert verdict(crm, items) == []
    assert set(world.states()) <= {"done", "superseded"}


def test_a_foreign_tag_stays_when_a_score_is_replaced(world: World, crm: CRMSeen) -> None:
    (number,) = crm.seed(people(1))
    crm.control("seed", {"tags": ["npstoday-vip"]})
    vip = crm.control("state")["tags"][-1]["id"]
    crm.control("seed", {"edit": {number: {"category_id": [[4, vip]]}}})
    for score, at in ((3, "2026-11-21T10:00:00Z"), (9, "2026-11-22T10:00:00Z")):
        world.push(said(score, 0, score=score, at=at))
        world.settle(for_s=60)
    assert crm.tags("c0@example.test") == ["NPSToday.Møde.9", "npstoday-vip"]


@pytest.mark.parametrize("at", range(1, 10))
def test_a_connection_cut_after_the_commit_leaves_one_record(
    world: World, crm: CRMSeen, at: int
) -> None:
    """One contact is there, one must be created: whichever call's answer is lost."""
    crm.seed(people(1))
    items = [said(1, 0), said(2, 1)]
    world.push(*items)
    trouble(crm, at=at, drop_after=True)
    world.settle(for_s=60)
    assert verdict(crm, items) == []
    emails = [one["email"] for one in crm.control("state")["contacts"]]
    assert sorted(emails) == ["c0@example.test", "c1@example.test"]


def test_a_revoked_key_parks_and_a_new_one_resumes(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    items = [said(1, 0)]
    world.push(*items)
    world.plan()
    crm.control("oauth", {"revoke": True})
    world.drain("odoo")
    (seen,) = world.rows("SELECT state, reason_code FROM connection")
    assert (seen.state, seen.reason_code) == ("needs_attention", "key_refused")
    world.reconnect("odoo", crm.connection_id, crm.url)
    world.settle(for_s=60)
    assert verdict(crm, items) == []


# --- what only the server can tell ----------------------------------------------------------------


def test_a_naive_resend_would_have_made_two(bench: OdooBench) -> None:
    """Why a create is looked up: the real server takes the same contact twice."""
    row = Row("k", bench.new_contact("twin@example.test"))
    batch = Batch(PARTNER, Operation.CREATE, (row,), match_field="email")
    bench.adapter().write(batch)
    bench.adapter().write(batch)
    found = bench.adapter().find(PARTNER, "email", ["TWIN@example.test"], want=[])
    assert len(found["TWIN@example.test"]) == 2


def test_a_create_whose_answer_is_lost_is_found_again(bench: OdooBench) -> None:
    row = Row("k", bench.new_contact("lost@example.test"))
    batch = Batch(PARTNER, Operation.CREATE, (row,), match_field="email")
    order = {"method": ".*", "path": "jsonrpc", "body": '"create"', "occurrence": 1, "times": 1}
    bench.control("fault", {**order, "action": {"drop_after": True}})
    with pytest.raises(OutcomeUnknown):
        bench.adapter().write(batch)
    found = bench.adapter().find(PARTNER, "email", ["lost@example.test"], want=[])
    assert len(found["lost@example.test"]) == 1


def test_tags_that_two_have_made_at_once_are_told_apart_and_merged(bench: OdooBench) -> None:
    (one,) = bench.seed(people(1))
    bench.control("seed", {"tags": [TAGS[9], TAGS[9]]})
    first, second = (tag["id"] for tag in bench.control("state")["tags"] if tag["name"] == TAGS[9])
    bench.control("seed", {"edit": {one: {"category_id": [[4, second]]}}})
    bench.adapter().provision_tags(PARTNER, [TagOptions("Møde", TAGS)])
    assert bench.contact(one)["fields"]["category_id"] == [first]


def test_addresses_with_signs_of_patterns_find_themselves_alone(bench: OdooBench) -> None:
    told = [{"email": one} for one in ("a_b%c@example.test", "axbyc@example.test")]
    mine, _ = bench.control("seed", {"contacts": told})["contacts"]
    found = bench.adapter().find(PARTNER, "email", ["A_B%C@example.test"], want=[])
    assert [one.remote_id for one in found["A_B%C@example.test"]] == [mine]
