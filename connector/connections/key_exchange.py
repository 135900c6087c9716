"""An API key for a token that ends, where a CRM wants it so (adapters.traits.KeyExchange)."""

from urllib.parse import urlsplit

from adapters.errors import BrokenContract, OutcomeUnknown, ReconnectNeeded, Throttled, TryLater
from adapters.http import requests_session
from adapters.traits import KeyExchange
from connector.connections.grants import Grant
from connector.connections.provider import Provider, told
from schemas import strict
from schemas.secret import Secret

LONGEST_TOKEN = 8_192
# What CRMs answer to a key they do not know; Splio documents 400 alone.
_REFUSED = frozenset({400, 401, 403})


def exchanged(provider: Provider, exchange: KeyExchange, *, key: Secret) -> Grant:
    """A token for the key. Raises ReconnectNeeded where it is refused, TryLater, BrokenContract."""
    url = provider.endpoint(exchange.url)
    parts = urlsplit(url)
    with requests_session(provider.wire, f"{parts.scheme}://{parts.netloc}") as session:
        body = {exchange.key_field: key.reveal()}
        answer = told(lambda: session.post(url, json=body, allow_redirects=False))
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
    return Grant(
        access_token=Secret(_token_in(answer.content, exchange.token_field)),
        expires_in_s=exchange.lives_s,
    )


def _token_in(content: bytes, field: str) -> str:
    try:
        said = strict.decode(content)
    except strict.NotStrict:
        said = None
    token = said.get(field) if isinstance(said, dict) else None
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
        message = "the answer to our signing in holds no token"
        raise OutcomeUnknown(message, code="token_answer_unreadable")
    return token
