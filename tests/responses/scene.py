"""A CRM joined to a world in one line, for tests that set up their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulators.kit.server import running
from tests.responses.conftest import FAST, FURTHER, SIMULATORS
from tests.world import CRMSeen, World, people

LATER = "2026-11-23T01:02:00Z"


@contextmanager
def joined(world: World, app: str, **changes: Any) -> Iterator[CRMSeen]:
    """The CRM connected, with a published mapping (`changes` to its body; `options` of the
    simulator, `settings` of the connection).
    """
    options = FAST.get(app, {}) | changes.pop("options", {})
    settings = changes.pop("settings", {})
    with running((SIMULATORS | FURTHER)[app](options=options)) as url:
        seen = world.connect(app, url, **settings)
        world.mapping(app, **changes)
        yield seen


def known(world: World, crm: CRMSeen, count: int) -> None:
    """Contacts that the CRM has and that we have linked."""
    ids = crm.seed(people(count))
    world.linked(
        crm.app, {one["email"]: number for one, number in zip(people(count), ids, strict=True)}
    )


def states(world: World, **where: Any) -> list[tuple[str, str | None]]:
    """State and reason of the deliveries, in order."""
    return [(one.state, one.reason) for one in world.deliveries(**where)]
