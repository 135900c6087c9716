"""Surveys as their platforms define them, in our form (schemas/campaign.py). Pure.

Keys, option values and rows are those that the platform's responses use, so that both tell of the
same. What to ask for is in the platform's own module, `<platform>_surveys.py`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias

from schemas.campaign import MOST_OPTIONS, MOST_ROWS
from schemas.sources.base import JSON, Survey, Wishes, as_text

Pair: TypeAlias = tuple[str, str | None]
MOST_QUESTIONS, LONGEST_NAME, LONGEST_TITLE, LONGEST_LABEL = 500, 255, 10_000, 1_000
_BREAK = re.compile(r"</?(?:br|p|div|li|tr|td|h\d)\b[^>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,2000}>")


def plain(value: JSON) -> str | None:
    """A text without its tags, on one line; None where nothing is left."""
    text = as_text(value)
    if text is None:
        return None
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", text))).split()) or None


def question(
    key: str,
    kind: str,
    title: str | None,
    *,
    options: Iterable[Pair] = (),
    rows: Iterable[Pair] = (),
) -> Survey:
    """One question. Options and rows are (value, label); one named twice counts once. Only a matrix
    has rows, whatever else the platform may have hung on its questions.
    """
    made: Survey = {"key": key, "type": kind}
    if title:
        made["title"] = title[:LONGEST_TITLE]
    for part, given, most in (("options", options, MOST_OPTIONS), ("rows", rows, MOST_ROWS)):
        listed = {value: label for value, label in given if 1 <= len(value) <= LONGEST_LABEL}
        if listed and (part == "options" or kind == "matrix"):
            made[part] = [_listed(*pair) for pair in list(listed.items())[:most]]
    return made


def _listed(value: str, label: str | None) -> Survey:
    return {"value": value, **({"label": label[:LONGEST_LABEL]} if label else {})}


def survey(name: str | None, questions: Iterable[Survey], wishes: Wishes) -> Survey:
    """The survey, its questions of the types that the admin has named for their keys."""
    by_key: dict[str, Survey] = {}
    for one in questions:
        if 1 <= len(one["key"]) <= LONGEST_NAME:
            by_key.setdefault(one["key"], _as_wished(one, wishes.types.get(one["key"])))
    named = {"name": name[:LONGEST_NAME]} if name else {}
    return {**named, "questions": list(by_key.values())[:MOST_QUESTIONS]}


def _as_wished(one: Survey, kind: str | None) -> Survey:
    if kind is None or kind == one["type"]:
        return one
    if kind == "ranking" and "rows" in one:
        # A rank order that comes as rows: what is ranked are the rows.
        return {**{name: one[name] for name in one if name != "rows"}, "options": one["rows"]} | {
            "type": kind
        }
    left = {name: part for name, part in one.items() if name != "rows" or kind == "matrix"}
    return {**left, "type": kind}
