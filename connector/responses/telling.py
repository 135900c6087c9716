"""Instead of reading and writing records: messages, one after the other.

What was sent can be neither looked up nor taken back. A message for people that was sent for
another revision of its response is not sent again; after an unknown outcome it goes again under its
id. A respondent is written to at most once: what may have reached one, because its answer was lost
or the process died meanwhile, waits for a person (`perhaps_sent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text

from adapters.base import Messenger
from adapters.errors import OutcomeUnknown
from adapters.values import BatchResult, Message, Outcome
from connector.failpoints import failpoint
from connector.responses.ledger import Entry
from connector.responses.schedule import handed_back
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import DONE, Work, each_outcome

TOLD = "already_told"
# The reason of what may have reached a respondent; a replay, which a person decides, sends it.
PERHAPS = "perhaps_sent"
UNKNOWN = (
    "nobody knows whether the respondent has been written to: no answer came. Look there under the"
    " response's id; a replay sends it, a second time if the first has arrived"
)
BEGIN = text(
    """
    UPDATE delivery SET sent = '{"begun": true}'
     WHERE id = :id AND state = 'leased' AND NOT coalesce(sent, '{}') ? 'begun'
    """
)


def tell(work: Work, every: Sequence[Delivery]) -> None:
    """Send every one of these; what their people know already is superseded."""
    told = set(work.known.told)
    for one in _in_order(every):
        if one.payload["once"] and one.lane in told:
            work.results.settle(Settlement(one.id, "superseded", TOLD))
            continue
        if _writes_to_respondents(work):
            _tell_at_most_once(work, one)
        else:
            _tell_one(work, one)
        if work.is_done(one) or _is_perhaps_sent(work, one):
            told.add(one.lane)


def _in_order(every: Sequence[Delivery]) -> list[Delivery]:
    """A system hears of revisions as they were made; people of the newest alone."""
    ordered = sorted(every, key=lambda one: one.rank.order)
    once = [one for one in ordered if one.payload["once"]]
    return [*once[::-1], *(one for one in ordered if not one.payload["once"])]


def message_of(one: Delivery) -> Message:
    """The message that a delivery asks for."""
    payload = one.payload
    return Message(
        key=str(one.id),
        id=payload["id"],
        event=payload["event"],
        at=one.rank.answered_at,
        title=payload["title"],
        text=payload["text"],
        to=tuple(payload.get("to", ())),
        told=payload.get("told", {}),
    )


def _is_perhaps_sent(work: Work, one: Delivery) -> bool:
    settled = work.results.settlements.get(one.id)
    return settled is not None and settled.reason == PERHAPS


def _writes_to_respondents(work: Work) -> bool:
    messages = work.known.traits.messages
    return messages is not None and messages.respondent


def _tell_at_most_once(work: Work, one: Delivery) -> None:
    """Where a try began and nobody knows its end, none follows."""
    if work.is_over:
        return
    if not _begins(work, one):
        work.results.settle(_perhaps(one, code="process_died"))
        return
    _tell_one(work, one)
    settled = work.results.settlements.get(one.id) or handed_back(one)
    if not work.is_done(one) and not _is_perhaps_sent(work, one):
        # It was certainly not sent: the next try may be.
        work.results.settlements[one.id] = replace(settled, sent={})


def _begins(work: Work, one: Delivery) -> bool:
    """Kept before the call, for a lease that runs out cannot tell what was under way. False: an
    earlier try has begun and has not said how it ended.
    """
    caller = work.caller
    with caller.desk.database.begin(caller.workspace_id) as connection:
        begins = connection.execute(BEGIN, {"id": one.id}).rowcount == 1
    failpoint("tell_begun")
    return begins


def _perhaps(one: Delivery, *, code: str) -> Settlement:
    return Settlement(one.id, "dead", PERHAPS, code=code, message=UNKNOWN)


def _tell_one(work: Work, one: Delivery) -> None:
    message = message_of(one)

    def send() -> BatchResult:
        try:
            with work.caller.writing():
                outcome = work.caller.call(lambda crm: _messenger(crm).tell(message))
        except OutcomeUnknown as exc:
            if _writes_to_respondents(work):
                # The first word about a delivery counts; the connection's trouble is noted still.
                work.results.settle(_perhaps(one, code=exc.code))
            raise
        failpoint("told")
        return BatchResult((outcome,))

    each_outcome(work, [one], send, lambda one, outcome: _sent(work, one, outcome))


def _sent(work: Work, one: Delivery, outcome: Outcome) -> None:
    """The ledger knows that it was sent and under which id, not what it said."""
    remote_id = outcome.remote_id or ""
    work.results.entries.append(
        Entry(one.id, one.entity, remote_id, "message", None, remote_id, created=True)
    )
    code = outcome.code or None
    work.results.settle(Settlement(one.id, DONE, code=code, remote_id=remote_id))


def _messenger(crm: object) -> Messenger:
    """The adapter as one that tells; plan makes no step that its app cannot take."""
    if not isinstance(crm, Messenger):
        message = "the adapter tells nobody"
        raise TypeError(message)
    return crm
