"""The verdict has teeth: two bugs that the naive variant really had, planted, and seen by it.

Each test does what a test of this folder does (row 41, row 6) with one line of the product taken
away, and must get another verdict than that test.
"""

from __future__ import annotations

import pytest

from connector.responses import fold, noting, settling
from tests.faults.crowd import pushed, said, trouble, verdict
from tests.world import CRMSeen, World, people


def test_without_the_order_guard_stale_scores_are_seen(
    world: World, crm: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.seed(people(1))
    new = said(1, 0, score=9, at="2026-11-22T10:00:00Z")
    old = said(2, 0, score=3, at="2026-11-21T10:00:00Z")
    monkeypatch.setattr(fold, "_is_overtaken", lambda *_: False)
    world.push(new)
    world.settle()
    world.push(old)
    world.settle()
    found = verdict(crm, [new, old])
    assert any("score" in one for one in found)
    assert any("tags" in one for one in found)


def test_without_looking_for_the_marker_doubled_notes_are_seen(
    world: World, crm: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "_look_for", lambda _work, _part: True)
    items = pushed(world, crm)
    with monkeypatch.context() as dying:
        dying.setattr(settling, "failpoint", die_at("created"))
        with pytest.raises(Died):
            world.drain(crm.app)
    world.expire_leases()
    world.settle()
    assert any("doubled" in one for one in verdict(crm, items))


class Died(BaseException):
    """As the process at a failpoint."""


def die_at(place: str):
    def failpoint(name: str) -> None:
        if name == place:
            raise Died

    return failpoint


def test_the_verdict_sees_what_is_lost(world: World, crm: CRMSeen) -> None:
    items = pushed(world, crm)
    trouble(crm, at=0, status=503)
    world.drain(crm.app)
    assert any("lost" in one for one in verdict(crm, items))
