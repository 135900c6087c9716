"""HubSpot's adapter understands what the real service was recorded to answer, and asks what its
specification allows. Recordings and specifications lie beside the project: without them these
tests are skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from adapters.errors import BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.client import Answer, Client
from adapters.hubspot.finding import find
from adapters.hubspot.refusals import Said, refused
from adapters.hubspot.traits import COMPANY_LINK
from adapters.hubspot.writing import outcomes_of
from adapters.provisioning import Part, Wanted
from adapters.values import Batch, Note, Operation, Row, Status, TagOptions
from schemas.fields import Entity, Field, FieldType
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.messages import Request
from simulators.kit.server import running
from tests.adapters.contract import Bench
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


# What the service takes though its documents say otherwise (README of the specifications).
ALLOWED = {("search", "after"), ("search", "sorts")}
# Our dated paths begin like this; the documents of some still call them by their old version.
DOCUMENTS = {
    "/crm/objects/2026-09/": ("contacts.2026-09.json", "/crm/objects/2026-09/"),
    "/crm/associations/2026-09/": ("associations.v4.json", "/crm/v4/associations/"),
    "/crm/properties/2026-09/": ("properties.v3.json", "/crm/v3/properties/"),
    "/crm-object-schemas/2026-09/": ("schemas.v3.json", "/crm-object-schemas/v3/"),
}
# Nothing describes these.
UNDESCRIBED = ("/oauth/", "/account-info/")


@pytest.fixture
def requests_made(definitions: Mapping[str, Entity]) -> Iterator[list[Request]]:
    """What the adapter sends in the life of two contacts and their companies."""
    simulator = Listening(options={"enterprise": True, "ten_secondly": 1_000})
    with running(simulator) as base_url:
        bench = bench_at(base_url, definitions)
        (first,) = bench.seed([{"email": "a@b.test", "first_name": "A", "last_name": "B"}])
        (company,) = bench.control("seed", {"companies": [{"domain": "a.test"}]})["companies"]
        adapter = hubspot(bench, wire=Wire())
        adapter.probe()
        adapter.provision_tags("contacts", [TagOptions("A", ("NPSToday.A.1",))])
        adapter.provision_tags("contacts", [TagOptions("B", ("NPSToday.B.1",))])
        adapter.provision_tags("contacts", [TagOptions("B", (), field="npstoday_b_score")])
        adapter.entities()
        adapter.find("contacts", "email", ["a@b.test"], want=["nps_score", COMPANY_LINK])
        adapter.find("contacts", "hs_object_id", [first], want=[])
        adapter.find("contacts", "hs_object_id", ["999"], want=[])
        values = {"nps_score": "9", "nps_topics": ("price",), "nps_comment": None}
        linked = {**values, COMPANY_LINK: company}
        adapter.write(Batch("contacts", Operation.UPDATE, (Row("k1", linked, first),)))
        new = Row("k2", {"email": "new@b.test", "nps_follow_up": True})
        adapter.write(Batch("contacts", Operation.CREATE, (new,), match_field="email"))
        _companies(adapter, bench)
        adapter.furnish(Wanted("NPSToday.NoSend"), frozenset(Part))
        at = datetime(2026, 11, 22, tzinfo=UTC)
        note = Note("n1", first, "ref: 1", "t", "x", "<p>ref: 1</p>", at, "th")
        adapter.note("contacts", [note])
        adapter.noted("contacts", [note])
        yield simulator.heard


def _companies(adapter: HubSpot, bench: Bench) -> None:
    adapter.find("companies", "domain", ["a.test", "Ø.test"], want=["name"])
    made = Row("k3", {"domain": "new.test", "name": "New"})
    adapter.write(Batch("companies", Operation.CREATE, (made,), match_field="domain"))
    learnt = hubspot(bench, learnt={"own_key": True})
    assert learnt.find("companies", "domain", ["new.test"], want=[])["new.test"]


def described(requests_made: list[Request]) -> list[Request]:
    if not SPECS.exists():
        pytest.skip("no specifications at ../shared/specs/hubspot")
    ours = [one for one in requests_made if not one.path.startswith("/__sim__")]
    return [one for one in ours if not one.path.startswith(UNDESCRIBED)]


def test_our_requests_are_well_formed_by_the_vendors_specification(
    requests_made: list[Request],
) -> None:
    asked = described(requests_made)
    faults = [fault for one in asked if one.body for fault in faults_of(one)]
    assert len([one for one in asked if one.body]) >= 25
    assert faults == []


def test_every_call_has_its_place_in_the_vendors_specification(
    requests_made: list[Request],
) -> None:
    places = {(one.method, spec_of(one.path)[1]) for one in described(requests_made)}
    verbs = {path.rsplit("/", 1)[-1] for _, path in places}
    assert {"read", "create", "update", "search", "groups", "schemas"} <= verbs
    unknown = [one.path for one in described(requests_made) if not operation_of(one)]
    assert unknown == []


def test_no_request_uses_a_path_that_ends_soon(requests_made: list[Request]) -> None:
    assert all("/v3" not in one.path and "/v4" not in one.path for one in requests_made)


def faults_of(request: Request) -> Sequence[str]:
    name, _ = spec_of(request.path)
    spec = document(name)
    schema = operation_of(request)["requestBody"]["content"]["application/json"]["schema"]
    # The schema refers to the document's components, so these travel with it.
    validator = Draft4Validator({"allOf": [schema], "components": spec["components"]})
    return [
        f"{request.path}: {one.message}"
        for one in validator.iter_errors(request.json())
        if not _is_allowed(request, one.message)
    ]


def _is_allowed(request: Request, message: str) -> bool:
    verb = request.path.rsplit("/", 1)[-1]
    return any(message == f"'{name}' is a required property" for of, name in ALLOWED if of == verb)


def operation_of(request: Request) -> Mapping[str, Any]:
    """What the document says of this call, {} where it does not know it."""
    name, path = spec_of(request.path)
    verbs: Mapping[str, Any] = document(name)["paths"].get(path, {})
    found: Mapping[str, Any] = verbs.get(request.method.lower(), {})
    return found


@cache
def document(name: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads((SPECS / name).read_text("utf-8"))
    return told


def spec_of(path: str) -> tuple[str, str]:
    """The document and the path in it for one of our dated paths; the most literal that fits."""
    start = next(one for one in DOCUMENTS if path.startswith(one))
    name, instead = DOCUMENTS[start]
    asked = path.replace(start, instead, 1)
    fitting = [
        one
        for one in document(name)["paths"]
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", one), asked)
    ]
    return name, min(fitting, key=lambda one: one.count("{"), default=asked)
