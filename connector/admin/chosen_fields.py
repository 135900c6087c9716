"""Rows of chosen CRM fields as a form sends them: added, moved and taken out without anything being
saved, so that it works without scripts.

A row is `field-0`, `label-0` and so on. A button named `act` says `up-3`, `out-3` or `more`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.admin.contact_fields import why_not_word
from connector.admin.language import gettext, said
from connector.admin.page import field
from connector.problems import Refusal
from schemas.extras import LONGEST_TEXT, MOST_FIELDS

SPARE_ROWS = 3
# How many rows a form may send: the spare ones count too.
_MOST_ROWS = MOST_FIELDS + 2 * SPARE_ROWS


def typed_rows(*names: str) -> list[dict[str, str]]:
    """The rows that name a field, in their order; of each what these inputs say."""
    return [
        {name: field(f"{name}-{number}", most=LONGEST_TEXT).strip() for name in names}
        for number in range(_MOST_ROWS)
        if field(f"field-{number}", most=255).strip()
    ]


def rearranged(rows: Sequence[Mapping[str, str]], act: str) -> list[Mapping[str, str]] | None:
    """The rows after the button, None where it is another one: then they are to be saved."""
    kind, _, told = act.partition("-")
    at = int(told) if told.isdigit() and int(told) < len(rows) else 0
    changed = list(rows)
    if kind == "up":
        changed.insert(max(at - 1, 0), changed.pop(at)) if changed else None
    elif kind == "out":
        changed[at : at + 1] = []
    elif kind != "more":
        return None
    return changed


def faults_of(refusal: Refusal) -> dict[str, str]:
    """What is wrong: by `<row>-<input>` for a row, by the input's name for the rest."""
    return dict(_faults(refusal))


def _faults(refusal: Refusal) -> Iterator[tuple[str, str]]:
    if not refusal.places:
        name = "name" if refusal.code == "name_taken" else ""
        yield name, said(refusal.detail or refusal.kind.mend)
    for place in refusal.places:
        parts = place.pointer.strip("/").split("/")
        text = _words(place.code, place.text)
        yield (f"{parts[1]}-{parts[2]}", text) if len(parts) == 3 else (parts[0], text)


def _words(code: str, text: str) -> str:
    if code == "duplicate":
        return gettext("It stands twice.")
    told = why_not_word(code)
    return said(text) if told == code else told


def options_of(fields: Sequence[Any]) -> list[tuple[str, str]]:
    """Name and label of each field, by label, to choose from while typing."""
    return sorted(((one.name, one.label) for one in fields), key=lambda one: one[1].casefold())
