"""A simulator as a process of its own: `python -m simulators.hubspot --port 0 --latency-ms 120
--option k=v`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from simulators.kit.server import Server
from simulators.kit.simulator import Simulator

PR_SET_PDEATHSIG = 1
PARENT_CHECK_S = 0.5


def main(make: Callable[..., Simulator]) -> None:
    """Serve until SIGTERM, SIGINT or the parent's death. The one line on stdout says where."""
    given = _arguments()
    options = {"latency_ms": given.latency_ms, **dict(given.option)}
    server = Server(make(seed=given.seed, options=options), given.port)
    for one in (signal.SIGTERM, signal.SIGINT):
        # State is in memory only: there is nothing to save, so the process may end at once.
        signal.signal(one, lambda *_: os._exit(0))
    if not given.outlive_parent:
        _die_with_parent()
    sys.stdout.write(f"listening {server.base_url}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.5)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--option", type=_option, action="append", default=[], metavar="K=V")
    parser.add_argument("--outlive-parent", action="store_true")
    return parser.parse_args()


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _die_with_parent() -> None:
    parent = os.getppid()
    if platform.system() == "Linux":
        # Strikes when the *thread* that started us ends: start simulators from a thread that lives
        # on.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)
        return
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(0)
