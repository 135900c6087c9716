"""An automation is put together, tried on what came, published, ordered and switched, by plain
forms.
"""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask

from connector.access import Role
from connector.api.pages import cursor_of
from connector.db import Database
from connector.responses.configuration import automations
from connector.settings import Settings
from tests.pages.conftest import NUMBERS, Browser, founded, text_of
from tests.world import World, answered, hub_on

MARK = re.compile(r'name="mark"\s+value="([0-9a-f]{0,16})"')
# A tag for whoever is not satisfied, or says so.
UNHAPPY: dict[str, Any] = {
    "name": "Unhappy", "when": "response.completed", "campaign": "", "mode": "form",
    "if-join": "any",
    "if-1-variable": "answers.nps", "if-1-says": "at_most", "if-1-value": "6",
    "if-2-join": "all",
    "if-2-1-variable": "answers.why", "if-2-1-says": "contains", "if-2-1-value": "parking",
    "if-2-2-variable": "answers.nps", "if-2-2-says": "less", "if-2-2-value": "9",
    "then-1-do": "tag",
}  # fmt: skip
WRITTEN = 'answers.nps <= 6 || (answers.why.contains("parking") && answers.nps < 9)'


@pytest.fixture(scope="module")
def alice(app: Flask, database: Database, settings: Settings) -> Browser:
    browser = founded(app, database, settings, "alice")
    browser.sign_in()
    return browser


@pytest.fixture(scope="module")
def world(alice: Browser, settings: Settings, database: Database, hubspot: str) -> World:
    """Alice's workspace with a HubSpot, and four responses of one campaign that were planned."""
    made = World(hub_on(settings, database), alice.workspace_id, "")
    made.connect("hubspot", hubspot)
    silent = {"why": {"type": "text", "value": "-", "title": "Why?"}}
    made.push(answered(1, score=10), answered(2, score=3),
              answered(3, score=8, why="No parking"), answered(4, answers=silent))  # fmt: skip
    made.plan()
    return made


@pytest.fixture
def name() -> str:
    return f"Unhappy {next(NUMBERS)}"


def begun(alice: Browser, name: str, **fields: Any) -> str:
    """The address of a saved draft."""
    alice.get("~/automations/new")
    made = alice.post("~/automations/new", **dict(UNHAPPY, name=name, **fields))
    assert made.status_code == 303, text_of(made)
    return str(made.headers["Location"])


def send(alice: Browser, page: str, action: str = "", **fields: Any) -> Any:
    """The form as it is filled in here, with the mark of the page."""
    mark = MARK.search(alice.get(page).text)
    return alice.post(f"{page}{action}", mark=mark[1] if mark else "", **fields)


def row_of(world: World, address: str) -> dict[str, Any]:
    with world.database.begin(world.workspace_id) as store:
        return automations.read(store, world.workspace_id, int(address.rsplit("/", 1)[1]))


def test_an_empty_list_gives_the_button(charlie):
    page = text_of(charlie.get("~/automations"))
    assert "No automation yet" in page
    assert "New automation" in page


def test_what_a_form_holds_is_kept_as_cel_and_shown_as_the_same_form(alice, world, name):
    address = begun(alice, name)
    assert row_of(world, address)["body"]["if"] == WRITTEN
    page = alice.get(address).text
    assert re.search(r'name="if-2-1-value"\s+value="parking"', page)
    shown = html.unescape(text_of(alice.get(address)))
    assert (
        "When a response is complete, or edited, if “How likely are you to recommend us?”"
        " is at most 6 or (“Why?” contains parking and “How likely are you to recommend us?”"
        " is less than 9): Write the score tag." in shown
    )


def test_it_says_how_many_of_the_last_responses_it_would_have_let_through(alice, world, name):
    page = text_of(alice.get(begun(alice, name)))
    assert "Of the last responses it would have let through: 2 of 4." in page
    assert "Without an answer that it names: 1." in page


def test_a_campaign_that_nobody_answered_has_no_count(alice, world, name):
    page = text_of(alice.get(begun(alice, name, campaign="nowhere")))
    assert "No response yet that would have set it off." in page


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        ("add", "if-3-variable"),
        ("add-2", "if-2-3-variable"),
        ("group-2", "if-2-3-1-variable"),
        ("then-add", "then-2-mapping"),
    ],
)
def test_a_button_adds_to_the_form_without_scripts(alice, world, act, shown):
    world.mapping("hubspot", name=f"M {next(NUMBERS)}")
    alice.get("~/automations/new")
    answer = alice.post("~/automations/form", **UNHAPPY, act=act, new_do="feed")
    assert f'name="{shown}"' in answer.text
    assert "<html" in answer.text
    part = alice.post("~/automations/form", headers={"HX-Request": "1"}, **UNHAPPY, act=act,
                      new_do="feed")  # fmt: skip
    assert f'name="{shown}"' in part.text
    assert "<html" not in part.text


def test_a_button_takes_away_and_moves(alice):
    alice.get("~/automations/new")
    fields = {**UNHAPPY, "then-2-do": "note"}
    gone = alice.post("~/automations/form", **fields, act="drop-2-1").text
    assert 'name="if-2-2-variable"' not in gone
    moved = alice.post("~/automations/form", **fields, act="up-2").text
    assert re.search(r'name="then-1-do"\s+value="note"', moved)


def test_a_form_becomes_an_expression_and_a_form_again(alice):
    alice.get("~/automations/new")
    advanced = alice.post("~/automations/form", **UNHAPPY, act="cel")
    assert html.escape(WRITTEN, quote=False).replace('"', "&#34;") in advanced.text
    fields = {**UNHAPPY, "mode": "cel", "source": "answers.nps > 3"}
    assert 'name="if-1-value"' in alice.post("~/automations/form", **fields, act="form").text
    fields["source"] = "size(answers.why) > 3"
    stays = alice.post("~/automations/form", **fields, act="form")
    assert "The form cannot say this expression" in text_of(stays)


def test_an_expression_that_cannot_be_is_shown_with_a_caret(alice, world, name):
    fields = {**UNHAPPY, "name": name, "mode": "cel", "source": "answers.nps >= contcat.x"}
    alice.get("~/automations/new")
    answer = alice.post("~/automations/form", **fields)
    assert "answers.nps >= contcat.x\n               ^" in html.unescape(answer.text)
    address = begun(alice, **fields)
    refused = send(alice, address, "/publish", **fields)
    assert refused.status_code == 400
    assert "no variable is called contcat.x" in text_of(refused)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"if-1-value": "six"}, "This is no number."),
        ({"if-1-variable": ""}, "Choose what is looked at."),
        ({"if-1-value": ""}, "Give a value."),
        ({"if-1-says": "contains"}, "Choose what is said of it."),
        ({"if-3-join": "all"}, "This group is empty"),
        ({"name": ""}, "Length must be between 1 and"),
        ({"then-1-do": ""}, "Length must be between 1 and"),
        ({"then-1-do": "redirect", "then-1-url": "http://x"}, "url: Not a valid URL."),
        ({"then-1-do": "task", "then-1-due_in_days": "soon"}, "due_in_days: Not a valid integer."),
        ({"then-1-do": "feed"}, "a feed action names a mapping"),
        ({"when": "never"}, "Must be one of"),
    ],
)
@pytest.mark.usefixtures("world")  # the responses say that a score is a number
def test_what_is_wrong_is_said_beside_it_and_what_was_typed_stays(alice, fields, said):
    alice.get("~/automations/new")
    answer = alice.post("~/automations/new", **{**UNHAPPY, **fields})
    assert answer.status_code == 400
    assert said in html.unescape(text_of(answer))
    assert re.search(r'name="if-2-1-value"\s+value="parking"', answer.text)


def test_a_name_is_given_once(alice, world, name):
    begun(alice, name)
    answer = alice.post("~/automations/new", **{**UNHAPPY, "name": name})
    assert answer.status_code == 400
    assert "Another automation has that name already." in text_of(answer)


def test_nobody_writes_over_what_somebody_else_has_changed(alice, world, name):
    address = begun(alice, name)
    seen = MARK.findall(alice.get(address).text)[0]
    send(alice, address, **{**UNHAPPY, "name": name, "if-1-value": "5"})
    answer = alice.post(address, mark=seen, **{**UNHAPPY, "name": name})
    assert answer.status_code == 409
    assert "answers.nps <= 5" in row_of(world, address)["body"]["if"]


def test_it_is_published_switched_off_and_on_and_publishing_again_keeps_the_switch(
    alice, world, name
):
    address = begun(alice, name)
    fields = {**UNHAPPY, "name": name}
    assert send(alice, address, "/publish", **fields).status_code == 303
    assert (row_of(world, address)["published"], row_of(world, address)["enabled"]) == (1, True)
    send(alice, address, "/switch", to="off")
    assert "Switched off" in text_of(alice.get(address))
    send(alice, address, "/publish", **{**fields, "if-1-value": "2"})
    assert (row_of(world, address)["published"], row_of(world, address)["enabled"]) == (2, False)
    send(alice, address, "/switch", to="on")
    assert row_of(world, address)["enabled"]


def test_versions_are_compared_and_a_former_one_is_taken_back(alice, world, name):
    address = begun(alice, name)
    send(alice, address, "/publish", **{**UNHAPPY, "name": name})
    send(alice, address, **{**UNHAPPY, "name": name, "if-1-value": "2"})
    page = html.unescape(text_of(alice.get(f"{address}/versions")))
    assert "answers.nps <= 2" in page
    alice.post(f"{address}/versions/1/restore")
    assert row_of(world, address)["body"]["if"] == WRITTEN


def order_of(alice: Browser, names: list[str], campaign: str = "") -> list[str]:
    page = text_of(alice.get(f"~/automations?campaign={campaign}"))
    return sorted((one for one in names if f" {one} " in page), key=page.index)


def test_the_order_is_changed_by_buttons_and_is_that_of_planning(alice, world, name):
    names = [f"{name} {letter}" for letter in "abc"]
    campaigns = ["", "5000", "6000"]
    made = [begun(alice, one, campaign=to) for one, to in zip(names, campaigns, strict=True)]
    send(alice, made[2], "/move", to="up")
    assert order_of(alice, names) == [names[0], names[2], names[1]]
    # Of those that this campaign sets off, the one before it is the first.
    assert send(alice, made[1], "/move", to="up", campaign="5000").status_code == 303
    assert order_of(alice, names) == [names[1], names[0], names[2]]
    assert order_of(alice, names, "5000") == [names[1], names[0]]
    send(alice, made[2], "/remove")
    assert order_of(alice, names) == [names[1], names[0]]


def test_the_list_goes_page_by_page_and_a_button_leads_back_to_its_page(charlie, name, monkeypatch):
    monkeypatch.setattr("connector.admin.automations.A_PAGE", 2)
    names = [f"{name} {letter}" for letter in "abcd"]
    campaigns = ["", "6000", "5000", ""]
    made = [begun(charlie, one, campaign=to) for one, to in zip(names, campaigns, strict=True)]
    first = charlie.get("~/automations?campaign=5000")
    assert [one in first.text for one in names] == [True, False, True, False]
    following = html.unescape(re.findall(r'href="([^"]+cursor=[^"]+)"', first.text)[0])
    second = charlie.get(following)
    assert [one in second.text for one in names] == [False, False, False, True]
    assert f"Move {names[3]} up" in second.text
    assert f"Move {names[3]} down" not in second.text
    cursor = following.rpartition("=")[2]
    back = charlie.post(f"{made[3]}/move", to="up", campaign="5000", cursor=cursor)
    assert back.headers["Location"] == following
    assert names[2] in charlie.get(following).text
    assert charlie.get("~/automations?cursor=rubbish").status_code == 422
    gone = charlie.get(f"~/automations?cursor={cursor_of(9)}")
    assert gone.headers["Location"].endswith("/automations")


def test_the_first_of_two_redirects_counts(alice, world, name):
    leads = {"if-join": "all", "then-1-do": "redirect"}
    fields = {k: v for k, v in UNHAPPY.items() if not k.startswith("if-")} | leads
    made = []
    for to in ("first", "second"):
        said = {**fields, "name": f"{name} {to}", "then-1-url": f"https://{to}.example.test/"}
        alice.get("~/automations/new")
        made.append(alice.post("~/automations/new", **said).headers["Location"])
        send(alice, made[-1], "/publish", **said)
    send(alice, made[1], "/move", to="up")
    number = next(NUMBERS) + 1_000
    world.push(answered(number))
    world.plan()
    (row,) = world.rows("SELECT verdicts FROM response WHERE response_id = :r", r=f"r{number}")
    assert row.verdicts["redirect"] == "url:https://second.example.test/"
    for one in made:
        send(alice, one, "/remove")


def test_a_viewer_sees_them_and_has_no_buttons(alice, colleague, world, name):
    begun(alice, name)
    page = colleague(Role.VIEWER).get("~/automations")
    assert page.status_code == 200
    assert "/move" not in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {f"if-{n}-variable": "answers.nps" for n in range(1, 60)},
        {"if-1-1-1-1-1-variable": "x", "if-1-join": "any", "if-1-1-join": "all"},
        {"if-1-join": "any", "if-1-1-join": "all", "if-1-1-1-join": "any", "if-1-1-1-1-join": "any",
         "if-1-1-1-1-1-variable": "flags.vip", "if-1-1-1-1-1-says": "yes"},
        {"act": "add-9-9-9"}, {"act": "drop-77"}, {"act": "group-0"}, {"act": "then-add"},
        {"id": "99999999999999999999"}, {"campaign": "x" * 255},
        {"source": "(" * 9_000, "mode": "cel"},
        {"source": "(" * 4_000, "mode": "cel", "act": "form"},
        {"then-1-list": "a|b|c", "then-1-do": "subscribe"}, {"then-1-do": "vanish"},
        {"if-1-variable": "answers.nps'", "mode": "form"},
    ],
)  # fmt: skip
def test_a_form_that_nobody_fills_in_so_is_no_failure(alice, fields):
    alice.get("~/automations/new")
    for path in ("~/automations/form", "~/automations/new"):
        assert alice.post(path, **{"when": "response.completed", **fields}).status_code < 500
