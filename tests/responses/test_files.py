"""The files of answers: fetched after the 202, attached once, reported in words if they cannot."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from adapters.hubspot import HubSpot
from connector.db import Database
from connector.responses import fetching, replay, tracking
from connector.settings import Settings
from simulators.kit.server import running
from tests.responses.conftest import FAST, SIMULATORS
from tests.responses.filehost import (
    PDF,
    TAKERS,
    FileHost,
    founded_with_files,
    hosting,
    png,
    signed,
    taking_files,
)
from tests.responses.scene import joined
from tests.world import CRMSeen, World, people

PERSON = "c0@example.test"


@pytest.fixture
def host() -> Iterator[FileHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded_with_files(settings, database)


@pytest.fixture(params=TAKERS)
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    app = request.param
    with running(SIMULATORS[app](options=FAST.get(app, {}))) as url:
        seen = world.connect(app, url)
        world.mapping(app)
        yield seen


@pytest.fixture
def hubspot(world: World) -> Iterator[CRMSeen]:
    with joined(world, "hubspot") as seen:
        yield seen


@pytest.fixture
def salesforce(world: World) -> Iterator[CRMSeen]:
    with joined(world, "salesforce") as seen:
        yield seen


def files_of(crm: CRMSeen, email: str = PERSON) -> list[dict[str, str]]:
    return list(crm.contacts()[email]["files"])


def digests(*contents: bytes) -> list[str]:
    return sorted(hashlib.sha256(one).hexdigest() for one in contents)


def file_rows(world: World) -> list[Any]:
    return world.rows("SELECT * FROM answer_file ORDER BY id")


def file_steps(world: World) -> list[Any]:
    return world.deliveries(kind="file")


def progress(world: World, response_id: str = "r0") -> dict[str, Any]:
    with world.database.begin(world.workspace_id) as store:
        (version,) = tracking.progress(
            store, world.workspace_id, response_id=response_id, source=None
        )
        return version


# --- the whole way --------------------------------------------------------------------------------


def test_a_signature_and_files_become_files_of_the_contact(
    world: World, crm: CRMSeen, host: FileHost
) -> None:
    crm.seed(people(1))
    urls = [host.put("/s.png", png(1)), host.put("/a.png", png(2)), host.put("/b.pdf", PDF)]
    world.push(signed(0, *urls))
    world.settle()
    found = files_of(crm)
    assert sorted(one["sha256"] for one in found) == digests(png(1), png(2), PDF)
    assert sorted(one["name"].rpartition(".")[2] for one in found) == ["pdf", "png", "png"]
    assert {one.state for one in world.deliveries()} == {"done"}


def test_nothing_is_sent_twice_by_a_second_look(world: World, crm: CRMSeen, host: FileHost) -> None:
    crm.seed(people(1))
    world.push(signed(0, host.put("/s.png", png(1))))
    world.settle()
    world.push(signed(0, host.put("/s.png", png(1))))
    world.settle()
    assert len(files_of(crm)) == 1
    assert host.asked == ["/s.png"]


def test_files_share_the_calls_of_the_notes_that_carry_them(world: World, hubspot: CRMSeen) -> None:
    """At HubSpot: an upload each, and one call for the notes of all."""
    hubspot.seed(people(12))
    items = [signed(number, "https://unused.example/x") for number in range(12)]
    for number, one in enumerate(items):
        encoded = base64.b64encode(png(number)).decode()
        one["answers"]["sign"]["value"] = {"content": encoded}
    world.push(*items)
    since = len(hubspot.calls())
    world.settle()
    kinds = Counter(one["kind"] for one in hubspot.calls()[since:])
    assert (kinds["file"], kinds["note"]) == (12, 2)
    assert all(len(one["files"]) == 1 for one in hubspot.contacts().values())


def test_a_new_contact_gets_its_file_too(world: World, crm: CRMSeen, host: FileHost) -> None:
    world.push(signed(5, host.put("/s.png", png(1))))
    world.settle()
    assert len(files_of(crm, "c5@example.test")) == 1


def test_a_file_that_came_with_its_content_is_kept_at_once(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    content = "data:image/png;base64," + base64.b64encode(png(3)).decode()
    item = signed(0, "https://unused.example/x")
    item["answers"]["sign"]["value"] = {"content": content, "name": "sign.png"}
    (accepted,) = world.push(item)
    (row,) = file_rows(world)
    assert row.state == "fetched"
    world.settle()
    assert [one["sha256"] for one in files_of(crm)] == digests(png(3))
    (again,) = world.push(item)
    assert (again.status, again.digest) == ("duplicate", accepted.digest)


def test_no_content_stays_in_the_stored_answers(world: World, hubspot: CRMSeen) -> None:
    encoded = base64.b64encode(png(3)).decode()
    item = signed(0, "https://unused.example/x")
    item["answers"]["sign"]["value"] = {"content": encoded}
    world.push(item)
    (row,) = world.rows("SELECT body::text AS body FROM response")
    assert encoded not in row.body
    assert hashlib.sha256(png(3)).hexdigest() in row.body


@pytest.mark.parametrize("content", ["not base64!", "data:image/png,plain", "data:;base64,@@"])
def test_a_content_that_is_no_base64_is_refused_by_its_place(world: World, content: str) -> None:
    item = signed(0, "https://unused.example/x")
    item["answers"]["sign"]["value"] = {"content": content}
    (refused,) = world.push(item)
    assert refused.status == "invalid"
    assert "content" in str(refused.errors)
    assert content not in str(refused.errors)


def test_a_file_needs_an_address_or_a_content(world: World) -> None:
    item = signed(0, "https://unused.example/x")
    item["answers"]["sign"]["value"] = {"name": "x.png"}
    (refused,) = world.push(item)
    assert refused.status == "invalid"


# --- accepted first, fetched later ----------------------------------------------------------------


def test_accepting_asks_nobody(world: World, hubspot: CRMSeen, host: FileHost) -> None:
    (accepted,) = world.push(signed(0, host.put("/s.png", png(1))))
    assert accepted.status == "accepted"
    assert host.asked == []


def test_a_step_waits_for_its_file_and_says_so(
    world: World, salesforce: CRMSeen, host: FileHost
) -> None:
    salesforce.seed(people(1))
    world.push(signed(0, host.put("/s.png", png(1))))
    world.plan()
    (step,) = file_steps(world)
    assert (step.state, step.reason) == ("parked", "file")
    world.drain("salesforce")
    told = progress(world)
    assert told["state"] == "delivering"
    assert told["files"][0]["state"] == "pending"
    assert {one["state"] for one in told["steps"] if one["kind"] != "file"} == {"done"}
    touched = fetching.fetch_due(world.hub, world.workspace_id)
    assert touched == {salesforce.connection_id}
    world.drain("salesforce")
    assert progress(world)["state"] == "done"


def test_a_file_fetched_before_planning_needs_no_waiting(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    hubspot.seed(people(1))
    world.push(signed(0, host.put("/s.png", png(1))))
    fetching.fetch_due(world.hub, world.workspace_id)
    world.plan()
    assert [one.state for one in file_steps(world)] == ["pending"]


def test_a_file_does_not_go_before_the_fields_that_make_its_contact(
    world: World, salesforce: CRMSeen, host: FileHost
) -> None:
    world.push(signed(5, host.put("/s.png", png(1))))
    world.plan()
    world.rows(
        "UPDATE delivery SET due_at = now() + interval '1 h' WHERE kind <> 'file' RETURNING id"
    )
    fetching.fetch_due(world.hub, world.workspace_id)
    world.drain("salesforce")
    (step,) = file_steps(world)
    assert step.state == "pending"
    world.settle()
    assert len(files_of(salesforce, "c5@example.test")) == 1


def test_a_failing_host_is_asked_again_by_a_schedule(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    hubspot.seed(people(1))
    url = host.put("/s.png", b"")
    host.pages["/s.png"] = lambda asked: (503, b"") if asked < 3 else (200, png(1))
    world.push(signed(0, url))
    fetching.fetch_due(world.hub, world.workspace_id)
    (row,) = file_rows(world)
    assert (row.state, row.reason, row.attempts) == ("pending", "file_host_failed", 1)
    (late,) = world.rows("SELECT due_at > now() + interval '3 s' AS late FROM answer_file")
    assert late.late
    world.settle()
    assert len(files_of(hubspot)) == 1
    assert len(host.asked) == 3


def test_a_host_that_never_answers_well_is_given_up(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    hubspot.seed(people(1))
    world.push(signed(0, host.put("/s.png", b"", status=503)))
    world.settle()
    (step,) = file_steps(world)
    assert (step.state, step.reason, step.error_code) == ("dead", "file", "file_host_failed")
    assert len(host.asked) == len(fetching.WAITS_S) + 1


def test_an_address_that_has_expired_is_not_tried_again(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    item = signed(0, host.put("/s.png", b"", status=503))
    item["answers"]["sign"]["value"]["expires_at"] = "2026-11-22T02:00:00Z"
    world.push(item)
    world.settle()
    assert host.asked == ["/s.png"]


# --- what cannot be had ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, b"", "file_gone"),
        (403, b"", "file_forbidden"),
        (302, b"http://127.0.0.1:1/x", "file_redirected"),
        (418, b"", "file_refused"),
        (200, b"<html><script>x</script></html>", "file_type_refused"),
        (200, b"MZ\x90\x00 a program", "file_type_refused"),
        (200, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "file_type_refused"),
        (200, b"", "file_empty"),
        (200, png() + b"x" * 2_000, "file_too_large"),
    ],
)
def test_a_file_that_cannot_be_had_is_reported_in_words(
    world: World, hubspot: CRMSeen, host: FileHost, status: int, body: bytes, code: str
) -> None:
    small = taking_files(world, max_bytes=1_000)
    hubspot.seed(people(1))
    small.push(signed(0, host.put("/secret-token.png", body, status=status)))
    small.settle()
    (step,) = file_steps(small)
    assert (step.state, step.reason, step.error_code) == ("dead", "file", code)
    assert step.error_field == "sign"
    assert "secret-token" not in step.error
    # The neighbours are there.
    assert [one.state for one in small.deliveries() if one.kind != "file"] == ["done"] * 3
    told = progress(small)
    assert told["state"] == "needs_attention"
    assert told["files"][0]["reason"] == code


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "https://10.0.0.5/x", "https://169.254.169.254/latest/meta-data"],
)
def test_an_address_inside_is_never_called(
    settings: Settings, database: Database, world: World, hubspot: CRMSeen, url: str
) -> None:
    strict = taking_files(world, hosts=frozenset())
    strict.push(signed(0, url))
    strict.settle()
    (step,) = file_steps(strict)
    assert step.state == "dead"
    assert step.error_code in {"address_not_open", "url_not_https"}


def test_a_host_for_crms_is_no_host_for_files(world: World, hubspot: CRMSeen) -> None:
    """What an operator opens for a CRM in the own network must not be open to an answer's text."""
    assert "127.0.0.1" in world.hub.settings.allowed_hosts
    strict = taking_files(world, hosts=frozenset())
    strict.push(signed(0, hubspot.url + "/__sim__/state"))
    strict.settle()
    assert [one.state for one in file_steps(strict)] == ["dead"]


def test_a_bad_file_does_not_stop_its_neighbours(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    hubspot.seed(people(1))
    world.push(signed(0, host.put("/gone.png", b"", status=404), host.put("/a.png", png(2))))
    world.settle()
    assert [one["sha256"] for one in files_of(hubspot)] == digests(png(2))


def test_all_files_of_a_response_share_a_limit(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    small = taking_files(world, response_max_bytes=len(png()) + 10)
    small.push(signed(0, host.put("/a.png", png(1)), host.put("/b.png", png(2))))
    small.settle()
    codes = sorted(str(one.reason) for one in file_rows(small))
    assert codes == ["None", "files_too_large"]


def test_more_files_than_a_response_may_enclose_are_not_fetched(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    url = host.put("/a.png", png(1))
    item = signed(0, url)
    item["answers"]["photo"] = {"type": "file", "value": [{"url": url}] * 50}
    world.push(item)
    assert [one.reason for one in file_rows(world)].count("too_many_files") == 1


def test_an_anonymous_response_fetches_nothing(
    world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    world.push(signed(0, host.put("/a.png", png(1)), respondent={"anonymous": True}))
    world.settle()
    assert file_rows(world) == []


def test_a_connection_may_go_without_files(world: World, hubspot: CRMSeen, host: FileHost) -> None:
    hubspot.seed(people(1))
    world.standard("hubspot", files=False)
    world.push(signed(0, host.put("/a.png", png(1))))
    world.settle()
    assert file_steps(world) == []


def test_a_file_larger_than_the_crm_takes_is_said_to_be(
    world: World, hubspot: CRMSeen, host: FileHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HubSpot, "traits", replace(HubSpot.traits, file_limit=10))
    hubspot.seed(people(1))
    world.push(signed(0, host.put("/a.png", png(1))))
    world.settle()
    assert [one.error_code for one in file_steps(world)] == ["file_too_large_for_crm"]


# --- again, and away ------------------------------------------------------------------------------


def test_a_replay_fetches_again(world: World, hubspot: CRMSeen, host: FileHost) -> None:
    hubspot.seed(people(1))
    url = host.put("/a.png", b"", status=404)
    world.push(signed(0, url))
    world.settle()
    host.put("/a.png", png(1))
    with world.database.begin(world.workspace_id) as store:
        assert replay.replay_all(store, world.workspace_id, {"kind": "file"}) == 1
    world.settle()
    assert len(files_of(hubspot)) == 1


@pytest.mark.parametrize("days", [6, 8])
def test_a_delivered_file_is_deleted_after_its_days(
    world: World, hubspot: CRMSeen, host: FileHost, days: int
) -> None:
    hubspot.seed(people(1))
    world.push(signed(0, host.put("/a.png", png(1))))
    world.settle()
    world.rows(
        "UPDATE answer_file SET settled_at = now() - make_interval(days => :days) RETURNING id",
        days=days,
    )
    fetching.remove_delivered(world.hub, world.workspace_id)
    kept = world.rows("SELECT file_id FROM file_content")
    (row,) = file_rows(world)
    assert (len(kept), row.state) == ((1, "fetched") if days == 6 else (0, "removed"))


@pytest.mark.parametrize("days", [8, 91])
def test_what_nobody_could_deliver_is_kept_as_long_as_answers_are(
    world: World, hubspot: CRMSeen, host: FileHost, days: int
) -> None:
    world.push(signed(0, host.put("/a.png", png(1))))
    world.plan()
    fetching.fetch_due(world.hub, world.workspace_id)
    world.rows(
        "UPDATE answer_file SET settled_at = now() - make_interval(days => :days) RETURNING id",
        days=days,
    )
    fetching.remove_delivered(world.hub, world.workspace_id)
    assert len(world.rows("SELECT file_id FROM file_content")) == (1 if days == 8 else 0)


def test_files_of_one_workspace_are_not_seen_from_another(
    settings: Settings, database: Database, world: World, hubspot: CRMSeen, host: FileHost
) -> None:
    world.push(signed(0, host.put("/a.png", png(1))))
    fetching.fetch_due(world.hub, world.workspace_id)
    with database.across() as store:
        assert store.execute(text("SELECT count(*) FROM answer_file")).scalar_one() == 0
        assert store.execute(text("SELECT count(*) FROM file_content")).scalar_one() == 0


def test_a_stalled_fetch_changes_nothing(world: World, hubspot: CRMSeen, host: FileHost) -> None:
    """Its lease ran out while it slept, and somebody else has fetched the file."""
    world.push(signed(0, host.put("/a.png", png(1))))

    def meanwhile(asked: int) -> tuple[int, bytes]:
        if asked == 1:
            world.rows("UPDATE answer_file SET lease_until = now() - interval '1 s' RETURNING id")
            fetching.fetch_due(world.hub, world.workspace_id)
        return 200, png(asked)

    host.pages["/a.png"] = meanwhile
    fetching.fetch_due(world.hub, world.workspace_id)
    (row,) = file_rows(world)
    assert row.digest == hashlib.sha256(png(2)).digest()
    assert len(world.rows("SELECT file_id FROM file_content")) == 1
