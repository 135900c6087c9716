"""What the portal tells an app of its records: lists of at most a hundred events, signed by version
3 over the public address, sent again until they are taken.

How a merge names its records is unverified: the option `merge_told` has `ids` (primary, merged and
new id), `newer` (the form `object.merge`) and `bare` (`objectId` of the survivor alone).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from simulators.hubspot.links import Links
from simulators.hubspot.store import Kind

MOST = 100
# (address, body, headers) -> the status of the answer
Post = Callable[[str, bytes, Mapping[str, str]], int]


class Webhooks(Links):
    """The events of one portal, oldest first, until somebody has taken them."""

    def set_up(self) -> None:
        """Nothing has happened yet."""
        super().set_up()
        self.untold: list[dict[str, Any]] = []

    def tell_merge(self, kind: Kind, survivor: str, loser: str) -> None:
        """Two records became one."""
        told: dict[str, Any] = {"objectId": int(survivor)}
        if self.options["merge_told"] != "bare":
            told |= {
                "primaryObjectId": int(survivor),
                "mergedObjectIds": [int(loser)],
                "newObjectId": int(survivor),
            }
        self._tell(kind, "merge", told)

    def tell_gone(self, kind: Kind, record_id: str, *, erased: bool = False) -> None:
        """A record was deleted, or erased because the person asked for it."""
        self._tell(kind, "privacyDeletion" if erased else "deletion", {"objectId": int(record_id)})

    def _tell(self, kind: Kind, what: str, told: dict[str, Any]) -> None:
        newer = self.options["merge_told"] == "newer"
        self.untold.append(
            {
                "eventId": 100 + len(self.untold),
                "subscriptionId": 7,
                "portalId": self.options["portal_id"],
                "appId": 77,
                "occurredAt": int(self.clock.now() * 1000),
                "subscriptionType": f"object.{what}"
                if newer
                else f"{kind.singular.lower()}.{what}",
                **({"objectTypeId": kind.type_id} if newer else {}),
                "attemptNumber": 0,
                "changeSource": "CRM_UI",
                **told,
            }
        )

    def send(self, post: Post, *, url: str, secret: str, tries: int = 3) -> list[int]:
        """Tell everything, the next list only when the one before was taken; the statuses."""
        statuses: list[int] = []
        while self.untold and len(statuses) < tries:
            some = self.untold[:MOST]
            body = json.dumps(some, separators=(",", ":")).encode()
            statuses.append(post(url, body, signed(url, body, secret, self.clock.now())))
            if 200 <= statuses[-1] < 300:
                del self.untold[:MOST]
            for one in some:
                one["attemptNumber"] += 1
        return statuses


def signed(url: str, body: bytes, secret: str, now_s: float) -> dict[str, str]:
    """The headers of a message."""
    stamp = str(int(now_s * 1000))
    made = hmac.digest(secret.encode(), b"POST" + url.encode() + body + stamp.encode(), "sha256")
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(made).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
        "Content-Type": "application/json",
    }
