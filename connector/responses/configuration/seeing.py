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
KEPT = "the call was only to be shown"
# What a call is made for.
FIELDS, TAG, NOTE = "fields", "tag", "note"
# What a call is built on: that the one before it is taken as it was sent; the id that the CRM gives
# a record which is yet to be made. A number stands for such an id: adapters ask for one, and some
# CRMs have none above 2,147,483,647.
TAKEN, MADE = "taken", "made"
NEW_ID, NEW = "2147483646", "<new id>"


@dataclass(frozen=True, slots=True)
class Seen:
    """One call, whether it was sent, what for, and what it is built on (None: on nothing that is
    not known).
    """

    call: Call
    sent: bool
    about: str = FIELDS
    builds_on: str | None = None


@dataclass(slots=True)
class Recorder:
    """What watches a trial's wire."""

    calls: list[Seen] = field(default_factory=list)
    about: str = FIELDS
    _keeps: bool = False
    _builds_on: str | None = None

    def watch(self, call: Call) -> None:
        """Note the call. Raises NotSent for one that is not surely a question while such are kept
        back.
        """
        sent = (call.asks or not self._keeps) and not _names_new(call)
        seen = Seen(call, sent, self.about, None if sent else self._builds_on)
        if (
            not sent
            and self._builds_on == TAKEN
            and any(_is_same(call, one.call) for one in self.calls)
        ):
            # The adapter does all of it by one call.
            raise NotSent(KEPT)
        self.calls.append(seen)
        if not sent:
            raise NotSent(KEPT)

    @contextmanager
    def keeping_back(self, *, builds_on: str | None = None) -> Iterator[None]:
        """Within, nothing that may change something at the CRM is sent, nor what is asked about a
        record that is yet to be made.
        """
        self._keeps, self._builds_on = True, builds_on
        try:
            yield
        finally:
            self._keeps, self._builds_on = False, None


def _is_same(one: Call, other: Call) -> bool:
    """Whether they do the same; JSON-RPC gives each call a number of its own."""
    bodies = [_body(each) for each in (one, other)]
    told = [{**each, "id": None} if isinstance(each, dict) else each for each in bodies]
    return (one.method, one.path) == (other.method, other.path) and told[0] == told[1]


def _names_new(call: Call) -> bool:
    body = call.body if isinstance(call.body, bytes) else (call.body or "").encode()
    return NEW_ID in call.path or NEW_ID.encode() in body


def told(
    seen: Iterable[Seen], *, secrets: Collection[str], personal: Collection[str], eyes: Eyes
) -> list[dict[str, Any]]:
    """The calls as people see them: {method, path, body, sent, about, builds_on}. `personal`: what
    identifies the respondent, for who may not see answers.
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
        "path": _without(whole, (*secrets, *names)).replace(NEW_ID, NEW),
        "body": _masked(body, secrets) if eyes.answers else _shape_of(body),
        "sent": seen.sent,
        "about": seen.about,
        "builds_on": seen.builds_on,
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
    if isinstance(part, str):
        return _without(part, secrets).replace(NEW_ID, NEW)
    return NEW if part == int(NEW_ID) else part


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
