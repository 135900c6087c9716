"""Real processes of the hub, to be killed: each is started with the test's engines and ended with
the test, whatever became of it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Protocol

import requests

from connector.engines.process import is_alive, wait_until
from tests.faults import child
from tests.faults.child import PRELOADED
from tests.world import CLIENT, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
START_S = 60


_context = multiprocessing.get_context("forkserver")


class Running(Protocol):
    """A process: one of the hub's programs, or a web server."""

    @property
    def pid(self) -> int | None: ...


@dataclass
class Processes:
    """What a test has started. `environ` is the base; each start may add to it."""

    environ: Mapping[str, str]
    programs: list[ForkServerProcess] = field(default_factory=list)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, program: str, *arguments: str, **added: str) -> ForkServerProcess:
        """A program of child.py in a process and session of its own."""
        _context.set_forkserver_preload(list(PRELOADED))
        one = _context.Process(
            target=child.run, args=(program, {**self.environ, **added}, *arguments)
        )
        one.start()
        self.programs.append(one)
        return one

    def worker(self, *queues: str, **added: str) -> ForkServerProcess:
        return self.start("worker", *queues, **added)

    def scheduler(self, **added: str) -> ForkServerProcess:
        return self.start("scheduler", **added)

    def killed_job(self, kind: str, workspace_id: int, connection_id: int, *, at: str) -> None:
        """One job in a process of its own that a failpoint kills; returns when it is dead."""
        ids = (str(workspace_id), str(connection_id))
        one = self.start("job", kind, *ids, ANSWERBACK_FAILPOINTS=at)
        one.join(START_S)
        code = one.exitcode
        assert code == -signal.SIGKILL, f"the job was to die at {at}; it ended with {code}"

    def web(self, server: str, port: int, **added: str) -> subprocess.Popen[bytes]:
        """The web processes by granian as the Procfile starts them, or by gunicorn, answering."""
        one = self.starting_web(server, port, **added)
        ready = wait_until(lambda: answers(port) or one.poll() is not None, timeout_s=START_S)
        assert ready
        assert one.poll() is None, "the web process ended at its start"
        return one

    def starting_web(self, server: str, port: int, **added: str) -> subprocess.Popen[bytes]:
        """The same, not waited for."""
        line = granian() if server == "granian" else GUNICORN
        argv = [part.format(port=port) for part in line]
        one = subprocess.Popen(
            [str(BIN / argv[0]), *argv[1:]],
            cwd=ROOT,
            env={**self.environ, **added},
            start_new_session=True,
        )
        self.servers.append(one)
        return one

    def end(self) -> None:
        for program in self.programs:
            kill_group(program)
            program.join(START_S)
        for server in self.servers:
            kill_group(server)
            server.wait(START_S)


def hub_variables(*, lease_s: float, deadline_s: float) -> dict[str, str]:
    """The variables with which the hub's processes work on a test's world: its OAuth clients, and
    times short enough to wait for.
    """
    clients = {}
    for app in SETTINGS:
        clients[f"ANSWERBACK_{app.upper()}_CLIENT_ID"] = CLIENT.client_id
        clients[f"ANSWERBACK_{app.upper()}_CLIENT_SECRET"] = CLIENT.client_secret.reveal()
    return {
        **clients,
        "ANSWERBACK_LINGER_S": ",".join(f"{app}=0" for app in SETTINGS),
        "ANSWERBACK_LEASE_S": str(lease_s),
        "ANSWERBACK_CALL_DEADLINE_S": str(deadline_s),
        "ANSWERBACK_SWEEP_S": "0.2",
        "ANSWERBACK_LOG_LEVEL": "WARNING",
    }


def kill_group(process: Running) -> None:
    """Kill -9 of a process, of everything in its session's group, and of its work-horse."""
    pid, horse = process.pid, horse_of(process)
    if pid is None or is_gone(pid):
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        # On a busy machine a process may be killed before it has made its own session.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if horse:
        with contextlib.suppress(ProcessLookupError):
            os.kill(horse, signal.SIGKILL)
    assert wait_until(lambda: is_gone(pid), timeout_s=START_S)


def horse_of(worker: Running) -> int | None:
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
    "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "4",
    "--no-control-socket", "wsgi:app",
)  # fmt: skip


def granian() -> tuple[str, ...]:
    """The Procfile's web line with its own port, on loopback."""
    text = (ROOT / "Procfile").read_text(encoding="utf-8")
    line = dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))["web"]
    line = line.replace("$PORT", "{port}").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    return tuple(re.sub(r"\$\{ANSWERBACK_WEB_\w+:-(\d+)\}", r"\1", line).split())
