"""A mapping tried against a live record of the CRM: what it holds, what would be written there, and
the calls that would do it. Nothing is written.

    1. prepare   the draft on a response (bench.py), and what comes beside its fields (beside.py)
    2. find      the record that was typed, or the one that the mapping finds; a real call
    3. decide    by what deliveries decide by (fold.py, refer.py, inherit.py, decide.py)
    4. build     the adapter writes on a wire that keeps back what changes something; score tag and
                 note after it (marks.py)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from adapters.errors import AdapterError, NotSent
from adapters.values import Operation, Outcome, Record, Started, Status
from connector import clock
from connector.connections.refusals import refusal_of
from connector.responses.configuration import beside, marks
from connector.responses.configuration.bench import (
    MADE_UP,
    Asked,
    Bench,
    Why,
    at_line,
    bench_of,
    found,
)
from connector.responses.configuration.marks import Marks, MarkSeen, batch_of, marks_of
from connector.responses.configuration.seeing import Eyes, Recorder, Seen, told
from connector.responses.decide import EMPTY, Decision, decide, same
from connector.responses.extras.live import Line
from connector.responses.fold import Clocks, Target, fold
from connector.responses.hub import Hub
from connector.responses.inherit import with_inherited
from connector.responses.mapping import Problem
from connector.responses.refer import with_references
from connector.responses.standard import listed
from connector.responses.steps import FIELDS, Delivery, Rank, contact_lane, field_target
from schemas.fields import FieldValue
from schemas.phrases import phrase
from schemas.record import Refusal as Unfit
from schemas.record import compile_record_schema, refusals
from schemas.secret import MASK

CHANGED, UNCHANGED, KEPT, NEWER = "changed", "unchanged", "kept", "newer"
# Of a link to another record: it is made first, or there is none.
MADE_FIRST, NOT_LINKED = "made_first", "not_linked"
# The parts of a step that say what its record is linked to.
_LINKS = ("refs", "inherit", "optional", "contact")


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """One field of the mapping against the record. `state`: changed, unchanged, kept (it holds
    something, and only an empty one is written), newer (a newer answer stands there). `is_link`: it
    refers to another record; made_first: one that is yet to be made, not_linked: there is none.
    """

    name: str
    label: str
    before: FieldValue
    after: FieldValue
    state: str
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """What the trial has found. `record` None: there is none yet; `creates`: one would be made."""

    bench: Bench
    record: Record | None
    fields: tuple[FieldSeen, ...]
    why: Why | None
    calls: tuple[Seen, ...]
    secrets: frozenset[str]
    creates: bool = False
    marks: tuple[MarkSeen, ...] = ()

    @property
    def remote_id(self) -> str | None:
        return self.record.remote_id if self.record else None

    @property
    def page(self) -> str | None:
        """The record's page in the CRM."""
        bench = self.bench
        if self.record is None:
            return None
        return bench.profile.record_page(bench.entity.name, self.record.remote_id)


def look(hub: Hub, workspace_id: int, mapping_id: int, asked: Asked) -> Looked:
    """Try the draft against the record. Raises Refusal: not_found for the mapping, the response or
    a typed record; what keeps the CRM from being asked.
    """
    now = clock.now()
    with hub.database.begin(workspace_id) as connection:
        bench = bench_of(connection, workspace_id, mapping_id, asked.response_id)
        bench = beside.with_steps(connection, hub, bench, asked.response_id, now=now)
    recorder = Recorder()
    try:
        with at_line(hub, bench, recorder) as line:
            further = marks_of(hub, line, bench, recorder, now=now)
            records = found_with(line, bench, asked.record, further)
            decision = decided(bench, records, further)
            why = _built(line, bench, decision, recorder)
            seen = tuple(marks.looked(further, decision))
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    change = decision.change
    return Looked(
        bench, records[0] if len(records) == 1 else None,
        tuple(fields_seen(bench, records, decision)), why, tuple(recorder.calls), secrets_of(line),
        creates=change is not None and change.operation is Operation.CREATE, marks=seen,
    )  # fmt: skip


def found_with(line: Line, bench: Bench, typed: str, further: Marks) -> Sequence[Record]:
    """The records, with the fields that hold tags and links besides the mapping's."""
    names = {*further.fields, *_links_of(bench)}
    records = found(line, bench, typed, names)
    further.fields &= names
    return records


# --- decide -------------------------------------------------------------------------------------


def decided(
    bench: Bench,
    records: Sequence[Record],
    further: Marks,
    *,
    clocks: Clocks | None = None,
    lane: str = "",
    rank: Rank | None = None,
) -> Decision:
    """What a delivery of the draft would do with these records. `further`: what goes on the same
    record; `clocks`: of that lane, what the order guard knows; without them it is not asked.
    """
    own = _delivery(bench, lane, rank or bench.rank)
    live = [] if _problems(bench) else [own]
    live += [replace(one, lane=own.lane, rank=own.rank) for one in further.here()]
    folded = fold(live, clocks or {})
    if not folded.targets:
        whole = fold([own], {}).targets[0]
        return Decision(replace(whole, deliveries=()))
    schema = compile_record_schema(bench.entity)()

    def check(values: Mapping[str, FieldValue], creating: bool) -> Sequence[Unfit]:  # noqa: FBT001
        return refusals(schema, bench.entity, values, creating=creating)

    target = _with_links(further, folded.targets[0], records)
    return decide(target, records, tagging=further.tagging, check=check)


def _with_links(further: Marks, target: Target, records: Sequence[Record]) -> Target:
    """The target with what it refers to, as far as that is there; a real question at the CRM."""
    whole = with_references(further.work, [(target, records)])
    whole = with_inherited(further.work, whole)
    return whole[0][0] if whole else target


def _delivery(bench: Bench, lane: str, rank: Rank) -> Delivery:
    """The step that planning would make of the draft, as if it were claimed."""
    row, body = bench.tried.row, bench.body
    return Delivery(
        id=0, response_id=rank.response_id, contact_id=bench.contact_id or 0, campaign_id=None,
        mapping_id=bench.desk.mapping["id"], kind=FIELDS, entity=bench.entity.name,
        lane=lane or contact_lane(bench.contact_id or 0), rank=rank, claims=1, attempts=0,
        payload={
            "match": {"field": row.match_field, "value": row.match_value or ""},
            "linked": bench.is_linked,
            "operation": body["operation"],
            "ambiguous": body.get("ambiguous", "refuse"),
            "values": listed(row.values),
            "keep": sorted(row.keep),
            "create": listed(bench.new),
            "made": bench.made,
            **_links(bench),
        },
    )  # fmt: skip


def _links(bench: Bench) -> dict[str, Any]:
    """What the record is linked to. Nothing is waited for: what is made first is not there yet."""
    fed = next((one.payload for one in bench.steps if one.kind == FIELDS), {})
    told = {part: fed[part] for part in _LINKS if part in fed}
    refs = {
        into: {**ref, "create": False, "or": [] if ref.get("create") else ref.get("or", [])}
        for into, ref in told.get("refs", {}).items()
    }
    return {**told, **({"refs": refs} if refs else {})}


def _links_of(bench: Bench) -> frozenset[str]:
    told = _links(bench)
    return frozenset({*told.get("refs", {}), *told.get("inherit", {})})


def fields_seen(bench: Bench, records: Sequence[Record], decision: Decision) -> Iterator[FieldSeen]:
    """Each field of the mapping against the record that would be written, then its links."""
    held = next((one.values for one in records if one.remote_id == decision.remote_id), {})
    if not held and len(records) == 1:
        held = records[0].values
    known = bench.entity.by_name()
    live = {name for one in decision.target.deliveries for name in one.payload.get("values", ())}
    refused = bool(decision.settled or _problems(bench))
    for name, value in bench.tried.row.values.items():
        before = held.get(name)
        state = CHANGED
        if same(value, before) and records:
            state = UNCHANGED
        elif name in bench.tried.row.keep and before not in EMPTY:
            state = KEPT
        elif name not in live and not refused:
            state = NEWER
        label = known[name].label if name in known else name
        yield FieldSeen(name, label, before, value, state)
    yield from _links_seen(bench, held, decision)


def _links_seen(
    bench: Bench, held: Mapping[str, FieldValue], decision: Decision
) -> Iterator[FieldSeen]:
    """The fields that refer to other records. What is taken over and is not there is left out."""
    fed = next((one.payload for one in bench.steps if one.kind == FIELDS), {})
    values: Mapping[str, Any] = next(
        (one.payload["values"] for one in decision.target.deliveries if not one.id), {}
    )
    known = bench.entity.by_name()
    for name in sorted(_links_of(bench)):
        value, before = values.get(name), held.get(name)
        state = UNCHANGED if same(value, before) else CHANGED
        if value is None:
            ref = fed.get("refs", {}).get(name)
            if ref is None:
                continue
            state = MADE_FIRST if ref.get("create") else NOT_LINKED
        label = known[name].label if name in known else name
        yield FieldSeen(name, label, before, value, state, is_link=True)


# --- build --------------------------------------------------------------------------------------


def _built(line: Line, bench: Bench, decision: Decision, recorder: Recorder) -> Why | None:
    """Let the adapter write on a wire that keeps the write back; why nothing would be sent."""
    why, result = why_not(bench, decision), None
    if decision.change is None or (bench.tried.unmatched and decision.remote_id is None):
        return why
    with recorder.keeping_back(), suppress(NotSent):
        result = line.caller.call(lambda crm: crm.write(batch_of(decision)))
    if result is None or isinstance(result, Started):
        return why
    return why or why_of(result.outcomes[0])


def why_not(bench: Bench, decision: Decision) -> Why | None:
    """Why a delivery of this would end without a call; None where it would not."""
    if problems := _problems(bench):
        first = problems[0]
        return Why(
            first.code,
            phrase("%(place)s: %(message)s", place=first.place, message=first.message),
            first.field,
        )
    if bench.tried.unmatched and decision.remote_id is None:
        first = bench.tried.unmatched[0]
        return Why(first.code, first.message)
    own = [one for one in decision.settled if one.delivery_id == 0]
    if own:
        one = own[0]
        return Why(one.code or one.reason or "refused", one.message or "", one.field)
    return None


def _problems(bench: Bench) -> list[Problem]:
    """Why the fields are refused before anybody is looked for."""
    return [one for one in bench.tried.row.problems if one.place != "identify"]


def why_of(outcome: Outcome) -> Why | None:
    """Why the CRM, or its adapter, does not take the row."""
    if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
        return None
    return Why(outcome.code or "refused", outcome.message, outcome.field)


def secrets_of(line: Line) -> frozenset[str]:
    """What must not be seen in a call: the token, and settings that are secret."""
    account, profile = line.caller.reached.account, line.caller.reached.profile
    _, _, part = account.token.rpartition("/token:")
    hidden = [value for name, value in account.settings.items() if name not in profile.settings]
    return frozenset(str(one) for one in (account.token, part, *hidden) if one)


def shown(looked: Looked, eyes: Eyes) -> dict[str, Any]:
    """The trial as the API tells it: no secret, and nothing that the asker may not see. A made-up
    response is nobody's.
    """
    bench = looked.bench
    if bench.rank is MADE_UP:
        eyes = replace(eyes, answers=True)
    return {
        "mapping_id": bench.desk.mapping["id"],
        "connection": bench.profile.name,
        "entity": bench.entity.name,
        "remote_id": looked.remote_id,
        "page": looked.page,
        "creates": looked.creates,
        "would_write": looked.why is None and (looked.creates or any(
            one.state == CHANGED for one in looked.fields
        )),
        "why": None if looked.why is None else asdict(looked.why),
        "fields": [_shown(one, eyes) for one in looked.fields],
        "marks": [marks.shown(one, eyes) for one in looked.marks],
        "calls": told(
            looked.calls, secrets=looked.secrets, eyes=eyes,
            personal=tuple(filter(None, (bench.tried.row.match_value,))),
        ),
    }  # fmt: skip


def _shown(one: FieldSeen, eyes: Eyes) -> dict[str, Any]:
    return {
        "field": one.name,
        "label": one.label,
        "before": veiled(one.before, may_see=eyes.records),
        "after": veiled(one.after, may_see=eyes.records if one.is_link else eyes.answers),
        "state": one.state,
    }


def veiled(value: FieldValue, *, may_see: bool) -> FieldValue:
    """The value, or that there is one."""
    return value if may_see or value in EMPTY else MASK


def targets_of(bench: Bench) -> list[str]:
    """The order guard's names for the fields of the mapping."""
    return [field_target(bench.entity.name, name) for name in bench.tried.row.values]
