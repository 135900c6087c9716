"""Record types of an org: the options each offers are downloaded; a refusal names the type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.values import Batch, Operation, Outcome, Row, Status
from schemas.fields import Entity, entity_from_json, entity_to_json
from tests.adapters.contract import people, settled
from tests.adapters.salesforce_org import Org, served

OFFERED = ("Satisfied", "Neutral")
SATISFACTION = "Satisfaction__c"


@pytest.fixture
def org() -> Iterator[Org]:
    with served() as one:
        yield one


def typed(org: Org, name: str = "Partner", **told: Any) -> str:
    """A record type of contacts that offers only some degrees of satisfaction."""
    one = {"object": "Contact", "name": name, "label": f"{name}s",
           "options": {SATISFACTION: OFFERED, "LeadSource": ["Web"]}}  # fmt: skip
    made: str = org.bench.control("seed", {"record_types": [one | told]})["record_types"][0]
    return made


def contacts(org: Org) -> Entity:
    found = next(one for one in org.make().entities() if one.name == "Contact")
    org.definitions = {**org.definitions, "Contact": found}
    return found


def written(org: Org, *rows: Row, creating: bool = False) -> tuple[Outcome, ...]:
    adapter = org.make()
    operation = Operation.CREATE if creating else Operation.UPDATE
    return settled(adapter, adapter.write(Batch("Contact", operation, rows))).outcomes


def of_type(org: Org, remote_id: str, record_type: str) -> None:
    org.bench.control(
        "seed", {"update": [{"id": remote_id, "values": {"RecordTypeId": record_type}}]}
    )


def test_an_object_without_record_types_costs_no_further_call(org: Org) -> None:
    assert contacts(org).record_types == ()
    assert [one for one in org.bench.calls() if "ui-api" in one["path"]] == []


def test_the_options_each_record_type_offers_are_downloaded(org: Org) -> None:
    typed(org)
    found = contacts(org)
    (record_type,) = found.record_types
    assert (record_type.name, record_type.label) == ("Partner", "Partners")
    assert found.by_name()[SATISFACTION].offered_by == {"Partner": OFFERED}
    assert found.by_name()["Contact_Channels__c"].offered == ()


def test_definitions_with_record_types_survive_being_stored(org: Org) -> None:
    typed(org, default=True)
    found = contacts(org)
    assert entity_from_json(entity_to_json(found)) == found


def test_a_record_type_that_nobody_may_use_any_more_is_left_out(org: Org) -> None:
    typed(org, active=False)
    assert contacts(org).record_types == ()


def test_a_record_type_whose_options_are_kept_from_this_user_narrows_nothing(org: Org) -> None:
    typed(org, told=False)
    found = contacts(org)
    assert [one.name for one in found.record_types] == ["Partner"]
    assert found.by_name()[SATISFACTION].offered == ()


def test_a_refused_option_names_the_field_and_the_record_type(org: Org) -> None:
    record_type = typed(org)
    contacts(org)
    one, other = org.seed(people(2))
    of_type(org, one, record_type)
    rows = (Row(key, {SATISFACTION: "Dissatisfied"}, key) for key in (one, other))
    refused, taken = written(org, *rows)
    assert taken.status is Status.WRITTEN
    told = (refused.status, refused.code, refused.field)
    assert told == (Status.REJECTED, "option_not_offered", SATISFACTION)
    assert "Partners" in refused.message
    assert "Satisfaction" in refused.message
    assert "Dissatisfied" not in refused.message


def test_a_batch_without_such_a_refusal_asks_for_no_record_type(org: Org) -> None:
    record_type = typed(org)
    contacts(org)
    (one,) = org.seed(people(1))
    of_type(org, one, record_type)
    before = len(org.bench.calls())
    written(org, Row("k", {SATISFACTION: "Neutral"}, one))
    assert len(org.bench.calls()) == before + 1


def test_a_new_record_is_refused_by_the_users_default_type(org: Org) -> None:
    typed(org, default=True)
    contacts(org)
    values = {"LastName": "New", SATISFACTION: "Dissatisfied"}
    (refused,) = written(org, Row("k", values), creating=True)
    assert (refused.code, refused.field) == ("option_not_offered", SATISFACTION)


def test_an_open_list_takes_what_the_record_type_does_not_offer(org: Org) -> None:
    record_type = typed(org)
    contacts(org)
    (one,) = org.seed(people(1))
    of_type(org, one, record_type)
    (outcome,) = written(org, Row("k", {"LeadSource": "Other"}, one))
    assert outcome.status is Status.WRITTEN


def test_an_option_that_the_list_has_lost_is_not_blamed_on_the_record_type(org: Org) -> None:
    record_type = typed(org)
    contacts(org)
    (one,) = org.seed(people(1))
    of_type(org, one, record_type)
    changes = {f"Contact.{SATISFACTION}": {"values": ["Satisfied"]}}
    org.bench.control("options", {"field_changes": changes})
    (outcome,) = written(org, Row("k", {SATISFACTION: "Neutral"}, one))
    assert outcome.code == "unknown_option"


def test_a_refusal_stands_when_the_record_type_cannot_be_asked_for(org: Org) -> None:
    record_type = typed(org)
    contacts(org)
    (one,) = org.seed(people(1))
    of_type(org, one, record_type)
    org.bench.fault("/queryAll", status=500)
    (outcome,) = written(org, Row("k", {SATISFACTION: "Dissatisfied"}, one))
    assert (outcome.status, outcome.code) == (Status.REJECTED, "unknown_option")
