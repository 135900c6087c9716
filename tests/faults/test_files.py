"""A process is killed at an exact place on a file's way: the CRM holds it once, whatever happened.

The verdict comes from the simulated CRM. A kill while fetching is healed by the file's own lease.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.db import Database
from connector.settings import Settings
from tests.faults.processes import Processes
from tests.responses.filehost import TAKERS, FileHost, founded_with_files, hosting, png, signed
from tests.world import CRMSeen, World, people

PERSON = "c0@example.test"


@pytest.fixture
def host() -> Iterator[FileHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded_with_files(settings, database)


@pytest.fixture
def hub_environ(hub_environ: dict[str, str]) -> dict[str, str]:
    return {**hub_environ, "ANSWERBACK_FILE_HOSTS": "127.0.0.1"}


@pytest.fixture(params=TAKERS)
def crm(request: pytest.FixtureRequest, connected: Callable[..., CRMSeen]) -> CRMSeen:
    """Each CRM that takes files, in turn."""
    return connected(request.param)


def begun(world: World, crm: CRMSeen, host: FileHost) -> None:
    """A response whose file waits to be delivered; its contact and campaign are known."""
    crm.seed(people(1))
    world.push(signed(9, host.put("/first.png", png(9)), respondent={"email": PERSON}))
    world.settle()
    world.push(signed(0, host.put("/s.png", png(1))))
    world.plan()


def fetched(world: World, crm: CRMSeen, host: FileHost) -> None:
    """The same, its file fetched and its other steps done."""
    begun(world, crm, host)
    world.hurry()
    for _ in range(3):
        world.drain(crm.app)
        world.hurry()
    world.work(next(one for one in world.due() if one.kind == "fetch"))


def verdict(crm: CRMSeen) -> list[str]:
    """The digests of the contact's files."""
    return sorted(one["sha256"] for one in crm.contacts()[PERSON]["files"])


ONCE_EACH = sorted(hashlib.sha256(one).hexdigest() for one in (png(9), png(1)))


def recover(world: World) -> None:
    """The leases have run out, and whoever comes next takes over."""
    world.expire_leases()
    world.rows("UPDATE answer_file SET lease_until = now() - interval '1 s' RETURNING id")
    world.settle()


@pytest.mark.parametrize("place", ["file_claimed", "file_got", "file_kept"])
def test_killed_while_fetching(
    world: World,
    connected: Callable[..., CRMSeen],
    processes: Processes,
    host: FileHost,
    place: str,
) -> None:
    crm = connected("salesforce")
    begun(world, crm, host)
    processes.killed_job("fetch", world.workspace_id, 0, at=f"{place}=kill")
    recover(world)
    assert verdict(crm) == ONCE_EACH
    assert len(world.rows("SELECT file_id FROM file_content")) == 2


@pytest.mark.parametrize("place", ["file_looked_up", "file_sent", "created", "committed"])
def test_killed_while_delivering(
    world: World, crm: CRMSeen, processes: Processes, host: FileHost, place: str
) -> None:
    fetched(world, crm, host)
    processes.killed_job("drain", world.workspace_id, crm.connection_id, at=f"{place}=kill")
    recover(world)
    assert verdict(crm) == ONCE_EACH
    assert {one.state for one in world.deliveries()} == {"done"}


@pytest.mark.parametrize(("app", "call"), [("hubspot", 1), ("hubspot", 2), ("salesforce", 1),
                                           ("zendesk", 1), ("zendesk", 3),
                                           ("odoo", 2), ("odoo", 3)])  # fmt: skip
def test_killed_after_a_call_whose_answer_was_not_read(
    world: World,
    connected: Callable[..., CRMSeen],
    processes: Processes,
    host: FileHost,
    app: str,
    call: int,
) -> None:
    """An upload without its note or comment is taken up or left to die, never shown twice."""
    crm = connected(app)
    fetched(world, crm, host)
    at = f"crm_sent=kill@{call}"
    processes.killed_job("drain", world.workspace_id, crm.connection_id, at=at)
    recover(world)
    assert verdict(crm) == ONCE_EACH
    stored: list[Any] = crm.control("state").get("files", [])
    assert len(stored) in {0, 2}
