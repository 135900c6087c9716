"""The demo as a program: it survives a kill -9 of itself, leaves nobody behind, and ends with 0."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.settings import process_environ
from demo import processes

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--responses", "100", "--contacts", "200", "--latency-ms", "20")
GONE_WITHIN_S = 20

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc: Linux only"),
]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextlib.contextmanager
def demo(data_dir: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo with data of its own, ended by force if need be."""
    running = subprocess.Popen(
        [sys.executable, "-m", "demo", *SMALL, *arguments],
        cwd=ROOT,
        env=process_environ() | {"ANSWERBACK_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def read_until(running: subprocess.Popen[str], told: str) -> str:
    """What it prints up to the line that says `told`."""
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if told in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def descendants(pid: int) -> set[int]:
    """Everybody whom that process has started, and whom they have."""
    parents = {int(one.name): _parent(one) for one in Path("/proc").iterdir() if one.name.isdigit()}
    found = {pid}
    while True:
        more = {one for one, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    return {one for one in pids if _state(one) not in {"", "Z"}}


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def wait_until(is_so: Callable[[], bool], within_s: float) -> bool:
    ends_at = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.1)
    return True


def test_two_demos_begun_at_once_take_different_ports() -> None:
    """Neither listens yet when the other looks for a port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        wished = int(probe.getsockname()[1])
    ports = {processes.free_port(wished) for _ in range(3)}
    assert len(ports) == 3
    assert wished in ports


def test_after_a_kill_nobody_is_left_and_the_next_run_finds_all_right(data_dir: Path) -> None:
    with demo(data_dir) as killed:
        read_until(killed, "contacts imported")
        started = descendants(killed.pid)
        assert len(alive(started)) >= 9  # engines, simulators, web, workers, scheduler
        os.kill(killed.pid, signal.SIGKILL)
        assert wait_until(lambda: not alive(started), GONE_WITHIN_S), alive(started)
    with demo(data_dir, "--once") as again:
        told, _ = again.communicate(timeout=400)
    assert again.returncode == 0, told
    assert "finds all as it must be" in told
    for said in ("Salesforce", "HubSpot", "Zendesk", "refused  r-00005", "refused  r-00010"):
        assert said in told
    assert "sign in     owner@demo-2.example  demo-" in told


def test_sigterm_stops_everything(data_dir: Path) -> None:
    with demo(data_dir) as running:
        read_until(running, "the web process")
        started = descendants(running.pid)
        running.terminate()
        running.communicate(timeout=60)
        assert running.returncode == 143
        assert wait_until(lambda: not alive(started), GONE_WITHIN_S), alive(started)
