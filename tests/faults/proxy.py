"""A TCP proxy between the hub and an engine that makes the line slow, cuts it, or swallows it.

with Proxy("unix:///run/valkey.sock") as line:
    line.port            127.0.0.1 at this port leads to the engine
    line.delay_s = 2.0   each piece from the hub waits so long
    line.swallows = True nothing comes through any more, nothing is said
    line.cut()           every open connection is reset
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

PIECE_BYTES = 65_536


@dataclass
class Proxy:
    """One listening port; every connection to it is carried on to `target`."""

    target: str
    delay_s: float = 0.0
    swallows: bool = False
    _server: socket.socket = field(init=False)
    _open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Proxy:
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # A thread that waits in accept keeps the socket alive until it is woken.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    @property
    def port(self) -> int:
        number: int = self._server.getsockname()[1]
        return number

    def cut(self) -> None:
        """Reset every open connection."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:  # closed
                return
            far = self._reach()
            self._open += [near, far]
            threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _reach(self) -> socket.socket:
        parts = urlsplit(self.target)
        if parts.scheme == "unix":
            far = socket.socket(socket.AF_UNIX)
            far.connect(parts.path)
            return far
        return socket.create_connection((str(parts.hostname), int(parts.port or 0)))

    def _carry(self, source: socket.socket, sink: socket.socket, slowly: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError), both_ending(source, sink):
            while piece := source.recv(PIECE_BYTES):
                if slowly and self.delay_s:
                    time.sleep(self.delay_s)
                if not self.swallows:
                    sink.sendall(piece)


@contextmanager
def both_ending(source: socket.socket, sink: socket.socket) -> Iterator[None]:
    """Whoever hangs up is seen to by the other side. Closing alone does not do: a thread that waits
    in recv keeps the socket open, and a database keeps the locks of a client that is gone.
    """
    with source, sink:
        try:
            yield
        finally:
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
