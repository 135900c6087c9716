"""Real processes of the hub, to be killed: each is started with the test's engines and ended with
the test, whatever became of it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from connector.engines.process import is_alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
START_S = 60


@dataclass
class Processes:
    """What a test has started. `environ` is the base; each start may add to it."""

    environ: Mapping[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *argv: str, **added: str) -> subprocess.Popen[bytes]:
        """A program in a session of its own, so that it can be killed with all its children."""
        one = subprocess.Popen(
            argv, cwd=ROOT, env={**self.environ, **added}, start_new_session=True
        )
        self.started.append(one)
        return one

    def python(self, *argv: str, **added: str) -> subprocess.Popen[bytes]:
        return self.start(sys.executable, *argv, **added)

    def worker(self, *queues: str, **added: str) -> subprocess.Popen[bytes]:
        return self.python("worker.py", *queues, **added)

    def scheduler(self, **added: str) -> subprocess.Popen[bytes]:
        return self.python("-m", "connector.sweep", **added)

    def web(self, server: str, port: int, **added: str) -> subprocess.Popen[bytes]:
        """The web processes by granian as the Procfile starts them, or by gunicorn."""
        line = granian() if server == "granian" else GUNICORN
        argv = [part.format(port=port) for part in line]
        one = self.start(str(BIN / argv[0]), *argv[1:], **added)
        ready = wait_until(lambda: answers(port) or one.poll() is not None, timeout_s=START_S)
        assert ready
        assert one.poll() is None, "the web process ended at its start"
        return one

    def killed_job(
        self, kind: str, workspace_id: int, connection_id: int, *, at: str
    ) -> subprocess.Popen[bytes]:
        """One job in a process of its own that a failpoint kills; returns when it is dead."""
        argv = ("-m", "tests.faults.child", kind, str(workspace_id), str(connection_id))
        one = self.python(*argv, ANSWERBACK_FAILPOINTS=at)
        code = one.wait(START_S)
        assert code == -signal.SIGKILL, f"the job was to die at {at}; it ended with {code}"
        return one

    def end(self) -> None:
        for one in self.started:
            kill_group(one)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and everything in its session's group, and of its work-horse."""
    horse = horse_of(process)
    for kill, number in ((os.killpg, process.pid), (os.kill, horse)):
        if number and process.poll() is None:
            try:
                kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
    process.wait(START_S)


def horse_of(worker: subprocess.Popen[bytes]) -> int | None:
    """The pid of a worker's child at work."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    try:
        told = children.read_text(encoding="utf-8").split()
    except OSError:
        return None
    return int(told[0]) if told else None


def is_gone(pid: int) -> bool:
    """Whether a process is dead, be it a zombie that nobody has waited for yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return not is_alive(pid)
    return state in {"Z", "X"}


def answers(port: int, path: str = "/health") -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=2).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


GUNICORN = (
    "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--threads", "4",
    "--no-control-socket", "wsgi:app",
)  # fmt: skip


def granian() -> tuple[str, ...]:
    """The Procfile's web line with its own port, on loopback."""
    text = (ROOT / "Procfile").read_text(encoding="utf-8")
    line = dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))["web"]
    line = line.replace("$PORT", "{port}").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    return tuple(re.sub(r"\$\{ANSWERBACK_WEB_\w+:-(\d+)\}", r"\1", line).split())
