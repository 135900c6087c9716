"""A contact's company at HubSpot: found by domain or name, made once, linked as the primary one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import insert

from connector.tables import contact
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.world import CRMSeen, World, answered, people

PRIMARY, ANY = 1, 279


@pytest.fixture(params=["at_once", "never"])
def portal(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """A portal whose contacts tell their primary company in a property, and one where they do not
    (unverified which is true).
    """
    with running(HubSpot(options={"primary_property": request.param})) as url:
        yield world.connect("hubspot", url)


def known(world: World, number: int, **columns: Any) -> None:
    email = f"c{number}@example.test"
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            insert(contact).values(
                workspace_id=world.workspace_id, email=email, email_key=email, **columns
            )
        )


def companies(portal: CRMSeen) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = portal.control("state")["companies"]
    return found


def employers(portal: CRMSeen, number: int = 0) -> Mapping[str, list[int]]:
    """The contact's companies with their types of association."""
    found: Mapping[str, list[int]] = portal.contacts()[f"c{number}@example.test"]["companies"]
    return {one: sorted(types) for one, types in found.items()}


def test_a_company_that_is_there_becomes_the_primary_one(world: World, portal: CRMSeen) -> None:
    portal.seed(people(1))
    (company,) = portal.control("seed", {"companies": [{"domain": "Nordlys.test"}]})["companies"]
    world.standard("hubspot", company="domain")
    known(world, 0, attributes={"company_domain": "nordlys.TEST"})
    world.push(answered(0))
    world.settle()
    assert employers(portal) == {company: [PRIMARY, ANY]}
    assert world.states() == {"done": 3}
    (entry,) = world.rows("SELECT before, after FROM ledger WHERE field = 'associatedcompanyid'")
    assert (entry.before, entry.after) == (None, company)


def test_a_primary_company_is_kept_unless_overwriting_is_asked(
    world: World, portal: CRMSeen
) -> None:
    portal.seed(people(1))
    told = {"companies": [{"name": "Old"}, {"name": "New"}]}
    old, new = portal.control("seed", told)["companies"]
    portal.control("seed", {"employ": {"c0@example.test": old}})
    known(world, 0, company="New")
    world.standard("hubspot", company="name")
    world.push(answered(0))
    world.settle()
    assert employers(portal) == {old: [PRIMARY, ANY]}
    world.standard("hubspot", company="name", overwrite=True)
    world.push(answered(1, email="c0@example.test", at="2026-11-23T01:02:00Z"))
    world.settle()
    # The old one stays associated: only "primary" moves.
    assert employers(portal) == {old: [ANY], new: [PRIMARY, ANY]}


def test_two_companies_of_one_domain_are_not_guessed_between(world: World, portal: CRMSeen) -> None:
    portal.seed(people(1))
    portal.control("seed", {"companies": [{"domain": "two.test"}, {"domain": "two.test"}]})
    world.standard("hubspot", company="domain", create=True)
    known(world, 0, phone="+4512345678", attributes={"company_domain": "two.test"})
    world.push(answered(0))
    world.settle()
    assert employers(portal) == {}
    assert len(companies(portal)) == 2
    (refused,) = [one for one in world.deliveries() if one.entity == "companies"]
    assert (refused.state, refused.reason) == ("dead", "ambiguous")
    assert "+4512345678" in str(portal.contacts()["c0@example.test"])


def test_a_company_that_search_cannot_know_yet_is_made_once(world: World, portal: CRMSeen) -> None:
    portal.control("options", {"index_lag_s": 3600})
    portal.seed(people(3))
    world.standard("hubspot", company="domain", create=True)
    for number in range(3):
        known(world, number, company="Nordlys A/S", attributes={"company_domain": "nordlys.test"})
    world.push(answered(0))
    world.settle()
    # A later wave, and then a second connection that has learnt nothing about the portal.
    world.push(answered(1))
    world.settle()
    world.rows("UPDATE connection SET learnt = '{}' RETURNING id")
    world.push(answered(2))
    world.settle()
    (company,) = companies(portal)
    assert company["properties"]["npstoday_key"] == "domain:nordlys.test"
    assert company["properties"]["name"] == "Nordlys A/S"
    assert [employers(portal, one) for one in range(3)] == [{company["id"]: [PRIMARY, ANY]}] * 3


@pytest.mark.parametrize(
    "path", ["/companies/batch/create", "/properties/2026-09/companies$"], ids=["record", "key"]
)
def test_a_company_made_without_an_answer_is_not_made_again(
    world: World, portal: CRMSeen, path: str
) -> None:
    portal.control("options", {"index_lag_s": 3600})
    if "batch" in path:
        key = {"name": "npstoday_key", "label": "Key", "fieldType": "text", "unique": True}
        portal.control("seed", {"properties": {"companies": [key]}})
    portal.seed(people(1))
    world.standard("hubspot", company="name", create=True)
    known(world, 0, company="Nordlys A/S")
    portal.fault(path, drop_after=True)
    world.push(answered(0))
    world.settle()
    (company,) = companies(portal)
    assert employers(portal) == {company["id"]: [PRIMARY, ANY]}
    faulted = [one for one in portal.calls() if one["path"].endswith("/companies/batch/create")]
    assert len(faulted) >= 2


def test_a_link_made_without_an_answer_is_in_the_ledger_once(world: World, portal: CRMSeen) -> None:
    portal.seed(people(1))
    (company,) = portal.control("seed", {"companies": [{"name": "Nordlys A/S"}]})["companies"]
    world.standard("hubspot", company="name")
    known(world, 0, company="Nordlys A/S")
    portal.fault("/associations/.*/batch/create", drop_after=True)
    world.push(answered(0))
    world.settle()
    assert employers(portal) == {company: [PRIMARY, ANY]}
    entries = world.rows("SELECT before, after FROM ledger WHERE field = 'associatedcompanyid'")
    assert [(one.before, one.after) for one in entries] == [(None, company)]


def test_a_missing_scope_for_the_link_parks_only_what_needs_it(
    world: World, portal: CRMSeen
) -> None:
    portal.control("options", {"removed_scopes": ["crm.objects.companies.write"]})
    portal.seed(people(1))
    portal.control("seed", {"companies": [{"name": "Nordlys A/S"}]})
    world.standard("hubspot", company="name")
    world.mapping("hubspot")
    known(world, 0, company="Nordlys A/S")
    world.push(answered(0))
    world.settle()
    (parked,) = world.deliveries(state="parked")
    assert parked.reason == "scope"
    assert "crm.objects.companies.write" in parked.error
    assert portal.value("c0@example.test", "score") == "9"


def test_without_leave_to_make_the_key_the_contact_goes_on_without_a_new_company(
    world: World, portal: CRMSeen
) -> None:
    portal.control("options", {"removed_scopes": ["crm.schemas.companies.write"]})
    portal.seed(people(1))
    world.standard("hubspot", company="name", create=True)
    known(world, 0, phone="+4512345678", company="Nordlys A/S")
    world.push(answered(0))
    world.settle()
    (parked,) = world.deliveries(state="parked")
    assert (parked.entity, parked.reason) == ("companies", "scope")
    assert "crm.schemas.companies.write" in parked.error
    assert companies(portal) == []
    assert "+4512345678" in str(portal.contacts()["c0@example.test"])


def test_a_company_deleted_between_look_up_and_link_refuses_that_contact_alone(
    world: World, portal: CRMSeen
) -> None:
    portal.seed(people(2))
    told = {"companies": [{"name": "Gone"}, {"name": "Here"}]}
    gone, here = portal.control("seed", told)["companies"]
    world.standard("hubspot", company="name")
    known(world, 0, company="Gone")
    known(world, 1, company="Here")
    portal.control("seed", {"delete_companies": [gone]})
    world.push(answered(0), answered(1))
    world.settle()
    assert employers(portal, 1) == {here: [PRIMARY, ANY]}
    refused = [one for one in world.deliveries() if one.error_code == "invalid_reference"]
    assert [one.error_field for one in refused] == ["associatedcompanyid"]


RESPONSES, EMPLOYERS = 1_000, 50


def test_a_thousand_responses_of_fifty_companies_cost_few_calls(world: World) -> None:
    """Within the bar of forty once each contact has its company; the first time each is linked."""
    with running(HubSpot(options={"ten_secondly": 10_000, "search_secondly": 1_000})) as url:
        portal = world.connect("hubspot", url)
        ids = portal.seed(people(RESPONSES))
        told = [{"name": f"Company {number}"} for number in range(EMPLOYERS)]
        portal.control("seed", {"companies": told})
        world.mapping("hubspot")
        world.standard("hubspot", company="name", create=True, note=False)
        world.linked("hubspot", {f"c{number}@example.test": one for number, one in enumerate(ids)})
        world.rows(
            f"UPDATE contact SET company = 'Company ' || (id % {EMPLOYERS}) RETURNING id"  # noqa: S608
        )
        # The campaign's tags have their options already.
        world.push(answered(0, response_id="earlier", at="2026-11-01T00:00:00Z"))
        world.settle()
        costs = []
        for first in (0, RESPONSES):
            since = len(portal.calls())
            at = f"2026-11-{22 + first // RESPONSES}T01:02:00Z"
            emails = [f"c{number}@example.test" for number in range(RESPONSES)]
            world.push(
                *(
                    answered(first + n, email=one, at=at, score=first // RESPONSES)
                    for n, one in enumerate(emails)
                )
            )
            world.settle(for_s=200, hurry=False)
            made = [one for one in portal.calls()[since:] if one["kind"] in {"read", "write"}]
            costs.append(len(made))
        assert all(one["companies"] for one in portal.contacts().values())
    first, second = costs
    assert second <= 40, costs
    assert first <= 60, costs
