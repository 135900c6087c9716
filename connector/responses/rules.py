"""Conditions (IF) and computed values as CEL, checked when saved and bounded when run. Pure.

What the evaluator does not forgive (cel-expr-python 0.1.3, tried 2026-11-22) is settled here once:
an evaluation does not raise but answers a value of type ERROR that would be *true* in Python; only
a spent iteration budget raises; a selection behind a number (`answers.nps.labl`) compiles; and `+`
inside nested list macros doubles a text at every level, so their number is limited when the rule is
saved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from cel_expr_python import cel

from connector.responses.complaints import complaint, kind_word
from connector.responses.vocabulary import FALSE_BY_DEFAULT, Kind, Variable, exact, on_trust
from schemas.fields import FieldValue, canonical
from schemas.phrases import phrase

MAX_SOURCE = 4_000
MAX_MACROS = 2
MAX_SUMS = 16
MAX_TEXT = 262_144  # the largest response; a longer text cannot come from one

_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: cel.Type.STRING,
    Kind.CHOICE: cel.Type.STRING,
    Kind.DATE: cel.Type.STRING,
    Kind.NUMBER: cel.Type.DYN,
    Kind.BOOLEAN: cel.Type.BOOL,
    Kind.DATETIME: cel.Type.TIMESTAMP,
    Kind.CHOICES: cel.Type.List(cel.Type.STRING),
    Kind.RANKING: cel.Type.List(cel.Type.STRING),
    Kind.FILES: cel.Type.List(cel.Type.STRING),
    Kind.MATRIX: cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.STRING)),
    Kind.ANY: cel.Type.DYN,
}
_STRINGS_AND_COMMENTS = re.compile(
    r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//[^\n]*""",
    re.DOTALL,
)
_PATH = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*")
_MACRO = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(")
_PLACE = re.compile(r"<input>:(\d+):(\d+): ")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")


class ExpressionInvalid(ValueError):
    """The expression cannot be saved. `line` and `column` count from 1; the text shows a caret."""

    def __init__(self, reason: str, *, source: str, line: int = 1, column: int = 1) -> None:
        place = _caret(source, line, column)
        super().__init__(phrase("%(reason)s\n%(place)s", reason=reason, place=place))
        self.reason = reason
        self.line = line
        self.column = column


class ExpressionFailed(ValueError):
    """Evaluating failed. `code` is a stable word; the message never holds a value."""

    def __init__(self, code: str) -> None:
        super().__init__(FAILURES[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of one response. `reason` is a stable word where it does not hold.

    `error`: the condition itself is broken; the automation is parked until a person has looked.
    """

    holds: bool
    reason: str | None = None
    error: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression with the variables it names."""

    source: str
    names: Mapping[str, Kind]
    program: Any


FAILURES: Mapping[str, str] = {
    "answer_missing": "a variable of the expression has no value in this response",
    "variable_retyped": "a variable holds another kind of value than the survey declares",
    "not_a_truth_value": "the expression gave no true or false",
    "budget_spent": "the expression took too many steps",
    "text_too_long": "a text is longer than expressions may read",
    "not_a_value": "the expression gave a kind of value that no field can hold",
    "failed": "the expression cannot be computed for this response",
}


def check(source: str, variables: Mapping[str, Kind]) -> None:
    """Refuse what cannot be a condition over these variables: ExpressionInvalid with a caret."""
    condition(source, variables)


def condition(source: str, variables: Mapping[str, Kind]) -> Expression:
    """The condition compiled. It must be BOOL, or DYN where only the response can tell."""
    compiled = expression(source, variables)
    returned = compiled.program.return_type()
    if returned not in (cel.Type.BOOL, cel.Type.DYN):
        reason = phrase(
            "the condition must be true or false, this is %(kind)s", kind=kind_word(returned.name())
        )
        raise ExpressionInvalid(reason, source=source)
    return compiled


def expression(source: str, variables: Mapping[str, Kind]) -> Expression:
    """Any expression compiled over these variables. Raises ExpressionInvalid with a caret."""
    _bounded(source)
    environment = cel.NewEnv(variables={name: _TYPES[kind] for name, kind in variables.items()})
    try:
        program = environment.compile(source)
    except RuntimeError as exc:
        raise _explained(str(exc), source, variables) from None
    return Expression(source, _named(source, variables), program)


def trusting(
    source: str, variables: Mapping[str, Kind], *, survey_known: bool = False
) -> dict[str, Kind]:
    """The variables, with the words of the source that they do not declare and that can be taken on
    trust. Where such a word has no value, the condition is false and says `answer_missing`.
    """
    trusted = dict(variables)
    bare = _bare(source)
    for found in _PATH.finditer(bare):
        path = re.sub(r"\s", "", found.group())
        if bare[found.end() :].lstrip().startswith("("):
            path = path.rpartition(".")[0]
        kind = on_trust(path, survey_known=survey_known) if "." in path else None
        if kind is not None and _longest(path, variables) is None:
            trusted[path] = kind
    return trusted


def names_in(source: str) -> frozenset[str]:
    """The dotted words of an expression, a method's name left out; texts in quotes are none."""
    bare = _bare(source)
    paths = set()
    for found in _PATH.finditer(bare):
        path = re.sub(r"\s", "", found.group())
        is_call = bare[found.end() :].lstrip().startswith("(")
        paths.add(path.rpartition(".")[0] if is_call else path)
    return frozenset(one for one in paths if "." in one)


def verdict(rule: Expression, values: Mapping[str, Variable]) -> Verdict:
    """Whether the condition holds. A missing answer makes it false; any other failure parks it."""
    try:
        result = _evaluated(rule, values)
        if result.type() != cel.Type.BOOL:
            return Verdict(holds=False, reason="not_a_truth_value", error=True)
    except ExpressionFailed as failed:
        return Verdict(holds=False, reason=failed.code, error=failed.code != "answer_missing")
    return Verdict(holds=True) if result.value() else Verdict(holds=False, reason="condition_false")


def computed(rule: Expression, values: Mapping[str, Variable]) -> FieldValue:
    """The expression's value in canonical form. Raises ExpressionFailed."""
    return _canonical(_evaluated(rule, values).plain_value())


def _evaluated(rule: Expression, values: Mapping[str, Variable]) -> cel.Value:
    known = _bindings(rule, values)
    try:
        result = rule.program.eval(data=known)
    except RuntimeError as exc:
        # The text may quote a value; only its kind is kept.
        code = "budget_spent" if "budget" in str(exc) else "failed"
        raise ExpressionFailed(code) from None
    if result.type() != cel.Type.ERROR:
        return result
    missing = str(result.value()).startswith("UNKNOWN: No value with name")
    raise ExpressionFailed("answer_missing" if missing else "failed")


def _bindings(rule: Expression, values: Mapping[str, Variable]) -> dict[str, Any]:
    known: dict[str, Any] = {
        name: False for name in rule.names if name.startswith(FALSE_BY_DEFAULT)
    }
    for name, kind in rule.names.items():
        variable = values.get(name)
        if variable is not None and variable.value is not None:
            known[name] = _binding(variable, kind)
    return known


def _binding(variable: Variable, kind: Kind) -> object:
    if kind is not Kind.ANY and _TYPES[variable.kind] != _TYPES[kind]:
        code = "variable_retyped"
        raise ExpressionFailed(code)
    if variable.rows:
        return {row.key: list(row.values) for row in variable.rows}
    value = variable.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and len(value) > MAX_TEXT:
        code = "text_too_long"
        raise ExpressionFailed(code)
    return _scalar(variable.kind, value)


def _scalar(kind: Kind, value: FieldValue) -> object:
    if kind is Kind.DATETIME:
        return datetime.fromisoformat(str(value))
    # CEL has no decimals: a number with a fraction is compared as a double, and never written as
    # one.
    if kind is Kind.NUMBER and isinstance(value, str):
        return float(value)
    return value


def _canonical(value: object) -> FieldValue:
    if isinstance(value, float):
        return _exact_float(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, list) and not all(isinstance(one, str) for one in value):
        value = [one if isinstance(one, str) else str(_canonical(one)) for one in value]
    try:
        return canonical(value)
    except TypeError:
        code = "not_a_value"
        raise ExpressionFailed(code) from None


def _exact_float(value: float) -> FieldValue:
    if value != value or value in (float("inf"), float("-inf")):
        code = "not_a_value"
        raise ExpressionFailed(code)
    return exact(Decimal(repr(value)))


def _bounded(source: str) -> None:
    if not source.strip():
        reason = phrase("the expression is empty")
        raise ExpressionInvalid(reason, source="")
    if len(source) > MAX_SOURCE or any(0xD800 <= ord(sign) <= 0xDFFF for sign in source):
        reason = phrase(
            "the expression must be at most %(most)s signs of valid Unicode", most=MAX_SOURCE
        )
        raise ExpressionInvalid(reason, source="")
    bare = _bare(source)
    if len(_MACRO.findall(bare)) > MAX_MACROS or bare.count("+") > MAX_SUMS:
        reason = phrase(
            "an expression may hold %(macros)s list macros and %(sums)s plus signs",
            macros=MAX_MACROS,
            sums=MAX_SUMS,
        )
        raise ExpressionInvalid(reason, source=source)


def _bare(source: str) -> str:
    """The source with texts and comments blanked out, every sign at its old place."""
    return _STRINGS_AND_COMMENTS.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), source)


def _named(source: str, variables: Mapping[str, Kind]) -> dict[str, Kind]:
    """The declared variables the source names, by the longest fit. Refuses `answers.nps.labl`."""
    named: dict[str, Kind] = {}
    bare = _bare(source)
    for found in _PATH.finditer(bare):
        path = re.sub(r"\s", "", found.group())
        name = _longest(path, variables)
        if name is None:
            continue
        named[name] = variables[name]
        rest = path[len(name) :].lstrip(".")
        method = bare[found.end() :].lstrip().startswith("(") and "." not in rest
        if rest and not method and variables[name] is Kind.NUMBER:
            raise _unknown(path, source, at=found.start(), variables=variables)
    return named


def _longest(path: str, variables: Mapping[str, Kind]) -> str | None:
    parts = path.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in variables), None)


def _unknown(
    path: str, source: str, *, at: int, variables: Mapping[str, Kind]
) -> ExpressionInvalid:
    before = source[:at]
    column = at - (before.rfind("\n") + 1) + 1
    reason = _not_called(path, variables)
    return ExpressionInvalid(reason, source=source, line=before.count("\n") + 1, column=column)


def suggestion(name: str, known: Mapping[str, object]) -> str:
    """`; did you mean x?` where a known name is near, else nothing."""
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    return phrase("; did you mean %(name)s?", name=near[0]) if near else ""


def _explained(text: str, source: str, variables: Mapping[str, Kind]) -> ExpressionInvalid:
    place = _PLACE.search(text)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    undeclared = _UNDECLARED.search(text)
    if undeclared:
        name = undeclared[1]
        reason = _not_called(name, variables)
        # CEL points at the last part's dot; a reader looks for the name's beginning.
        column -= max(name.rfind("."), 0)
    else:
        first = text[place.end() :] if place else text
        reason = complaint(re.sub(r"\s*\[[A-Z_]+\]\s*\Z", "", first.splitlines()[0]))
    return ExpressionInvalid(reason, source=source, line=line, column=column)


def _not_called(name: str, variables: Mapping[str, Kind]) -> str:
    near = suggestion(name, variables)
    return phrase("no variable is called %(name)s%(suggestion)s", name=name, suggestion=near)


def _caret(source: str, line: int, column: int) -> str:
    lines = source.splitlines() or [""]
    shown = lines[min(max(line, 1), len(lines)) - 1]
    return f"{shown}\n{' ' * (max(column, 1) - 1)}^"
