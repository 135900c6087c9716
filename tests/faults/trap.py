"""Servers that are none: one whose certificate nobody has signed, and one that says nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextlib.contextmanager
def self_signed() -> Iterator[str]:
    """An https address whose certificate cannot be trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "cert.pem"
        pem.write_bytes(_certificate())
        context.load_cert_chain(pem)
    with _listening() as server:
        threading.Thread(target=_greet, args=(server, context), daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def silent(*, accepts: bool) -> Iterator[str]:
    """An address that takes connections and never answers, or never even takes them."""
    with _listening(backlog=0) as server, contextlib.ExitStack() as stack:
        address = server.getsockname()
        if not accepts:
            # The queue of waiting connections is full: the kernel answers no further one.
            for _ in range(4):
                one = stack.enter_context(socket.socket())
                one.settimeout(0)
                one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


@contextlib.contextmanager
def _listening(backlog: int = 16) -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(backlog)
        yield server


def _greet(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = server.accept()
        except OSError:  # the test is over
            return
        with contextlib.suppress(OSError), plain:
            context.wrap_socket(plain, server_side=True).close()


def _certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
