"""The link of an answer's file as it stands in the CRM is written to a field by a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.db import Database
from connector.settings import Settings
from simulators.kit.server import running
from tests.responses.conftest import FAST, SIMULATORS
from tests.responses.filehost import TAKERS, FileHost, founded_with_files, hosting, png, signed
from tests.responses.test_files import PERSON
from tests.world import FIELDS, CRMSeen, World, people

LINKS = {
    "hubspot": "https://files.hubspot.example/hubfs/",
    "odoo": "/web/content/",
    "salesforce": "/sfc/servlet.shepherd/version/download/068",
    "zendesk": "/attachments/token/",
}


@pytest.fixture
def host() -> Iterator[FileHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded_with_files(settings, database)


@pytest.fixture(params=TAKERS)
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """A CRM whose comment is to hold the signature's link, and whose score the score."""
    app = request.param
    with running(SIMULATORS[app](options=FAST.get(app, {}))) as url:
        seen = world.connect(app, url)
        fields = FIELDS[app]
        rows = [
            {"variable": "answers.sign.crm_link", "field": fields["comment"]},
            {"variable": "answers.nps", "field": fields["score"]},
        ]
        world.mapping(app, rows=rows)
        yield seen


def links(world: World) -> list[Any]:
    return [one for one in world.deliveries(kind="fields") if one.step.startswith("link:")]


def test_the_link_is_written_when_the_file_is_there_and_goes_with_the_response(
    world: World, crm: CRMSeen, host: FileHost
) -> None:
    crm.seed(people(1))
    world.push(signed(0, host.put("/s.png", png(1))))
    world.settle()
    written = str(crm.value(PERSON, "comment"))
    assert LINKS[crm.app] in written
    assert "invalid" not in written
    assert str(crm.value(PERSON, "score")).startswith("9")
    (step,) = links(world)
    assert (step.state, "links" in step.payload) == ("done", False)
    (line,) = world.rows("SELECT after FROM ledger WHERE delivery_id = :id", id=step.id)
    assert line.after == written
    gone = {
        "event": "deleted",
        "revision": 9,
        "answers": {},
        "submitted_at": "2026-11-23T01:02:00Z",
    }
    world.push({**gone, "response_id": "r0"})
    world.settle()
    assert crm.value(PERSON, "comment") in (None, "", False)


def test_a_file_that_cannot_be_had_says_so_and_none_leaves_nothing(
    world: World, host: FileHost
) -> None:
    with running(SIMULATORS["hubspot"]()) as url:
        seen = world.connect("hubspot", url)
        rows = [
            {"variable": "answers.sign.crm_link", "field": "nps_comment"},
            {"variable": "answers.nps", "field": "nps_score"},
        ]
        world.mapping("hubspot", rows=rows)
        seen.seed(people(1))
        world.push(signed(0, f"{host.url}/not-there.png"))
        world.settle()
        (step,) = links(world)
        assert (step.state, step.reason, step.error_field) == ("dead", "file", "sign")
        assert str(seen.value(PERSON, "score")).startswith("9")
        world.standard("hubspot", files=False)
        world.push(signed(0, host.put("/s.png", png(1)), response_id="r1"))
        world.settle()
        assert len(links(world)) == 1
        assert seen.value(PERSON, "comment") in (None, "")
        (row,) = world.rows("SELECT verdicts FROM response WHERE response_id = 'r1'")
        assert "no_file_there" in row.verdicts.values()
