"""Signs a webhook as a survey platform does: Standard Webhooks (standardwebhooks.com, v1). Pure."""

from __future__ import annotations

import base64
import hmac


def signed_headers(secret: str, message_id: str, body: bytes, *, now_s: int) -> dict[str, str]:
    """The headers of a message. `secret` is `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{message_id}.{now_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, told, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
    }
