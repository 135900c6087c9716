"""The adapter of an app that keeps contacts, as its document describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import requests

from adapters.errors import BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.rest.client import Client
from adapters.rest.judging import Answer, RowRefused, outcome_of, refusal_of
from adapters.rest.templates import JSON, Unfillable, as_text, is_true, picked
from adapters.rest.values import (
    Unreadable,
    id_of,
    list_fields,
    lists_of,
    moment_of,
    natives_of,
    own_fields,
    record_of,
    told_fields,
    values_of,
)
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
from schemas.fields import Entity, FieldValue

Document = Mapping[str, Any]


class DescribedApp:
    """One account of a described app. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits]
    document: ClassVar[Document]

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._said = self.document["contact"]
        name, label = self._said["name"], self._said["label"]
        self._contact = entities.get(name) or Entity(name, label, ())
        self._client = Client(self.document, account, wire)

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The port's `probe`, by the document's own call."""
        said = self.document["probe"]
        with self._of_no_row():
            answer = self._client.ask(said["request"])
        names = ("account_id", "account_name", "user_id")
        account_id, name, user_id = (self._told(said.get(one), answer) for one in names)
        if not account_id:
            self._client.unreadable("its answer does not tell the account")
        return Identity(account_id, name or account_id, user_id)

    def _told(self, expression: str | None, answer: Answer) -> str:
        try:
            return as_text(picked(expression, answer.scope)) if expression else ""
        except Unfillable:
            return ""

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`: the contact with what the document and the API say of it."""
        fields = own_fields(self.document)
        with self._of_no_row():
            if "fields_from" in self._said:
                items = list(self._client.every(self._said["fields_from"]))
                fields += told_fields(self.document, items)
            if "lists_from" in self._said:
                fields += list_fields(self.document, self._client.every(self._said["lists_from"]))
        return (Entity(self._said["name"], self._said["label"], tuple(fields)),)

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`: a call a value, one more for each record that is read again."""
        del entity
        self._check_known(want)
        if field == self.traits.id_field:
            return {one: self._read(one, want) for one in values}
        said = next((one for one in self._said["find"] if one["field"] == field), None)
        if said is None:
            message = f"{self.document['label']} finds no contacts by {field}"
            raise PauseMapping(message, code="not_identifying", field=field)
        return {one: self._found(said, one, want) for one in values}

    def _check_known(self, want: Sequence[str]) -> None:
        for name in want:
            if self._contact.fields and self._contact.field(name) is None:
                message = f"{self.document['label']} does not have the field {name}"
                raise PauseMapping(message, code="field_gone", field=name)

    def _read(self, remote_id: str, want: Sequence[str]) -> tuple[Record, ...]:
        said = self._said["read"]
        answer = self._asked(said["request"], {"id": remote_id})
        record = None if answer is None else self._picked(said["record"], answer)
        return () if record is None else (self._record(record, want),)

    def _found(self, said: Document, value: str, want: Sequence[str]) -> tuple[Record, ...]:
        answer = self._asked(said["request"], {"value": value})
        if answer is None:
            return ()
        found = self._picked(said["records"], answer)
        records = found if isinstance(found, list) else [found] * (found is not None)
        with self._readable():
            ids = [id_of(said.get("id") or self._said["id"], one) for one in records]
        if not said["reread"]:
            return tuple(self._record(one, want) for one in records)
        return tuple(one for remote_id in dict.fromkeys(ids) for one in self._read(remote_id, want))

    def _asked(self, request: Document, scope: Mapping[str, str]) -> Answer | None:
        """The answer about one contact; None where there is none."""
        try:
            return self._client.ask(request, scope)
        except Unfillable:
            return None  # what cannot be asked for, nobody is known by
        except RowRefused as exc:
            if exc.means == "not_found":
                return None
            raise self._client.of_no_row(exc) from exc

    def _picked(self, expression: str, answer: Answer) -> JSON:
        try:
            return picked(expression, answer.scope)
        except Unfillable:
            self._client.unreadable("its answer is not what the document says")

    def _record(self, told: JSON, want: Sequence[str]) -> Record:
        with self._readable():
            values = values_of(self.document, told, want, self._contact)
            changed_at = moment_of(self._said.get("updated_at"), told)
            return Record(id_of(self._said["id"], told), values, changed_at)

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: a call a row, or one for all where the document has such a call."""
        if batch.operation is Operation.CREATE:
            return BatchResult(tuple(self._created(row) for row in batch.rows))
        if len(batch.rows) > 1 and "update_many" in self._said:
            return BatchResult(tuple(self._updated_together(batch.rows)))
        return BatchResult(tuple(self._updated(row) for row in batch.rows))

    def _created(self, row: Row) -> Outcome:
        said = self._said["create"]
        given = {name: value for name, value in row.values.items() if value not in (None, ())}
        outcome, answer = self._written(row, said, given)
        if answer is None:
            return self._existing(row, outcome) if outcome.code == "duplicate" else outcome
        with self._readable():
            remote_id = id_of(said.get("id", "body.id"), answer.scope)
        return Outcome(row.key, Status.WRITTEN, remote_id, created=True)

    def _existing(self, row: Row, refused: Outcome) -> Outcome:
        """A contact that is there already, with its id where one of the ways to find it leads
        there.
        """
        for said in self._said["find"]:
            value = row.values.get(said["field"])
            found = self._found(said, str(value), ()) if value else ()
            if len(found) == 1:
                text = refused.message
                return Outcome(
                    row.key, refused.status, found[0].remote_id, code=refused.code, message=text
                )
        return refused

    def _updated(self, row: Row) -> Outcome:
        return self._written(row, self._said["update"], row.values)[0]

    def _written(
        self, row: Row, said: Document, values: Mapping[str, FieldValue]
    ) -> tuple[Outcome, Answer | None]:
        """The outcome, and the answer of a call that did what it should."""
        known = tuple(row.values)
        try:
            scope = self._scope(row, values)
            answer = self._client.send(said["request"], scope, key=row.key, known=known)
        except RowRefused as exc:
            return outcome_of(self.document, row.key, exc), None
        except Unfillable as exc:
            return Outcome(row.key, Status.REJECTED, code="unfit", message=str(exc)), None
        return Outcome(row.key, Status.WRITTEN, row.remote_id), answer

    def prepared(self, operation: Operation, row: Row) -> requests.Request:
        """The call that would write this row, for who tries a document. Raises PauseMapping where
        the values cannot be sent.
        """
        said = self._said[operation.value]
        try:
            return self._client.prepared(said["request"], self._scope(row, row.values), key=row.key)
        except Unfillable as exc:
            raise PauseMapping(str(exc), code="unfit") from exc

    def _scope(self, row: Row, values: Mapping[str, FieldValue]) -> Mapping[str, JSON]:
        joins, leaves = lists_of(values)
        return {
            "id": row.remote_id,
            "record": record_of(self.document, values, self._contact),
            "values": natives_of(self.document, values, self._contact),
            "joins": joins,
            "leaves": leaves,
        }

    # --- many at once -----------------------------------------------------------------------------

    def _updated_together(self, rows: Sequence[Row]) -> Iterator[Outcome]:
        """One outcome a row, as the answer tells of each, in order."""
        said, fit = self._said["update_many"], []
        for row in rows:
            try:
                fit.append((row, self._scope(row, row.values)))
            except Unfillable:
                # Alone it is refused by itself; its neighbours go on without it.
                yield from (self._updated(one) for one in rows)
                return
        key = "-".join(row.key for row in rows)
        with self._of_no_row():
            scope = {"rows": [one for _, one in fit]}
            answer = self._client.send(said["request"], scope, key=key)
        items = self._client.list_in(said["each"], answer)
        if len(items) != len(rows):
            self._client.unreadable("its answer does not tell of every record")
        for row, item in zip(rows, items, strict=True):
            yield self._each(row, said, item)

    def _each(self, row: Row, said: Document, item: JSON) -> Outcome:
        if is_true(said["ok"], item):
            return Outcome(row.key, Status.WRITTEN, row.remote_id)
        status = item.get("status") if isinstance(item, dict) else None
        whole = Answer(status if isinstance(status, int) else 400, {}, item)
        refused = refusal_of(self.document, whole, writes=True, known=tuple(row.values))
        if isinstance(refused, RowRefused):
            return outcome_of(self.document, row.key, refused)
        return Outcome(row.key, Status.RETRY, code=refused.code, message=str(refused))

    # --- what an answer may be --------------------------------------------------------------------

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except Unreadable as exc:
            self._client.unreadable(str(exc))

    @contextmanager
    def _of_no_row(self) -> Iterator[None]:
        """Around calls that speak of no contact."""
        with self._readable():
            try:
                yield
            except RowRefused as exc:
                raise self._client.of_no_row(exc) from exc
            except Unfillable as exc:
                raise BrokenContract(str(exc), code="bad_request") from exc
