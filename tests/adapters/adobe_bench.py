"""How the tests of Adobe Campaign's adapter reach a simulated instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from adapters.adobe import AdobeCampaign
from adapters.http import Wire
from adapters.values import Account, Batch, Operation, Outcome, Row
from schemas.adobe import PROFILE
from schemas.fields import Entity, FieldType, FieldValue
from simulators.adobe import AdobeCampaign as Simulated
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract, Bench, people

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("cusNickname", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.LONG_TEXT: ("cusNpsComment", "two\nlines", "one"),
    FieldType.PHONE: ("mobilePhone", "+4512345678", "12345678"),
    FieldType.INTEGER: ("cusNpsScore", 9, 0),
    FieldType.NUMBER: ("cusBasket", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("cusMember", True, False),
    FieldType.CHOICE: ("gender", "male", "unknown"),
    FieldType.DATE: ("birthDate", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("cusSeenAt", "2026-11-22T01:02:03Z", "2024-02-29T23:59:59Z"),
}
SETTINGS = {"organization": "acme", "client_id": "demo-client-id", "scopes": "openid,AdobeID"}
FAST = {"rate": 100_000}


class AdobeBench(Bench):
    """The bench with Adobe's own ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a profile."""
        state = self.control("state")
        found: Mapping[str, Any] = next(one for one in state["contacts"] if one["id"] == remote_id)
        return found

    def update(self, *rows: Row, **options: Any) -> tuple[Outcome, ...]:
        """The outcomes of one batch of updates."""
        return self.adapter(**options).write(Batch(PROFILE, Operation.UPDATE, rows)).outcomes

    def create(self, *rows: Row, **options: Any) -> tuple[Outcome, ...]:
        """The outcomes of one batch of creates."""
        return self.adapter(**options).write(Batch(PROFILE, Operation.CREATE, rows)).outcomes

    def adapter(self, **options: Any) -> AdobeCampaign:
        """The adapter by its own type."""
        made = self.make(**options)
        assert isinstance(made, AdobeCampaign)
        return made

    def verbs(self, since: int = 0) -> list[str]:
        """The calls so far that changed something: method and path."""
        calls = [one for one in self.calls()[since:] if one["method"] != "GET"]
        return [f"{one['method']} {one['path']}" for one in calls]


@contextmanager
def served(learnt: Mapping[str, Any] | None = None, **options: Any) -> Iterator[AdobeBench]:
    """A fresh instance, its definitions downloaded."""
    with running(Simulated(options={**FAST, **options})) as base_url:
        yield benched(base_url, learnt=learnt or {}, custom_key=options.get("custom_key"))


def benched(base_url: str, *, learnt: Mapping[str, Any], custom_key: str | None) -> AdobeBench:
    """The bench of an instance that is served already."""
    made: dict[str, AdobeBench] = {}
    settings = {**SETTINGS, **({"custom_key": custom_key} if custom_key else {})}

    def make(wire: Wire | None = None, *, token: str | None = None, **more: str) -> AdobeCampaign:
        bench = made["bench"]
        account = Account(
            token or bench.token, base_url, settings={**settings, **more}, learnt=learnt
        )
        return AdobeCampaign(account, wire or Wire(), bench.entities)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": one["email"], "firstName": one["first_name"], "lastName": one["last_name"]}
            for one in contacts
        ]
        ids: list[str] = bench.control("seed", {"contacts": told})["contacts"]
        return ids

    bench = made["bench"] = AdobeBench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity=PROFILE,
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "lastName": "New Person"},
        bad=("mobilePhone", "4" * 40),
        read_path=r"/profile/.*",
        write_path=r"/profile/.*",
        unique_email=False,
    )
    bench.entities = {}
    bench.token = bench.control("oauth", {"issue": {}})["access_token"]
    bench.entities = {one.name: one for one in make().entities()}
    return bench


__all__ = ["AdapterContract", "AdobeBench", "people", "served"]
