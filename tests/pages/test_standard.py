"""The standard integration on its page: what it does for the app, one button, its state."""

from __future__ import annotations

import html
from typing import Any

import pytest

from tests.pages.conftest import text_of
from tests.pages.filled import fill


@pytest.fixture
def filled(alice, database):
    return fill(alice, database)


def kept(filled: Any) -> Any:
    asked = "SELECT standard FROM connection WHERE id = :id"
    return filled.one(asked, id=filled.ids["connection_id"])


def test_it_says_what_it_would_do_and_one_button_switches_it_on(alice, filled):
    address = f"~/connections/{filled.ids['connection_id']}/standard"
    page = text_of(alice.get(address))
    assert "Switched on, it would do this: Each complete response goes to HubSpot." in page
    assert "A contact that is not found is left out; nobody is made." in page
    # HubSpot's standard fields are not among the few that were downloaded.
    assert "gone, renamed or of another type here:" in page
    ticked = {"fields": "yes", "note": "yes", "create": "yes", "company": "domain"}
    assert alice.post(address, act="on", **ticked).status_code == 303
    page = html.unescape(text_of(alice.get(address)))
    assert "It does this now:" in page
    assert "A contact that is not found is made." in page
    assert "The contact's company is found by its web domain." in page
    told = kept(filled)
    assert (told["enabled"], told["tag"], told["create"]) == (True, False, True)
    alice.post(address, **ticked, tag="yes")
    assert kept(filled)["enabled"]
    alice.post(address, act="off", **ticked)
    assert not kept(filled)["enabled"]
    answer = alice.post(address, act="on", company="star")
    assert answer.status_code == 400
    assert "Must be one of" in text_of(answer)


def test_the_first_one_is_offered_contacts_that_came_from_nowhere_and_no_second(alice, filled):
    address = f"~/connections/{filled.ids['connection_id']}/standard"
    serves = "It takes contacts that came from this connection, and those that came from none."
    assert serves in text_of(alice.get(address))
    filled.sql(
        "INSERT INTO connection (workspace_id, app, name, auth, state, standard) VALUES (:w,"
        " 'hubspot', 'Other', 'key', 'connected', '{\"enabled\": true, \"default\": true}')"
    )
    assert serves not in text_of(alice.get(address))
    alice.post(address, act="on", tag="yes")
    assert not kept(filled)["default"]
    assert serves not in text_of(alice.get(address))


def test_what_is_on_says_where_responses_come_from_until_one_has(alice, filled):
    address = f"~/connections/{filled.ids['connection_id']}/standard"
    alice.get(address)
    alice.post(address, act="on", tag="yes")
    assert "Now let responses come" not in text_of(alice.get(address))
    filled.sql("DELETE FROM ledger")
    filled.sql("DELETE FROM delivery")
    filled.sql("DELETE FROM response")
    assert "Now let responses come" in text_of(alice.get(address))


def test_an_app_without_contacts_has_no_switch(alice, filled):
    filled.sql("UPDATE connection SET app = 'chat'")
    page = text_of(alice.get(f"~/connections/{filled.ids['connection_id']}/standard"))
    assert "has no contacts" in page
    assert "Switch on" not in page
