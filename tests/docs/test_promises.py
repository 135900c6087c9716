"""The house's own rules about what stands in the tree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")


def tracked(*patterns: str) -> list[Path]:
    """The files of the project as git knows them; of an export without git, all of them."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
    return [path for pattern in patterns for path in ROOT.glob(f"**/{pattern}")]


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda path: path.name)
def test_a_link_in_the_docs_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [target for target in LINK.findall(text) if not (path.parent / target).exists()]
    assert missing == []


def test_the_readme_names_the_two_commands_on_its_first_screen() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    assert "./run demo" in "\n".join(first_screen)
    assert "./run test" in "\n".join(first_screen)


def test_a_todo_has_an_issue_number() -> None:
    loose = re.compile(r"\b(?:TODO|FIXME)\b(?!\(#\d+\))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.py", "*.md", "*.html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if loose.search(line) and path != Path(__file__).resolve()
    ]
    assert found == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert [path for path in tracked("*.py") if path.name in drawers] == []
