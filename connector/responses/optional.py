"""Fields that a record does without: an owner who has left, a company that is gone. Pure.

Where the CRM refuses such a field, the rest is written without it. Where it does not say which
field it refuses, all of them are left out together, once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from adapters.values import Operation, Outcome, Status
from connector.responses.decide import Change

# What such an outcome is about is the record itself, not one of its fields.
_OF_THE_RECORD = frozenset({(Operation.CREATE, "duplicate"), (Operation.UPDATE, "not_found")})


def dispensable(change: Change, outcome: Outcome) -> frozenset[str]:
    """The fields to do without after this refusal; none where it concerns something else."""
    about_record = (change.operation, outcome.code) in _OF_THE_RECORD
    if outcome.status is not Status.REJECTED or about_record:
        return frozenset()
    optional = frozenset(
        name
        for one in change.target.deliveries
        for name in one.payload.get("optional") or ()
        if name in change.values
    )
    if outcome.field is None:
        return optional
    return optional & {outcome.field}


def lessened(change: Change, fields: Collection[str]) -> Change:
    """The change without these fields."""
    return replace(
        change,
        values={name: value for name, value in change.values.items() if name not in fields},
        before={name: value for name, value in change.before.items() if name not in fields},
        sources={name: ids for name, ids in change.sources.items() if name not in fields},
    )


def stands(outcome: Outcome, less: Change) -> Outcome | None:
    """The outcome of all but the refused field, where that stands already: the CRM has made the
    record and only refused to link it, or there was nothing else to write. None: it is written now.
    """
    made = less.operation is Operation.CREATE and outcome.remote_id is not None
    if not made and (less.operation is Operation.CREATE or less.values):
        return None
    remote_id = outcome.remote_id or less.remote_id
    return Outcome(outcome.key, Status.WRITTEN, remote_id, created=made)
