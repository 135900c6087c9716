"""Contacts are searched for and looked at; extra fields are edited beside what the CRM holds."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from connector import audit
from connector.access import Role
from connector.responses.extras import choosing
from tests.pages.conftest import text_of
from tests.pages.filled import fill

NAMED = re.compile(r'name="([^"]+-\d)"\s+value="([^"]*)"')


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


def test_a_search_finds_a_contact_and_leads_to_it(here):
    page = here.browser.get("~/contacts?search=moller soren")
    assert "Søren Møller soren@example.test" in text_of(page)
    assert f'/contacts/{here.ids["contact_id"]}"' in page.text
    assert "Nobody is called like that" in text_of(here.browser.get("~/contacts?search=nobody"))


def test_an_empty_workspace_says_who_becomes_a_contact(alice):
    assert "Whoever answers a survey becomes a contact" in text_of(alice.get("~/contacts"))
    assert "No responses yet" in text_of(alice.get("~/responses"))


def test_contacts_go_page_by_page(here):
    here.sql(
        "INSERT INTO contact (workspace_id, email, email_key, name) SELECT :w, n || '@x.test',"
        " n || '@x.test', 'Crowd ' || n FROM generate_series(1, 60) n"
    )
    first = here.browser.get("~/contacts?search=crowd").text
    assert first.count("fw-bold") == 50
    older = re.search(r'href="([^"]*cursor=[^"]*)"', first)
    assert older
    second = here.browser.get(html.unescape(older[1])).text
    assert second.count("fw-bold") == 10
    assert "Crowd 1<" in second.replace("</a>", "<")


def test_a_contacts_page_tells_facts_tags_and_why_a_field_holds_its_value(here):
    here.sql(
        "INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id) VALUES"
        " (:w, :connection_id, :contact_id, 'contacts', '501')",
        **here.ids,
    )
    here.sql(
        "INSERT INTO score_tag (workspace_id, connection_id, contact_id, campaign_id, score,"
        " answered_at, written) VALUES (:w, :connection_id, :contact_id, :campaign_id, 9, now(),"
        " 'NPSToday.Spring.9')",
        **here.ids,
    )
    number = here.ids["contact_id"]
    page = here.browser.get(f"~/contacts/{number}")
    told = text_of(page)
    assert "NPSToday.Spring.9 Spring" in told
    assert 'href="https://app.hubspot.com/contacts/77/record/0-1/501"' in page.text
    assert "nps_score HubSpot <b>EU</b> · contacts 9 response r-1" in told
    assert "nps_score : 7 → 9" in told
    only = text_of(here.browser.get(f"~/contacts/{number}?field=nps_score"))
    assert "nps_score : 7 → 9" in only
    assert "Received" not in only
    assert "Fields Written" not in only
    none = text_of(here.browser.get(f"~/contacts/{number}?field=other"))
    assert "We never wrote this field" in none


def test_whoever_may_only_look_sees_no_address_and_no_values(here, colleague):
    viewer = colleague(Role.VIEWER)
    here.sql("UPDATE contact SET phone = '+4512345678', attributes = '{\"tier\": \"gold\"}'")
    page = viewer.get(f"~/contacts/{here.ids['contact_id']}").text
    assert "Søren Møller" in page
    for hidden in ("soren@", "1234567", "gold", "7 → 9", f"{here.ids['contact_id']}/fields"):
        assert hidden not in page
    assert "s…@example.test" in page


@pytest.fixture
def edited(alice, world):
    """A contact that HubSpot has, whose two extra fields are shown; the page of its fields."""
    crm = world.crms["hubspot"]
    email = f"{alice.slug}@extra.test"
    (remote,) = crm.seed([{"email": email, "first_name": "A", "last_name": "B"}])
    crm.control("seed", {"edit": {remote: {"nps_comment": "seen"}}})
    with world.database.begin(world.workspace_id) as store:
        choosing.save(
            store,
            world.workspace_id,
            crm.connection_id,
            [
                {"field": "nps_comment"},
                {"field": "nps_score"},
                {"field": "email", "editable": False},
            ],
        )
    (row,) = world.rows(
        "INSERT INTO contact (workspace_id, email, email_key) VALUES (:w, :email, :email)"
        " RETURNING id",
        w=world.workspace_id,
        email=email,
    )
    world.rows(
        "INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id) VALUES"
        " (:w, :c, :contact, 'contacts', :remote) RETURNING contact_id",
        w=world.workspace_id,
        c=crm.connection_id,
        contact=row.id,
        remote=remote,
    )
    return f"~/contacts/{row.id}/fields"


def sent(page: Any, **typed: str) -> Any:
    """The fields of the form as a browser sends them, with what a person typed."""
    fields = {name: html.unescape(value) for name, value in NAMED.findall(page.text)}
    numbers = {value: name.rpartition("-")[2] for name, value in fields.items() if "field-" in name}
    for name, number in numbers.items():
        was = json.loads(fields[f"was-{number}"])
        fields[f"value-{number}"] = typed.get(name, "" if was is None else str(was))
    found = re.search(r'name="connection_id"\s+value="(\d+)"', page.text)
    return {**fields, "connection_id": found[1] if found else ""}


def comment(alice: Any, world: Any) -> Any:
    return world.crms["hubspot"].value(f"{alice.slug}@extra.test", "comment")


def test_an_extra_field_is_edited_and_a_colleagues_change_is_never_overwritten_unseen(
    alice, world, edited
):
    page = alice.get(edited)
    assert "it is only shown here" in text_of(page)
    done = alice.post(edited, **sent(page, nps_comment="mine"))
    assert (done.status_code, comment(alice, world)) == (303, "mine")
    assert "Written to the CRM." in text_of(alice.get(edited))

    conflict = alice.post(edited, **sent(page, nps_comment="late"))
    told = text_of(conflict)
    assert (conflict.status_code, comment(alice, world)) == (409, "mine")
    assert "You saw: seen The CRM holds now: mine You typed: late" in told

    again = alice.post(edited, **sent(conflict, nps_comment="late"))
    assert (again.status_code, comment(alice, world)) == (303, "late")

    wrong = alice.post(edited, **sent(alice.get(edited), nps_score="many"))
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text
    assert alice.post(edited, **sent(alice.get(edited))).status_code == 303
    assert "Nothing was changed" in text_of(alice.get(edited))
    with world.database.begin(world.workspace_id) as store:
        acts = [one.action for one in audit.entries(store, world.workspace_id)]
    assert acts.count("contact.fields_edited") == 2


@pytest.mark.parametrize(
    "broken", [{"connection_id": "x"}, {"was-0": "{"}, {"field-0": "y" * 300}, {"value-0": "\x00"}]
)
def test_a_form_that_no_page_of_ours_made_is_refused(alice, edited, broken):
    page = alice.get(edited)
    answer = alice.post(edited, **{**sent(page, nps_comment="z"), **broken})
    assert answer.status_code == 422


def test_a_crm_that_is_paused_says_so_in_its_part(alice, world, edited):
    world.rows("UPDATE connection SET paused_at = now() RETURNING id")
    page = alice.get(edited)
    assert (page.status_code, "is paused" in text_of(page)) == (200, True)


def test_a_contact_opts_out_on_its_page_and_may_be_asked_again(here):
    path = f"~/contacts/{here.ids['contact_id']}"
    assert "Wants no more surveys since" not in text_of(here.browser.get(path))
    assert here.browser.post(f"{path}/opt-out").status_code == 303
    told = text_of(here.browser.get(path))
    assert "Wants no more surveys since" in told
    assert "Somebody here, or a key" in told
    here.browser.post(f"{path}/opt-in")
    assert "Wants no more surveys since" not in text_of(here.browser.get(path))


def test_the_mark_of_a_note_says_what_it_is(here):
    here.sql(
        "INSERT INTO ledger (workspace_id, delivery_id, connection_id, contact_id, response_id,"
        " entity, remote_id, field, after, created) SELECT workspace_id, delivery_id,"
        " connection_id, contact_id, response_id, 'notes', '9', 'note', '\"f00d-1\"', true"
        " FROM ledger"
    )
    page = text_of(here.browser.get(f"~/contacts/{here.ids['contact_id']}"))
    assert page.count("a note known by f00d-1") == 2
