"""Input forms made, moved, filled in and looked through; the extra fields of a contact chosen."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from connector.access import Role
from tests.pages.conftest import text_of
from tests.pages.filled import fill

INPUT = re.compile(r'<(?:input|option)[^>]*?name="([a-z]+-\d+)"\s+value="([^"]*)"', re.DOTALL)


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


def row(number: int, field: str, **said: str) -> dict[str, str]:
    return {f"field-{number}": field} | {f"{name}-{number}": one for name, one in said.items()}


def rows_of(page: Any) -> list[str]:
    """The fields of a page's rows, in their order."""
    return [told for told in re.findall(r'name="field-\d+"\s+value="([^"]*)"', page.text) if told]


HEAD = {"name": "Visit", "connection": "HubSpot <b>EU</b>", "create": "yes"}


def test_a_form_is_made_of_rows_that_are_moved_without_being_saved(here):
    alice = here.browser
    page = alice.get("~/forms/new")
    assert '<option value="nps_score">NPS score</option>' in page.text
    rows = {**row(0, "nps_score"), **row(4, "reached", label="Reached", required="yes")}
    moved = alice.post("~/forms/new", **HEAD, **rows, act="up-1")
    assert rows_of(moved) == ["reached", "nps_score"]
    assert here.one("SELECT count(*) FROM input_form") == 1
    out = alice.post("~/forms/new", **HEAD, **rows, act="out-0")
    assert rows_of(out) == ["reached"]

    done = alice.post("~/forms/new", **HEAD, **rows)
    assert done.status_code == 303
    body = here.one("SELECT body FROM input_form WHERE name = 'Visit'")
    assert [(one["field"], one["label"], one["required"]) for one in body["fields"]] == [
        ("nps_score", None, False),
        ("reached", "Reached", True),
    ]
    assert "Reached *" in text_of(alice.get("~/forms"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (row(0, "nowhere"), "the CRM has it no more"),
        (row(0, "nps_score") | row(1, "nps_score"), "It stands twice."),
        (row(0, "nps_score", default="many"), "number"),
        ({}, "Choose at least one field."),
        (row(0, "reached") | {"name": "Trade fair"}, "has that name already"),
    ],
)
def test_what_is_wrong_stands_beside_its_row_and_nothing_is_saved(here, typed, said):
    here.browser.get("~/forms/new")
    answer = here.browser.post("~/forms/new", **(HEAD | typed))
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert here.one("SELECT count(*) FROM input_form") == 1


def test_a_form_is_changed_and_taken_off_the_list(here):
    alice, path = here.browser, f"~/forms/{here.ids['form_id']}"
    page = alice.get(path)
    assert (rows_of(page), 'value="0 to 10"' in page.text) == (["nps_score"], True)
    alice.post(path, **(HEAD | row(0, "reached", default="web")))
    assert rows_of(alice.get(path)) == ["reached"]
    assert alice.post(f"{path}/remove").status_code == 303
    assert "No input form yet" in text_of(alice.get("~/forms"))
    assert alice.get(path).status_code == 404


def test_whoever_works_sees_forms_and_makes_none(here, colleague):
    editor = colleague(Role.EDITOR)
    page = editor.get("~/forms")
    assert "Trade fair" in text_of(page)
    assert "/forms/new" not in page.text
    assert "Trade fair" in text_of(editor.get(f"~/contacts/{here.ids['contact_id']}"))
    assert "Trade fair" in text_of(editor.get(f"~/responses/{here.ids['response_id']}"))


def test_extra_fields_are_chosen_in_their_order_and_may_be_only_shown(here):
    alice, path = here.browser, f"~/connections/{here.ids['connection_id']}/extra-fields"
    alice.get(path)
    rows = {**row(0, "reached", label="Way"), **row(1, "email", edit="no")}
    assert rows_of(alice.post(path, **rows, act="up-1")) == ["email", "reached"]
    assert alice.post(path, **rows).status_code == 303
    page = alice.get(path)
    assert (rows_of(page), 'value="Way"' in page.text) == (["reached", "email"], True)
    assert re.search(r'value="no"\s+selected', page.text)
    wrong = alice.post(path, **row(0, "nowhere"))
    assert (wrong.status_code, "the CRM has it no more" in text_of(wrong)) == (422, True)
    kept = here.one(
        "SELECT extra_fields FROM connection WHERE id = :id", id=here.ids["connection_id"]
    )
    assert [one["field"] for one in kept["fields"]] == ["reached", "email"]


# --- filling in, against the simulated HubSpot ----------------------------------------------------


@pytest.fixture
def visited(alice, world):
    """A form of HubSpot's own fields, and somebody whom HubSpot does not have: the form's path for
    them.
    """
    world.rows(
        "INSERT INTO input_form (workspace_id, connection_id, name, body) VALUES (:w, :c, 'Visit',"
        " cast(:body AS jsonb)) RETURNING id",
        w=world.workspace_id,
        c=world.crms["hubspot"].connection_id,
        body=json.dumps(
            {"create": True, "fields": [{"field": "nps_comment", "required": True},
                                        {"field": "nps_score", "default": "7"}]}
        ),
    )  # fmt: skip
    email = f"{alice.slug}@visit.test"
    (contact,) = world.rows(
        "INSERT INTO contact (workspace_id, email, email_key) VALUES (:w, :email, :email)"
        " RETURNING id",
        w=world.workspace_id,
        email=email,
    )
    (form,) = world.rows("SELECT id FROM input_form WHERE workspace_id = :w", w=world.workspace_id)
    return f"~/contacts/{contact.id}/forms/{form.id}", form.id, contact.id


def sent(page: Any, **typed: str) -> dict[str, str]:
    """The form as a browser sends it, with what a person typed by field."""
    given = {name: html.unescape(value) for name, value in INPUT.findall(page.text)}
    numbers = {value: name.rpartition("-")[2] for name, value in given.items() if "field-" in name}
    return given | {f"value-{numbers[name]}": value for name, value in typed.items()}


def test_a_form_is_filled_in_by_the_page_and_a_colleagues_change_is_shown(alice, world, visited):
    path, form_id, contact_id = visited
    page = alice.get(path)
    assert "is not known to have this contact" in text_of(page)
    assert 'value="7"' in page.text
    lacking = alice.post(path, **sent(page))
    assert (lacking.status_code, "This has to be filled in." in text_of(lacking)) == (422, True)

    made = alice.post(path, **sent(page, nps_comment="first", nps_score="8"))
    assert (made.status_code, made.headers["Location"]) == (
        303,
        alice.address(f"~/contacts/{contact_id}"),
    )
    assert "The contact was made in the CRM." in text_of(alice.get(f"~/contacts/{contact_id}"))
    crm = world.crms["hubspot"]
    assert crm.value(f"{alice.slug}@visit.test", "comment") == "first"

    late, soon = alice.get(path), alice.get(path)
    assert alice.post(path, **sent(soon, nps_comment="second")).status_code == 303
    conflict = alice.post(path, **sent(late, nps_comment="third"))
    assert conflict.status_code == 409
    assert "You saw: first The CRM holds now: second You typed: third" in text_of(conflict)
    assert crm.value(f"{alice.slug}@visit.test", "comment") == "second"
    assert alice.post(path, **sent(conflict, nps_comment="third")).status_code == 303

    told = text_of(alice.get(f"~/forms/{form_id}/fillings"))
    words = ("Made in the CRM", "Written", "A colleague had changed it")
    assert [one for one in words if one not in told] == []
    assert told.count(alice.slug) >= 4
