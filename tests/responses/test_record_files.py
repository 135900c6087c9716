"""The files of a response hang on its own record too, where that is asked: once, whatever is
lost.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connector.db import Database
from connector.settings import Settings
from simulators.kit.server import running
from tests.responses.filehost import FileHost, founded_with_files, hosting, png, signed
from tests.responses.test_companies import known
from tests.responses.test_files import digests, files_of
from tests.responses.test_records import LATER, empty, furnished
from tests.world import CRMSeen, World, people

# Which call makes a file stand on its record.
HANGS: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"path": "/notes/batch/create"},
    "odoo": {"body": '"ir.attachment".*"create"'},
    "salesforce": {"method": "POST", "path": "/sobjects/ContentVersion"},
}

# Which call makes a company.
COMPANY: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"path": "/companies/batch/create"},
    "odoo": {"body": r'"res\.partner",\s*"create"'},
    "salesforce": {"method": "POST", "path": "/composite/sobjects/?$", "body": "Account"},
}

GONE: Mapping[str, Any] = {"event": "deleted", "revision": 9, "submitted_at": LATER}


@pytest.fixture
def host() -> Iterator[FileHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded_with_files(settings, database)


@pytest.fixture(params=sorted(HANGS))
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """A furnished account that keeps a record of each response, with its files."""
    with running(empty(request.param)) as url:
        seen = world.connect(request.param, url)
        furnished(world, seen)
        world.standard(request.param, record=True, create=True, record_files=True)
        yield seen


def on_records(crm: CRMSeen) -> list[str]:
    """The contents of the files on response records."""
    state = crm.control("state")
    if crm.app == "hubspot":
        (rows,) = state["custom"].values()
    elif crm.app == "odoo":
        rows = state["made"]["x_npstoday_response"]
    else:
        rows = state["records"]["NPSToday_Response__c"]
    return sorted(file["sha256"] for one in rows for file in one["files"])


def on_contacts(crm: CRMSeen) -> list[str]:
    return sorted(one["sha256"] for one in files_of(crm))


def steps(world: World) -> list[tuple[str, str, str | None]]:
    return [(one.step, one.state, one.error_code) for one in world.deliveries(kind="file")]


def test_files_hang_on_contact_and_record_and_go_with_the_response(
    world: World, crm: CRMSeen, host: FileHost
) -> None:
    crm.seed(people(1))
    urls = [host.put("/s.png", png(1)), host.put("/a.png", png(2))]
    world.push(signed(0, *urls))
    world.settle()
    both = digests(png(1), png(2))
    assert (on_contacts(crm), on_records(crm)) == (both, both)
    assert {one.state for one in world.deliveries()} == {"done"}
    world.push({**signed(0, *urls, **GONE), "answers": {}})
    world.settle()
    assert (on_contacts(crm), on_records(crm)) == ([], [])


def test_a_file_whose_answer_is_lost_hangs_on_the_record_once(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.standard(crm.app, record=True, create=True, record_files=True, files=False)
    crm.control("fault", {**HANGS[crm.app], "action": {"drop_after": True}})
    world.push(enclosed(0))
    world.settle()
    assert on_records(crm) == digests(png(1))
    assert on_contacts(crm) == []
    assert [one[1] for one in steps(world)] == ["done"]


# --- a record and its files share their fate ------------------------------------------------------

ALONE: Mapping[str, Any] = {"record": True, "record_files": True, "files": False}


def enclosed(number: int, *, image: bytes | None = None, **more: Any) -> dict[str, Any]:
    """A response whose signature comes with it: record and file meet in one wave."""
    content = f"data:image/png;base64,{base64.b64encode(image or png(1)).decode()}"
    sign = {"type": "signature", "value": {"content": content}}
    return {**signed(number, "unused"), "answers": {"sign": sign}, **more}


@pytest.mark.parametrize("crm", ["odoo"], indirect=True)
def test_the_file_of_an_edit_whose_record_has_lost_its_contact_dies_with_it(
    world: World, crm: CRMSeen
) -> None:
    (here,) = crm.seed(people(1))
    world.standard(crm.app, **ALONE, create=False, note=False, tag=False, fields=False)
    world.push(enclosed(0))
    world.settle()
    assert on_records(crm) == digests(png(1))
    crm.control("seed", {"delete": [here]})
    world.push(enclosed(0, image=png(2), revision=2, submitted_at=LATER))
    world.settle()
    record, file = (
        [one for one in world.deliveries() if one.step.startswith(word)][-1]
        for word in ("record:", "record_file:")
    )
    assert (record.state, record.reason) == ("dead", "not_found")
    assert (file.state, file.reason, file.error) == (record.state, record.reason, record.error)
    assert digests(png(2))[0] not in on_records(crm)


@pytest.mark.parametrize("crm", ["hubspot"], indirect=True)
def test_the_file_of_a_record_that_waits_waits_with_it_and_burns_no_try(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    world.standard(crm.app, **ALONE, create=True, company="name", note=False, tag=False)
    known(world, 0, company="Kunde ApS")
    world.push(enclosed(0))
    crm.control("fault", {**COMPANY[crm.app], "action": {"status": 503}})
    world.settle()
    (file,) = world.deliveries(kind="file")
    (record,) = (one for one in world.deliveries() if one.step.startswith("record:"))
    assert (record.state, file.state) == ("done", "done")
    assert record.claims > 1
    assert (file.claims, file.attempts) == (record.claims, 0)
    assert on_records(crm) == digests(png(1))
