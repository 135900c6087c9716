"""Recorded answers of the real Zendesk given to the adapter: it understands every one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.http import Wire
from adapters.values import Account, BatchResult, Started, Status
from adapters.zendesk import jobs
from adapters.zendesk.answers import RecordGone, judge
from adapters.zendesk.client import Client
from schemas.fields import Entity
from schemas.zendesk import KINDS, SENT_ONLY, entity_of, from_zendesk

FILE = Path(__file__).parents[3] / "shared" / "recorded" / "zendesk.jsonl"


def recordings() -> list[dict[str, Any]]:
    if not FILE.exists():
        pytest.skip("no recordings at ../shared/recorded/zendesk.jsonl")
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def records(kind: str) -> Iterator[Mapping[str, Any]]:
    """Every recorded object of a kind, single or in a list."""
    for one in recordings():
        body = one["response"]
        if isinstance(body, dict):
            held = body.get(kind) or body.get(f"{kind}s") or []
            yield from [held] if isinstance(held, dict) else held


def bare(name: str) -> Entity:
    return entity_of(KINDS[name], [])


@pytest.mark.parametrize(("name", "least"), [("users", 13), ("organizations", 20), ("tickets", 30)])
def test_every_recorded_record_is_read(name: str, least: int) -> None:
    entity = bare(name)
    want = [one.name for one in entity.fields if one.native_type != SENT_ONLY]
    seen = 0
    for record in records(KINDS[name].singular):
        values = from_zendesk(entity, record, want)
        assert set(values) == set(want)
        seen += 1
    assert seen >= least


def test_every_recorded_definition_becomes_a_field() -> None:
    for name, singular in (("tickets", "ticket_field"), ("organizations", "organization_field")):
        told = [one for one in records(singular) if isinstance(one, dict)]
        assert told
        entity = entity_of(KINDS[name], told)
        assert len(entity.fields) == len(KINDS[name].fields) + len(told)


def answer_of(one: Mapping[str, Any]) -> requests.Response:
    answer = requests.Response()
    answer.status_code = one["status"]
    body = one["response"]
    answer._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    heads = Message()
    for key, value in one["response_headers"].items():
        heads[key] = value if isinstance(value, str) else value[0]
    answer.headers.update(dict(heads.items()))
    answer.request = requests.Request(one["method"], one["uri"]).prepare()
    return answer


def test_every_recorded_success_passes_and_every_404_is_a_gone_record() -> None:
    told = {"passed": 0, "gone": 0}
    for one in recordings():
        if one["status"] < 300 and "/uploads" not in one["uri"]:
            judge(answer_of(one))
            told["passed"] += 1
        elif one["status"] == 404 and one["response"]:
            with pytest.raises(RecordGone):
                judge(answer_of(one))
            told["gone"] += 1
    assert told["passed"] > 240
    assert told["gone"] >= 10


class Recorded:
    """Stands for the client: a job's recorded answer as zenpy hands it out."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        real = Client(Account("t", settings={"subdomain": "acme"}), Wire())
        mapping = real.zenpy.job_status._object_mapping
        self.job = mapping.object_from_json("job_status", dict(told))
        self.zenpy = self

    def job_status(self, id: str) -> Any:  # noqa: A002 - zenpy's name for it
        return self.job


def test_every_recorded_job_is_understood() -> None:
    seen = {Started: 0, BatchResult: 0}
    for told in records("job_status"):
        total = told["total"]
        if not total or isinstance(told["results"], dict):
            continue
        ids = [one.get("id") for one in told["results"] or []]
        is_update = any("action" in one for one in told["results"] or [])
        rows = [jobs.Waiting(f"k{at}", str(ids[at]) if is_update else None) for at in range(total)]
        stage = "update" if is_update else "create"
        handle = jobs.Handle(str(told["id"]), "organizations", stage, rows)
        results = jobs.results_of(Recorded(told), handle)  # type: ignore[arg-type]
        if results is None:
            seen[Started] += 1
            continue
        outcomes = jobs.outcomes_of(handle, results, bare("organizations"))
        assert [one.key for one in outcomes] == [row.key for row in rows]
        assert all(one.remote_id or one.status is Status.REJECTED for one in outcomes)
        seen[BatchResult] += 1
    assert seen[Started] >= 20
    assert seen[BatchResult] >= 25


def test_a_name_that_is_taken_is_a_duplicate_in_the_recorded_words() -> None:
    failed = [
        one
        for told in records("job_status")
        for one in (told["results"] if isinstance(told["results"], list) else [])
        if "error" in one
    ]
    assert failed
    rows = [jobs.Waiting("k0", str(failed[0]["id"]))]
    handle = jobs.Handle("V3", "organizations", "update", rows)
    (outcome,) = jobs.outcomes_of(handle, failed[:1], bare("organizations"))
    assert (outcome.code, outcome.field) == ("duplicate", "name")
