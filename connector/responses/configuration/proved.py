"""How a test of a mapping ended: what was sent of each field and what the CRM made of it, and what
became of score tag and note where they were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.responses.configuration import marks
from connector.responses.configuration.bench import MADE_UP, Bench
from connector.responses.configuration.looking import FieldSeen, veiled
from connector.responses.configuration.marks import MarkSeen
from connector.responses.configuration.seeing import Eyes, Seen, told
from connector.responses.decide import reads_same, same
from schemas.fields import FieldValue

# What the CRM made of a value, besides what a field may be before (looking.py).
AS_SENT, ROUNDED, CUT, RESET, RECASED, NOT_TAKEN, OTHER, UNREAD = (
    "as_sent",
    "rounded",
    "cut",
    "reset",
    "recased",
    "not_taken",
    "other",
    "unread",
)
WRITTEN, SAME = "written", "unchanged"
MOST_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class FieldProved:
    """One field: what it held, what was sent, what it holds now. `state` as in FieldSeen where
    nothing was sent of it, else what the CRM made of it.
    """

    name: str
    label: str
    before: FieldValue
    sent: FieldValue
    found: FieldValue
    state: str


@dataclass(frozen=True, slots=True)
class Proved:
    """How the test ended. `unread`: why the record could not be read back."""

    bench: Bench
    remote_id: str
    outcome: str
    fields: tuple[FieldProved, ...]
    calls: tuple[Seen, ...]
    secrets: frozenset[str]
    marks: tuple[MarkSeen, ...] = ()
    edit_id: int | None = None
    unread: str | None = None

    @property
    def page(self) -> str | None:
        """The record's page in the CRM."""
        return self.bench.profile.record_page(self.bench.entity.name, self.remote_id)


def made_of(sent: FieldValue, before: FieldValue, found: FieldValue) -> str:
    """What the CRM made of a value that it took."""
    if same(sent, found):
        return AS_SENT
    if reads_same(sent, found):
        return RESET
    if isinstance(sent, str) and isinstance(found, str):
        if sent.casefold() == found.casefold():
            return RECASED
        if found and sent.startswith(found.rstrip("…. ")):
            return CUT
    if isinstance(sent, tuple) and isinstance(found, tuple) and set(found) < set(sent) and found:
        return CUT
    if _rounded(sent, found):
        return ROUNDED
    return NOT_TAKEN if same(before, found) else OTHER


def _rounded(sent: FieldValue, found: FieldValue) -> bool:
    try:
        whole, less = Decimal(str(sent)), Decimal(str(found))
    except InvalidOperation:
        return False
    return any(round(whole, places) == less for places in range(MOST_DECIMALS))


def proved(one: FieldSeen, after: Mapping[str, FieldValue], *, is_read: bool) -> FieldProved:
    """A field that was sent, as it was read back."""
    found = after.get(one.name)
    state = made_of(one.after, one.before, found) if is_read else UNREAD
    return FieldProved(one.name, one.label, one.before, one.after, found, state)


def unsent(one: FieldSeen) -> FieldProved:
    """A field of which nothing was sent holds what it held."""
    return FieldProved(one.name, one.label, one.before, one.after, one.before, one.state)


def shown(whole: Proved, eyes: Eyes) -> dict[str, Any]:
    """The test as the API tells it: no secret, and nothing that the asker may not see."""
    bench = whole.bench
    own = Eyes(eyes.answers or bench.rank is MADE_UP, eyes.records)
    return {
        "mapping_id": bench.desk.mapping["id"],
        "connection": bench.profile.name,
        "entity": bench.entity.name,
        "remote_id": whole.remote_id,
        "page": whole.page,
        "outcome": whole.outcome,
        "edit_id": whole.edit_id,
        "unread": whole.unread,
        "fields": [_shown(one, own) for one in whole.fields],
        "marks": [
            {**marks.shown(one, own), "found": marks.found_shown(one, own)} for one in whole.marks
        ],
        "calls": told(
            whole.calls, secrets=whole.secrets, eyes=own,
            personal=tuple(filter(None, (bench.tried.row.match_value,))),
        ),
    }  # fmt: skip


def _shown(one: FieldProved, eyes: Eyes) -> dict[str, Any]:
    return {
        "field": one.name,
        "label": one.label,
        "before": veiled(one.before, may_see=eyes.records),
        "sent": veiled(one.sent, may_see=eyes.answers),
        "found": veiled(one.found, may_see=eyes.records and eyes.answers),
        "state": one.state,
    }
