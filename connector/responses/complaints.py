"""What CEL's compiler complains of, in sentences of ours that can be said in other languages. Pure.

Its own are English and speak of a grammar that no reader knows (cel-expr-python 0.1.3). One that is
not known here stands as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from schemas.phrases import Phrase, phrase

_END = "<EOF>"
# What people write who know another language.
_INSTEAD = {"and": "&&", "or": "||", "not": "!", "&": "&&", "|": "||", "=": "==", "<>": "!="}
_KINDS: Mapping[str, Phrase] = {
    "string": phrase("a text"),
    "int": phrase("a whole number"),
    "uint": phrase("a whole number"),
    "double": phrase("a number with a fraction"),
    "bool": phrase("a truth value"),
    "list": phrase("a list"),
    "map": phrase("a table"),
    "timestamp": phrase("a point in time"),
    "duration": phrase("a span of time"),
    "bytes": phrase("bytes"),
    "null": phrase("nothing"),
    "dyn": phrase("any value"),
}
_SIGN = re.compile(r"@?_*(.+?)_*\Z")


def complaint(text: str) -> str:
    """The compiler's sentence, as we say it."""
    for rule, said in _RULES:
        if found := rule.fullmatch(text):
            return said(found)
    return text


def kind_word(name: str) -> str:
    """What a type of CEL's is called: `list(string)` is a list."""
    return _KINDS.get(name.lower().partition("(")[0], name)


def _missing(found: re.Match[str]) -> Phrase:
    return phrase("%(sign)s is missing here", sign=found[1])


def _unexpected(found: re.Match[str]) -> Phrase:
    word = found[1].strip()
    if word == _END:
        return phrase("the expression ends here, and something is missing")
    if word in _INSTEAD:
        return phrase("write %(right)s instead of %(word)s", right=_INSTEAD[word], word=word)
    return phrase("%(word)s is not expected here", word=word)


def _unreadable(found: re.Match[str]) -> Phrase:
    word = found[1].strip()
    if word in _INSTEAD:
        return _unexpected(found)
    if word[:1] in {'"', "'"}:
        return phrase("the text in quotes has no end, or a \\ in it that means nothing")
    return phrase("%(word)s is no sign of expressions", word=word)


def _overload(found: re.Match[str]) -> Phrase:
    sign, kinds = _SIGN.sub(r"\1", found[1]), [kind_word(one) for one in _split(found[2])]
    if found[1] == "_?_:_":
        return phrase("both outcomes of ? : must be of one kind")
    if len(kinds) == 1:
        return phrase("%(sign)s cannot be used on %(kind)s", sign=sign, kind=kinds[0])
    if len(kinds) == 2:
        left, right = kinds
        return phrase(
            "%(sign)s cannot be used on %(left)s and %(right)s", sign=sign, left=left, right=right
        )
    return phrase("%(sign)s cannot be used on these values", sign=sign)


def _split(told: str) -> list[str]:
    """The types of a list of them; commas inside brackets divide nothing."""
    return [one.strip() for one in re.split(r",(?![^()]*\))", told) if one.strip()]


def _reserved(found: re.Match[str]) -> Phrase:
    return phrase("%(word)s is a word that expressions reserve", word=found[1])


def _number(_found: re.Match[str]) -> Phrase:
    return phrase("the number is too large, or not written as one")


def _deep(_found: re.Match[str]) -> Phrase:
    return phrase("the expression is nested too deep")


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Phrase]], ...] = (
    (re.compile(r"Syntax error: missing ('.+') at .+"), _missing),
    (
        re.compile(r"Syntax error: (?:mismatched|extraneous) input '(.+?)' expecting .+"),
        _unexpected,
    ),
    (re.compile(r"Syntax error: no viable alternative at input '(.+)'"), _unexpected),
    (re.compile(r"Syntax error: token recognition error at: '(.+)'", re.DOTALL), _unreadable),
    (re.compile(r"found no matching overload for '(.+)' applied to '\((.*)\)'"), _overload),
    (re.compile(r"reserved identifier: (\w+)"), _reserved),
    (re.compile(r".*recursion.*"), _deep),
    (re.compile(r"invalid (?:int|uint|double) literal"), _number),
)
