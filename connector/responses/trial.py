"""A test response of a source: made and signed as its platform would, then received like any other.

So a person sees before the first respondent does whether a source's answers reach the CRM.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from connector.db import Database
from connector.problems import Code, Refusal
from connector.responses import hooks
from connector.responses.intake import Accepted
from connector.responses.platforms import refusal
from connector.responses.sources import Source
from connector.settings import FileLimits
from schemas.signatures import signed
from schemas.sources.base import JSON, Body, Envelope, Notice, Told

MARK = "answerback_test"


def send(
    database: Database, source: Source, *, email: str, score: int, at: datetime, limits: FileLimits
) -> Accepted:
    """What became of it. Raises Refusal where the source lacks its secret or its settings make the
    platform's message unreadable. Its campaign is the source's, or else one named Test survey.
    """
    number = secrets.token_hex(6)
    types = {**_SCORE, **source.wishes.types}
    tried = replace(source, wishes=replace(source.wishes, types=types))
    moment = at.isoformat(timespec="seconds")
    body = tried.platform.sample(number, email, score, moment)
    told = _read(tried, body, number, at=at)
    items = [_marked(one, number, email=email, score=score, at=moment) for one in told.responses]
    done = hooks.receive(
        database, tried, message_id=f"test-{number}", raw=b"", items=items, limits=limits
    )
    return done.results[0]


# The samples' scores, which not every platform calls so by itself.
_SCORE = {"nps": "nps", "QID1": "nps"}


def _read(source: Source, body: JSON, number: str, *, at: datetime) -> Told:
    """What the platform's message says, once it has passed as signed by it; where responses are
    fetched, what the platform would answer.
    """
    fetch = source.platform.fetch or source.platform.polls
    if fetch is not None:
        notice = Notice(number, {"survey": "test", "response": f"test-{number}"})
        return Told((fetch.read(notice, body, source.wishes, Envelope(at)),))
    is_form = source.platform.body is Body.FORM
    raw = urlencode(body).encode() if is_form else json.dumps(body).encode()
    if not hooks.is_verified(source, _headers(source, raw, number, at), raw, now_s=at.timestamp()):
        raise Refusal(Code.SIGNATURE_INVALID)
    kind = "application/x-www-form-urlencoded" if is_form else "application/json"
    return hooks.read(source, raw, message_id=None, at=at, content_type=kind)


def _headers(source: Source, raw: bytes, number: str, at: datetime) -> dict[str, str]:
    if source.scheme is None:
        return {}
    if not source.secrets:
        raise refusal(why=f"Bring the secret that {source.platform.label} has made first.")
    secret = source.secrets[0].reveal()
    message_id = f"test-{number}"
    return signed(source.scheme, raw, secrets=[secret], message_id=message_id, now_s=at.timestamp())


def _marked(
    response: Mapping[str, Any], number: str, *, email: str, score: int, at: str
) -> dict[str, Any]:
    """So that whoever reads it in the store knows that nobody answered; a recipe's example, which
    is always the same, with what was asked for.
    """
    answers = {
        key: {**one, "value": score} if one["type"] == "nps" else one
        for key, one in response["answers"].items()
    }
    own = str(response["response_id"])
    return {
        **response,
        "response_id": own if number in own else f"{own}:test-{number}",
        "submitted_at": at,
        "respondent": {"email": email},
        "answers": answers,
        "meta": {**response.get("meta", {}), MARK: "true"},
    }
