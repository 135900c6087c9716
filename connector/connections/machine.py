"""Grants that no person consents to: a signed assertion (RFC 7523), or the client's credentials.

They have no refresh token: an access token that is refused is replaced by asking in the same way
again. Which app offers them is data (`OAuthTraits.grants`), which one a connection uses its setting
`grant`.
"""

import base64
import json
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.errors import ReconnectNeeded
from adapters.http import requests_session
from adapters.traits import (
    AUDIENCE,
    CLIENT_CREDENTIALS,
    GRANT,
    PRIVATE_KEY,
    USERNAME,
    OAuthTraits,
    Traits,
)
from connector.connections.grants import Grant, judged
from connector.connections.provider import Client, Provider, grant_of, told
from schemas import strict

# Salesforce takes at most three minutes; a clock that is a minute wrong still fits.
LIVES_S = 120
KEY_UNREADABLE = "private_key_unreadable"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def kind_of(traits: Traits, settings: Mapping[str, Any]) -> str | None:
    """Which of these grants the connection uses; None where a person consents."""
    said = settings.get(GRANT.name)
    offered = traits.oauth is not None and said in traits.oauth.grants
    return str(said) if offered else None


def granted(
    provider: Provider, client: Client, *, settings: Mapping[str, Any], now_s: float
) -> Grant:
    """A new access token. `settings` with the secret ones; `now_s` since 1970. Raises
    ReconnectNeeded, TryLater.
    """
    if kind_of(provider.traits, settings) == CLIENT_CREDENTIALS:
        fields = {
            "grant_type": CLIENT_CREDENTIALS,
            "client_id": client.client_id,
            "client_secret": client.client_secret.reveal(),
        }
    else:
        claims = _claims(provider, client, settings, now_s)
        assertion = signed(claims, str(settings[PRIVATE_KEY.name]))
        fields = {"grant_type": _JWT_GRANT, "assertion": assertion}
    url = provider.endpoint(provider.oauth.token_url)
    parts = urlsplit(url)
    with requests_session(provider.wire, f"{parts.scheme}://{parts.netloc}") as session:
        answer = told(lambda: session.post(url, data=fields, allow_redirects=False))
    return grant_of(provider, strict.decode(judged(answer).content))


def signed(claims: Mapping[str, Any], private_key: str) -> str:
    """The claims as a JWT by RS256. Raises ReconnectNeeded where the key cannot be used."""
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError) as exc:
        message = "the private key cannot be read"
        raise ReconnectNeeded(message, code=KEY_UNREADABLE) from exc
    if not isinstance(key, RSAPrivateKey):
        message = "the private key is no RSA key"
        raise ReconnectNeeded(message, code=KEY_UNREADABLE)
    text = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{text}.{_encoded(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def audience_of(oauth: OAuthTraits, origin: str) -> str:
    """Who the assertion is meant for: the app's login host for this address, else the address."""
    host = urlsplit(origin).hostname or ""
    fitting = (told for pattern, told in oauth.audiences.items() if fnmatch(host, pattern))
    return next(fitting, origin)


def _claims(
    provider: Provider, client: Client, settings: Mapping[str, Any], now_s: float
) -> dict[str, Any]:
    parts = urlsplit(provider.endpoint(provider.oauth.token_url))
    origin = f"{parts.scheme}://{parts.netloc}"
    audience = settings.get(AUDIENCE.name) or audience_of(provider.oauth, origin)
    return {
        "iss": client.client_id,
        "sub": str(settings[USERNAME.name]),
        "aud": audience,
        "exp": int(now_s) + LIVES_S,
    }


def _part(told: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(told, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
