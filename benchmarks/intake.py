"""How fast responses are taken: one, a hundred and a thousand a request; every 202 is durable."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask.testing import FlaskClient

from benchmarks.hub import House
from benchmarks.report import Spent, median, spent, table
from connector.app import create_app
from tests.world import World, answered

# (responses a request, requests a round)
SIZES = ((1, 150), (100, 10), (1_000, 2))
ACCEPTED = 202

Push = Callable[[Sequence[Mapping[str, Any]]], object]


def measure(house: House, rounds: int) -> None:
    """The rates by request size, through the WSGI application and by the function alone."""
    with house.world() as world:
        client = create_app(world.hub.settings, world.database).test_client()
        ways: dict[str, Push] = {
            "WSGI application": lambda items: _post(world, client, items),
            "function alone": lambda items: world.push(*items),
        }
        numbers = itertools.count()
        taken: dict[tuple[str, int], list[Spent]] = {}
        for _ in range(rounds + 1):
            for (size, requests), (way, push) in itertools.product(SIZES, ways.items()):
                one = _round(push, numbers, size=size, requests=requests)
                taken.setdefault((way, size), []).append(one)
        # The first round meets cold caches and is left out.
        _show({key: every[1:] for key, every in taken.items()})


def _round(push: Push, numbers: Iterator[int], *, size: int, requests: int) -> Spent:
    pushes = [[answered(next(numbers)) for _ in range(size)] for _ in range(requests)]
    return spent(lambda: [push(items) for items in pushes])


def _post(world: World, client: FlaskClient, items: Sequence[Mapping[str, Any]]) -> None:
    body: Any = items[0] if len(items) == 1 else list(items)
    headers = {"Authorization": f"Bearer {world.key}"}
    answer = client.post("/api/v1/responses", json=body, headers=headers)
    if answer.status_code != ACCEPTED:
        message = f"a push was answered {answer.status_code}: {answer.get_data(as_text=True)[:200]}"
        raise RuntimeError(message)


def _show(taken: Mapping[tuple[str, int], Sequence[Spent]]) -> None:
    counts = {size: size * requests for size, requests in SIZES}
    rates = {
        key: median([counts[key[1]] / one.wall_s for one in every]) for key, every in taken.items()
    }
    rows = [
        (
            f"{way}, {size:,} a request",
            f"{rate:,.0f}",
            f"{1000 * median([one.cpu_s for one in taken[way, size]]) / counts[size]:.2f}",
            f"{rate / rates[way, 1]:.1f} x",
        )
        for (way, size), rate in sorted(rates.items(), reverse=True, key=lambda one: one[0][0])
    ]
    columns = ("Intake, committed before the answer", "responses/s", "CPU ms each", "to single")
    table("Intake", columns, rows)
