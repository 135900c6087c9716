"""A mapping tried against a live record of the CRM: what it holds, what would be written there, and
the calls that would do it. Nothing is written.

    1. prepare   the draft on a response, as `trying` has it; the definitions, the order guard
    2. find      the record that was typed, or the one that the mapping finds; a real call
    3. decide    by what deliveries decide by (fold.py, decide.py)
    4. build     the adapter writes on a wire that keeps back what changes something
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from adapters.base import Batch, Operation, Outcome, Record, Row, Started, Status
from adapters.errors import AdapterError, NotSent
from connector.connections.profile import Profile, load
from connector.connections.refusals import refusal_of
from connector.problems import Code, Place, Refusal
from connector.responses import people
from connector.responses.case import ConnectionFacts
from connector.responses.configuration import editing, trying
from connector.responses.configuration.editing import Desk
from connector.responses.configuration.seeing import Eyes, Recorder, Seen, told
from connector.responses.configuration.trying import Tried
from connector.responses.decide import EMPTY, Decision, decide, same
from connector.responses.extras.choosing import Chosen
from connector.responses.extras.live import Line, line_to
from connector.responses.fold import Clocks, Tagging, fold
from connector.responses.hub import Hub
from connector.responses.plan import CONTACT_VARIABLES
from connector.responses.standard import listed, standard_values
from connector.responses.steps import FIELDS, Delivery, Made, Rank, contact_lane, field_target
from connector.responses.tags import NPS_TODAY, Spelling
from connector.responses.versions import Fed, made_of
from connector.responses.vocabulary import is_waiting
from schemas.fields import Entity, Field, FieldType, FieldValue
from schemas.phrases import phrase
from schemas.record import Refusal as Unfit
from schemas.record import compile_record_schema, refusals
from schemas.secret import MASK

# A person does not wait for longer than this for all of it.
FOR_S = 30.0
CHANGED, UNCHANGED, KEPT, NEWER = "changed", "unchanged", "kept", "newer"
# A made-up response is older than any real one: it never takes a real answer's place.
MADE_UP = Rank(datetime.min.replace(tzinfo=UTC), 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried: a stored response (None: a made-up one), and the record by its id or e-mail
    (empty: the one that the mapping finds).
    """

    response_id: int | None = None
    record: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """A draft on a response, and all of the store that the trial needs. `link`: the record that
    stands for the response's contact; `new`: what a record made for them carries besides; `made`:
    what the mapping has made of the response already.
    """

    desk: Desk
    profile: Profile
    entity: Entity
    tried: Tried
    rank: Rank = MADE_UP
    contact_id: int | None = None
    link: str | None = None
    new: Mapping[str, FieldValue] = field(default_factory=dict)
    made: Made | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        return self.desk.mapping["body"]  # type: ignore[no-any-return]

    @property
    def is_contact(self) -> bool:
        """Whether the mapping writes to what stands for a person."""
        return self.entity.name == self.profile.traits.contact_entity


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """One field of the mapping against the record. `state`: changed, unchanged, kept (it holds
    something, and only an empty one is written), newer (a newer answer stands there).
    """

    name: str
    label: str
    before: FieldValue
    after: FieldValue
    state: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why nothing would be written: a stable word, a sentence, and the field where there is one."""

    code: str
    message: str
    field: str | None = None


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
    with hub.database.begin(workspace_id) as connection:
        bench = bench_of(connection, workspace_id, mapping_id, asked.response_id)
    recorder = Recorder()
    try:
        with at_line(hub, bench, recorder) as line:
            records = found(line, bench, asked.record)
            decision = decided(bench, records)
            why = _built(line, bench, decision, recorder)
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    change = decision.change
    return Looked(
        bench, records[0] if len(records) == 1 else None,
        tuple(fields_seen(bench, records, decision)), why, tuple(recorder.calls),
        secrets_of(line), creates=change is not None and change.operation is Operation.CREATE,
    )  # fmt: skip


# --- prepare ------------------------------------------------------------------------------------


def numbered(connection: Connection, workspace_id: int, response: str) -> int:
    """Our number of the newest version of a response. Raises Refusal(NOT_FOUND)."""
    asked = {"w": workspace_id, "r": response}
    number = connection.execute(NUMBER, asked).scalar_one_or_none()
    if number is None:
        raise Refusal(Code.NOT_FOUND, phrase("There is no response of this id."))
    return int(number)


def bench_of(
    connection: Connection, workspace_id: int, mapping_id: int, response_id: int | None
) -> Bench:
    """The draft on the response. Raises Refusal: NOT_FOUND, NO_FIELD_DEFINITIONS."""
    desk = editing.desk(connection, workspace_id, mapping_id)
    if desk.entity is None:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    profile = load(connection, workspace_id, desk.mapping["connection_id"])
    at = trying.subject(connection, workspace_id, response_id, desk.known)
    body = desk.mapping["body"]
    tried = _with_what_is_known(
        trying.tried(body, at.variables, entity=desk.entity, context=at.context)
    )
    bench = Bench(desk, profile, desk.entity, tried)
    if response_id is None:
        return bench
    asked = {"id": response_id, "c": profile.id, "entity": desk.entity.name}
    row = connection.execute(WHOSE, asked).one()
    bench = replace(
        bench,
        rank=Rank(row.answered_at, row.revision, row.id),
        contact_id=row.contact_id,
        link=row.remote_id if body["identify"]["variable"] in CONTACT_VARIABLES else None,
        made=_made(connection, profile.id, (response_id, mapping_id, desk.entity.name)),
    )
    return replace(bench, new=_brought_along(connection, bench))


def _made(connection: Connection, connection_id: int, fed: Fed) -> Made:
    return made_of(connection, connection_id, [fed])[fed]


def _with_what_is_known(tried: Tried) -> Tried:
    """Without the links of files: they are made when a file is delivered, and no file is."""
    known = {name: one for name, one in tried.row.values.items() if not is_waiting(one)}
    keep = frozenset(tried.row.keep & known.keys())
    return replace(tried, row=replace(tried.row, values=known, keep=keep))


def _brought_along(connection: Connection, bench: Bench) -> dict[str, FieldValue]:
    """What a contact's new record carries besides the mapping's values."""
    person = people.contact_of(connection, bench.contact_id) if bench.contact_id else None
    if person is None or not bench.is_contact:
        return {}
    here, entity = bench.profile, bench.entity
    facts = ConnectionFacts(here.id, here.app, here.name, here.traits, {}, {entity.name: entity})
    return dict(standard_values(facts, person))


# --- find ---------------------------------------------------------------------------------------


@contextmanager
def at_line(hub: Hub, bench: Bench, recorder: Recorder) -> Iterator[Line]:
    """A way to the CRM for one trial; what the calls told of the account is kept afterwards,
    whatever came of them. Raises AdapterError, Refusal.
    """
    for_s = min(FOR_S, hub.settings.lease_s)
    line = line_to(hub, Chosen(bench.profile, bench.entity, ()), for_s=for_s, watch=recorder.watch)
    try:
        yield line
    except AdapterError as exc:
        line.failed(exc)
        raise
    finally:
        with hub.database.begin(bench.profile.workspace_id) as connection:
            line.keep(connection)
        line.hang_up()


def found(line: Line, bench: Bench, typed: str) -> Sequence[Record]:
    """The records that were meant, with the fields of the mapping as they are now. Raises
    AdapterError; Refusal(NOT_FOUND) where what was typed is no record.
    """
    by, value = _sought(bench, typed.strip())
    if value is None:
        return ()
    records = read(line, bench, by, value)
    if typed.strip() and not records:
        raise Refusal(Code.NOT_FOUND, _nobody(bench, by))
    return records


def read(line: Line, bench: Bench, by: str, value: str) -> Sequence[Record]:
    """The records with this value in that field. Raises AdapterError."""
    want = sorted({*bench.tried.row.values, *_identifying(bench)})
    entity = bench.entity.name
    every = line.caller.ask(lambda crm: crm.find(entity, by, [value], want=want))
    return every.get(value, ())


def _identifying(bench: Bench) -> Iterator[str]:
    """What the record is known by, here and at the CRM."""
    names = {bench.tried.row.match_field}
    mail = mail_field(bench)
    if mail is not None:
        names.add(mail.name)
    for name in names:
        if bench.entity.field(name) is not None:
            yield name


def _sought(bench: Bench, typed: str) -> tuple[str, str | None]:
    """The field and the value by which the record is asked for; the value None: nobody is named."""
    id_field = bench.profile.traits.id_field
    if not typed:
        row = bench.tried.row
        return (id_field, bench.link) if bench.link else (row.match_field, row.match_value)
    if "@" not in typed:
        return id_field, typed
    mail = mail_field(bench)
    if mail is None:
        text_ = phrase(
            "%(label)s has no e-mail to be found by: type the record's id",
            label=bench.entity.label,
        )
        raise Refusal(Code.CHANGE_REFUSED, places=[Place("/record", "no_email", text_)])
    return mail.name, typed


def mail_field(bench: Bench) -> Field | None:
    """The entity's e-mail by which a record is found: that of the mapping, or one that identifies,
    or any.
    """
    match = bench.tried.row.match_field
    mails = [one for one in bench.entity.fields if one.type is FieldType.EMAIL]
    ranked = sorted(mails, key=lambda one: (one.name != match, not (one.identifies or one.unique)))
    return ranked[0] if ranked else None


def _nobody(bench: Bench, by: str) -> str:
    of = {"name": bench.profile.name, "label": bench.entity.label}
    if by == bench.profile.traits.id_field:
        return phrase("%(name)s has no %(label)s with this id.", **of)
    return phrase("%(name)s has no %(label)s with this e-mail.", **of)


# --- decide -------------------------------------------------------------------------------------


def decided(
    bench: Bench,
    records: Sequence[Record],
    *,
    clocks: Clocks | None = None,
    lane: str = "",
    rank: Rank | None = None,
) -> Decision:
    """What a delivery of the draft would do with these records. `clocks`: of that lane, what the
    order guard knows; without them it is not asked.
    """
    delivery = _delivery(bench, lane, rank or bench.rank)
    folded = fold([delivery], clocks or {})
    if not folded.targets:
        whole = fold([delivery], {}).targets[0]
        return Decision(replace(whole, deliveries=()))
    schema = compile_record_schema(bench.entity)()

    def check(values: Mapping[str, FieldValue], creating: bool) -> Sequence[Unfit]:  # noqa: FBT001
        return refusals(schema, bench.entity, values, creating=creating)

    tagging = Tagging(Spelling(bench.profile.traits.tags.styles), NPS_TODAY)
    return decide(folded.targets[0], records, tagging=tagging, check=check)


def _delivery(bench: Bench, lane: str, rank: Rank) -> Delivery:
    """The step that planning would make of the draft, as if it were claimed."""
    row, body = bench.tried.row, bench.body
    linked = bench.is_contact and body["identify"]["variable"] in CONTACT_VARIABLES
    return Delivery(
        id=0, response_id=rank.response_id, contact_id=bench.contact_id or 0, campaign_id=None,
        mapping_id=bench.desk.mapping["id"], kind=FIELDS, entity=bench.entity.name,
        lane=lane or contact_lane(bench.contact_id or 0), rank=rank, claims=1, attempts=0,
        payload={
            "match": {"field": row.match_field, "value": row.match_value or ""},
            "linked": linked,
            "operation": body["operation"],
            "ambiguous": body.get("ambiguous", "refuse"),
            "values": listed(row.values),
            "keep": sorted(row.keep),
            "create": listed(bench.new),
            "made": bench.made,
        },
    )  # fmt: skip


def fields_seen(bench: Bench, records: Sequence[Record], decision: Decision) -> Iterator[FieldSeen]:
    """Each field of the mapping against the record that would be written."""
    held = next((one.values for one in records if one.remote_id == decision.remote_id), {})
    if not held and len(records) == 1:
        held = records[0].values
    known = bench.entity.by_name()
    live = {name for one in decision.target.deliveries for name in one.payload["values"]}
    refused = bool(decision.settled)
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


# --- build --------------------------------------------------------------------------------------


def _built(line: Line, bench: Bench, decision: Decision, recorder: Recorder) -> Why | None:
    """Let the adapter write on a wire that keeps the write back; why nothing would be sent."""
    if (why := why_not(bench, decision)) is not None or decision.change is None:
        return why
    result = None
    with recorder.keeping_back(), suppress(NotSent):
        result = line.caller.call(lambda crm: crm.write(batch_of(decision)))
    if result is None or isinstance(result, Started):
        return None
    return why_of(result.outcomes[0])


def batch_of(decision: Decision) -> Batch:
    """What the adapter is given, as a delivery would give it."""
    change = decision.change
    assert change is not None  # noqa: S101 - the caller has looked
    creating = change.operation is Operation.CREATE
    return Batch(
        change.target.entity,
        change.operation,
        (Row("trial", change.values, change.remote_id),),
        match_field=change.target.match_field if creating else None,
    )


def why_not(bench: Bench, decision: Decision) -> Why | None:
    """Why a delivery of this would end without a call; None where it would not."""
    problems = [one for one in bench.tried.row.problems if one.place != "identify"]
    if problems:
        first = problems[0]
        return Why(
            first.code,
            phrase("%(place)s: %(message)s", place=first.place, message=first.message),
            first.field,
        )
    if bench.tried.unmatched and decision.remote_id is None:
        first = bench.tried.unmatched[0]
        return Why(first.code, first.message)
    if decision.settled:
        one = decision.settled[0]
        return Why(one.code or one.reason or "refused", one.message or "", one.field)
    return None


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
        "after": veiled(one.after, may_see=eyes.answers),
        "state": one.state,
    }


def veiled(value: FieldValue, *, may_see: bool) -> FieldValue:
    """The value, or that there is one."""
    return value if may_see or value in EMPTY else MASK


def targets_of(bench: Bench) -> list[str]:
    """The order guard's names for the fields of the mapping."""
    return [field_target(bench.entity.name, name) for name in bench.tried.row.values]


NUMBER = text(
    "SELECT id FROM response WHERE workspace_id = :w AND response_id = :r"
    " ORDER BY revision DESC, id DESC LIMIT 1"
)
WHOSE = text(
    """
    SELECT r.id, r.answered_at, r.revision, CASE WHEN r.anonymous THEN NULL ELSE r.contact_id END
           AS contact_id, l.remote_id
      FROM response r LEFT JOIN link l ON l.contact_id = r.contact_id AND NOT r.anonymous
           AND l.connection_id = :c AND l.entity = :entity
     WHERE r.id = :id
    """
)
