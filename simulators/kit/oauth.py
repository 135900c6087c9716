"""An OAuth 2 authorization server as the simulated services share it: codes, tokens, rotation,
revocation.

A CRM routes its own paths here, reads its own body form and shapes its own answer from the Tokens
it gets. Refusals are OAuthRefused with RFC 6749's words; the CRM words the body. Times are the
simulator's.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulators.kit.clock import Clock
from simulators.kit.messages import HTML_TYPE, Answer

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
FOREVER = float("inf")
INVALID_GRANT = "invalid_grant"
INVALID_CLIENT = "invalid_client"


class OAuthRefused(Exception):
    """The authorization server says no: RFC 6749's `error`, and `reason` in plain words."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(f"{error}: {reason}")
        self.error = error
        self.reason = reason


@dataclass(slots=True)
class Family:
    """One grant a user gave, with all tokens that came of it."""

    id: int
    client_id: str
    scopes: tuple[str, ...]
    user: Mapping[str, Any] = field(default_factory=dict)
    refresh_token: str = ""
    spent: set[str] = field(default_factory=set)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code or a refresh token was exchanged for. `refresh_token` is None where the answer
    leaves it out.
    """

    access_token: str
    refresh_token: str | None
    expires_in: int
    scopes: tuple[str, ...]
    issued_at: float
    family: Family


@dataclass(slots=True)
class Access:
    """An access token as the API's side sees it. `id` is what the log shows of it."""

    id: str
    family: Family
    expires_at: float


@dataclass(slots=True)
class _Code:
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    expires_at: float
    family: Family | None = None


class AuthorizationServer:
    """The grants of one simulated account. `options` is the simulator's own, read at each call."""

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        *,
        options: Mapping[str, Any],
        prefix: str = "",
        user: Mapping[str, Any] | None = None,
    ) -> None:
        self._clock, self._rng, self._options, self._prefix = clock, rng, options, prefix
        self._user = user or {}
        self._codes: dict[str, _Code] = {}
        self._families: list[Family] = []
        self._refresh: dict[str, Family] = {}
        self._access: dict[str, Access] = {}
        self.refreshes = 0

    # --- the browser's part ---------------------------------------------------------------------

    def authorize(self, query: Mapping[str, list[str]], *, scopes: Sequence[str]) -> Answer:
        """302 to the redirect URI with code and state, as if the user had agreed at once.

        An unknown client or redirect URI is never redirected to: 400 with a page.
        """
        asked = {name: values[0] for name, values in query.items()}
        redirect_uri = asked.get("redirect_uri", "")
        client = self._options["clients"].get(asked.get("client_id", ""))
        if client is None or not _redirect_allowed(client, redirect_uri):
            return Answer(
                400, "<html><body>Unknown client or redirect URI.</body></html>", {}, HTML_TYPE
            )
        refusal = self._refusal(asked)
        told = {"error": refusal} if refusal else {"code": self._new_code(asked, tuple(scopes))}
        if "state" in asked:
            told["state"] = asked["state"]
        joint = "&" if "?" in redirect_uri else "?"
        return Answer(302, None, {"Location": redirect_uri + joint + urlencode(told)})

    def _refusal(self, asked: Mapping[str, str]) -> str:
        if self._options["deny_authorize"]:
            return "access_denied"
        if asked.get("response_type", "code") != "code":
            return "unsupported_response_type"
        has_challenge = bool(asked.get("code_challenge"))
        if has_challenge and asked.get("code_challenge_method") != "S256":
            return "invalid_request"
        if self._options["require_pkce"] and not has_challenge:
            return "invalid_request"
        return ""

    def _new_code(self, asked: Mapping[str, str], scopes: tuple[str, ...]) -> str:
        code = self._secret()
        self._codes[code] = _Code(
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            scopes=scopes,
            challenge=asked.get("code_challenge", ""),
            expires_at=self._clock.now() + float(self._options["code_ttl_s"]),
        )
        return code

    # --- the token endpoint ---------------------------------------------------------------------

    def exchange(self, told: Mapping[str, Any]) -> Tokens:
        """Tokens for a code. Raises OAuthRefused; a code used twice revokes what its first use
        gave.
        """
        self._check_client(told)
        code = self._codes.get(str(told.get("code", "")))
        if code is None or code.client_id != told.get("client_id"):
            raise OAuthRefused(INVALID_GRANT, "unknown code")
        if code.family is not None:
            code.family.revoked = True
            raise OAuthRefused(INVALID_GRANT, "the code was used before")
        if code.expires_at <= self._clock.now():
            raise OAuthRefused(INVALID_GRANT, "the code has expired")
        if code.redirect_uri != told.get("redirect_uri"):
            raise OAuthRefused(INVALID_GRANT, "redirect_uri differs from the one authorized")
        if code.challenge and code.challenge != _challenge(str(told.get("code_verifier", ""))):
            raise OAuthRefused(INVALID_GRANT, "code_verifier does not fit")
        code.family = self._new_family(code.client_id, code.scopes)
        return self._issue(code.family)

    def refresh(self, told: Mapping[str, Any]) -> Tokens:
        """New tokens for a refresh token. With rotation, a spent one revokes its whole family."""
        self._check_client(told)
        token = str(told.get("refresh_token", ""))
        family = self._refresh.get(token)
        if family is None or family.client_id != told.get("client_id"):
            raise OAuthRefused(INVALID_GRANT, "unknown refresh token")
        if token in family.spent:
            family.revoked = True
        if family.revoked:
            raise OAuthRefused(INVALID_GRANT, "the refresh token is invalid, expired or revoked")
        self.refreshes += 1
        if self._options["rotate_refresh"]:
            family.spent.add(token)
            self._end_access(family)
            self._new_refresh(family)
        return self._issue(family, omit_refresh=bool(self._options["omit_refresh"]))

    def issue(self, client_id: str, scopes: tuple[str, ...]) -> Tokens:
        """Tokens for a grant that no person consents to: without a refresh token."""
        return self._issue(self._new_family(client_id, scopes), omit_refresh=True)

    def check_client(self, told: Mapping[str, Any]) -> None:
        """Raises OAuthRefused where id and secret are not a client's."""
        self._check_client(told)

    def revoke(self, token: str) -> bool:
        """End the grant an access or refresh token belongs to; False for an unknown token."""
        access = self._access.get(token)
        family = access.family if access else self._refresh.get(token)
        if family is None:
            return False
        family.revoked = True
        return True

    def _check_client(self, told: Mapping[str, Any]) -> None:
        client = self._options["clients"].get(told.get("client_id"))
        if client is None or client.get("secret") != told.get("client_secret"):
            raise OAuthRefused(INVALID_CLIENT, "unknown client or wrong secret")

    # --- the API's part -------------------------------------------------------------------------

    def access(self, token: str | None) -> Access | None:
        """The access token if the API ever gave it out and its grant lives, be it expired or
        not.
        """
        found = self._access.get(token or "")
        return found if found is not None and not found.family.revoked else None

    def is_expired(self, access: Access) -> bool:
        """Whether the token's time is over."""
        return access.expires_at <= self._clock.now()

    def scopes(self, access: Access) -> frozenset[str]:
        """What the token may do now: granted, less what was taken away since."""
        return frozenset(access.family.scopes) - frozenset(self._options["removed_scopes"])

    def static(self, token: str, scopes: Sequence[str]) -> None:
        """A key that never expires (private app, service key, API token)."""
        family = self._new_family("", tuple(scopes))
        self._access[token] = Access(f"key{family.id}", family, FOREVER)

    # --- tests ----------------------------------------------------------------------------------

    def control(self, told: Mapping[str, Any], *, scopes: Sequence[str]) -> dict[str, Any]:
        """`{"issue": {"scopes"?: [...]}}` gives tokens without the dance; `{"revoke": true}` ends
        every grant; `{"expire": true}` ends every access token; always answers `refreshes`, how
        many there were.
        """
        answer: dict[str, Any] = {}
        if told.get("revoke"):
            for family in self._families:
                family.revoked = True
        if told.get("expire"):
            for access in self._access.values():
                access.expires_at = min(access.expires_at, self._clock.now())
        if "issue" in told:
            wanted = told["issue"].get("scopes", scopes)
            tokens = self._issue(
                self._new_family(told["issue"].get("client_id", "demo-client"), tuple(wanted))
            )
            answer = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
        return {**answer, "refreshes": self.refreshes}

    # --- parts ----------------------------------------------------------------------------------

    def _new_family(self, client_id: str, scopes: tuple[str, ...]) -> Family:
        family = Family(len(self._families) + 1, client_id, scopes, self._user)
        self._families.append(family)
        self._new_refresh(family)
        return family

    def _new_refresh(self, family: Family) -> None:
        family.refresh_token = self._secret()
        self._refresh[family.refresh_token] = family

    def _issue(self, family: Family, *, omit_refresh: bool = False) -> Tokens:
        now = self._clock.now()
        ttl_s = int(self._options["access_ttl_s"])
        token = self._secret()
        self._access[token] = Access(f"t{len(self._access) + 1}", family, now + ttl_s)
        refresh_token = None if omit_refresh else family.refresh_token
        return Tokens(token, refresh_token, ttl_s, family.scopes, now, family)

    def _end_access(self, family: Family) -> None:
        for one in self._access.values():
            if one.family is family:
                one.expires_at = min(one.expires_at, self._clock.now())

    def _secret(self) -> str:
        return f"{self._prefix}{self._rng.getrandbits(256):064x}"


def _redirect_allowed(client: Mapping[str, Any], redirect_uri: str) -> bool:
    """Registered URIs must match exactly; a client without any may use this machine's."""
    registered = client.get("redirect_uris")
    if registered is not None:
        return redirect_uri in registered
    parts = urlsplit(redirect_uri)
    return (
        parts.scheme in {"http", "https"} and parts.hostname in LOCAL_HOSTS and not parts.fragment
    )


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
