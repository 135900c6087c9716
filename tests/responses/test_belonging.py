"""What records belong to: the owner and company of the contact or deal, and a mapping's links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from connector.connections import discover
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from simulators.salesforce.service import Salesforce
from tests.responses.test_hubspot_depth import VISIT, told
from tests.responses.test_records import LATER, empty, furnished
from tests.world import CRMSeen, World, answered, people

CUSTOMER = "c0@example.test"
# How each CRM calls the owner, and its response record with owner and company.
OWNER = {"hubspot": "hubspot_owner_id", "odoo": "user_id", "salesforce": "OwnerId"}
OWNED = {"hubspot": "hubspot_owner_id", "odoo": "x_user_id", "salesforce": "OwnerId"}
COMPANY = {"hubspot": "companies", "odoo": "x_company_id", "salesforce": "Account__c"}
COMMENT = {"hubspot": "comment", "odoo": "x_comment", "salesforce": "Comment__c"}


@contextmanager
def keeping(world: World, app: str, account: Simulator | None = None) -> Iterator[CRMSeen]:
    """A furnished account whose records take over what their contact or deal has."""
    with running(account or empty(app)) as url:
        seen = world.connect(app, url)
        furnished(world, seen)
        world.standard(app, record=True, record_inherits=True, create=True)
        yield seen


def records_of(crm: CRMSeen) -> dict[str, Mapping[str, Any]]:
    """The response records by their comment: fields, and HubSpot's associations."""
    state = crm.control("state")
    if crm.app == "hubspot":
        (rows,) = state["custom"].values()
        every = [
            {**one["properties"], **{kind: list(ids) for kind, ids in one["links"].items()}}
            for one in rows
        ]
    else:
        made = state["made"]["x_npstoday_response"] if crm.app == "odoo" else None
        every = [one["fields"] for one in made or state["records"]["NPSToday_Response__c"]]
    return {str(one[COMMENT[crm.app]]): one for one in every}


def owner_of(crm: CRMSeen, comment: str = "Friendly 😀") -> str:
    return str(records_of(crm)[comment].get(OWNED[crm.app]))


def owners(crm: CRMSeen) -> tuple[str, str]:
    """Two people of the account who may own a record."""
    if crm.app == "hubspot":
        return "4100", "4101"
    if crm.app == "odoo":
        first, second = crm.control("seed", {"users": ["Karen", "Bo"]})["users"]
        return str(first), str(second)
    users = [
        {"Username": f"{one}@acme.example", "LastName": one, "Email": f"{one}@acme.example",
         "IsActive": True} for one in ("karen", "bo")
    ]  # fmt: skip
    first, second = crm.control("seed", {"records": {"User": users}})["records"]["User"]
    return first, second


def edited(crm: CRMSeen, remote_id: str, values: Mapping[str, Any]) -> None:
    """A colleague changes a record in the CRM."""
    if crm.app == "salesforce":
        crm.control("seed", {"update": [{"id": remote_id, "values": values}]})
    else:
        crm.control("seed", {"edit": {remote_id: values}})


def owned(crm: CRMSeen, remote_id: str, owner: str) -> None:
    edited(crm, remote_id, {OWNER[crm.app]: int(owner) if crm.app == "odoo" else owner})


def employed(crm: CRMSeen, contact: str) -> str:
    """A company that the contact works for."""
    kind, name = ("accounts", "Name") if crm.app == "salesforce" else ("companies", "name")
    (company,) = crm.control("seed", {kind: [{name: "Acme"}]})[kind]
    if crm.app == "hubspot":
        crm.control("seed", {"employ": {contact: company}})
    elif crm.app == "odoo":
        edited(crm, contact, {"parent_id": int(company)})
    else:
        edited(crm, contact, {"AccountId": company})
    return str(company)


def deal_of(crm: CRMSeen, owner: str) -> str:
    """A deal that this colleague owns."""
    if crm.app == "hubspot":
        deal = {"deals": [{"dealname": "Big", "hubspot_owner_id": owner}]}
        return str(crm.control("seed", deal)["deals"][0])
    if crm.app == "odoo":
        lead = {"leads": [{"name": "Big", "user_id": int(owner)}]}
        return str(crm.control("seed", lead)["leads"][0])
    row = {"Name": "Big", "StageName": "Proposal", "CloseDate": "2026-12-01", "OwnerId": owner}
    made = crm.control("seed", {"records": {"Opportunity": [row]}})
    return str(made["records"]["Opportunity"][0])


# --- the response's own record --------------------------------------------------------------------


@pytest.mark.parametrize("app", sorted(OWNER))
def test_a_record_has_the_named_owner_else_the_deals_else_the_contacts(
    world: World, app: str
) -> None:
    with keeping(world, app) as crm:
        (contact,) = crm.seed(people(1))
        karen, bo = owners(crm)
        owned(crm, contact, karen)
        company = employed(crm, contact)
        deal = {"deal_id": deal_of(crm, bo)}
        world.push(
            answered(0, why="contact's"),
            answered(1, email=CUSTOMER, why="deal's", meta=deal),
            answered(2, email=CUSTOMER, why="named", meta={**deal, "owner_id": karen}),
            answered(3, email=CUSTOMER, why="unknown", meta={"owner_id": "999999"}),
        )
        world.settle()
        names = ("contact's", "deal's", "named")
        assert [owner_of(crm, one) for one in names] == [karen, bo, karen]
        assert owner_of(crm, "unknown") != "999999"
        assert company in str(records_of(crm)["contact's"][COMPANY[app]])
        assert not {"dead", "parked"} & set(world.states())


def test_the_owner_of_a_record_stays_when_the_response_is_edited(world: World) -> None:
    with keeping(world, "hubspot") as crm:
        (contact,) = crm.seed(people(1))
        owned(crm, contact, "4100")
        world.push(answered(0))
        world.settle()
        owned(crm, contact, "4101")
        world.push(answered(0, score=2, revision=2, at=LATER))
        world.settle()
        assert owner_of(crm) == "4100"


def test_taking_over_costs_no_call_where_the_contact_is_read_anyway(world: World) -> None:
    with keeping(world, "salesforce") as crm:
        (contact,) = crm.seed(people(1))
        owned(crm, contact, owners(crm)[0])
        world.push(answered(0))
        world.settle()
        counts = []
        for number, inherits in enumerate((True, False), start=1):
            world.standard("salesforce", record=True, record_inherits=inherits)
            before = len(crm.calls(kinds=("read",)))
            world.push(answered(number, email=CUSTOMER, why=str(inherits)))
            world.settle()
            counts.append(len(crm.calls(kinds=("read",))) - before)
        assert counts[0] == counts[1] > 0
        # And nothing is taken over unless it is asked for.
        assert owner_of(crm, "True") != owner_of(crm, "False")


def test_an_owner_who_has_left_the_org_costs_the_record_nothing(world: World) -> None:
    with keeping(world, "salesforce") as crm:
        (contact,) = crm.seed(people(1))
        karen, _ = owners(crm)
        owned(crm, contact, karen)
        edited(crm, karen, {"IsActive": False})
        world.push(answered(0))
        world.settle()
        assert owner_of(crm) != karen
        assert set(world.states()) == {"done"}


def test_a_portal_without_an_owner_property_on_custom_objects_does_without(world: World) -> None:
    portal = HubSpot(options={"enterprise": True, "custom_owner": False})
    with keeping(world, "hubspot", portal) as crm:
        (contact,) = crm.seed(people(1))
        owned(crm, contact, "4100")
        world.push(answered(0))
        world.settle()
        assert records_of(crm)["Friendly 😀"]["contacts"] == [contact]
        assert set(world.states()) == {"done"}


# --- what a mapping makes -------------------------------------------------------------------------

OPEN_VISIT = {**VISIT, "associatedObjects": ["CONTACT", "COMPANY"]}
LINKS = {"contact": "contacts", "company": "companies"}


@contextmanager
def visiting(world: World, *, links: Any = None, **changes: Any) -> Iterator[CRMSeen]:
    """A portal with visits that are linked to contact and company, and a mapping to them."""
    with running(HubSpot(options={"enterprise": True})) as url:
        told(url, "/crm-object-schemas/2026-09/schemas", OPEN_VISIT)
        crm = world.connect("hubspot", url, entities=["p14200142_visit"])
        world.mapping(
            "hubspot",
            entity="p14200142_visit",
            identify={"variable": "hidden.visit", "field": "visit_number"},
            rows=[{"variable": "answers.why", "field": "title"}],
            links=links or LINKS,
            note="none",
        )
        world.standard("hubspot", **{"note": False, "tag": False, "create": True, **changes})
        yield crm


def visits(crm: CRMSeen) -> list[Mapping[str, Any]]:
    """The visits with what they are associated with."""
    rows: list[Mapping[str, Any]] = crm.control("state")["custom"]["p14200142_visit"]
    return [{kind: list(ids) for kind, ids in one["links"].items()} for one in rows]


def visit(number: int, **changes: Any) -> dict[str, Any]:
    return answered(number, hidden={"visit": f"V-{number}"}, **changes)


def test_what_a_mapping_makes_is_linked_to_the_contact_and_its_company(world: World) -> None:
    with visiting(world) as crm:
        (contact,) = crm.seed(people(1))
        company = employed(crm, contact)
        world.push(visit(0))
        world.settle()
        assert visits(crm) == [{"contacts": [contact], "companies": [company]}]
        assert set(world.states()) == {"done"}


def test_a_contact_that_is_new_is_made_before_what_is_linked_to_it(world: World) -> None:
    with visiting(world) as crm:
        world.push(visit(0))
        world.settle()
        assert visits(crm) == [{"contacts": [str(crm.contacts()[CUSTOMER]["id"])]}]


def test_without_a_contact_the_record_is_made_and_linked_to_nothing(world: World) -> None:
    """A ticket about a detractor must not wait for somebody to enter the contact."""
    with visiting(world, create=False) as crm:
        world.push(visit(0))
        world.settle()
        assert visits(crm) == [{}]


def test_a_link_that_somebody_has_made_is_not_taken_away(world: World) -> None:
    with visiting(world) as crm:
        first, second = crm.seed(people(2))
        world.push(visit(0))
        world.settle()
        world.push(visit(0, email="c1@example.test", response_id="again", at=LATER))
        world.settle()
        (links,) = visits(crm)
        assert sorted(links["contacts"]) == sorted([first, second])


def test_a_lost_answer_about_the_links_leaves_one_record_that_is_linked(world: World) -> None:
    with visiting(world) as crm:
        (contact,) = crm.seed(people(1))
        crm.fault(r"/associate/default$", "POST", drop_after=True)
        world.push(visit(0))
        world.settle()
        assert visits(crm) == [{"contacts": [contact]}]
        assert set(world.states()) == {"done"}


def test_a_hundred_records_are_linked_by_one_call(world: World) -> None:
    with visiting(world, links={"contact": "contacts"}, fields=False) as crm:
        ids = crm.seed(people(100))
        world.linked("hubspot", {f"c{n}@example.test": one for n, one in enumerate(ids)})
        world.push(*(visit(number) for number in range(100)))
        world.settle(hurry=False)
        calls = [one for one in crm.calls() if one["path"].endswith("/associate/default")]
        assert len(calls) == 1
        assert sorted(one["contacts"][0] for one in visits(crm)) == sorted(ids)


@contextmanager
def with_cases(world: World, **settings: Any) -> Iterator[CRMSeen]:
    """An org whose cases are made by a mapping and refer to contact and account."""
    with running(Salesforce()) as url:
        crm = world.connect("salesforce", url, **settings)
        text = {"object": "Case", "name": "Visit__c", "label": "Visit", "type": "string",
                "length": 40, "external_id": True, "unique": True}  # fmt: skip
        crm.control("seed", {"fields": [text]})
        here = (world.hub.desk, world.workspace_id, crm.connection_id)
        discover.download(*here, actor="test")
        world.mapping(
            "salesforce",
            entity="Case",
            identify={"variable": "hidden.visit", "field": "Visit__c"},
            rows=[{"variable": "answers.why", "field": "Subject"}],
            links={"contact": "ContactId", "company": "AccountId"},
            note="none",
        )
        world.standard("salesforce", note=False, tag=False)
        yield crm


def case_of(crm: CRMSeen) -> Mapping[str, Any]:
    (case,) = crm.control("state")["records"]["Case"]
    fields: Mapping[str, Any] = case["fields"]
    return fields


def test_a_case_refers_to_its_contact_and_account_by_its_own_fields(world: World) -> None:
    with with_cases(world) as crm:
        (contact,) = crm.seed(people(1))
        account = employed(crm, contact)
        world.push(visit(0))
        world.settle()
        case = case_of(crm)
        assert (case["ContactId"], case["AccountId"]) == (contact, account)


def test_a_case_of_a_lead_is_made_without_a_contact(world: World) -> None:
    """A case refers to contacts alone, and the org says so only when it is written."""
    with with_cases(world, contact_or_lead="lead") as crm:
        row = {"LastName": "Prospect", "Company": "Acme", "Email": CUSTOMER}
        crm.control("seed", {"records": {"Lead": [row]}})
        world.push(visit(0))
        world.settle()
        case = case_of(crm)
        assert (case["Subject"], case.get("ContactId")) == ("Friendly 😀", None)
        assert set(world.states()) == {"done"}


def test_a_contact_deleted_on_the_way_is_looked_for_again_before_its_case(world: World) -> None:
    with with_cases(world) as crm:
        (gone,) = crm.seed(people(1))
        world.linked("salesforce", {CUSTOMER: gone})
        world.standard("salesforce", fields=False, note=False, tag=False)
        crm.control("seed", {"delete": [gone]})
        (here,) = crm.seed(people(1))
        world.push(visit(0))
        world.settle()
        assert case_of(crm)["ContactId"] == here
