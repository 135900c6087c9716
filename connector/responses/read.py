"""Steps 1 and 2 of a wave: read every target's record in batches, and decide what follows for it.

A contact that is linked is read by its id; the others are found by the field that identifies them.
A field that the CRM no longer has parks the deliveries that need it, and the rest is read again
without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters.errors import AdapterError, PauseMapping
from adapters.values import Record
from connector.responses.decide import Decision, decide
from connector.responses.fold import Target
from connector.responses.inherit import with_inherited
from connector.responses.refer import with_references
from connector.responses.schedule import again
from connector.responses.work import Work, chunks, without
from schemas.fields import FieldValue
from schemas.record import Refusal, refusals


def decisions(work: Work, targets: Sequence[Target]) -> list[Decision]:
    """One decision per target that could be read; the others are settled."""
    return [one for chunk in _reads(work, targets) for one in _decided(work, chunk)]


def _reads(work: Work, targets: Iterable[Target]) -> Iterator[Sequence[Target]]:
    """Targets that one `find` can read: same entity, same field, at most a read batch. Those that
    are new for certain are apart.
    """
    groups: dict[tuple[str, str, bool], list[Target]] = defaultdict(list)
    for one in targets:
        by = work.known.traits.id_field if work.link_of(one) else one.match_field
        groups[one.entity, by, _is_new(work, one)].append(one)
    for group in groups.values():
        yield from chunks(group, work.known.traits.read_batch)


def _decided(work: Work, chunk: Sequence[Target]) -> list[Decision]:
    live = [] if work.trouble.ends_wave else list(chunk)
    while live:
        try:
            return _read(work, live)
        except PauseMapping as exc:
            if exc.field in work.passed_on:
                # Only records that follow want it, and they do without: nobody waits for it.
                work.passed_on -= {str(exc.field)}
                continue
            hit = work.park(live, exc)
            live = [kept for one in live if (kept := without(one, hit)).deliveries]
        except AdapterError as exc:
            work.failed([one for target in live for one in target.deliveries], exc)
            live = []
    return []


def _read(work: Work, chunk: Sequence[Target]) -> list[Decision]:
    first = chunk[0]
    by_link = work.link_of(first) is not None
    by = work.known.traits.id_field if by_link else first.match_field
    asked = {one.key: work.link_of(one) or one.match_value for one in chunk}
    values = sorted(set(asked.values()))
    want = sorted({name for one in chunk for name in _wanted(work, one)})
    found: Mapping[str, tuple[Record, ...]] = {}
    if not _is_new(work, first):
        found = work.caller.ask(lambda crm: crm.find(first.entity, by, values, want=want))
    for record in (record for records in found.values() for record in records):
        work.saw(first.entity, record.remote_id, record.values)
    whole = with_references(work, [(one, found.get(asked[one.key], ())) for one in chunk])
    whole = with_inherited(work, whole)
    return [_decide(work, one, records, by_link=by_link) for one, records in whole]


def _is_new(work: Work, target: Target) -> bool:
    """Whether nobody can have made the record: a response's own, of its first version, never tried.
    Its key is unique at the CRM: were it there all the same (our store was restored from a backup),
    the create is refused as a duplicate, and the next try reads it.
    """
    entity, own = work.known.entities.get(target.entity), work.known.traits.record
    key = entity.field(target.match_field) if entity else None
    return (
        target.follows
        and own is not None
        and own.key == target.match_field
        and key is not None
        and key.unique
        and not any(one.may_have_been_sent or one.rank.revision > 1 for one in target.deliveries)
    )


def _wanted(work: Work, target: Target) -> set[str]:
    """The fields whose present values matter: those that may be written, the tags' own, and what
    the records that follow take over from a contact.
    """
    own = {*target.fields(), *work.known.tagging.fields_for(target.deliveries)}
    return own | work.passed_on if target.entity == work.known.traits.contact_entity else own


def _decide(work: Work, target: Target, records: Sequence[Record], *, by_link: bool) -> Decision:
    if by_link and not records:
        return _unlinked(work, target)
    if len(records) == 1 and work.link_of(target) != records[0].remote_id:
        work.link(target, records[0].remote_id)
    entity = work.known.entities.get(target.entity)

    def check(values: Mapping[str, FieldValue], creating: bool) -> Sequence[Refusal]:  # noqa: FBT001
        if entity is None:
            return ()
        schema = work.known.schemas[target.entity]
        return refusals(schema, entity, values, creating=creating)

    return decide(target, records, tagging=work.known.tagging, check=check)


def _unlinked(work: Work, target: Target) -> Decision:
    """The linked record is gone: forget the link, and look by the match at the next try."""
    work.link(target, None)
    gone = "the linked record is gone; it is looked for again"
    settled = tuple(
        again(one, code="link_lost", message=gone, chance=work.known.chance())
        for one in target.deliveries
    )
    return Decision(replace(target, deliveries=()), settled=settled)
