"""The HTTP/1.1 server under a simulator: keep-alive, latency, and the faults that break a
connection.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulators.kit.control import control, is_control
from simulators.kit.faults import name_of
from simulators.kit.log import Call
from simulators.kit.messages import HTML_TYPE, Answer, Request
from simulators.kit.simulator import Simulator
from simulators.kit.spoil import LOGIN_PAGE, SPOILERS

MAX_BODY = 32 * 1024 * 1024


class Server(ThreadingHTTPServer):
    """One simulator on one port of this machine."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        simulator.base_url = self.base_url

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop listening and end the kept-alive connections."""
        super().server_close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running(simulator: Simulator) -> Iterator[str]:
    """The simulator served from a thread of this process; gives its base URL."""
    server = Server(simulator)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield server.base_url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these two each small answer waits 40 ms for the other side's delayed acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, *_: object) -> None:
        """The simulator keeps its own log."""

    def _serve(self) -> None:
        request = self._read()
        if request is None:
            return
        simulator = self.server.simulator
        if is_control(request):
            self.send(control(simulator, request))
            return
        with simulator.lock:
            simulator.classify(request)
            call = simulator.log.begin(
                simulator.clock.now(), request.method, request.path, dict(request.query)
            )
            call.kind = request.kind
            action = self._storm(simulator) or simulator.faults.strike(request) or {}
            if action:
                call.fault = name_of(action)
                simulator.log.faults[call.fault] += 1
        self._exchange(simulator, request, call, action)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _read(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self.send(Answer(411, "a Content-Length is needed", {}, "text/plain"))
            return None
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
        )

    @staticmethod
    def _storm(simulator: Simulator) -> dict[str, Any]:
        left_s = simulator.faults.storm_s()
        return {"throttle": left_s} if left_s else {}

    def _exchange(
        self, simulator: Simulator, request: Request, call: Call, action: dict[str, Any]
    ) -> None:
        began = time.monotonic()
        wait_s = simulator.options["latency_ms"] / 1000 + float(action.get("delay_s", 0))
        if wait_s:
            time.sleep(wait_s)
        if "drop_before" in action:
            self.reset()
            return
        answer = _instead(simulator, request, action)
        if answer is not None:
            call.status = answer.status
            self.send(answer)
            return
        answer = simulator.dispatch(request)
        call.status, call.kind, call.rows = answer.status, request.kind, request.rows
        call.token_id = request.token_id
        call.took_ms = round((time.monotonic() - began) * 1000, 2)
        simulator.meddle(action.get("meanwhile", {}))
        spoil = next((one for one in SPOILERS if one in action), None)
        if spoil is None:
            self.send(answer)
            return
        with simulator.lock:
            simulator.log.lost(call)
        SPOILERS[spoil](self, answer, action[spoil])

    def send(self, answer: Answer) -> None:
        payload = b"" if answer.status in {204, 304} else answer.payload()
        self.write(self.head(answer, length=len(payload)) + payload)

    def head(self, answer: Answer, *, length: int) -> bytes:
        bodyless = answer.status in {204, 304}
        headers = (
            {} if bodyless else {"Content-Type": answer.content_type, "Content-Length": str(length)}
        )
        headers = {**headers, "Date": self.date_time_string(), **answer.headers}
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")

    def write(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def reset(self) -> None:
        """End the connection with a reset, as a dying proxy does."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # The buffered files hold the descriptor open: the reset goes out only when all are closed.
        self.rfile.close()
        self.connection.close()

    def reset_softly(self) -> None:
        """Close with what was written still delivered: the other side sees a short body."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _instead(simulator: Simulator, request: Request, action: dict[str, Any]) -> Answer | None:
    """The answer that a fault gives in place of the handler's; None = let it run."""
    if "throttle" in action:
        return simulator.throttled(request, float(action["throttle"]))
    if "html_before" in action:
        return Answer(200, LOGIN_PAGE, {}, HTML_TYPE)
    if "status" not in action:
        return None
    if "body" not in action:
        answer = simulator.failed(request, int(action["status"]))
        answer.headers.update(action.get("headers", {}))
        return answer
    body, headers = action["body"], dict(action.get("headers", {}))
    if isinstance(body, str):
        page = body.encode(action.get("charset", "utf-8"))
        return Answer(int(action["status"]), page, headers, HTML_TYPE)
    return Answer(int(action["status"]), body, headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
