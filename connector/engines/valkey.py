"""The embedded Valkey: started, joined, stopped and killed on purpose. It is only a doorbell."""

from __future__ import annotations

import signal
from pathlib import Path

import redis

from connector.engines.places import socket_dir, starting, valkey_program
from connector.engines.process import OURSELVES, Engine, EngineError, wait_until

START_S = 10.0
STOP_S = 10.0


class Valkey:
    """A running Valkey. One that another process started is `joined`: `stop` leaves it alone."""

    def __init__(self, data: Path, sockets: Path, *, appendonly: bool) -> None:
        self._data = data
        self._sockets = sockets
        self._appendonly = appendonly
        self._engine: Engine | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._sockets / 'valkey.sock'}"

    @property
    def joined(self) -> bool:
        return self._engine is None

    @property
    def pid(self) -> int | None:
        """Its process, a joined one's too; None where nothing runs."""
        if self._engine:
            return self._engine.pid
        with redis.Redis.from_url(self.url, socket_timeout=2.0) as client:
            try:
                return int(client.info("server")["process_id"])
            except redis.RedisError:
                return None

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2.0)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self) -> None:
        """Start it, after a stop or a kill too, and wait until it answers."""
        engine = Engine(
            _argv(self._data, self._sockets, appendonly=self._appendonly),
            log=self._data.with_suffix(".log"),
            run_as=OURSELVES,
            on_parent_death=signal.SIGTERM,
        )
        wait_until(lambda: self.answers() or not engine.is_running(), timeout_s=START_S)
        if not engine.is_running():
            message = f"Valkey does not start; its log: {self._data.with_suffix('.log')}"
            raise EngineError(message)
        self._engine = engine

    def stop(self) -> None:
        """End it cleanly; what it holds is on disk unless it was started without `appendonly`."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._engine is not None:
            self._engine.signal(number)
            self._engine.wait(STOP_S)


def start_valkey(
    data_dir: Path, *, runtime_dir: Path | None = None, appendonly: bool = True
) -> Valkey:
    """Valkey on `data_dir`/valkey, ready for connections; one that runs there already is joined.

    Without `appendonly` it forgets everything at its end, for the tests that want that. Raises
    EngineError, which says what to do.
    """
    with starting(data_dir):
        data = data_dir / "valkey"
        data.mkdir(mode=0o700, exist_ok=True)
        valkey = Valkey(data, socket_dir(data_dir, runtime_dir), appendonly=appendonly)
        if not valkey.answers():
            valkey.start()
        return valkey


def _argv(data: Path, sockets: Path, *, appendonly: bool) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(sockets / "valkey.sock"),
        "unixsocketperm": "700",
        "appendonly": "yes" if appendonly else "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "dir": str(data),
        "daemonize": "no",
    }
    argv = [str(valkey_program())]
    for name, value in options.items():
        argv += [f"--{name}", value]
    return argv
