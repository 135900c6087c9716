"""Asked to stop: long loops look here between two pieces of work, instead of being cut in one.

A drain or a sweep that sees `is_stopping()` finishes the call it is in, hands back what it holds
and returns; SIGTERM gives it 10 seconds in all (G14 in the README).
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

_stop = threading.Event()


def request_stop(_number: int = 0, _frame: FrameType | None = None) -> None:
    """Say so; a signal handler as it stands."""
    _stop.set()


def is_stopping() -> bool:
    return _stop.is_set()


def wait(timeout_s: float) -> bool:
    """Sleep up to `timeout_s`, less when asked to stop; whether to stop."""
    return _stop.wait(timeout_s)


def stop_on_signals() -> None:
    """SIGTERM and SIGINT ask this process to stop; for the main thread of a loop of ours."""
    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)


def reset() -> None:
    """Forget the request: for a forked child, and for tests."""
    _stop.clear()
