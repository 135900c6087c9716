"""One engine's process: started through child.py so that it is never orphaned, stopped by pid."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CHILD = Path(__file__).with_name("child.py")
# The engines need nothing of our environment, and must not see its secrets.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


class EngineError(Exception):
    """An embedded engine cannot be had; the text says which one, why, and what to do."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """Who an engine runs as: `inner` in a user namespace, or `uid` and `gid`, or ourselves."""

    inner: int | None = None
    uid: int | None = None
    gid: int | None = None

    def order(self) -> dict[str, int] | None:
        if self.inner is not None:
            return {"inner": self.inner}
        if self.uid is not None and self.gid is not None:
            return {"uid": self.uid, "gid": self.gid}
        return None


OURSELVES = RunAs()


class Engine:
    """A running engine. The thread that makes it must outlive it: Linux counts that thread's end as
    the parent's death.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        run_as: RunAs,
        on_parent_death: signal.Signals,
        environ: Mapping[str, str] = ENVIRONMENT,
    ) -> None:
        self._environ = environ
        self._watching = None if sys.platform == "linux" else os.pipe()
        with log.open("ab") as output:
            self._popen, self.pid = self._start(argv, output, run_as, number=on_parent_death)

    def _start(
        self, argv: Sequence[str], output: IO[bytes], run_as: RunAs, *, number: int
    ) -> tuple[subprocess.Popen[bytes], int]:
        order = _order(argv, run_as, number=number)
        if self._watching is None:
            popen = _spawn(order, output=output, environ=self._environ)
            return popen, popen.pid
        status_read, status_write = os.pipe()
        order |= {"watch": self._watching[0], "status": status_write}
        pipes = (self._watching[0], status_write)
        popen = _spawn(order, output=output, environ=self._environ, pass_fds=pipes)
        os.close(self._watching[0])
        os.close(status_write)
        with os.fdopen(status_read) as status:
            return popen, int(status.readline() or popen.pid)

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send `number` to the engine itself; a repeat after its end does nothing."""
        if self.is_running():
            os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, by force after `timeout_s`: a stop never leaves one behind."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._popen.wait(timeout_s)
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._watching is not None:
            os.close(self._watching[1])
            self._watching = None


def supervised(argv: Sequence[str], *, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A program on our terminal and in our session that gets SIGTERM when we die (on Linux)."""
    program = shutil.which(argv[0]) or argv[0]
    command = [program, *argv[1:]]
    if sys.platform == "linux":
        command = _command(_order(command, OURSELVES, number=signal.SIGTERM))
    return subprocess.Popen(command, env=dict(environ))


def run_to_end(argv: Sequence[str], *, run_as: RunAs) -> str:
    """What an engine's short program prints; raises EngineError with its last line of error."""
    command = _command(_order(argv, run_as, number=signal.SIGKILL))
    done = subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT, cwd="/", check=False
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no word of why"]
        message = f"{Path(argv[0]).name} failed: {lines[-1]}"
        raise EngineError(message)
    return done.stdout


def can_reach(paths: Sequence[tuple[Path, int]], *, run_as: RunAs) -> bool:
    """Whether `run_as` is permitted here and may use every path in its mode (os.R_OK and so on)."""
    order = _order([], run_as, number=signal.SIGKILL)
    order["probe"] = [(str(path), mode) for path, mode in paths]
    done = subprocess.run(
        _command(order), capture_output=True, env=ENVIRONMENT, cwd="/", check=False
    )
    return done.returncode == 0


def wait_until(is_so: Callable[[], bool], *, timeout_s: float, every_s: float = 0.01) -> bool:
    """Look again and again; False after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _order(argv: Sequence[str], run_as: RunAs, *, number: int) -> dict[str, Any]:
    return {
        "argv": list(argv),
        "parent": os.getpid(),
        "signal": int(number),
        "as": run_as.order(),
        "watch": None,
        "status": None,
    }


def _command(order: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", "-S", str(CHILD), json.dumps(order)]


def _spawn(
    order: dict[str, Any],
    *,
    output: IO[bytes],
    environ: Mapping[str, str],
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches us alone, and we stop the engines in order.
    return subprocess.Popen(
        _command(order),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=dict(environ),
        cwd="/",
        pass_fds=pass_fds,
        start_new_session=True,
    )
