"""The page on fidelity says what the conformance tests hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulators import (
    test_hubspot_conformance,
    test_salesforce_conformance,
    test_zendesk_conformance,
)

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "simulators" / "data"
MATCHED = {
    "HubSpot": test_hubspot_conformance.MATCHED,
    "Salesforce": test_salesforce_conformance.MATCHED_AT_LEAST,
    "Zendesk": test_zendesk_conformance.MATCHED,
    "Odoo": len(json.loads((DATA / "odoo_examples.json").read_text("utf-8"))["calls"]),
}


def row_of(crm: str) -> list[str]:
    page = (ROOT / "docs" / "fidelity.md").read_text("utf-8").splitlines()
    (row,) = [line for line in page if line.startswith(f"| {crm} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("crm", MATCHED)
def test_the_page_tells_how_many_recordings_are_answered_alike(crm):
    assert row_of(crm)[1].startswith(f"{MATCHED[crm]} of ")


@pytest.mark.parametrize("crm", ["HubSpot", "Salesforce", "Zendesk"])
def test_the_page_tells_how_many_examples_are_our_own(crm):
    told = json.loads((DATA / f"{crm.lower()}_examples.json").read_text("utf-8"))
    assert row_of(crm)[2] == str(len(told))
