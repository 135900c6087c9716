"""The adapter of an app that is only told: one call for each response, and nothing is read.

What a webhook has been told nobody can ask it. So a record is always taken to be there and to hold
nothing: whatever is planned is sent, and a try whose answer was lost is sent again under the same
message id, by which the receiver knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests

from adapters.errors import PauseMapping
from adapters.http import Wire
from adapters.rest.client import Client
from adapters.rest.judging import RowRefused, outcome_of
from adapters.rest.templates import Unfillable
from adapters.rest.traits import PUSHED
from adapters.rest.values import natives_of
from adapters.traits import Traits
from adapters.values import (
    Account,
    Batch,
    BatchResult,
    Identity,
    Operation,
    Outcome,
    Record,
    Row,
    Status,
)
from schemas.fields import Entity, Field, FieldType

Document = Mapping[str, Any]
NOT_PROVED = "Nothing was sent: the first response proves the address and the secret."


class PushedApp:
    """One receiver. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits]
    document: ClassVar[Document]

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account, self._said = account, self.document["push"]
        self._entity = entities.get(self._said["name"]) or self._described()
        self._client = Client(self.document, account, wire)

    def probe(self) -> Identity:
        """The port's `probe`: a receiver takes messages and nothing else, so nothing is sent."""
        own = self._account.base_url or self.document["base_url"].format_map(self._account.settings)
        host = str(urlsplit(own).hostname)
        return Identity(account_id=host, account_name=host, notes=(NOT_PROVED,))

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`: the fields that the admin has named."""
        return (self._described(),)

    def _described(self) -> Entity:
        key = self._said["key"]
        own = Field(key, key, FieldType.TEXT, required=True, unique=True, identifies=True)
        named = pushed_fields(str(self._account.settings.get(PUSHED.name, "")))
        others = (one for one in named if one.name != key)
        return Entity(self._said["name"], self._said["label"], (own, *others))

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`, without a call: every record is there and holds nothing."""
        del entity
        known = self._entity.by_name().keys()
        for name in want:
            if name not in known:
                message = f"the setting {PUSHED.name} does not name {name} any more"
                raise PauseMapping(message, code="field_gone", field=name)
        if field not in {self._said["key"], self.traits.id_field}:
            message = f"messages are told apart by {self._said['key']}, not by {field}"
            raise PauseMapping(message, code="not_identifying", field=field)
        return {one: (Record(one, dict.fromkeys(want)),) for one in values}

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: a message a row."""
        return BatchResult(tuple(self._told(row) for row in batch.rows))

    def prepared(self, operation: Operation, row: Row) -> requests.Request:
        """The call that would tell this row, for who tries a document. Raises PauseMapping where
        the values cannot be sent.
        """
        del operation
        try:
            return self._client.prepared(self._said["request"], self._scope(row), key=row.key)
        except Unfillable as exc:
            raise PauseMapping(str(exc), code="unfit") from exc

    def _scope(self, row: Row) -> Mapping[str, Any]:
        key, values = self._said["key"], natives_of(self.document, row.values, self._entity)
        remote_id = row.remote_id or str(row.values.get(key, ""))
        return {"id": remote_id, "values": {**values, key: remote_id}}

    def _told(self, row: Row) -> Outcome:
        scope, remote_id = self._scope(row), str(row.remote_id)
        try:
            self._client.send(self._said["request"], scope, key=row.key, known=tuple(row.values))
        except RowRefused as exc:
            return outcome_of(self.document, row.key, exc)
        except Unfillable as exc:
            return Outcome(row.key, Status.REJECTED, code="unfit", message=str(exc))
        return Outcome(row.key, Status.WRITTEN, remote_id)


def pushed_fields(setting: str) -> Iterator[Field]:
    """The fields that `score:integer, comment` names; an unknown type is text."""
    for part in filter(None, (one.strip() for one in setting.split(","))):
        name, _, kind = (one.strip() for one in part.partition(":"))
        known = {one.value for one in FieldType} - {FieldType.OTHER, FieldType.REFERENCE}
        yield Field(name, name, FieldType(kind) if kind in known else FieldType.TEXT, closed=False)
