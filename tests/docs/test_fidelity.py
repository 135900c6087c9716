"""The page on fidelity says what the conformance tests hold."""

from __future__ import annotations

import json
import re
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
    row = next(line for line in page if line.startswith(f"| {crm} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("crm", MATCHED)
def test_the_page_tells_how_many_recordings_are_answered_alike(crm):
    assert row_of(crm)[1].startswith(f"{MATCHED[crm]} of ")


@pytest.mark.parametrize("crm", ["HubSpot", "Salesforce", "Zendesk"])
def test_the_page_tells_how_many_examples_are_our_own(crm):
    told = json.loads((DATA / f"{crm.lower()}_examples.json").read_text("utf-8"))
    assert row_of(crm)[2] == str(len(told))


# --- what nobody has verified ---------------------------------------------------------------------

UNVERIFIED = re.compile(
    r"^\| ([\w ]+) \| [^|]+ \| (setting|learnt|both)(?: `(\w+)`)? \| (\[test_[^|]+) \|$",
    re.MULTILINE,
)
POINTS = UNVERIFIED.findall((ROOT / "docs" / "fidelity.md").read_text("utf-8"))


def test_every_crm_has_points_that_nobody_has_verified():
    assert {crm for crm, *_ in POINTS} == {*MATCHED, "Adobe Campaign", "SQL database"}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[3].split("]")[0])
def test_an_unverified_point_has_its_setting_or_word_and_its_test(point):
    crm, how, word, tests = point
    inside = (ROOT / "connector" / one for one in ("responses", "connections"))
    folders = (ROOT / "adapters", ROOT / "adapters" / crm.split()[0].lower(), *inside)
    code = "".join(one.read_text("utf-8") for each in folders for one in each.glob("*.py"))
    assert (how == "both") == (not word)
    assert f'"{word}"' in code or how == "both"
    named = re.findall(r"\[(\w+)\]\(\.\./([^)]+)\)", tests)
    assert named
    assert [
        one for one, path in named if f"def {one}(" not in (ROOT / path).read_text("utf-8")
    ] == []


APPS = ("adobe", "hubspot", "odoo", "salesforce", "zendesk")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def unverified_of(app: str) -> list[str]:
    """The facts of an app's page that are marked U."""
    page = (ROOT / "docs" / "apps" / f"{app}.md").read_text("utf-8")
    known = re.split(r"^## How it (?:is known|was verified)$", page, flags=re.MULTILINE)[1]
    rows = [cells(line) for line in known.splitlines() if line.startswith("| ")]
    return [row[0] for row in rows if len(row) > 1 and re.search(r"\bU\b", row[1])]


@pytest.mark.parametrize("app", APPS)
def test_every_unverified_point_of_an_apps_page_is_met_or_said_not_to_matter(app):
    lines = (ROOT / "docs" / "fidelity.md").read_text("utf-8").splitlines()
    told = [cells(line) for line in lines if line.startswith("| ")]
    here = {row[1] for row in told if row[0].split()[0].lower() == app}
    points = unverified_of(app)
    assert len(points) > 5
    assert [one for one in points if one not in here] == []
