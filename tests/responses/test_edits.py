"""A response is edited at its platform: its newest notes and files stand, once, at every CRM.

Each contact of the first test is a case of its own: a world takes longer to make than to use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from connector.db import Database
from connector.responses import deliver, planner, retracting
from connector.settings import Settings
from tests.responses.filehost import PDF, TAKERS, founded_with_files, hosting, png, signed
from tests.responses.scene import joined, states
from tests.responses.test_deletions import LATER, TAKING_BACK, delete, standing, who
from tests.responses.test_made_files import made_at, making
from tests.responses.test_mapping_trials import look
from tests.world import CRMSeen, World, answered, people


def version(number: int, revision: int, said: str, **changes: Any) -> dict[str, Any]:
    """A version of contact `number`'s only response."""
    at = f"2026-11-2{revision}T01:02:00Z"
    return answered(number, score=revision, why=said, at=at, revision=revision, **changes)


def left(crm: CRMSeen, number: int) -> list[str]:
    """The contact's notes, without those that are crossed out."""
    notes = crm.notes(who(number))
    crossed = [one.partition("✗ ")[2].split()[0].split("<")[0] for one in notes if "✗" in one]
    return [one for one in notes if "✗" not in one and not any(ref in one for ref in crossed)]


def told(crm: CRMSeen, number: int) -> list[str]:
    """Which of the words stand in the contact's notes."""
    words = ("first", "second", "third")
    return [word for one in left(crm, number) for word in words if word in one]


def test_the_newest_note_takes_the_place_of_those_before(world: World, crm: CRMSeen) -> None:
    crm.seed(people(7))
    plain, thrice, late, together, same, moved, other = range(7)
    world.push(*(version(one, 1, "first") for one in (plain, thrice, same, moved)))
    world.push(version(late, 2, "second"), version(together, 1, "first"))
    world.push(version(together, 2, "second"))
    world.settle()
    world.push(*(version(one, 2, "second") for one in (plain, thrice)))
    world.push(
        version(late, 1, "first"),
        version(same, 2, "first", answers=version(same, 1, "first")["answers"]),
        version(moved, 2, "second", email=who(other)),
    )
    world.settle()
    world.push(version(thrice, 3, "third"))
    world.settle()
    assert [told(crm, one) for one in range(7)] == [
        *(["second"], ["third"], ["second"], ["second"], ["first"], [], ["second"])
    ]
    assert [standing(crm, one) for one in range(7)] == [1, 1, 1, 1, 1, 0, 1]
    assert set(world.states()) <= {"done", "superseded"}
    # One for each note that went, none for what never stood or has not changed.
    assert len(world.deliveries(kind="undo")) == 4
    delete(world, *(f"r{one}" for one in (plain, thrice, same)))
    assert [standing(crm, one) for one in (plain, thrice, same)] == [0, 0, 0]


def test_a_lost_answer_crosses_out_once(world: World) -> None:
    # Only at Zendesk taking back is writing; the others are asked in test_deletions.py.
    with joined(world, "zendesk") as crm:
        crm.seed(people(1))
        world.push(version(0, 1, "first"))
        world.settle()
        crm.fault(*TAKING_BACK["zendesk"][-1], drop_after=True)
        world.push(version(0, 2, "second"))
        world.settle()
        assert (told(crm, 0), standing(crm, 0)) == (["second"], 1)
        assert set(world.states()) <= {"done", "superseded"}


@pytest.mark.parametrize("app", TAKERS)
def test_a_changed_file_takes_the_place_of_the_one_before(
    settings: Settings, database: Database, app: str
) -> None:
    world = founded_with_files(settings, database)
    with joined(world, app, note="none") as crm, hosting() as host:
        crm.seed(people(1))
        sign, one, two = (
            host.put("/s.png", png(1)),
            host.put("/a.pdf", PDF),
            host.put("/b.pdf", PDF),
        )
        world.push(signed(0, sign, one))
        world.settle()
        world.push(signed(0, sign, two, revision=2, submitted_at=LATER))
        world.settle()
        assert set(world.states()) <= {"done", "superseded"}
        files = [row.step for row in world.deliveries(kind="file")]
        assert len(files) == 3
        assert [row.payload["step"] for row in world.deliveries(kind="undo")] == [files[1]]
        if app == "zendesk":
            assert standing(crm, 0) == 2
        else:
            assert len(crm.contacts()[who(0)]["files"]) == 2


# --- a mapping that only creates ------------------------------------------------------------------

# Where the comment stands on what is made, and the call that makes it.
SAYS: Mapping[str, tuple[str, tuple[str, str, str]]] = {
    "hubspot": ("title", ("/batch/create$", "POST", "")),
    "odoo": ("name", ("/jsonrpc$", "POST", '"crm.lead", "create"')),
    "salesforce": ("Subject", ("/composite/sobjects/?$", "POST", "")),
    "zendesk": ("subject", ("/tickets", "POST", "")),
}


EXISTS = {
    "code": "exists",
    "message": "the CRM has this record already, and the mapping only creates",
    "field": None,
}


def comments(crm: CRMSeen) -> list[str]:
    """What stands in that field of everything that was made."""
    part = {"hubspot": "properties", "odoo": "fields", "salesforce": "fields"}.get(crm.app)
    every = (one[part] if part else one for one in made_at(crm))
    return [one[SAYS[crm.app][0]] for one in every]


@pytest.mark.parametrize("app", sorted(SAYS))
def test_an_edit_changes_what_was_made_of_its_own_response_and_of_no_other(
    world: World, app: str
) -> None:
    field, creating = SAYS[app]
    rows = [{"variable": "answers.why", "field": field}]
    if app == "zendesk":
        # A ticket has to have it, and it is never changed: an edit leaves it out.
        rows.append({"variable": "answers.why", "field": "description"})
    with making(world, app, "create", files="none", rows=rows) as crm:
        crm.seed(people(3))
        own, other, lost = range(3)
        visits = {own: {"visit": "V-0"}, other: {"visit": "V-0"}, lost: {"visit": "V-1"}}

        def push(number: int, revision: int, said: str) -> None:
            world.push(version(number, revision, said, hidden=visits[number]))
            world.settle()

        push(own, 1, "first")
        push(own, 2, "second")
        push(other, 3, "others")
        push(other, 4, "others")
        # Try it says so, too.
        assert [look(world, one)["why"] for one in ("r0", "r1")] == [None, EXISTS]
        crm.fault(*creating, drop_after=True)
        world.push(version(lost, 1, "first", hidden=visits[lost]))
        world.plan()
        world.drain(app)
        push(lost, 2, "third")
        assert sorted(comments(crm)) == ["second", "third"]
        fed = [one for one in world.deliveries(kind="fields") if one.step.startswith("feed:")]
        assert [(one.state, one.reason) for one in fed] == [
            *[("done", None)] * 2,
            *[("dead", "exists")] * 2,
            ("superseded", "newer_answer"),
            ("done", None),
        ]
        (before,) = world.rows(
            "SELECT before, created FROM ledger WHERE delivery_id = :id AND field = :field",
            id=fed[1].id,
            field=field,
        )
        assert (before.before, before.created) == ("first", False)


REPLAYED = text("UPDATE delivery SET state = 'pending', due_at = now() WHERE id = :id")

# --- any order, any state -------------------------------------------------------------------------


def test_an_edit_waits_for_the_planning_of_the_version_before(world: World) -> None:
    with joined(world, "salesforce") as crm:
        crm.seed(people(1))
        world.push(version(0, 1, "first"))
        with world.database.begin(world.workspace_id) as store:
            store.execute(planner.TAKE, {"n": 1})
            world.push(version(0, 2, "second"))
            world.plan()
        assert [row.planned_at for row in world.rows("SELECT planned_at FROM response")] == [
            *(None, None)
        ]
        world.settle()
        assert told(crm, 0) == ["second"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_note_in_somebodys_hands_is_taken_back_or_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    with joined(world, "salesforce") as crm:
        crm.seed(people(1))
        if fails:
            crm.fault("/composite", "POST", "ContentNote", status=503)
        world.push(version(0, 1, "first"))
        world.plan()
        work = deliver._work

        def edited_meanwhile(*arguments: Any) -> None:
            work(*arguments)
            monkeypatch.undo()
            world.push(version(0, 2, "second"))
            world.plan()

        monkeypatch.setattr(deliver, "_work", edited_meanwhile)
        world.settle()
        assert told(crm, 0) == ["second"]
        # Whoever replays the older one now writes nothing.
        notes = world.deliveries(kind="note")
        with world.database.begin(world.workspace_id) as store:
            store.execute(REPLAYED, {"id": notes[0].id})
        world.settle()
        assert told(crm, 0) == ["second"]
        assert states(world, kind="note")[0] == ("superseded", "response_edited")


def test_what_nobody_has_had_in_hand_ends_and_says_why(world: World) -> None:
    with joined(world, "salesforce") as crm:
        crm.seed(people(1))
        world.push(version(0, 1, "first"))
        world.plan()
        world.push(version(0, 2, "second"))
        world.plan()
        world.settle()
        assert states(world, kind="note") == [("superseded", "response_edited"), ("done", None)]
        assert world.deliveries(kind="undo") == []
        # One that comes late makes none.
        world.push(version(0, 3, "third", response_id="x"))
        world.push(version(0, 2, "second", response_id="x"))
        world.settle()
        told_of = [row.verdicts for row in world.rows("SELECT verdicts FROM response ORDER BY id")]
        assert set(told_of[3].values()) == {"response_edited"}
        assert len(world.deliveries(kind="note")) == 3


@pytest.mark.parametrize("removes", [True, False])
def test_where_an_app_removes_no_notes_the_earlier_one_stays_and_needs_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, *, removes: bool
) -> None:
    if not removes:
        monkeypatch.setattr(retracting, "Retractor", type(None))
    with joined(world, "pipedrive") as crm:
        crm.seed(people(1))
        world.push(version(0, 1, "first"))
        world.settle()
        world.push(version(0, 2, "second"))
        world.settle()
        fate = ("done", None) if removes else ("superseded", "stays_beside")
        assert states(world, kind="undo") == [fate]
        assert len(crm.notes(who(0))) == (1 if removes else 2)
