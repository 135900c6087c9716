"""docs/faults.md and the tests agree: each row leads to files that hold a test of its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults import test_fault_runs

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


# --- fault runs -----------------------------------------------------------------------------------

CRMS = ("hubspot", "odoo", "salesforce", "zendesk")
RUN = re.compile(r"^\| [^|]+ \| [^|]+ \|" + r" ([^|]+) \|" * 4 + r" ([^|]+) \|$", re.MULTILINE)
RUNS = [one for one in RUN.findall(PAGE.read_text(encoding="utf-8")) if "`" in one[4]]


def test_the_page_has_the_eight_faults_and_no_other() -> None:
    told = {name for row in RUNS for name in re.findall(r"`(\w+)`", row[4])}
    assert len(RUNS) == 8
    assert told == {one for one in vars(test_fault_runs) if one.startswith("test_")}


@pytest.mark.parametrize("row", RUNS, ids=lambda row: row[4])
def test_a_row_of_runs_has_the_tests_own_effects(row: tuple[str, ...]) -> None:
    tests = [getattr(test_fault_runs, name) for name in re.findall(r"`(\w+)`", row[4])]
    run = {case for test in tests for mark in test.pytestmark for case in mark.args[1]}
    told = {(crm, effect) for crm, cell in zip(CRMS, row[:4], strict=True)
            for effect in cell.split(", ")}  # fmt: skip
    assert told == run
