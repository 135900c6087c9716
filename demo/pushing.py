"""Pushes the script, in the order of real life, and waits until nothing is open.

A forged message is refused; then come the responses, at a pace; when the first have arrived in
their CRMs, the newer scores, the older answers and the repetitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from demo.api import API, Control, Hook, Pushed, Refused, message_of
from demo.expected import crms_of
from demo.processes import Processes
from demo.report import Screen
from demo.script import Item, Script
from demo.watching import Deliveries, Ledger, NotDone, open_deliveries, state_of, until

STEPS_A_RESPONSE = 3
# Generous: the machine may be busy with other things.
ARRIVED_WITHIN_S, DONE_WITHIN_S = 180.0, 300.0
FORGED = "whsec_Zm9yZ2VkIHNlY3JldCBvZiBub2JvZHk="
Look = Callable[[], None]


@dataclass(slots=True)
class Stage:
    """The running demo and what it has learnt so far.

    By app: `connections` our ids, `before`, `scored_7` and `after` the CRM's whole state. By our
    id of a response: `accepted`, the time of its 202; `ids` leads there from the platform's id.
    """

    script: Script
    screen: Screen
    api: API
    controls: dict[str, Control]
    running: Processes
    pace: float
    connections: dict[str, int] = field(default_factory=dict)
    accepted: dict[int, float] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    scored_7: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def states(self) -> dict[str, Any]:
        """What each CRM holds now."""
        return {app: one.state() for app, one in self.controls.items()}

    def of(self, app: str) -> list[Item]:
        """The responses that go to a CRM."""
        return [one for one in self.script.responses if app in crms_of(one)]


def push_and_wait(stage: Stage, hook: Hook, ledger: Ledger) -> None:
    """All pushes, and until all of it has arrived. Raises NotDone, which says what is open."""
    with _progress(stage, ledger) as look:
        try:
            _push(stage, hook, look)
            until(lambda: is_settled(stage, look), within_s=DONE_WITHIN_S, what="all deliveries")
        except NotDone as exc:
            message = f"{exc}\n{_left_open(stage)}\nWhat the processes say: {stage.running.logs}"
            raise NotDone(message) from exc


def _push(stage: Stage, hook: Hook, look: Look) -> None:
    told = stage.script
    forged = hook.push(told.first[0], "msg_forged", secret=FORGED)
    _expect(forged.status == 401, "a forged signature must be refused")
    _push_all(stage, hook, told.first)
    early = [one["response_id"] for one in told.first[: 3 * len(stage.controls)]]
    until(lambda: _arrived(stage, early, look), within_s=ARRIVED_WITHIN_S, what="the first scores")
    stage.scored_7 = stage.states()
    _push_all(stage, hook, told.late)
    for again in told.repeated:
        answer = hook.push(again, message_of(again))
        _expect(answer.body.get("duplicate") is True, "a repeated message must be a duplicate")
    for again in told.restated:
        answer = hook.push(again, f"{message_of(again)}_restated")
        _expect(answer.body.get("duplicate") is True, "a repeated response must be a duplicate")


def _push_all(stage: Stage, hook: Hook, items: Sequence[Item]) -> None:
    answers = hook.push_all(items, per_s=stage.pace)
    for item, answer in zip(items, answers, strict=True):
        taken = _taken(item, answer)
        stage.accepted[taken] = answer.at
        stage.ids[item["response_id"]] = taken


def _taken(item: Item, answer: Pushed) -> int:
    """Our id of an accepted response. Raises Refused."""
    items = answer.body.get("items") or [{}]
    if answer.status != 202 or items[0].get("status") != "accepted":
        message = f"response {item['response_id']}: {answer.status} {answer.body}"
        raise Refused(message)
    return int(items[0]["id"])


def _expect(is_so: object, what: str) -> None:
    if not is_so:
        raise Refused(what)


def _arrived(stage: Stage, response_ids: Sequence[str], look: Look) -> bool:
    look()
    return all(state_of(stage.api, one) in {"done", "needs_attention"} for one in response_ids)


def is_settled(stage: Stage, look: Look) -> bool:
    """Whether all that was pushed is planned, and nothing of it is open."""
    look()
    last = [*stage.script.first[-3:], *stage.script.late]
    if any(state_of(stage.api, one["response_id"]) == "received" for one in last):
        return False
    # Only now: what was planned since an earlier look would have opened more.
    return not any(open_deliveries(stage.api).values())


@contextmanager
def _progress(stage: Stage, ledger: Ledger) -> Iterator[Look]:
    """Bars of what has arrived in each CRM; the yielded function moves them."""
    expected = {app: STEPS_A_RESPONSE * len(stage.of(app)) for app in stage.connections}
    with stage.screen.bars(expected) as move:

        def look() -> None:
            stage.running.check()
            ledger.read()
            arrived = ledger.delivered()
            move({app: arrived[number] for app, number in stage.connections.items()})

        yield look


def _left_open(stage: Stage) -> str:
    """What stands in the way, by CRM and state."""
    deliveries = Deliveries.read(stage.api)
    return "\n".join(
        f"{app}: {deliveries.told_open(number)}" for app, number in stage.connections.items()
    )
