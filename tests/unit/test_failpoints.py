"""Failpoints: exact, counted, and absent outside the test environment."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from connector import failpoints
from connector.failpoints import BadFailpoint, FailpointRaised, failpoint
from connector.settings import load_settings


def test_nothing_configured_does_nothing() -> None:
    failpoint("claimed")


def test_a_raise_comes_at_the_hit_that_was_asked_for() -> None:
    failpoints.configure_text("claimed=raise@2")
    failpoint("claimed")
    with pytest.raises(FailpointRaised):
        failpoint("claimed")
    failpoint("claimed")


def test_one_failpoint_leaves_the_others_alone() -> None:
    failpoints.configure_text("claimed=raise, pop=sleep:0.001")
    failpoint("pop")
    failpoint("created")
    with pytest.raises(FailpointRaised):
        failpoint("claimed")


def test_a_sleep_lasts_as_long_as_asked() -> None:
    failpoints.configure_text("claimed=sleep:0.05")
    before = time.monotonic()
    failpoint("claimed")
    assert time.monotonic() - before >= 0.05


def test_a_kill_is_sigkill_of_this_very_process() -> None:
    program = (
        "from connector import failpoints\n"
        "failpoints.configure_text('created=kill')\n"
        "failpoints.failpoint('created')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL


def test_the_settings_of_the_test_environment_are_taken() -> None:
    environ = {"ANSWERBACK_ENV": "test", "ANSWERBACK_FAILPOINTS": "rotated=raise"}
    failpoints.configure(load_settings(environ))
    with pytest.raises(FailpointRaised):
        failpoint("rotated")


def test_configuring_the_demo_switches_all_off() -> None:
    failpoints.configure_text("rotated=raise")
    failpoints.configure(load_settings({}))
    failpoint("rotated")


@pytest.mark.parametrize(
    "text", ["claimed", "claimed=explode", "claimed=kill@0", "a=sleep", "=kill"]
)
def test_a_failpoint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadFailpoint):
        failpoints.configure_text(text)


def test_a_failpoint_that_is_off_costs_next_to_nothing() -> None:
    before = time.perf_counter()
    for _ in range(100_000):
        failpoint("claimed")
    assert time.perf_counter() - before < 1.0
