"""API keys that their CRM ends on a day: the connection says so ahead of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from adapters.registry import adapter_for
from connector.connections import parking, views
from connector.connections.profile import Profile


def connected(auth: str) -> Profile:
    return Profile(
        workspace_id=1,
        id=1,
        app="zendesk",
        name="main",
        auth=auth,
        state="connected",
        reason_code=None,
        reason=None,
        base_url=None,
        instance_url=None,
        settings={},
        learnt={},
        remote_account_id=None,
        remote_account_name=None,
        remote_user_id=None,
        paused_at=None,
        updated_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("today", "state"),
    [
        ("2027-02-28", "connected"),
        ("2027-03-01", "needs_attention"),
        ("2027-05-02", "needs_attention"),
    ],
)
def test_a_key_needs_attention_two_months_before_it_ends(today: str, state: str) -> None:
    assert views._state(connected("key"), date.fromisoformat(today))[0] == state


def test_what_to_do_is_told() -> None:
    _, code, reason = views._state(connected("key"), date(2027, 4, 1))
    assert (code, reason) == (parking.KEY_ENDS, parking.what_to_do(parking.KEY_ENDS))


def test_a_grant_does_not_end_with_the_keys() -> None:
    assert views._state(connected("oauth"), date(2027, 4, 1)) == ("connected", None, None)


def test_the_day_is_told_to_whoever_connects() -> None:
    traits = adapter_for("zendesk").traits
    assert traits.key_ends is not None
    assert any(f"{traits.key_ends:%d %b %Y}" in one for one in traits.dates)
