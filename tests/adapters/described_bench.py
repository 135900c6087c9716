"""How the tests of described apps reach a simulator; the app's document makes the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from adapters.base import CRM
from adapters.http import Wire
from adapters.registry import adapter_for
from adapters.values import Account, Batch, BatchResult, Operation, Outcome, Row
from schemas.fields import Entity, FieldType, FieldValue
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from tests.adapters.contract import AdapterContract, Bench, people


class DescribedBench(Bench):
    """The bench with ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a contact."""
        state = self.control("state")
        found: Mapping[str, Any] = next(one for one in state["contacts"] if one["id"] == remote_id)
        return found

    def update(self, *rows: Row) -> tuple[Outcome, ...]:
        """The outcomes of one batch of updates."""
        return self._written(Operation.UPDATE, rows)

    def create(self, *rows: Row) -> tuple[Outcome, ...]:
        """The outcomes of one batch of creates."""
        return self._written(Operation.CREATE, rows)

    def _written(self, operation: Operation, rows: tuple[Row, ...]) -> tuple[Outcome, ...]:
        result = self.make().write(Batch(self.entity, operation, rows))
        assert isinstance(result, BatchResult)
        return result.outcomes

    def verbs(self, since: int = 0) -> list[str]:
        """Method and path of the calls so far, in order."""
        return [f"{one['method']} {one['path']}" for one in self.calls()[since:]]


@contextmanager
def served(
    app: str,
    simulator: Simulator,
    *,
    settings: Mapping[str, Any],
    values: Mapping[FieldType, tuple[str, FieldValue, FieldValue]],
    bad: tuple[str, FieldValue],
    told: Callable[[Mapping[str, str]], Mapping[str, str]],
    new_contact: Callable[[str], Mapping[str, FieldValue]],
    paths: tuple[str, str],
    adapter: Callable[[], type[CRM]] | None = None,
    unique_email: bool = True,
    bodyless_updates: bool = False,
) -> Iterator[DescribedBench]:
    """A fresh account, its definitions downloaded. `paths`: those of reads by id and of updates."""
    with running(simulator) as base_url:

        def make(wire: Wire | None = None, *, token: str | None = None) -> CRM:
            account = Account(token or bench.token, base_url, settings=settings)
            return of()(account, wire or Wire(), bench.entities)

        def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
            every = [told(one) for one in contacts]
            ids: list[str] = bench.control("seed", {"contacts": every})["contacts"]
            return ids

        of = adapter or (lambda: adapter_for(app))
        bench = DescribedBench(
            base_url=base_url,
            make=make,
            seed=seed,
            entity=of().traits.contact_entity,
            email_field="email",
            values=values,
            new_contact=new_contact,
            bad=bad,
            read_path=paths[0],
            write_path=paths[1],
            unique_email=unique_email,
            bodyless_updates=bodyless_updates,
        )
        bench.entities = {}
        bench.token = bench.control("oauth", {"issue": {}})["access_token"]
        bench.entities = {one.name: one for one in make().entities()}
        yield bench


__all__ = ["AdapterContract", "DescribedBench", "people", "served"]
