"""The org's check of a signed assertion (RFC 7523): who signed it, for whom, and until when."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from simulators.kit.oauth import OAuthRefused

LONGEST_S = 180
_GRANT, _CLIENT = "invalid_grant", "invalid_client_id"


def checked(assertion: str, options: Mapping[str, Any], *, now: float) -> str:
    """The client the assertion speaks for. Raises OAuthRefused in Salesforce's words."""
    head, _, rest = assertion.partition(".")
    body, _, signature = rest.partition(".")
    claims = json.loads(_decoded(body)) if body else {}
    if claims.get("iss") not in options["clients"]:
        raise OAuthRefused(_CLIENT, "client identifier invalid")
    if claims.get("aud") not in options["jwt_audiences"]:
        raise OAuthRefused(_GRANT, "audience is invalid")
    if not now < int(claims.get("exp", 0)) <= now + LONGEST_S:
        raise OAuthRefused(_GRANT, "assertion expired or lives too long")
    if claims.get("sub") != options["jwt_user"]:
        raise OAuthRefused(_GRANT, "user hasn't approved this consumer")
    _demand_signature(
        f"{head}.{body}".encode(), _decoded(signature), str(options["jwt_public_key"])
    )
    return str(claims["iss"])


def _demand_signature(signed: bytes, signature: bytes, public_key: str) -> None:
    key = load_pem_public_key(public_key.encode()) if public_key else None
    if not isinstance(key, RSAPublicKey):
        raise OAuthRefused(_GRANT, "invalid assertion")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature as exc:
        raise OAuthRefused(_GRANT, "invalid assertion") from exc


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
