"""The simulated Zendesk against recordings of the real one, and against our own examples."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from simulators.kit.server import running
from simulators.zendesk import Zendesk
from tests.simulators.conformance import Client, Exchange, NotSimulated, check, examples, recorded

# The recordings that must agree. Raise it when more do; never lower it.
MATCHED = 137
ADAPTER = Path(__file__).parents[2] / "adapters" / "zendesk"
NOBODY = "9223372036854775807"
BASIC = "Basic " + base64.b64encode(b"alma@example.com/token:demo-api-token").decode()
ELSEWHERE = {
    r"/help_center/|/community/|/guide/": "the help centre is another product",
    r"/groups|/group_memberships|/custom_roles": "the adapter assigns nothing to agents",
    r"/automations|/triggers|/macros|/views": "business rules belong to the customer",
    r"/calls|/engagements": "voice and engagement data are never read",
    r"/recipient_addresses|/brands": "the adapter does not touch the account's settings",
    r"/redact": "the adapter redacts no file",
    r"/deleted_tickets|/restore": "the adapter never deletes a ticket",
    r"/webhooks": "events are the second story",
}
KNOWN = {
    r"attachments: empty": "what the recorded account had attached, a seeded ticket has not",
    r"via\.source\.to\.(address|name): only in ours": "came in 2024, older recordings lack it",
    r"(generated_timestamp|job_type): only in ours": "came in 2024, older recordings lack it",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running(Zendesk()) as base_url:
        line = Client(base_url, {"Authorization": BASIC})
        yield line
        line.close()


def test_the_simulator_answers_as_zendesk_was_recorded(client: Client) -> None:
    report = check(
        recorded("zendesk"), client, prepare=lambda one: prepared(client, one), known=KNOWN
    )
    print(report)
    assert report.matched >= MATCHED, str(report)
    # What is left out is left out for one of the reasons above, never because it differs.
    assert [one for one in report.unmatched if not one.endswith(tuple(ELSEWHERE.values()))] == []


@pytest.mark.parametrize("resource", [noun for one in ELSEWHERE for noun in one.split("|")])
def test_no_call_of_the_adapter_is_among_those_left_out(resource: str) -> None:
    word = resource.strip("/")
    code = "".join(one.read_text("utf-8") for one in sorted(ADAPTER.glob("*.py")))
    assert re.findall(rf"""(?:zenpy\.|["'/]){word}\b""", code) == []


def prepared(client: Client, one: Exchange) -> Exchange:
    """A fresh account without custom fields that holds what the call speaks of."""
    for pattern, reason in ELSEWHERE.items():
        if re.search(pattern, one.path):
            raise NotSimulated(reason)
    client.control("reset")
    client.control("seed", {"user_fields": _user_fields(one), "organization_fields": []})
    client.control("seed", {**_jobs(one), **_records(one), **_fields(one), **_uploads(one)})
    sent = one.sent_to(_own_cursor(one.target))
    # The recording leaves the file's bytes out.
    return replace(sent, body="content") if "/uploads" in one.path else sent


def _uploads(one: Exchange) -> dict[str, Any]:
    ticket = one.body.get("ticket", {}) if isinstance(one.body, dict) else {}
    token = (ticket.get("comment") or {}).get("uploads")
    return {"uploads": [token]} if token else {}


def _records(one: Exchange) -> dict[str, Any]:
    noun = one.path.removeprefix("/api/v2/").split("/")[0].removesuffix(".json")
    if noun in {"search", "incremental"}:
        return {"contacts": _people(["1", "2", "3"]), "tickets": _tickets(["28", "29", "30"])}
    made = {"users": ("contacts", _people), "organizations": ("organizations", _organizations)}
    name, make = made.get(noun, ("tickets", _tickets))
    ids = sorted(_ids(one, noun) - {NOBODY}) or ["36100001", "36100002", "36100003"]
    creating = one.method == "POST"
    return {name: [] if creating or noun not in {*made, "tickets"} else make(ids)}


def _ids(one: Exchange, noun: str) -> set[str]:
    found = set(re.findall(rf"/{noun}/(\d+)", one.path))
    found |= set(",".join(parse_qs(urlsplit(one.target).query).get("ids", [])).split(",")) - {""}
    rows = one.body.get(noun, ()) if isinstance(one.body, dict) else ()
    return found | {str(row["id"]) for row in rows if row.get("id")}


def _people(ids: list[str]) -> list[dict[str, Any]]:
    return [{"id": int(one), "name": f"P {one}", "email": f"p{one}@example.com"} for one in ids]


def _organizations(ids: list[str]) -> list[dict[str, Any]]:
    return [{"id": int(one), "name": f"Org {one}"} for one in ids]


def _tickets(ids: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": int(one), "subject": "test", "description": "test", "tags": ["sample"]}
        for one in ids
    ]


def _jobs(one: Exchange) -> dict[str, Any]:
    if "/job_statuses/" not in one.path:
        return {}
    shown = one.answer["job_status"]
    return {"jobs": [{name: shown[name] for name in ("id", "status", "results", "total")}]}


def _fields(one: Exchange) -> dict[str, Any]:
    found = re.search(r"/(\w+_fields)/(\d+)", one.path)
    if found is None or found[2] == NOBODY:
        return {}
    return {found[1]: [{"id": int(found[2]), "key": "old_key", "title": "Old"}]}


def _user_fields(one: Exchange) -> list[dict[str, Any]]:
    """The custom fields that the recorded account had."""
    results = one.answer.get("results") if isinstance(one.answer, dict) else None
    keys = results[0].get("user_fields", {}) if results else {}
    return [{"key": key, "title": key} for key in keys]


def _own_cursor(target: str) -> str:
    """A recorded cursor is opaque: ours stands for the same place, the second record."""
    second = base64.b64encode(json.dumps({"o": "id", "v": 1}).encode()).decode()
    return re.sub(r"(page%5Bafter%5D=)[^&]*", rf"\g<1>{second.replace('=', '%3D')}", target)


# --- calls that nobody recorded -------------------------------------------------------------------


@pytest.mark.parametrize("example", examples("zendesk"), ids=lambda one: one["name"])
def test_an_unrecorded_call_answers_as_the_facts_say(
    client: Client, example: dict[str, Any]
) -> None:
    client.control("reset")
    client.control("options", {"job_delay_s": 0, **example.get("options", {})})
    client.control("seed", example.get("seed", {}))
    headers = example.get("headers", {})
    for before in example.get("before", ()):
        client.call(before["method"], before["target"], before.get("body"), headers=headers)
    heard = client.call(example["method"], example["target"], example.get("body"), headers=headers)
    assert heard.status == example["status"], heard.body
    assert _fits(example["answer"], heard.json()), heard.json()
    for name in example.get("has_headers", ()):
        assert name in heard.headers


def _fits(wanted: Any, ours: Any) -> bool:
    """Whether everything in the example stands in the answer, values included; "*" is any value."""
    if wanted == "*":
        return True
    if isinstance(wanted, dict):
        return isinstance(ours, dict) and all(
            key in ours and _fits(value, ours[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(ours, list)
            and len(wanted) == len(ours)
            and all(_fits(one, other) for one, other in zip(wanted, ours, strict=True))
        )
    return bool(wanted == ours)
