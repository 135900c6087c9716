"""Instead of reading and writing records: messages, one after the other.

What was sent can be neither looked up nor taken back. A message for people that was sent for
another revision of its response is not sent again; after an unknown outcome it goes again under its
id.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import BatchResult, Message, Messenger, Outcome
from connector.failpoints import failpoint
from connector.responses.ledger import Entry
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import DONE, Work, each_outcome

TOLD = "already_told"


def tell(work: Work, every: Sequence[Delivery]) -> None:
    """Send every one of these; what their people know already is superseded."""
    told = set(work.known.told)
    for one in _in_order(every):
        if one.payload["once"] and one.lane in told:
            work.results.settle(Settlement(one.id, "superseded", TOLD))
            continue
        _tell_one(work, one)
        if work.is_done(one):
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


def _tell_one(work: Work, one: Delivery) -> None:
    message = message_of(one)

    def send() -> BatchResult:
        with work.caller.writing():
            outcome = work.caller.call(lambda crm: _messenger(crm).tell(message))
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
