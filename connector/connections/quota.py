"""What accounts have left of their calls, as it is stored: read for a wave, written once after it.

The key is the account, not the connection: several connections may call the same one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from adapters.traits import RatePolicy
from adapters.usage import Source, Usage, UsageKind
from connector.connections.budget import CALLS, Budget, Seen, budget_of, floor_of
from connector.connections.profile import Profile
from connector.tables import account_usage

# What is left of the sums of earlier waves when a new one is added.
FADES = 0.9


@dataclass(frozen=True, slots=True)
class Heard:
    """What a CRM told of an account, and how many seconds ago."""

    usage: Usage
    age_s: float


def account_of(profile: Profile) -> str:
    """The account's name in the hub's own books: the CRM's id, the connection's until that is
    known, and where messages go: two rooms of one host share nothing.
    """
    own = None if profile.traits.messages else profile.remote_account_id
    return f"{profile.app}:{own or profile.id}"


def budget(connection: Connection, profile: Profile) -> Budget:
    """What this connection may still call, as far as its account has told."""
    asked = select(account_usage).where(
        account_usage.c.workspace_id == profile.workspace_id,
        account_usage.c.account == account_of(profile),
    )
    return budget_of(profile.settings, tuple(_seen(row) for row in connection.execute(asked)))


def _seen(row: Any) -> Seen:  # noqa: ANN401 - a row
    usage = Usage(
        kind=UsageKind(row.kind),
        limit=row.allowed,
        remaining=row.remaining,
        window_s=row.window_s,
        resets_at=row.resets_at,
        source=Source(row.source),
        calls=row.calls or None,
    )
    return Seen(usage, row.seen_at)


def rates(profile: Profile, here: Budget) -> tuple[RatePolicy, ...]:
    """The account's rates: what its answers tell, else what the admin or a probe has said, else the
    app's; less what is reserved for the customer's other tools.
    """
    by_probe = None if here.seen else profile.learnt.get(CALLS)
    said = profile.settings.get(CALLS) or by_probe
    return here.policies(profile.traits.rates, said=int(said) if said else None)


def part_of(policy: RatePolicy, share: float) -> RatePolicy:
    """What this installation may use of a rate."""
    return RatePolicy(max(1, int(policy.calls * share)), policy.per_s, policy.kind)


def limit_shown(one: Seen, here: Budget) -> Mapping[str, Any]:
    """One limit as JSON."""
    usage = one.usage
    is_day = usage.kind is UsageKind.DAILY
    percent = here.reserve_percent if is_day else here.rate_reserve_percent
    return {
        "kind": usage.kind.value,
        "calls": usage.calls,
        "limit": usage.limit,
        "used": usage.used,
        "remaining": usage.remaining,
        "reserved": floor_of(usage.limit, percent),
        "window_s": usage.window_s,
        "resets_at": usage.resets_at,
        "source": usage.source.value,
        "seen_at": one.seen_at,
    }


def keep(connection: Connection, workspace_id: int, account: str, heard: Sequence[Heard]) -> None:
    """Store what was told, unless something newer is there."""
    if heard:
        connection.execute(KEEP, {"w": workspace_id, "account": account, "rows": _rows(heard)})


def keep_pace(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    calls: int,
    rows: int,
    took_s: float,
) -> None:
    """Store how a wave went: how many calls, deliveries and seconds it took."""
    if calls <= 0:
        return
    figures = {"calls": calls, "rows": rows, "took": max(0.001, took_s), "fades": FADES}
    connection.execute(PACE, {"w": workspace_id, "c": connection_id, **figures})


def _rows(heard: Sequence[Heard]) -> str:
    """In one order, so that two waves of an account do not wait for each other in a circle."""
    rows = [_row(one) for one in heard]
    return json.dumps(sorted(rows, key=lambda one: (one["kind"], one["calls"])))


def _row(heard: Heard) -> Mapping[str, Any]:
    one = heard.usage
    return {
        "kind": one.kind,
        "calls": one.calls or "",
        "allowed": one.limit,
        "remaining": one.remaining,
        "window_s": one.window_s,
        "resets_at": one.resets_at.isoformat() if one.resets_at else None,
        "source": one.source,
        "age_s": heard.age_s,
    }


KEEP = text(
    """
    INSERT INTO account_usage AS u (workspace_id, account, kind, calls, allowed, remaining,
                                    window_s, resets_at, source, seen_at)
    SELECT :w, :account, r.kind, r.calls, r.allowed, r.remaining, r.window_s, r.resets_at,
           r.source, now() - make_interval(secs => r.age_s)
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           kind text, calls text, allowed bigint, remaining bigint, window_s int,
           resets_at timestamptz, source text, age_s float)
    ON CONFLICT (workspace_id, account, kind, calls) DO UPDATE
       SET allowed = excluded.allowed, remaining = excluded.remaining,
           window_s = excluded.window_s, resets_at = excluded.resets_at,
           source = excluded.source, seen_at = excluded.seen_at
     WHERE excluded.seen_at >= u.seen_at
    """
)
# Sums, not means: the calls of an asynchronous batch and the rows it settles fall into two waves.
PACE = text(
    """
    INSERT INTO connection_pace AS p (workspace_id, connection_id, recent_calls, recent_rows,
                                      recent_s, calls, rows)
    VALUES (:w, :c, :calls, :rows, :took, :calls, :rows)
    ON CONFLICT (connection_id) DO UPDATE
       SET recent_calls = p.recent_calls * :fades + excluded.recent_calls,
           recent_rows = p.recent_rows * :fades + excluded.recent_rows,
           recent_s = p.recent_s * :fades + excluded.recent_s,
           calls = p.calls + excluded.calls, rows = p.rows + excluded.rows, updated_at = now()
    """
)
