"""The operator's OpenID provider as we speak with it: discovery, the token endpoint, its keys.

No database here. What the provider says of itself is asked for once an hour; an ID token signed by
an unknown key asks for the keys anew. Authlib speaks OAuth, joserfc reads the token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from adapters.errors import AdapterError
from adapters.http import Wire, requests_session
from connector import clock
from connector.db import refuse_inside_transaction
from connector.settings import OIDC, is_loopback

# Signatures by a key pair: a shared secret or none at all would let others sign (RFC 8725, 3.1).
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
KINDS = frozenset({"RSA", "EC", "OKP"})
LEEWAY_S, MOST_AGE_S = 60, 600
KEPT_S = timedelta(hours=1).total_seconds()
DISCOVERY = "/.well-known/openid-configuration"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class SignInFailed(Exception):
    """The provider, or what it said, lets nobody in. `code` is a stable word; nothing of the
    provider's answer stands in it.
    """

    def __init__(self, *, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claims:
    """What an ID token says, checked. `is_verified`: the provider has proved the address."""

    issuer: str
    subject: str
    email: str
    is_verified: bool
    name: str


@dataclass(slots=True)
class Provider:
    """One per process; threads may share it: what two ask for at one moment is the same."""

    settings: OIDC
    redirect_uri: str
    wire: Wire = field(default_factory=Wire)
    _said: dict[str, Any] = field(default_factory=dict)
    _asked_at: float = float("-inf")

    @property
    def issuer(self) -> str:
        """The provider's own name, which is the start of its addresses."""
        return self.settings.issuer

    def consent_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """The page where the person signs in. PKCE S256 always (RFC 7636)."""
        with self._client("authorization_endpoint") as client:
            url, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                redirect_uri=self.redirect_uri,
                scope="openid email profile",
            )
        return str(url)

    def claims_of(self, code: str, *, verifier: str, nonce: str) -> Claims:
        """Who has signed in, by the code that the browser brought. A code serves once."""
        refuse_inside_transaction()
        with self._client("token_endpoint") as client:
            answer = _told(
                lambda: client.fetch_token(
                    self._endpoint("token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=self.redirect_uri,
                    code_verifier=verifier,
                    allow_redirects=False,
                )
            )
        return self._checked(str(answer.get("id_token", "")), nonce=nonce)

    def look(self) -> None:
        """Ask the provider what it says of itself, and its keys. Raises SignInFailed."""
        self._asked_at = float("-inf")
        self._keys()

    def _checked(self, token: str, *, nonce: str) -> Claims:
        """OpenID Connect Core 1.0, 3.1.3.7. Raises SignInFailed(token_refused)."""
        now = int(clock.now().timestamp())
        asked = JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.settings.client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token).claims
            asked.validate(claims)
        except (JoseError, ValueError) as exc:
            raise SignInFailed(code="token_refused") from exc
        ours = self.settings.client.client_id
        is_ours = claims.get("azp", ours) == ours
        if not is_ours or now - int(claims["iat"]) > MOST_AGE_S:
            raise SignInFailed(code="token_refused")
        return _claims(claims, self.issuer)

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._keys(), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            # The provider may have changed its keys since they were asked for.
            self._asked_at = float("-inf")
            return jwt.decode(token, self._keys(), algorithms=list(ALGORITHMS))

    def _keys(self) -> KeySet:
        self._endpoint("jwks_uri")
        if "keys" not in self._said:
            found = self._got(self._endpoint("jwks_uri"))
            # Keys for encryption, or of a kind that we do not know, are of no use here.
            usable = [
                one
                for one in found.get("keys", ())
                if one.get("use", "sig") == "sig" and one.get("kty") in KINDS
            ]
            self._said = {**self._said, "keys": usable}
        try:
            return KeySet.import_key_set({"keys": self._said["keys"]})
        except (JoseError, ValueError, TypeError) as exc:
            raise SignInFailed(code="provider_unreadable") from exc

    def _endpoint(self, name: str) -> str:
        if clock.monotonic() - self._asked_at > KEPT_S:
            self._said = self._discovered()
            self._asked_at = clock.monotonic()
        return str(self._said[name])

    def _discovered(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, 4.3: the document must name the issuer that was asked."""
        said = self._got(self.issuer.rstrip("/") + DISCOVERY)
        is_good = said.get("issuer") == self.issuer and all(
            _is_safe(said.get(name)) for name in _ENDPOINTS
        )
        if not is_good:
            raise SignInFailed(code="provider_unreadable")
        return said

    def _got(self, url: str) -> dict[str, Any]:
        refuse_inside_transaction()
        parts = urlsplit(url)
        with requests_session(self.wire, f"{parts.scheme}://{parts.netloc}") as session:
            answer = _told(lambda: session.get(url, allow_redirects=False))
        try:
            found = json.loads(answer.content) if answer.status_code == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SignInFailed(code="provider_unreadable")
        return found

    def _client(self, endpoint: str) -> Any:  # noqa: ANN401 - authlib has no types
        # Authlib costs half a second to import, and most processes need none.
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415

        made = OAuth2Session(
            client_id=self.settings.client.client_id,
            client_secret=self.settings.client.client_secret.reveal(),
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - its name
            code_challenge_method="S256",
        )
        parts = urlsplit(self._endpoint(endpoint))
        made.adapters = requests_session(self.wire, f"{parts.scheme}://{parts.netloc}").adapters
        made.trust_env = False
        made.max_redirects = 1
        return made


def _claims(said: Mapping[str, Any], issuer: str) -> Claims:
    email, name = said.get("email"), said.get("name")
    if not isinstance(email, str) or "@" not in email:
        raise SignInFailed(code="address_missing")
    return Claims(
        issuer=issuer,
        subject=str(said["sub"]),
        email=email.strip(),
        is_verified=said.get("email_verified") is True,
        name=name if isinstance(name, str) else "",
    )


def _told(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - authlib has no types
    """The call's answer. Authlib's own refusals are the provider's, in its words."""
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - see _client

    try:
        return call()
    except AuthlibBaseError as exc:
        raise SignInFailed(code="code_refused") from exc
    except (requests.RequestException, AdapterError, ValueError) as exc:
        raise SignInFailed(code="provider_away") from exc


def _is_safe(url: object) -> bool:
    """An https address; plain http on this machine alone."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    is_https = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    return is_https and bool(parts.hostname) and "@" not in parts.netloc
