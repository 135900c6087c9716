"""docs/expressions.md says what is true: its examples are accepted, its codes and names are all."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.responses.rules import FAILURES, condition
from connector.responses.vocabulary import FALSE_BY_DEFAULT, OPEN, STANDARD
from tests.unit.test_mapping import DECLARED

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
EXAMPLES = [line.strip() for line in PAGE.splitlines() if line.startswith("    ")]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("source", EXAMPLES)
def test_an_example_of_the_page_is_accepted(source: str) -> None:
    assert condition(source, DECLARED).names


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_failure_code_is_explained(code: str) -> None:
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("namespace", sorted({*OPEN, *(name[:-1] for name in FALSE_BY_DEFAULT)}))
def test_every_namespace_is_named(namespace: str) -> None:
    assert f"`{namespace}." in PAGE


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_every_standard_variable_is_named(name: str) -> None:
    namespace, _, last = name.partition(".")
    assert namespace in PAGE
    assert last in PAGE
