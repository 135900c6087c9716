"""What an app that keeps no records answers to the part of the port that is about records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.errors import BrokenContract
from adapters.values import Batch, BatchResult, Record
from schemas.fields import Entity


class Recordless:
    """Nothing to map, nothing to find; a write is a bug of ours."""

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`."""
        return ()

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`."""
        del entity, field, want
        return dict.fromkeys(values, ())

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`."""
        del batch
        message = "this app keeps no records"
        raise BrokenContract(message, code="no_records")
