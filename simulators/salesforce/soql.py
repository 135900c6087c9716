"""The part of SOQL the simulator understands, read into a tree. Pure.

    SELECT field, Parent.field, COUNT(), (SELECT field FROM Children) FROM Object
    WHERE field = | != | < | <= | > | >= | LIKE | [NOT] IN | INCLUDES | EXCLUDES ..., AND OR NOT
    ORDER BY field [ASC | DESC] [NULLS FIRST | LAST], ... LIMIT n OFFSET n

What it does not understand it refuses with MALFORMED_QUERY, as the service does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from simulators.salesforce.values import Code, RowRefused, moment, refuse

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_MEMBERSHIPS = {"IN", "NOT IN", "INCLUDES", "EXCLUDES"}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a condition; `kind` is string, number, moment or word (true, false, null)."""

    kind: str
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field."""

    path: Path
    operator: str
    values: tuple[Literal, ...] = ()
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by AND or OR, or one negated by NOT."""

    joint: str
    parts: tuple[Test | Group, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole SELECT. `counts` stands for SELECT COUNT()."""

    paths: tuple[Path, ...]
    children: tuple[Query, ...]
    entity: str
    where: Test | Group | None = None
    orders: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    counts: bool = False


def parsed(source: str) -> Query:
    """The query's tree. Raises RowRefused with MALFORMED_QUERY."""
    reader = _Reader(source)
    query = reader.query()
    if reader.peek():
        raise reader.unexpected()
    return query


class _Reader:
    def __init__(self, source: str) -> None:
        self.tokens = _tokens(source)
        self.place = 0

    # --- tokens ---

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise self.unexpected()
        self.place += 1
        return token

    def met(self, *words: str) -> bool:
        """Take these words when they come next."""
        coming = [one[1].upper() for one in self.tokens[self.place : self.place + len(words)]]
        if coming != list(words):
            return False
        self.place += len(words)
        return True

    def need(self, *words: str) -> None:
        if not self.met(*words):
            raise self.unexpected()

    def unexpected(self) -> RowRefused:
        return malformed(f"unexpected token: '{self.peek() or '<EOF>'}'")

    # --- clauses, in the order of a query ---

    def query(self) -> Query:
        self.need("SELECT")
        paths, children, counts = self.selection()
        self.need("FROM")
        entity = self.take()
        where = self.any_of() if self.met("WHERE") else None
        orders = self.orders() if self.met("ORDER", "BY") else ()
        limit = self.whole_number() if self.met("LIMIT") else None
        offset = self.whole_number() if self.met("OFFSET") else 0
        return Query(paths, children, entity, where, orders, limit, offset, counts)

    def selection(self) -> tuple[tuple[Path, ...], tuple[Query, ...], bool]:
        if self.met("COUNT", "(", ")"):
            return (), (), True
        paths: list[Path] = []
        children: list[Query] = []
        while True:
            if self.met("("):
                children.append(self.query())
                self.need(")")
            else:
                paths.append(self.path())
            if not self.met(","):
                return tuple(paths), tuple(children), False

    def path(self) -> Path:
        if self.kind() != "word":
            raise self.unexpected()
        return tuple(self.take().split("."))

    def any_of(self) -> Test | Group:
        return self.joined("OR", self.all_of)

    def all_of(self) -> Test | Group:
        return self.joined("AND", self.one_of)

    def joined(self, joint: str, part: Callable[[], Test | Group]) -> Test | Group:
        parts = [part()]
        while self.met(joint):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(joint, tuple(parts))

    def one_of(self) -> Test | Group:
        if self.met("NOT"):
            return Group("NOT", (self.one_of(),))
        if self.met("("):
            inner = self.any_of()
            self.need(")")
            return inner
        return self.test()

    def test(self) -> Test:
        path = self.path()
        operator = self.take().upper()
        if operator == "NOT":
            self.need("IN")
            operator = "NOT IN"
        if operator in _MEMBERSHIPS:
            return self.membership(path, operator)
        if operator in _COMPARISONS or operator == "LIKE":
            return Test(path, "!=" if operator == "<>" else operator, (self.literal(),))
        self.place -= 1
        raise self.unexpected()

    def membership(self, path: Path, operator: str) -> Test:
        self.need("(")
        if self.peek().upper() == "SELECT":
            inner = self.query()
            self.need(")")
            return Test(path, operator, query=inner)
        values = [self.literal()]
        while self.met(","):
            values.append(self.literal())
        self.need(")")
        return Test(path, operator, tuple(values))

    def literal(self) -> Literal:
        kind = self.kind()
        token = self.take()
        if kind == "string":
            return Literal(kind, _unescaped(token[1:-1]))
        if kind == "number":
            return Literal(kind, float(token))
        if kind == "moment":
            return Literal(kind, _instant(token))
        words: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}
        if token.upper() in words:
            return Literal("word", words[token.upper()])
        self.place -= 1
        raise self.unexpected()

    def orders(self) -> tuple[Order, ...]:
        found = [self.order()]
        while self.met(","):
            found.append(self.order())
        return tuple(found)

    def order(self) -> Order:
        path = self.path()
        descending = self.met("DESC")
        if not descending:
            self.met("ASC")
        nulls_last = self.met("NULLS", "LAST")
        if not nulls_last:
            self.met("NULLS", "FIRST")
        return Order(path, descending, nulls_last)

    def whole_number(self) -> int:
        token = self.take()
        if not token.isdigit():
            self.place -= 1
            raise self.unexpected()
        return int(token)


def malformed(message: str) -> RowRefused:
    """What the service says to a query it cannot read."""
    return refuse(Code.MALFORMED_QUERY, message)


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens = []
    place = 0
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            message = f"line 1:{place} no viable alternative at character '{source[place]}'"
            raise malformed(message)
        if match.lastgroup != "space":
            tokens.append((str(match.lastgroup), match.group()))
        place = match.end()
    return tokens


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)


def _instant(token: str) -> str:
    try:
        if "T" in token:
            return moment(datetime.fromisoformat(token))
        return date.fromisoformat(token).isoformat()
    except ValueError as exc:
        message = f"invalid date: {token}"
        raise malformed(message) from exc
