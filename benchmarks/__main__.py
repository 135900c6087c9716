"""`./run bench`: every part, or the named ones; each in a hub of its own, with ratios beside the
rates.

    ./run bench                          all parts, under five minutes on two cores alone
    ./run bench claim --pending 1000000  one part, bigger
    ./run bench deliver --crm zendesk    one CRM
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

from benchmarks import claims, delivery, intake, notes, pages, planning, reading
from benchmarks.hub import House, house
from benchmarks.report import machine
from connector.engines import EngineError

Part = Callable[[House, argparse.Namespace], None]
PARTS: Mapping[str, Part] = {
    "intake": lambda hub, asked: intake.measure(hub, asked.rounds),
    "plan": lambda hub, asked: planning.measure(hub, asked.rounds),
    "deliver": lambda hub, asked: delivery.measure(hub, asked.rounds, tuple(asked.crm)),
    "notes": lambda hub, _: notes.measure(hub),
    "read": lambda hub, _: reading.measure(hub),
    "pages": lambda hub, _: pages.measure(hub),
    "claim": lambda hub, asked: claims.measure(hub, asked.settled, asked.pending),
}


def main() -> None:
    """Measure, print, leave nothing behind."""
    asked = _arguments()
    print(f"Taken on {machine()}.", flush=True)
    try:
        with house() as hub:
            for name in asked.parts or PARTS:
                began = time.monotonic()
                PARTS[name](hub, asked)
                print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)
    except EngineError as exc:
        raise SystemExit(str(exc)) from exc


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all when none is named")
    parser.add_argument("--rounds", type=int, default=3, help="medians are taken over these")
    crms = sorted(delivery.RESPONSES)
    parser.add_argument("--crm", action="append", choices=crms, help="may be repeated")
    parser.add_argument("--settled", type=int, default=1_000_000)
    parser.add_argument("--pending", type=int, default=100_000)
    asked = parser.parse_args()
    asked.crm = asked.crm or crms
    return asked


if __name__ == "__main__":
    main()
