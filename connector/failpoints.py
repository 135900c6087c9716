"""Named places where a test makes the process die, fail or stall: exact, not by luck.

    failpoint("crm_sent")                          in the code: nothing, unless configured
    ANSWERBACK_FAILPOINTS="crm_sent=kill@2"        kill -9 of this very process at the second hit
    ANSWERBACK_FAILPOINTS="looked_up=sleep:3,rotated=raise"

Without @n a failpoint acts at every hit. Only the test environment has them; settings refuse the
variable elsewhere.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from dataclasses import dataclass

from connector.settings import Environment, Settings

RULE = re.compile(
    r"(?P<name>[a-z_0-9]+)=(?P<action>kill|raise|sleep:(?P<seconds>\d+(?:\.\d+)?))"
    r"(?:@(?P<hit>[1-9]\d*))?\Z"
)


class FailpointRaised(BaseException):
    """What `raise` raises. Deliberately not an Exception, so that no handler of ours catches it."""


class BadFailpoint(ValueError):
    """ANSWERBACK_FAILPOINTS is not a list of name=kill|raise|sleep:SECONDS[@n] with commas."""


@dataclass(frozen=True, slots=True)
class _Rule:
    action: str
    sleep_s: float
    hit: int | None


_rules: dict[str, _Rule] = {}
_hits: dict[str, int] = {}
_lock = threading.Lock()


def configure(settings: Settings) -> None:
    """Take the failpoints of `settings` (none outside the test environment) and start counting."""
    text = settings.failpoints if settings.environment is Environment.TEST else ""
    configure_text(text)


def configure_text(text: str) -> None:
    """The same from the variable's text, for tests in this process; "" switches all off."""
    rules = dict(_parsed(part.strip()) for part in text.split(",") if part.strip())
    with _lock:
        _hits.clear()
        _rules.clear()
        _rules.update(rules)


def failpoint(name: str) -> None:
    """Do what the test asked for at this place; usually nothing, for one look at an empty dict."""
    if not _rules:
        return
    rule = _rules.get(name)
    if rule is not None and _is_due(name, rule):
        _act(name, rule)


def _parsed(part: str) -> tuple[str, _Rule]:
    found = RULE.match(part)
    if not found:
        message = f"not a failpoint: {part!r}; write name=kill|raise|sleep:SECONDS[@n]"
        raise BadFailpoint(message)
    rule = _Rule(
        action=found["action"].partition(":")[0],
        sleep_s=float(found["seconds"] or 0),
        hit=int(found["hit"]) if found["hit"] else None,
    )
    return found["name"], rule


def _is_due(name: str, rule: _Rule) -> bool:
    with _lock:
        _hits[name] = _hits.get(name, 0) + 1
        return rule.hit is None or rule.hit == _hits[name]


def _act(name: str, rule: _Rule) -> None:
    if rule.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if rule.action == "raise":
        raise FailpointRaised(name)
    time.sleep(rule.sleep_s)
