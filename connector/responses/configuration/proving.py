"""A mapping's write is sent to exactly one record that a person has named, and read back: what was
sent against what the CRM holds then.

    1. find      the record that was typed, and whom it stands for here
    2. hold      that contact's lane, as a person's edit does (extras/holds.py)
    3. read      the record as it is now, and what the order guard knows of its fields
    4. write     what differs; a field where a newer answer stands is left alone
    5. read back what the CRM made of it; where the write's answer was lost, whether it came about
    6. settle    the hold, the ledger, the audit log; in one transaction

A test leaves no mark that real work meets: it raises no clock of the order guard, so that the next
answer, whatever its age, is written over it; it links and makes nothing. A record that stands for
no contact of ours has no lane, as nothing of ours works on it: the audit log alone knows of the
test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from adapters.errors import AdapterError, BatchRefused, OutcomeUnknown
from adapters.values import Outcome, Record, Status
from connector import clock
from connector.connections.refusals import refusal_of
from connector.failpoints import failpoint
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import bench as benches
from connector.responses.configuration import beside
from connector.responses.configuration.bench import MADE_UP, Asked, Bench, Why, at_line, bench_of
from connector.responses.configuration.looking import (
    decided,
    fields_seen,
    found_with,
    secrets_of,
    targets_of,
    why_not,
    why_of,
)
from connector.responses.configuration.marking import Marking, marking_of
from connector.responses.configuration.marks import MarkSeen, batch_of, marks_of
from connector.responses.configuration.proved import (
    SAME,
    WRITTEN,
    FieldProved,
    Proved,
    proved,
    unsent,
)
from connector.responses.configuration.seeing import Recorder
from connector.responses.decide import Decision, reads_same, same
from connector.responses.extras import choosing, holds
from connector.responses.extras.comparing import Change
from connector.responses.extras.editing import held, look_after
from connector.responses.extras.holds import Hold, Spot
from connector.responses.extras.live import Line
from connector.responses.extras.sending import carried_out
from connector.responses.fold import Clocks
from connector.responses.hub import Hub
from connector.responses.people import email_key
from connector.responses.steps import Rank, contact_lane, record_lane, tag_target
from schemas.fields import FieldValue
from schemas.phrases import phrase

BUSY_S = 5
# The CRM's words for a record that somebody else is writing.
_BUSY = frozenset({"row_locked", "record_throttled", "crm_busy"})
_WORKED_ON = phrase("The CRM is still working on this record: try again in a moment.")
_NOT_TAKEN = phrase("The CRM did not take the change: nothing was written.")
NOT_NAMED = phrase("name the record that is written: by its id or its e-mail")


def prove(
    hub: Hub,
    workspace_id: int,
    mapping_id: int,
    asked: Asked,
    *,
    actor: str,
    address: str | None = None,
) -> Proved:
    """Write the draft's values to the record that is named, and read it back.

    Raises Refusal: change_refused with the field where the mapping or the CRM refuses, not_found,
    contact_busy, outcome_unknown, and what keeps the CRM from being asked.
    """
    now = clock.now()
    with hub.database.begin(workspace_id) as connection:
        bench = bench_of(connection, workspace_id, mapping_id, asked.response_id)
        if asked.marks:
            planned = beside.with_steps(connection, hub, bench, asked.response_id, now=now)
            wanted = tuple(one for one in planned.steps if one.kind in asked.marks)
            bench = replace(bench, steps=wanted)
    if not asked.record.strip():
        raise _refused(Why("required", NOT_NAMED), at="/record")
    recorder = Recorder()
    try:
        with at_line(hub, bench, recorder) as line:
            marks = marks_of(hub, line, bench, recorder, now=now)
            record = _the_one(found_with(line, bench, asked.record, marks))
            marking = marking_of(marks, bench, asked.marks, remote_id=record.remote_id)
            trial = _Trial(hub, bench, line, recorder, actor, address, marking)
            return trial.carried_out(record)
    except AdapterError as exc:
        raise refusal_of(exc) from exc


def _the_one(records: Sequence[Record]) -> Record:
    if len(records) != 1:
        why = phrase("%(count)s records have this e-mail: type the id of one", count=len(records))
        raise _refused(Why("ambiguous", why), at="/record")
    return records[0]


@dataclass(slots=True)
class _Trial:
    """One test of one record."""

    hub: Hub
    bench: Bench
    line: Line
    recorder: Recorder
    actor: str
    address: str | None
    marking: Marking
    contacts: tuple[int, ...] = ()
    hold: Hold | None = None
    is_open: bool = True

    def carried_out(self, record: Record) -> Proved:
        """Steps 2 to 6. Raises Refusal, AdapterError."""
        contacts = self.contacts = self._contacts(record)
        decision = self._decided(record, contacts)
        self._refuse_idle(decision)
        if self._is_idle(decision):
            return self._idle(record, decision)
        self.hold = self._held(record, contacts)
        try:
            return self._run(record.remote_id, contacts)
        except Refusal as exc:
            self._end(holds.NOT_WRITTEN, record, code=exc.code.value)
            raise
        except AdapterError as exc:
            self._end(holds.NOT_WRITTEN, record, code=exc.code)
            raise

    def _run(self, remote_id: str, contacts: Sequence[int]) -> Proved:
        record = self._again(remote_id)
        decision = self._decided(record, contacts)
        self._refuse_idle(decision)
        if self._is_idle(decision):
            return self._idle(record, decision)
        seen = tuple(fields_seen(self.bench, [record], decision))
        values = decision.change.values if decision.change else {}
        lost = self._written(record, decision) if decision.change else None
        after, unread = self._read_back(record, lost)
        if lost is not None:
            self._look_after(record, values, after, lost)
        is_read = unread is None
        marks = self.marking.sent(decision, record.remote_id, after if is_read else None)
        marked = tuple(marks)
        fields = [
            proved(one, after, is_read=is_read) if one.name in values else unsent(one)
            for one in seen
        ]
        made = {one.field: one.after for one in self.marking.entries}
        written = {**values, **made}
        self._end(holds.WRITTEN if written else holds.UNCHANGED, record, after=written)
        return self._told(record, WRITTEN if written else SAME, fields, marks=marked, unread=unread)

    def _is_idle(self, decision: Decision) -> bool:
        """Nothing has to be sent: neither the record nor what is marked on it."""
        return decision.change is None and not self.marking.is_open(decision)

    def _idle(self, record: Record, decision: Decision) -> Proved:
        fields = [unsent(one) for one in fields_seen(self.bench, [record], decision)]
        marks = tuple(self.marking.sent(decision, record.remote_id, record.values))
        self._end(holds.UNCHANGED, record)
        return self._told(record, SAME, fields, marks=marks)

    def _read_back(
        self, record: Record, lost: OutcomeUnknown | None
    ) -> tuple[Mapping[str, FieldValue], str | None]:
        """The record's fields as they are now, or why they could not be read."""
        try:
            return self._again(record.remote_id).values, None
        except AdapterError as exc:
            if lost is not None:
                # It keeps the contact until its time is over, and whoever looks then finds out.
                self.is_open = False
                raise Refusal(Code.OUTCOME_UNKNOWN) from exc
            self.line.failed(exc)
            return {}, refusal_of(exc).detail or refusal_of(exc).kind.mend

    # --- whom it stands for, and what is known of it ----------------------------------------------

    def _contacts(self, record: Record) -> tuple[int, ...]:
        """Our contacts that the record stands for: by link, or by its address. Most have none."""
        bench = self.bench
        if not bench.is_contact:
            return ()
        mail = benches.mail_field(bench)
        held = record.values.get(mail.name) if mail else None
        asked = {
            "w": bench.profile.workspace_id,
            "c": bench.profile.id,
            "entity": bench.entity.name,
            "remote": record.remote_id,
            "mail": email_key(held) if isinstance(held, str) else None,
        }
        with self.hub.database.begin(bench.profile.workspace_id) as connection:
            return tuple(connection.execute(CONTACTS, asked).scalars())

    def _decided(self, record: Record, contacts: Sequence[int]) -> Decision:
        """What a delivery would do with the record, as the order guard lets it: a response of
        somebody else, or a made-up one, is older than whatever stands there.
        """
        bench = self.bench
        lanes = [contact_lane(one) for one in contacts]
        key = record.values.get(bench.tried.row.match_field)
        if isinstance(key, str):
            lanes.append(record_lane(bench.entity.name, bench.tried.row.match_field, key))
        lane = lanes[0] if lanes else ""
        own = bench.contact_id is not None and bench.contact_id in contacts
        rank = bench.rank if own else MADE_UP
        with self.hub.database.begin(bench.profile.workspace_id) as connection:
            _refuse_busy(connection, bench, lanes[len(contacts) :])
            clocks = _clocks(connection, bench, lanes, as_lane=lane)
        marks = self.marking.marks
        return decided(bench, [record], marks, clocks=clocks, lane=lane, rank=rank)

    def _refuse_idle(self, decision: Decision) -> None:
        """A delivery would end without a call: so does the test."""
        if (why := why_not(self.bench, decision)) is not None:
            raise _refused(why)

    def _held(self, record: Record, contacts: Sequence[int]) -> Hold | None:
        """The contact, for this test alone. Raises Refusal(CONTACT_BUSY) after a few seconds."""
        if not contacts:
            return None
        bench = self.bench
        profile = bench.profile
        spot = Spot(
            profile.workspace_id, profile.id, contacts[0], bench.entity.name, record.remote_id,
            trial_of=bench.desk.mapping["id"],
        )  # fmt: skip
        with self.hub.database.begin(profile.workspace_id) as connection:
            left = holds.take_over(connection, spot, lease_s=self.hub.settings.lease_s)
            chosen = choosing.chosen_at(connection, profile)
        if left is not None:
            look_after(self.hub, chosen, left)
        fields = bench.entity.by_name()
        changes = [
            Change(fields[name], value, record.values.get(name))
            for name, value in bench.tried.row.values.items()
        ]
        return held(self.hub, spot, changes, actor=self.actor)

    def _again(self, remote_id: str) -> Record:
        by = self.bench.profile.traits.id_field
        tags = set(self.marking.marks.fields)
        records = benches.read(self.line, self.bench, by, remote_id, beside=tags)
        if not records:
            raise Refusal(Code.NOT_FOUND, phrase("The record is not there any more."))
        return records[0]

    # --- write ----------------------------------------------------------------------------------

    def _written(self, record: Record, decision: Decision) -> OutcomeUnknown | None:
        """Send it; what hid the answer where it was lost. Raises Refusal where it is refused."""
        batch = batch_of(decision)
        failpoint("edit_compared")
        try:
            with self.line.caller.writing():
                outcome = self.line.caller.call(lambda crm: carried_out(crm, batch))
        except OutcomeUnknown as exc:
            self.line.failed(exc)
            return exc
        except BatchRefused as exc:
            outcome = Outcome("trial", Status.REJECTED, code=exc.code, message=str(exc))
        failpoint("edit_written")
        why = why_of(outcome)
        if why is None:
            return None
        if outcome.status is Status.RETRY:
            again = {"Retry-After": str(int(outcome.detail.get("wait_s") or BUSY_S))}
            detail = (
                _WORKED_ON
                if why.code in _BUSY
                else phrase(
                    "The CRM did not take it just now (%(code)s): try again in a moment.",
                    code=why.code,
                )
            )
            raise Refusal(Code.CRM_UNAVAILABLE, detail, extra={"reason": why.code}, headers=again)
        self._end(holds.REFUSED, record, code=why.code)
        raise _refused(why)

    def _look_after(
        self,
        record: Record,
        values: Mapping[str, FieldValue],
        after: Mapping[str, FieldValue],
        lost: OutcomeUnknown,
    ) -> None:
        """The answer was lost: the record tells whether the write has come about."""
        if all(reads_same(value, after.get(name)) for name, value in values.items()):
            return
        if all(same(record.values.get(name), after.get(name)) for name in values):
            again = {"Retry-After": str(math.ceil(lost.wait_s))} if lost.wait_s else {}
            unavailable, extra = Code.CRM_UNAVAILABLE, {"reason": lost.code}
            raise Refusal(unavailable, _NOT_TAKEN, extra=extra, headers=again) from lost
        self._end(holds.UNKNOWN, record, code=lost.code)
        raise Refusal(Code.OUTCOME_UNKNOWN)

    # --- settle ---------------------------------------------------------------------------------

    def _end(
        self,
        state: str,
        record: Record,
        *,
        code: str | None = None,
        after: Mapping[str, FieldValue] | None = None,
    ) -> None:
        """Let the contact go, with what was written; the first end counts."""
        if not self.is_open:
            return
        self.is_open = False
        bench = self.bench
        names = sorted(after or bench.tried.row.values)
        with self.hub.database.begin(bench.profile.workspace_id) as connection:
            if self.hold is not None:
                holds.settle(
                    connection, self.hold, state, code=code, remote_id=record.remote_id,
                    before=self._before(record, after or {}),
                    after=after, address=self.address,
                )  # fmt: skip
            elif state in holds.TOLD:
                spot = Spot(
                    bench.profile.workspace_id, bench.profile.id, next(iter(self.contacts), 0),
                    bench.entity.name, record.remote_id, trial_of=bench.desk.mapping["id"],
                )  # fmt: skip
                holds.audit_trial(
                    connection, spot, state, names, actor=self.actor, address=self.address
                )

    def _before(self, record: Record, after: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """What stood there before it, of what was written."""
        made = {one.field: one.before for one in self.marking.entries}
        return {name: made.get(name, record.values.get(name)) for name in after}

    def _told(
        self,
        record: Record,
        outcome: str,
        fields: Sequence[FieldProved],
        *,
        marks: tuple[MarkSeen, ...] = (),
        unread: str | None = None,
    ) -> Proved:
        return Proved(
            self.bench, record.remote_id, outcome, tuple(fields), tuple(self.recorder.calls),
            secrets_of(self.line), marks, self.hold.id if self.hold else None, unread,
        )  # fmt: skip


# --- what the store knows -------------------------------------------------------------------------


def _clocks(connection: Connection, bench: Bench, lanes: Sequence[str], *, as_lane: str) -> Clocks:
    """The newest answer of each field of the mapping in any of these lanes, as of one."""
    newest: dict[tuple[str, str], Rank] = {}
    asked = {"c": bench.profile.id, "lanes": list(lanes), "targets": _targets(bench)}
    for row in connection.execute(CLOCKS, asked):
        rank = Rank(row.answered_at, row.revision, row.response_id)
        key = (as_lane, row.target)
        if key not in newest or newest[key].is_older_than(rank):
            newest[key] = rank
    return newest


def _targets(bench: Bench) -> list[str]:
    """The order guard's names for the fields and the tag."""
    tags = [tag_target(one.campaign_id) for one in bench.steps if one.campaign_id]
    return [*targets_of(bench), *tags]


def _refuse_busy(connection: Connection, bench: Bench, lanes: Sequence[str]) -> None:
    """A record that is no contact's own has no hold: it is not touched while deliveries are."""
    asked = {"c": bench.profile.id, "lanes": list(lanes)}
    if lanes and connection.execute(WORKED_ON, asked).scalar_one():
        raise Refusal(Code.CONTACT_BUSY, headers={"Retry-After": str(BUSY_S)})


def _refused(why: Why, *, at: str = "") -> Refusal:
    pointer = at or (f"/fields/{why.field}" if why.field else "/fields")
    return Refusal(Code.CHANGE_REFUSED, places=[Place(pointer, why.code, why.message)])


CONTACTS = text(
    """
    SELECT id FROM (
      SELECT contact_id AS id, 0 AS far FROM link
       WHERE workspace_id = :w AND connection_id = :c AND entity = :entity AND remote_id = :remote
       UNION ALL
      SELECT id, 1 FROM contact
       WHERE workspace_id = :w AND email_key = CAST(:mail AS text)) whose
     GROUP BY id ORDER BY min(far), id
    """
)
CLOCKS = text(
    """
    SELECT target, answered_at, revision, response_id FROM target_clock
     WHERE connection_id = :c AND lane = ANY(:lanes) AND target = ANY(:targets)
     ORDER BY lane, target
    """
)
WORKED_ON = text(
    """
    SELECT EXISTS (SELECT FROM delivery WHERE connection_id = :c AND lane = ANY(:lanes)
                      AND state IN ('leased', 'awaiting'))
    """
)
