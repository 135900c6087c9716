"""Field definitions are looked through, taken away, downloaded and compared."""

from __future__ import annotations

import csv
import io
import re

import pytest

from connector import audit
from connector.access import Role
from connector.connections import browsing, discover
from connector.connections.profile import load
from schemas.fields import Entity, Field, FieldType, Option
from tests.pages.conftest import text_of

NAMES = re.compile(r"<code>([^<]+)</code>\s*<button")


def test_every_entity_of_every_connection_is_listed(reader, read_world):
    page = text_of(reader.get("~/fields"))
    assert "hubspot-main" in page
    assert "contacts" in page


def test_an_empty_workspace_says_what_belongs_there(alice):
    assert "No connection yet" in text_of(alice.get("~/fields"))


def here(world) -> str:
    return f"~/fields/{world.crms['hubspot'].connection_id}"


def test_the_search_finds_a_field_by_name_label_or_option(reader, read_world):
    page = reader.get(f"{here(read_world)}?search=nps_score")
    assert NAMES.findall(page.text)[0] == "nps_score"
    assert "Copy nps_score" in page.text


def test_htmx_gets_the_rows_alone(reader, read_world):
    part = reader.get(f"{here(read_world)}?search=nps_score", **{"HX-Request": "true"}).text
    assert "<html" not in part
    assert "nps_score" in part


def test_only_a_type_or_only_what_finds_a_record(reader, read_world):
    page = reader.get(f"{here(read_world)}?only=unique")
    assert "email" in NAMES.findall(page.text)
    none = reader.get(f"{here(read_world)}?kind=reference&search=nps_score")
    assert "No field is like that" in text_of(none)


def test_five_hundred_fields_are_shown_a_hundred_at_a_time(alice, world):
    fields = tuple(Field(f"f{n}", f"Field {n}", FieldType.TEXT) for n in range(500))
    keep(world, Entity("contacts", "Contacts", fields))
    page = alice.get(here(world))
    assert len(NAMES.findall(page.text)) == browsing.PAGE
    assert "100 of 500" in text_of(page)
    assert len(NAMES.findall(alice.get(f"{here(world)}?most=200").text)) == 200
    assert NAMES.findall(alice.get(f"{here(world)}?search=field+499").text) == ["f499"]


def keep(world, *entities: Entity) -> None:
    with world.database.begin(world.workspace_id) as store:
        profile = load(store, world.workspace_id, world.crms["hubspot"].connection_id)
        discover.store(store, profile, entities)


def test_the_table_can_be_taken_away(reader, read_world):
    answer = reader.get(f"{here(read_world)}/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {"nps_score", "email"} <= {one["field"] for one in rows}
    assert "attachment" in answer.headers["Content-Disposition"]


def test_downloading_says_what_changed_and_leaves_one_entry(alice, world):
    alice.get(here(world))
    answer = alice.post(f"{here(world)}/download", entity="contacts")
    assert answer.headers["Location"].endswith("?entity=contacts")
    assert "Nothing has changed in the CRM." in text_of(alice.get(here(world)))
    with world.database.begin(world.workspace_id) as store:
        last = audit.entries(store, world.workspace_id)[-1]
    assert (last.action, last.actor[:5]) == ("connection.fields_downloaded", "user:")


def test_a_viewer_looks_but_does_not_download(colleague, world):
    viewer = colleague(Role.VIEWER)
    assert "Download now" not in viewer.get(here(world)).text


def test_two_versions_are_compared_and_the_mappings_hit_are_named(alice, world):
    world.mapping("hubspot")
    keep(world, Entity("contacts", "Contacts", (
        Field("nps_score", "NPS", FieldType.CHOICE, options=(Option("1", "One"),)),
    )))  # fmt: skip
    page = text_of(alice.get(f"{here(world)}/compare"))
    assert "hubspot-mapping: email, nps_comment, nps_score" in page
    assert "Another type" in page
    assert "Gone Breaks what writes it Text removed, or hidden from the connected user" in page


def test_one_version_is_nothing_to_compare(reader, read_world):
    assert "One version so far" in text_of(reader.get(f"{here(read_world)}/compare"))


@pytest.mark.parametrize("path", ["?entity=nowhere", "/compare?before=77777"])
def test_what_is_not_there_is_not_found(reader, read_world, path):
    assert reader.get(f"{here(read_world)}{path}").status_code == 404


@pytest.mark.parametrize(
    ("search", "first"),
    [("score", "score"), ("nps", "nps_score"), ("passive", "class"), ("class of", "class")],
)
def test_what_is_called_so_comes_before_what_only_says_so(search, first):
    fields = (
        Field("class", "Class of the score", FieldType.CHOICE, options=(Option("p", "Passive"),)),
        Field("nps_score", "NPS score", FieldType.INTEGER),
        Field("score", "Points", FieldType.INTEGER),
    )
    assert browsing.matching(fields, search=search)[0].name == first
