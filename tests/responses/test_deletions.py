"""A response is deleted at its platform: every effect ends right, at every CRM.

Each contact of the first test is a case of its own: a world takes longer to make than to use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.responses import deliver, learning, planner
from tests.responses.scene import joined
from tests.responses.test_tag_strategy import FIELD, with_field
from tests.world import FIELDS, CRMSeen, World, answered, people

EARLIER, LATER = "2026-11-21T01:02:00Z", "2026-11-23T01:02:00Z"
Held = tuple[float | None, str | None, list[str]]
NOTHING: Held = (None, None, [])


def who(number: int) -> str:
    return f"c{number}@example.test"


SUBSCRIBING: dict[str, Any] = {
    "note": "none",
    "rows": [
        {
            "variable": "answers.nps",
            "field": "list_26",
            "transforms": [{"name": "cel", "expression": "value >= 9"}],
        }
    ],
}


def gone(response_id: str) -> dict[str, Any]:
    """The platform says that it is gone, and no more: not even whose it was."""
    told = {"event": "deleted", "revision": 9, "answers": {}, "submitted_at": LATER}
    return {**told, "response_id": response_id}


def delete(world: World, *response_ids: str) -> None:
    world.push(*map(gone, response_ids))
    world.settle()


def give(world: World, *every: tuple[int, str, int, str]) -> None:
    """Answers: of contact, response id, score, at."""
    world.push(
        *(
            answered(number, response_id=one, score=score, at=at, why=f"Said {score}")
            for number, one, score, at in every
        )
    )
    world.settle()


def held(crm: CRMSeen, number: int) -> Held:
    """Score, comment and the tags' scores of a contact: empty is None."""
    value, comment = crm.value(who(number), "score"), crm.value(who(number), "comment")
    sign = "_" if crm.app == "zendesk" else "."
    tags = [tag.rpartition(sign)[2] for tag in crm.tags(who(number))]
    return (float(value) if value else None), (comment or None), tags


def standing(crm: CRMSeen, number: int) -> int:
    """How many notes still tell of an answer: at Zendesk those that no later one crosses out."""
    notes = crm.notes(who(number))
    crossed = [one for one in notes if "✗" in one]
    return len(notes) - 2 * len(crossed)


def edit(crm: CRMSeen, remote_id: str, comment: str) -> None:
    """A colleague changes the comment in the CRM."""
    told: Any = {FIELDS[crm.app]["comment"]: comment}
    if crm.app == "salesforce":
        crm.control("seed", {"update": [{"id": remote_id, "values": told}]})
    else:
        told = {"user_fields": told} if crm.app == "zendesk" else told
        crm.control("seed", {"edit": {remote_id: told}})


def test_fields_tags_and_notes_end_as_if_it_had_never_been_given(
    world: World, crm: CRMSeen
) -> None:
    ids = crm.seed(people(6))
    plain, second, late, older, met, edited = range(6)
    at = "2026-11-22T01:02:00Z"
    give(
        world,
        (plain, "plain", 3, at),
        (second, "second-1", 7, EARLIER),
        (late, "late-2", 3, at),
        (older, "older-1", 3, at),
        (met, "met", 3, at),
        (edited, "edited", 3, at),
    )
    give(
        world,
        (second, "second-2", 3, at),
        (late, "late-1", 7, EARLIER),
        (older, "older-2", 9, LATER),
        (edited, "edited", 4, LATER),
    )
    edit(crm, ids[met], "Called back")
    assert [held(crm, one)[2] for one in range(6)] == [["3"], ["3"], ["3"], ["9"], ["3"], ["4"]]
    assert [standing(crm, one) for one in range(6)] == [1, 2, 2, 2, 1, 1]

    delete(world, "plain", "second-2", "late-2", "older-1", "met", "edited")
    assert held(crm, plain) == NOTHING
    # The answer before it counts again, whether it was written or had stepped back.
    assert held(crm, second) == (7, "Said 7", ["7"])
    assert held(crm, late) == (7, "Said 7", ["7"])
    # A newer one stays, and so does what a colleague has written.
    assert held(crm, older) == (9, "Said 9", ["9"])
    assert held(crm, met) == (None, "Called back", [])
    assert held(crm, edited) == NOTHING
    assert [standing(crm, one) for one in range(6)] == [0, 1, 1, 1, 0, 0]
    assert set(world.states()) <= {"done", "superseded"}
    assert len(world.rows("SELECT FROM ledger WHERE field = 'note' AND before IS NOT NULL")) == 7

    # Who goes back now does not meet the value of one that was deleted before.
    delete(world, "second-1", "late-1", "older-2")
    assert [held(crm, one) for one in (second, late, older)] == [NOTHING] * 3
    assert world.rows("SELECT FROM score_tag") == []
    # An answer that comes late is not held back by one that is not there any more.
    give(world, (plain, "late", 8, EARLIER))
    assert held(crm, plain) == (8, "Said 8", ["8"])


# --- subscriptions, numbers ----------------------------------------------------------------------
# Files, records and each other effect, at every app: test_lifecycles.py.


def test_a_subscription_ends_only_where_the_response_has_made_it(world: World) -> None:
    with joined(world, "splio", **SUBSCRIBING) as crm:
        crm.seed(people(1))
        crm.control("seed", {"contacts": [{"email": who(1), "lists": [{"id": 26}]}]})
        give(world, (0, "made", 9, LATER), (1, "stood", 9, LATER), (2, "first", 9, EARLIER))
        give(world, (2, "second", 9, LATER))
        delete(world, "made", "stood", "first")
        lists = [crm.contacts()[who(one)]["lists"] for one in range(3)]
        # The third contact's other answer still asks for it.
        assert lists == [[], ["promoters"], ["promoters"]]


def test_a_score_in_a_field_of_its_campaign_goes_back(world: World) -> None:
    settings = {"tag_strategy": "field_per_campaign"}
    with joined(world, "salesforce", note="none", settings=settings) as crm:
        with_field(crm)
        crm.seed(people(2))
        give(world, (0, "r0", 3, LATER), (1, "first", 7, EARLIER))
        give(world, (1, "second", 3, LATER))
        delete(world, "r0", "second")
        assert [one["fields"].get(FIELD) for one in crm.contacts().values()] == [None, 7]


# --- any order, any state -------------------------------------------------------------------------


@pytest.fixture
def salesforce(world: World) -> Iterator[CRMSeen]:
    with joined(world, "salesforce") as crm:
        crm.seed(people(3))
        yield crm


def verdicts(world: World) -> list[Any]:
    return [row.verdicts for row in world.rows("SELECT verdicts FROM response ORDER BY id")]


def test_whatever_comes_or_is_planned_after_the_deletion_does_nothing(
    world: World, salesforce: CRMSeen
) -> None:
    delete(world, "late")
    give(world, (0, "late", 3, EARLIER))
    # Both in one batch, and one whose steps nobody has had in hand.
    world.push(answered(1, response_id="together"), answered(2, response_id="planned"))
    world.plan()
    world.push(*(gone(one) for one in ("together", "planned")))
    world.settle()
    assert world.rows("SELECT FROM contact WHERE email = 'c0@example.test'") == []
    told = [one.get("response") for one in verdicts(world)]
    assert told == ["nothing_to_undo", "response_deleted", None, None, *["nothing_to_undo"] * 2]
    assert [salesforce.tags(who(one)) for one in range(3)] == [[], [], []]
    reasons = {(one.state, one.reason) for one in world.deliveries()}
    assert reasons == {("superseded", "response_deleted")}


def test_a_deletion_waits_for_the_planning_of_what_it_deletes(
    world: World, salesforce: CRMSeen
) -> None:
    del salesforce
    world.push(answered(0, response_id="r0"))
    with world.database.begin(world.workspace_id) as store:
        store.execute(planner.TAKE, {"n": 1})
        world.push(gone("r0"))
        world.plan()
    assert [row.planned_at for row in world.rows("SELECT planned_at FROM response")] == [None] * 2
    world.settle()
    assert verdicts(world)[1] == {"response": "nothing_to_undo"}


@pytest.mark.parametrize("fails", [False, True])
def test_steps_in_somebodys_hands_are_taken_back_or_not_sent_again(
    world: World, salesforce: CRMSeen, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    if fails:
        salesforce.fault("/composite/sobjects", "PATCH", status=503)
    world.push(answered(0, response_id="r0"))
    world.plan()
    work = deliver._work

    def deleted_meanwhile(*arguments: Any) -> None:
        work(*arguments)
        monkeypatch.undo()
        world.push(gone("r0"))
        world.plan()

    monkeypatch.setattr(deliver, "_work", deleted_meanwhile)
    world.settle()
    assert held(salesforce, 0) == NOTHING
    assert standing(salesforce, 0) == 0
    assert (world.rows("SELECT FROM ledger") == []) is fails


def test_a_deletion_waits_for_the_connection_and_then_takes_back(
    world: World, salesforce: CRMSeen
) -> None:
    give(world, (0, "r0", 3, LATER))
    salesforce.control("oauth", {"revoke": "all"})
    world.push(answered(0, response_id="other", at=EARLIER, score=7))
    world.settle()
    delete(world, "r0")
    assert {one.state for one in world.deliveries(kind="undo")} == {"parked"}
    # What nobody has had in hand waits for nothing any more.
    world.push(answered(1, response_id="never"))
    world.settle()
    delete(world, "never")
    ended = world.deliveries(reason="response_deleted")
    assert [one.state for one in ended] == ["superseded"] * 3
    world.reconnect("salesforce", salesforce.connection_id, salesforce.url)
    world.settle()
    assert held(salesforce, 0)[2] == ["7"]


# Path and method of each call that takes something back.
TAKING_BACK = {
    "hubspot": [("contacts/batch/update", "POST", ""), ("notes/batch/archive", "POST", "")],
    "odoo": [("/jsonrpc", "POST", '"write"'), ("/jsonrpc", "POST", '"unlink"')],
    "salesforce": [("/composite/sobjects", "PATCH", ""), ("/composite/sobjects", "DELETE", "")],
    "zendesk": [("/users/", "PUT", ""), ("/tags", "DELETE", ""), ("/tickets/", "PUT", "")],
}


def test_a_lost_answer_leaves_nothing_behind_and_marks_once(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    give(world, (0, "r0", 3, LATER))
    for call in TAKING_BACK[crm.app]:
        crm.fault(*call, drop_after=True)
    delete(world, "r0")
    assert set(world.states()) == {"done"}
    assert held(crm, 0) == NOTHING
    assert standing(crm, 0) == 0
    (line,) = world.rows("SELECT before, after FROM ledger WHERE field = :f AND after IS NULL",
                         f=FIELDS[crm.app]["comment"])  # fmt: skip
    assert line.before == "Said 3"


def test_a_record_that_is_gone_has_nothing_left_to_take_back(
    world: World, salesforce: CRMSeen
) -> None:
    give(world, (0, "r0", 3, LATER))
    salesforce.control("seed", {"delete": [str(salesforce.contacts()[who(0)]["id"])]})
    delete(world, "r0")
    assert {one.state for one in world.deliveries(kind="undo")} == {"done"}


def test_a_deleted_answer_counts_in_no_figure_of_its_campaign(world: World) -> None:
    def nps() -> int | None:
        with world.database.begin(world.workspace_id) as store:
            named = learning.campaigns(store, world.workspace_id, [answered(1)])
            return learning.with_nps(store, named, days=10_000)["5000"].nps

    give(world, (1, "good", 10, EARLIER), (2, "bad", 0, EARLIER))
    world.plan()
    assert nps() == 0
    # Some platforms say it with the answers, some without.
    world.push(answered(2, response_id="bad", score=0) | {"event": "deleted", "revision": 9})
    world.plan()
    assert nps() == 100


def test_what_was_opened_for_somebody_to_work_on_stays(world: World) -> None:
    with joined(world, "salesforce", operation="create", note="none") as crm:
        give(world, (7, "r0", 3, LATER))
        delete(world, "r0")
        assert verdicts(world)[1] == {"feed:1": "stays_with_people"}
        assert crm.value(who(7), "score") == 3
        assert crm.tags(who(7)) == []
