"""A condition written as CEL, read back into what a form shows. Pure.

Only what conditions.py writes is understood, whoever wrote it; everything else is for those who
write expressions themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from connector.responses.configuration.conditions import (
    ALL,
    ANY,
    CALLS,
    NOTHING,
    NUMBER,
    SIGNS,
    Comparison,
    Group,
    Part,
    faults,
)
from connector.responses.vocabulary import Kind

_SAID_BY = {sign: says for says, sign in SIGNS.items()}
_TURNED = {"contains": "contains_not", "has": "has_not", "yes": "no", "answered": "not_answered"}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\["\\n]|[^"\\\n])*"|'[^'\\\n]*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>&&|\|\||==|!=|>=|<=|[<>!()]))""",
    re.VERBOSE,
)


def read(source: str, kinds: Mapping[str, Kind]) -> Group | None:
    """The condition as a form has it; None where a form cannot say it."""
    if not source.strip():
        return NOTHING
    tokens = _tokens(source)
    if tokens is None:
        return None
    try:
        reader = _Reader(tokens, kinds)
        found = reader.either()
        if reader.left():
            return None
    except (_Unreadable, RecursionError):  # parentheses without end
        return None
    group = found if isinstance(found, Group) else Group(ALL, (found,))
    return None if any(faults(group, kinds)) else group


class _Unreadable(Exception):
    """Beyond what a form can say."""


_Token: TypeAlias = tuple[str, str]


def _tokens(source: str) -> list[_Token] | None:
    found: list[_Token] = []
    at, end = 0, len(source.rstrip())
    while at < end:
        token = _TOKEN.match(source, at)
        if token is None or token.lastgroup is None:
            return None
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


class _Reader:
    """By recursive descent; `||` binds weaker than `&&`."""

    def __init__(self, tokens: Sequence[_Token], kinds: Mapping[str, Kind]) -> None:
        self._tokens, self._kinds, self._at = tokens, kinds, 0

    def left(self) -> bool:
        return self._at < len(self._tokens)

    def either(self) -> Part:
        return self._joined(ANY, "||")

    def _joined(self, joined: str, sign: str) -> Part:
        def one() -> Part:
            return self._joined(ALL, "&&") if joined == ANY else self._single()

        parts = [one()]
        while self._takes(sign):
            parts.append(one())
        return Group(joined, tuple(parts)) if len(parts) > 1 else parts[0]

    def _single(self) -> Part:
        if self._takes("!"):
            return self._negated()
        if self._takes("("):
            inner = self.either()
            self._must(")")
            return inner
        kind, said = self._next()
        if kind == "name":
            return self._of_name(said)
        if kind != "text" or not self._takes("in"):
            raise _Unreadable
        return Comparison(self._name(), "has", _unquoted(said))

    def _negated(self) -> Part:
        if self.left() and self._tokens[self._at][0] == "text":
            raise _Unreadable  # CEL reads !'a' in b as (!'a') in b
        found = self._single()
        turned = _TURNED.get(found.says) if isinstance(found, Comparison) else None
        if turned is None or not isinstance(found, Comparison):
            raise _Unreadable
        return Comparison(found.variable, turned, found.value)

    def _of_name(self, name: str) -> Comparison:
        owner, _, last = name.rpartition(".")
        if self._takes("("):
            says = next((one for one, call in CALLS.items() if call == last), None)
            value = self._value(owner, Kind.TEXT)
            self._must(")")
            if says is None:
                raise _Unreadable
            return Comparison(owner, says, value)
        for sign, says in _SAID_BY.items():
            if self._takes(sign):
                return Comparison(name, says, self._value(name))
        if name.startswith("answered."):
            return Comparison(f"answers.{name.partition('.')[2]}", "answered")
        return Comparison(name, "yes")

    def _value(self, name: str, of: Kind | None = None) -> str:
        """As it is typed: by the variable's kind, since only a text can be taken for a number."""
        of = of or self._kinds.get(name, Kind.ANY)
        kind, said = self._next()
        if of is Kind.DATETIME and (kind, said) == ("name", "timestamp"):
            self._must("(")
            kind, said = self._next()
            self._must(")")
            return _unquoted(said) if kind == "text" else _refuse()
        if kind == "number" and of in {Kind.NUMBER, Kind.ANY}:
            return said
        if kind != "text" or of in {Kind.NUMBER, Kind.DATETIME}:
            raise _Unreadable
        typed = _unquoted(said)
        looks_otherwise = NUMBER.fullmatch(typed) or typed[:1] == '"'
        return f'"{typed}"' if of is Kind.ANY and looks_otherwise else typed

    def _name(self) -> str:
        kind, said = self._next()
        return said if kind == "name" else _refuse()

    def _next(self) -> _Token:
        if not self.left():
            raise _Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, word: str) -> bool:
        is_next = self.left() and self._tokens[self._at][1] == word
        is_word = is_next and self._tokens[self._at][0] in {"sign", "name"}
        self._at += is_word
        return is_word

    def _must(self, word: str) -> None:
        if not self._takes(word):
            raise _Unreadable


def _refuse() -> str:
    raise _Unreadable


def _unquoted(said: str) -> str:
    """A text as typed. Of the escapes only those that `_quoted` writes are read."""
    return str(json.loads(said, strict=False)) if said[0] == '"' else said[1:-1]
