"""A test response of a source: made and signed as its platform would, then received like any other.

So a person sees before the first respondent does whether a source's answers reach the CRM.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.db import Database
from connector.problems import Code, Place, Refusal
from connector.responses import hooks
from connector.responses.intake import Accepted
from connector.responses.signatures import signed
from connector.responses.sources import Source
from connector.settings import FileLimits

MARK = "answerback_test"


def send(
    database: Database, source: Source, *, email: str, score: int, at: datetime, limits: FileLimits
) -> Accepted:
    """What became of it. Raises Refusal where the source lacks its secret or its settings make the
    platform's message unreadable. Its campaign is the source's, or else one named Test survey.
    """
    number = secrets.token_hex(6)
    tried = replace(source, wishes=replace(source.wishes, types={**source.wishes.types, **_SCORE}))
    raw, headers = _message(tried, number, email=email, score=score, at=at)
    if not hooks.is_verified(tried, headers, raw, now_s=at.timestamp()):
        raise Refusal(Code.SIGNATURE_INVALID)
    told = hooks.read(tried, raw, message_id=f"test-{number}", at=at)
    items = [_marked(one) for one in told.responses]
    done = hooks.receive(
        database, tried, message_id=told.message_id, raw=raw, items=items, limits=limits
    )
    return done.results[0]


# The sample's score, which not every platform calls one by itself.
_SCORE = {"nps": "nps"}


def _message(
    source: Source, number: str, *, email: str, score: int, at: datetime
) -> tuple[bytes, dict[str, str]]:
    moment = at.isoformat(timespec="seconds")
    body = source.platform.sample(number, email, score, moment)
    raw = json.dumps(body).encode()
    if source.scheme is None:
        return raw, {}
    if not source.secrets:
        why = f"Bring the secret that {source.platform.label} has made first."
        raise Refusal(Code.SETTING_INVALID, places=[Place("/secret", "required", why)])
    secret = source.secrets[0].reveal()
    headers = signed(
        source.scheme, raw, secret=secret, message_id=f"test-{number}", now_s=at.timestamp()
    )
    return raw, headers


def _marked(response: dict[str, Any]) -> dict[str, Any]:
    """So that whoever reads it in the store knows that nobody answered."""
    return {**response, "meta": {**response.get("meta", {}), MARK: "true"}}
