"""The hub's processes under a supervisor, and who kills them."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis

from connector.engines import Postgres
from tests.faults.processes import Processes, horse_of, is_gone, kill_group

WORKERS = 2
EVERY_S = 2.0


@dataclass(slots=True)
class Hub:
    """The hub's processes under a supervisor that starts again whatever has died."""

    processes: Processes
    port: int
    running: dict[str, Any] = field(default_factory=dict)
    _ends: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def supervise(self) -> None:
        """Until `end`: every role has a living process."""
        while not self._ends.wait(0.1):
            self.start_missing()

    def start_missing(self) -> None:
        """Start what is not there."""
        starts: dict[str, Callable[[], Any]] = {
            "scheduler": self.processes.scheduler,
            "web": lambda: self.processes.starting_web("granian", self.port),
            **{f"worker{n}": self.processes.worker for n in range(WORKERS)},
        }
        with self._lock:
            for role, start in starts.items():
                held = self.running.get(role)
                if held is None or is_gone(held.pid):
                    self.running[role] = start()

    def end(self) -> None:
        """No more restarts."""
        self._ends.set()


@dataclass(slots=True)
class Killer:
    """Random trouble, seeded. `done` counts what hit something."""

    hub: Hub
    postgres: Postgres
    redis_url: str
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def rage(self, until: threading.Event) -> None:
        """A random action every two seconds or so.

        For the main thread: to Linux the end of the thread that started an engine is its parent's.
        """
        acts = [self.worker, self.orphan, self.horse, self.scheduler, self.web, self.database,
                self.flush]  # fmt: skip
        while not until.wait(EVERY_S * self.rng.uniform(0.5, 1.5)):
            act = self.rng.choice(acts)
            self.done[act.__name__] += bool(act())

    def worker(self) -> bool:
        return self._group(self._one_of_the_workers())

    def orphan(self) -> bool:
        """The worker's parent process alone."""
        return self._pid(self._one_of_the_workers().pid)

    def horse(self) -> bool:
        return self._pid(horse_of(self._one_of_the_workers()))

    def scheduler(self) -> bool:
        return self._group(self.hub.running["scheduler"])

    def web(self) -> bool:
        return self._group(self.hub.running["web"])

    def database(self) -> bool:
        self.postgres.restart_immediate()
        return True

    def flush(self) -> bool:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()
        return True

    def _one_of_the_workers(self) -> Any:
        return self.hub.running[f"worker{self.rng.randrange(WORKERS)}"]

    @staticmethod
    def _group(process: Any) -> bool:
        alive = not is_gone(process.pid)
        kill_group(process)
        return alive

    @staticmethod
    def _pid(pid: int | None) -> bool:
        if pid is None or is_gone(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False
