"""Calls outside deliveries wait for their place in the account's rate, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from adapters.errors import Throttled
from adapters.traits import RatePolicy
from connector.connections.profile import Profile
from connector.responses.limiter import Allowance
from connector.responses.permit import permitting

RATES = (RatePolicy(190, 10),)
NOTHING = MappingProxyType[str, object]({})


@dataclass
class Waits:
    """A rate that answers these waits in turn, then lets the call go."""

    told: list[float]
    paused: list[float] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def paused_s(self, account: str) -> float:
        assert account == "hubspot:142"
        return self.paused.pop(0) if self.paused else 0.0

    def wait_s(self, allowance: Allowance, kind: str | None) -> float:
        assert allowance.policies == RATES
        self.asked.append((allowance.account, kind))
        return self.told.pop(0) if self.told else 0.0


def profile() -> Profile:
    return Profile(
        workspace_id=1, id=7, app="hubspot", name="main", auth="oauth", state="connected",
        reason_code=None, reason=None, base_url=None, instance_url=None, settings=NOTHING,
        learnt=NOTHING, remote_account_id="142", remote_account_name=None, remote_user_id=None,
        paused_at=None, updated_at=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip


def test_a_call_waits_for_its_place_in_the_account_s_own_windows() -> None:
    waits = Waits([0.01, 0.01])
    permitting(waits, 1.0)(profile(), RATES, "search")
    assert waits.asked == [("hubspot:142", "search")] * 3


def test_a_pause_that_the_crm_asked_for_is_kept() -> None:
    waits = Waits([], paused=[0.01])
    permitting(waits, 1.0)(profile(), RATES, None)
    assert len(waits.asked) == 1


def test_who_would_wait_too_long_is_told_for_how_long() -> None:
    with pytest.raises(Throttled) as raised:
        permitting(Waits([60.0]), 1.0)(profile(), RATES, None)
    assert raised.value.wait_s == 60.0
