"""The demo's processes: started from the main thread, never longer-lived than us, stopped in order.

Each runs in a session of its own, so that Ctrl-C reaches the demo alone, and is told by the kernel
when the demo is gone (connector/engines/child.py), kill -9 included.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connector.engines.process import OURSELVES, Engine, wait_until

ROOT = Path(__file__).resolve().parent.parent
LISTENING = re.compile(r"^listening (\S+)$", re.MULTILINE)
UP_WITHIN_S = 30.0
DOWN_WITHIN_S = 12.0
OTHER_PORTS = 5
_held: list[int] = []


class NotUp(Exception):
    """A process did not come up; the text says which one and what it said last."""


@dataclass(slots=True)
class Processes:
    """What the demo has started, oldest first. `logs` takes what they print."""

    logs: Path
    environ: Mapping[str, str]
    running: dict[str, Engine] = field(default_factory=dict)

    def start(self, name: str, *arguments: str, **environ: str) -> None:
        """Start a Python program of ours under that name."""
        self.running[name] = Engine(
            [sys.executable, *arguments],
            log=self.log(name),
            run_as=OURSELVES,
            on_parent_death=signal.SIGTERM,
            environ={**self.environ, **environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def log(self, name: str) -> Path:
        """What the process of that name printed."""
        return self.logs / f"{name}.log"

    def listening(self, name: str) -> str:
        """The address that a simulator has told. Raises NotUp."""
        if not wait_until(lambda: bool(self._address(name)), timeout_s=UP_WITHIN_S):
            raise NotUp(self._last_words(name))
        return self._address(name)

    def check(self) -> None:
        """Raise NotUp if one has ended by itself."""
        for name, one in self.running.items():
            if not one.is_running():
                raise NotUp(self._last_words(name))

    def stop(self) -> None:
        """End all, the newest first; whoever does not is ended by force."""
        ends_at = time.monotonic() + DOWN_WITHIN_S
        for one in reversed(self.running.values()):
            one.signal(signal.SIGTERM)
        for one in reversed(self.running.values()):
            one.wait(max(0.1, ends_at - time.monotonic()))
        self.running.clear()

    def _address(self, name: str) -> str:
        found = LISTENING.search(self.log(name).read_text(encoding="utf-8", errors="replace"))
        return found.group(1) if found else ""

    def _last_words(self, name: str) -> str:
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"the process {name} is not up; it said:", *lines[-8:]])


@contextmanager
def processes(logs: Path, environ: Mapping[str, str]) -> Iterator[Processes]:
    """Room for processes that end with the block, whatever ends it."""
    logs.mkdir(parents=True, exist_ok=True)
    started = Processes(logs, environ)
    try:
        yield started
    finally:
        started.stop()


def free_port(wished: int) -> int:
    """The wished port of this machine if nobody has it, else another one.

    It is ours as long as this process lives: seconds pass before the web process listens there, and
    a second demo that was begun meanwhile would talk to the first one's.
    """
    for port in (wished, *[0] * OTHER_PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                found = int(probe.getsockname()[1])
                _held.append(_lock_of(found))
            except OSError:
                continue
            return found
    message = "this machine has no free port"
    raise NotUp(message)


def _lock_of(port: int) -> int:
    """Among the demos of this user, this one's claim to the port: an open file that nobody else has
    locked. Raises OSError.
    """
    path = Path(tempfile.gettempdir()) / f"answerback-demo-{os.getuid()}-{port}.lock"
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def web_arguments(port: int) -> Sequence[str]:
    """The web process as the Procfile starts it, on this machine's own address only."""
    return (
        *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "4", "--backpressure", "128"),
        *("--workers-kill-timeout", "8s", "--no-access-log", "--log-level", "warning"),
        "wsgi:app",
    )
