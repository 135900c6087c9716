"""Whether HubSpot signed a request that came to us. Pure.

    v3   webhooks of apps: method, address, body and time; not older than five minutes, nor newer
    v2   workflow and card requests: method, address and body
    v1   webhooks of private apps: the body

The SDK's own check does not decode the address, takes times far in the future and fails on a
signature that is not ASCII (measured on 12.0.0, 2026-11). Hostile input is never an exception here.
The card's requests (card.py) and webhooks (events.py) come by v3; nothing in the hub takes the
other two.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

TOLERANCE_MS = 300_000
SIGNATURE, STAMP = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
OLD_SIGNATURE, OLD_VERSION = "x-hubspot-signature", "x-hubspot-signature-version"
_STAMP = re.compile(r"[0-9]{1,15}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# What HubSpot decodes in the address before it signs it (request validation guide, 2026-11).
_PLAIN = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def is_signed(
    headers: Mapping[str, str],
    *,
    method: str,
    url: str,
    body: bytes,
    secrets: Iterable[str],
    now_ms: int,
) -> bool:
    """Whether one of the secrets signed this request by version 3.

    `headers` have lower-case names. `url` is the public address that HubSpot called, with its
    query: behind a proxy made from the configured address. `body` is raw. The guide decodes the
    address before it signs, its samples do not: either counts.
    """
    stamp, given = headers.get(STAMP, ""), headers.get(SIGNATURE, "")
    if not _STAMP.fullmatch(stamp) or abs(now_ms - int(stamp)) > TOLERANCE_MS:
        return False
    signed = [
        b"".join((method.encode(), one.encode(), body, stamp.encode()))
        for one in (_decoded(url), url)
    ]
    wanted = [
        base64.b64encode(hmac.digest(secret.encode(), one, "sha256"))
        for secret in secrets
        for one in signed
    ]
    return _any_fits(wanted, given)


def is_signed_without_time(
    headers: Mapping[str, str], *, method: str, url: str, body: bytes, secrets: Iterable[str]
) -> bool:
    """Whether one of the secrets signed this request by version 1 or 2, which can be replayed."""
    version = headers.get(OLD_VERSION, "")
    if version not in {"v1", "v2"}:
        return False
    signed = method.encode() + url.encode() + body if version == "v2" else body
    wanted = [hashlib.sha256(secret.encode() + signed).hexdigest().encode() for secret in secrets]
    return _any_fits(wanted, headers.get(OLD_SIGNATURE, ""))


def _any_fits(wanted: Iterable[bytes], given: str) -> bool:
    # A list, not a generator: how long it takes must not tell which secret fitted. A header that
    # is not ASCII, even half a character, becomes bytes that no signature has.
    shown = given.encode(errors="replace")
    return any([hmac.compare_digest(one, shown) for one in wanted])  # noqa: C419


def _decoded(url: str) -> str:
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[0].upper(), found[0]), url)
