"""Why a delivery, a file or a message failed, in the reader's language.

Stored are a stable word and an English sentence, which the API tells. Here the sentence is, in this
order: said with its values, where it is one of ours (a phrase, or an instruction); what its word
means (connector/admin/codes.py); as it stands. What a CRM itself has said is quoted as it came.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from flask import Flask
from markupsafe import Markup

from connector.admin.codes import sentence
from connector.admin.language import LANGUAGES, catalogue, language, said
from schemas.phrases import Phrase

# Under these words an adapter passes on what the CRM's own admins have written.
OWN_WORDS = frozenset({"validation_rule"})
# Longer texts are none of ours; a pattern with fewer letters of its own would fit anything.
_LONGEST_TEXT, _FEWEST_LETTERS = 600, 8
_VALUE = re.compile(r"%\((\w+)\)s")


def install(app: Flask) -> None:
    """Let templates say why(code, text)."""
    app.jinja_env.globals["why"] = why


def why(code: str | None, text: str | None) -> Markup:
    """The reason in the language of this request, escaped."""
    told = text or ""
    ours = _in_words(told)
    if ours is not None:
        return Markup.escape(ours)
    if code in OWN_WORDS and told:
        return Markup('{} <q lang="">{}</q>').format(sentence(code), told)
    if told and language() == "en":
        return Markup.escape(told)
    return Markup.escape(sentence(code) or told)


def _in_words(text: str) -> str | None:
    """The text where it is one of ours: whole, or behind the place that it speaks of
    (`rows[3]: ...`).
    """
    if not text or len(text) > _LONGEST_TEXT:
        return None
    if found := read_back(text):
        return said(found)
    place, colon, rest = text.partition(": ")
    found = read_back(rest) if colon and " " not in place else None
    return f"{place}: {said(found)}" if found else None


@lru_cache(maxsize=2048)
def read_back(text: str) -> Phrase | None:
    """The phrase whose English sentence this is, with its values; None where it is none of ours.

    Of several the one that leaves least to its values; a value can be a sentence of its own.
    """
    if text in _ours():
        return Phrase(text) if _letters(text) >= _FEWEST_LETTERS else None
    for pattern, rule in _patterns():
        if found := rule.fullmatch(text):
            return Phrase(pattern, {name: _value(one) for name, one in found.groupdict().items()})
    return None


def _value(text: str) -> str:
    """A value that is a sentence is said, too; a name that happens to be a text of ours stays."""
    return (read_back(text) if text.count(" ") > 1 else None) or text


def _letters(text: str) -> int:
    return sum(sign.isalpha() for sign in _VALUE.sub("", text))


@cache
def _ours() -> frozenset[str]:
    """The texts of the pages: those of any language's catalogue, for all have the same."""
    other = next(code for code in LANGUAGES if code != "en")
    # Babel tells the texts of a catalogue in no other way.
    every = catalogue(other)._catalog  # noqa: SLF001
    return frozenset(text for text in every if isinstance(text, str) and text)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The texts that take values, with what recognises them: those that say most first."""
    chosen = [text for text in _ours() if _VALUE.search(text) and _letters(text) >= _FEWEST_LETTERS]
    by_letters = sorted(chosen, key=lambda text: (-_letters(text), text))
    return tuple((text, _rule(text)) for text in by_letters)


def _rule(pattern: str) -> re.Pattern[str]:
    """What recognises the sentences of a pattern. A name that stands twice has one value."""
    parts, seen, at = [], set(), 0
    for value in _VALUE.finditer(pattern):
        parts.append(re.escape(pattern[at : value.start()].replace("%%", "%")))
        name = value[1]
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
        seen.add(name)
        at = value.end()
    parts.append(re.escape(pattern[at:].replace("%%", "%")))
    return re.compile("".join(parts), re.DOTALL)
