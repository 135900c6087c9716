"""Every dependency has a reason in docs/patterns.md, and every reason a dependency."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return {re.split(r"[\[<>=~!; ]", one)[0] for group in groups for one in group}


def explained() -> set[str]:
    text = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    return set(re.findall(r"^\| ([\w-]+) \|", text, re.MULTILINE)) - {"package"}


def test_every_dependency_has_its_reason() -> None:
    assert declared() - explained() == set()


def test_no_reason_outlives_its_dependency() -> None:
    assert explained() - declared() == set()


def test_the_lock_holds_every_dependency_with_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {match.lower() for match in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert {name.lower() for name in declared()} <= locked
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "://" not in lock
