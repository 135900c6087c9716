"""What the simulated Salesforce insists on, and what it can be told to do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.simulators.conformance import Client, Heard

ROOT = "/services/data/v66.0"
CONTACT = {"type": "Contact"}


@pytest.fixture
def salesforce() -> Iterator[Client]:
    with running(Salesforce()) as base_url:
        client = Client(base_url)
        token = client.control("oauth", {"issue": {}})["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
        client.close()


def seeded(salesforce: Client, *contacts: dict[str, Any]) -> list[str]:
    rows = [{"LastName": "Møller", **one} for one in contacts]
    ids: list[str] = salesforce.control("seed", {"contacts": rows})["contacts"]
    return ids


def updated(salesforce: Client, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    records = [{"attributes": CONTACT, **one} for one in rows]
    body = {"allOrNone": False, "records": records}
    heard = salesforce.call("PATCH", f"{ROOT}/composite/sobjects", body)
    assert heard.status == 200, heard.body
    results: list[dict[str, Any]] = heard.json()
    return results


def asked(salesforce: Client, soql: str) -> Heard:
    return salesforce.call("GET", f"{ROOT}/query?q={quote(soql)}")


def contact(salesforce: Client, remote_id: str) -> dict[str, Any]:
    found = [one for one in salesforce.state()["contacts"] if one["id"] == remote_id]
    return dict(found[0])


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("Title", "x" * 129, "STRING_TOO_LONG"),
        ("Email", "nobody", "INVALID_EMAIL_ADDRESS"),
        ("NPS_Score__c", 100, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("NPS_Score__c", "many", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Survey_Date__c", "03/04/2026", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Survey_Answered_At__c", "2026-04-03T10:00:00", "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Would_Recommend__c", None, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Satisfaction__c", "Great", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Contact_Channels__c", "E-mail;Fax", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Survey_Label__c", "x", "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("LastName", None, "REQUIRED_FIELD_MISSING"),
        ("AccountId", "nonsense", "MALFORMED_ID"),
        ("AccountId", "001Qy00000zzzzzIAA", "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_bad_value_fails_its_row_alone(
    salesforce: Client, field: str, value: object, code: str
) -> None:
    bad, good = seeded(salesforce, {}, {})
    results = updated(salesforce, {"id": bad, field: value}, {"id": good, "Title": "ok"})
    assert results[0]["errors"][0]["statusCode"] == code
    assert results[1] == {"id": good, "success": True, "errors": []}
    assert contact(salesforce, good)["fields"]["Title"] == "ok"


def test_a_unique_value_belongs_to_one_record(salesforce: Client) -> None:
    first, second = seeded(salesforce, {"NPSToday_Key__c": "k1"}, {})
    results = updated(salesforce, {"id": second, "NPSToday_Key__c": "K1"})
    assert results[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert first in results[0]["errors"][0]["message"]


def test_numbers_come_back_as_doubles_and_texts_without_margins(salesforce: Client) -> None:
    (one,) = seeded(salesforce, {})
    updated(salesforce, {"id": one, "NPS_Score__c": 9, "Title": "  CEO ", "Department": ""})
    fields = contact(salesforce, one)["fields"]
    assert (str(fields["NPS_Score__c"]), fields["Title"]) == ("9.0", "CEO")
    assert "Department" not in fields


def test_multi_select_values_come_back_in_the_definitions_order(salesforce: Client) -> None:
    (one,) = seeded(salesforce, {})
    updated(salesforce, {"id": one, "NPSToday_Tags__c": "NPSToday.Møde.9;NPSToday.NoSend;VIP"})
    expected = ["NPSToday.NoSend", "NPSToday.Møde.9", "VIP"]
    assert contact(salesforce, one)["tags"] == expected


def test_the_same_record_twice_in_one_update_fails_both_rows(salesforce: Client) -> None:
    (one,) = seeded(salesforce, {})
    results = updated(
        salesforce, {"id": one, "Title": "a"}, {"id": one[:15] + one[15:], "Title": "b"}
    )
    assert [each["errors"][0]["statusCode"] for each in results] == ["DUPLICATE_VALUE"] * 2


def test_a_deleted_and_a_merged_record_refuse_writes(salesforce: Client) -> None:
    gone, merged, survivor = seeded(salesforce, {}, {}, {})
    told = {"delete": [gone], "merge": [{"loser": merged, "survivor": survivor}]}
    salesforce.control("seed", told)
    results = updated(salesforce, {"id": gone, "Title": "x"}, {"id": merged, "Title": "x"})
    assert {each["errors"][0]["statusCode"] for each in results} == {"ENTITY_IS_DELETED"}
    soql = f"SELECT Id, IsDeleted, MasterRecordId FROM Contact WHERE Id = '{merged}'"  # noqa: S608
    heard = salesforce.call("GET", f"{ROOT}/queryAll?q={quote(soql)}")
    assert heard.json()["records"][0]["MasterRecordId"] == survivor


def test_an_expired_token_is_refused_before_anything_else(salesforce: Client) -> None:
    salesforce.control("oauth", {"expire": True})
    heard = salesforce.call("GET", f"{ROOT}/sobjects/Nothing/describe")
    assert heard.status == 401
    assert heard.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_the_day_has_an_end_and_a_rolling_one(salesforce: Client) -> None:
    salesforce.control("options", {"daily_limit": 2})
    first, second, third = (salesforce.call("GET", f"{ROOT}/limits") for _ in range(3))
    assert [first.status, second.status, third.status] == [200, 200, 403]
    assert third.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert second.headers["sforce-limit-info"] == "api-usage=2/2"
    salesforce.control("clock", {"offset_s": 86_401})
    token = salesforce.control("oauth", {"issue": {}})["access_token"]
    fresh = {"Authorization": f"Bearer {token}"}
    assert salesforce.call("GET", f"{ROOT}/limits", headers=fresh).status == 200


def test_a_storm_is_said_with_403_and_no_time_to_wait(salesforce: Client) -> None:
    salesforce.control("fault", {"storm": 60})
    heard = salesforce.call("GET", f"{ROOT}/limits")
    assert (heard.status, heard.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "retry-after" not in heard.headers


def test_retired_versions_are_gone(salesforce: Client) -> None:
    assert salesforce.call("GET", "/services/data/v30.0/limits").status == 410
    assert salesforce.call("GET", "/services/data/v35.0/limits").status == 200
    salesforce.control("options", {"deprecated_gone": True})
    assert salesforce.call("GET", "/services/data/v35.0/limits").status == 410
    assert salesforce.call("GET", "/services/data/v99.0/limits").status == 404


def test_an_address_over_the_limit_is_refused(salesforce: Client) -> None:
    listed = ",".join(f"'somebody{n}@example.com'" for n in range(700))
    heard = asked(salesforce, f"SELECT Id FROM Contact WHERE Email IN ({listed})")  # noqa: S608
    assert heard.status == 414


def test_long_answers_come_in_pages(salesforce: Client) -> None:
    seeded(salesforce, *({"Email": f"a{n}@example.com"} for n in range(450)))
    salesforce.control("options", {"batch_size": 200})
    page = asked(salesforce, "SELECT Id FROM Contact ORDER BY Email").json()
    sizes = [len(page["records"])]
    while not page["done"]:
        page = salesforce.call("GET", page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
    assert (sizes, page["totalSize"]) == ([200, 200, 50], 450)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("NPS_Score__c >= 9", ["Anna"]),
        ("NPS_Score__c != 9 AND NPS_Score__c != null", ["Bo"]),
        ("(NOT LastName LIKE 'A%') AND LastName != 'Bo'", ["Carl"]),
        ("NPSToday_Tags__c INCLUDES ('x;y')", ["Bo"]),
        ("NPSToday_Tags__c INCLUDES ('x', 'z')", ["Anna", "Bo"]),
        ("Account.Name = 'ACME'", ["Anna"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'acme')", ["Anna"]),
        ("Survey_Date__c < 2026-02-01 OR LastName = 'Carl'", ["Bo", "Carl"]),
        ("CreatedDate > 2020-01-01T00:00:00Z AND NPS_Score__c = null", ["Carl"]),
    ],
)
def test_soql_selects(salesforce: Client, where: str, found: list[str]) -> None:
    (acme,) = salesforce.control("seed", {"accounts": [{"Name": "ACME"}]})["accounts"]
    seeded(
        salesforce,
        {"LastName": "Anna", "NPS_Score__c": 9, "AccountId": acme, "NPSToday_Tags__c": "z"},
        {"LastName": "Bo", "NPS_Score__c": 2, "NPSToday_Tags__c": "x;y",
         "Survey_Date__c": "2026-01-31"},
        {"LastName": "Carl"},
    )  # fmt: skip
    heard = asked(salesforce, f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName")  # noqa: S608
    assert [one["LastName"] for one in heard.json()["records"]] == found


def test_a_describe_shows_what_the_user_may_see(salesforce: Client) -> None:
    described = salesforce.call("GET", f"{ROOT}/sobjects/Contact/describe").json()
    fields = {one["name"]: one for one in described["fields"]}
    assert "Internal_Rating__c" not in fields
    assert (fields["LastName"]["nillable"], fields["Title"]["length"]) == (False, 128)
    assert fields["Survey_Label__c"]["updateable"] is False
    assert fields["Survey_Language__c"]["picklistValues"][0]["value"] == "da"


def test_the_set_up_can_drift(salesforce: Client) -> None:
    changes = {
        "Contact.NPS_Comment__c": {"visible": False},
        "Contact.Satisfaction__c": {"values": ["Satisfied"], "retired_values": ["Neutral"]},
        "Contact.Title": {"length": 10},
    }
    salesforce.control("options", {"field_changes": changes})
    described = salesforce.call("GET", f"{ROOT}/sobjects/Contact/describe").json()
    fields = {one["name"]: one for one in described["fields"]}
    assert "NPS_Comment__c" not in fields
    told = [(one["value"], one["active"]) for one in fields["Satisfaction__c"]["picklistValues"]]
    assert told == [("Satisfied", True), ("Neutral", False)]
    assert fields["Title"]["length"] == 10


def test_a_field_made_by_api_is_invisible_until_a_permission_set_shows_it(
    salesforce: Client,
) -> None:
    metadata = {"label": "Extra", "type": "Text", "length": 40}
    told = {"FullName": "Contact.Extra__c", "Metadata": metadata}
    made = salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomField", told)
    again = salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomField", told)
    assert (made.status, again.status) == (201, 400)
    assert again.json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    soql = "SELECT Extra__c FROM Contact"
    assert asked(salesforce, soql).status == 400
    user = asked(salesforce, "SELECT Id FROM User").json()["records"][0]["Id"]
    permission_set = _made(salesforce, "PermissionSet", Name="Hub", Label="Hub")
    _made(salesforce, "FieldPermissions", ParentId=permission_set, SobjectType="Contact",
          Field="Contact.Extra__c", PermissionsRead=True, PermissionsEdit=True)  # fmt: skip
    assert asked(salesforce, soql).status == 400
    _made(salesforce, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=permission_set)
    assert asked(salesforce, soql).status == 200


def _made(salesforce: Client, entity: str, **values: object) -> str:
    heard = salesforce.call("POST", f"{ROOT}/sobjects/{entity}", values)
    assert heard.status == 201, heard.body
    return str(heard.json()["id"])


def test_a_duplicate_rule_warns_unless_told_to_save(salesforce: Client) -> None:
    (known,) = seeded(salesforce, {"Email": "anna@example.com"})
    salesforce.control("options", {"duplicate_rule": "alert"})
    row = {"LastName": "Møller", "Email": "anna@example.com"}
    refused = salesforce.call("POST", f"{ROOT}/sobjects/Contact", row)
    matches = refused.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"]
    assert (refused.status, refused.json()[0]["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert matches[0]["record"]["Id"] == known
    save = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert salesforce.call("POST", f"{ROOT}/sobjects/Contact", row, headers=save).status == 201
    salesforce.control("options", {"duplicate_rule": "block"})
    assert salesforce.call("POST", f"{ROOT}/sobjects/Contact", row, headers=save).status == 400


def test_a_row_fault_strikes_its_record_as_often_as_told(salesforce: Client) -> None:
    one, other = seeded(salesforce, {"Email": "locked@example.com"}, {})
    error = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    row = {"key": "locked@example.com", "error": error, "times": 1}
    salesforce.control("fault", {"action": {"row": row}})
    rows = [{"id": one, "Title": "x"}, {"id": other, "Title": "x"}]
    assert [each["success"] for each in updated(salesforce, *rows)] == [False, True]
    assert [each["success"] for each in updated(salesforce, *rows)] == [True, True]


def test_notes_stand_in_the_state_and_move_no_activity_date_but_tasks_do(
    salesforce: Client,
) -> None:
    one, other = seeded(salesforce, {}, {})
    note = _made(salesforce, "ContentNote", Title="T", Content="PHA+aGVqPC9wPg==")
    _made(salesforce, "ContentDocumentLink", ContentDocumentId=note, LinkedEntityId=one,
          ShareType="V")  # fmt: skip
    _made(salesforce, "Task", WhoId=other, Subject="s", Status="Completed",
          ActivityDate="2026-11-01")  # fmt: skip
    assert contact(salesforce, one)["notes"] == [{"id": note, "title": "T", "text": "hej"}]
    assert "LastActivityDate" not in contact(salesforce, one)["fields"]
    assert contact(salesforce, other)["fields"]["LastActivityDate"] == "2026-11-01"
    assert salesforce.state()["history"][one][0]["kind"] == "note"


def test_an_unescaped_note_is_refused(salesforce: Client) -> None:
    row = {"Title": "T", "Content": "PHA+UiZEPC9wPg=="}
    heard = salesforce.call("POST", f"{ROOT}/sobjects/ContentNote", row)
    assert (heard.status, heard.json()[0]["errorCode"]) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_a_composite_call_halts_what_depends_on_a_failure(salesforce: Client) -> None:
    note = {"method": "POST", "url": f"{ROOT}/sobjects/ContentNote", "referenceId": "note",
            "body": {"Content": "eA=="}}  # fmt: skip
    link = {"method": "POST", "url": f"{ROOT}/sobjects/ContentDocumentLink", "referenceId": "l",
            "body": {"ContentDocumentId": "@{note.id}"}}  # fmt: skip
    body = {"allOrNone": True, "compositeRequest": [note, link]}
    answers = salesforce.call("POST", f"{ROOT}/composite", body).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answers] == [400, 400]
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_calls_are_counted_by_kind_and_rows(salesforce: Client) -> None:
    ids = seeded(salesforce, {}, {}, {})
    updated(salesforce, *({"id": one, "Title": "x"} for one in ids))
    asked(salesforce, "SELECT Id FROM Contact")
    told = [(one["kind"], one["rows"]) for one in salesforce.log()]
    assert told == [("write", 3), ("read", 3)]
    assert salesforce.state()["counts"]["kind"] == {"write": 1, "read": 1}


def test_a_thousand_rows_cost_the_simulator_little(salesforce: Client) -> None:
    ids = seeded(salesforce, *({"Email": f"a{n}@example.com"} for n in range(1000)))
    began = time.process_time()
    for start in range(0, 1000, 200):
        rows = [{"id": one, "NPS_Score__c": 9, "Title": "x"} for one in ids[start : start + 200]]
        updated(salesforce, *rows)
    # Two milliseconds a row is the promise; the caller's own work is in the figure too.
    assert time.process_time() - began < 2.0
    assert len(json.dumps(salesforce.log())) > 0


def test_an_object_made_by_api_is_nobody_s_until_a_permission_set_grants_it(
    salesforce: Client,
) -> None:
    metadata = {
        "label": "Visit",
        "pluralLabel": "Visits",
        "deploymentStatus": "Deployed",
        "sharingModel": "ReadWrite",
        "nameField": {"type": "AutoNumber", "label": "No"},
    }
    told = {"FullName": "Visit__c", "Metadata": metadata}
    assert salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomObject", told).status == 201
    again = salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomObject", told)
    assert again.json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    describe = f"{ROOT}/sobjects/Visit__c/describe"
    assert salesforce.call("GET", describe).status == 404
    user = asked(salesforce, "SELECT Id FROM User").json()["records"][0]["Id"]
    permission_set = _made(salesforce, "PermissionSet", Name="Hub", Label="Hub")
    _made(salesforce, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=permission_set)
    _made(salesforce, "ObjectPermissions", ParentId=permission_set, SobjectType="Visit__c",
          PermissionsRead=True, PermissionsCreate=True, PermissionsEdit=True)  # fmt: skip
    assert salesforce.call("GET", describe).json()["createable"]


def test_the_tooling_query_sees_what_the_user_does_not(salesforce: Client) -> None:
    told = {"FullName": "Contact.Extra__c", "Metadata": {"label": "E", "type": "Checkbox"}}
    salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomField", told)
    soql = "SELECT DeveloperName FROM CustomField WHERE TableEnumOrId IN ('Contact')"
    found = salesforce.call("GET", f"{ROOT}/tooling/query?q={quote(soql)}").json()["records"]
    assert "Extra" in {one["DeveloperName"] for one in found}


def test_nobody_without_the_permission_customizes(salesforce: Client) -> None:
    salesforce.control("options", {"customize_application": False})
    told = {"FullName": "Contact.Extra__c", "Metadata": {"label": "E", "type": "Checkbox"}}
    refused = salesforce.call("POST", f"{ROOT}/tooling/sobjects/CustomField", told)
    assert (refused.status, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
