"""How the tests of Splio's adapter reach a simulated universe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from adapters.http import Wire
from adapters.splio import Splio
from adapters.values import Account, Batch, Operation, Outcome, Row
from schemas.fields import Entity, FieldType, FieldValue
from schemas.splio import CONTACT
from simulators.kit.server import running
from simulators.splio import Splio as Simulated
from tests.adapters.contract import AdapterContract, Bench, people

# Without the types that the list of fields does not tell, every custom field is text.
VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("c6", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.PHONE: ("cellphone", "+4512345678", "12345678"),
    FieldType.INTEGER: ("c5", 9, 0),
    FieldType.NUMBER: ("c7", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("list_25", True, False),
    FieldType.DATE: ("c8", "2026-11-22", "2024-02-29"),
}
FAST = {"rate": 100_000, "other_rate": 100_000, "tells_types": True}


class SplioBench(Bench):
    """The bench with Splio's own ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a contact."""
        state = self.control("state")
        found: Mapping[str, Any] = next(one for one in state["contacts"] if one["id"] == remote_id)
        return found

    def update(self, *rows: Row, **options: Any) -> tuple[Outcome, ...]:
        """The outcomes of one batch of updates."""
        batch = Batch(CONTACT, Operation.UPDATE, rows)
        return self.adapter(**options).write(batch).outcomes

    def create(self, *rows: Row) -> tuple[Outcome, ...]:
        """The outcomes of one batch of creates."""
        return self.adapter().write(Batch(CONTACT, Operation.CREATE, rows)).outcomes

    def adapter(self, **options: Any) -> Splio:
        """The adapter by its own type."""
        made = self.make(**options)
        assert isinstance(made, Splio)
        return made

    def verbs(self, since: int = 0) -> list[str]:
        """Method and path of the calls so far, in order."""
        return [f"{one['method']} {one['path']}" for one in self.calls()[since:]]


@contextmanager
def served(**options: Any) -> Iterator[SplioBench]:
    """A fresh universe, its definitions downloaded."""
    with running(Simulated(options={**FAST, **options})) as base_url:
        yield benched(base_url, unique_key=options.get("unique_key", "email"))


def benched(base_url: str, *, unique_key: str) -> SplioBench:
    made: dict[str, SplioBench] = {}

    def make(wire: Wire | None = None, *, token: str | None = None) -> Splio:
        bench = made["bench"]
        account = Account(
            token or bench.token,
            base_url,
            settings={"universe": "acme"},
            learnt={"unique_key": unique_key},
        )
        return Splio(account, wire or Wire(), bench.entities)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": one["email"], "firstname": one["first_name"], "lastname": one["last_name"]}
            for one in contacts
        ]
        ids: list[str] = bench.control("seed", {"contacts": told})["contacts"]
        return ids

    bench = made["bench"] = SplioBench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity=CONTACT,
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "lastname": "New Person"},
        bad=("c5", "no-number"),
        read_path=r"/data/contacts/.*",
        write_path=r"/data/contacts/.*",
    )
    bench.entities = {}
    bench.token = bench.control("oauth", {"issue": {}})["access_token"]
    bench.entities = {one.name: one for one in make().entities()}
    return bench


__all__ = ["AdapterContract", "SplioBench", "people", "served"]
