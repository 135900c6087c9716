"""The org's OAuth 2 endpoints: authorize, token, revoke, userinfo, introspect.

Token answers have no `expires_in` (a session lives until its timeout), name the instance, and carry
a refresh token the first time and whenever rotation is on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.oauth import Access, AuthorizationServer, OAuthRefused, Tokens
from simulators.kit.simulator import route
from simulators.salesforce.account import Org
from simulators.salesforce.assertions import checked
from simulators.salesforce.wording import said

MACHINE_GRANTS = ("urn:ietf:params:oauth:grant-type:jwt-bearer", "client_credentials")
SCOPES = ("api", "refresh_token", "id", "openid")
_WORDS = {
    "unknown refresh token": "expired access/refresh token",
    "the refresh token is invalid, expired or revoked": "expired access/refresh token",
    "the code has expired": "expired authorization code",
    "unknown code": "invalid authorization code",
    "the code was used before": "expired authorization code",
    "code_verifier does not fit": "invalid code verifier",
    "redirect_uri differs from the one authorized": "redirect_uri must match configuration",
}


class Login(Org):
    """Who may call, and how they came to."""

    def set_up(self) -> None:
        super().set_up()
        self.grants = AuthorizationServer(self.clock, self.rng, options=self.options, prefix="00D!")

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        return self.grants.control(told, scopes=SCOPES)

    def granted(self, request: Request) -> set[str]:
        return set(self.grants.scopes(self._access(request)))

    def _access(self, request: Request) -> Access:
        access = self.grants.access(request.bearer())
        if access is None or self.grants.is_expired(access):
            raise Refused(said(401, "INVALID_SESSION_ID", "Session expired or invalid"))
        request.token_id = access.id
        return access

    @route("GET", r"/services/oauth2/authorize", kind="oauth")
    def authorize(self, request: Request) -> Answer:
        """The browser's part: asked scopes are granted at once."""
        asked = request.asked("scope").split() or ["api", "refresh_token"]
        unknown = [one for one in asked if one not in {*SCOPES, "full", "web", "profile", "email"}]
        if unknown:
            return Answer(400, "error=invalid_scope", {}, "text/plain;charset=UTF-8")
        return self.grants.authorize(request.query, scopes=asked)

    @route("POST", r"/services/oauth2/token", kind="oauth")
    def token(self, request: Request) -> Answer:
        """A code or a refresh token for an access token."""
        told = request.form()
        grant = told.get("grant_type")
        try:
            if grant == "authorization_code":
                return self._told(self.grants.exchange(told), first=True)
            if grant == "refresh_token":
                tokens = self.grants.refresh(told)
                self.log.token_refreshes += 1
                return self._told(tokens, first=bool(self.options["rotate_refresh"]))
            if grant in MACHINE_GRANTS:
                return self._told(self._granted(told), first=False)
        except OAuthRefused as refused:
            return _refusal(refused.error, _WORDS.get(refused.reason, refused.reason))
        return _refusal("unsupported_grant_type", "grant type not supported")

    def _granted(self, told: dict[str, str]) -> Tokens:
        """Tokens without a person: for a signed assertion, or the client's own credentials."""
        if told["grant_type"] == MACHINE_GRANTS[0]:
            client_id = checked(told.get("assertion", ""), self.options, now=self.clock.now())
        else:
            self.grants.check_client(told)
            client_id = told["client_id"]
        self.log.token_refreshes += 1
        return self.grants.issue(client_id, ("api",))

    @route("POST", r"/services/oauth2/revoke", kind="oauth")
    def revoke(self, request: Request) -> Answer:
        """End a grant."""
        if not self.grants.revoke(request.form().get("token", "")):
            return _refusal("invalid_token", "invalid token")
        return Answer(200, "", {}, "text/html;charset=UTF-8")

    @route("GET", r"/services/oauth2/userinfo", kind="oauth")
    def userinfo(self, request: Request) -> Answer:
        """Who the token speaks for."""
        try:
            self._access(request)
        except Refused:
            return Answer(403, "Bad_OAuth_Token", {}, "text/html;charset=UTF-8")
        return Answer(200, self._who())

    @route("POST", r"/services/oauth2/introspect", kind="oauth")
    def introspect(self, request: Request) -> Answer:
        """Whether a token lives."""
        access = self.grants.access(request.form().get("token"))
        if access is None or self.grants.is_expired(access):
            return Answer(200, {"active": False})
        scopes = " ".join(sorted(self.grants.scopes(access)))
        expires = int(access.expires_at)
        told = {"active": True, "scope": scopes, "exp": expires, "token_type": "access_token"}
        return Answer(200, told)

    def _who(self) -> dict[str, Any]:
        user = self.store.get("User", self.store.user_id) or {}
        instance = self._instance()
        return {
            "sub": self._identity(),
            "user_id": self.store.user_id,
            "organization_id": self.org_id,
            "preferred_username": user["Username"],
            "nickname": "integration",
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "active": True,
            "user_type": "STANDARD",
            "urls": {
                "rest": f"{instance}/services/data/v{{version}}/",
                "sobjects": f"{instance}/services/data/v{{version}}/sobjects/",
                "query": f"{instance}/services/data/v{{version}}/query/",
                "custom_domain": instance,
            },
        }

    def _told(self, tokens: Tokens, *, first: bool) -> Answer:
        issued_at = str(int(tokens.issued_at * 1000))
        told = {
            "access_token": tokens.access_token,
            "signature": self._signature(issued_at),
            "scope": " ".join(tokens.scopes),
            "instance_url": self._instance(),
            "id": self._identity(),
            "token_type": "Bearer",
            "issued_at": issued_at,
        }
        if first and tokens.refresh_token is not None and "refresh_token" in tokens.scopes:
            told["refresh_token"] = tokens.refresh_token
        return Answer(200, told)

    def _instance(self) -> str:
        return str(self.options["instance_url"] or self.base_url)

    def _identity(self) -> str:
        return f"{self.base_url}/id/{self.org_id}/{self.store.user_id}"

    def _signature(self, issued_at: str) -> str:
        text = (self._identity() + issued_at).encode()
        return base64.b64encode(hmac.new(b"demo-secret", text, hashlib.sha256).digest()).decode()


def _refusal(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description})
