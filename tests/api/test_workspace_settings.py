"""The workspace's settings: set one by one, back to their defaults by null."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Caller


def settings(alice: Caller, told: dict[str, Any]) -> Any:
    answer = alice.patch("/workspace", {"settings": told})
    assert answer.status_code == 200, answer.text
    return answer.json["settings"]


def test_a_setting_that_is_not_named_stays(alice):
    settings(alice, {"tags": {"prefix": "Acme"}, "language": "da"})
    settings(alice, {"tags": {"separator": "_"}})
    assert settings(alice, {"nps_window_days": 30}) == {
        "tags": {"prefix": "Acme", "separator": "_"},
        "language": "da",
        "nps_window_days": 30,
    }


def test_null_goes_back_to_the_default(alice):
    settings(alice, {"tags": {"prefix": "Acme", "enabled": False}, "language": "da"})
    told = {"tags": {"prefix": None}, "language": None}
    assert settings(alice, told) == {"tags": {"enabled": False}}


@pytest.mark.parametrize(
    ("tags", "pointer"),
    [
        ({"separator": ";"}, "/settings/tags/separator"),
        ({"opt_out": "NPSToday.Møde.9"}, "/settings/tags"),
        ({"opt_out": "two words"}, "/settings/tags"),
        ({"separator": "-", "opt_out": "NPSToday-10"}, "/settings/tags"),
    ],
)
def test_tags_that_could_not_be_told_apart_are_refused(alice, tags, pointer):
    answer = alice.patch("/workspace", {"settings": {"tags": tags}})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert alice.get("/workspace").json["settings"] == {}
