"""A file that a CRM does not take is served by a link of ours: to whoever has it, and no longer
than its answer stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from connector.app import create_app
from connector.db import Database
from connector.responses import fetching
from connector.settings import Settings
from tests.responses.filehost import PDF, FileHost, founded_with_files, hosting, png, signed
from tests.responses.scene import joined
from tests.responses.test_record_files import GONE, enclosed
from tests.responses.test_records import LATER
from tests.world import FIELDS, CRMSeen, World, people

PERSON = "c0@example.test"
SIGN = {"variable": "answers.sign.hub_link", "field": FIELDS["brevo"]["comment"]}
SCORE = {"variable": "answers.nps", "field": FIELDS["brevo"]["score"]}
ROWS = [SIGN, SCORE]


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded_with_files(settings, database)


@pytest.fixture
def host() -> Iterator[FileHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    """An app that takes no files, and a mapping that writes a signature's link."""
    with joined(world, "brevo", note="none", rows=ROWS) as seen:
        seen.seed(people(2))
        yield seen


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return create_app(world.hub.settings, world.database).test_client()


def link(crm: CRMSeen, email: str = PERSON) -> str:
    """What the mapping has written, as a path."""
    parts = urlsplit(str(crm.value(email, "comment")))
    assert parts.scheme == "http"
    return parts.path


def answered_with(world: World, number: int = 0, **more: Any) -> None:
    """A response whose signature came along, all the way."""
    world.push(enclosed(number, **more))
    world.settle()


def test_a_link_gives_the_one_file_and_says_how_to_treat_it(
    world: World, crm: CRMSeen, browser: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    answered_with(world)
    here = link(crm)
    answer = browser.get(here)
    assert (answer.status_code, answer.data) == (200, png(1))
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert set(world.states()) == {"done"}
    said = capfd.readouterr()
    assert "file_served" in said.out + said.err
    assert here.rpartition("/")[2] not in said.out + said.err


@pytest.mark.parametrize("part", ["workspace", "file", "token", "short", "empty"])
def test_a_link_that_we_have_not_made_opens_nothing(
    world: World, crm: CRMSeen, browser: FlaskClient, part: str
) -> None:
    answered_with(world)
    answered_with(world, 1, image=png(2))
    first, second = link(crm), link(crm, "c1@example.test")
    _, _, space, number, token = first.split("/")
    tampered = {
        "workspace": f"/files/{int(space) + 1}/{number}/{token}",
        "file": "/".join([*second.split("/")[:-1], token]),
        "token": first[:-4] + "AAAA",
        "short": first[:-4],
        "empty": f"/files/{space}/{number}/é",
    }
    assert browser.get(tampered[part]).status_code == 404
    assert browser.get(second).data == png(2)


def test_a_link_ends_with_its_answer(world: World, crm: CRMSeen, browser: FlaskClient) -> None:
    answered_with(world)
    first = link(crm)
    # The same once more, by a platform that sends every version anew.
    answered_with(world, revision=2, submitted_at=LATER)
    assert browser.get(first).data == png(1)
    answered_with(world, image=png(2), revision=3, submitted_at=LATER)
    second = link(crm)
    assert browser.get(first).status_code == 410
    assert browser.get(second).data == png(2)
    world.push({**enclosed(0), **GONE, "answers": {}})
    world.settle()
    gone = browser.get(second)
    assert (gone.status_code, b"not kept here any more" in gone.data) == (410, True)
    german = browser.get(second, headers={"Accept-Language": "de"})
    assert "wird hier nicht mehr aufbewahrt" in german.text
    assert '<html lang="de"' in german.text
    assert crm.value(PERSON, "comment") in (None, "")


def test_a_file_that_is_still_to_come_holds_up_nothing_but_its_link(
    world: World, crm: CRMSeen, browser: FlaskClient, host: FileHost
) -> None:
    world.push(signed(0, host.put("/s.pdf", PDF)))
    world.plan()
    waiting = [one for one in world.deliveries() if one.step.startswith("own_link:")]
    assert [(one.state, one.reason) for one in waiting] == [("parked", "file")]
    world.drain("brevo")
    assert float(crm.value(PERSON, "score")) == 9
    assert crm.value(PERSON, "comment") in (None, "")
    world.settle()
    assert browser.get(link(crm)).data == PDF
    assert set(world.states()) == {"done"}


def test_a_file_that_cannot_be_had_leaves_no_link_and_says_why(
    world: World, crm: CRMSeen, host: FileHost
) -> None:
    world.push(signed(0, host.put("/s.pdf", b"", status=404)))
    world.settle()
    (lost,) = [one for one in world.deliveries() if one.state == "dead"]
    assert (lost.reason, lost.error_code, lost.error_field) == ("file", "file_gone", "sign")
    assert crm.value(PERSON, "comment") in (None, "")
    assert float(crm.value(PERSON, "score")) == 9


def test_without_a_file_there_is_no_link_and_a_word_why(world: World, crm: CRMSeen) -> None:
    body = signed(0, "https://unused.example/x")
    del body["answers"]["sign"]
    shouting = {**SIGN, "transforms": [{"name": "upper"}]}
    world.mapping("brevo", name="shouting", rows=[shouting, SCORE], note="none")
    world.push(body)
    answered_with(world, 1)
    every = world.rows("SELECT verdicts FROM response ORDER BY response_id")
    assert [list(one.verdicts.values()).count("no_file_there") for one in every] == [0, 1]
    assert "INVALID" not in str(crm.value("c1@example.test", "comment")).upper()


@pytest.mark.parametrize(("days", "status"), [(8, 200), (89, 200), (91, 410)])
def test_what_a_link_leads_to_is_kept_as_long_as_answers_are(
    world: World, crm: CRMSeen, browser: FlaskClient, days: int, status: int
) -> None:
    answered_with(world)
    world.rows(
        "UPDATE answer_file SET settled_at = now() - make_interval(days => :days) RETURNING id",
        days=days,
    )
    fetching.remove_delivered(world.hub, world.workspace_id)
    assert browser.get(link(crm)).status_code == status
