"""docs/operators.md lists every variable that the settings read, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Assembled in the code from the app's name.
BY_APP = {"ANSWERBACK_<APP>_CLIENT_ID", "ANSWERBACK_<APP>_CLIENT_SECRET"}


def variables_read() -> set[str]:
    source = (ROOT / "connector" / "settings.py").read_text(encoding="utf-8")
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)) | BY_APP


def variables_documented() -> set[str]:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([A-Z_<>]+)` \|", text, re.MULTILINE))


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    assert variables_documented() == variables_read()


def test_the_reading_of_the_source_found_the_variables() -> None:
    assert {"DATABASE_URL", "ANSWERBACK_LEASE_S", "ANSWERBACK_ENV"} <= variables_read()
