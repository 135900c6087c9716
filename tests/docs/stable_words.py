"""Finds the stable words of errors in the code: what docs/errors.md has to explain.

Read from the source and not by hand, so that a new word without its line in the docs fails a test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from adapters.hubspot import refusals as hubspot
from adapters.salesforce import refusals as salesforce
from adapters.zendesk import answers as zendesk
from connector.connections.grants import REFUSALS
from connector.connections.parking import WHAT_TO_DO
from connector.problems import Code
from connector.responses.rules import FAILURES
from schemas.record import SENTENCES
from schemas.strict import Fault

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("connector", "adapters", "schemas")
KEYWORDS = {"code", "reason", "error_code"}
# Where a call takes its stable word by place.
PLACES = {
    "ExpressionFailed": 0,
    "HostNotAllowed": 0,
    "Place": 1,
    "Problem": 2,
    "Refusal": 1,
    "RowFault": 0,
    "RowRefused": 0,
    "Unfit": 0,
    "_dead": 0,
    "_rejected": 1,
    "rejected": 1,
}
# Words of other things that are called code or reason, too.
OTHERS = {
    "UNKNOWN",  # Salesforce's word where it gives none
    "scope",
    "throttled",  # why a connection rests, shown nowhere
}


def in_tables() -> set[str]:
    """The words that stand in a table of their own."""
    return {
        *(code.value for code in Code),
        *(fault.value for fault in Fault),
        *WHAT_TO_DO,
        *REFUSALS,
        *FAILURES,
        *SENTENCES,
        *hubspot.CODES.values(),
        *(word for word, _ in salesforce.REJECTIONS.values()),
        *zendesk.CODES.values(),
        *(word for _, word in zendesk.SENTENCES),
    }


def in_source() -> set[str]:
    """The words that are written where they are raised."""
    found = {
        word
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for word in _words_of(node)
    }
    return {word for word in found if word.replace("_", "").isalnum()} - OTHERS


def every_text() -> set[str]:
    """Every text constant of the code: what is explained must at least be one of them."""
    return {
        node.value
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _words_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
        yield from _said(node.value)
    elif isinstance(node, ast.Assign):
        yield from _assigned(node)
    elif isinstance(node, ast.Call):
        place = PLACES.get(_name(node.func))
        if place is not None and len(node.args) > place:
            yield from _said(node.args[place])
    elif isinstance(node, ast.Dict):
        # Why a whole response made no step: {"response": "anonymous"}.
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "response":
                yield from _said(value)


def _assigned(node: ast.Assign) -> Iterator[str]:
    target = node.targets[0]
    kept_as_verdict = isinstance(target, ast.Subscript) and _name(target.value) == "verdicts"
    if kept_as_verdict or _name(target) in KEYWORDS:
        yield from _said(node.value)
    elif isinstance(target, ast.Tuple) and _name(target.elts[0]) in KEYWORDS:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else []
        if values:
            yield from _said(values[0])


def _said(node: ast.AST) -> Iterator[str]:
    """The texts a value can be, without those inside calls and comparisons."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _said(node.body)
        yield from _said(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _said(value)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
