"""Input forms: built from field definitions; filled in, a contact's record is completed or made,
once whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from connector import failpoints
from connector.connections import discover, drift
from connector.connections.profile import load
from connector.failpoints import FailpointRaised
from connector.problems import Code, Refusal
from connector.responses.configuration import preflight
from connector.responses.extras import filling, forms, leftover
from connector.responses.extras.carrying import Edited, Wanted
from tests.responses.scene import joined, known
from tests.responses.test_extras import EMAIL, edit_of, in_time, names, strike, theirs
from tests.world import CRMSeen, World

# Which call makes a contact.
MAKES: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"path": "/contacts/batch/create"},
    "odoo": {"body": '"create"'},
    "salesforce": {"method": "POST", "path": "/composite/sobjects"},
    "zendesk": {"method": "POST", "path": "/users"},
}


def make(world: World, crm: CRMSeen, *wanted: Mapping[str, Any], create: bool = True) -> int:
    fields = [
        {"label": None, "help": None, "required": False, "default": None} | dict(one)
        for one in wanted
    ]
    connection = f"{crm.app}-main"
    body = {"name": "Fair", "connection": connection, "create": create, "fields": fields}
    with world.database.begin(world.workspace_id) as store:
        return int(forms.save_as_named(store, world.workspace_id, body=body)["id"])


def the_form(world: World, crm: CRMSeen, **changes: Any) -> int:
    """The comment, which must not be empty, then the score, 5 where nobody says another."""
    comment, score = names(crm)
    wanted = ({"field": comment, "required": True}, {"field": score, "default": 5})
    return make(world, crm, *wanted, **changes)


def newcomer(world: World) -> int:
    """A contact of ours that no CRM has."""
    (row,) = world.rows(
        "INSERT INTO contact (workspace_id, email, email_key, first_name, last_name)"
        " VALUES (:w, :e, :e, 'Søren', 'Contact 0') RETURNING id",
        w=world.workspace_id,
        e=EMAIL,
    )
    return int(row.id)


def a_contact(world: World, crm: CRMSeen) -> int:
    known(world, crm, 1)
    (row,) = world.rows("SELECT id FROM contact")
    return int(row.id)


def fill(world: World, contact: int, form: int, *changes: Mapping[str, Any]) -> Edited:
    wanted = Wanted(0, changes)
    return filling.fill(world.hub, world.workspace_id, contact, form, wanted, actor="key:me")


def refused(world: World, contact: int, form: int, *changes: Mapping[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        fill(world, contact, form, *changes)
    return raised.value


def number(crm: CRMSeen) -> str:
    return str(crm.value(EMAIL, "score")).removesuffix(".0")


def states(world: World) -> list[tuple[str, str | None, bool]]:
    return [
        (one.state, one.error_code, one.forgotten)
        for one in world.rows(
            "SELECT state, error_code, changes IS NULL AND match IS NULL AS forgotten FROM edit"
            " ORDER BY id"
        )
    ]


# --- made or completed ----------------------------------------------------------------------------


def test_a_contact_that_the_crm_lacks_is_made_once_with_values_and_defaults(
    world: World, crm: CRMSeen
) -> None:
    form, contact = the_form(world, crm), newcomer(world)
    told = filling.to_fill(world.hub, world.workspace_id, contact, form)
    assert told["state"] == "not_linked"
    assert [one["default"] is None for one in told["fields"]] == [True, False]
    comment, score = names(crm)
    done = fill(world, contact, form, {"field": comment, "value": "met at the fair"})
    assert done.state == "created"
    assert (crm.value(EMAIL, "comment"), number(crm)) == ("met at the fair", "5")
    (link,) = world.rows("SELECT remote_id FROM link")
    assert link.remote_id == done.remote_id == str(crm.contacts()[EMAIL]["id"])
    written = world.rows("SELECT field, before, created FROM ledger WHERE edit_id > 0")
    assert {comment, score} <= {one.field for one in written}
    assert all(one.created and one.before is None for one in written)
    again = fill(world, contact, form, {"field": comment, "was": None, "value": "met at the fair"})
    assert again.state == "unchanged"
    assert len(crm.contacts()) == 1


def test_a_record_is_completed_where_it_is_empty_and_nothing_else_is_touched(
    world: World, crm: CRMSeen
) -> None:
    form, contact = the_form(world, crm), a_contact(world, crm)
    crm.control("seed", edit_of(crm, {names(crm)[1]: 3 if crm.app != "hubspot" else "3"}))
    done = fill(world, contact, form, {"field": names(crm)[0], "value": "ours"})
    assert (done.state, done.after) == ("written", {names(crm)[0]: "ours"})
    assert (crm.value(EMAIL, "comment"), number(crm)) == ("ours", "3")


def test_a_making_whose_answer_is_lost_is_looked_up(world: World, crm: CRMSeen) -> None:
    form, contact = the_form(world, crm), newcomer(world)
    change = {"field": names(crm)[0], "value": "ours"}
    strike(crm, MAKES[crm.app], status=500, body={})
    never_arrived = refused(world, contact, form, change)
    assert "nothing was written" in (never_arrived.detail or "")
    assert crm.contacts() == {}
    strike(crm, MAKES[crm.app], drop_after=True)
    assert fill(world, contact, form, change).state == "created"
    assert len(crm.contacts()) == 1
    assert states(world)[1:] == [("written", None, True)]


# --- what a form keeps others from losing ---------------------------------------------------------


def test_what_a_colleague_has_filled_in_is_not_overwritten(world: World) -> None:
    with joined(world, "hubspot") as crm:
        form, contact = the_form(world, crm), newcomer(world)
        crm.seed([{"email": EMAIL}])
        theirs(crm, "theirs")
        refusal = refused(world, contact, form, {"field": "nps_comment", "value": "ours"})
        assert refusal.code is Code.FIELD_CHANGED
        assert str(refusal.extra["conflicts"]).count("theirs") == 1
        # It was found: the next look shows it.
        again = {"field": "nps_comment", "was": "theirs", "value": "ours"}
        assert fill(world, contact, form, again).state == "written"
        told = filling.to_fill(world.hub, world.workspace_id, contact, form)
        assert [(one["value"], one["required"]) for one in told["fields"]] == [
            ("ours", True),
            ("5", False),
        ]


@pytest.mark.parametrize("whose", [a_contact, lambda world, _: newcomer(world)])
def test_a_required_field_is_asked_for_and_nothing_is_written(
    world: World, whose: Callable[[World, CRMSeen], int]
) -> None:
    with joined(world, "hubspot") as crm:
        form, contact = the_form(world, crm), whose(world, crm)
        before = len(crm.calls(kinds=["write"]))
        refusal = refused(world, contact, form, {"field": "nps_score", "value": 9})
        assert [(one.pointer, one.code) for one in refusal.places] == [("/changes", "required")]
        emptied = refused(world, contact, form, {"field": "nps_comment", "value": ""})
        assert [one.pointer for one in emptied.places] == ["/changes/0/value"]
        assert len(crm.calls(kinds=["write"])) == before
        assert states(world) == [("not_written", "change_refused", True)] * 2


def test_a_form_that_makes_nobody_says_so_and_asks_who_cannot_be_known(world: World) -> None:
    with joined(world, "hubspot") as crm:
        form, contact = the_form(world, crm, create=False), newcomer(world)
        change = {"field": "nps_comment", "value": "ours"}
        assert refused(world, contact, form, change).code is Code.NOT_LINKED
        world.rows("UPDATE contact SET email = NULL, email_key = NULL RETURNING 1")
        before = len(crm.calls())
        refusal = refused(world, contact, form, change)
        assert (refusal.code, refusal.detail) == (Code.NOT_LINKED, filling.NO_MATCH)
        assert len(crm.calls()) == before
        other = refused(world, contact, form, {"field": "phone", "value": "1"})
        assert other.code is Code.NOT_LINKED


def test_a_making_whose_process_died_is_found_out(world: World) -> None:
    """By whoever fills in next, or by the scheduler: and nobody is made twice."""
    with joined(world, "hubspot") as crm:
        form, contact = the_form(world, crm), newcomer(world)
        change = {"field": "nps_comment", "value": "ours"}
        failpoints.configure_text("edit_written=raise")
        with pytest.raises(FailpointRaised):
            fill(world, contact, form, change)
        failpoints.configure_text("")
        in_time(world)
        assert fill(world, contact, form, change).state == "unchanged"
        assert states(world) == [("written", None, True), ("unchanged", None, True)]
        assert [one.outcome for one in fillings(world, form)] == ["unchanged", "created"]
        assert len(crm.contacts()) == 1


def test_a_making_that_died_before_its_call_is_ended_by_the_scheduler(world: World) -> None:
    with joined(world, "hubspot") as crm:
        form, contact = the_form(world, crm), newcomer(world)
        failpoints.configure_text("edit_compared=raise")
        with pytest.raises(FailpointRaised):
            fill(world, contact, form, {"field": "nps_comment", "value": "ours"})
        failpoints.configure_text("")
        world.rows("UPDATE edit SET held_until = now() - interval '10 minutes' RETURNING 1")
        assert leftover.look_after(world.hub, world.workspace_id, crm.connection_id) == 1
        assert states(world) == [("not_written", None, True)]
        assert crm.contacts() == {}


def fillings(world: World, form: int) -> list[Any]:
    with world.database.begin(world.workspace_id) as store:
        rows = forms.fillings(store, world.workspace_id, form, before=2**62, limit=10)
    return [type("Filling", (), row) for row in rows]


# --- definitions ----------------------------------------------------------------------------------


def test_a_form_that_the_definitions_do_not_bear_is_refused_with_every_place(world: World) -> None:
    with joined(world, "salesforce") as crm:
        names = ("NPS_Score__c", "no_such", "NPS_Score__c", "LastModifiedDate", "NPSToday_Tags__c")
        wanted = [*({"field": one} for one in names), {"field": "Email", "default": "nobody"}]
        with pytest.raises(Refusal) as raised:
            make(world, crm, *wanted)
        assert [(one.pointer, one.code) for one in raised.value.places] == [
            ("/fields/1/field", "unknown_field"),
            ("/fields/2/field", "duplicate"),
            ("/fields/3/field", "read_only"),
            ("/fields/4/field", "kept_by_us"),
            ("/fields/5/default", "not_an_email"),
        ]


def test_a_field_that_the_crm_loses_names_the_form_until_it_is_not_on_it(world: World) -> None:
    with joined(world, "salesforce") as crm:
        form = make(world, crm, {"field": "Title"}, {"field": "NPS_Score__c"})
        with world.database.begin(world.workspace_id) as store:
            found = preflight._needs(store, load(store, world.workspace_id, crm.connection_id))
            assert "input form Fair" in {one.by for one in found}
        crm.control("options", {"field_changes": {"Contact.Title": {"visible": False}}})
        discover.download(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
        assert drifted(world, crm)["input_forms"] == [
            {"id": form, "name": "Fair", "fields": ["Title"]}
        ]
        make(world, crm, {"field": "NPS_Score__c"})
        assert drifted(world, crm)["closed_as"] == "unused"


def drifted(world: World, crm: CRMSeen) -> dict[str, Any]:
    with world.database.begin(world.workspace_id) as store:
        (one,) = drift.shown(store, world.workspace_id, crm.connection_id)["drift"]
    return dict(one)
