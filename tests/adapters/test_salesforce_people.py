"""People who are elsewhere in an org: merged contacts, converted leads, person accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from adapters.salesforce import Salesforce
from adapters.values import Batch, Operation, Outcome, Row, Status
from schemas.fields import FieldValue
from tests.adapters.contract import people, settled
from tests.adapters.salesforce_org import Org, served


@pytest.fixture
def org() -> Iterator[Org]:
    with served() as one:
        yield one


def seed(org: Org, **told: Any) -> Any:
    return org.bench.control("seed", told)


def written(adapter: Salesforce, entity: str, *rows: Row) -> tuple[Outcome, ...]:
    return settled(adapter, adapter.write(Batch(entity, Operation.UPDATE, rows))).outcomes


def fields_of(org: Org, entity: str, remote_id: str) -> Mapping[str, Any]:
    state = org.bench.control("state")
    every = state["contacts"] if entity == "Contact" else state["records"][entity]
    return next(one["fields"] for one in every if one["id"] == remote_id)


# --- merged records -------------------------------------------------------------------------------


def test_an_update_of_a_merged_contact_tells_the_survivor_and_writes_nothing(org: Org) -> None:
    loser, survivor, other = org.seed(people(3))
    seed(org, merge=[{"loser": loser, "survivor": survivor}])
    rows = (Row("k1", {"Title": "x"}, loser), Row("k2", {"Title": "y"}, other))
    merged, neighbour = written(org.make(), "Contact", *rows)
    assert (merged.status, merged.code, merged.remote_id) == (Status.RETRY, "moved", survivor)
    assert neighbour.status is Status.WRITTEN
    assert "Title" not in fields_of(org, "Contact", survivor)


def test_rows_that_were_written_stay_so_when_the_survivor_cannot_be_asked_for(org: Org) -> None:
    loser, survivor, other = org.seed(people(3))
    seed(org, merge=[{"loser": loser, "survivor": survivor}])
    org.bench.fault("/queryAll", status=500)
    rows = (Row("k1", {"Title": "x"}, loser), Row("k2", {"Title": "y"}, other))
    outcomes = written(org.make(), "Contact", *rows)
    assert [one.code for one in outcomes] == ["not_found", ""]


def test_a_batch_without_lost_records_costs_one_call(org: Org) -> None:
    ids = org.seed(people(3))
    written(org.make(), "Contact", *(Row(one, {"Title": "x"}, one) for one in ids))
    assert len(org.bench.calls()) == 1


# --- leads ----------------------------------------------------------------------------------------


def lead(org: Org, **values: str) -> str:
    row = {"LastName": "Prospect", "Company": "Acme", "Email": "p@example.test", **values}
    made: str = seed(org, records={"Lead": [row]})["records"]["Lead"][0]
    return made


def converted(org: Org) -> tuple[str, str]:
    """A lead and the contact it became."""
    (contact,) = org.seed(people(1))
    one = lead(org)
    seed(org, convert=[{"lead": one, "contact": contact}])
    return one, contact


def test_a_lead_is_found_and_written_as_a_lead(org: Org) -> None:
    one = lead(org)
    adapter = org.make()
    (found,) = adapter.find("Lead", "Email", ["P@example.test"], want=["Lead_Remark__c"])[
        "P@example.test"
    ]
    assert found.remote_id == one
    written(adapter, "Lead", Row("k1", {"Lead_Remark__c": "warm"}, one))
    assert fields_of(org, "Lead", one)["Lead_Remark__c"] == "warm"


def test_a_converted_lead_is_found_by_its_address_as_the_contact_it_became(org: Org) -> None:
    _, contact = converted(org)
    want = ["NPS_Score__c", "Lead_Remark__c"]
    found = org.make().find("Lead", "Email", ["p@example.test"], want=want)["p@example.test"]
    assert [one.remote_id for one in found] == [contact]
    assert found[0].values == {"NPS_Score__c": None, "Lead_Remark__c": None}


def test_two_leads_that_became_one_contact_are_one_record(org: Org) -> None:
    _, contact = converted(org)
    seed(org, convert=[{"lead": lead(org), "contact": contact}])
    found = org.make().find("Lead", "Email", ["p@example.test"], want=[])["p@example.test"]
    assert [one.remote_id for one in found] == [contact]


def test_a_converted_lead_is_found_by_either_id(org: Org) -> None:
    one, contact = converted(org)
    found = org.make().find("Lead", "Id", [one, contact], want=["NPS_Score__c"])
    assert {key: each[0].remote_id for key, each in found.items()} == {
        one: contact,
        contact: contact,
    }


def test_a_row_for_a_converted_lead_is_written_on_its_contact(org: Org) -> None:
    _, contact = converted(org)
    living = lead(org, Email="q@example.test")
    rows = (Row("k1", {"NPS_Score__c": 9}, contact), Row("k2", {"NPS_Score__c": 3}, living))
    outcomes = written(org.make(), "Lead", *rows)
    assert [(one.key, one.status, one.remote_id) for one in outcomes] == [
        ("k1", Status.WRITTEN, contact),
        ("k2", Status.WRITTEN, living),
    ]
    assert fields_of(org, "Contact", contact)["NPS_Score__c"] == 9
    assert fields_of(org, "Lead", living)["NPS_Score__c"] == 3
    assert len(org.bench.calls()) == 1


def test_a_field_that_contacts_lack_is_named_and_nothing_is_sent(org: Org) -> None:
    _, contact = converted(org)
    values: dict[str, FieldValue] = {"NPS_Score__c": 9, "Lead_Remark__c": "x"}
    (outcome,) = written(org.make(), "Lead", Row("k1", values, contact))
    assert (outcome.status, outcome.code, outcome.field) == (
        Status.REJECTED,
        "lead_converted",
        "Lead_Remark__c",
    )
    assert org.bench.calls() == []


def test_a_lead_converted_between_read_and_write_tells_its_contact(org: Org) -> None:
    one, contact = converted(org)
    (outcome,) = written(org.make(), "Lead", Row("k1", {"NPS_Score__c": 9}, one))
    assert (outcome.status, outcome.code, outcome.remote_id) == (Status.RETRY, "moved", contact)


def test_a_converted_lead_whose_contact_is_gone_is_refused_by_name(org: Org) -> None:
    one, contact = converted(org)
    seed(org, delete=[contact])
    found = org.make().find("Lead", "Id", [one], want=[])[one]
    assert [each.remote_id for each in found] == [one]


def test_a_lead_that_was_merged_is_followed(org: Org) -> None:
    loser, survivor = lead(org), lead(org, Email="q@example.test")
    seed(org, merge=[{"loser": loser, "survivor": survivor}])
    assert org.make().find("Lead", "Id", [loser], want=[])[loser][0].remote_id == survivor
    (outcome,) = written(org.make(), "Lead", Row("k1", {"NPS_Score__c": 9}, loser))
    assert (outcome.code, outcome.remote_id) == ("moved", survivor)


# --- an address of both ---------------------------------------------------------------------------

ADDRESS = "p@example.test"


def both(org: Org) -> tuple[str, str]:
    """A contact and a lead with one address."""
    row = {"LastName": "Both", "Email": ADDRESS, "MailingCountry": "Norge"}
    (contact,) = seed(org, contacts=[row])["contacts"]
    return contact, lead(org, Country="Danmark")


def found(org: Org, entity: str, *want: str, **settings: str) -> Any:
    told = org.make(settings=settings).find(entity, "Email", [ADDRESS, "x@y.test"], want=want)
    assert told["x@y.test"] == ()
    return told[ADDRESS]


@pytest.mark.parametrize(
    ("settings", "for_contact", "for_lead"),
    [
        ({}, "contact", "contact"),
        ({"contact_or_lead": "contact"}, "contact", "contact"),
        ({"contact_or_lead": "lead"}, "lead", "lead"),
        ({"contact_or_lead": "each"}, "contact", "lead"),
    ],
)
def test_the_setting_says_who_is_meant(
    org: Org, settings: dict[str, str], for_contact: str, for_lead: str
) -> None:
    ids = dict(zip(("contact", "lead"), both(org), strict=True))
    assert [one.remote_id for one in found(org, "Contact", **settings)] == [ids[for_contact]]
    assert [one.remote_id for one in found(org, "Lead", **settings)] == [ids[for_lead]]


@pytest.mark.parametrize("preferred", ["contact", "lead"])
def test_who_is_only_one_of_them_is_found_as_that(org: Org, preferred: str) -> None:
    one = lead(org)
    assert [each.remote_id for each in found(org, "Lead", contact_or_lead=preferred)] == [one]
    as_contact = [each.remote_id for each in found(org, "Contact", contact_or_lead=preferred)]
    assert as_contact == ([one] if preferred == "lead" else [])


def test_a_contact_in_a_leads_place_is_read_and_written_by_its_own_names(org: Org) -> None:
    contact, other = both(org)
    want = ["Country", "NPS_Score__c", "Lead_Remark__c"]
    (one,) = found(org, "Lead", *want)
    assert one.values == {"Country": "Norge", "NPS_Score__c": None, "Lead_Remark__c": None}
    row = Row("k1", {"Country": "Sverige", "NPS_Score__c": 9}, contact)
    (outcome,) = written(org.make(), "Lead", row)
    assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, contact)
    told = fields_of(org, "Contact", contact)
    assert (told["MailingCountry"], told["NPS_Score__c"]) == ("Sverige", 9)
    assert "NPS_Score__c" not in fields_of(org, "Lead", other)


def test_a_lead_in_a_contacts_place_is_read_and_written_by_its_own_names(org: Org) -> None:
    _, one = both(org)
    adapter = org.make(settings={"contact_or_lead": "lead"})
    want = ["MailingCountry", "NPSToday_Tags__c", "Department"]
    for field, value in (("Email", ADDRESS), ("Id", one)):
        (record,) = adapter.find("Contact", field, [value], want=want)[value]
        expected = {"MailingCountry": "Danmark", "NPSToday_Tags__c": None, "Department": None}
        assert record.values == expected
    tags = ("NPSToday.Fair.9",)
    row = Row("k1", {"MailingCountry": "Sverige", "NPSToday_Tags__c": tags}, one)
    (outcome,) = written(adapter, "Contact", row)
    assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, one)
    told = fields_of(org, "Lead", one)
    assert (told["Country"], told["NPSToday_Tags__c"]) == ("Sverige", tags[0])


def test_a_field_that_leads_lack_is_named_and_nothing_is_sent(org: Org) -> None:
    _, one = both(org)
    row = Row("k1", {"NPS_Score__c": 9, "Department": "x"}, one)
    (outcome,) = written(org.make(settings={"contact_or_lead": "lead"}), "Contact", row)
    assert (outcome.status, outcome.code, outcome.field) == (
        Status.REJECTED,
        "lead_field",
        "Department",
    )
    assert [call for call in org.bench.calls() if call["method"] == "PATCH"] == []


def test_a_lead_in_a_contacts_place_that_is_converted_is_followed(org: Org) -> None:
    contact, one = both(org)
    adapter = org.make(settings={"contact_or_lead": "lead"})
    seed(org, convert=[{"lead": one, "contact": contact}])
    (outcome,) = written(adapter, "Contact", Row("k1", {"NPS_Score__c": 9}, one))
    assert (outcome.code, outcome.remote_id) == ("moved", contact)
    assert adapter.find("Contact", "Id", [one], want=[])[one][0].remote_id == contact
    assert [each.remote_id for each in found(org, "Contact", contact_or_lead="lead")] == [contact]


RECORD = "NPSToday_Response__c"


def recorded(org: Org, contact: str, remote_id: str | None = None) -> Outcome:
    """A response record of this person is written."""
    operation = Operation.UPDATE if remote_id else Operation.CREATE
    key: dict[str, FieldValue] = {} if remote_id else {"Response_Id__c": "r1"}
    batch = Batch(RECORD, operation, (Row("k1", {**key, "Contact__c": contact}, remote_id),))
    adapter = org.make(settings={"contact_or_lead": "lead"})
    (outcome,) = settled(adapter, adapter.write(batch)).outcomes
    return outcome


def test_a_response_of_a_lead_refers_to_the_lead_until_it_becomes_a_contact(org: Org) -> None:
    contact, one = both(org)
    made = recorded(org, one)
    held = fields_of(org, RECORD, str(made.remote_id))
    assert (held.get("Contact__c"), held["Lead__c"]) == (None, one)
    adapter = org.make()
    (seen,) = adapter.find(RECORD, "Response_Id__c", ["r1"], want=["Contact__c"])["r1"]
    assert seen.values["Contact__c"] == one
    assert recorded(org, contact, seen.remote_id).status is Status.WRITTEN
    (seen,) = adapter.find(RECORD, "Response_Id__c", ["r1"], want=["Contact__c"])["r1"]
    assert seen.values["Contact__c"] == contact


def test_a_lead_that_is_gone_is_named_by_the_hubs_own_field(org: Org) -> None:
    _, one = both(org)
    seed(org, delete=[one])
    outcome = recorded(org, one)
    assert (outcome.status, outcome.field) == (Status.REJECTED, "Contact__c")


def test_a_record_of_an_older_package_stands_without_its_lead(org: Org) -> None:
    org.bench.control("options", {"field_changes": {f"{RECORD}.Lead__c": {"visible": False}}})
    org.definitions = {one.name: one for one in org.make().entities()}
    _, one = both(org)
    outcome = recorded(org, one)
    assert outcome.status is Status.WRITTEN
    assert "Contact__c" not in fields_of(org, RECORD, str(outcome.remote_id))


# --- person accounts ------------------------------------------------------------------------------

VALUES: dict[str, FieldValue] = {"NPS_Score__c": 9, "Title": "Owner", "Phone": "+45 1"}


@pytest.fixture
def person(org: Org) -> Mapping[str, str]:
    """One person account; the definitions are those of an org with the feature."""
    org.bench.control("options", {"person_accounts": True})
    org.definitions = {one.name: one for one in org.make().entities()}
    row = {"LastName": "Person", "Email": "person@example.test"}
    made: Mapping[str, str] = seed(org, persons=[row])["persons"][0]
    return made


def test_a_person_is_written_through_the_account(org: Org, person: Mapping[str, str]) -> None:
    adapter = org.make()
    (found,) = adapter.find("Contact", "Email", ["person@example.test"], want=["NPS_Score__c"])[
        "person@example.test"
    ]
    assert found.remote_id == person["contact"]
    (outcome,) = written(adapter, "Contact", Row("k1", VALUES, found.remote_id))
    assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, person["contact"])
    told = fields_of(org, "Account", person["account"])
    assert (told["NPS_Score__pc"], told["PersonTitle"], told["Phone"]) == (9, "Owner", "+45 1")
    assert fields_of(org, "Contact", person["contact"])["NPS_Score__c"] == 9


def test_who_is_a_person_is_known_from_the_look(org: Org, person: Mapping[str, str]) -> None:
    adapter = org.make()
    before = len(org.bench.calls())
    adapter.find("Contact", "Id", [person["contact"]], want=[])
    written(adapter, "Contact", Row("k1", VALUES, person["contact"]))
    assert len(org.bench.calls()) - before == 2


def test_who_is_a_person_is_asked_where_nobody_looked(org: Org, person: Mapping[str, str]) -> None:
    (plain,) = org.seed(people(1))
    rows = (Row("k1", VALUES, person["contact"]), Row("k2", VALUES, plain))
    before = len(org.bench.calls())
    assert {one.status for one in written(org.make(), "Contact", *rows)} == {Status.WRITTEN}
    assert len(org.bench.calls()) - before == 2


def test_a_refusal_of_the_account_names_the_contacts_field(
    org: Org, person: Mapping[str, str]
) -> None:
    row = Row("k1", {"Invoice_Email__c": "no address"}, person["contact"])
    (outcome,) = written(org.make(), "Contact", row)
    assert (outcome.code, outcome.field) == ("not_an_email", "Invoice_Email__c")


def test_a_field_the_account_lacks_is_named(org: Org, person: Mapping[str, str]) -> None:
    row = Row("k1", {"NPS_Score__c": 9, "Description": "x"}, person["contact"])
    (outcome,) = written(org.make(), "Contact", row)
    assert (outcome.code, outcome.field) == ("person_account_field", "Description")


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"person_contact_writable": True}, ""), ({"person_contact_writable": False}, "no_access")],
)
def test_as_contacts_where_the_admin_says_so(
    org: Org, person: Mapping[str, str], options: Mapping[str, Any], expected: str
) -> None:
    org.bench.control("options", options)
    adapter = org.make(settings={"person_accounts": "contact"})
    (outcome,) = written(adapter, "Contact", Row("k1", VALUES, person["contact"]))
    assert outcome.code == expected


def test_not_at_all_where_the_admin_says_so(org: Org, person: Mapping[str, str]) -> None:
    (plain,) = org.seed(people(1))
    adapter = org.make(settings={"person_accounts": "refuse"})
    rows = (Row("k1", VALUES, person["contact"]), Row("k2", VALUES, plain))
    outcomes = written(adapter, "Contact", *rows)
    assert [one.code for one in outcomes] == ["person_account", ""]
