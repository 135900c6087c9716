"""The app beside a Zendesk ticket or user: `client.request` sends a token that Zendesk signs. Pure.

Zendesk's proxy makes the token from what the app in the agent's browser hands it and signs it with
the app's secure setting, which the browser never sees. So it proves that an agent of this account
asks through this app, and nothing else: the claims are the browser's own words
(zendesk_app_framework_sdk, issue 206, 2023). The card therefore shows every agent the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from adapters.cards import CardAccount, CardRequest, Proof

_SCHEME = "bearer "
_MOST_SIGNS = 4_096
# Our app asks for two minutes; an hour is what Zendesk's own sample asks for. Whether `expiry` is
# obeyed to the second, and whether `iat` is added, is unverified: both are taken.
LONGEST_S, SKEW_S = 3_600, 60


def proved(request: CardRequest, secrets: Sequence[str], account: CardAccount) -> Proof | None:
    """A Prover: a token of this account's app that has not ended, made for one request."""
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(_SCHEME) or len(header) > _MOST_SIGNS:
        return None
    for secret in secrets:
        claims = _claims(header[len(_SCHEME) :].strip(), secret)
        if claims is not None:
            return _proof(claims, account, now_s=request.now_ms // 1000)
    return None


def _claims(token: str, secret: str) -> Mapping[str, Any] | None:
    try:
        return jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        return None


def _proof(claims: Mapping[str, Any], account: CardAccount, *, now_s: int) -> Proof | None:
    mark, told = claims.get("jti"), claims.get("iss")
    wanted = str(account.settings.get("subdomain", ""))
    if not isinstance(mark, str) or not 16 <= len(mark) <= 100:
        return None
    if not isinstance(told, str) or told.lower() != wanted.lower():
        return None
    if not _is_now(claims, now_s):
        return None
    return Proof(json.dumps(claims).encode(), mark, LONGEST_S + 2 * SKEW_S)


def _is_now(claims: Mapping[str, Any], now_s: int) -> bool:
    ends_at, made_at = claims.get("exp"), claims.get("iat", now_s)
    # Not isinstance: a truth value is an int too.
    if type(ends_at) is not int or type(made_at) is not int:
        return False
    is_over = ends_at <= now_s - SKEW_S or made_at < now_s - LONGEST_S - SKEW_S
    is_ahead = ends_at > now_s + LONGEST_S + SKEW_S or made_at > now_s + SKEW_S
    return not is_over and not is_ahead
