"""A mapping is begun, edited, tried, published, paused, compared and put back, by plain forms."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import yaml
from flask import Flask

from connector.campaigns import surveys
from connector.db import Database
from connector.responses.configuration import mappings
from connector.settings import Settings
from tests.pages.conftest import NUMBERS, Browser, founded, text_of
from tests.world import World, answered, hub_on

MARK = re.compile(r'name="mark"\s+value="([0-9a-f]{16})"')


@pytest.fixture(scope="module")
def alice(app: Flask, database: Database, settings: Settings) -> Browser:
    """One for all tests here: connecting costs a second, and the CRM counts its calls."""
    browser = founded(app, database, settings, "alice")
    browser.sign_in()
    return browser


@pytest.fixture(scope="module")
def world(alice: Browser, settings: Settings, database: Database, hubspot: str) -> World:
    """Alice's workspace with a HubSpot, and two responses that were planned."""
    made = World(hub_on(settings, database), alice.workspace_id, "")
    made.connect("hubspot", hubspot)
    made.push(answered(1), answered(2, score=3))
    made.plan()
    return made


@pytest.fixture
def name() -> str:
    return f"After meeting {next(NUMBERS)}"


@pytest.fixture
def begun(alice: Browser, world: World, name: str) -> str:
    """The address of a draft for HubSpot's contacts without rows."""
    alice.get("~/mappings/new")
    target = f"{world.crms['hubspot'].connection_id}:contacts"
    made = alice.post("~/mappings/new", name=name, target=target, start="empty")
    assert made.status_code == 303, text_of(made)
    return str(made.headers["Location"])


def number_of(world: World, response_id: str) -> int:
    query = "SELECT id FROM response WHERE response_id = :r ORDER BY id DESC LIMIT 1"
    return int(world.rows(query, r=response_id)[0].id)


def send(alice: Browser, page: str, action: str = "", **fields: Any) -> Any:
    """The form as the page shows it, with its mark."""
    mark = MARK.search(alice.get(page).text)
    return alice.post(f"{page}{action}", mark=mark[1] if mark else "", **fields)


def body_of(world, address: str):
    with world.database.begin(world.workspace_id) as store:
        return mappings.read(store, world.workspace_id, int(address.rsplit("/", 1)[1]))["body"]


def add(alice: Browser, begun: str, variable: str = "answers.nps", field: str = "nps_score") -> Any:
    return send(alice, begun, "/rows", variable=variable, field=field)


def test_an_empty_list_gives_the_button(charlie):
    page = text_of(charlie.get("~/mappings"))
    assert "No mapping yet" in page
    assert "New mapping" in page


def test_a_draft_begins_with_what_surely_suggests_itself(alice, world):
    target = f"{world.crms['hubspot'].connection_id}:contacts"
    alice.get("~/mappings/new")
    made = alice.post("~/mappings/new", name="Begun", target=target, start="suggested")
    rows = {
        row["variable"]: row["field"] for row in body_of(world, made.headers["Location"])["rows"]
    }
    assert rows["contact.phone"] == "phone"
    assert "contact.name" not in rows


def test_a_draft_begins_with_the_standard_fields(alice, world):
    target = f"{world.crms['hubspot'].connection_id}:contacts"
    alice.get("~/mappings/new")
    made = alice.post("~/mappings/new", name="Standard", target=target, start="standard")
    fields = [row["field"] for row in body_of(world, made.headers["Location"])["rows"]]
    assert "firstname" in fields


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Give it a name."),
        ({"target": ""}, "Choose where it writes to."),
        ({"target": "x:contacts"}, "Choose where it writes to."),
    ],
)
def test_what_is_wrong_with_a_new_one_is_said_beside_its_field(alice, world, fields, said):
    target = f"{world.crms['hubspot'].connection_id}:contacts"
    alice.get("~/mappings/new")
    answer = alice.post("~/mappings/new", **{"name": "Other", "target": target, **fields})
    assert answer.status_code == 400
    assert said in text_of(answer)


def test_a_name_is_given_once(alice, begun, world, name):
    target = f"{world.crms['hubspot'].connection_id}:contacts"
    alice.get("~/mappings/new")
    answer = alice.post("~/mappings/new", name=name, target=target)
    assert answer.status_code == 400
    assert "another mapping has that name already" in text_of(answer)


def test_a_row_is_added_by_searching_its_field(alice, begun):
    page = alice.get(f"{begun}?variable=answers.nps&search=nps")
    assert re.search(r'name="field"\s+value="nps_score"', page.text)
    add(alice, begun)
    assert "NPS score" in text_of(alice.get(begun))


def test_htmx_gets_the_fields_that_are_found(alice, begun):
    part = alice.get(f"{begun}/fields?variable=response.tags&search=score", **{"HX-Request": "1"})
    assert "nps_score" in part.text
    assert "needs a step" in text_of(part)


def test_steps_are_added_moved_and_removed_and_each_is_kept_at_once(alice, begun, world):
    add(alice, begun, "answers.why", "nps_comment")
    row = f"{begun}/rows/1"
    given = {"variable": "answers.why", "field": "nps_comment", "when_missing": "skip"}
    send(alice, row, act="add", new_step="trim", **given)
    given |= {"step-1-name": "trim"}
    send(alice, row, act="add", new_step="cut", **given)
    given |= {"step-2-name": "cut", "step-2-length": "8"}
    send(alice, row, act="up-2", **given)
    steps = body_of(world, begun)["rows"][0]["transforms"]
    assert [(one["name"], one.get("length")) for one in steps] == [("cut", 8), ("trim", None)]
    send(alice, row, act="remove-1", **given)
    assert [one["name"] for one in body_of(world, begun)["rows"][0]["transforms"]] == ["cut"]


def test_the_preview_shows_each_step_as_it_is_typed(alice, begun, world):
    add(alice, begun, "answers.why", "nps_comment")
    number = number_of(world, "r1")
    part = alice.get(
        f"{begun}/rows/1/preview?response={number}&variable=answers.why&field=nps_comment"
        "&step-1-name=cut&step-1-length=4&step-2-name=upper",
        **{"HX-Request": "1"},
    )
    assert "answers.why Friendly 😀 cut Frie upper FRIE nps_comment FRIE" in text_of(part)
    assert body_of(world, begun)["rows"][0]["transforms"] == []


def test_a_table_of_values_begins_with_the_answers_options(alice, begun, world):
    choice = {"type": "single_choice", "value": "yes", "label": "Yes, please", "title": "Again?"}
    world.push(answered(3, answers={"again": choice}))
    world.plan()
    add(alice, begun, "answers.again", "nps_comment")
    given = {"variable": "answers.again", "field": "nps_comment"}
    send(alice, f"{begun}/rows/1", act="add", new_step="map_values", **given)
    page = alice.get(f"{begun}/rows/1").text
    assert re.search(r'name="step-1-values-old-1"\s+value="yes"', page)


def test_the_head_says_what_will_happen(alice, begun, world):
    fields = {"name": "Renamed", "operation": "upsert", "variable": "contact.email",
              "match": "email", "note": "all", "ambiguous": "newest"}  # fmt: skip
    send(alice, begun, **fields)
    page = text_of(alice.get(begun))
    assert "Not found: a new one is made. Found twice: the newest is taken." in page
    assert body_of(world, begun)["name"] == "Renamed"


def test_a_head_that_cannot_be_is_refused_beside_it(alice, begun):
    fields = {"name": "", "operation": "vanish", "variable": "v", "match": "email"}
    answer = send(alice, begun, **fields)
    assert answer.status_code == 400
    assert "operation:" in text_of(answer)


HEAD = {"operation": "upsert", "note": "all", "ambiguous": "newest"}


def test_files_and_links_of_what_is_made_are_chosen_and_told(alice, world, name):
    alice.get("~/mappings/new")
    target = f"{world.crms['hubspot'].connection_id}:companies"
    made = alice.post("~/mappings/new", name=name, target=target, start="empty")
    page = str(made.headers["Location"])
    assert "Files and signatures do not hang on these records." in text_of(alice.get(page))
    head = {**HEAD, "name": name, "variable": "contact.company", "match": "name"}
    send(alice, page, **head, files="record")
    assert body_of(world, page)["files"] == "record"
    assert "Files and signatures hang on each of these records." in text_of(alice.get(page))
    send(alice, page, **{**head, "operation": "create"}, files="record")
    assert "on none that was there before" in text_of(alice.get(page))
    refused = send(alice, page, **head, files="everywhere")
    assert (refused.status_code, "files:" in text_of(refused)) == (400, True)
    send(alice, page, **head, files="none")
    assert "files" not in body_of(world, page)


def test_what_a_record_is_linked_to_is_chosen_among_the_fields_that_refer(alice, world, name):
    alice.get("~/mappings/new")
    target = f"{world.crms['hubspot'].connection_id}:deals"
    made = alice.post("~/mappings/new", name=name, target=target, start="empty")
    page = str(made.headers["Location"])
    assert 'id="f-link-contact"' in alice.get(page).text
    head = {**HEAD, "name": name, "variable": "response.id", "match": "hs_object_id"}
    send(alice, page, **head, **{"link-contact": "contacts", "link-company": ""})
    assert body_of(world, page)["links"] == {"contact": "contacts"}
    told = text_of(alice.get(page))
    assert "Each record is linked to the contact who answered, by contacts." in told
    send(alice, page, **head, **{"link-contact": "", "link-company": ""})
    assert "links" not in body_of(world, page)


def test_a_contact_s_mapping_says_what_becomes_of_files_and_asks_nothing(alice, begun):
    page = alice.get(begun)
    assert "become files of the contact" in text_of(page)
    assert 'name="files"' not in page.text
    assert 'name="link-contact"' not in page.text


def test_nobody_writes_over_what_somebody_else_has_changed(alice, begun, world):
    seen = MARK.findall(alice.get(begun).text)[0]
    add(alice, begun)
    answer = alice.post(f"{begun}/rows", mark=seen, variable="answers.why", field="nps_comment")
    assert answer.status_code == 409
    assert len(body_of(world, begun)["rows"]) == 1


def test_it_is_published_and_switched_on(alice, begun, name):
    add(alice, begun)
    send(alice, begun, "/publish", act="on")
    page = text_of(alice.get(begun))
    assert f"Fed by: {name}: every response." in page
    assert f"{name} 1 row hubspot-main contacts Published {name}" in text_of(
        alice.get("~/mappings")
    )


def test_what_has_no_rows_is_not_published(alice, begun):
    assert "no row says what is written where" in text_of(alice.get(begun))
    assert send(alice, begun, "/publish", act="on").status_code == 422


def test_warnings_are_ticked_before_it_is_published(alice, begun):
    add(alice, begun, "answers.unheard_of", "nps_score")
    assert "I have read this" in text_of(alice.get(begun))
    assert send(alice, begun, "/publish", act="on").status_code == 409
    assert send(alice, begun, "/publish", act="on", accept="yes").status_code == 303


def test_a_finding_says_who_mends_it_where_and_one_click_mends_it(alice, begun, world):
    options = [{"value": "p", "label": "Price"}]
    question = {"key": "topic", "type": "multi_choice", "options": options}
    with world.database.begin(world.workspace_id) as store:
        surveys.save(store, world.workspace_id, platform_id="topics", learnt_from="api",
                     body={"questions": [question]})  # fmt: skip
    add(alice, begun, "answers.topic", "nps_topics")
    page = alice.get(begun)
    assert "Fault Some answers have no option in the CRM nps_topics" in text_of(page)
    assert "You or another admin here: The row" in text_of(page)
    assert f'href="{begun}/rows/1"' in page.text
    send(alice, begun, "/mend", pointer="/rows/0/transforms", code="option_uncovered")
    steps = body_of(world, begun)["rows"][0]["transforms"]
    assert steps[0]["values"] == {"p": "price"}
    assert "Nothing stands against it." in text_of(alice.get(begun))


def test_what_is_published_and_fed_is_not_offered_to_be_published(alice, begun):
    add(alice, begun)
    send(alice, begun, "/publish", act="publish")
    page = alice.get(begun)
    assert "Switch it on" in page.text
    assert 'value="publish"' not in page.text
    send(alice, begun, "/publish", act="on")
    page = alice.get(begun)
    assert "there is nothing to publish" in text_of(page)
    assert f"{begun}/publish" not in page.text
    add(alice, begun, "answers.why", "nps_comment")
    assert 'value="publish"' in alice.get(begun).text


def test_it_pauses_and_resumes(alice, begun, name):
    add(alice, begun)
    send(alice, begun, "/publish", act="publish")
    send(alice, begun, "/pause")
    assert f"{name} 1 row hubspot-main contacts Paused" in text_of(alice.get("~/mappings"))
    send(alice, begun, "/resume")
    assert f"{name} 1 row hubspot-main contacts Published" in text_of(alice.get("~/mappings"))


def test_versions_are_compared_and_a_former_one_is_taken_back(alice, begun, world):
    add(alice, begun)
    send(alice, begun, "/publish", act="publish")
    add(alice, begun, "answers.why", "nps_comment")
    page = text_of(alice.get(f"{begun}/versions"))
    assert "From version 1 to version 2" in page
    assert "nps_comment" in page
    alice.post(f"{begun}/versions/1/restore")
    assert [row["field"] for row in body_of(world, begun)["rows"]] == ["nps_score"]


def test_it_leaves_and_comes_back_as_yaml_and_as_a_spreadsheet(alice, begun, world):
    add(alice, begun)
    document = yaml.safe_load(alice.get(f"{begun}/mapping.yaml").text)
    document["rows"][0]["when_present"] = "keep"
    sheet = alice.get(f"{begun}/mapping.xlsx").data
    assert upload(alice, yaml.safe_dump(document).encode()).status_code == 303
    assert body_of(world, begun)["rows"][0]["when_present"] == "keep"
    assert upload(alice, sheet).status_code == 303
    assert body_of(world, begun)["rows"][0]["when_present"] == "overwrite"


def upload(alice, raw: bytes):
    alice.get("~/mappings")
    return alice.post("~/mappings/file", file=(io.BytesIO(raw), "mapping"))


def test_a_file_that_cannot_be_published_is_told_by_its_places(alice, begun, world):
    add(alice, begun)
    document = yaml.safe_load(alice.get(f"{begun}/mapping.yaml").text)
    document["rows"][0]["field"] = "nowhere"
    answer = upload(alice, yaml.safe_dump(document).encode())
    assert answer.status_code == 422
    assert "the CRM has no field nowhere" in text_of(answer)


def test_trying_shows_what_would_be_written_and_how_it_came_about(alice, begun, world):
    add(alice, begun)
    number = number_of(world, "r2")
    page = text_of(alice.get(f"{begun}/test?response={number}"))
    assert "contacts , email = c2@example.test" in page
    assert "answers.nps 3 nps_score 3" in page


def test_trying_without_a_response_makes_one_up(alice, begun):
    add(alice, begun)
    assert "sample@example.com" in text_of(alice.get(f"{begun}/test"))


def test_trying_compares_with_the_record_in_the_crm(alice, begun, world):
    add(alice, begun)
    world.crms["hubspot"].seed([{"email": "c2@example.test"}])
    number = number_of(world, "r2")
    page = text_of(alice.get(f"{begun}/test?response={number}&live=1"))

    assert "found in the CRM" in page
    assert "In the CRM now" in page
    assert "/batch/read" in page
    assert "/batch/update built, not sent" in page
    assert "Score tag and note" in page
    assert "Why?: Friendly" in page


def test_a_record_is_typed_and_one_that_is_not_there_is_said(alice, begun, world):
    add(alice, begun)
    (record,) = world.crms["hubspot"].seed([{"email": "typed@example.test"}])
    number = number_of(world, "r2")
    page = alice.get(f"{begun}/test?response={number}&record={record}&live=1")
    assert f"/record/0-1/{record}" in page.text
    assert "nps_score nothing 3 changes" in text_of(page)
    page = alice.get(f"{begun}/test?response={number}&record=404&live=1")
    assert "There is no such thing here. hubspot-main has no" in text_of(page)


def test_a_test_record_is_written_once_it_is_agreed_and_read_back(alice, begun, world):
    add(alice, begun)
    crm = world.crms["hubspot"]
    crm.seed([{"email": "tester@example.test"}])
    number = number_of(world, "r2")
    sent = {"response": number, "record": "Tester@example.test"}
    alice.get(f"{begun}/test")
    asked = alice.post(f"{begun}/test", **sent)
    assert (asked.status_code, "tick first" in text_of(asked)) == (422, True)
    assert crm.value("tester@example.test", "score") in (None, "")
    page = text_of(alice.post(f"{begun}/test", **sent, agreed="1", note="1"))
    assert "Written and read back" in page
    assert "Score tag and note Note as sent" in page
    assert len(crm.notes("tester@example.test")) == 1
    assert "nps_score nothing 3 3 as sent" in page
    assert crm.value("tester@example.test", "score") == "3"
    refused = alice.post(f"{begun}/test", **{**sent, "record": "404"}, agreed="1")
    assert (refused.status_code, "with this id." in text_of(refused)) == (404, True)


def test_what_is_fed_is_not_removed(alice, begun):
    add(alice, begun)
    send(alice, begun, "/publish", act="on")
    assert send(alice, begun, "/remove").status_code == 409


def test_a_mapping_that_nothing_feeds_is_removed(alice, begun):
    send(alice, begun, "/remove")
    assert alice.get(begun).status_code == 404


def test_it_is_applied_to_earlier_responses_after_a_look_at_what_that_does(alice, begun, world):
    assert "The mapping is not switched on" in text_of(alice.get(f"{begun}/backfill"))
    world.push(answered(771, at="2025-05-05T10:00:00Z"))
    world.plan()
    add(alice, begun)
    send(alice, begun, "/publish", act="on", accept="yes")
    refused = alice.get(f"{begun}/backfill?look=yes&since=2026-12-01&until=2026-11-01")
    assert refused.status_code == 400
    assert "must not lie before the first day" in text_of(refused)
    span = {"since": "2025-05-05", "until": "2025-05-05", "campaign": "5000"}
    asked = "&".join(f"{name}={value}" for name, value in span.items())
    looked = text_of(alice.get(f"{begun}/backfill?look=yes&{asked}"))
    assert "Responses in this span 1" in looked
    assert "Write them (1)" in looked
    alice.post(f"{begun}/backfill", **span)
    (run,) = world.rows(
        "SELECT id, total FROM backfill WHERE mapping_id = :m", m=int(begun.rsplit("/", 1)[1])
    )
    assert run.total == 1
    assert "Responses looked at: 0 of 1" in text_of(alice.get(f"{begun}/backfill"))
    alice.post(f"{begun}/backfill/{run.id}/stop")
    assert "Stopped" in text_of(alice.get(f"{begun}/backfill"))
