"""Decisions have unique numbers and say what a reader of a year later asks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
PARTS = ("Context", "Decision", "Consequences", "How we would notice it was wrong")


def test_numbers_are_unique_and_without_gaps() -> None:
    numbers = [int(path.name.split("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_says_when_what_why_and_how_it_would_show(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.search(r"^Status: (Accepted|Superseded by \d{4})", text, re.MULTILINE)
    assert [part for part in PARTS if f"\n## {part}\n" not in text] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_fits_a_page(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").split()) < 500
