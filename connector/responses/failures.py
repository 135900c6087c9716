"""What a failed call means for its deliveries and for the connection. Pure.

Queued                nothing was sent: handed back until there is a place; other calls go on
Throttled, HandBack   nothing was sent: handed back, no attempt burnt; the CRM's wish pauses
                      the connection
StillRunning          a job of the CRM's is waited for: no attempt burnt, nobody else waits
ReconnectNeeded       parked (auth)
PauseMapping          parked (mapping, scope or provision), only what needs what was lost
everything else       by the retry schedule, an attempt burnt; the wave goes on with its other rows
                      until three calls in a row have failed, or one has hung
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adapters.errors import (
    DAILY_LIMIT,
    TAG_OPTION_MISSING,
    AdapterError,
    PauseMapping,
    ReconnectNeeded,
    StillRunning,
    Throttled,
    TryLater,
)
from connector.responses.schedule import again, handed_back, looked_again
from connector.responses.steps import FIELDS, NOTE, TAG, Delivery, Settlement

# The reason of a tag's delivery that waits for its options at the CRM.
PROVISION = "provision"


class HandBack(Throttled):
    """We hold ourselves back (own limit, lease ending, asked to stop): nothing was sent."""

    code = "handed_back"


class Queued(HandBack):
    """Calls of this kind have no place in their own limit for a while: nothing was sent, and all
    other calls go on.
    """

    code = "queued"


class Reserved(Throttled):
    """What is left of the account's day is the reserve for the customer's other tools: nothing was
    sent.
    """

    code = "quota_reserved"


# One call in ten may fail for no reason of ours: a wave that ended with each of them would never
# get to its last rows. A CRM that is away fails all.
ENDS_AFTER = 3

# Pauses that are shown on every delivery, however soon it is worth asking again.
OF_THE_DAY = frozenset({DAILY_LIMIT, Reserved.code})


@dataclass(slots=True)
class Trouble:
    """What a wave learnt about the connection as a whole.

    `pause_s` is how long the CRM wants to be left alone (None with `throttled`: it did not say).
    `day_is_used_up`: it is the limit of a whole day, however soon it is worth asking again.
    `failed` is the code of the last call's failure, which counts towards the breaker; `in_a_row`
    is how many calls have failed since one succeeded. `gave_up`: those were enough, whatever
    another thread's call has come to since. `hung`: a call had no answer in all its time; the next
    would keep a worker waiting as long. `reconnect` is why a person must connect again.
    """

    throttled: bool = False
    pause_s: float | None = None
    day_is_used_up: bool = False
    failed: str | None = None
    in_a_row: int = 0
    gave_up: bool = False
    hung: bool = False
    reconnect: str | None = None
    held_back: bool = False

    def fail(self, code: str) -> None:
        """A call failed as a whole."""
        self.failed, self.in_a_row = code, self.in_a_row + 1
        self.gave_up |= self.in_a_row >= ENDS_AFTER

    def went_well(self) -> None:
        """The CRM has answered: what failed before it was no sign of the CRM's being away."""
        self.failed, self.in_a_row = None, 0

    def throttle(self, wait_s: float | None, *, code: str) -> None:
        """The CRM asked to be left alone, for `wait_s` seconds where it said so."""
        self.throttled, self.pause_s = True, wait_s
        self.day_is_used_up = code in OF_THE_DAY

    @property
    def ends_wave(self) -> bool:
        """Whether calling on would be useless or unwelcome."""
        return (
            self.throttled
            or self.held_back
            or self.reconnect is not None
            or self.gave_up
            or self.hung
        )

    @property
    def ends_drain(self) -> bool:
        """Whether another wave right behind this one would meet the same trouble."""
        return self.ends_wave or self.failed is not None


def settled(
    deliveries: Sequence[Delivery],
    exc: AdapterError,
    trouble: Trouble,
    *,
    chance: Callable[[], float],
) -> tuple[Settlement, ...]:
    """What becomes of the deliveries of a call that failed as a whole; the trouble is noted."""
    if isinstance(exc, PauseMapping):
        return parked(deliveries, exc)
    if isinstance(exc, Queued):
        # A note's own call is the only one of it that changes anything: nobody need look for it.
        handed = ((one, handed_back(one, wait_s=exc.wait_s or 0)) for one in deliveries)
        return tuple(replace(told, unsent=one.kind == NOTE) for one, told in handed)
    if isinstance(exc, HandBack):
        trouble.held_back = True
        return tuple(handed_back(one, wait_s=exc.wait_s or 0) for one in deliveries)
    if isinstance(exc, Throttled):
        trouble.throttle(exc.wait_s, code=exc.code)
        return tuple(handed_back(one, code=exc.code) for one in deliveries)
    if isinstance(exc, StillRunning):
        return tuple(_looked_again(one, exc, chance()) for one in deliveries)
    if isinstance(exc, ReconnectNeeded):
        trouble.reconnect = exc.code
        return tuple(_parked(one, "auth", exc) for one in deliveries)
    trouble.fail(exc.code)
    wait_s = exc.wait_s if isinstance(exc, TryLater) else None
    return tuple(
        again(one, code=exc.code, message=str(exc), chance=chance(), wait_s=wait_s)
        for one in deliveries
    )


def _looked_again(one: Delivery, exc: StillRunning, chance: float) -> Settlement:
    wait_s = exc.wait_s or 0.0
    return looked_again(one, code=exc.code, message=str(exc), chance=chance, wait_s=wait_s)


def parked(deliveries: Sequence[Delivery], exc: PauseMapping) -> tuple[Settlement, ...]:
    """The deliveries parked until a person has mended the CRM's schema or permission; tags whose
    option is gone, until we have made it anew.
    """
    return tuple(_parked(one, _waits_for(one, exc), exc) for one in deliveries)


def _waits_for(one: Delivery, exc: PauseMapping) -> str:
    if exc.code == TAG_OPTION_MISSING and one.kind == TAG:
        return PROVISION
    return "scope" if exc.scope else "mapping"


def _parked(one: Delivery, reason: str, exc: AdapterError) -> Settlement:
    lost = exc.field if isinstance(exc, PauseMapping) else None
    return Settlement(one.id, "parked", reason, code=exc.code, message=str(exc), field=lost)


def is_hit(one: Delivery, exc: PauseMapping, *, tag_field: str | None) -> bool:
    """Whether this delivery needs the field that the CRM has lost."""
    if exc.field is None:
        return False
    if one.kind == TAG:
        return exc.field == tag_field
    parts = ("values", "refs", "create") if one.kind == FIELDS else ("create",)
    needed = [one.payload.get(part) or {} for part in parts]
    return any(exc.field in every for every in needed) or exc.field == one.payload["match"]["field"]
