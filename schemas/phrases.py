"""A sentence that can be said in another language: the English one knows its pattern and values.
Pure.

    phrase("%(field)s may hold %(most)s signs", field=name, most=80)

It is a plain text to all that asks nothing more of it: an API's answer, a log, a file. Whoever
shows it to people looks the pattern up (connector/admin/language.py).
"""

from __future__ import annotations

from typing import Self


class Phrase(str):
    """An English sentence with its pattern and values. A value that is a Phrase is said too."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, values: dict[str, object] | None = None) -> Self:
        made = super().__new__(cls, pattern % values if values else pattern)
        made.pattern, made.values = pattern, values or {}
        return made

    def __str__(self) -> str:
        """Itself, so that an error's text can still be said: str(exc)."""
        return self


def phrase(pattern: str, /, **values: object) -> Phrase:
    """The sentence; `%(name)s` takes its values. Tests collect every pattern that stands here."""
    return Phrase(pattern, values)
