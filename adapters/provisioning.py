"""What the hub can make at a CRM on request, and how far it is there already. Pure.

    part      what an admin chooses: the score tags' place, the opt-out tag as a choice, a contact's
              key field, the survey-response entity, the access to all of it
    thing     one piece of a part that the CRM makes by itself: an entity, a field, options, a grant
    state     whether the thing exists, is missing, has drifted, is hidden from us, cannot be had

Each CRM says in its own provisioning.py which things a part consists of there. Looking never
changes anything; making goes thing by thing, so that what was made before a refusal is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from adapters.errors import (
    AdapterError,
    PauseMapping,
    ReconnectNeeded,
    TokenExpired,
    TryLater,
)


class Part(StrEnum):
    """What can be chosen."""

    TAGS = "tags"
    NO_SEND = "no_send"
    KEY = "key"
    RECORD = "record"
    ACCESS = "access"


class State(StrEnum):
    """How far a thing is there. `refused` and `not_tried` only follow a making."""

    EXISTS = "exists"
    MISSING = "missing"
    DRIFTED = "drifted"
    HIDDEN = "hidden"
    IMPOSSIBLE = "impossible"
    REFUSED = "refused"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Thing:
    """One piece of a part. `name` is the CRM's own. `wants` says in words what it has to be,
    `text` what is wrong with it and what to do; `made`: this run made or mended it.
    """

    part: Part
    kind: str
    name: str
    wants: str
    state: State
    text: str = ""
    made: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workspace needs at a CRM: its opt-out tag and the tags of its campaigns, as this CRM
    spells them.
    """

    no_send: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every thing of every part, in the order of making, and what an admin has to know besides."""

    things: tuple[Thing, ...]
    hints: tuple[str, ...] = ()

    def of(self, part: Part) -> tuple[Thing, ...]:
        """The things of one part."""
        return tuple(one for one in self.things if one.part is part)


@dataclass(frozen=True, slots=True)
class Task:
    """A thing, how to make it (None: nothing can or need be done), and the things it stands on."""

    thing: Thing
    make: Callable[[], None] | None = None
    needs: frozenset[str] = frozenset()


@runtime_checkable
class Furnisher(Protocol):
    """A CRM that can be looked through for the parts, and perhaps be given them."""

    def planned(self, wanted: Wanted) -> Plan:
        """What exists, is missing or has drifted; nothing is changed."""
        ...

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        """Make what is missing of these parts; a repeat makes nothing. What a person must mend is
        the thing's state and text; nothing that exists is taken away or altered in its type.

        Raises TokenExpired and ReconnectNeeded.
        """
        ...


def carried_out(tasks: Sequence[Task], parts: Collection[Part]) -> tuple[Thing, ...]:
    """Make the chosen things one after the other; what became of each, in order.

    A refused thing keeps those that stand on it from being tried. A call whose outcome is unknown,
    or a CRM that wants to be left alone, ends the making: the next run looks first.
    """
    done: list[Thing] = []
    stopped = ""
    for one in tasks:
        if one.make is None or one.thing.part not in parts:
            done.append(one.thing)
            continue
        absent = sorted(_failed(done) & one.needs)
        if stopped or absent:
            why = stopped or f"it stands on {absent[0]}, which is not there"
            done.append(replace(one.thing, state=State.NOT_TRIED, text=why))
            continue
        thing, stopped = _made(one)
        done.append(thing)
    return tuple(done)


def seen_again(done: Sequence[Thing], fresh: Plan) -> Plan:
    """What a fresh look shows, with what a making just before it did or could not do."""
    told = {(one.part, one.kind, one.name): one for one in done}
    things = []
    for one in fresh.things:
        before = told.get((one.part, one.kind, one.name), one)
        failed = before.state in {State.REFUSED, State.NOT_TRIED} and one.state is not State.EXISTS
        things.append(before if failed else replace(one, made=before.made))
    return Plan(tuple(things), fresh.hints)


def _failed(done: Sequence[Thing]) -> set[str]:
    bad = {State.REFUSED, State.NOT_TRIED, State.MISSING, State.IMPOSSIBLE}
    return {one.name for one in done if one.state in bad}


def _made(one: Task) -> tuple[Thing, str]:
    """The thing after its making, and why the making has to stop here."""
    try:
        if one.make is not None:
            one.make()
    except (TokenExpired, ReconnectNeeded):
        raise
    except TryLater as exc:
        text = f"{exc}: whether it was made is not known, look again"
        return replace(one.thing, state=State.REFUSED, text=text), "the CRM did not answer before"
    except AdapterError as exc:
        return replace(one.thing, state=State.REFUSED, text=_refusal(exc)), ""
    return replace(one.thing, state=State.EXISTS, text="", made=True), ""


def _refusal(exc: AdapterError) -> str:
    scope = exc.scope if isinstance(exc, PauseMapping) else None
    return f"{exc} ({scope})" if scope and scope not in str(exc) else str(exc)
