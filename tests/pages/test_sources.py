"""Survey sources: made, tried out all the way, changed, rotated and deleted in the browser."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from sqlalchemy import insert

from connector.documents import read_yaml
from connector.responses import gathering, planner
from connector.responses.sourcefile import settings_in
from connector.tables import hook_notice
from schemas.sources.recipe import RECIPES
from simulators.kit.server import running
from simulators.odoo import Odoo
from simulators.surveys import Tally
from tests.pages.conftest import Browser, text_of
from tests.survey_definitions import SURVEYS

ADDRESS = re.compile(r'value="(https?://[^"]+/hooks/[^"]+)"')


def made(browser: Browser, platform: str = "standard", **fields: Any) -> tuple[str, Any]:
    """A source's path, and the page that shows its address."""
    browser.get(f"~/settings/sources/new?platform={platform}")
    wanted = {"name": platform.title(), "platform": platform, **fields}
    page = browser.post("~/settings/sources/new", **wanted)
    assert page.status_code == 200, text_of(page)
    number = re.search(r"/settings/sources/(\d+)/delete", page.text)
    assert number
    return f"~/settings/sources/{number[1]}", page


def path_at(page: Any) -> str:
    address = ADDRESS.search(page.text)
    assert address, text_of(page)
    return "/hooks/" + address[1].split("/hooks/")[1]


def test_a_source_shows_its_address_and_secret_once(alice, app):
    path, page = made(alice)
    assert "whsec_" in page.text
    assert app.test_client().get(path_at(page)).status_code != 404
    again = alice.get(path)
    assert "whsec_" not in again.text
    assert ADDRESS.search(again.text) is None
    assert "Standard Webhooks signature" in text_of(alice.get("~/settings/sources"))


def test_a_test_response_goes_all_the_way_and_the_page_follows_it(alice, world):
    path, _ = made(alice)
    sent = alice.post(f"{path}/test", email="Soren@Example.test", score="9")
    assert sent.status_code == 303
    following = sent.headers["Location"]
    assert "Taken, to be planned" in text_of(alice.get(following))
    planner.plan_waiting(world.hub, alice.workspace_id)
    page = text_of(alice.get(following))
    assert "All is written" in page or "On its way" in page
    assert "In 24 hours 1" in page
    part = alice.get(following, **{"HX-Request": "true"})
    assert "<html" not in part.text


def test_what_is_wrong_with_a_test_stands_beside_its_field(alice):
    path, _ = made(alice, "formbricks")
    for asked, said in [
        ({"email": "a@example.test", "score": "11"}, 'id="h-score"'),
        ({"email": "a@example.test", "score": "nine"}, 'id="h-score"'),
        ({"email": "", "score": "9"}, 'id="h-email"'),
        ({"email": "a@example.test", "score": "9"}, "Bring the secret"),
    ]:
        answer = alice.post(f"{path}/test", **asked)
        assert (answer.status_code, said in answer.text) == (422, True), (asked, text_of(answer))


def test_a_new_address_counts_at_once(alice, app):
    path, page = made(alice)
    fresh = alice.post(f"{path}/rotate", what="address")
    assert app.test_client().get(path_at(page)).status_code == 404
    assert app.test_client().get(path_at(fresh)).status_code != 404
    assert "whsec_" not in fresh.text
    assert "whsec_" in alice.post(f"{path}/rotate", what="secret").text


def test_a_recipe_is_uploaded_and_its_faults_are_told_by_line(alice):
    recipe = (RECIPES / "asknicely.yaml").read_bytes()
    file = (io.BytesIO(recipe), "asknicely.yaml")
    path, page = made(alice, "recipe", name="AskNicely", file=file)
    assert "AskNicely" in text_of(page)
    broken = recipe.decode().replace("response_id: question.id", "response_id: 'question.['")
    answer = alice.post(path, settings=broken)
    assert answer.status_code == 422
    assert re.search(r"line 4\b", answer.text), text_of(answer)
    assert "question.[" in answer.text
    assert alice.post(path, settings=recipe.decode()).status_code == 303


def test_settings_without_a_recipe_are_settings():
    said = read_yaml(b"types: {q1: nps}\nrespondent: {email: [mail]}\n")
    assert settings_in(said) == {"types": {"q1": "nps"}, "respondent": {"email": ["mail"]}}


def test_settings_and_a_secret_of_the_platform_are_changed(alice):
    path, _ = made(alice, "typeform", secret="a-secret-of-typeform")
    done = alice.post(path, settings="types: {question_a1: nps}", secret="")
    assert done.status_code == 303
    page = alice.get(path)
    assert "question_a1: nps" in page.text
    assert "a-secret-of-typeform" not in page.text
    assert alice.post(path, settings="types: {question_a1: what}").status_code == 422
    assert alice.post(path, settings="", secret="short").status_code == 422


def test_surveys_are_fetched_by_a_button_that_says_how_it_went(alice, world):
    simulator = Tally()
    with running(simulator) as url:
        path, _ = made(alice, "tally", base_url=url)
        assert "/surveys" not in alice.get(made(alice)[0]).text
        refused = alice.post(f"{path}/surveys")
        assert (refused.status_code, 'id="h-token"' in refused.text) == (422, True)
        alice.post(path, token="another-token")
        assert alice.post(f"{path}/surveys").status_code == 303
        assert "The list is on its way" in text_of(alice.get(path))
        gathering.gather_due(world.hub, alice.workspace_id)
        assert "In the way: the platform refuses the token" in text_of(alice.get(path))
        simulator.seed({"forms": {"mD1": SURVEYS["tally"].told}})
        alice.post(path, token=simulator.options["token"])
        alice.post(f"{path}/notices/retry")
        gathering.gather_due(world.hub, alice.workspace_id)
        page = text_of(alice.get(path))
        assert "Fetched 1" in page
        assert "In the way" not in page


def test_whoever_knows_that_responses_were_deleted_confirms_it_of_the_number_shown(alice, world):
    path, _ = made(alice)
    number = int(path.rpartition("/")[2])
    assert "They were deleted" not in alice.get(path).text
    told = {"gone": 37, "asked": 40, "at": "2026-11-22T01:02:00+00:00"}
    with world.database.begin(alice.workspace_id) as store:
        store.execute(
            insert(hook_notice).values(
                workspace_id=alice.workspace_id, source_id=number, key="poll",
                what={"poll": "new", "held": json.dumps(told)},
            )
        )  # fmt: skip
    page = alice.get(path)
    assert "37 of the 40 responses" in text_of(page)
    assert 'name="gone" value="37"' in page.text
    assert alice.post(f"{path}/emptied", gone="x").status_code == 422
    other = alice.post(f"{path}/emptied", gone="36")
    assert "Meanwhile 37 are gone" in text_of(alice.get(other.headers["Location"]))
    done = alice.post(f"{path}/emptied", gone="37")
    assert "Confirmed" in text_of(alice.get(done.headers["Location"]))
    assert "They were deleted" not in alice.get(path).text


def test_a_deleted_source_is_gone(alice, app):
    path, page = made(alice)
    assert alice.post(f"{path}/delete").status_code == 303
    assert app.test_client().get(path_at(page)).status_code == 404
    assert alice.get(path).status_code == 404
    assert "No source yet" in text_of(alice.get("~/settings/sources"))


def test_a_name_that_is_taken_and_a_platform_that_is_none(alice):
    made(alice)
    taken = alice.post("~/settings/sources/new", name="Standard", platform="standard")
    assert (taken.status_code, 'id="h-name"' in taken.text) == (422, True)
    assert alice.get("~/settings/sources/new?platform=none").status_code == 404
    assert alice.post("~/settings/sources/new", name="x", platform="none").status_code == 404


def test_a_source_that_is_asked_at_a_connection_has_no_address(alice, world):
    assert "Connect the app first" in text_of(alice.get("~/settings/sources/new?platform=odoo"))
    refused = alice.post("~/settings/sources/new", name="Odoo", platform="odoo")
    assert refused.status_code == 422
    assert "The id of the connection" in text_of(refused)
    with running(Odoo()) as url:
        crm = world.connect("odoo", url, "Our Odoo")
        assert "Our Odoo" in text_of(alice.get("~/settings/sources/new?platform=odoo"))
        path, page = made(alice, "odoo", connection=str(crm.connection_id))
        assert ADDRESS.search(page.text) is None
        assert "Make a new address" not in text_of(page)
        assert "What its connection answers" in text_of(page)
        assert alice.post(f"{path}/rotate", what="address").status_code == 422


def test_a_paused_source_says_so_at_home_until_it_goes_on(alice):
    path, _ = made(alice)
    alice.post(f"{path}/pause")
    assert "Responses that wait: 0." in text_of(alice.get(path))
    assert "This survey source is paused" in text_of(alice.get("~/"))
    alice.post(f"{path}/resume")
    assert "Paused" not in text_of(alice.get("~/settings/sources"))
