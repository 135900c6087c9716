"""Reads what a token endpoint answered: a grant, or the error that says what to do. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from adapters.errors import AdapterError, OutcomeUnknown, ReconnectNeeded, Throttled, TryLater
from schemas import strict
from schemas.secret import Secret

# Words of RFC 6749 and of the three CRMs that we explain to the admin; any other is token_refused.
REFUSALS = frozenset(
    {
        "invalid_grant",
        "invalid_client",
        "invalid_client_id",
        "invalid_client_credentials",
        "unauthorized_client",
        "invalid_scope",
        "inactive_user",
        "inactive_org",
        "access_denied",
    }
)
_BUSY = frozenset({"rate_limit_exceeded", "temporarily_unavailable", "slow_down", "server_error"})
_WORD = re.compile(r"[A-Za-z_]{1,40}")
_LONGEST_TOKEN = 8_192


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token endpoint gave. `refresh_token` None: keep the one there is.

    `expires_in_s` None: the provider does not say. `instance_url` is where the account lives, for
    providers that tell it; it has been checked against the hosts the app may have.
    """

    access_token: Secret
    refresh_token: Secret | None = None
    expires_in_s: int | None = None
    instance_url: str | None = None
    scopes: tuple[str, ...] = ()


def judged(answer: requests.Response) -> requests.Response:
    """The answer if it is a grant; otherwise the error that says what to do.

    The status comes first: one CRM answers 5xx with invalid_grant in the body when it is only ill.
    """
    status = answer.status_code
    if status == 429:
        message = "the token endpoint asks us to wait"
        raise Throttled(message, wait_s=_retry_after(answer), code="token_endpoint_busy")
    if status >= 500 or 300 <= status < 400:
        message = f"the token endpoint answered {status}"
        raise TryLater(message, code="token_endpoint_failed")
    said = _object(answer)
    if status >= 400:
        raise _refusal(status, said)
    if not _is_token(said.get("access_token")):
        message = "the token endpoint's answer holds no access token"
        raise OutcomeUnknown(message, code="token_answer_unreadable")
    return answer


def _object(answer: requests.Response) -> Mapping[str, Any]:
    try:
        said = strict.decode(answer.content)
    except strict.NotStrict:
        said = None
    if isinstance(said, dict):
        return said
    if answer.status_code >= 400:
        # A proxy's page, not the provider's word: the grant may well be alive.
        message = f"the token endpoint answered {answer.status_code} without a reason"
        raise TryLater(message, code="token_endpoint_failed")
    message = "the token endpoint's answer cannot be read"
    raise OutcomeUnknown(message, code="token_answer_unreadable")


def _refusal(status: int, said: Mapping[str, Any]) -> AdapterError:
    word = said.get("error")
    if not isinstance(word, str) or not _WORD.fullmatch(word):
        return TryLater(f"the token endpoint answered {status}", code="token_endpoint_failed")
    if word.lower() in _BUSY:
        return TryLater("the token endpoint is busy", code="token_endpoint_busy")
    code = word.lower() if word.lower() in REFUSALS else "token_refused"
    return ReconnectNeeded(f"the provider refused the connection: {word}", code=code)


def grant_in(said: Mapping[str, Any], *, assumed_s: int | None, instance_url: str | None) -> Grant:
    """The grant that a judged answer holds. `assumed_s`: its lifetime where it tells none."""
    refresh_token = said.get("refresh_token")
    return Grant(
        access_token=Secret(str(said["access_token"])),
        refresh_token=Secret(str(refresh_token)) if _is_token(refresh_token) else None,
        expires_in_s=seconds(said.get("expires_in")) or assumed_s,
        instance_url=instance_url,
        scopes=_scopes(said.get("scopes", said.get("scope"))),
    )


def _scopes(said: object) -> tuple[str, ...]:
    if isinstance(said, str):
        return tuple(said.split())
    if isinstance(said, list):
        return tuple(str(scope) for scope in said)
    return ()


def seconds(said: object) -> int | None:
    """Seconds as a number or its digits; None and nonsense mean that nothing was said."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said)
    if isinstance(said, int | float) and not isinstance(said, bool) and said > 0:
        return int(said)
    return None


def _retry_after(answer: requests.Response) -> float | None:
    said = seconds(answer.headers.get("Retry-After"))
    return None if said is None else float(said)


def _is_token(said: object) -> bool:
    return isinstance(said, str) and 0 < len(said) <= _LONGEST_TOKEN
