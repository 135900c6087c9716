"""The card on a HubSpot contact: `hubspot.fetch` signs by version 3 and adds who asks. Pure.

HubSpot's servers call, never the browser. They put `portalId`, `userId`, `userEmail` and `appId`
into the query and sign it with the app's client secret, so the portal is HubSpot's word; which
record is asked for is the card's own, and any user of the portal can write it (fetching data guide,
2026-11; the names of the parameters as public backends read them).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from adapters.cards import CardAccount, CardRequest, Proof
from adapters.hubspot.signed import SIGNATURE, TOLERANCE_MS, is_signed

_MOST_PARAMETERS = 20


def proved(request: CardRequest, secrets: Sequence[str], account: CardAccount) -> Proof | None:
    """A Prover: signed within five minutes, by this portal alone."""
    is_genuine = is_signed(
        request.headers,
        method=request.method,
        url=request.url,
        body=request.body,
        secrets=secrets,
        now_ms=request.now_ms,
    )
    # All of them: one that the card added itself must not pass for HubSpot's.
    if not is_genuine or _portals(request.url) != [account.id]:
        return None
    return Proof(request.body, request.headers[SIGNATURE], 2 * TOLERANCE_MS // 1000)


def _portals(url: str) -> list[str]:
    try:
        query = parse_qs(urlsplit(url).query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []
    return query.get("portalId", [])
