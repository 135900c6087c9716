"""Times, numbers and states as people read them, in their language and the workspace's zone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers
from flask import Flask, g, url_for
from markupsafe import Markup

from connector import clock
from connector.access import Right
from connector.admin import page
from connector.admin.language import LANGUAGES, gettext, language, marked
from connector.api.context import hub
from connector.api.cookies import cookie
from connector.settings import CHECKOUT

STATIC = CHECKOUT / "connector" / "static"
THEMES = ("light", "dark", "auto")
STAGES = {
    "development": marked("Development"),
    "pre-production": marked("Pre-production"),
    "production": marked("Production"),
}
# state -> (how it is said, the badge's colour)
STATES = {
    "connected": (marked("Connected"), "green"),
    "needs_attention": (marked("Needs attention"), "red"),
    "paused": (marked("Paused"), "yellow"),
    "disconnected": (marked("Disconnected"), "secondary"),
    "new": (marked("Not connected yet"), "secondary"),
    "pending": (marked("Waiting"), "azure"),
    "leased": (marked("Being written"), "azure"),
    "awaiting": (marked("With the CRM"), "azure"),
    "parked": (marked("Parked"), "yellow"),
    "done": (marked("Written"), "green"),
    "superseded": (marked("Overtaken"), "secondary"),
    "dead": (marked("Failed"), "red"),
    "cancelled": (marked("Cancelled"), "secondary"),
}
KINDS = {
    "fields": marked("Fields"),
    "tag": marked("Score tag"),
    "note": marked("Note"),
    "file": marked("File"),
}


def install(app: Flask) -> None:
    """Filters and words for templates."""
    app.jinja_env.filters.update(
        moment=moment, day=day, ago=ago, number=number, answer_line=answer_line,
        state_word=state_word, state_colour=state_colour,
        stage_word=stage_word, kind_word=kind_word,
    )  # fmt: skip
    app.jinja_env.globals.update(asset=asset, colon=colon, icon=icon)

    @app.context_processor
    def around() -> dict[str, Any]:
        """What the frame of every page shows."""
        return {
            "here": page.session() if "rule" in g else None,
            "space": g.get("space"),
            "may": _may,
            "proof": page.proof,
            "told": page.told,
            "theme": _theme(),
            "provider_label": _provider_label(),
            "languages": LANGUAGES,
            "language": language(),
        }


def _theme() -> str:
    kept = cookie("theme")
    return kept if kept in THEMES else "auto"


def _provider_label() -> str:
    """What the button says that leads to the operator's provider; "" where none is set."""
    found = hub().settings.oidc
    return found.label if found else ""


def _may(right: str) -> bool:
    found = g.get("space")
    return found is not None and found.member.may(Right(right))


def zone() -> ZoneInfo:
    """The workspace's time zone; UTC where there is none, or the system knows no such zone."""
    found = g.get("space")
    try:
        return ZoneInfo(found.timezone) if found else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(when: datetime | None) -> str:
    """Date and time, to the second."""
    if when is None:
        return ""
    return str(dates.format_datetime(when, "medium", tzinfo=zone(), locale=language()))


def day(when: date | None) -> str:
    """The date alone; of a moment that of the workspace's zone."""
    if when is None:
        return ""
    there = when.astimezone(zone()) if isinstance(when, datetime) else when
    return str(dates.format_date(there, "medium", locale=language()))


def ago(when: datetime | None) -> Markup:
    """How long ago, or in how long; the exact time on hovering, and for screen readers."""
    if when is None:
        return Markup("")
    said = dates.format_timedelta(
        when - clock.now(), add_direction=True, locale=language(), threshold=1.2
    )
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        when.isoformat(timespec="seconds"), moment(when), said
    )


def number(value: float) -> str:
    """A number with the language's separators."""
    return str(numbers.format_decimal(value, locale=language()))


def colon() -> str:
    """Between what something is called and what it is: French has a space before it that holds."""
    return "\u00a0:" if language() == "fr" else ":"


def answer_line(line: str, kind: str) -> str:
    """A line of an answer of this type as people write it; what is hidden or odd stays as it is."""
    try:
        return _ANSWERS[kind](line) if kind in _ANSWERS else line
    except (ValueError, ArithmeticError):
        return line


def _exact(line: str) -> str:
    exact = Decimal(line)
    return str(numbers.format_decimal(exact, locale=language(), decimal_quantization=False))


def _truth(line: str) -> str:
    return {"True": gettext("Yes"), "False": gettext("No")}.get(line, line)


_ANSWERS: dict[str, Callable[[str], str]] = {
    "number": _exact,
    "date": lambda line: day(date.fromisoformat(line)),
    "datetime": lambda line: moment(datetime.fromisoformat(line)),
    "boolean": _truth,
}


def state_word(state: str) -> str:
    """What a state is called."""
    return gettext(STATES[state][0]) if state in STATES else state


def state_colour(state: str) -> str:
    """The colour of a state's badge."""
    return STATES[state][1] if state in STATES else "secondary"


def stage_word(stage: str) -> str:
    """What a workspace's stage is called."""
    return gettext(STAGES.get(stage, stage))


def kind_word(kind: str) -> str:
    """What a delivery brings."""
    return gettext(KINDS.get(kind, kind))


def icon(name: str, *, label: str = "") -> Markup:
    """An icon of the sprite; without a label it says nothing to a screen reader."""
    spoken = (
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"')
    )
    return Markup('<svg class="icon" {}><use href="{}#{}"></use></svg>').format(
        spoken, asset("icons/sprite.svg"), name
    )


def asset(name: str) -> str:
    """The address of one of our files, another one whenever its content is."""
    return url_for("static", filename=name, v=_digest(STATIC / name))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
