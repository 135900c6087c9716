"""A mapping is tried against a live record: what would change there, and the calls that would do
it, of which none that writes is sent; then sent to a test record and read back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connector.problems import Code, Refusal
from connector.responses.configuration import bench, looking, proved, proving
from connector.responses.configuration.bench import Asked
from connector.responses.configuration.seeing import EVERYTHING, NEW_ID, Eyes
from connector.responses.extras import editing, leftover
from schemas.secret import MASK
from tests.responses.scene import LATER, joined, known
from tests.world import CRMSeen, World, answered, people

# The write of one record, as each CRM's own documentation has it.
WRITES = {
    "brevo": ("PUT", "/contacts/"),
    "hubspot": ("POST", "/batch/update"),
    "odoo": ("POST", "/jsonrpc"),
    "salesforce": ("PATCH", "/composite/sobjects"),
    "splio": ("PUT", "/contacts/"),
    "zendesk": ("PUT", "/users/"),
}


# What the call that writes a tag is made for, and what it says where that is not the tag.
TAG_CALLS = {
    "hubspot": ("fields", ""),
    "odoo": ("tag", "category_id"),
    "salesforce": ("fields", ""),
    "zendesk": ("tag", ""),
}


def mapping_of(world: World) -> int:
    return int(world.rows("SELECT id FROM mapping ORDER BY id DESC LIMIT 1")[0].id)


def asked(world: World, response: str | None, record: str) -> Asked:
    with world.database.begin(world.workspace_id) as store:
        number = bench.numbered(store, world.workspace_id, response) if response else None
    return Asked(number, record)


def look(world: World, response: str | None = None, record: str = "") -> dict[str, Any]:
    return seen(world, response, record, EVERYTHING)


def seen(world: World, response: str | None, record: str, eyes: Eyes) -> dict[str, Any]:
    wanted = asked(world, response, record)
    return looking.shown(
        looking.look(world.hub, world.workspace_id, mapping_of(world), wanted), eyes
    )


def secrets(world: World) -> frozenset[str]:
    """What the connection signs in by."""
    return looking.look(world.hub, world.workspace_id, mapping_of(world), Asked()).secrets


def prove(world: World, response: str | None, record: str, *marks: str) -> dict[str, Any]:
    wanted = replace(asked(world, response, record), marks=frozenset(marks))
    done = proving.prove(
        world.hub, world.workspace_id, mapping_of(world), wanted, actor="user:1"
    )  # fmt: skip
    return proved.shown(done, EVERYTHING)


def learnt(world: World) -> None:
    """The survey is known by its first response, so that a made-up one answers its questions."""
    world.push(answered(9))
    world.plan()


def states(told: dict[str, Any]) -> list[str]:
    return [one["state"] for one in told["fields"]]


def refused(world: World, response: str | None, record: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        prove(world, response, record)
    return caught.value


def audited(world: World) -> list[Any]:
    return world.rows(
        "SELECT object, actor, detail FROM audit WHERE action = 'mapping.tested' ORDER BY seq"
    )


# --- looking --------------------------------------------------------------------------------------


def test_a_record_is_looked_at_and_its_write_is_built_and_kept_back(
    world: World, crm: CRMSeen
) -> None:
    first, second = crm.seed(people(2))
    world.push(answered(5))
    world.plan()
    held = crm.contacts()
    for typed, number in ((first, first), ("C1@example.test", second)):
        told = look(world, "r5", typed)
        assert (told["remote_id"], told["would_write"]) == (number, True)
        assert [(str(one["after"]), one["state"]) for one in told["fields"]] == [
            *(("9", "changed"), ("Friendly 😀", "changed"))
        ]
        method, path = WRITES[crm.app]
        (kept,) = [one for one in told["calls"] if not one["sent"] and one["about"] == "fields"]
        assert (kept["method"], path in kept["path"]) == (method, True)
        said = json.dumps(kept["body"], ensure_ascii=False)
        assert "Friendly 😀" in said
        assert number in said + kept["path"]
        assert any(one["sent"] for one in told["calls"])
        assert not [one for one in secrets(world) if one in json.dumps(told)]
    # Whom nobody knows there would be made: this call is kept back, too, and what needs the new
    # record's id is only told.
    makes = look(world, "r5")
    assert makes["marks"][-1]["state"] == "later"
    assert "<new id>" in json.dumps(makes["calls"][-1])
    assert NEW_ID not in json.dumps(makes)
    assert (makes["creates"], makes["remote_id"]) == (True, None)
    made, *behind = [one for one in makes["calls"] if not one["sent"]]
    assert "c5@example.test" in json.dumps(made["body"])
    assert {one["builds_on"] for one in behind} == {"made"}
    for typed, what in (("no-such-id", "id"), ("99999999", "id"), ("no@example.test", "e-mail")):
        with pytest.raises(Refusal) as caught:
            look(world, "r5", typed)
        assert caught.value.code is Code.NOT_FOUND
        assert caught.value.detail.endswith(f"with this {what}.")
    assert crm.contacts() == held


# --- score tag and note ---------------------------------------------------------------------------


def answered_twice(world: World, crm: CRMSeen) -> str:
    """A contact with the tag of a 7, whose 9 is planned and not delivered; its record."""
    (record,) = crm.seed(people(1))
    world.push(answered(0, score=7))
    world.settle()
    world.push(answered(0, score=9, at=LATER, response_id="later", why="Better 😀"))
    world.plan()
    return record


def test_score_tag_and_note_are_shown_with_their_calls_and_not_written(
    world: World, crm: CRMSeen
) -> None:
    record = answered_twice(world, crm)
    held, (stands,) = crm.contacts(), crm.tags("c0@example.test")
    told = look(world, "later")
    tag, note = told["marks"]
    assert (tag["kind"], tag["state"], tag["remote_id"], tag["goes"]) == (
        *("tag", "changed", record, [stands]),
    )
    assert [one.replace("9", "7") for one in tag["comes"]] == [stands]
    assert (note["kind"], note["state"], note["remote_id"]) == ("note", "changed", record)
    assert "Why?: Better 😀" in note["text"]
    kept = [one for one in told["calls"] if not one["sent"]]
    assert "note" in {one["about"] for one in kept}
    # A tag in a field travels in the record's own call; Odoo knows its tags by number.
    of_tag, *more = [one for one in kept if one["about"] == TAG_CALLS[crm.app][0]]
    # Only Zendesk takes the old tag away by a call of its own, behind the new one.
    assert [(one["method"], one["builds_on"]) for one in more] == (
        [("DELETE", "taken")] if crm.app == "zendesk" else []
    )
    said = json.dumps(of_tag["body"], ensure_ascii=False)
    assert (TAG_CALLS[crm.app][1] or tag["comes"][0]) in said
    assert crm.contacts() == held
    world.settle()
    assert crm.tags("c0@example.test") == tag["comes"]
    assert look(world, "later")["marks"][0]["state"] == "unchanged"


def test_a_test_writes_tag_and_note_only_where_they_are_asked_for(
    world: World, crm: CRMSeen
) -> None:
    record, before = answered_twice(world, crm), crm.tags("c0@example.test")
    world.rows("UPDATE delivery SET due_at = 'infinity' WHERE state = 'pending' RETURNING 1")
    notes = len(crm.notes("c0@example.test"))
    assert prove(world, "later", record)["marks"] == []
    assert (crm.tags("c0@example.test"), len(crm.notes("c0@example.test"))) == (before, notes)
    told = prove(world, "later", record, "tag", "note")
    tag, note = told["marks"]
    assert (told["outcome"], tag["state"], note["state"]) == ("written", "as_sent", "as_sent")
    assert (tag["found"], tag["goes"]) == (crm.tags("c0@example.test"), before)
    assert tag["found"] == tag["comes"]
    assert len(crm.notes("c0@example.test")) == notes + 1
    assert [one.detail["outcome"] for one in audited(world)] == ["written", "written"]
    assert "note" in audited(world)[-1].detail["fields"]
    ledger = world.rows("SELECT field FROM ledger WHERE edit_id = :e ORDER BY field",
                        e=told["edit_id"])  # fmt: skip
    assert "note" in [one.field for one in ledger]
    again = prove(world, "later", record, "tag", "note")
    assert [one["state"] for one in again["marks"]] == ["unchanged", "unchanged"]
    assert len(crm.notes("c0@example.test")) == notes + 1


def test_a_test_leaves_a_newer_tag_alone(world: World) -> None:
    with joined(world, "zendesk") as crm:
        answered_twice(world, crm)
        world.settle()
        held = crm.tags("c0@example.test")
        for response in (None, "r0"):
            (tag,) = prove(world, response, "c0@example.test", "tag")["marks"]
            assert tag["state"] == "newer"
        assert crm.tags("c0@example.test") == held


# --- sending --------------------------------------------------------------------------------------


def test_a_test_record_is_written_and_read_back(world: World, crm: CRMSeen) -> None:
    _, second = crm.seed(people(2))
    world.push(answered(5))
    world.plan()
    told = prove(world, "r5", second)
    assert (told["outcome"], told["remote_id"], told["edit_id"]) == ("written", second, None)
    assert states(told) == ["as_sent", "as_sent"]
    assert all(one["sent"] for one in told["calls"])
    assert str(crm.value("c1@example.test", "score")) in {"9", "9.0"}
    assert crm.value("c0@example.test", "score") in (None, "", False)
    again = prove(world, "r5", "c1@example.test")
    assert (again["outcome"], states(again)) == ("unchanged", ["unchanged", "unchanged"])
    assert [
        (one.actor, one.detail["remote_id"], one.detail["outcome"]) for one in audited(world)
    ] == [*(("user:1", second, "written"), ("user:1", second, "unchanged"))]


def test_nobody_is_named_and_several_are_refused(world: World) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        assert [one.code for one in refused(world, None, " ").places] == ["required"]
    with joined(world, "odoo") as crm:
        crm.seed([*people(1), *people(1)])
        assert [one.code for one in refused(world, None, "c0@example.test").places] == ["ambiguous"]


def test_a_test_takes_no_newer_answers_place_and_leaves_no_mark(world: World) -> None:
    with joined(world, "hubspot") as crm:
        known(world, crm, 2)
        world.push(
            answered(0, score=3),
            answered(1, score=4, at="2026-11-25T01:02:00Z"),
            answered(0, score=8, at=LATER, response_id="later"),
        )
        world.settle()
        # Neither a made-up answer, nor somebody else's, nor the contact's own older one.
        for response in (None, "r1", "r0"):
            told = prove(world, response, "c0@example.test")
            assert told["outcome"] == "unchanged"
            assert states(told)[0] == "newer"
        assert str(crm.value("c0@example.test", "score")) == "8"
        crm.control("seed", {"edit": {"c0@example.test": {"nps_score": "1"}}})
        assert states(prove(world, "later", "c0@example.test")) == ["as_sent", "unchanged"]
        assert str(crm.value("c0@example.test", "score")) == "8"
        # A contact without answers is written; an answer from before the test is written over it.
        crm.control("seed", {"contacts": [{"email": "c7@example.test"}]})
        world.linked(crm.app, {"c7@example.test": crm.contacts()["c7@example.test"]["id"]})
        told = prove(world, "later", "c7@example.test")
        assert (told["outcome"], str(crm.value("c7@example.test", "score"))) == ("written", "8")
        ledger = world.rows("SELECT field, after FROM ledger WHERE edit_id = :e ORDER BY field",
                            e=told["edit_id"])  # fmt: skip
        assert [one.field for one in ledger] == ["nps_comment", "nps_score"]
        world.push(answered(7, score=2, at="2026-11-20T01:02:00Z"))
        world.settle()
        assert str(crm.value("c7@example.test", "score")) == "2"
        assert [one.object for one in audited(world)] == [f"mapping:{mapping_of(world)}"] * 5
        assert world.rows("SELECT 1 FROM edit WHERE state = 'open'") == []


def test_a_contact_that_is_worked_on_is_not_touched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "WAIT_S", 0.2)
    with joined(world, "hubspot") as crm:
        known(world, crm, 1)
        world.push(answered(0))
        world.plan()
        world.rows(
            "UPDATE delivery SET state = 'leased', lease_until = now() + interval '1 min'"
            " WHERE id = (SELECT min(id) FROM delivery) RETURNING 1"
        )
        assert refused(world, "r0", "c0@example.test").code is Code.CONTACT_BUSY
        assert crm.value("c0@example.test", "score") in (None, "")


def test_a_test_whose_process_dies_ends_as_a_test(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with joined(world, "hubspot") as crm:
        learnt(world)
        world.rows("DELETE FROM target_clock RETURNING 1")
        known(world, crm, 1)
        with monkeypatch.context() as dying:
            dying.setattr(proving._Trial, "_end", lambda *_, **__: None)
            prove(world, None, "c0@example.test")
        world.rows("UPDATE edit SET held_until = now() - interval '10 min' RETURNING 1")
        assert leftover.look_after(world.hub, world.workspace_id, crm.connection_id) == 1
        assert [one.state for one in world.rows("SELECT state FROM edit ORDER BY id")] == [
            "written"
        ]
        assert [one.detail["outcome"] for one in audited(world)] == ["written"]
        assert world.rows("SELECT 1 FROM target_clock") == []


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_crm_that_is_down_or_paused_is_said(world: World) -> None:
    with joined(world, "hubspot") as crm:
        learnt(world)
        crm.seed(people(1))
        crm.fault("/batch/read", status=503)
        with pytest.raises(Refusal) as caught:
            look(world, None, "c0@example.test")
        assert caught.value.code is Code.CRM_UNAVAILABLE
        crm.fault("/batch/update", status=500, body={})
        down = refused(world, None, "c0@example.test")
        assert (down.code, "nothing was written" in down.detail) == (Code.CRM_UNAVAILABLE, True)
        crm.fault("/batch/update", drop_after=True)
        assert prove(world, None, "c0@example.test")["outcome"] == "written"
        world.rows("UPDATE connection SET paused_at = now() RETURNING 1")
        with pytest.raises(Refusal) as caught:
            look(world, None, "c0@example.test")
        assert caught.value.code is Code.CONNECTION_PAUSED


def test_what_the_crm_refuses_names_the_field(world: World) -> None:
    with joined(world, "salesforce") as crm:
        learnt(world)
        crm.seed(people(1))
        error = {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "Not like this",
            "fields": ["NPS_Full_Comment__c"],
        }
        crm.control("fault", {"action": {"row": {"key": "c0@example.test", "error": error}}})
        (place,) = refused(world, None, "c0@example.test").places
        assert (place.pointer, place.code, place.text) == (
            *("/fields/NPS_Full_Comment__c", "validation_rule", "Not like this"),
        )
        assert audited(world) == []


def test_what_no_delivery_would_write_is_not_sent(world: World) -> None:
    rows = [{"variable": "answers.why", "field": "nps_score"}]
    with joined(world, "hubspot", rows=rows) as crm:
        crm.seed(people(1))
        world.push(answered(5))
        world.plan()
        told = look(world, "r5", "c0@example.test")
        assert (told["would_write"], told["why"]["field"]) == (False, "nps_score")
        assert [one.pointer for one in refused(world, "r5", "c0@example.test").places] == [
            "/fields/nps_score"
        ]
        assert [one for one in crm.calls() if "update" in one["path"]] == []


# --- who may see what -----------------------------------------------------------------------------


def test_who_may_see_no_answers_and_no_records_sees_no_value(world: World) -> None:
    with joined(world, "hubspot") as crm:
        learnt(world)
        known(world, crm, 1)
        crm.control("seed", {"edit": {"c0@example.test": {"nps_comment": "held there"}}})
        world.push(answered(0, why="Somebody's words"))
        world.plan()
        told = seen(world, "r0", "", Eyes(answers=False, records=False))
        assert [(one["before"], one["after"]) for one in told["fields"]] == [
            *((None, MASK), (MASK, MASK))
        ]
        said = json.dumps(told)
        assert not [one for one in ("Somebody", "held there", "c0@example.test") if one in said]
        # The names stand: which fields would be written is no secret.
        (kept,) = [one for one in told["calls"] if not one["sent"] and one["about"] == "fields"]
        assert "nps_comment" in json.dumps(kept["body"])
        # A made-up answer is nobody's.
        made_up = seen(world, None, "c0@example.test", Eyes(answers=False, records=False))
        assert made_up["fields"][1]["after"] == "Sample text"
