"""When a delivery is tried again, and when it is given up. Pure.

5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, 10 h, each times a random 0.5 to 1.0: about 28
hours at the most, then `dead` (faults.md G10, 2.6). A job that the CRM still works on is looked at
every 15 s to 5 min, for 16 hours without burning a try; what never ends then goes by the schedule.
"""

from __future__ import annotations

from connector.responses.steps import Delivery, Settlement

WAITS_S = (5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 36_000)
# A pause that the CRM asks for and that lasts longer is shown as parked.
LONG_PAUSE_S = 3_600
# Nobody said how long: the first pause, doubled with each failure in a row.
FIRST_PAUSE_S, MAX_PAUSE_S = 5.0, 900.0
BREAKER_AFTER = 10
LOOKS, LONGEST_LOOK_S = 200, 300.0


def again(
    delivery: Delivery, *, code: str, message: str, chance: float, wait_s: float | None = None
) -> Settlement:
    """The delivery's next try after a burnt attempt; dead when there is none left.

    `chance` is a random number from 0 to 1; `wait_s` is the CRM's own wish where it has one.
    """
    if delivery.attempts >= len(WAITS_S):
        return Settlement(delivery.id, "dead", "attempts", code=code, message=message, burnt=True)
    by_schedule = WAITS_S[delivery.attempts] * (0.5 + chance / 2)
    wait = max(by_schedule, wait_s or 0)
    return Settlement(delivery.id, "pending", code=code, message=message, wait_s=wait, burnt=True)


def handed_back(delivery: Delivery, *, wait_s: float = 0.0, code: str | None = None) -> Settlement:
    """The delivery unchanged: nothing was sent, no attempt is burnt."""
    return Settlement(delivery.id, "pending", code=code, wait_s=wait_s)


def looked_again(
    delivery: Delivery, *, code: str, message: str, chance: float, wait_s: float
) -> Settlement:
    """The delivery's next look at a job that still runs: less and less often, no attempt burnt.

    A job that never ends must not be waited for by all of us for ever: from then on, attempts are.
    """
    if delivery.claims > LOOKS:
        return again(delivery, code=code, message=message, chance=chance)
    wait = min(LONGEST_LOOK_S, wait_s * max(1, delivery.claims))
    return Settlement(delivery.id, "pending", code=code, message=message, wait_s=wait)


def pause_s(failures: int, *, chance: float) -> float:
    """How long a connection rests when nobody said for how long, after that many failures in a
    row.
    """
    longest = min(MAX_PAUSE_S, FIRST_PAUSE_S * float(2 ** min(failures, 10)))
    return max(FIRST_PAUSE_S, longest * (0.5 + chance / 2))
