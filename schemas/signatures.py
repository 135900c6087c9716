"""Whether a webhook was signed by who knows the secret. How platforms sign is data. Pure.

Hostile input is never an exception here: whatever is malformed is simply not signed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

# No signature: the header holds the secret itself.
STATIC = "static"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one platform signs the raw body.

    `signed` is what stands before the body in the signed text, over `{id}` and `{timestamp}`, whose
    headers are named. `key` says how the secret becomes key bytes: `text`, or `whsec` (base64
    behind that prefix). `several`: the header may hold several signatures, separated by blanks.
    """

    signature: str
    prefix: str = ""
    encoding: str = "base64"
    algorithm: str = "sha256"
    key: str = "text"
    signed: str = ""
    id: str | None = None
    timestamp: str | None = None
    tolerance_s: int = 300
    several: bool = False


# Vectors and sources: tests/unit/test_signatures.py. Unlisted platforms cannot sign.
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "standard": Scheme(
            "webhook-signature",
            prefix="v1,",
            key="whsec",
            signed="{id}.{timestamp}.",
            id="webhook-id",
            timestamp="webhook-timestamp",
            several=True,
        ),
        "typeform": Scheme("typeform-signature", prefix="sha256="),
        "tally": Scheme("tally-signature"),
        "surveymonkey": Scheme("sm-signature", algorithm="sha1"),
        "delighted": Scheme("x-delighted-webhook-signature", prefix="sha256=", encoding="hex"),
    }
)


def is_signed(
    scheme: Scheme,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Iterable[str],
    now_s: float,
) -> bool:
    """Whether one of the secrets signed this body, recently enough where the scheme has a time.

    `headers` have lower-case names. Compared in constant time, every secret and every signature.
    """
    prefix = _before_body(scheme, headers, now_s)
    given = headers.get(scheme.signature)
    if prefix is None or given is None or not given.isascii():
        return False
    shown = given.split() if scheme.several else [given.strip()]
    offered = [one[len(scheme.prefix) :].encode() for one in shown if one.startswith(scheme.prefix)]
    wanted = [made for secret in secrets if (made := _made(scheme, secret, prefix + body))]
    # A list, not a generator: how long it takes must not tell which one fitted.
    return any([hmac.compare_digest(want, one) for want in wanted for one in offered])  # noqa: C419


def signed(
    scheme: Scheme, body: bytes, *, secrets: Sequence[str], message_id: str, now_s: float
) -> dict[str, str]:
    """The headers with which who knows the secrets would send this body. Several secrets, while
    one replaces another, only where the scheme takes several signatures.
    """
    told = {"id": message_id, "timestamp": str(int(now_s))}
    named = {scheme.id: told["id"], scheme.timestamp: told["timestamp"]}
    text = scheme.signed.format(**told).encode() + body
    used = secrets if scheme.several else secrets[:1]
    made = [scheme.prefix + (_made(scheme, one, text) or b"").decode() for one in used]
    headers = {name: value for name, value in named.items() if name}
    return {**headers, scheme.signature: " ".join(made)}


def key_bytes(scheme: Scheme, secret: str) -> bytes | None:
    """The key that a secret stands for, None where it stands for none."""
    if scheme.key == "text":
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_") + "===")
    except (binascii.Error, ValueError):
        return None


def _before_body(scheme: Scheme, headers: Mapping[str, str], now_s: float) -> bytes | None:
    """What is signed before the body; None where a header is missing or the time is wrong."""
    parts: dict[str, str] = {}
    for part, name in (("id", scheme.id), ("timestamp", scheme.timestamp)):
        value = headers.get(name) if name else ""
        if value is None or (name and not value) or not value.isascii():
            return None
        parts[part] = value
    if scheme.timestamp and not _is_recent(parts["timestamp"], now_s, scheme.tolerance_s):
        return None
    return scheme.signed.format(**parts).encode()


def _is_recent(stamp: str, now_s: float, tolerance_s: int) -> bool:
    # Digits only: int() would also take signs, blanks and underscores.
    return stamp.isdigit() and len(stamp) <= 12 and abs(now_s - int(stamp)) <= tolerance_s


def _made(scheme: Scheme, secret: str, signed: bytes) -> bytes | None:
    key = key_bytes(scheme, secret)
    if not key:
        return None
    if scheme.algorithm == STATIC:
        return key
    digest = hmac.digest(key, signed, scheme.algorithm)
    return base64.b64encode(digest) if scheme.encoding == "base64" else digest.hex().encode()
