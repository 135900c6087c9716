"""HubSpot's adapter understands what the real service was recorded to answer, and asks what its
specification allows. Recordings and specifications lie beside the project: without them these
tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from adapters.base import Batch, Note, Operation, Row, Status, TagOptions
from adapters.errors import BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.hubspot.client import Answer, Client
from adapters.hubspot.finding import find
from adapters.hubspot.refusals import Said, refused
from adapters.hubspot.writing import outcomes_of
from schemas.fields import Entity, Field, FieldType
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.messages import Request
from simulators.kit.server import running
from tests.adapters.hubspot_bench import bench_at, definitions, hubspot
from tests.simulators.conformance import Exchange, recorded

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "hubspot"
CONTACT = Entity(
    "contacts",
    "Contacts",
    (
        Field("email", "E-mail", FieldType.EMAIL, identifies=True),
        Field("lastname", "Last name", FieldType.TEXT),
    ),
)

__all__ = ["definitions"]


class Replay(Client):
    """Answers every call with one recorded body."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def call(self, *_: Any, **__: Any) -> Answer:
        return Answer(200, self._body)


def one_of(case: str, status: int) -> Exchange:
    return next(one for one in recorded("hubspot") if (one.case, one.status) == (case, status))


def body_of(one: Exchange) -> Mapping[str, Any]:
    return one.answer if isinstance(one.answer, dict) else {}


def test_recorded_records_are_found_by_their_email() -> None:
    body = body_of(one_of("search_by_email", 200))
    email = body["results"][0]["properties"]["email"]
    found = find(Replay(body), CONTACT, "email", [email.upper()], want=["email", "lastname"])
    (record,) = found[email.upper()]
    assert record.remote_id == body["results"][0]["id"]
    assert dict(record.values) == {"email": email, "lastname": "User"}
    assert record.updated_at
    assert record.updated_at.tzinfo


def test_a_recorded_batch_without_trace_ids_is_told_by_email() -> None:
    batch = next(one for one in recorded("hubspot") if one.path.endswith("/batch/create"))
    emails = [one["properties"]["email"] for one in batch.body["inputs"]]
    keys = {f"k{n}": frozenset({f"k{n}", email}) for n, email in enumerate(emails)}
    outcomes = outcomes_of(Answer(batch.status, batch.answer), keys, created=True)
    ids = {one["properties"]["email"]: one["id"] for one in batch.answer["results"]}
    # The recorded answer is in another order than its request.
    assert [one.remote_id for one in outcomes] == [ids[email] for email in emails]
    assert {one.status for one in outcomes} == {Status.WRITTEN}


@pytest.mark.parametrize(
    ("case", "scope"),
    [("properties_no_scope", "companies-read"), ("find_by_id_no_scope", "contacts")],
)
def test_both_recorded_shapes_of_403_name_a_scope(case: str, scope: str) -> None:
    one = one_of(case, 403)
    error = refused(Said(403, {}, body_of(one)), writes=False, zone="UTC")
    assert isinstance(error, PauseMapping)
    assert scope in str(error.scope)


def test_the_recorded_page_for_an_unknown_email_is_no_json_and_no_crash() -> None:
    one = one_of("find_missing_user_by_email", 404)
    assert isinstance(
        refused(Said(404, {}, body_of(one)), writes=False, zone="UTC"), BrokenContract
    )


# --- our requests against the vendor's specification --------------------------------------------


class Listening(Simulated):
    """A simulator that keeps the requests."""

    def set_up(self) -> None:
        self.heard: list[Request] = []
        super().set_up()

    def before(self, request: Request) -> Any:
        self.heard.append(request)
        return super().before(request)


@pytest.fixture
def requests_made(definitions: Mapping[str, Entity]) -> Iterator[list[Request]]:
    """What the adapter sends in the life of two contacts."""
    simulator = Listening()
    with running(simulator) as base_url:
        bench = bench_at(base_url, definitions)
        (first,) = bench.seed([{"email": "a@b.test", "first_name": "A", "last_name": "B"}])
        adapter = hubspot(bench, wire=Wire())
        adapter.provision_tags("contacts", [TagOptions("A", ("NPSToday.A.1",))])
        adapter.provision_tags("contacts", [TagOptions("B", ("NPSToday.B.1",))])
        adapter.find("contacts", "email", ["a@b.test"], want=["nps_score"])
        adapter.find("contacts", "hs_object_id", [first], want=[])
        values = {"nps_score": "9", "nps_topics": ("price",), "nps_comment": None}
        adapter.write(Batch("contacts", Operation.UPDATE, (Row("k1", values, first),)))
        new = Row("k2", {"email": "new@b.test", "nps_follow_up": True})
        adapter.write(Batch("contacts", Operation.CREATE, (new,), match_field="email"))
        at = datetime(2026, 11, 22, tzinfo=UTC)
        note = Note("n1", first, "ref: 1", "t", "x", "<p>ref: 1</p>", at, "th")
        adapter.note("contacts", [note])
        adapter.noted("contacts", [note])
        yield simulator.heard


def test_our_requests_are_well_formed_by_the_vendors_specification(
    requests_made: list[Request],
) -> None:
    if not SPECS.exists():
        pytest.skip("no specifications at ../shared/specs/hubspot")
    faults = [fault for one in requests_made if one.body for fault in faults_of(one)]
    checked = [one.path for one in requests_made if one.body]
    assert len(checked) >= 10
    assert faults == []


def test_no_request_uses_a_path_that_ends_soon(requests_made: list[Request]) -> None:
    assert all("/v3" not in one.path and "/v4" not in one.path for one in requests_made)


def faults_of(request: Request) -> Sequence[str]:
    name, path = spec_of(request.path)
    spec = json.loads((SPECS / name).read_text("utf-8"))
    operation = spec["paths"][path][request.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    # The schema refers to the document's components, so these travel with it.
    validator = Draft4Validator({"allOf": [schema], "components": spec["components"]})
    return [f"{request.path}: {one.message}" for one in validator.iter_errors(request.json())]


def spec_of(path: str) -> tuple[str, str]:
    """The document and the path in it for one of our dated paths."""
    parts = path.split("/")
    if parts[2] == "objects":
        parts[4] = "{objectType}"
        return "contacts.2026-09.json", "/".join(parts)
    old = "v4" if parts[2] == "associations" else "v3"
    template = {
        "properties": [
            "{objectType}",
            *(["{propertyName}"] if parts[-1] == "npstoday_tags" else []),
        ],
        "associations": ["{fromObjectType}", "{toObjectType}", "batch", "read"],
    }[parts[2]]
    if parts[-1] == "groups":
        template = ["{objectType}", "groups"]
    return f"{parts[2]}.{old}.json", "/".join(["", "crm", old, parts[2], *template])
