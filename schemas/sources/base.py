"""What a survey source is made of: its traits as data, and what one of its messages says. Pure.

A platform is a module beside this one with a `PLATFORM`: how it signs (a name of the schemes in
schemas/signatures.py), how its body comes, and `parse`, which turns a message into
responses of our normal form (schemas/response.py). A parser never guesses: what was not answered
is absent, what it does not know is named in `meta.unread_answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

JSON: TypeAlias = Any  # what a platform sent; each parser looks before it takes
Response: TypeAlias = dict[str, Any]


class Body(StrEnum):
    """How a platform writes its messages."""

    JSON = "json"
    FORM = "form"


class Edits(StrEnum):
    """How an edit of a response is known: by a newer time in it, or by coming later."""

    BY_TIME = "by_time"
    BY_ARRIVAL = "by_arrival"


class Unreadable(ValueError):
    """A verified message is not of the platform's shape; `pointer` says where. No values."""

    def __init__(self, *, at: str, why: str) -> None:
        super().__init__(why)
        self.pointer = at
        self.text = why


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the admin says about a source's responses.

    `types`: answer key -> type, where the platform does not tell it (whether a scale is NPS, a list
    a ranking). `respondent`: email, external_id, phone or name -> the names it is looked for by.
    `campaign`: the campaign all of them belong to, else the survey is one. `names`: what the
    platform calls a part of its message, where that is not verified.
    """

    types: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    respondent: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    campaign: Mapping[str, str] | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a message: its id where the scheme has one, and when it came."""

    received_at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A response that a message only speaks of. `key` is the platform's own, `what` names it."""

    key: str
    what: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What one message says: responses, as yet unchecked, and those still to be fetched."""

    responses: tuple[Response, ...] = ()
    message_id: str | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET at the platform. `keeps`: the answer holds for other responses too."""

    name: str
    path: str
    keeps: bool = False


Parse: TypeAlias = Callable[[JSON, Wishes, Envelope], Told]
# (number, e-mail, score, moment) -> a message as the platform would send it.
Sample: TypeAlias = Callable[[str, str, int, str], JSON]


Read: TypeAlias = Callable[[Notice, Mapping[str, JSON], Wishes, Envelope], Response]


@dataclass(frozen=True, slots=True)
class API:
    """How a platform is asked: the source's token goes into `header`, behind `prefix`. `base_url`
    None: every customer has an address of its own, which the settings must name.
    """

    header: str
    prefix: str = ""
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """How the responses of notices are had: what to ask for, and how to read the answers by
    name.
    """

    asks: Callable[[Notice], tuple[Ask, ...]]
    read: Read


@dataclass(frozen=True, slots=True)
class Polls:
    """Responses are asked for at a connection of that app, whose records `read` understands.
    `own_id`: the app's own id in a response's; None for what is none of the app's.
    """

    app: str
    read: Read
    own_id: Callable[[str], int | None]


Survey: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a platform's list: survey id -> what changes with it, and the next page's path.

    What changes is compared as text: a survey that has changed is read again, another is not.
    """

    surveys: Mapping[str, str]
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Definitions:
    """How a platform's surveys are had: the path of the first page, how a page (asked for at that
    path) reads, what to ask for one survey, and how the answers, by name, become the body of
    schemas/campaign.py. Readers raise Unreadable.
    """

    first: str
    page: Callable[[JSON, str], Page]
    asks: Callable[[str], tuple[Ask, ...]]
    read: Callable[[Mapping[str, JSON], Wishes], Survey]


@dataclass(frozen=True, slots=True)
class Platform:
    """One survey platform. `scheme` None: it does not sign, its address alone is the secret.

    `parse` None: it sends our normal form, or with `polls` nothing. `own_secret`: the platform
    makes the signing secret, an admin brings it here. `sample` makes a test message with a score
    and a comment; where responses are fetched, what is fetched. `untyped`: its messages say no
    types, its surveys do. `by_recipe`: the source's settings say the rest.
    """

    name: str
    label: str
    sample: Sample
    parse: Parse | None = None
    scheme: str | None = None
    body: Body = Body.JSON
    edits: Edits = Edits.BY_TIME
    own_secret: bool = False
    api: API | None = None
    fetch: Fetch | None = None
    polls: Polls | None = None
    definitions: Definitions | None = None
    untyped: bool = False
    by_recipe: bool = False


# --- looking into what was sent -------------------------------------------------------------------


def object_at(body: JSON, name: str, at: str = "") -> Mapping[str, Any]:
    """The object of that name. Raises Unreadable."""
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping):
        raise Unreadable(at=f"{at}/{name}", why="must be an object")
    return found


def text_at(body: JSON, name: str, at: str = "") -> str:
    """The text or number of that name, as text. Raises Unreadable where it is missing."""
    found = body.get(name) if isinstance(body, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise Unreadable(at=f"{at}/{name}", why="is missing")
    return str(found)


def objects(value: JSON) -> list[Mapping[str, Any]]:
    """The objects of a list; whatever else stands there is none of ours."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def mapping(value: JSON) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def words(value: JSON) -> list[str]:
    """The plain values of a list, as texts; empty ones stay out."""
    every = value if isinstance(value, list) else []
    return [plain for one in every if (plain := as_text(one)) is not None]


def texts(value: JSON) -> dict[str, str]:
    """An object's plain values as texts; what is none or nested stays out."""
    return {
        str(name): plain
        for name, one in mapping(value).items()
        if name and (plain := as_text(one)) is not None
    }


def as_text(value: JSON) -> str | None:
    """A plain value as text, None where there is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or None
    exact = as_number(value)
    return None if exact is None else str(exact)


def as_number(value: JSON) -> int | str | None:
    """An exact number: an int, or a decimal as text. None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact) >= 10**38:
        return None
    if exact == exact.to_integral_value():
        return int(exact)
    return format(exact, "f")


def moment(value: JSON) -> str | None:
    """A time in UTC: ISO 8601 (UTC where it names no zone), or seconds since 1970."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Until the year 2200: what is beyond is no time of an answer, or is in other units.
        within = 0 < value < 7_258_118_400
        return datetime.fromtimestamp(value, UTC).isoformat() if within else None
    if not isinstance(value, str) or not value:
        return None
    if value.isdigit():
        return moment(int(value)) if len(value) <= 11 else None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()


def seconds_between(start: str | None, end: str | None) -> int | None:
    """How long it took, None where that is not known."""
    if start is None or end is None:
        return None
    took = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return int(took) if took >= 0 else None


def response(**parts: JSON) -> Response:
    """A response of the parts that were told; what is None or empty stays out."""
    return {
        name: one for name, one in parts.items() if name == "answers" or one not in (None, {}, [])
    }
