"""Cuts text where a reader would: never inside an emoji, an accent or a surrogate pair. Pure."""

from __future__ import annotations

import regex

_CLUSTER = regex.compile(r"\X")


def clusters(text: str) -> tuple[str, ...]:
    """The characters of `text` as a reader counts them (Unicode extended grapheme clusters, UAX
    29).
    """
    return tuple(_CLUSTER.findall(text))


def units(text: str) -> int:
    """The length in UTF-16 code units: what the web services of most CRMs count as characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, max_units: int) -> str:
    """The longest beginning of `text` of whole clusters and at most `max_units` UTF-16 code
    units.
    """
    if units(text) <= max_units:
        return text
    taken, used = 0, 0
    for match in _CLUSTER.finditer(text):
        used += units(match.group())
        if used > max_units:
            break
        taken = match.end()
    return text[:taken]


def cut_with(text: str, max_units: int, mark: str) -> str:
    """`text` when it fits, else its beginning and `mark`, together at most `max_units` UTF-16 code
    units.

    Where not even the mark fits, the text is cut without it.
    """
    if units(text) <= max_units:
        return text
    if units(mark) >= max_units:
        return cut(text, max_units)
    return cut(text, max_units - units(mark)).rstrip() + mark
