"""Bodies that were valid once, changed by chance: never a 500, never a hang, memory stays flat.

The share of every run is 4,000 inputs over all routes that take a body, `./run prove` has 500,000
in four quarters (security.md 14.1). `FUZZ_SEED` repeats a run.
"""

from __future__ import annotations

import random
import re
import resource
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from connector.access import ACCESS
from connector.settings import process_environ
from tests.api.mutations import SEEDS, mutated, seeds_of
from tests.api.test_access import one_of_everything, path_of

# A push has by far the most shapes; the other routes share the rest.
PUSH = ("POST", "/api/v1/responses")
ROUTES = [
    route
    for route, rule in ACCESS.items()
    if route[0] in {"POST", "PUT", "PATCH"} and rule.right is not None
]
HANG_S, GROWS_KB = 2.0, 400_000
TYPES = ("application/json",) * 19 + ("application/x-ndjson",)


@pytest.mark.parametrize("rule", SEEDS)
def test_what_is_mutated_was_valid(alice, rule):
    """A seed that is refused lets no mutation of it get further."""
    one_of_everything(alice)
    (method,) = {route[0] for route in ROUTES if route[1] == rule}
    for seed in SEEDS[rule]:
        answer = alice.call(method, path_of(rule), json=seed)
        assert answer.status_code < 300, answer.text


def test_mutated_bodies_never_break_a_route(alice):
    _run(alice, 4_000)


# In quarters, each with its own figures: a half hour that is cut off has proved nothing.
@pytest.mark.prove
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("quarter", range(4))
def test_half_a_million_mutated_bodies_never_break_a_route(alice, quarter):
    _run(alice, 125_000, quarter)


def _run(alice: Any, count: int, quarter: int = 0) -> None:
    told = process_environ().get("FUZZ_SEED")
    seed = quarter + int(told or random.SystemRandom().randrange(2**32))
    print(f"\n{count} mutated bodies, FUZZ_SEED={seed}")
    known, chance = one_of_everything(alice), random.Random(seed)
    began, grown_from = time.monotonic(), _peak_kb()
    answers: Counter[int] = Counter()
    broken = []
    for route in _routes(count, chance):
        raw = mutated(chance.choice(seeds_of(route[1])), chance)
        started = time.monotonic()
        answer = alice.call(
            route[0],
            path_of(route[1]) if chance.random() < 0.3 else _ours(route[1], known),
            data=raw,
            headers={"Content-Type": chance.choice(TYPES)},
        )
        answers[answer.status_code] += 1
        if _is_wrong(answer, time.monotonic() - started):
            broken.append((*route, answer.status_code, raw[:400]))
    rate = count / (time.monotonic() - began)
    print(f"{rate:.0f} a second, answers {dict(sorted(answers.items()))}")
    assert broken[:3] == []
    assert _peak_kb() - grown_from < GROWS_KB
    # A fuzzer that is refused at the first byte every time has tried nothing.
    assert answers[200] + answers[201] + answers[202] > count / 100


def _routes(count: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    for _ in range(count):
        yield PUSH if chance.random() < 0.4 else chance.choice(ROUTES)


def _ours(rule: str, known: dict[str, int]) -> str:
    """The route's address with ids of things that are there."""
    return path_of(re.sub(r"<id:(\w+)>", lambda found: str(known.get(found[1], 77)), rule))


def _is_wrong(answer: Any, took_s: float) -> bool:
    """A failure of ours, a hang, a trace, or a refusal that does not say what to do."""
    if answer.status_code >= 500 and answer.status_code != 503:
        return True
    if took_s > HANG_S or "Traceback" in answer.text:
        return True
    refused = answer.status_code >= 400
    return refused and not (answer.is_json and answer.json.get("mend"))


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
