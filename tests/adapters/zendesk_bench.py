"""The simulated Zendesk as the contract's bench, and short ways to say what its tests do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from adapters.http import Wire
from adapters.values import Account, Batch, Operation, Row
from adapters.zendesk import Zendesk
from schemas.fields import Entity, FieldType
from simulators.kit.server import running
from simulators.zendesk import Zendesk as Simulated
from tests.adapters.contract import Bench

SETTINGS = {"subdomain": "acme"}


class ZendeskBench(Bench):
    """The bench with Zendesk's own ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str
    learnt: Mapping[str, Any]

    def adapter(self, **learnt: Any) -> Zendesk:
        """An adapter whose connection has been tested, and has learnt something more."""
        known = {**self.learnt, **learnt}
        account = Account(self.token, self.base_url, settings=SETTINGS, learnt=known)
        return Zendesk(account, Wire(), self.entities)

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a person."""
        state = self.control("state")
        return next(one for one in state["contacts"] if one["id"] == remote_id)

    def paths(self, since: int = 0) -> list[str]:
        """The calls so far as `PUT users/update_many`, ids replaced."""
        return [
            f"{one['method']} "
            + "/".join(
                "N" if part.isdigit() else part
                for part in one["path"].removeprefix("/api/v2/").removesuffix(".json").split("/")
            )
            for one in self.calls()[since:]
        ]


@contextmanager
def served() -> Iterator[ZendeskBench]:
    """A fresh account without delays and limits."""
    simulated = Simulated(options={"job_delay_s": 0, "index_lag_s": 0, "rate": 100_000})
    with running(simulated) as base_url:
        yield benched(base_url)


def benched(base_url: str) -> ZendeskBench:
    made: dict[str, Any] = {}

    def make(wire: Wire | None = None, token: str | None = None) -> Zendesk:
        bench = made["bench"]
        held = token or bench.token
        account = Account(held, base_url, settings=SETTINGS, learnt=bench.learnt)
        return Zendesk(account, wire or Wire(), bench.entities)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": one["email"], "name": f"{one['first_name']} {one['last_name']}"}
            for one in contacts
        ]
        ids: list[str] = bench.control("seed", {"contacts": told})["contacts"]
        return ids

    bench = ZendeskBench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity="users",
        email_field="email",
        values={
            FieldType.TEXT: ("last_campaign", "Møde 😀", "Service"),
            FieldType.LONG_TEXT: ("nps_comment", "a\nb", "c" * 5000),
            FieldType.PHONE: ("phone", "+4512345678", "12345678"),
            FieldType.INTEGER: ("nps_score", 9, 0),
            FieldType.NUMBER: ("satisfaction", "12.5", "-3"),
            FieldType.BOOLEAN: ("wants_contact", True, False),
            FieldType.DATE: ("nps_date", "2026-11-22", "2024-02-29"),
            FieldType.CHOICE: ("nps_group", "nps_promoter", "nps_detractor"),
            FieldType.MULTI_CHOICE: (
                "survey_topics",
                ("topic_service", "topic_price"),
                ("topic_quality",),
            ),
            FieldType.REFERENCE: ("account_manager", "361000000000001", "361000000000001"),
        },
        new_contact=lambda email: {"email": email, "name": "New Person"},
        bad=("nps_group", "no_such_option"),
        read_path=r"/users/show_many",
        write_path=r"/users/(\d+|update_many)(\.json)?$",
        foreign_tags=lambda remote_id, tags: tag(base_url, remote_id, tags),
        tags_of=lambda remote_id: bench.contact(remote_id)["tags"],
    )
    made["bench"] = bench
    bench.entities, bench.learnt = {}, {}
    bench.token = bench.control("oauth", {"issue": {}})["access_token"]
    bench.entities = {one.name: one for one in make().entities()}
    bench.learnt = {"note_assignee": make().probe().learnt["note_assignee"]}
    return bench


def tag(base_url: str, remote_id: str, tags: Sequence[str]) -> None:
    auth = ("alma@example.com/token", "demo-api-token")
    url = f"{base_url}/api/v2/users/{remote_id}/tags.json"
    requests.put(url, json={"tags": list(tags)}, auth=auth, timeout=5).raise_for_status()


def update(bench: Bench, rows: Sequence[Row]) -> Batch:
    return Batch(bench.entity, Operation.UPDATE, tuple(rows))


def create(bench: Bench, rows: Sequence[Row]) -> Batch:
    return Batch(bench.entity, Operation.CREATE, tuple(rows), match_field="email")


def rows_for(ids: Sequence[str], **values: Any) -> list[Row]:
    return [Row(f"k{at}", values, one) for at, one in enumerate(ids)]
