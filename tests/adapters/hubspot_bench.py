"""How the tests of HubSpot's adapter reach a simulated portal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from adapters.http import Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.traits import TAG_FIELD
from adapters.values import Account, Batch, Note, Operation, Outcome, Row, TagOptions
from schemas.fields import Entity, FieldType, FieldValue
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract, Bench, people

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("nps_summary", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.LONG_TEXT: ("nps_comment", "a\nb", "c"),
    FieldType.PHONE: ("phone", "+4512345678", "12 34 56 78"),
    FieldType.NUMBER: ("nps_score", "9", "7.5"),
    FieldType.BOOLEAN: ("nps_follow_up", True, False),
    FieldType.DATE: ("nps_date", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("nps_answered_at", "2026-11-22T10:00:00Z", "2026-01-01T00:00:00Z"),
    FieldType.CHOICE: ("nps_segment", "promoter", "detractor"),
    FieldType.MULTI_CHOICE: ("nps_topics", ("price", "moede"), ("service",)),
    FieldType.REFERENCE: ("hubspot_owner_id", "4100", "4101"),
}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
UPDATE = r"/contacts/batch/update"
READ = r"/contacts/batch/read"


@pytest.fixture(scope="module")
def definitions() -> Mapping[str, Entity]:
    """The field definitions of a fresh portal, downloaded once."""
    with running(Simulated()) as base_url:
        answer = requests.post(f"{base_url}/__sim__/oauth", json={"issue": {}}, timeout=5)
        account = Account(answer.json()["access_token"], base_url=base_url)
        return {one.name: one for one in HubSpot(account, Wire(), {}).entities()}


@pytest.fixture
def bench(definitions: Mapping[str, Entity]) -> Iterator[Bench]:
    with running(Simulated()) as base_url:
        yield bench_at(base_url, definitions)


def bench_at(base_url: str, definitions: Mapping[str, Entity]) -> Bench:
    def make(wire: Wire | None = None, *, token: str | None = None, **more: Any) -> HubSpot:
        held = token or one.control("oauth", {"issue": {}})["access_token"]
        return HubSpot(Account(held, base_url=base_url, **more), wire or Wire(), definitions)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": c["email"], "firstname": c["first_name"], "lastname": c["last_name"]}
            for c in contacts
        ]
        ids: list[str] = one.control("seed", {"contacts": told})["contacts"]
        return ids

    one = Bench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity="contacts",
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "firstname": "Nina"},
        bad=("nps_segment", "no-such-segment"),
        read_path=READ,
        write_path=UPDATE,
    )
    return one


def hubspot(bench: Bench, **more: Any) -> HubSpot:
    """The adapter by its own type: the port does not know of notes and options."""
    made = bench.make(**more)
    assert isinstance(made, HubSpot)
    return made


def update(bench: Bench, *rows: Row) -> tuple[Outcome, ...]:
    return hubspot(bench).write(Batch("contacts", Operation.UPDATE, rows)).outcomes


def update_first(bench: Bench, values: Mapping[str, Any] | None = None) -> tuple[Outcome, ...]:
    (first,) = bench.seed(people(1))
    return update(bench, Row("k1", values or {"nps_score": "9"}, first))


def scores(campaign: str) -> TagOptions:
    return TagOptions(campaign, tuple(f"NPSToday.{campaign}.{score}" for score in range(11)))


def options_of(bench: Bench) -> list[str]:
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    field = contact.field(TAG_FIELD)
    assert field
    return [one.value for one in field.options]


def note_for(remote_id: str, number: int) -> Note:
    return AdapterContract().note_for(remote_id, number)
