"""Where a response stands, told from where its steps stand."""

from __future__ import annotations

import pytest

from connector.responses.filestore import WAITS
from connector.responses.tracking import PAUSED, state_of

DONE, OVER = ("done", None), ("superseded", "newer_answer")
DUE, RESTS, FILE = ("pending", None), ("parked", PAUSED), ("parked", WAITS)
DEAD, LOST = ("dead", "validation"), ("parked", "auth")


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], "done"),
        ([DONE, OVER], "done"),
        ([DONE, DUE], "delivering"),
        ([DONE, FILE], "delivering"),
        # The CRM's new option is under way, or its calls of this minute are used up.
        ([DONE, ("parked", "provision")], "delivering"),
        ([("parked", "rate"), DUE], "delivering"),
        ([("parked", "provision"), DEAD], "needs_attention"),
        ([DONE, RESTS], "paused"),
        ([RESTS, DUE], "delivering"),
        ([RESTS, FILE], "delivering"),
        ([RESTS, DEAD], "needs_attention"),
        ([DUE, LOST], "needs_attention"),
        ([DONE, ("parked", "breaker")], "needs_attention"),
    ],
)
def test_what_a_person_has_paused_is_no_trouble_and_not_done(
    steps: list[tuple[str, str | None]], state: str
) -> None:
    told = [{"state": one, "reason": reason} for one, reason in steps]
    assert state_of({"planned_at": "now", "plan_error": None, "steps": told}) == state
