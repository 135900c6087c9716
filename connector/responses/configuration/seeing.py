"""The calls of a trial: recorded as the adapter builds them, those that would change something kept
back, and told without secrets and without what the asker may not see. Pure.

Headers are never told: they hold the token.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from adapters.calls import Call
from adapters.errors import NotSent
from schemas.secret import MASK

# Shorter ones stand by chance in anything.
LEAST_SECRET = 4
LONGEST_BODY = 20_000


@dataclass(frozen=True, slots=True)
class Eyes:
    """What whoever asks may see besides the mapping: the answers of respondents, and what the CRM
    holds.
    """

    answers: bool = True
    records: bool = True


EVERYTHING = Eyes()
# What a call is made for.
FIELDS, TAG, NOTE = "fields", "tag", "note"


@dataclass(frozen=True, slots=True)
class Seen:
    """One call, whether it was sent, and what for."""

    call: Call
    sent: bool
    about: str = FIELDS


@dataclass(slots=True)
class Recorder:
    """What watches a trial's wire."""

    calls: list[Seen] = field(default_factory=list)
    about: str = FIELDS
    _keeps: bool = False

    def watch(self, call: Call) -> None:
        """Note the call. Raises NotSent for one that is not surely a question while such are kept
        back.
        """
        sent = call.asks or not self._keeps
        self.calls.append(Seen(call, sent, self.about))
        if not sent:
            message = "the call was only to be shown"
            raise NotSent(message)

    @contextmanager
    def keeping_back(self) -> Iterator[None]:
        """Within, nothing that may change something at the CRM is sent."""
        self._keeps = True
        try:
            yield
        finally:
            self._keeps = False


def told(
    seen: Iterable[Seen], *, secrets: Collection[str], personal: Collection[str], eyes: Eyes
) -> list[dict[str, Any]]:
    """The calls as people see them: {method, path, body, sent, about}. `personal`: what identifies
    the respondent, for who may not see answers.
    """
    hidden = sorted((one for one in secrets if len(one) >= LEAST_SECRET), key=len, reverse=True)
    names = () if eyes.answers else tuple(one for one in personal if one)
    return [_told(one, hidden, names, eyes) for one in seen]


def _told(
    seen: Seen, secrets: Collection[str], names: Collection[str], eyes: Eyes
) -> dict[str, Any]:
    call = seen.call
    path, _, query = call.path.partition("?")
    if query and not eyes.answers:
        query = urlencode([(name, MASK) for name, _ in parse_qsl(query)], safe="*")
    whole = f"{path}?{query}" if query else path
    body = _body(call)
    return {
        "method": call.method,
        "path": _without(whole, (*secrets, *names)),
        "body": _masked(body, secrets) if eyes.answers else _shape_of(body),
        "sent": seen.sent,
        "about": seen.about,
    }


def _body(call: Call) -> Any:  # noqa: ANN401 - JSON, or text
    if not call.body:
        return None
    text = call.body.decode("utf-8", "replace") if isinstance(call.body, bytes) else call.body
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}…"


def _masked(part: Any, secrets: Collection[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, Mapping):
        return {name: _masked(value, secrets) for name, value in part.items()}
    if isinstance(part, list):
        return [_masked(one, secrets) for one in part]
    return _without(part, secrets) if isinstance(part, str) else part


def _shape_of(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Which names are sent, without any value."""
    if isinstance(part, Mapping):
        return {name: _shape_of(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_shape_of(one) for one in part]
    return None if part is None else MASK


def _without(text: str, hidden: Collection[str]) -> str:
    for one in hidden:
        for spelt in (one, quote(one, safe=""), quote(one), quote_plus(one)):
            text = text.replace(spelt, MASK)
    return text
