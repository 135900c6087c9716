"""A campaign's tags get another name, at every CRM: each once, none left behind, none of others."""

from __future__ import annotations

from typing import Any

import pytest

from connector.campaigns import register
from connector.problems import Code, Refusal
from connector.responses import deliver, retag
from tests.responses.scene import LATER
from tests.world import CRMSeen, World, answered, people

OTHER = ("6000", "Salg")


def rename(world: World, name: str | None, campaign: str = "5000") -> retag.Renamed:
    with world.database.begin(world.workspace_id) as store:
        return retag.rename(store, world.workspace_id, platform_id=campaign, name=name)


def spelt(crm: CRMSeen, campaign: str, score: int) -> str:
    """A tag as this CRM keeps it; Zendesk's simulator takes no capitals and no dots."""
    if crm.app == "zendesk":
        return f"npstoday_{campaign.lower().replace(' ', '_')}_{score}"
    return f"NPSToday.{campaign}.{score}"


def test_every_tag_is_written_anew_and_nothing_else(world: World, crm: CRMSeen) -> None:
    crm.seed(people(3))
    world.push(*(answered(n, score=n + 5) for n in range(3)))
    world.push(answered(0, score=2, response_id="other", campaign=OTHER))
    world.settle()
    notes = crm.notes("c0@example.test")
    done = rename(world, "Besøg")
    assert done.tags == 3
    world.settle()
    assert crm.tags("c0@example.test") == sorted([spelt(crm, "Besøg", 5), spelt(crm, "Salg", 2)])
    assert crm.tags("c2@example.test") == [spelt(crm, "Besøg", 7)]
    assert crm.notes("c0@example.test") == notes
    # A repeat, and a name of before, are as good as the first.
    assert rename(world, "Besøg").tags == 3
    world.settle()
    assert crm.tags("c1@example.test") == [spelt(crm, "Besøg", 6)]
    rename(world, "Møde")
    world.settle()
    assert crm.tags("c1@example.test") == [spelt(crm, "Møde", 6)]


def test_later_and_older_answers_meet_the_new_name(world: World, crm: CRMSeen) -> None:
    crm.seed(people(2))
    world.push(answered(0, score=7), answered(1, score=7))
    world.settle()
    rename(world, "Besøg")
    world.push(answered(0, score=9, response_id="later", at=LATER))
    world.push(answered(1, score=1, response_id="older", at="2020-01-01T00:00:00Z"))
    world.settle()
    assert crm.tags("c0@example.test") == [spelt(crm, "Besøg", 9)]
    assert crm.tags("c1@example.test") == [spelt(crm, "Besøg", 7)]


def test_what_waits_and_what_is_on_its_way_gets_the_new_name(
    world: World, crm: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.seed(people(2))
    world.push(answered(0, score=7))
    world.settle()
    world.push(answered(1, score=7))
    world.push(answered(0, score=3, response_id="later", at=LATER))
    world.plan()
    work = deliver._work

    def renamed_meanwhile(*arguments: Any) -> None:
        work(*arguments)
        monkeypatch.undo()
        rename(world, "Besøg")

    monkeypatch.setattr(deliver, "_work", renamed_meanwhile)
    world.settle()
    assert crm.tags("c0@example.test") == [spelt(crm, "Besøg", 3)]
    assert crm.tags("c1@example.test") == [spelt(crm, "Besøg", 7)]
    assert not world.rows("SELECT FROM delivery WHERE payload ? 'again'")


def test_a_name_of_another_campaign_is_refused_even_one_of_before(world: World) -> None:
    world.push(answered(0), answered(1, campaign=OTHER))
    world.plan()
    rename(world, "Besøg", campaign="6000")
    for name in ("Besøg", "Besoeg", "Salg"):
        with pytest.raises(Refusal) as raised:
            rename(world, name)
        assert raised.value.code is Code.NAME_TAKEN
    # Its own name of before is nobody else's.
    rename(world, "Salg", campaign="6000")


def test_a_new_campaign_does_not_take_a_name_of_before(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=7))
    world.settle()
    rename(world, "Besøg")
    world.settle()
    world.push(answered(0, score=4, response_id="new", campaign=("7000", "Møde"), at=LATER))
    world.settle()
    assert crm.tags("c0@example.test") == sorted(
        [spelt(crm, "Besøg", 7), spelt(crm, "Møde 7000", 4)]
    )


def test_without_a_name_the_campaigns_own_is_taken(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=7))
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        name, body = "After visit", {"name": "After visit"}
        register.save(store, world.workspace_id, platform_id="5000", body=body, tag_name=name)
    world.push(answered(0, score=8, response_id="r2", at=LATER))
    world.settle()
    assert crm.tags("c0@example.test") == [spelt(crm, "Møde", 8)]
    rename(world, None)
    world.settle()
    assert crm.tags("c0@example.test") == [spelt(crm, "After visit", 8)]


@pytest.mark.parametrize(("name", "code"), [("\u200b", Code.BODY_INVALID)])
def test_a_name_without_a_sign_is_refused(world: World, name: str, code: Code) -> None:
    world.push(answered(0))
    world.plan()
    with pytest.raises(Refusal) as raised:
        rename(world, name)
    assert raised.value.code is code


def test_a_campaign_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(Refusal) as raised:
        rename(world, "x", campaign="none")
    assert raised.value.code is Code.NOT_FOUND
