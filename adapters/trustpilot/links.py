"""Business generated links: who may review is sealed into the address. Pure.

Trustpilot's own samples (2026-11): the payload as JSON, AES-256-CBC with PKCS7 padding under a
random IV, then HMAC-SHA256 over IV and ciphertext; all three in base64.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from urllib.parse import quote

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

KEY_BYTES, IV_BYTES, BLOCK_BITS = 32, 16, 128


def key_of(text: str) -> bytes | None:
    """The key that a text in base64 stands for; None where it is no key of this length."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def sealed_link(
    base: str,
    domain: str,
    payload: Mapping[str, object],
    *,
    encryption_key: bytes,
    authentication_key: bytes,
    iv: bytes,
) -> str:
    """The address at which this person may review `domain`. `iv`: fresh random bytes each time."""
    text = json.dumps(payload, separators=(",", ":")).encode()
    padder = PKCS7(BLOCK_BITS).padder()
    plain = padder.update(text) + padder.finalize()
    cipher = Cipher(algorithms.AES(encryption_key), modes.CBC(iv)).encryptor()
    sealed = iv + cipher.update(plain) + cipher.finalize()
    sealed += hmac.digest(authentication_key, sealed, "sha256")
    sealed_text = quote(base64.b64encode(sealed).decode(), safe="")
    return f"{base}/evaluate-bgl/{quote(domain, safe='')}?p={sealed_text}"
