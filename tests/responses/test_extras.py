"""Extra fields are read live beside a contact, and written only where nobody else has changed
them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from adapters.registry import traits_of
from connector import audit, failpoints
from connector.failpoints import FailpointRaised
from connector.problems import Code, Refusal
from connector.responses.extras import carrying, choosing, editing, showing
from connector.responses.extras.carrying import Edited, Wanted
from tests.responses.scene import joined, known
from tests.world import FIELDS, CRMSeen, World, answered

# Which call writes one contact's fields.
WRITES: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"path": "/contacts/batch/update"},
    "odoo": {"body": '"write"'},
    "salesforce": {"method": "PATCH", "path": "/sobjects/Contact/"},
    "zendesk": {"method": "PUT", "path": "/users/"},
}
READS: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"path": "/contacts/batch/read"},
    "odoo": {"body": '"(search_)?read"'},
    "salesforce": {"path": "/composite/sobjects/Contact"},
    "zendesk": {"method": "GET", "path": "/users/"},
}
EMAIL = "c0@example.test"
TAGS = str(traits_of("salesforce").tags.field)


def names(crm: CRMSeen) -> tuple[str, str]:
    """The comment's field and the score's."""
    return FIELDS[crm.app]["comment"], FIELDS[crm.app]["score"]


def choose(world: World, crm: CRMSeen, *wanted: Any) -> dict[str, Any]:
    fields = [one if isinstance(one, dict) else {"field": one} for one in wanted]
    with world.database.begin(world.workspace_id) as store:
        return choosing.save(store, world.workspace_id, crm.connection_id, fields)


@pytest.fixture
def contact(world: World, crm: CRMSeen) -> int:
    """A contact that the CRM has, with two extra fields of which the first holds "seen"."""
    return a_contact(world, crm)


@pytest.fixture
def portal(world: World) -> Iterator[tuple[CRMSeen, int]]:
    """The same at one CRM, where it does not matter which."""
    with joined(world, "hubspot") as crm:
        yield crm, a_contact(world, crm)


def a_contact(world: World, crm: CRMSeen) -> int:
    known(world, crm, 1)
    choose(world, crm, *names(crm))
    theirs(crm, "seen")
    (row,) = world.rows("SELECT id FROM contact")
    return int(row.id)


def remote_id(crm: CRMSeen) -> str:
    return str(crm.contacts()[EMAIL]["id"])


def edit_of(crm: CRMSeen, values: Mapping[str, Any]) -> dict[str, Any]:
    """A colleague's edit, as the simulator is told of it."""
    number = remote_id(crm)
    if crm.app == "salesforce":
        return {"update": [{"id": number, "values": dict(values)}]}
    return {"edit": {number: {"user_fields": values} if crm.app == "zendesk" else values}}


def theirs(crm: CRMSeen, comment: str) -> None:
    """A colleague writes the comment at the CRM, a minute after whatever was before."""
    crm.control("clock", {"offset_s": 60})
    crm.control("seed", edit_of(crm, {names(crm)[0]: comment}))


def meanwhile(crm: CRMSeen, values: Mapping[str, Any]) -> None:
    """A colleague's edit between our read and our write."""
    crm.control("clock", {"offset_s": 120})
    strike(crm, READS[crm.app], meanwhile={"seed": edit_of(crm, values)})


def strike(crm: CRMSeen, where: Mapping[str, str], **action: Any) -> None:
    """The next of these calls meets `action`."""
    crm.control("fault", {**where, "action": action})


def shown(world: World, contact: int) -> dict[str, Any]:
    (part,) = showing.show(world.hub, world.workspace_id, contact)
    return showing.shown(part)


def values(world: World, contact: int) -> dict[str, Any]:
    return {one["field"]: one["value"] for one in shown(world, contact)["fields"]}


def edit(world: World, crm: CRMSeen, contact: int, was: Any, value: Any, *more: Any) -> Edited:
    changes = [{"field": names(crm)[0], "was": was, "value": value}, *more]
    wanted = Wanted(crm.connection_id, changes)
    return editing.edit(world.hub, world.workspace_id, contact, wanted, actor="key:me")


def refused(world: World, crm: CRMSeen, contact: int, was: Any, value: Any, *more: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        edit(world, crm, contact, was, value, *more)
    return raised.value


def writes(crm: CRMSeen) -> int:
    return len(crm.calls(kinds=["write"]))


def edits(world: World) -> list[tuple[str, bool]]:
    """State of each edit, and whether what it wanted is forgotten."""
    return [
        (one.state, one.forgotten)
        for one in world.rows("SELECT state, changes IS NULL AS forgotten FROM edit ORDER BY id")
    ]


def lines(world: World) -> list[tuple[Any, Any]]:
    return [
        (one.before, one.after)
        for one in world.rows("SELECT before, after FROM ledger WHERE edit_id > 0 ORDER BY id")
    ]


def wait_until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def in_time(world: World) -> None:
    """Whatever an edit held is free again."""
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE edit SET held_until = now() - interval '1 s'"))


# --- choosing -------------------------------------------------------------------------------------


def test_what_is_chosen_keeps_its_order_and_says_what_can_be_edited(world: World) -> None:
    with joined(world, "salesforce") as crm:
        choose(
            world,
            crm,
            "NPS_Score__c",
            {"field": "NPS_Full_Comment__c", "label": "Rating", "editable": False},
            "LastModifiedDate",
            TAGS,
        )
        with world.database.begin(world.workspace_id) as store:
            told = choosing.read(store, world.workspace_id, crm.connection_id)["fields"]
        assert [(one["field"], one["why_not"]) for one in told] == [
            ("NPS_Score__c", None),
            ("NPS_Full_Comment__c", "not_editable"),
            ("LastModifiedDate", "read_only"),
            (TAGS, "kept_by_us"),
        ]
        assert told[1]["label"] == "Rating"


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({"field": "no_such"}, "/fields/1/field", "unknown_field"),
        ({"field": "NPS_Score__c"}, "/fields/1/field", "duplicate"),
        ({"field": "LastModifiedDate", "editable": True}, "/fields/1/editable", "read_only"),
        ({"field": TAGS, "editable": True}, "/fields/1/editable", "kept_by_us"),
    ],
)
def test_a_choice_that_the_definitions_do_not_bear_is_refused(
    world: World, wanted: dict[str, Any], pointer: str, code: str
) -> None:
    with joined(world, "salesforce") as crm:
        with pytest.raises(Refusal) as raised:
            choose(world, crm, "NPS_Score__c", wanted)
        assert [(one.pointer, one.code) for one in raised.value.places] == [(pointer, code)]


# --- reading --------------------------------------------------------------------------------------


def test_what_a_colleague_writes_is_shown_at_once_by_one_call(
    world: World, crm: CRMSeen, contact: int
) -> None:
    first = shown(world, contact)
    theirs(crm, "theirs")
    before = len(crm.calls())
    second = shown(world, contact)
    assert len(crm.calls()) - before == 1
    assert [one["fields"][0]["value"] for one in (first, second)] == ["seen", "theirs"]
    assert first["etag"] != second["etag"]
    assert second["state"] == "read"
    assert second["read_at"] >= first["read_at"]


def test_one_crm_that_is_down_does_not_hide_the_other(world: World) -> None:
    with joined(world, "hubspot") as hubspot, joined(world, "zendesk") as zendesk:
        contact = a_contact(world, hubspot)
        choose(world, zendesk, *names(zendesk))
        zendesk.seed([{"email": EMAIL}])
        world.rows(
            "INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id)"
            " VALUES (:w, :c, :p, 'users', :r) RETURNING 1",
            w=world.workspace_id,
            c=zendesk.connection_id,
            p=contact,
            r=remote_id(zendesk),
        )
        zendesk.fault(status=503, body={})
        told = [showing.shown(one) for one in showing.show(world.hub, world.workspace_id, contact)]
        assert [(one["app"], one["state"]) for one in told] == [
            ("hubspot", "read"),
            ("zendesk", "failed"),
        ]
        assert told[1]["error"]["code"] == "crm_unavailable"
        assert told[1]["error"]["mend"]


def test_a_field_that_the_crm_has_lost_hides_no_other(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        crm.control("options", {"field_changes": {"Contact.NPS_Score__c": {"visible": False}}})
        told = shown(world, contact)
        assert [(one["value"], one["why_not"]) for one in told["fields"]] == [
            ("seen", None),
            (None, "unknown_field"),
        ]
        (asked,) = world.rows("SELECT cause FROM drift_check WHERE cause = 'error'")
        assert asked


def test_a_contact_without_a_record_says_so(world: World, portal: tuple[CRMSeen, int]) -> None:
    crm, contact = portal
    world.rows("DELETE FROM link RETURNING 1")
    calls = len(crm.calls())
    assert shown(world, contact)["state"] == "not_linked"
    assert refused(world, crm, contact, "seen", "ours").code is Code.NOT_LINKED
    assert len(crm.calls()) == calls


# --- editing --------------------------------------------------------------------------------------


def test_an_edit_lands_in_the_crm_in_the_ledger_and_in_the_audit_log(
    world: World, crm: CRMSeen, contact: int
) -> None:
    done = edit(world, crm, contact, "seen", "ours")
    assert (done.state, done.before, done.after) == (
        "written",
        {names(crm)[0]: "seen"},
        {names(crm)[0]: "ours"},
    )
    assert crm.value(EMAIL, "comment") == "ours"
    assert lines(world) == [("seen", "ours")]
    assert edits(world) == [("written", True)]
    with world.database.begin(world.workspace_id) as store:
        entry = audit.entries(store, world.workspace_id, limit=500)[-1]
    assert (entry.actor, entry.action) == ("key:me", "contact.fields_edited")
    assert entry.object == f"contact:{contact}"
    assert (entry.detail["outcome"], entry.detail["fields"]) == ("written", [names(crm)[0]])
    assert "ours" not in str(entry.detail)


def test_the_same_edit_again_changes_nothing_and_is_no_conflict(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    edit(world, crm, contact, "seen", "ours")
    before = writes(crm)
    assert edit(world, crm, contact, "seen", "ours").state == "unchanged"
    assert writes(crm) == before
    assert lines(world) == [("seen", "ours")]


def test_what_a_colleague_has_changed_is_not_overwritten(
    world: World, crm: CRMSeen, contact: int
) -> None:
    theirs(crm, "theirs")
    before = writes(crm)
    # Odoo knows no empty number.
    score = {"field": names(crm)[1], "was": 0 if crm.app == "odoo" else None, "value": 9}
    refusal = refused(world, crm, contact, "seen", "ours", score)
    assert refusal.code is Code.FIELD_CHANGED
    assert refusal.extra["conflicts"] == [
        {"field": names(crm)[0], "yours": "ours", "was": "seen", "now": "theirs"}
    ]
    assert writes(crm) == before
    assert crm.value(EMAIL, "comment") == "theirs"
    assert crm.value(EMAIL, "score") in (None, "", False, 0)
    assert (edits(world), lines(world)) == ([("conflict", True)], [])


def test_a_number_is_the_same_however_it_is_written(world: World) -> None:
    with joined(world, "hubspot") as crm:
        contact = a_contact(world, crm)
        crm.control("seed", edit_of(crm, {"nps_score": "7.50"}))
        score = {"field": "nps_score", "was": "7.5", "value": "8"}
        done = edit(world, crm, contact, "seen", "seen", score)
        assert done.after == {"nps_score": "8"}


def test_an_emptied_field_is_cleared(world: World, crm: CRMSeen, contact: int) -> None:
    assert edit(world, crm, contact, "seen", "").after == {names(crm)[0]: None}
    assert values(world, contact)[names(crm)[0]] in (None, "")


def test_a_colleague_between_our_look_and_our_write_keeps_the_other_fields(
    world: World, crm: CRMSeen, contact: int
) -> None:
    """Only the fields of the edit are written, whatever else is changed meanwhile."""
    meanwhile(crm, {names(crm)[1]: 3 if crm.app in {"odoo", "salesforce"} else "3"})
    assert edit(world, crm, contact, "seen", "ours").state == "written"
    assert crm.value(EMAIL, "comment") == "ours"
    assert int(crm.value(EMAIL, "score")) == 3


def test_salesforce_itself_refuses_what_was_changed_in_that_very_moment(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        meanwhile(crm, {"NPS_Full_Comment__c": "theirs"})
        refusal = refused(world, crm, contact, "seen", "ours")
        assert refusal.code is Code.FIELD_CHANGED
        assert crm.value(EMAIL, "comment") == "theirs"


def test_an_org_that_ignores_the_condition_is_written_after_the_look(world: World) -> None:
    with joined(world, "salesforce", options={"unmodified_since": False}) as crm:
        contact = a_contact(world, crm)
        theirs(crm, "theirs")
        assert refused(world, crm, contact, "seen", "ours").code is Code.FIELD_CHANGED
        assert edit(world, crm, contact, "theirs", "ours").state == "written"


def test_a_record_that_is_changed_all_the_time_is_given_up(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        crm.fault("/sobjects/Contact/", "PATCH", times=carrying.TRIES, status=412, body={})
        assert refused(world, crm, contact, "seen", "ours").code is Code.CONTACT_BUSY
        assert edits(world) == [("not_written", True)]


# --- answers that are lost ------------------------------------------------------------------------


def test_a_write_whose_answer_is_lost_is_looked_up(
    world: World, crm: CRMSeen, contact: int
) -> None:
    strike(crm, WRITES[crm.app], drop_after=True)
    assert edit(world, crm, contact, "seen", "ours").state == "written"
    assert lines(world) == [("seen", "ours")]


def test_a_write_that_never_arrived_says_that_nothing_was_written(
    world: World, crm: CRMSeen, contact: int
) -> None:
    strike(crm, WRITES[crm.app], status=500, body={})
    refusal = refused(world, crm, contact, "seen", "ours")
    assert refusal.code is Code.CRM_UNAVAILABLE
    assert "nothing was written" in refusal.detail
    assert (edits(world), lines(world)) == ([("not_written", True)], [])
    assert edit(world, crm, contact, "seen", "ours").state == "written"


def test_what_cannot_be_looked_up_is_told_so_and_found_out_later(
    world: World, crm: CRMSeen, contact: int
) -> None:
    strike(crm, WRITES[crm.app], drop_after=True)
    crm.control("fault", {**READS[crm.app], "occurrence": 2, "action": {"status": 503, "body": {}}})
    assert refused(world, crm, contact, "seen", "ours").code is Code.OUTCOME_UNKNOWN
    assert (edits(world), lines(world)) == ([("open", False)], [])
    in_time(world)
    assert values(world, contact)[names(crm)[0]] == "ours"
    assert (edits(world), lines(world)) == ([("written", True)], [("seen", "ours")])


def test_an_edit_whose_process_died_is_found_out_by_the_next(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    failpoints.configure_text("edit_written=raise")
    with pytest.raises(FailpointRaised):
        edit(world, crm, contact, "seen", "ours")
    failpoints.configure_text("")
    assert edits(world) == [("open", False)]
    in_time(world)
    assert edit(world, crm, contact, "ours", "again").state == "written"
    assert edits(world) == [("written", True), ("written", True)]
    assert lines(world) == [("seen", "ours"), ("ours", "again")]


# --- beside deliveries ----------------------------------------------------------------------------


def test_no_delivery_touches_the_contact_while_it_is_edited(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    failpoints.configure_text("edit_compared=sleep:1.5")
    editing_it = threading.Thread(target=edit, args=(world, crm, contact, "seen", "ours"))
    editing_it.start()
    wait_until(lambda: edits(world) == [("open", False)])
    world.push(answered(0, at="2030-01-01T00:00:00Z", why="answered"))
    world.plan()
    world.drain(crm.app)
    assert {one.state for one in world.deliveries(kind="fields")} == {"pending"}
    assert crm.value(EMAIL, "comment") == "seen"
    editing_it.join()
    world.settle()
    assert crm.value(EMAIL, "comment") == "answered"
    assert lines(world) == [("seen", "ours")]


def test_an_edit_waits_for_a_delivery_of_its_contact_and_says_when_it_takes_too_long(
    world: World, portal: tuple[CRMSeen, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, contact = portal
    monkeypatch.setattr(editing, "WAIT_S", 0.3)
    world.push(answered(0))
    world.plan()
    world.rows(
        "UPDATE delivery SET state = 'leased', lease_until = now() + interval '1 min'"
        " WHERE id = (SELECT min(id) FROM delivery) RETURNING 1"
    )
    before = len(crm.calls())
    refusal = refused(world, crm, contact, "seen", "ours")
    assert (refusal.code, refusal.headers["Retry-After"]) == (Code.CONTACT_BUSY, "5")
    assert len(crm.calls()) == before


def test_two_edits_of_one_contact_go_one_after_the_other(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    failpoints.configure_text("edit_compared=sleep:0.5@1")
    first = threading.Thread(target=edit, args=(world, crm, contact, "seen", "first"))
    first.start()
    wait_until(lambda: edits(world) == [("open", False)])
    refusal = refused(world, crm, contact, "seen", "second")
    first.join()
    assert refusal.code is Code.FIELD_CHANGED
    assert refusal.extra["conflicts"][0]["now"] == "first"  # type: ignore[index]


def test_an_answer_given_before_the_edit_does_not_overwrite_it_and_one_given_later_does(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    edit(world, crm, contact, "seen", "ours")
    world.push(answered(0, at="2026-11-22T01:02:00Z", why="before", score=4))
    world.settle()
    assert crm.value(EMAIL, "comment") == "ours"
    assert int(crm.value(EMAIL, "score")) == 4
    world.push(answered(1, email=EMAIL, at="2030-01-01T00:00:00Z", why="later"))
    world.settle()
    assert crm.value(EMAIL, "comment") == "later"


# --- what refuses ---------------------------------------------------------------------------------


def test_what_may_not_be_written_is_refused_by_name_before_any_call(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        choose(world, crm, "NPS_Full_Comment__c", "LastModifiedDate", "Satisfaction__c")
        before = len(crm.calls())
        refusal = refused(
            world,
            crm,
            contact,
            "seen",
            "x" * 40_000,
            {"field": "LastModifiedDate", "was": None, "value": "2026-11-22T00:00:00Z"},
            {"field": "NPS_Score__c", "was": None, "value": 9},
            {"field": "Satisfaction__c", "was": None, "value": "No such thing"},
            {"field": "Satisfaction__c", "value": "Neutral"},
        )
        assert refusal.code is Code.CHANGE_REFUSED
        assert {(one.pointer, one.code) for one in refusal.places} == {
            ("/changes/0/value", "too_long"),
            ("/changes/1/field", "read_only"),
            ("/changes/2/field", "unknown_field"),
            ("/changes/3/value", "unknown_option"),
            ("/changes/4/was", "required"),
            ("/changes/4/field", "duplicate"),
        }
        assert len(crm.calls()) == before
        assert edits(world) == []


def test_what_the_crm_refuses_names_the_field(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        error = {
            "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "message": "Not like this",
            "fields": ["NPS_Full_Comment__c"],
        }
        crm.control("fault", {"action": {"row": {"key": EMAIL, "error": error}}})
        refusal = refused(world, crm, contact, "seen", "ours")
        assert refusal.code is Code.CHANGE_REFUSED
        assert [(one.pointer, one.code, one.text) for one in refusal.places] == [
            ("/changes/0/value", "validation_rule", "Not like this")
        ]
        assert edits(world) == [("refused", True)]


def test_a_merged_record_is_written_at_its_survivor(world: World) -> None:
    with joined(world, "hubspot") as crm:
        contact = a_contact(world, crm)
        (survivor,) = crm.seed([{"email": "survivor@example.test"}])
        crm.control("seed", {"merge": [["survivor@example.test", EMAIL]]})
        seen = crm.value("survivor@example.test", "comment")
        done = edit(world, crm, contact, seen, "ours")
        assert done.remote_id == survivor
        (kept,) = world.rows("SELECT remote_id FROM link")
        assert kept.remote_id == survivor


def test_a_record_that_is_gone_is_forgotten(world: World, crm: CRMSeen, contact: int) -> None:
    told = EMAIL if crm.app == "hubspot" else remote_id(crm)
    crm.control("seed", {"delete": [told]})
    assert refused(world, crm, contact, "seen", "ours").code is Code.NOT_LINKED
    assert world.rows("SELECT 1 FROM link") == []


def test_a_paused_a_resting_and_an_ended_connection_say_so_without_a_call(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    before = len(crm.calls())
    told = []
    for query in (
        "UPDATE connection SET paused_at = now() RETURNING 1",
        (
            "UPDATE connection SET paused_at = NULL, resume_at = now() + interval '40 s',"
            " resume_reason = 'throttled' RETURNING 1"
        ),
        "UPDATE connection SET resume_at = NULL, state = 'disconnected' RETURNING 1",
    ):
        world.rows(query)
        refusal = refused(world, crm, contact, "seen", "ours")
        told.append((refusal.code, refusal.extra.get("reason")))
        assert shown(world, contact)["error"]["code"] == refusal.code.value
    assert told == [
        (Code.CONNECTION_PAUSED, None),
        (Code.CRM_UNAVAILABLE, "crm_throttled"),
        (Code.NOT_CONNECTED, None),
    ]
    assert len(crm.calls()) == before


def test_a_429_pauses_the_connection_for_everybody_and_says_how_long(
    world: World, portal: tuple[CRMSeen, int]
) -> None:
    crm, contact = portal
    strike(crm, READS[crm.app], status=429, headers={"Retry-After": "30"}, body={})
    refusal = refused(world, crm, contact, "seen", "ours")
    assert (refusal.code, refusal.headers["Retry-After"]) == (Code.CRM_UNAVAILABLE, "30")
    (rests,) = world.rows("SELECT resume_at > now() + interval '20 s' AS long FROM connection")
    assert rests.long


def test_the_reserve_of_the_day_is_not_touched(world: World) -> None:
    with joined(world, "salesforce", options={"daily_limit": 100}) as crm:
        contact = a_contact(world, crm)
        shown(world, contact)
        world.rows("UPDATE account_usage SET remaining = 10 WHERE kind = 'daily' RETURNING 1")
        world.hub.limiter.purse.store.flushdb()
        before = len(crm.calls())
        refusal = refused(world, crm, contact, "seen", "ours")
        assert (refusal.code, refusal.extra["reason"]) == (Code.CRM_UNAVAILABLE, "quota_reserved")
        assert len(crm.calls()) == before


def test_a_permission_that_is_missing_is_named(world: World) -> None:
    with joined(world, "salesforce") as crm:
        contact = a_contact(world, crm)
        crm.control(
            "options", {"field_changes": {"Contact.NPS_Full_Comment__c": {"updateable": False}}}
        )
        refusal = refused(world, crm, contact, "seen", "ours")
        assert refusal.code is Code.CRM_REFUSED
        assert "NPS_Full_Comment__c" in refusal.detail
