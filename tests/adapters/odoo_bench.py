"""How the tests of Odoo's adapter reach a simulated database, in every version that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests

from adapters.http import Wire
from adapters.odoo import Odoo
from adapters.values import Account, Batch, Operation, Outcome, Row
from schemas.fields import Entity, FieldType, FieldValue
from schemas.odoo import PARTNER
from simulators.kit.server import running
from simulators.odoo import Odoo as Simulated
from tests.adapters.contract import AdapterContract, Bench, people

SETTINGS = {"database": "acme", "user": "integration@example.com"}
# Each differs from the one before in what a call looks like (schemas and adapter say how).
VERSIONS = (11, 12, 14, 16, 17, 18)
VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("x_nps_summary", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.LONG_TEXT: ("x_nps_comment", "a\nb <c> 😀", "c" * 5000),
    FieldType.EMAIL: ("email", "A.b_c@example.test", "other@example.test"),
    FieldType.PHONE: ("phone", "+4512345678", "12 34 56 78"),
    FieldType.URL: ("website", "https://example.com/a?b=1", "http://example.org"),
    FieldType.INTEGER: ("x_nps_score", 9, 0),
    FieldType.NUMBER: ("x_nps_basket", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("x_nps_follow_up", True, False),
    FieldType.DATE: ("x_nps_date", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("x_nps_answered_at", "2026-11-22T10:00:00Z", "2020-01-01T00:00:00Z"),
    FieldType.CHOICE: ("x_nps_segment", "promoter", "detractor"),
}


class OdooBench(Bench):
    """The bench with Odoo's own ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str
    learnt: Mapping[str, Any]

    def control(self, name: str, body: Any = None) -> Any:
        """As the bench does, with time for a real server, where a hundred contacts take a while."""
        url, method = f"{self.base_url}/__sim__/{name}", "GET" if body is None else "POST"
        answer = requests.request(method, url, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def adapter(self, **options: Any) -> Odoo:
        """The adapter by its own type."""
        made = self.make(**options)
        assert isinstance(made, Odoo)
        return made

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a contact."""
        state = self.control("state")
        found: Mapping[str, Any] = next(one for one in state["contacts"] if one["id"] == remote_id)
        return found

    def update(self, *rows: Row) -> tuple[Outcome, ...]:
        """The outcomes of one batch of updates."""
        return self.adapter().write(Batch(PARTNER, Operation.UPDATE, rows)).outcomes

    def create(self, *rows: Row) -> tuple[Outcome, ...]:
        """The outcomes of one batch of creates."""
        batch = Batch(PARTNER, Operation.CREATE, rows, match_field="email")
        return self.adapter().write(batch).outcomes

    def download(self) -> None:
        """Learn the definitions anew."""
        self.entities = {one.name: one for one in self.make().entities()}

    def kinds(self, since: int = 0) -> list[str]:
        """What the calls so far were, in order."""
        return [str(one["kind"]) for one in self.calls()[since:]]


@contextmanager
def served(version: int = 16, **options: Any) -> Iterator[OdooBench]:
    """A fresh database of that version, its definitions downloaded."""
    api = options.pop("api", "jsonrpc")
    with running(Simulated(options={"version": version, **options})) as base_url:
        yield benched(base_url, api)


def benched(base_url: str, api: str = "jsonrpc") -> OdooBench:
    path = {"jsonrpc": "/jsonrpc", "json2": "/json/2/"}[api]
    made: dict[str, OdooBench] = {}

    def make(wire: Wire | None = None, *, token: str | None = None, **learnt: Any) -> Odoo:
        bench = made["bench"]
        known = {**bench.learnt, **learnt}
        settings = {**SETTINGS, "api": api}
        account = Account(token or bench.token, base_url, settings=settings, learnt=known)
        return Odoo(account, wire or Wire(), bench.entities)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": one["email"], "name": f"{one['first_name']} {one['last_name']}"}
            for one in contacts
        ]
        ids: list[str] = bench.control("seed", {"contacts": told})["contacts"]
        return ids

    bench = made["bench"] = OdooBench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity=PARTNER,
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "name": "New Person"},
        bad=("x_nps_segment", "no-such-segment"),
        read_path=path,
        write_path=path,
        unique_email=False,
        foreign_tags=lambda remote_id, tags: tag(bench, remote_id, tags),
        tags_of=lambda remote_id: bench.contact(remote_id)["tags"],
    )
    bench.entities, bench.learnt = {}, {}
    bench.token = bench.control("oauth", {"issue": {}})["access_token"]
    bench.learnt = make().probe().learnt
    bench.download()
    return bench


def tag(bench: OdooBench, remote_id: str, names: Sequence[str]) -> None:
    """Tags that somebody else has put on a contact; the contract's own exist as tags, too."""
    ours = [f"npstoday_fair_{score}" for score in range(11)]
    bench.control("seed", {"tags": [*names, *ours]})
    known = {one["name"]: one["id"] for one in bench.control("state")["tags"]}
    commands = [[4, known[one]] for one in names]
    bench.control("seed", {"edit": {remote_id: {"category_id": commands}}})


__all__ = ["VERSIONS", "AdapterContract", "OdooBench", "benched", "people", "served", "tag"]
