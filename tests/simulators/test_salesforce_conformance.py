"""The simulated Salesforce against what the real one was recorded to answer, and own examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest

from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.simulators.conformance import Client, Exchange, check, differences, examples, recorded

ROOT = "/services/data/v66.0"
MATCHED_AT_LEAST = 82
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ANY_ID = re.compile(r"\b(a00|a01|003)[0-9A-Za-z]{12,15}\b")
HOMES = {"a00": "CustomObject__c", "a01": "CustomObjectDetail__c", "003": "Contact"}
REFERENCE = {"type": "reference", "length": 18}
OBJECTS = [
    {
        "name": "CustomObject__c",
        "prefix": "a00",
        "fields": [
            {"name": "Name", "label": "Name", "length": 80, "defaulted": True, "name_field": True},
            {"name": "Friend__c", "label": "Friend", **REFERENCE, "reference_to": ["Contact"],
             "relationship": "Friend__r"},
            {"name": "SynchronizationId__c", "label": "Sync", "length": 40, "external_id": True},
            {"name": "Example_Field__c", "label": "Example", "length": 255},
            {"name": "Visible__c", "label": "Visible", "type": "boolean", "nillable": False},
        ],
    },
    {
        "name": "CustomObjectDetail__c",
        "prefix": "a01",
        "fields": [
            {"name": "Name", "label": "Name", "length": 80, "defaulted": True, "name_field": True},
            {"name": "CustomObject__c", "label": "Custom", **REFERENCE,
             "reference_to": ["CustomObject__c"], "relationship": "CustomObject__r"},
        ],
    },
]  # fmt: skip
# The recording is of 2015: later API versions describe more.
LATER_VERSIONS = {
    r"^\$\.(hasSubtypes|isInterface|isSubtype|implementedBy|implementsInterfaces|extendedBy"
    r"|extendsInterfaces|defaultImplementation|networkScopeFieldName|sobjectDescribeOption"
    r"|supportedScopes|actionOverrides|namedLayoutInfos|mruEnabled|deepCloneable"
    r"|associateEntityType|associateParentEntity): only in ours": "describe, added since 2015",
    r"^\$\.fields\[\]\.(aggregatable|aiPredictionField|compoundFieldName|encrypted|extraTypeInfo"
    r"|filteredLookupInfo|formulaTreatNullNumberAsZero|highScaleNumber|mask|maskType"
    r"|polymorphicForeignKey|queryByDistance|referenceTargetField|searchPrefilterable"
    r"): only in ours": "fields of a describe, added since 2015",
    r"^\$\.childRelationships\[\]\.junction\w+: only in ours": "added since 2015",
    r"^\$\.recordTypeInfos\[\]\.(active|developerName|master): only in ours": "added since 2015",
}


@pytest.fixture
def salesforce() -> Iterator[Client]:
    with running(Salesforce()) as base_url:
        client = Client(base_url)
        token = client.control("oauth", {"issue": {}})["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
        client.close()


def prepare(client: Client, one: Exchange) -> Exchange:
    """A fresh org with the recorded objects and records; recorded ids become ours."""
    client.control("reset")
    token = client.control("oauth", {"issue": {}})["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    client.control("seed", {"objects": OBJECTS})
    target = one.target.replace("/data/<api_version>", "/data/v41.0")
    asked = replace(one, target=quote(unquote(target), safe="/?=&,:%'!"))
    for told in dict.fromkeys(match.group() for match in ANY_ID.finditer(_asked(one))):
        ours = _seeded(client, told, one)
        asked = replace(
            asked, target=asked.target.replace(told, ours), body=_with(asked, told, ours)
        )
    if "query" in one.path and not ANY_ID.search(unquote(one.target)):
        _seed_answers(client, one)
    if "/SynchronizationId__c/" in one.target:
        value = one.path.rpartition("/")[2]
        row = {"SynchronizationId__c": value}
        client.control("seed", {"records": {"CustomObject__c": [row]}})
    if one.status == 404:
        client.control("seed", {"delete": [asked.path.rpartition("/")[2]]})
    return asked


def _asked(one: Exchange) -> str:
    return f"{unquote(one.target)} {json.dumps(one.body)}"


def _with(asked: Exchange, told: str, ours: str) -> Any:
    return json.loads(json.dumps(asked.body).replace(told, ours))


def _seeded(client: Client, told: str, one: Exchange) -> str:
    """A record for an id the exchange names: the one its query found, or any."""
    home = HOMES[told[:3]]
    person = {"LastName": "Recorded", "Email": "somebody@example.com"}
    values: dict[str, Any] = person if home == "Contact" else {}
    made: str = client.control("seed", {"records": {home: [values]}})["records"][home][0]
    _seed_answers(client, one, links={told: made}, known=made)
    return made


def _seed_answers(
    client: Client, one: Exchange, *, links: dict[str, str] | None = None, known: str = ""
) -> None:
    """Records like those the recorded query found."""
    found = one.answer.get("records", []) if isinstance(one.answer, dict) else []
    for record in found:
        home = record["attributes"]["type"]
        kept = {key: value for key, value in record.items() if key.endswith("__c") or key == "Name"}
        named = re.search(r"where Name = '([^']*)'", unquote(one.target))
        kept = {**kept, "Name": named[1]} if named else kept
        values = json.loads(_replaced(json.dumps(kept), links or {}))
        if HOMES.get(known[:3]) == home:
            client.control("seed", {"update": [{"id": known, "values": values}]})
        else:
            client.control("seed", {"records": {home: [values]}})


def _replaced(text: str, links: dict[str, str]) -> str:
    for told, ours in links.items():
        text = text.replace(told, ours)
    return text


def test_the_simulator_answers_as_the_real_salesforce_was_recorded(salesforce: Client) -> None:
    exchanges = recorded("salesforce")
    report = check(
        exchanges, salesforce, prepare=lambda one: prepare(salesforce, one), known=LATER_VERSIONS
    )
    print(report)
    assert report.matched >= MATCHED_AT_LEAST, str(report)


@pytest.mark.parametrize("told", examples("salesforce"), ids=lambda told: str(told["about"]))
def test_a_call_nobody_recorded_answers_as_our_example_says(
    salesforce: Client, told: dict[str, Any]
) -> None:
    salesforce.control("options", told.get("options", {}))
    made = salesforce.control("seed", told.get("seed", {}))
    request = _filled(told["request"], made)
    # A path from the root is not one of the API, a form not one of its bodies: signing in.
    root = "" if request["path"].startswith("/services/") else ROOT
    form = urlencode(request["form"]) if "form" in request else None
    heard = salesforce.call(
        request["method"],
        root + quote(request["path"], safe="/?=&%"),
        form or request.get("body"),
        headers={**(FORM if form else {}), **request.get("headers", {})},
    )
    expected = _filled(told["answer"], made)
    assert told["mark"] in {"D", "P", "S", "M", "U"}
    assert heard.status == expected["status"], heard.body
    assert differences(expected["body"], heard.json()) == []
    for name, value in expected.get("exactly", {}).items():
        assert str(_at(heard.json(), name)) == str(value)


def _filled(told: Any, made: dict[str, Any]) -> Any:
    """{contacts[0]} in an example stands for the id of the first seeded contact."""
    text = json.dumps(told)
    for kind in ("contacts", "accounts"):
        for place, one in enumerate(made[kind]):
            text = text.replace(f"{{{kind}[{place}]}}", one)
    for place, person in enumerate(made["persons"]):
        for side, one in person.items():
            text = text.replace(f"{{persons[{place}].{side}}}", one)
    return json.loads(text)


def _at(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body[int(step)] if step.isdigit() else body[step]
    return body
