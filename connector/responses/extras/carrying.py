"""One edit that holds its contact: its steps 3 to 7, as editing.py numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from adapters.errors import AdapterError, BatchRefused, OutcomeUnknown, TryLater
from adapters.values import Outcome, Record, Row, Status
from connector.connections.refusals import refusal_of
from connector.failpoints import failpoint
from connector.problems import Code, Place, Refusal
from connector.responses.extras import holds
from connector.responses.extras.comparing import (
    Change,
    Conflict,
    Effect,
    conflicts,
    differing,
    effect_of,
    etag_of,
)
from connector.responses.extras.holds import Hold
from connector.responses.extras.live import Line, line_to
from connector.responses.extras.sending import sent
from connector.responses.extras.showing import Place as Where
from connector.responses.extras.showing import relink
from connector.responses.hub import Hub
from schemas.fields import FieldValue
from schemas.phrases import phrase

BUSY_S = 5
# A record that is changed so often while we look is somebody else's just now.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for. `changes` are {field, value, was?} each. `matches`: whether an etag
    is one of those in If-Match; None where there was none.
    """

    connection_id: int
    changes: Sequence[Mapping[str, Any]]
    matches: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """How an edit ended. `before` and `after` hold the fields that were written."""

    edit_id: int
    connection_id: int
    state: str
    remote_id: str
    before: Mapping[str, FieldValue]
    after: Mapping[str, FieldValue]


@dataclass(slots=True)
class Edit:
    """One edit that holds its contact."""

    hub: Hub
    where: Where
    changes: tuple[Change, ...]
    wanted: Wanted
    hold: Hold
    address: str | None
    line: Line | None = None
    is_open: bool = True

    def carried_out(self) -> Edited:
        """Steps 3 to 7. Raises Refusal; it has changed nothing at the CRM, or says so."""
        try:
            return self._run()
        except Refusal as exc:
            self.end(holds.NOT_WRITTEN, code=exc.code.value)
            raise
        except AdapterError as exc:
            self.end(holds.NOT_WRITTEN, code=exc.code, failure=exc)
            raise refusal_of(exc) from exc

    def _run(self) -> Edited:
        lease_s = self.hub.settings.lease_s
        self.line = line = line_to(self.hub, self.where.chosen, for_s=lease_s)
        for _ in range(TRIES):
            if (edited := self._tried(line)) is not None:
                return edited
        raise Refusal(Code.CONTACT_BUSY, headers={"Retry-After": str(BUSY_S)})

    def _tried(self, line: Line) -> Edited | None:
        """One look and one write; None where somebody else was faster."""
        return self._written_on(line, self._read(line))

    def _written_on(self, line: Line, record: Record) -> Edited | None:
        changes = self._compared(record)
        values = differing(changes, record.values)
        if not values:
            return self._settled(holds.UNCHANGED, record, {})
        outcome = self._written(line, record, values, changes)
        if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
            return self._settled(holds.WRITTEN, record, values)
        if outcome.code not in {"changed", "moved"}:
            self._refuse(outcome)
        return None

    def _read(self, line: Line) -> Record:
        record = line.record(self.where.spot.remote_id)
        if record is None:
            self._forget()
            raise Refusal(Code.NOT_LINKED)
        self._check_lost(line)
        return record

    def _forget(self) -> None:
        """The record that stood for the contact is gone."""
        with self.hub.database.begin(self.where.spot.workspace_id) as connection:
            relink(connection, self.where.spot, None)

    def _check_lost(self, line: Line) -> None:
        if lost := line.lost.intersection(one.name for one in self.changes):
            raise _lost(self.changes, lost)

    # --- compare --------------------------------------------------------------------------------

    def _compared(self, record: Record) -> tuple[Change, ...]:
        """The changes against what the record holds now; of those that came with an etag alone,
        what it holds is what was seen.
        """
        matches = self.wanted.matches
        if matches is not None and differing(self.changes, record.values):
            entity = self.where.spot.entity
            if not matches(etag_of(entity, record.remote_id, record.values)):
                self._conflicting(Code.PRECONDITION_FAILED, self._all_of(record))
        seen = {one["field"] for one in self.wanted.changes if "was" in one}
        changes = tuple(
            one
            if matches is None or one.name in seen
            else replace(one, was=record.values.get(one.name))
            for one in self.changes
        )
        if found := conflicts(changes, record.values):
            self._conflicting(Code.FIELD_CHANGED, found)
        return self._completed(changes, record)

    def _completed(self, changes: tuple[Change, ...], record: Record) -> tuple[Change, ...]:  # noqa: ARG002
        """The changes with what belongs to them besides. Raises Refusal where they do not do."""
        return changes

    def _all_of(self, record: Record) -> tuple[Conflict, ...]:
        return tuple(
            Conflict(one.name, one.value, one.was, record.values.get(one.name))
            for one in self.changes
        )

    def _conflicting(self, code: Code, found: Sequence[Conflict]) -> None:
        self.end(holds.CONFLICT, code=code.value)
        told = [
            {"field": one.field, "yours": one.yours, "was": one.was, "now": one.now}
            for one in found
        ]
        raise Refusal(code, extra={"conflicts": told})

    # --- write ----------------------------------------------------------------------------------

    def _written(
        self,
        line: Line,
        record: Record,
        values: Mapping[str, FieldValue],
        changes: Sequence[Change],
    ) -> Outcome:
        row = Row(f"edit-{self.hold.id}", values, record.remote_id)
        entity = self.where.spot.entity
        failpoint("edit_compared")
        try:
            with line.caller.writing():
                outcome = line.caller.call(lambda crm: sent(crm, entity, row, record))
        except OutcomeUnknown as exc:
            line.failed(exc)
            return self._looked_up(line, row, changes, exc)
        except BatchRefused as exc:
            return Outcome(row.key, Status.REJECTED, code=exc.code, message=str(exc))
        failpoint("edit_written")
        return outcome

    def _looked_up(
        self, line: Line, row: Row, changes: Sequence[Change], exc: OutcomeUnknown
    ) -> Outcome:
        """The answer was lost: the record itself tells whether the write has come about."""
        try:
            record = line.record(str(row.remote_id))
        except AdapterError as again:
            line.failed(again)
            raise self._unknown() from again
        written = [one for one in changes if one.name in row.values]
        effect = Effect.UNKNOWN if record is None else effect_of(written, record.values)
        if effect is Effect.WRITTEN:
            return Outcome(row.key, Status.WRITTEN, row.remote_id)
        if effect is Effect.NOT_WRITTEN:
            message = "the CRM did not take the change: nothing was written"
            raise TryLater(message, wait_s=exc.wait_s, code=exc.code) from exc
        self.end(holds.UNKNOWN, code=exc.code)
        raise Refusal(Code.OUTCOME_UNKNOWN)

    def _unknown(self) -> Refusal:
        """The edit stays open: it keeps the contact for itself until its time is over, and whoever
        looks then finds out.
        """
        with self.hub.database.begin(self.where.spot.workspace_id) as connection:
            self._kept(connection)
        self.is_open = False
        return Refusal(Code.OUTCOME_UNKNOWN)

    def _refuse(self, outcome: Outcome) -> None:
        if outcome.status is Status.RETRY:
            again = {"Retry-After": str(int(outcome.detail.get("wait_s") or BUSY_S))}
            why = {"reason": outcome.code}
            raise Refusal(Code.CRM_UNAVAILABLE, _sentence(outcome), extra=why, headers=again)
        if outcome.code == "not_found":
            raise Refusal(Code.NOT_LINKED)
        self.end(holds.REFUSED, code=outcome.code)
        at = {one.name: one.place for one in self.changes}
        pointer = f"/changes/{at[outcome.field]}/value" if outcome.field in at else "/changes"
        places = [Place(pointer, outcome.code or "refused", outcome.message)]
        raise Refusal(Code.CHANGE_REFUSED, places=places)

    # --- settle ---------------------------------------------------------------------------------

    def _settled(self, state: str, record: Record, values: Mapping[str, FieldValue]) -> Edited:
        before = {name: record.values.get(name) for name in values}
        self.end(state, record=record, before=before, after=values)
        spot = self.where.spot
        return Edited(
            self.hold.id, spot.connection_id, state, record.remote_id, before, dict(values)
        )

    def end(
        self,
        state: str,
        *,
        code: str | None = None,
        failure: AdapterError | None = None,
        record: Record | None = None,
        before: Mapping[str, FieldValue] | None = None,
        after: Mapping[str, FieldValue] | None = None,
    ) -> None:
        """Let the contact go. The first end of an edit counts, a later one changes nothing."""
        if not self.is_open:
            return
        self.is_open = False
        if self.line is not None and failure is not None:
            self.line.failed(failure)
        with self.hub.database.begin(self.where.spot.workspace_id) as connection:
            self._kept(connection)
            if record is not None:
                relink(connection, self.where.spot, record)
            holds.settle(
                connection,
                self.hold,
                state,
                before=before,
                after=after,
                remote_id=record.remote_id if record else None,
                code=code,
                address=self.address,
            )
        if self.line is not None:
            self.line.hang_up()

    def _kept(self, connection: Connection) -> None:
        if self.line is not None:
            self.line.keep(connection)


def _lost(changes: Sequence[Change], names: set[str]) -> Refusal:
    return Refusal(Code.CHANGE_REFUSED, places=list(_places(changes, names)))


def _places(changes: Sequence[Change], names: set[str]) -> Iterator[Place]:
    for one in changes:
        if one.name in names:
            text = phrase("the CRM has no such field, or hides it from the connected user")
            yield Place(f"/changes/{one.place}/field", "unknown_field", text)


def _sentence(outcome: Outcome) -> str:
    text = outcome.message
    return f"{text[:1].upper()}{text[1:]}." if text else ""
