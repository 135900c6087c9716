"""docs/faults.md and the tests agree: each row leads to files that hold a test of its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
ASKED_FOR = {*range(1, 24), *range(27, 39), 41, *range(51, 55), 57, 58}
ROW = re.compile(r"^\| (\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)
ROWS = {int(number): cell for number, cell in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def test_the_page_has_every_row_that_is_asked_for() -> None:
    assert set(ROWS) == ASKED_FOR


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_row_leads_to_a_test_of_its_number(number: int) -> None:
    paths = re.findall(r"\]\(([^)]+)\)", ROWS[number])
    texts = [(PAGE.parent / path).read_text(encoding="utf-8") for path in paths]
    assert any(f"def test_fault_{number:02}_" in text for text in texts)
