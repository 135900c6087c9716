"""/oauth: the consent page, the token endpoint with its JSON body, and revocation."""

from __future__ import annotations

from typing import Any

from simulators.kit.messages import Answer, Request
from simulators.kit.oauth import OAuthRefused, Tokens
from simulators.kit.simulator import route
from simulators.zendesk import refusals
from simulators.zendesk.account import SCOPES, Account

LIFETIMES = {"expires_in": (300, 172_800), "refresh_token_expires_in": (604_800, 7_776_000)}


class SignIn(Account):
    """OAuth 2 as Zendesk does it: JSON in, both tokens rotate, codes live two minutes."""

    @route("GET", r"/oauth/authorizations/new", kind="oauth")
    def authorize(self, request: Request) -> Answer:
        asked = request.asked("scope").split()
        return self.grants.authorize(request.query, scopes=asked or SCOPES)

    @route("POST", r"/oauth/tokens", kind="oauth")
    def tokens(self, request: Request) -> Answer:
        told = request.json()
        if not isinstance(told, dict):
            raise refusals.bad_request(told="an object is needed")
        try:
            _check_lifetimes(told)
            return self._granted(self._exchanged(told))
        except OAuthRefused as refused:
            status = 401 if refused.error == "invalid_client" else 400
            body = {"error": refused.error, "error_description": refused.reason}
            return self.ok(body, status)

    @route("DELETE", r"/api/v2/oauth/tokens/current(?:\.json)?", kind="oauth")
    def revoke(self, request: Request) -> Answer:
        """The caller's own token."""
        self.grants.revoke(request.bearer() or "")
        return Answer(204)

    def _exchanged(self, told: dict[str, Any]) -> Tokens:
        grant = told.get("grant_type")
        if grant == "authorization_code":
            return self.grants.exchange(told)
        if grant == "refresh_token":
            return self._refreshed(told)
        raise OAuthRefused(
            error="unsupported_grant_type", reason="the authorization grant type is not supported"
        )

    def _refreshed(self, told: dict[str, Any]) -> Tokens:
        born = self.refresh_born.get(str(told.get("refresh_token", "")))
        if born is not None and self.clock.now() - born > float(self.options["refresh_ttl_s"]):
            raise OAuthRefused(error="invalid_grant", reason="the refresh token has expired")
        tokens = self.grants.refresh(told)
        self.log.token_refreshes = self.grants.refreshes
        return tokens

    def _granted(self, tokens: Tokens) -> Answer:
        if tokens.refresh_token:
            self.refresh_born.setdefault(tokens.refresh_token, self.clock.now())
        told: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "scope": " ".join(tokens.scopes),
            "refresh_token": tokens.refresh_token,
            "expires_in": tokens.expires_in,
            "refresh_token_expires_in": int(self.options["refresh_ttl_s"]),
        }
        return self.ok(_form(told, str(self.options["token_told"])))


def _form(told: dict[str, Any], form: str) -> dict[str, Any]:
    """The answer in one of the forms it may have."""
    if form == "null":
        return {**told, "expires_in": None, "refresh_token_expires_in": None}
    if form == "texts":
        scopes = told.pop("scope").split()
        return {**told, "scopes": scopes, "expires_in": str(told["expires_in"])}
    if form == "bare":
        return {name: told[name] for name in ("access_token", "refresh_token")}
    return told


def _check_lifetimes(told: dict[str, Any]) -> None:
    for name, (low, high) in LIFETIMES.items():
        wanted = told.get(name)
        if wanted is not None and not (isinstance(wanted, int) and low < wanted < high):
            raise OAuthRefused(
                error="invalid_request", reason=f"{name} must lie between {low} and {high}"
            )
