"""Sends one record's changes while a person waits."""

from __future__ import annotations

from adapters.base import CRM, ConditionalWriter, Pollable
from adapters.errors import OutcomeUnknown
from adapters.values import Batch, BatchResult, Operation, Outcome, Record, Row
from connector import stopping


def sent(crm: CRM, entity: str, row: Row, record: Record) -> Outcome:
    """One row's outcome, under the CRM's own condition where it has one."""
    if isinstance(crm, ConditionalWriter) and record.updated_at is not None:
        return crm.write_unchanged(entity, row, since=record.updated_at)
    return carried_out(crm, Batch(entity, Operation.UPDATE, (row,)))


def made(crm: CRM, entity: str, row: Row, *, match_field: str) -> Outcome:
    """One new record's outcome. Not idempotent: look for the record first."""
    return carried_out(crm, Batch(entity, Operation.CREATE, (row,), match_field=match_field))


def carried_out(crm: CRM, batch: Batch) -> Outcome:
    """One row's outcome, waited for where the CRM works by itself."""
    result = crm.write(batch)
    while not isinstance(result, BatchResult):
        if not isinstance(crm, Pollable) or stopping.is_stopping():
            message = "the CRM works on it by itself"
            raise OutcomeUnknown(message)
        stopping.wait(result.poll_after_s)
        result = crm.collect(result.handle)
    return result.outcomes[0]
