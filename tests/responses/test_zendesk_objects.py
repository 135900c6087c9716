"""Zendesk's custom objects in a whole hub: what a mapping makes there, and response records, linked
and many by one job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from simulators.kit.server import running
from simulators.zendesk.service import Zendesk
from simulators.zendesk.shapes import ADMIN_ID
from tests.responses.test_records import SETTINGS, empty, furnished
from tests.world import CRMSeen, World, answered, people

VISIT = {
    "key": "visit",
    "title": "Visit",
    "fields": [
        {"key": "said", "type": "textarea", "title": "Said"},
        {
            "key": "person",
            "type": "lookup",
            "title": "Person",
            "relationship_target_type": "zen:user",
        },
        {
            "key": "firm",
            "type": "lookup",
            "title": "Firm",
            "relationship_target_type": "zen:organization",
        },
    ],
}


@contextmanager
def visiting(world: World) -> Iterator[CRMSeen]:
    """An account with visits, and a mapping to them."""
    with running(Zendesk(options={"job_delay_s": 0, "index_lag_s": 0})) as url:
        seen = CRMSeen("zendesk", url, 0, "")
        seen.control("seed", {"custom_objects": [VISIT]})
        crm = world.connect("zendesk", url, entities=["visit"])
        world.mapping(
            "zendesk",
            entity="visit",
            identify={"variable": "hidden.visit", "field": "external_id"},
            rows=[
                {"variable": "answers.why", "field": "said"},
                {"variable": "hidden.visit", "field": "name"},
            ],
            links={"contact": "person", "company": "firm"},
            note="none",
        )
        world.standard("zendesk", note=False, tag=False)
        yield crm


@contextmanager
def keeping(world: World, **changes: Any) -> Iterator[CRMSeen]:
    """A furnished account that keeps a record of each response."""
    with running(empty("zendesk")) as url:
        crm = world.connect("zendesk", url, **SETTINGS["zendesk"])
        furnished(world, crm)
        world.standard("zendesk", record=True, note=False, tag=False, **changes)
        yield crm


def held(crm: CRMSeen, kind: str) -> dict[str, Mapping[str, Any]]:
    """The fields of that object's records by the person they name."""
    rows = crm.control("state")["custom_objects"][kind]
    fields = [{**one, **one["custom_object_fields"]} for one in rows]
    return {str(one["person" if kind == "visit" else "contact"]): one for one in fields}


def employed(crm: CRMSeen, person: str, **firm: Any) -> int:
    """An organization that the person belongs to."""
    (made,) = crm.control("seed", {"organizations": [{"name": "Acme", **firm}]})["organizations"]
    crm.control("seed", {"edit": {person: {"organization_id": int(made)}}})
    return int(made)


def begun_jobs(crm: CRMSeen) -> int:
    return len([one for one in crm.calls() if one["path"].endswith("/jobs")])


def test_what_a_mapping_makes_leads_to_the_contact_and_its_organization(world: World) -> None:
    with visiting(world) as crm:
        ids = crm.seed(people(4))
        firm = employed(crm, ids[0])
        world.push(*(answered(number, hidden={"visit": f"V-{number}"}) for number in range(4)))
        world.settle()
        visits = held(crm, "visit")
        assert set(visits) == set(ids)
        assert (visits[ids[0]]["firm"], visits[ids[1]]["firm"]) == (firm, None)
        assert begun_jobs(crm) == 1
        assert set(world.states()) == {"done"}


def test_the_records_of_many_responses_are_one_job(world: World) -> None:
    with keeping(world) as crm:
        ids = crm.seed(people(5))
        world.push(*(answered(number) for number in range(5)))
        world.settle()
        records = held(crm, "npstoday_response")
        assert set(records) == set(ids)
        assert {one["name"] for one in records.values()} == {"Møde"}
        assert {one["answered_on"][:10] for one in records.values()} == {"2026-11-22"}
        assert begun_jobs(crm) == 1


def test_somebody_merged_while_the_job_runs_is_followed(world: World) -> None:
    with keeping(world) as crm:
        ids = crm.seed(people(4))
        other = crm.seed([{"email": "other@example.test", "last_name": "Contact"}])[0]
        meanwhile = {"seed": {"merge": [[ids[0], other]]}}
        crm.fault(r"/npstoday_response/jobs$", "POST", meanwhile=meanwhile)
        world.push(*(answered(number) for number in range(4)))
        world.settle()
        assert set(held(crm, "npstoday_response")) == {other, *ids[1:]}
        assert len(crm.control("state")["custom_objects"]["npstoday_response"]) == 4
        assert set(world.states()) == {"done"}


def test_a_record_takes_over_organization_and_assignee_and_does_without_an_owner_who_is_gone(
    world: World,
) -> None:
    with keeping(world, record_inherits=True) as crm:
        person, stranger = crm.seed(people(2))
        firm = employed(crm, person)
        agent = ADMIN_ID
        told = {"subject": "Broken", "description": "Broken", "assignee_id": agent}
        (ticket,) = crm.control("seed", {"tickets": [told]})["tickets"]
        gone = "1"  # Nobody has this number.
        world.push(
            answered(0, meta={"ticket_id": str(ticket)}), answered(1, meta={"owner_id": gone})
        )
        world.settle()
        record, left_out = (held(crm, "npstoday_response")[one] for one in (person, stranger))
        assert (record["company"], record["owner"]) == (firm, agent)
        assert record["ticket"] == int(ticket)
        assert left_out["owner"] is None
        assert set(world.states()) == {"done"}
