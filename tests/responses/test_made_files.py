"""The files of answers on what a mapping makes (a lead, a case, a custom object, a ticket), where
it says so: once, whatever is lost, and gone with the response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from connector.connections import discover
from connector.db import Database
from connector.responses.configuration import mappings
from connector.settings import Settings
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from simulators.odoo.service import Odoo
from simulators.salesforce.service import Salesforce
from simulators.zendesk.service import Zendesk
from tests.responses.conftest import FAST
from tests.responses.filehost import FileHost, founded_with_files, hosting, png, signed
from tests.responses.test_files import digests, files_of
from tests.responses.test_hubspot_depth import VISIT, told
from tests.responses.test_record_files import GONE, HANGS, enclosed
from tests.responses.test_records import LATER
from tests.world import CRMSeen, World, people

SIMULATED: Mapping[str, Callable[[], Simulator]] = {
    "hubspot": lambda: HubSpot(options={"enterprise": True}),
    "odoo": Odoo,
    "salesforce": Salesforce,
    "zendesk": lambda: Zendesk(options=FAST["zendesk"]),
}
# What is made, the field that identifies it, and the one that the comment goes to.
MADE: Mapping[str, tuple[str, str, str]] = {
    "hubspot": ("p14200142_visit", "visit_number", "title"),
    "odoo": ("crm.lead", "x_visit", "name"),
    "salesforce": ("Case", "Visit__c", "Subject"),
    "zendesk": ("tickets", "external_id", "description"),
}
# Which call hangs the file on what is made: where it is the contact's as well, the second.
HUNG: Mapping[str, Mapping[str, Any]] = {
    **{app: {**order, "occurrence": 2} for app, order in HANGS.items()},
    "zendesk": {"method": "PUT", "path": "/tickets/"},
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {"hubspot": {"entities": ["p14200142_visit"]}}


def prepared(app: str, crm: CRMSeen) -> None:
    """The account has what the mapping makes, with a field that identifies it."""
    if app == "hubspot":
        told(crm.url, "/crm-object-schemas/2026-09/schemas", VISIT)
    elif app == "odoo":
        visit = {"type": "char", "string": "Visit", "size": 40}
        crm.control("seed", {"fields": {"crm.lead": {"x_visit": visit}}})
    elif app == "salesforce":
        text = {"object": "Case", "name": "Visit__c", "label": "Visit", "type": "string",
                "length": 40, "external_id": True, "unique": True}  # fmt: skip
        crm.control("seed", {"fields": [text]})


@contextmanager
def making(world: World, app: str, operation: str = "upsert", **changes: Any) -> Iterator[CRMSeen]:
    """An account and a mapping to it that wants the files of the answers on what it makes."""
    with running(SIMULATED[app]()) as url:
        prepared(app, CRMSeen(app, url, 0, ""))
        seen = world.connect(app, url, **SETTINGS.get(app, {}))
        discover.download(world.hub.desk, world.workspace_id, seen.connection_id, actor="test")
        entity, key, text = MADE[app]
        body = {
            "entity": entity,
            "operation": operation,
            "identify": {"variable": "hidden.visit", "field": key},
            "rows": [{"variable": "hidden.visit", "field": text}],
            "files": "record",
            "note": "none",
        }
        world.mapping(app, **body | changes)
        world.standard(app, note=False, tag=False, create=True)
        yield seen


@pytest.fixture(params=sorted(MADE))
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    with making(world, request.param) as seen:
        yield seen


@pytest.fixture(params=["odoo"])
def once(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """The mapping only creates."""
    with making(world, request.param, "create") as seen:
        yield seen


def made_at(crm: CRMSeen) -> list[Mapping[str, Any]]:
    """What the mapping has made."""
    state = crm.control("state")
    if crm.app == "hubspot":
        rows = state["custom"]["p14200142_visit"]
    elif crm.app == "odoo":
        rows = state["leads"]
    elif crm.app == "zendesk":
        rows = [one for one in state["tickets"] if (one["external_id"] or "").startswith("V-")]
    else:
        rows = state["records"]["Case"]
    return list(rows)


def on_made(crm: CRMSeen) -> list[str]:
    """The contents of the files on what the mapping has made."""
    every = (standing(one) if crm.app == "zendesk" else one["files"] for one in made_at(crm))
    return sorted(file["sha256"] for files in every for file in files)


def standing(ticket: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """A ticket's files that no further comment crosses out."""
    said = [one["plain_body"] for one in ticket["comments"]]
    crossed = [one.partition("✗ ")[2].split()[0] for one in said if "✗" in one]
    return [one for one in ticket["files"] if not any(ref in one["comment"] for ref in crossed)]


def on_contact(crm: CRMSeen) -> list[str]:
    """The contents of the files on the contact; Zendesk leaves them, crossed out."""
    if crm.app == "zendesk":
        theirs = [one for one in crm.control("state")["tickets"] if one["external_id"] != "V-0"]
        return [file["sha256"] for one in theirs for file in standing(one)]
    return sorted(one["sha256"] for one in files_of(crm))


def test_a_file_hangs_on_the_contact_and_on_what_is_made_once_and_goes_with_the_response(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    crm.control("fault", {**HUNG[crm.app], "times": 1, "action": {"drop_after": True}})
    item = enclosed(0, hidden={"visit": "V-0"})
    world.push(item)
    world.settle()
    assert on_made(crm) == digests(png(1))
    assert on_contact(crm) == digests(png(1))
    assert set(world.states()) == {"done"}
    assert len(world.deliveries(kind="file")) == 2
    world.push({**item, **GONE, "answers": {}})
    world.settle()
    assert (on_made(crm), on_contact(crm)) == ([], [])


# --- a mapping that only creates ------------------------------------------------------------------


def visited(number: int, image: int, **more: Any) -> dict[str, Any]:
    """A response about the one visit, with a picture."""
    return enclosed(number, image=png(image), hidden={"visit": "V-0"}, **more)


def fates(world: World) -> list[tuple[str, str | None]]:
    """What became of the files for what is made."""
    every = world.deliveries(kind="file")
    return [(one.state, one.reason) for one in every if one.step.startswith("mapping_file:")]


def test_no_file_hangs_on_a_record_that_was_there_before(world: World, once: CRMSeen) -> None:
    once.seed(people(2))
    world.push(visited(0, 1))
    world.settle()
    world.push(visited(1, 2))
    world.settle()
    assert on_made(once) == digests(png(1))
    assert fates(world) == [("done", None), ("dead", "exists")]


def test_the_file_of_an_edit_hangs_on_the_record_of_the_version_before(
    world: World, once: CRMSeen
) -> None:
    once.seed(people(1))
    world.push(visited(0, 1))
    world.settle()
    world.push(visited(0, 2, revision=2, submitted_at=LATER))
    world.settle()
    assert on_made(once) == digests(png(2))


def test_a_file_that_comes_later_meets_the_fate_of_its_record(
    settings: Settings, database: Database
) -> None:
    world = founded_with_files(settings, database)
    with making(world, "odoo", "create") as crm, hosting() as host:
        crm.seed(people(2))
        for number in range(2):
            world.push(late(number, host))
            world.plan()
            world.drain("odoo")
        assert on_made(crm) == []
        world.settle()
        assert on_made(crm) == digests(png(10))
        assert fates(world) == [("done", None), ("dead", "exists")]


def late(number: int, host: FileHost) -> dict[str, Any]:
    """A response about the one visit, whose file has to be fetched."""
    url = host.put(f"/{number}.png", png(10 + number))
    return signed(number, url, hidden={"visit": "V-0"})


def test_the_files_of_a_mapping_that_is_paused_wait_with_it(world: World, once: CRMSeen) -> None:
    once.seed(people(1))
    number = world.rows("SELECT id FROM mapping")[0].id
    with world.database.begin(world.workspace_id) as store:
        mappings.pause(store, world.workspace_id, number)
    world.push(visited(0, 1))
    world.settle()
    assert fates(world) == [("parked", "paused")]
    with world.database.begin(world.workspace_id) as store:
        mappings.resume(store, world.workspace_id, number)
    world.settle()
    assert on_made(once) == digests(png(1))


# --- tickets --------------------------------------------------------------------------------------


def test_a_ticket_that_was_closed_keeps_its_file_and_somebody_is_told(
    world: World,
) -> None:
    with making(world, "zendesk") as crm:
        crm.seed(people(1))
        world.push(visited(0, 1))
        world.settle()
        (ticket,) = (one for one in crm.control("state")["tickets"] if one["external_id"] == "V-0")
        assert not any(one["public"] for one in ticket["comments"])
        closed = {"id": ticket["id"], "external_id": "V-0", "status": "closed"}
        crm.control("seed", {"tickets": [{**closed, "comment": {"body": "closed"}}]})
        world.push({**visited(0, 1), **GONE, "answers": {}})
        world.settle()
        dead = [one for one in world.deliveries(kind="undo") if one.state == "dead"]
        assert [(one.entity, one.reason) for one in dead if one.payload["of"] == "file"] == [
            ("tickets", "not_retractable")
        ]
        assert "closed" in next(one.error for one in dead if one.payload["of"] == "file")
