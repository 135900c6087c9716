"""The standard integration: one switch brings standard fields, company, note and tag, and nothing
by guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from adapters.registry import traits_of
from connector.connections import connect, discover
from connector.problems import Refusal
from connector.responses.configuration import standard
from connector.tables import contact
from schemas.config import StandardIntegrationSchema
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.responses.conftest import FAST, SIMULATORS
from tests.world import SETTINGS, CRMSeen, World, answered, people

COMPANY = {
    "hubspot": ("associatedcompanyid", "companies"),
    "odoo": ("parent_id", "companies"),
    "salesforce": ("AccountId", "accounts"),
    "zendesk": ("organization_id", "organizations"),
}


@pytest.fixture(params=sorted(SIMULATORS))
def switched_on(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """Each CRM, with the standard integration and no mapping."""
    app = request.param
    with running(SIMULATORS[app](options=FAST.get(app, {}))) as url:
        seen = world.connect(app, url)
        yield seen


def known(world: World, number: int, **columns: Any) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            insert(contact).values(
                workspace_id=world.workspace_id,
                email=f"c{number}@example.test",
                email_key=f"c{number}@example.test",
                first_name="Søren",
                last_name=f"Contact {number}",
                **columns,
            )
        )


def test_standard_fields_note_and_tag_arrive_without_a_mapping(
    world: World, switched_on: CRMSeen
) -> None:
    switched_on.seed(people(1))
    world.standard(switched_on.app)
    known(world, 0, phone="+4512345678")
    world.push(answered(0))
    world.settle()
    assert world.states() == {"done": 3}
    assert len(switched_on.notes("c0@example.test")) == 1
    assert len(switched_on.tags("c0@example.test")) == 1
    fields = switched_on.contacts()["c0@example.test"]
    assert "+4512345678" in str(fields)


def test_the_contacts_address_arrives_where_the_crm_keeps_one(
    world: World, switched_on: CRMSeen
) -> None:
    address = {"street": "Nørregade 5", "postal_code": "1165", "city": "København K"}
    kept = traits_of(switched_on.app).standard_fields.keys() & address.keys()
    switched_on.seed(people(1))
    world.standard(switched_on.app)
    known(world, 0, attributes=address)
    world.push(answered(0))
    world.settle()
    told = str(switched_on.contacts()["c0@example.test"])
    assert {one for one in address if address[one] in told} == kept
    assert bool(kept) == (switched_on.app != "zendesk")


def test_a_filled_field_is_kept_unless_overwriting_is_asked(
    world: World, switched_on: CRMSeen
) -> None:
    switched_on.seed(people(1))
    world.standard(switched_on.app)
    known(world, 0, phone="+4511111111")
    world.push(answered(0))
    world.settle()
    world.rows("UPDATE contact SET phone = '+4522222222' RETURNING id")
    world.push(answered(1, email="c0@example.test", at="2026-11-23T01:02:00Z"))
    world.settle()
    assert "+4511111111" in str(switched_on.contacts()["c0@example.test"])
    world.standard(switched_on.app, overwrite=True)
    world.push(answered(2, email="c0@example.test", at="2026-11-24T01:02:00Z"))
    world.settle()
    assert "+4522222222" in str(switched_on.contacts()["c0@example.test"])


def test_without_leave_to_create_an_unknown_contact_is_not_found(
    world: World, switched_on: CRMSeen
) -> None:
    world.standard(switched_on.app)
    world.push(answered(0))
    world.settle()
    assert {one.reason for one in world.deliveries()} == {"not_found"}
    assert switched_on.contacts() == {}


def test_a_company_is_made_once_and_both_contacts_belong_to_it(
    world: World, switched_on: CRMSeen
) -> None:
    field, kind = COMPANY[switched_on.app]
    world.standard(switched_on.app, create=True, company="name")
    for number in (0, 1):
        known(world, number, company="Nordlys A/S")
    world.push(answered(0), answered(1))
    world.settle()
    state = switched_on.control("state")
    names = [str(one).count("Nordlys A/S") for one in state[kind]]
    assert len([one for one in names if one]) == 1
    company_id = str(state[kind][0]["id"])
    seen = switched_on.contacts()
    raw = [str(seen[f"c{number}@example.test"]) for number in (0, 1)]
    assert all(company_id in one for one in raw), (field, raw)


def test_a_contact_that_holds_its_company_as_text_too_has_both(
    world: World, switched_on: CRMSeen
) -> None:
    if "company" not in traits_of(switched_on.app).standard_fields:
        pytest.skip("this CRM's contact has no text for it")
    world.standard(switched_on.app, create=True, company="name")
    known(world, 0, company="Nordlys A/S")
    world.push(answered(0))
    world.settle()
    assert "Nordlys A/S" in str(switched_on.contacts()["c0@example.test"]["properties"])


def saved(world: World, app: str, by: str | None) -> Any:
    made = connect.create(
        world.hub.desk, world.workspace_id, app=app, name=f"{app} {by}", auth="oauth",
        base_url=None, settings=SETTINGS[app], actor="test",
    )  # fmt: skip
    body = StandardIntegrationSchema().load({"enabled": True, "company": by})
    with world.database.begin(world.workspace_id) as store:
        return standard.save(store, world.workspace_id, made.id, body)


def test_a_way_to_match_companies_that_the_crm_has_is_saved(world: World) -> None:
    assert saved(world, "zendesk", "external_id")["company"] == "external_id"
    assert saved(world, "zendesk", None)["company"] is None
    assert saved(world, "hubspot", "domain")["company"] == "domain"


def test_a_way_to_match_companies_that_the_crm_lacks_is_refused_by_name(world: World) -> None:
    with pytest.raises(Refusal) as told:
        saved(world, "zendesk", "domain")
    (place,) = told.value.places
    assert (place.pointer, place.code) == ("/company", "operation_unsupported")
    assert place.text == "Zendesk finds companies by name or external_id, not by domain"


def test_a_standard_field_that_was_retyped_is_left_out_and_told(world: World) -> None:
    with running(HubSpot()) as url:
        portal = world.connect("hubspot", url)
        portal.seed(people(1))
        retyped = {"name": "phone", "label": "Phone", "type": "number", "fieldType": "number"}
        portal.control("seed", {"properties": {"contacts": [retyped]}})
        discover.download(world.hub.desk, world.workspace_id, portal.connection_id, actor="test")
        world.standard("hubspot")
        known(world, 0, phone="+4512345678", company="Nordlys A/S")
        world.push(answered(0))
        world.settle()
        assert world.states() == {"done": 3}
        assert "Nordlys A/S" in str(portal.contacts()["c0@example.test"])
        with world.database.begin(world.workspace_id) as store:
            told = standard.read(store, world.workspace_id, portal.connection_id)
            mapping = standard.prefilled(store, world.workspace_id, portal.connection_id)
    assert told["missing_fields"] == ["phone"]
    (left,) = mapping["open"]
    assert (left["variable"], left["field"]) == ("contact.phone", "phone")
    assert left["nearest"][0] == "mobilephone"
    assert "phone" not in {row["field"] for row in mapping["mapping"]["rows"]}
