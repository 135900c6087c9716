"""Calls outside any delivery (definitions, options, provisioning) keep to the account's rate too.

They count in the same windows as deliveries, so that a download beside a busy drain is not what
brings the account over its limit.
"""

from __future__ import annotations

from typing import Protocol

from adapters.errors import Throttled
from adapters.traits import RatePolicy
from connector import clock, stopping
from connector.connections.desk import Permit
from connector.connections.profile import Profile
from connector.responses.limiter import Allowance

# A person may wait for the answer: after that they are told, and a job comes back by itself.
LONGEST_WAIT_S = 10.0


class Rate(Protocol):
    """What is asked of the limiter."""

    def paused_s(self, account: str) -> float:
        """For how long the CRM asked to be left alone."""
        ...

    def wait_s(self, allowance: Allowance, kind: str | None) -> float:
        """0.0 when the call may go now, else the seconds until it may ask again."""
        ...


def permitting(limiter: Rate, share: float) -> Permit:
    """What a desk asks before each call: it waits for its place, or raises Throttled."""

    def permit(profile: Profile, rates: tuple[RatePolicy, ...], kind: str | None) -> None:
        account = f"{profile.app}:{profile.remote_account_id or profile.id}"
        allowance = Allowance(account, rates, share)
        ends_at = clock.monotonic() + LONGEST_WAIT_S
        while wait_s := limiter.paused_s(account) or limiter.wait_s(allowance, kind):
            if stopping.is_stopping() or clock.monotonic() + wait_s > ends_at:
                message = "the account's rate is used up"
                raise Throttled(message, wait_s=wait_s)
            stopping.wait(wait_s)

    return permit
