"""Contacts come in by the thousand, are found by address or id, and a bad one hurts nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import event, text

from connector import audit
from connector.contacts import people
from tests.api.conftest import Caller


def push(caller: Caller, *contacts: dict[str, Any]) -> Any:
    return caller.post("/contacts", list(contacts))


def test_contacts_are_created_then_recognised_whatever_the_case(alice):
    first = push(alice, {"email": "Anna@Example.test", "name": "Anna"}).json
    again = push(alice, {"email": "anna@EXAMPLE.test", "phone": "+4512345678"}).json
    assert (first["created"], again["updated"]) == (1, 1)
    assert first["items"][0]["id"] == again["items"][0]["id"]
    stored = alice.get(f"/contacts/{first['items'][0]['id']}").json
    assert (stored["name"], stored["phone"]) == ("Anna", "+4512345678")


def test_a_repeat_changes_nothing(alice):
    body = {"email": "a@example.test", "attributes": {"tier": "gold"}}
    push(alice, body)
    assert push(alice, body).json["unchanged"] == 1


def test_what_is_not_named_stays_and_null_empties(alice):
    push(alice, {"email": "a@example.test", "name": "A", "attributes": {"x": "1", "y": "2"}})
    made = push(alice, {"email": "a@example.test", "name": None, "attributes": {"x": None}}).json
    stored = alice.get(f"/contacts/{made['items'][0]['id']}").json
    assert stored["name"] is None
    assert stored["attributes"] == {"y": "2"}


def test_one_person_twice_in_one_import_is_one_contact(alice):
    answer = push(
        alice,
        {"email": "a@example.test", "external_id": "7"},
        {"external_id": "7", "name": "Seven"},
        {"email": "A@example.test", "phone": "1"},
    ).json
    assert len({item["id"] for item in answer["items"]}) == 1
    assert (answer["created"], answer["updated"]) == (1, 2)


def test_an_address_and_an_external_id_of_two_people_is_a_conflict(alice):
    push(alice, {"email": "a@example.test"}, {"external_id": "7"})
    answer = push(alice, {"email": "a@example.test", "external_id": "7"}, {"external_id": "8"})
    assert [item["status"] for item in answer.json["items"]] == ["conflict", "created"]


def test_bad_items_are_named_by_place_and_their_neighbours_are_taken(alice):
    lines = [
        b'{"email":"a@example.test"}',
        b'{"email":"not an address"}',
        b'{"email":"b@example.test","naem":"typo"}',
        b'{"email":"c@example.test","name":"\\u0000"}',
        b"{broken",
        b'{"name":"nobody"}',
        b'{"external_id":"z","origin":"no such connection"}',
        b'{"external_id":"last"}',
    ]
    answer = alice.post(
        "/contacts", data=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200
    items = answer.json["items"]
    assert [item["place"] for item in items if item["status"] == "created"] == [0, 7]
    pointers = [item["errors"][0]["pointer"] for item in items if "errors" in item]
    assert pointers == ["/1/email", "/2/naem", "/3/name", "/4", "/5", "/6/origin"]


def test_when_nothing_can_be_taken_the_request_is_refused(alice):
    answer = alice.post("/contacts", {"email": "no"})
    assert (answer.status_code, answer.json["code"]) == (422, "body_invalid")
    assert answer.json["errors"][0]["pointer"] == "/email"


def test_five_thousand_contacts_are_a_handful_of_statements(alice, database):
    statements = []
    body = [{"email": f"c{n}@example.test", "attributes": {"n": str(n)}} for n in range(5000)]

    def count(_c, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        first, second = (
            push(alice, *body).json,
            push(
                alice,
                *body,
            ).json,
        )
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
    assert (first["created"], second["unchanged"]) == (5000, 5000)
    assert len(statements) < 40


def test_more_than_five_thousand_are_refused(alice):
    answer = alice.post("/contacts", [{"external_id": str(n)} for n in range(5001)])
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_items")


def test_a_strangers_contact_is_as_good_as_none(alice, charlie):
    contact_id = push(alice, {"email": "a@example.test"}).json["items"][0]["id"]
    answers = [
        charlie.get(f"/contacts/{number}{tail}")
        for number in (contact_id, 999_999)
        for tail in ("", "/timeline")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps({**a.json, "instance": ""}, sort_keys=True) for a in answers}) == 1
    assert charlie.get("/contacts?email=a@example.test").json["contacts"] == []


def test_one_address_may_stand_in_two_workspaces(alice, charlie):
    assert push(alice, {"email": "a@example.test"}).json["created"] == 1
    assert push(charlie, {"email": "a@example.test"}).json["created"] == 1


def test_pages_follow_one_another_without_gap_or_repeat(alice):
    push(alice, *({"external_id": str(n)} for n in range(7)))
    seen, cursor = [], ""
    for _ in range(3):
        page = alice.get(f"/contacts?limit=3{cursor}").json
        seen += [one["external_id"] for one in page["contacts"]]
        cursor = f"&cursor={page['next']}"
    assert seen == [str(n) for n in range(7)]
    assert page["next"] is None


@pytest.mark.parametrize("cursor", ["x", "%00", "WzFd", "bnVsbA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_of_somebodys_own_making_is_refused(alice, cursor):
    answer = alice.get(f"/contacts?cursor={cursor}")
    assert (answer.status_code, answer.json["code"]) == (422, "cursor_invalid")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=x", "?limit"),
        ("limit=501", "?limit"),
        ("email=%00", "?email"),
        ("nope=1", "?nope"),
    ],
)
def test_a_wrong_parameter_is_named(alice, query, pointer):
    answer = alice.get(f"/contacts?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "query_invalid")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_an_import_is_one_audit_entry_with_counts_only(alice, database):
    push(alice, {"email": "canary@example.test"}, {"email": "bad"})
    with database.begin(alice.workspace_id) as connection:
        last = audit.entries(connection, alice.workspace_id)[-1]
    assert last.action == "contacts.imported"
    assert dict(last.detail) == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}


FOUND = [
    ("møller", ["Søren Møller", "Anna Moller"]),
    ("soren moller", ["Søren Møller"]),
    ("MOL sør", ["Søren Møller"]),
    ("soren@example.test", ["Søren Møller"]),
    ("acme", ["Søren Møller"]),
    ("k-77", ["Anna Moller"]),
    ("+45 1234", ["Anna Moller"]),
    ("4512345678", ["Anna Moller"]),
    ("ller", []),
    ("' OR 1=1", []),
    ("100% _", []),
]


def test_a_search_finds_contacts_by_the_words_that_begin_alike(alice, charlie):
    push(
        alice,
        {"email": "soren@example.test", "name": "Søren Møller", "company": "ACME & Sons"},
        {"external_id": "K-77", "name": "Anna Moller", "phone": "+45 12345678"},
    )
    push(charlie, {"external_id": "K-77", "name": "Søren Møller"})
    found = {
        search: [
            one["name"]
            for one in alice.get("/contacts", query_string={"search": search}).json["contacts"]
        ]
        for search, _ in FOUND
    }
    assert found == dict(FOUND)


def test_a_contact_that_is_renamed_is_found_by_its_new_name_alone(alice):
    push(alice, {"external_id": "7", "name": "Émile Ægidius"})
    push(alice, {"external_id": "7", "name": "Zoë"})
    assert alice.get("/contacts?search=aegidius").json["contacts"] == []
    assert len(alice.get("/contacts?search=zoe").json["contacts"]) == 1


def test_the_words_of_a_search_are_those_that_the_store_keeps(alice, database):
    told = "Ærø Straße O'Brien-Łukasz ĐẶNG İzmir ﬁn x.y@z.test Œuvre \t 日本 語"
    with database.begin(alice.workspace_id) as store:
        kept = store.execute(text("SELECT * FROM ab_words(:told, NULL)"), {"told": told}).scalars()
        assert set(kept) >= set(people.words_of(told))
    assert people.words_of(told)[:3] == ("aero", "strasse", "o")
