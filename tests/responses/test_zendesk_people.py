"""People of Zendesk through the whole story: odd numbers, merges and deletions on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.responses.scene import joined, known
from tests.world import CRMSeen, World, answered

ODD = ("a&b", "#1", "x,y", "ø/é ?", "Kunde-1", "100%", "a+b", "日本")
BY_NUMBER = {"variable": "contact.external_id", "field": "external_id"}


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    with joined(world, "zendesk") as seen:
        yield seen


def test_odd_customer_numbers_lead_to_their_people(world: World) -> None:
    with joined(world, "zendesk", identify=BY_NUMBER) as crm:
        crm.control(
            "seed",
            {"contacts": [{"name": f"P{n}", "external_id": one} for n, one in enumerate(ODD)]},
        )
        world.push(
            *(
                answered(n, score=n, respondent={"external_id": one, "name": f"Q{n}"})
                for n, one in enumerate(ODD)
            )
        )
        world.settle()
        assert {one.state for one in world.deliveries()} == {"done"}
        held = {one["external_id"]: one for one in crm.control("state")["contacts"]}
        assert {one: held[one]["fields"]["nps_score"] for one in ODD} == {
            one: n for n, one in enumerate(ODD)
        }
        assert [len(held[one]["notes"]) for one in ODD] == [1] * len(ODD)
        assert len(held) == len(ODD)
        # Who exists is told a hundred a call; an id with a comma is looked for alone.
        paths = [one["path"].split("?")[0] for one in crm.calls() if one["method"] == "GET"]
        assert sum(path.endswith("/users/search.json") for path in paths) == 1


def until_awaiting(world: World) -> None:
    ends_at = time.monotonic() + 20
    while not world.deliveries(state="awaiting"):
        assert time.monotonic() < ends_at
        world.hurry()
        world.drain("zendesk")


def test_who_is_merged_while_the_job_runs_gets_tag_and_note_as_the_survivor(
    world: World, crm: CRMSeen
) -> None:
    known(world, crm, 4)
    crm.control("options", {"job_delay_s": 0.3})
    world.push(*(answered(n) for n in range(4)))
    world.plan()
    until_awaiting(world)
    crm.control("options", {"job_delay_s": 0})
    time.sleep(0.4)
    ids = {mail: int(one["id"]) for mail, one in crm.contacts().items()}
    crm.control("seed", {"merge": [[ids["c1@example.test"], ids["c0@example.test"]]]})
    world.settle()
    survivor = crm.contacts()["c0@example.test"]
    assert len(survivor["notes"]) == 2
    assert [one for one in survivor["tags"] if one.startswith("npstoday")]
    assert {one.state for one in world.deliveries()} == {"done"}


def test_a_survivor_that_the_search_does_not_know_by_that_address_is_said_to_be_missing(
    world: World, crm: CRMSeen
) -> None:
    known(world, crm, 4)
    crm.control("options", {"job_delay_s": 0.3, "search_knows_identities": False})
    world.push(*(answered(n) for n in range(4)))
    world.plan()
    until_awaiting(world)
    crm.control("options", {"job_delay_s": 0})
    time.sleep(0.4)
    ids = {mail: int(one["id"]) for mail, one in crm.contacts().items()}
    crm.control("seed", {"merge": [[ids["c1@example.test"], ids["c0@example.test"]]]})
    world.settle()
    assert {one.reason for one in world.deliveries(state="dead")} == {"not_found"}
    assert {one.kind for one in world.deliveries(state="dead")} == {"tag", "note"}


def test_who_is_deleted_while_the_job_runs_is_made_anew_by_an_upsert(
    world: World, crm: CRMSeen
) -> None:
    known(world, crm, 3)
    crm.control("options", {"job_delay_s": 0.3})
    world.push(*(answered(n) for n in range(3)))
    world.plan()
    until_awaiting(world)
    crm.control("options", {"job_delay_s": 0})
    time.sleep(0.4)
    lost = int(crm.contacts()["c1@example.test"]["id"])
    crm.control("seed", {"delete": [lost]})
    world.settle()
    dead = {one.kind for one in world.deliveries() if one.state == "dead"}
    # Its fields had been written; tag and note find nobody any more and may not make a person.
    assert dead <= {"tag", "note"}
    assert {one.error_code for one in world.deliveries(state="dead")} <= {"not_found"}


@pytest.mark.parametrize(
    ("form", "scope"),
    [("whole", "users:write"), ("null", "users:write"), ("texts", "users:write"), ("bare", None)],
)
def test_a_token_answer_in_any_form_connects_and_is_renewed(
    world: World, form: str, scope: str | None
) -> None:
    with joined(world, "zendesk", options={"token_told": form}) as crm:
        world.rows("UPDATE credential SET expires_at = now() RETURNING 1")
        known(world, crm, 1)
        world.push(answered(1, email="c0@example.test"))
        world.plan()
        world.drain("zendesk")
        asked = "SELECT scopes, version, extract(epoch FROM expires_at - updated_at) s"
        (kept,) = world.rows(f"{asked} FROM credential")
        assert kept.version > 1
        # Where no time is told, half an hour is assumed.
        assert abs(float(kept.s) - 1_800) < 5
        assert scope is None if kept.scopes is None else scope in kept.scopes
