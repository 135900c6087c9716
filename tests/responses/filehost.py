"""A host where a survey platform keeps the files of answers: loopback, in this process."""

from __future__ import annotations

import http.server
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.registry import ADAPTERS, traits_of
from connector.db import Database
from connector.responses.hub import Hub
from connector.settings import Settings
from tests.world import World, founded

Page = tuple[int, bytes]
# The CRMs that take files.
TAKERS = tuple(sorted(app for app in ADAPTERS if traits_of(app).file_limit is not None))


def png(seed: int = 0) -> bytes:
    """A real picture of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    point = zlib.compress(bytes([0, seed % 256, seed // 256 % 256, 7]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", point) + chunk(b"IEND", b"")


PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"


@dataclass
class FileHost:
    """`pages`: path -> (status, body), or a function of how often it was asked."""

    url: str = ""
    pages: dict[str, Page | Callable[[int], Page]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes, status: int = 200) -> str:
        """Serve a page; its address."""
        self.pages[path] = (status, body)
        return f"{self.url}{path}"

    def answer(self, path: str) -> Page:
        """What is served now."""
        self.asked.append(path)
        page = self.pages.get(path, (404, b"gone"))
        return page(self.asked.count(path)) if callable(page) else page


@contextmanager
def hosting() -> Iterator[FileHost]:
    """A file host, listening."""
    host = FileHost()

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = host.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def taking_files(world: World, **limits: Any) -> World:
    """The same world, its hub allowed to fetch from loopback; `limits` change the settings."""
    files = replace(world.hub.settings.files, **{"hosts": frozenset({"127.0.0.1"}), **limits})
    hub = Hub(replace(world.hub.settings, files=files), world.hub.desk, world.hub.limiter)
    return replace(world, hub=hub)


def founded_with_files(settings: Settings, database: Database) -> World:
    """A fresh workspace whose hub may fetch from loopback."""
    return taking_files(founded(settings, database))


def signed(number: int, *urls: str, **changes: Any) -> dict[str, Any]:
    """A pushed response with a score, a signature (the first address) and files (the others)."""
    answers: dict[str, Any] = {
        "nps": {"type": "nps", "value": 9, "title": "How likely are you to recommend us?"},
        "sign": {"type": "signature", "value": {"url": urls[0]}, "title": "Signature"},
    }
    if urls[1:]:
        files = [{"url": one, "name": one.rpartition("/")[2]} for one in urls[1:]]
        answers["photo"] = {"type": "file", "value": files, "title": "Photos"}
    return {
        "response_id": f"r{number}",
        "submitted_at": "2026-11-22T01:02:00Z",
        "survey": {"id": "s1", "name": "After the meeting"},
        "campaign": {"id": "5000", "name": "Møde"},
        "respondent": {"email": f"c{number}@example.test", "name": f"Søren Contact {number}"},
        "answers": answers,
    } | changes
