"""The bench of a trial: a mapping's draft on a response, and the way to the record that it is tried
on.

    prepare   the draft on a stored response or a made-up one, as `trying` has it; the definitions
    find      the record that was typed, or the one that the mapping finds; a real call
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from adapters.errors import AdapterError, PauseMapping
from adapters.values import Record
from connector.connections.profile import Profile, load
from connector.problems import Code, Place, Refusal
from connector.responses import people
from connector.responses.case import ConnectionFacts
from connector.responses.configuration import editing, trying
from connector.responses.configuration.editing import Desk
from connector.responses.configuration.seeing import Recorder
from connector.responses.configuration.trying import Tried
from connector.responses.extras.choosing import Chosen
from connector.responses.extras.live import Line, line_to
from connector.responses.hub import Hub
from connector.responses.plan import CONTACT_VARIABLES
from connector.responses.standard import standard_values
from connector.responses.steps import Made, Rank, Step
from connector.responses.versions import Fed, made_of
from connector.responses.vocabulary import is_waiting
from schemas.fields import Entity, Field, FieldType, FieldValue
from schemas.phrases import phrase

# A person does not wait for longer than this for all of it.
FOR_S = 30.0
# A made-up response is older than any real one: it never takes a real answer's place.
MADE_UP = Rank(datetime.min.replace(tzinfo=UTC), 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried: a stored response (None: a made-up one), and the record by its id or e-mail
    (empty: the one that the mapping finds). `marks`: what a test writes besides the fields.
    """

    response_id: int | None = None
    record: str = ""
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bench:
    """A draft on a response, and all of the store that the trial needs. `link`: the record that
    stands for the response's contact; `new`: what a record made for them carries besides; `made`:
    what the mapping has made of the response already. `steps`: what planning makes of it for this
    mapping, and its tag and note at the connection (beside.py).
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
    steps: tuple[Step, ...] = ()

    @property
    def body(self) -> Mapping[str, Any]:
        return self.desk.mapping["body"]  # type: ignore[no-any-return]

    @property
    def is_contact(self) -> bool:
        """Whether the mapping writes to what stands for a person."""
        return self.entity.name == self.profile.traits.contact_entity

    @property
    def is_linked(self) -> bool:
        """Whether our contact's link may stand for the record."""
        return self.is_contact and self.body["identify"]["variable"] in CONTACT_VARIABLES


@dataclass(frozen=True, slots=True)
class Why:
    """Why nothing would be written: a stable word, a sentence, and the field where there is one."""

    code: str
    message: str
    field: str | None = None


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


def found(line: Line, bench: Bench, typed: str, beside: set[str] | None = None) -> Sequence[Record]:
    """The records that were meant, with the fields of the mapping as they are now; `beside` as
    `read` has it. Raises AdapterError; Refusal(NOT_FOUND) where what was typed is no record.
    """
    by, value = _sought(bench, typed.strip())
    if value is None:
        return ()
    records = read(line, bench, by, value, beside=beside)
    if typed.strip() and not records:
        raise Refusal(Code.NOT_FOUND, _nobody(bench, by))
    return records


def read(
    line: Line, bench: Bench, by: str, value: str, *, beside: set[str] | None = None
) -> Sequence[Record]:
    """The records with this value in that field. `beside`: further fields that are read; what the
    CRM turns out not to have is taken off. Raises AdapterError.
    """
    entity, further = bench.entity.name, set() if beside is None else beside
    while True:
        want = sorted({*bench.tried.row.values, *_identifying(bench), *further})
        try:
            every = line.caller.ask(
                lambda crm, want=want: crm.find(entity, by, [value], want=want)  # type: ignore[misc]
            )
        except PauseMapping as exc:
            if exc.field not in further:
                raise
            further.discard(str(exc.field))
        else:
            records: Sequence[Record] = every.get(value, ())
            return records


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
