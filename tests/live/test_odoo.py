"""The adapter's whole contract and the story against a real Odoo 11: `./run live odoo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from adapters.errors import OutcomeUnknown
from adapters.provisioning import Part, State
from adapters.values import Batch, Operation, Row, TagOptions
from schemas.odoo import PARTNER
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract
from tests.adapters.odoo_bench import OdooBench, benched
from tests.adapters.test_odoo_loading import (  # noqa: F401 - the same tests at the real server
    test_a_bad_row_is_named_and_the_rest_goes_together,
    test_a_gone_record_is_not_found_and_none_is_made_in_its_place,
    test_an_archived_contact_is_written_all_the_same,
    test_different_rows_share_a_call,
    test_every_type_reads_back_as_it_was_written,
    test_nothing_empties_a_field_and_others_stay,
)
from tests.adapters.test_odoo_provisioning import EVERYTHING, WANTED, states, thing
from tests.faults.crowd import crowd, said, settled_before, trouble, verdict
from tests.live.relay import RESPONSES, Relay
from tests.responses.filehost import PDF, hosting, png, signed, taking_files
from tests.responses.scene import LATER
from tests.responses.test_files import digests
from tests.responses.test_odoo_activities import ACTIVITY
from tests.responses.test_records import contact_id, furnished, records
from tests.responses.test_zendesk_tickets import for_detractors
from tests.world import CRMSeen, World, people

pytestmark = pytest.mark.live
TAGS = tuple(f"NPSToday.Møde.{score}" for score in range(11))


@pytest.fixture
def bench(relay: Relay) -> Iterator[OdooBench]:
    with running(relay) as url:
        yield benched(url)


@pytest.fixture
def every(bench: OdooBench) -> OdooBench:
    """What the simulator is tested with in every version."""
    return bench


@pytest.fixture
def bench_of() -> Callable[[CRMSeen], OdooBench]:
    """The adapter's bench at a CRM that is connected already."""
    return lambda crm: benched(crm.url)


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


# --- what is made on request, records, files ------------------------------------------------------


@pytest.fixture
def furnished_crm(world: World, crm: CRMSeen) -> CRMSeen:
    """An administrator has made everything; the integration user has no such rights any more."""
    crm.control("options", {"administrator": True})
    furnished(world, crm)
    world.standard("odoo", record=True, create=True)
    return crm


def test_everything_is_made_in_one_go_and_a_second_time_nothing(bench: OdooBench) -> None:
    refused = bench.adapter().furnish(WANTED, EVERYTHING)
    assert "create on ir.model" in thing(refused, RESPONSES).text
    assert states(refused, Part.NO_SEND) == {State.EXISTS}
    bench.control("options", {"administrator": True})
    made = bench.adapter().furnish(WANTED, EVERYTHING)
    assert states(made) == {State.EXISTS}, [one for one in made.things if one.text]
    assert not any(one.made for one in bench.adapter().furnish(WANTED, EVERYTHING).things)
    bench.control("options", {"administrator": False})
    assert states(bench.adapter().planned(WANTED)) == {State.EXISTS}
    assert RESPONSES in {one.name for one in bench.adapter().entities()}


def test_each_response_becomes_a_record_with_its_contact_and_lead(
    world: World, furnished_crm: CRMSeen
) -> None:
    crm = furnished_crm
    (lead,) = crm.control("seed", {"leads": [{"name": "Big"}]})["leads"]
    crm.seed(people(1))
    world.push(said(1, 0, score=9, meta={"deal_id": lead}), said(2, 0, score=3, at=LATER))
    world.settle(for_s=60)
    found = sorted(records(crm), key=lambda one: int(one["score"]))
    assert [one["contacts"] for one in found] == [[contact_id(crm, "c0@example.test")]] * 2
    assert [one["segment"] for one in found] == ["Detractor", "Promoter"]
    assert [one["tag"] for one in found] == ["NPSToday.Møde.3", "NPSToday.Møde.9"]
    leads = [one["fields"].get("x_lead_id") for one in crm.control("state")["made"][RESPONSES]]
    assert leads == [int(lead), None] or leads == [None, int(lead)]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_connection_cut_after_the_commit_leaves_one_response_record(
    world: World, furnished_crm: CRMSeen, at: int
) -> None:
    crm = furnished_crm
    crm.seed(people(1))
    world.push(said(1, 0), said(2, 1))
    trouble(crm, at=at, drop_after=True)
    world.settle(for_s=60)
    assert len(records(crm)) == 2
    assert len({one["key"] for one in records(crm)}) == 2


def test_a_response_that_is_sent_twice_at_once_is_one_record(
    world: World, furnished_crm: CRMSeen, bench_of: Callable[[CRMSeen], OdooBench]
) -> None:
    """Two creates, neither of which has found the other's."""
    bench = bench_of(furnished_crm)
    row = Row("k", {"x_response_id": "0f-1", "x_name": "Møde", "x_score": 3})
    batch = Batch(RESPONSES, Operation.CREATE, (row,), match_field="x_response_id")
    first, second = (bench.adapter().write(batch).outcomes[0].remote_id for _ in "ab")
    assert first == second
    assert len(records(furnished_crm)) == 1


@pytest.mark.parametrize("method", ["create", "message_post"])
def test_a_file_hangs_on_its_contact_once_whatever_answer_is_lost(
    world: World, crm: CRMSeen, method: str
) -> None:
    crm.seed(people(1))
    taking = taking_files(world)
    with hosting() as host:
        taking.push(signed(0, host.put("/s.png", png(1)), host.put("/b.pdf", PDF)))
        call = f'"{method}", \\[' if method == "message_post" else '"ir.attachment", "create"'
        crm.fault("/jsonrpc", "POST", call, drop_after=True)
        taking.settle(for_s=60)
    held = crm.contacts()["c0@example.test"]["files"]
    assert sorted(one["sha256"] for one in held) == digests(png(1), PDF)
    assert [one["noted"] for one in held] == [1, 1]


def test_a_detractor_gets_one_activity_whatever_answer_is_lost(
    world: World, furnished_crm: CRMSeen
) -> None:
    crm = furnished_crm
    crm.seed(people(2))
    world.mapping("odoo", **ACTIVITY)
    for_detractors(world)
    crm.fault("/jsonrpc", "POST", '"mail.activity", "create"', drop_after=True)
    world.push(said(1, 0, score=2), said(2, 1, score=10))
    world.settle(for_s=60)
    (made,) = crm.control("state")["activities"]
    assert str(made["fields"]["res_id"]) == contact_id(crm, "c0@example.test")
    assert (made["fields"]["res_model"], made["fields"]["summary"]) == ("res.partner", "Møde")
    assert set(world.states()) == {"done"}


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
