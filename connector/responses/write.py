"""Step 3 of a wave: write the changes in batches, and take each row's outcome.

A batch that is refused whole is halved until the bad row stands alone; an update that is refused
without a named field is divided by delivery. A CRM that works asynchronously answers Started: its
lanes wait for the poll.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from adapters.errors import AdapterError, BatchRefused, OutcomeUnknown, PauseMapping
from adapters.values import Batch, BatchResult, Operation, Outcome, Row, Started, Status
from connector.responses import awaiting, bulk, optional
from connector.responses.decide import Change, divided
from connector.responses.fold import Target
from connector.responses.ledger import Entry
from connector.responses.steps import Delivery
from connector.responses.work import Work, chunks
from schemas.fields import FieldValue, canonical

Apply = Callable[[Change, Outcome], None]
# The code of an update whose record was merged or converted; `remote_id` is where it has gone.
MOVED = "moved"


@dataclass(slots=True)
class Writing:
    """The wave's changes on their way; `remote_ids`: target key -> its record, None where there is
    none now.
    """

    work: Work
    remote_ids: dict[str, str | None] = field(default_factory=dict)

    def write_all(self, changes: Sequence[Change]) -> None:
        """Write the changes, as few calls as the CRM's batches allow."""
        ordered = sorted(changes, key=_by_batch)
        for _, group in itertools.groupby(ordered, key=_by_batch):
            for apart in _rounds(list(group)):
                for chunk in chunks(apart, self._size(len(apart))):
                    self._write(chunk, self.apply)

    def _size(self, changes: int) -> int:
        settings = self.work.caller.reached.profile.settings
        return bulk.at_once(self.work.known.traits, settings, due=changes)

    def link_by_writing(self, targets: Sequence[Target]) -> None:
        """Create only what identifies the contacts; the next claim then finds them linked."""
        changes = [Change(one, Operation.CREATE, _identity(one), {}, {}) for one in targets]
        for chunk in chunks(changes, self.work.known.traits.write_batch):
            self._write(chunk, self.linked)

    def take(self, changes: Sequence[Change], result: BatchResult, apply: Apply) -> None:
        """Apply one outcome per change; what was refused without a reason is divided and sent
        again.
        """
        self.work.results.learnt |= result.learnt
        by_key = {one.key: one for one in result.outcomes}
        for change in changes:
            outcome = by_key[change.target.key]
            parts = divided(change) if _is_unexplained(outcome, change) else ()
            if len(parts) > 1:
                self._write_parts(change, parts, apply)
            else:
                apply(change, outcome)

    def _write_parts(self, change: Change, parts: Sequence[Change], apply: Apply) -> None:
        """One part after the other; of a create the first part that is taken makes the record."""
        remote_id = change.remote_id
        for part in parts:
            if remote_id is None:
                whole = {**_identity(part.target), **part.values}
                self._write([replace(part, values=whole)], apply)
            else:
                update = replace(part, operation=Operation.UPDATE, remote_id=remote_id)
                self._write([update], apply)
            remote_id = remote_id or self.remote_ids.get(part.target.key)
        self.remote_ids[change.target.key] = remote_id

    def _write(self, changes: Sequence[Change], apply: Apply) -> None:
        if self.work.trouble.ends_wave:
            return
        try:
            result = self._send(changes)
        except BatchRefused as exc:
            self._halved(changes, exc, apply)
        except PauseMapping as exc:
            # The rest of the batch is written at its next claim, without what was parked.
            hit = self.work.park([_needing(self.work, one, exc) for one in changes], exc)
            self.work.hand_back(*(one for one in _deliveries(changes) if one.id not in hit))
        except OutcomeUnknown as exc:
            self.work.lost(changes, exc)
        except AdapterError as exc:
            self.work.failed(_deliveries(changes), exc)
        else:
            self._answered(changes, result, apply)

    def _answered(
        self, changes: Sequence[Change], result: BatchResult | Started, apply: Apply
    ) -> None:
        if isinstance(result, BatchResult):
            self.take(changes, result, apply)
            return
        self.work.results.learnt |= result.learnt
        linking = apply == self.linked
        waiting = awaiting.parked(changes, result, job=str(uuid4()), linking=linking)
        self.work.results.settle(*waiting)

    def _send(self, changes: Sequence[Change]) -> BatchResult | Started:
        first = changes[0]
        creating = first.operation is Operation.CREATE
        batch = Batch(
            first.target.entity,
            first.operation,
            tuple(Row(one.target.key, one.values, one.remote_id) for one in changes),
            match_field=first.target.match_field if creating else None,
        )
        with self.work.caller.writing():
            return self.work.caller.call(lambda crm: crm.write(batch))

    def _halved(self, changes: Sequence[Change], exc: BatchRefused, apply: Apply) -> None:
        if len(changes) == 1:
            key = changes[0].target.key
            alone = Outcome(key, Status.REJECTED, code=exc.code, message=str(exc))
            self.take(changes, BatchResult((alone,)), apply)
            return
        middle = len(changes) // 2
        self._write(changes[:middle], apply)
        self._write(changes[middle:], apply)

    # --- outcomes ---------------------------------------------------------------------------------

    def linked(self, change: Change, outcome: Outcome) -> None:
        """A contact was linked by writing: its deliveries go on at the next claim. One that exists
        already is refused as a duplicate, with its id.
        """
        stands = outcome.status in {Status.WRITTEN, Status.UNCHANGED}
        if outcome.remote_id and (stands or outcome.code == "duplicate"):
            self.work.link(change.target, outcome.remote_id)
            self.work.not_begun(*change.target.deliveries)
            if outcome.created:
                self._enter_made(change, outcome.remote_id)
        else:
            self._refused(change, outcome)

    def apply(self, change: Change, outcome: Outcome) -> None:
        """Take one row's outcome."""
        if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
            self._written(change, outcome)
        else:
            self._refused(change, outcome)

    def _written(self, change: Change, outcome: Outcome) -> None:
        target, remote_id = change.target, outcome.remote_id or change.remote_id
        self.remote_ids[target.key] = remote_id
        if remote_id and self.work.link_of(target) != remote_id:
            self.work.link(target, remote_id)
        self.work.saw(target.entity, remote_id, change.values)
        for name, value in change.values.items():
            self._enter(change, name, value, outcome)
        for one in target.deliveries:
            if self.work.in_record(one):
                mine = any(one.id in every for every in change.sources.values())
                self.work.done(one, remote_id, code=None if mine else "unchanged")

    def _enter(self, change: Change, name: str, value: FieldValue, outcome: Outcome) -> None:
        remote_id = outcome.remote_id or change.remote_id or ""
        before = change.before.get(name)
        self.work.results.entries.extend(
            Entry(
                source,
                change.target.entity,
                remote_id,
                name,
                before,
                value,
                created=outcome.created,
            )
            for source in change.sources.get(name, ())
        )

    def _enter_made(self, change: Change, remote_id: str) -> None:
        """A record that was made only to link it is in the ledger as created, by its first
        delivery.
        """
        first = change.target.deliveries[0].id
        self.work.results.entries.extend(
            Entry(first, change.target.entity, remote_id, name, None, value, created=True)
            for name, value in change.values.items()
        )

    def _refused(self, change: Change, outcome: Outcome) -> None:
        """The delivery whose value it is pays for it; its neighbours in the record do not."""
        # A create that meets its own record looks again; an update that meets another's unique
        # value would be refused for ever.
        met = outcome.code == "duplicate" and change.operation is Operation.CREATE
        if outcome.status is Status.RETRY or met or outcome.code == "not_found":
            self._look_again(change, outcome)
            return
        if outcome.field and self._led_astray(change, outcome):
            return
        if fields := optional.dispensable(change, outcome):
            self._without(fields, change, outcome)
            return
        self.remote_ids[change.target.key] = change.remote_id
        contributors = {one for every in change.sources.values() for one in every}
        guilty = set(change.sources.get(outcome.field or "", ())) or contributors
        for one in change.target.deliveries:
            if one.id in guilty or not guilty:
                self.work.dead(one, outcome)
            elif self.work.in_record(one):
                self.work.hand_back(one)

    def _without(self, fields: frozenset[str], change: Change, outcome: Outcome) -> None:
        """Write the rest: the record is worth more than what the CRM refuses."""
        less = optional.lessened(change, fields)
        if written := optional.stands(outcome, less):
            self._written(less, written)
        else:
            self._write([less], self.apply)

    def _led_astray(self, change: Change, outcome: Outcome) -> bool:
        """Whether it referred to a record of the contact that is gone (merged, deleted): then the
        contact is looked for again, and the record after it. One that is there is refused for what
        it is (a lead where only contacts go): a record that can do without its link goes on.
        """
        astray = [
            one for one in change.target.deliveries if one.payload.get("contact") == outcome.field
        ]
        for one in astray:
            try:
                moved = self.work.look_for_contact(one)
            except AdapterError as exc:
                self.work.failed([one], exc)
                continue
            if moved or outcome.field not in (one.payload.get("optional") or ()):
                self.work.again(one, code="link_lost", message="the contact's record is gone")
        return any(not self.work.is_open(one) for one in astray)

    def _look_again(self, change: Change, outcome: Outcome) -> None:
        gone = outcome.code == "not_found"
        if gone:
            self.work.link(change.target, None)
        elif outcome.code in {"duplicate", MOVED} and outcome.remote_id:
            # Known there by something else (a second address), or merged into it: from now on by
            # its id.
            self.work.link(change.target, outcome.remote_id)
        moved = outcome.code == MOVED and change.target.linked
        for one in change.target.deliveries:
            if gone and not change.target.linked:
                self.work.dead(one, outcome, reason="not_found")
            elif moved:
                # Nothing is written blindly to the other record: it is read first.
                self.work.not_begun(one)
            elif outcome.detail.get("sent") is False:
                self.work.not_sent(one, outcome)
            else:
                self.work.again(one, code=outcome.code or "crm_retry", message=outcome.message)


def _deliveries(changes: Sequence[Change]) -> list[Delivery]:
    return [one for change in changes for one in change.target.deliveries]


def _needing(work: Work, change: Change, exc: PauseMapping) -> Target:
    """The target with what may need the permission for this write: notes and files of a record that
    is there do without.
    """
    target = change.target
    if exc.field is not None or change.operation is Operation.CREATE:
        return target
    needing = (one for one in target.deliveries if work.in_record(one))
    return replace(target, deliveries=tuple(needing))


def _by_batch(one: Change) -> tuple[str, Operation, str]:
    # Creates of one batch share what identifies them: some CRMs key the call by it.
    keyed = one.target.match_field if one.operation is Operation.CREATE else ""
    return one.target.entity, one.operation, keyed


def _rounds(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in rounds that hold no record twice: a CRM refuses or mixes up such a batch.

    Two targets can be one record when it was found by its e-mail and by its id.
    """
    rounds: list[dict[str, Change]] = []
    for one in changes:
        key = one.remote_id or one.target.key
        home = next((held for held in rounds if key not in held), None)
        if home is None:
            home = {}
            rounds.append(home)
        home[key] = one
    return [list(held.values()) for held in rounds]


def _identity(target: Target) -> dict[str, FieldValue]:
    """What identifies the contact and no more: the fields themselves follow at the next claim."""
    values: dict[str, FieldValue] = {}
    for one in target.deliveries:
        for name, value in (one.payload.get("create") or {}).items():
            values.setdefault(name, canonical(value))
    return {**values, target.match_field: target.match_value}


def _is_unexplained(outcome: Outcome, change: Change) -> bool:
    """Refused, and nobody says because of which field: the change is divided to find out."""
    return (
        outcome.status is Status.REJECTED
        and outcome.field not in change.sources
        and outcome.code not in {"not_found", "duplicate"}
    )
