"""What an alert says to people and to systems. Pure.

To people in the language that the workspace has chosen for its alerts, and in its zone: a room or a
mailbox is read by many. To systems always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

from babel import dates, numbers

from schemas.phrases import Phrase, phrase

# (language, text) -> the text in that language; the words are kept with those of the pages.
SayIn: TypeAlias = Callable[[str, str], str]

BEGAN, ENDED = "alert.began", "alert.ended"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is told: an alert's kind and figures, where, and whether it has ended. `home` is the
    address of the workspace's pages, `why` what a connection lacks, in words.
    """

    kind: str
    connection_id: int | None
    connection: str | None
    figures: Mapping[str, Any]
    workspace: str
    home: str
    began_at: datetime
    ended_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom it is told to: their language and zone. `say_in` says a text in a language."""

    language: str
    zone: tzinfo
    say_in: SayIn

    def say(self, text: str) -> str:
        """The text in their language."""
        return self.say_in(self.language, text)

    def moment(self, when: datetime) -> str:
        """A time on their clock, with its zone."""
        return str(dates.format_datetime(when, "long", tzinfo=self.zone, locale=self.language))

    def number(self, value: int) -> str:
        """A number with their separators."""
        return str(numbers.format_decimal(value, locale=self.language))


@dataclass(frozen=True, slots=True)
class Said:
    """The same for people (`title`, `text`) and for systems (`event`, `told`)."""

    event: str
    title: str
    text: str
    told: Mapping[str, Any]


def said(of: Occasion, reader: Reader) -> Said:
    """The message about it."""
    what, more = _what(of, reader)
    over = of.ended_at is not None
    title = phrase("Well again: %(what)s", what=what) if over else phrase("Alert: %(what)s",
                                                                         what=what)  # fmt: skip
    ended = reader.moment(of.ended_at) if of.ended_at else ""
    began = phrase(
        "Workspace: %(workspace)s. It began %(began)s.",
        workspace=of.workspace, began=reader.moment(of.began_at),
    )  # fmt: skip
    lines = [phrase("It is over since %(ended)s.", ended=ended) if over else more, began]
    text = "\n".join([*(reader.say(line) for line in lines), link(of)])
    return Said(ENDED if over else BEGAN, reader.say(title), text, _told(of))


def tried_out(reader: Reader) -> Said:
    """What is told where somebody tries a channel out."""
    text = phrase(
        "Alerts of this workspace are told here. Nothing is wrong: somebody tries it out."
    )
    title = phrase("Test of an alert")
    return Said("alert.test", reader.say(title), reader.say(text), {"kind": "test"})


def link(of: Occasion) -> str:
    """Where a person sees more, and can act."""
    if of.kind == "connection":
        return f"{of.home}/connections/{of.connection_id}"
    state = {"errors": "dead", "parked": "parked"}.get(of.kind)
    narrowed = f"&connection_id={of.connection_id}" if of.connection_id else ""
    return f"{of.home}/deliveries?state={state}{narrowed}" if state else f"{of.home}/"


def _what(of: Occasion, reader: Reader) -> tuple[Phrase, Phrase]:
    figures, name = of.figures, of.connection or ""
    match of.kind:
        case "connection":
            why = Phrase(of.why) if of.why else phrase("It does not say why.")
            return (
                phrase("%(name)s needs attention", name=name),
                phrase("Deliveries wait until it is mended. %(why)s", why=why),
            )
        case "errors":
            return (
                phrase("deliveries to %(name)s fail", name=name),
                phrase(
                    "Of %(settled)s deliveries in an hour, %(failed)s failed.",
                    settled=reader.number(figures["settled"]),
                    failed=reader.number(figures["failed"]),
                ),
            )
        case "parked":
            return (
                phrase("deliveries to %(name)s are parked", name=name),
                phrase(
                    "Standing until a person does something: %(count)s.",
                    count=reader.number(figures["count"]),
                ),
            )
        case _:
            since = reader.moment(datetime.fromisoformat(figures["since"]))
            return (
                phrase("deliveries to %(name)s are late", name=name)
                if name
                else phrase("responses wait to be planned"),
                phrase("The oldest waits since %(since)s.", since=since),
            )


def _told(of: Occasion) -> dict[str, Any]:
    return {
        "kind": of.kind,
        "connection": of.connection,
        "figures": dict(of.figures),
        "workspace": of.workspace,
        "began_at": _moment(of.began_at),
        "ended_at": _moment(of.ended_at) if of.ended_at else None,
        "url": link(of),
    }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
