"""Trustpilot's page for business generated links, as far as a link is opened there.

Its documentation and samples (2026-11): base64 of IV, ciphertext and HMAC; AES-256-CBC with PKCS7
padding. A link that does not open is answered 400, one that does shows who is invited.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any, ClassVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route

IV_BYTES, MAC_BYTES = 16, 32
ENCRYPTION_KEY = base64.b64encode(bytes(range(32))).decode()
AUTHENTICATION_KEY = base64.b64encode(bytes(range(32, 64))).decode()


class Trustpilot(Simulator):
    """One business at `domain`."""

    name = "trustpilot"
    defaults: ClassVar[dict[str, Any]] = {"domain": "shop.example"}

    def set_up(self) -> None:
        self.invited: list[dict[str, Any]] = []

    def records(self) -> dict[str, Any]:
        """Who has opened a link."""
        return {"invited": self.invited}

    @route("GET", r"/evaluate-bgl/(?P<domain>[^/]+)", kind="read")
    def review(self, request: Request) -> Answer:
        """The page to write a review on."""
        told = _opened(request.asked("p"))
        if told is None or request.params["domain"] != self.options["domain"]:
            return Answer(400, {"error": "invalid link"})
        self.invited.append(told)
        return Answer(200, told)


def _opened(text: str) -> dict[str, Any] | None:
    try:
        sealed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
    own = hmac.digest(base64.b64decode(AUTHENTICATION_KEY), body, "sha256")
    if len(body) <= IV_BYTES or len(body) % IV_BYTES or not hmac.compare_digest(own, mac):
        return None
    key = algorithms.AES(base64.b64decode(ENCRYPTION_KEY))
    opener = Cipher(key, modes.CBC(body[:IV_BYTES])).decryptor()
    plain = opener.update(body[IV_BYTES:]) + opener.finalize()
    told = json.loads(plain[: -plain[-1]])
    return told if isinstance(told, dict) and "@" in str(told.get("email")) else None
