"""An OpenID provider (OpenID Connect Core and Discovery 1.0): code flow with PKCE S256, RS256, keys
that can be changed. Who signs in is said beforehand by `person`; no page asks.

`spoil` changes what the next ID token says, or by which key it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route

CLIENT_ID, CLIENT_SECRET = "hub", "provider-secret"
ADA: Mapping[str, Any] = {
    "sub": "ada-1", "email": "ada@example.test", "email_verified": True, "name": "Ada",
}  # fmt: skip


class OpenIDProvider(Simulator):
    """One provider with one client."""

    name = "openid"
    defaults: ClassVar[dict[str, Any]] = {}

    def set_up(self) -> None:
        self.person: dict[str, Any] = dict(ADA)
        self.spoil: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.change_key()

    def change_key(self) -> None:
        """Sign by a new key from now on; the old one is not published any more."""
        self.key = RSAKey.generate_key(2048, {"use": "sig"})
        self.kid = secrets.token_hex(4)

    @route("GET", r"/\.well-known/openid-configuration", kind="read")
    def discovery(self, request: Request) -> Answer:
        """What the provider says of itself."""
        del request
        base = self.base_url
        return Answer(
            200,
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
                **self.document,
            },
        )

    @route("GET", r"/keys", kind="read")
    def keys(self, request: Request) -> Answer:
        """Its public keys; one for encryption among them."""
        del request
        other = {"kty": "oct", "use": "enc", "k": "c2VjcmV0"}
        return Answer(200, {"keys": [other, {**self.key.as_dict(private=False), "kid": self.kid}]})

    @route("GET", r"/authorize", kind="read")
    def authorize(self, request: Request) -> Answer:
        """The person is signed in already: back at once, with a code."""
        asked = {
            name: request.asked(name)
            for name in ("redirect_uri", "state", "nonce", "code_challenge", "client_id")
        }
        is_right = request.asked("code_challenge_method") == "S256" and all(asked.values())
        if not is_right or asked["client_id"] != CLIENT_ID:
            return Answer(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.base_url})
        return Answer(302, {}, {"Location": f"{asked['redirect_uri']}?{back}"})

    @route("POST", r"/token", kind="write")
    def token(self, request: Request) -> Answer:
        """An ID token for a code, which serves once."""
        told = request.form()
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {known}":
            return Answer(401, {"error": "invalid_client"})
        asked = self.codes.pop(str(told.get("code")), None)
        digest = hashlib.sha256(str(told.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = asked is not None and asked["code_challenge"] == challenge
        if asked is None or not is_right or asked["redirect_uri"] != told.get("redirect_uri"):
            return Answer(400, {"error": "invalid_grant"})
        return Answer(
            200,
            {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])},
        )

    def _signed(self, nonce: str) -> str:
        now = int(time.time())
        spoil = dict(self.spoil)
        self.spoil.clear()
        how = spoil.pop("signed", "RS256")
        claims = {
            "iss": self.base_url, "aud": CLIENT_ID, "nonce": nonce, "iat": now, "exp": now + 300,
            **self.person, **spoil,
        }  # fmt: skip
        header = {"alg": "RS256", "kid": self.kid}
        if how == "by the client's secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))
        if how == "by another key":
            other = RSAKey.generate_key(2048)
            return jwt.encode(header, claims, other)
        if how == "by nobody":
            parts = (b'{"alg":"none"}', jwt.encode(header, claims, self.key).split(".")[1].encode())
            first = base64.urlsafe_b64encode(parts[0]).rstrip(b"=").decode()
            return f"{first}.{parts[1].decode()}."
        return jwt.encode(header, claims, self.key)
