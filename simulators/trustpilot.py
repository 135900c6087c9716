"""Trustpilot: the page that opens business generated links, and the API of its invitations.

The page by the vendor's documentation and samples (2026-11): base64 of IV, ciphertext and HMAC;
AES-256-CBC with PKCS7 padding. A link that does not open is answered 400, one that does shows who
is invited. The API by public code that calls it: addresses, Basic for the token, the members of
what is posted; the bodies of its errors are unverified.
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
# What public code always posts.
MAIL_NEEDS = ("consumerEmail", "consumerName", "referenceNumber")
LINK_NEEDS = ("referenceId", "email", "name")
ENCRYPTION_KEY = base64.b64encode(bytes(range(32))).decode()
AUTHENTICATION_KEY = base64.b64encode(bytes(range(32, 64))).decode()


class Trustpilot(Simulator):
    """One business at `domain`."""

    name = "trustpilot"
    defaults: ClassVar[dict[str, Any]] = {
        "domain": "shop.example",
        "api_key": "demo-api-key",
        "api_secret": "demo-api-secret",
        "business_unit": "46d6a890000064000500e0c3",
        "templates": ["507f191e810c19729de860ea"],
    }

    def set_up(self) -> None:
        self.invited: list[dict[str, Any]] = []
        self.mailed: list[dict[str, Any]] = []
        self.linked: list[dict[str, Any]] = []
        self.signed_in: list[dict[str, str]] = []
        self.tokens: set[str] = set()

    def records(self) -> dict[str, Any]:
        """Who has opened a link, who was written to, for whom a link was made, who signed in."""
        return {
            "invited": self.invited,
            "mailed": self.mailed,
            "linked": self.linked,
            "signed_in": self.signed_in,
        }

    @route("GET", r"/evaluate-bgl/(?P<domain>[^/]+)", kind="read")
    def review(self, request: Request) -> Answer:
        """The page to write a review on."""
        told = _opened(request.asked("p"))
        if told is None or request.params["domain"] != self.options["domain"]:
            return Answer(400, {"error": "invalid link"})
        self.invited.append(told)
        return Answer(200, told)

    # --- the API ------------------------------------------------------------------------------

    @route("POST", r"/v1/oauth/oauth-business-users-for-applications/accesstoken", kind="oauth")
    def token(self, request: Request) -> Answer:
        """A token for key and secret by Basic, and the business user where the grant asks."""
        pair = f"{self.options['api_key']}:{self.options['api_secret']}".encode()
        if request.headers.get("authorization") != f"Basic {base64.b64encode(pair).decode()}":
            return Answer(401, {"error": "invalid_client"})
        told = request.form()
        asks_user = told.get("grant_type") == "password"
        if asks_user and not (told.get("username") and told.get("password")):
            return Answer(400, {"error": "invalid_request"})
        self.signed_in.append(told)
        token = f"token-{len(self.signed_in)}"
        self.tokens = {token}
        return Answer(200, {"access_token": token, "token_type": "bearer", "expires_in": 360_000})

    @route("GET", r"/v1/private/business-units/(?P<unit>[^/]+)/templates", kind="read")
    def templates(self, request: Request) -> Answer:
        """The templates of invitations."""
        listed = [{"id": one, "name": "Thanks"} for one in self.options["templates"]]
        return self._refusal(request) or Answer(200, {"templates": listed})

    @route("POST", r"/v1/private/business-units/(?P<unit>[^/]+)/email-invitations", kind="write")
    def invite(self, request: Request) -> Answer:
        """Accepts an invitation; its mail goes out later."""
        refusal = self._refusal(request)
        told = request.json()
        if refusal is None and not all(told.get(name) for name in MAIL_NEEDS):
            refusal = Answer(400, {"message": "a member is missing"})
        if refusal is None:
            self.mailed.append(told)
        return refusal or Answer(202, {})

    @route("POST", r"/v1/private/business-units/(?P<unit>[^/]+)/invitation-links", kind="write")
    def link(self, request: Request) -> Answer:
        """The address at which one person reviews."""
        refusal = self._refusal(request)
        told = request.json()
        if refusal is None and not all(told.get(name) for name in LINK_NEEDS):
            refusal = Answer(400, {"message": "a member is missing"})
        if refusal is not None:
            return refusal
        self.linked.append(told)
        number = f"{len(self.linked):032x}"
        url = f"http://{request.headers['host']}/evaluate-link/{number}"
        return Answer(200, {"id": number, "url": url})

    @route("GET", r"/evaluate-link/(?P<number>[0-9a-f]{32})", kind="read")
    def evaluate(self, request: Request) -> Answer:
        """The page to write a review on, by a link that the API has made."""
        at = int(request.params["number"], 16) - 1
        return Answer(200, self.linked[at]) if at < len(self.linked) else Answer(404, {})

    def _refusal(self, request: Request) -> Answer | None:
        if request.bearer() not in self.tokens:
            return Answer(401, {"message": "unauthorized"})
        if request.params["unit"] != self.options["business_unit"]:
            return Answer(404, {"message": "not found"})
        return None


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
