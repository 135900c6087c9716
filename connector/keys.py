"""The API keys that machines show, and what is kept of them. Pure.

`ab_live_` (`ab_test_` where it only tries out) + 8 signs of public id + 32 random bytes in base62 +
a CRC. Only the SHA-256 of the whole is kept, and the key is shown once. A secret scanner finds a
key by KEY_PATTERN; the CRC tells a mistyped key from an unknown one without a question to the
store.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.secret import Secret

KEY_PATTERN = re.compile(r"ab_(?:live|test)_([0-9A-Za-z]{8})[0-9A-Za-z]{43}[0-9A-Za-z]{6}")
USE_IS_NOTED_EVERY = timedelta(minutes=1)
_LIVE, _TEST = "ab_live_", "ab_test_"
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CRC_LENGTH = 8, 43, 6


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A key at the one moment at which it can be shown."""

    public_id: str
    secret: Secret
    digest: bytes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What the store knows of a key."""

    digest: bytes
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def fresh_key(*, test: bool = False) -> FreshKey:
    """A new key from the system's random source. `test`: shown as one that only tries out."""
    prefix = _TEST if test else _LIVE
    public_id = "".join(secrets.choice(_SIGNS) for _ in range(_ID_LENGTH))
    body = public_id + _base62(int.from_bytes(secrets.token_bytes(32)), _SECRET_LENGTH)
    key = prefix + body + _crc(prefix + body)
    return FreshKey(public_id, Secret(key), key_digest(key))


def public_id_of(presented: str) -> str | None:
    """The public id of a well-formed key; None for anything else, without asking the store."""
    found = KEY_PATTERN.fullmatch(presented)
    checked = presented[:-_CRC_LENGTH]
    if found is None or not hmac.compare_digest(_crc(checked), presented[-_CRC_LENGTH:]):
        return None
    return found.group(1)


def is_good(stored: StoredKey, presented: str, *, now: datetime) -> bool:
    """Whether the presented key is the stored one, and neither revoked nor expired at `now`."""
    same = hmac.compare_digest(stored.digest, key_digest(presented))
    expired = stored.expires_at is not None and stored.expires_at <= now
    return same and stored.revoked_at is None and not expired


def use_is_to_be_noted(stored: StoredKey, *, now: datetime) -> bool:
    """Whether `last_used_at` is old enough to be written again: not at every request."""
    return stored.last_used_at is None or now - stored.last_used_at >= USE_IS_NOTED_EVERY


def key_digest(key: str) -> bytes:
    """What is kept of a key. 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def _crc(checked: str) -> str:
    return _base62(zlib.crc32(checked.encode()), _CRC_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_SIGNS))
        digits.append(_SIGNS[digit])
    return "".join(reversed(digits))
