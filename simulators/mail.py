"""A mail server: SMTP by RFC 5321 with STARTTLS, TLS and AUTH PLAIN, LOGIN, as strict as those that
people run. What it took stands in `mails`; what goes wrong next is said in `faults`.

A fault is (verb, action): the next such command meets a reply ("550 5.1.1 unknown"), `drop` (the
connection ends, nothing is taken), `drop_after` (taken, then it ends) or `drip` (a byte a second).
`RCPT` faults may name whom they are for: ("RCPT ada@", ...).
"""

from __future__ import annotations

import base64
import re
import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any

USER, PASSWORD = "hub", "mail-password"
_PATH = re.compile(r"<([^<>\s]*)>")


@dataclass
class Received:
    """One mail as it came. `encrypted`: over TLS; `user`: who was signed in."""

    sender: str
    to: list[str]
    content: bytes
    encrypted: bool
    user: str


@dataclass
class MailServer:
    """Runs in threads of its own between `start` and `stop`."""

    certificate: str | None = None
    tls: bool = False
    users: dict[str, str] = field(default_factory=lambda: {USER: PASSWORD})
    needs_user: bool = True
    utf8: bool = True
    mails: list[Received] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    visits: int = 0
    port: int = 0

    def start(self) -> int:
        """Listen on loopback; the port."""
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.visits += 1
                _Session(outer, self.request).run()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        self.port = int(self._server.server_address[1])
        return self.port

    def stop(self) -> None:
        """No more visits."""
        self._server.shutdown()
        self._server.server_close()

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(str(self.certificate))
        return made

    def fault_for(self, line: str) -> str | None:
        """What this command meets, once."""
        for place, (verb, action) in enumerate(self.faults):
            first, _, about = verb.partition(" ")
            if line.upper().startswith(first) and about in line:
                del self.faults[place]
                return action
        return None


class _Ended(Exception):
    """The conversation is over."""


class _Session:
    def __init__(self, server: MailServer, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.encrypted, self.user, self.greeted = False, "", False
        self.sender: str | None = None
        self.to: list[str] = []

    def run(self) -> None:
        try:
            if self.server.tls:
                self._encrypt()
            self._open()
            self._say(self.server.fault_for("CONNECT") or "220 mail.example ESMTP")
            while True:
                self._command(self._line())
        except (_Ended, OSError):
            pass
        finally:
            self.sock.close()

    def _open(self) -> None:
        self.file = self.sock.makefile("rb")

    def _encrypt(self) -> None:
        self.sock = self.server.context().wrap_socket(self.sock, server_side=True)
        self.encrypted = True

    def _line(self) -> str:
        line = self.file.readline(2_000)
        if not line.endswith(b"\r\n"):
            raise _Ended
        return line[:-2].decode("utf-8", "replace")

    def _say(self, *lines: str) -> None:
        if lines == ("drop",):
            raise _Ended
        if lines == ("drip",):
            for _ in range(60):
                self.sock.sendall(b"2")
                time.sleep(0.2)
            raise _Ended
        last = len(lines) - 1
        for place, line in enumerate(lines):
            text = line if place == last else f"{line[:3]}-{line[4:]}"
            self.sock.sendall(f"{text}\r\n".encode())

    def _command(self, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        fault = None if verb == "DATA" else self.server.fault_for(line)
        if fault is not None:
            self._say(fault)
            return
        act: Any = getattr(self, f"_do_{verb.lower()}", None)
        if act is None:
            self._say("502 5.5.2 not implemented")
        else:
            act(line)

    def _do_ehlo(self, line: str) -> None:
        del line
        self.greeted = True
        offers = ["250 mail.example", "250 8BITMIME"]
        if self.server.utf8:
            offers.append("250 SMTPUTF8")
        if self.server.certificate and not self.encrypted:
            offers.append("250 STARTTLS")
        if self.encrypted:
            offers.append("250 AUTH PLAIN LOGIN")
        self._say(*offers)

    def _do_starttls(self, line: str) -> None:
        del line
        if not self.server.certificate or self.encrypted:
            self._say("503 5.5.1 no")
            return
        self._say("220 2.0.0 go ahead")
        self._encrypt()
        self._open()
        self.greeted = False

    def _do_auth(self, line: str) -> None:
        if not self.encrypted:
            self._say("538 5.7.11 encryption needed")
            return
        words = line.split()
        if words[1].upper() != "PLAIN" or len(words) != 3:
            self._say("504 5.5.4 unknown way")
            return
        _, user, password = base64.b64decode(words[2]).decode().split("\0")
        if self.server.users.get(user) == password:
            self.user = user
            self._say("235 2.7.0 welcome")
        else:
            self._say("535 5.7.8 credentials invalid")

    def _do_mail(self, line: str) -> None:
        found = _PATH.search(line)
        if not self.greeted or found is None:
            self._say("503 5.5.1 say EHLO first")
        elif self.server.needs_user and not self.user:
            self._say("530 5.7.0 sign in first")
        elif not found[1].isascii() and "SMTPUTF8" not in line:
            self._say("553 5.6.7 international address")
        else:
            self.sender, self.to = found[1], []
            self._say("250 2.1.0 ok")

    def _do_rcpt(self, line: str) -> None:
        found = _PATH.search(line)
        if self.sender is None or found is None:
            self._say("503 5.5.1 no sender")
        else:
            self.to.append(found[1])
            self._say("250 2.1.5 ok")

    def _do_data(self, line: str) -> None:
        if not self.to:
            self._say("503 5.5.1 no recipient")
            return
        self._say("354 go on")
        content = self._content()
        fault = self.server.fault_for(line)
        if fault is None or fault == "drop_after":
            told = Received(str(self.sender), self.to, content, self.encrypted, self.user)
            self.server.mails.append(told)
        if fault == "drop_after":
            raise _Ended
        self.sender = None
        self._say(fault or "250 2.0.0 taken")

    def _content(self) -> bytes:
        lines = []
        while (line := self.file.readline(10_000)) != b".\r\n":
            # A bare line feed is refused by every server that has heard of smuggling.
            if not line.endswith(b"\r\n") or len(line) > 1_000:
                raise _Ended
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _do_rset(self, line: str) -> None:
        del line
        self.sender = None
        self._say("250 2.0.0 ok")

    def _do_noop(self, line: str) -> None:
        del line
        self._say("250 2.0.0 ok")

    def _do_quit(self, line: str) -> None:
        del line
        self._say("221 2.0.0 bye")
        raise _Ended
