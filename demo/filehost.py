"""Where the demo's survey platform keeps the files of answers: `python -m demo.filehost`.

Every path is a file, by its ending a picture or a document, and always the same one.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

# What the script writes; the demo puts its own file host's address there.
PLATFORM = "https://files.survey.example"


def content_of(url: str) -> bytes:
    """The file behind an address, wherever its host is."""
    path = unquote(urlsplit(url).path)
    return _picture(path) if path.endswith(".png") else _document(path)


def _picture(path: str) -> bytes:
    """A PNG of one point whose colour the path decides."""

    def chunk(kind: bytes, held: bytes) -> bytes:
        whole = kind + held
        return struct.pack(">I", len(held)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    point = zlib.compress(b"\x00" + hashlib.sha256(path.encode()).digest()[:6])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", point) + chunk(b"IEND", b"")


def _document(path: str) -> bytes:
    return f"%PDF-1.4\n% {hashlib.sha256(path.encode()).hexdigest()}\n%%EOF\n".encode()


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = content_of(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    """Serve until somebody ends us; the address is told as the simulators tell theirs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    print(f"listening http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
