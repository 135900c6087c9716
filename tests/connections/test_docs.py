"""The pages about connections and keys name what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.connections import parking, tokens, vault
from connector.connections.grants import REFUSALS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONNECTIONS = (DOCS / "connections.md").read_text()
KEYS = (DOCS / "security-keys.md").read_text()


@pytest.mark.parametrize("code", sorted({*parking.WHAT_TO_DO, *REFUSALS}))
def test_every_reason_stands_on_the_page(code: str) -> None:
    assert f"`{code}`" in CONNECTIONS


@pytest.mark.parametrize("code", sorted(parking.WHAT_TO_DO))
def test_every_reason_ends_with_what_to_do(code: str) -> None:
    assert re.search(r"[A-Z][^.]+\.$", parking.what_to_do(code))


def test_the_times_of_a_refresh_are_those_of_the_page() -> None:
    assert f"gives up after {tokens.LOCK_S:.0f} s" in CONNECTIONS
    assert f"the provider has {tokens.PROVIDER_S:.0f} s" in CONNECTIONS
    assert f"nobody asks again for {tokens.COOLDOWN_S:.0f} s" in CONNECTIONS


def test_the_layout_is_that_of_the_page() -> None:
    layout = [line.strip() for line in (vault.__doc__ or "").splitlines() if " | " in line]
    assert len(layout) == 2
    assert all(line in KEYS for line in layout)
