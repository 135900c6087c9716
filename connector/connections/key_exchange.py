"""An API key for a token that ends, where a CRM wants it so (adapters.traits.KeyExchange)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from adapters.errors import BrokenContract, OutcomeUnknown, ReconnectNeeded, Throttled, TryLater
from adapters.http import requests_session
from adapters.traits import KeyExchange
from connector.connections.grants import Grant, seconds
from connector.connections.provider import Provider, told
from schemas import strict
from schemas.secret import Secret

LONGEST_TOKEN = 8_192
# What CRMs answer to a key they do not know; Splio documents 400 alone.
_REFUSED = frozenset({400, 401, 403})


def exchanged(
    provider: Provider, exchange: KeyExchange, *, key: Secret, secrets: Mapping[str, Any]
) -> Grant:
    """A token for the key. `secrets`: the settings that are sealed. Raises ReconnectNeeded where it
    is refused, TryLater, BrokenContract.
    """
    url = provider.endpoint(exchange.url)
    parts = urlsplit(url)
    with requests_session(provider.wire, f"{parts.scheme}://{parts.netloc}") as session:
        body = _body(exchange, _Settings({**provider.settings, **secrets}), key)
        answer = told(lambda: session.post(url, **body, allow_redirects=False))
    status = answer.status_code
    if status in _REFUSED:
        message = "the CRM does not take this key"
        raise ReconnectNeeded(message, code="key_refused")
    if status == 429:
        message = "the CRM asks us to wait with signing in"
        raise Throttled(message, code="token_endpoint_busy")
    if status >= 500 or 300 <= status < 400:
        message = f"the CRM answered {status} when we signed in"
        raise TryLater(message, code="token_endpoint_failed")
    if status >= 400:
        message = f"the CRM answered {status} when we signed in"
        raise BrokenContract(message, code="token_endpoint_failed")
    said = _said(answer.content)
    lives_s = said.get(exchange.lives_field) if exchange.lives_field else None
    return Grant(
        access_token=Secret(_token_in(said, exchange.token_field)),
        expires_in_s=seconds(lives_s) or exchange.lives_s,
    )


class _Settings(dict[str, Any]):
    """A setting that was left empty says nothing."""

    def __missing__(self, _name: str) -> str:
        return ""


def _body(exchange: KeyExchange, settings: _Settings, key: Secret) -> dict[str, Any]:
    """What is posted, by the names of the arguments that say how it is sent."""
    fields = {name: one.format_map(settings) for name, one in exchange.fields.items()}
    body = {name: one for name, one in fields.items() if one}
    kind = "data" if exchange.form else "json"
    if exchange.user is not None:
        return {kind: body, "auth": (exchange.user.format_map(settings), key.reveal())}
    return {kind: {**body, exchange.key_field: key.reveal()}}


def _said(content: bytes) -> Mapping[str, Any]:
    try:
        said = strict.decode(content)
    except strict.NotStrict:
        said = None
    return said if isinstance(said, dict) else {}


def _token_in(said: Mapping[str, Any], field: str) -> str:
    token = said.get(field)
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
        message = "the answer to our signing in holds no token"
        raise OutcomeUnknown(message, code="token_answer_unreadable")
    return token
