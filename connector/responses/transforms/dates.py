"""Transformations of dates and times. Formats are always explicit: 03/04/2026 is never guessed.
Pure.

Formats use the signs of Unicode's date patterns (UTS 35): yyyy MM dd HH mm ss, and for writing
also d M MMM MMMM EEE EEEE in the language asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from connector.responses.transforms.core import (
    Context,
    Example,
    Param,
    Params,
    Transformation,
    TransformFailed,
)
from schemas.phrases import phrase

_READ = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_TOKENS = re.compile(r"yyyy|MM|dd|HH|mm|ss")
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_LONGEST = 100


def zone_named(name: str) -> tzinfo:
    """The time zone of that name. Raises ValueError."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as exc:
        message = "is no known time zone"
        raise ValueError(message) from exc


def known_language(name: str) -> str | None:
    """None where texts can be written in that language, else the complaint."""
    try:
        Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return "is no known language (like da, de-CH, fr)"
    return None


def _known_zone(name: str) -> str | None:
    try:
        zone_named(name)
    except ValueError as exc:
        return str(exc)
    return None


def _readable(pattern: str) -> str | None:
    tokens = _TOKENS.findall(pattern)
    if not {"yyyy", "MM", "dd"} <= set(tokens) or len(tokens) != len(set(tokens)):
        return "must hold yyyy, MM and dd once (and HH, mm, ss for a time)"
    if re.search(r"[A-Za-z%]", _TOKENS.sub("", pattern).replace("T", "").replace("Z", "")):
        return "may hold no other letters than yyyy MM dd HH mm ss T Z"
    return None


def _writable(pattern: str) -> str | None:
    try:
        written = format_datetime(datetime(2026, 11, 22, 1, 2, 3), pattern, locale="en")  # noqa: DTZ001
    except (KeyError, ValueError, AttributeError, TypeError):
        return "is no date format (like dd/MM/yyyy HH:mm)"
    return None if 0 < len(written) <= _LONGEST else "must write 1 to 100 signs"


def _local(moment: date, params: Params, context: Context) -> date:
    zone = params.get("zone") or context.zone
    return moment.astimezone(zone_named(zone)) if isinstance(moment, datetime) else moment


def _format(moment: date, params: Params, context: Context) -> str:
    local = _local(moment, params, context)
    if not isinstance(local, datetime):
        local = datetime(local.year, local.month, local.day, tzinfo=UTC)
    language = (params["language"] or context.language).replace("-", "_")
    if known_language(language):
        language = "en"
    # Babel would move an aware time into the zone it is told; the local wall time is already right.
    return format_datetime(local.replace(tzinfo=None), params["format"], locale=language)


def _parse(text: str, params: Params, context: Context) -> str:
    pattern = params["format"]
    form = _TOKENS.sub(lambda token: _READ[token.group()], pattern)
    try:
        read = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the zone follows below
        if "HH" not in pattern:
            return read.date().isoformat()
        zone = UTC if "Z" in pattern else zone_named(params["zone"] or context.zone)
        return canonical_moment(read.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        rule = phrase("needs text in the form %(pattern)s", pattern=pattern)
        raise TransformFailed(name="date_parse", rule=rule, given=phrase("other text")) from None


def canonical_moment(moment: datetime) -> str:
    """A time in the canonical form: UTC, whole seconds. Raises OverflowError at the ends of
    time.
    """
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _to_date(moment: date, params: Params, context: Context) -> str:
    local = _local(moment, params, context)
    return (local.date() if isinstance(local, datetime) else local).isoformat()


def _add_days(moment: date, params: Params, context: Context) -> str:
    days = timedelta(days=params["days"])
    try:
        if isinstance(moment, datetime):
            # Days are counted on the wall clock: 10:00 stays 10:00 over the change to summer time.
            zone = zone_named(params["zone"] or context.zone)
            return canonical_moment(moment.astimezone(zone) + days)
        return (moment + days).isoformat()
    except OverflowError:
        rule = phrase(
            "needs a result between the years %(first_year)s and %(last_year)s",
            first_year=_FIRST_YEAR,
            last_year=_LAST_YEAR,
        )
        raise TransformFailed(name="add_days", rule=rule) from None


_ZONE = Param("zone", "text", "time zone, else the workspace's", check=_known_zone)
_DANISH = Context(zone="Europe/Copenhagen", language="da")

DATES = (
    Transformation(
        "date_format",
        "Write a date",
        "Writes a date or time in an explicit format, in a language and a time zone.",
        "moment",
        _format,
        (
            Example("2026-11-20", "20/11/2026", {"format": "dd/MM/yyyy"}),
            Example("2026-11-20", "20. november 2026", {"format": "d. MMMM yyyy"}, _DANISH),
            Example(
                "2026-11-22T23:30:00Z", "23.11.2026 00:30", {"format": "dd.MM.yyyy HH:mm"}, _DANISH
            ),
        ),
        (
            Param("format", "text", "as dd/MM/yyyy HH:mm", required=True, check=_writable),
            Param("language", "text", "language of names", check=known_language),
            _ZONE,
        ),
    ),
    Transformation(
        "date_parse",
        "Read a date",
        "Reads a date or time written in exactly this format; with HH it becomes a time.",
        "text",
        _parse,
        (
            Example("03/04/2026", "2026-04-03", {"format": "dd/MM/yyyy"}),
            Example("03/04/2026", "2026-03-04", {"format": "MM/dd/yyyy"}),
            Example(
                "22.11.2026 01:30", "2026-11-22T00:30:00Z", {"format": "dd.MM.yyyy HH:mm"}, _DANISH
            ),
        ),
        (Param("format", "text", "as dd/MM/yyyy HH:mm", required=True, check=_readable), _ZONE),
    ),
    Transformation(
        "datetime_to_date",
        "Date of a time",
        "The date that a time has in a time zone.",
        "moment",
        _to_date,
        (
            Example("2026-11-22T23:30:00Z", "2026-11-23", {}, _DANISH),
            Example("2026-11-22T23:30:00Z", "2026-11-22", {"zone": "UTC"}, _DANISH),
        ),
        (_ZONE,),
    ),
    Transformation(
        "add_days",
        "Add days",
        "Moves a date or time by whole days, keeping the wall clock.",
        "moment",
        _add_days,
        (
            Example("2026-11-20", "2026-12-20", {"days": 30}),
            Example("2026-03-28T09:00:00Z", "2026-03-29T08:00:00Z", {"days": 1}, _DANISH),
        ),
        (
            Param(
                "days",
                "whole",
                "how many, negative for back",
                required=True,
                low=-36_500,
                high=36_500,
            ),
            _ZONE,
        ),
    ),
)
