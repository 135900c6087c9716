"""`python -m demo [--once]`, which is `./run demo`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from connector.engines import EngineError
from connector.settings import SettingsError
from demo.api import Refused
from demo.processes import NotUp
from demo.screenshots import CHROMIUM, NoPicture
from demo.story import Wish, run
from demo.watching import NotDone


def main() -> int:
    signal.signal(signal.SIGTERM, _exit)
    try:
        return run(_wish())
    except KeyboardInterrupt:
        return 130
    except (EngineError, SettingsError, NotUp, NotDone, NoPicture, Refused) as exc:
        print(f"demo: {exc}", file=sys.stderr)
        return 1


def _wish() -> Wish:
    parser = argparse.ArgumentParser(prog="./run demo", description=_ABOUT)
    parser.add_argument("--once", action="store_true", help="end by itself; 0 = all is right")
    parser.add_argument("--responses", type=int, default=1_000)
    parser.add_argument("--contacts", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=int, default=120, help="of every call to a CRM")
    parser.add_argument("--pace", type=float, default=100, help="pushes a second")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="of the pages, as PNG")
    given = parser.parse_args()
    if given.responses < 100 or given.contacts < 2 * given.responses:
        parser.error("at least 100 responses, and two contacts for each")
    if given.screenshots and not CHROMIUM.exists():
        parser.error(f"screenshots need Debian's chromium at {CHROMIUM}")
    return Wish(**vars(given))


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)


_ABOUT = "Everything at once, against simulated CRMs."

if __name__ == "__main__":
    sys.exit(main())
