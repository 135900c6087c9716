"""When a backlog is so large that its changes go to the CRM's bulk jobs (ADR 0025). Pure.

Live traffic stays with calls that answer at once. Only where as many contacts are due together as
the connection's setting says does a wave take more of them than one call holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.traits import BULK_FROM, Traits

DEFAULT_FROM = 2_000


def bulk_from(traits: Traits, settings: Mapping[str, Any]) -> int | None:
    """From how many contacts at once bulk jobs are used; None: never."""
    if traits.bulk_batch <= traits.write_batch:
        return None
    said = int(settings.get(BULK_FROM.name) or DEFAULT_FROM)
    # What one call holds is no reason for a job.
    return max(said, traits.write_batch + 1) if said else None


def at_once(traits: Traits, settings: Mapping[str, Any], *, due: int) -> int:
    """How many of so many that are due together are taken at once: lanes by a wave, changes by a
    batch.
    """
    least = bulk_from(traits, settings)
    many = least is not None and due >= least
    return traits.bulk_batch if many else traits.write_batch
