"""The records of the simulated org by id and by index, with every write remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.salesforce.ids import long_id
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.values import moment

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the history tells it."""

    at: str
    kind: str
    entity: str
    record_id: str
    values: Mapping[str, Any]


class Records:
    """All records, unchecked. `mark` and `roll_back` undo the writes of one request."""

    def __init__(self, objects: dict[str, ObjectShape], now: Callable[[], datetime]) -> None:
        self.objects = objects
        # Made by API, and seen by nobody until a permission set grants them.
        self.hidden: dict[str, ObjectShape] = {}
        self.now = now
        self.user_id = ""
        self.history: list[Write] = []
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._indexes: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._homes: dict[str, str] = {one.prefix: name for name, one in objects.items()}
        self._journal: list[tuple[str, str, Record | None]] = []

    def add_object(self, shape: ObjectShape) -> None:
        """Make room for one more object."""
        self.objects[shape.name] = shape
        self._homes[shape.prefix] = shape.name

    def all_of(self, entity: str) -> Iterable[Record]:
        """Every record of an object, deleted ones too."""
        return self._records[entity].values()

    def get(self, entity: str, remote_id: str) -> Record | None:
        """The record of that id (in either form), deleted or not; None when there never was one."""
        return self._records[entity].get(long_id(remote_id))

    def holding(self, entity: str, field: str, value: Any) -> list[Record]:
        """The living records whose indexed field holds the value, whatever its case."""
        ids = self._index(entity, field).get(_key(value), ())
        records = (self._records[entity][one] for one in ids)
        return [one for one in records if not one["IsDeleted"]]

    def indexed(self, entity: str, field: str) -> bool:
        """Whether `holding` can answer for this field."""
        shape = self.objects[entity].fields.get(field)
        return shape is not None and (
            shape.identifying or shape.unique or shape.type == "reference"
        )

    def home_of(self, remote_id: str) -> str | None:
        """The object an id belongs to, by its prefix."""
        home = self._homes.get(remote_id[:3])
        # A ContentNote is a ContentDocument too: the two share their prefix.
        if home == "ContentDocument" and long_id(remote_id) not in self._records[home]:
            return "ContentNote"
        return home

    def poke(self, entity: str, remote_id: str, values: Mapping[str, Any]) -> None:
        """Set fields no API user may write: what the org computes by itself."""
        record = self._records[entity].get(long_id(remote_id))
        if record is not None:
            self._replace(entity, {**record, **values})

    def mark(self) -> int:
        """A point `roll_back` returns to."""
        self._journal.clear()
        return len(self.history)

    def roll_back(self, mark: int) -> None:
        """Undo every write since the mark."""
        for entity, remote_id, before in reversed(self._journal):
            if before is None:
                self._forget(entity, remote_id)
            else:
                self._replace(entity, before)
        self._journal.clear()
        del self.history[mark:]

    def stamps(self, *, created: bool) -> Record:
        """Who and when, for a record that is written now."""
        at = moment(self.now())
        stamps = {
            "LastModifiedDate": at, "LastModifiedById": self.user_id, "SystemModstamp": at,
        }  # fmt: skip
        if created:
            stamps.update(CreatedDate=at, CreatedById=self.user_id)
        return stamps

    def keep(self, entity: str, record: Record, *, kind: str, values: Record) -> None:
        """Store a record as it now is, and remember the write."""
        if "OwnerId" in record and record["OwnerId"] is None:
            record["OwnerId"] = self.user_id
        _complete(entity, record)
        self._journal.append((entity, record["Id"], self._records[entity].get(record["Id"])))
        self._replace(entity, record)
        self.history.append(Write(record["SystemModstamp"], kind, entity, record["Id"], values))

    def _replace(self, entity: str, record: Record) -> None:
        before = self._records[entity].get(record["Id"], {})
        for (home, field), index in self._indexes.items():
            if home == entity and before.get(field) != record.get(field):
                _unfile(index, before.get(field), record["Id"])
                _file(index, record.get(field), record["Id"])
        self._records[entity][record["Id"]] = record

    def _forget(self, entity: str, remote_id: str) -> None:
        record = self._records[entity].pop(remote_id)
        for (home, field), index in self._indexes.items():
            if home == entity:
                _unfile(index, record.get(field), remote_id)

    def _index(self, entity: str, field: str) -> dict[str, list[str]]:
        index = self._indexes.get((entity, field))
        if index is None:
            index = self._indexes[entity, field] = {}
            for record in self._records[entity].values():
                _file(index, record.get(field), record["Id"])
        return index


def blank(shape: ObjectShape) -> Record:
    """A record of which nothing is known yet."""
    return {one.name: one.default for one in shape.fields.values()}


def _complete(entity: str, record: Record) -> None:
    """Fill in what the org computes from the record itself."""
    if record.get("LastName"):
        record["Name"] = " ".join(filter(None, (record["FirstName"], record["LastName"])))
    if entity == "Opportunity":
        record["IsWon"] = record["StageName"] == "Closed Won"
        record["IsClosed"] = str(record["StageName"]).startswith("Closed")
    if entity == "Task":
        record["IsClosed"] = record["Status"] == "Completed"
    if record.get("Name") is None and "Name" in record:
        record["Name"] = record["Id"][:15]


def _key(value: Any) -> str:
    return str(value).casefold()


def _file(index: dict[str, list[str]], value: Any, remote_id: str) -> None:
    if value is not None:
        index.setdefault(_key(value), []).append(remote_id)


def _unfile(index: dict[str, list[str]], value: Any, remote_id: str) -> None:
    if value is not None:
        index[_key(value)].remove(remote_id)
