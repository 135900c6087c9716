"""Tags and notes at HubSpot."""

# ruff: noqa: F811 - pytest finds the imported fixtures by their names

from __future__ import annotations

import pytest

from adapters.errors import (
    BrokenContract,
    TryLater,
)
from adapters.hubspot.traits import TAG_FIELD
from adapters.values import Note, Row, Status
from tests.adapters.contract import Bench, people
from tests.adapters.hubspot_bench import (  # noqa: F401
    NOON,
    bench,
    definitions,
    hubspot,
    note_for,
    options_of,
    scores,
    update,
)


def test_campaigns_add_their_options_and_a_repeat_only_reads(bench: Bench) -> None:
    adapter = hubspot(bench)
    adapter.provision_tags("contacts", [scores("Møde")])
    adapter.provision_tags("contacts", [scores("Salg")])
    assert options_of(bench) == [*scores("Møde").tags, *scores("Salg").tags]
    before = len(bench.calls())
    adapter.provision_tags("contacts", [scores("Møde"), scores("Salg")])
    assert [one["method"] for one in bench.calls()[before:]] == ["GET"]


def test_reads_that_lag_behind_lose_no_option(bench: Bench) -> None:
    bench.control("options", {"definition_lag_reads": 1})
    adapter = hubspot(bench)
    adapter.provision_tags("contacts", [scores("A")])
    adapter.provision_tags("contacts", [scores("A"), scores("B")])
    adapter.provision_tags("contacts", [scores("A"), scores("B"), scores("C")])
    bench.control("options", {"definition_lag_reads": 0})
    every = {tag for name in "ABC" for tag in scores(name).tags}
    assert set(options_of(bench)) | set(options_of(bench)) == every


def test_a_property_somebody_else_made_meanwhile_is_taken(bench: Bench) -> None:
    mine = {"name": TAG_FIELD, "type": "enumeration", "fieldType": "checkbox", "options": ["vip"]}
    bench.control("seed", {"properties": {"contacts": [mine]}})
    body = {"status": "error", "category": "OBJECT_NOT_FOUND"}
    bench.fault(f"/properties/2026-09/contacts/{TAG_FIELD}", status=404, body=body)
    hubspot(bench).provision_tags("contacts", [scores("Møde")])
    assert options_of(bench) == ["vip", *scores("Møde").tags]


def test_options_of_others_stay(bench: Bench) -> None:
    mine = {"name": TAG_FIELD, "type": "enumeration", "fieldType": "checkbox", "options": ["vip"]}
    bench.control("seed", {"properties": {"contacts": [mine]}})
    hubspot(bench).provision_tags("contacts", [scores("Møde")])
    assert options_of(bench) == ["vip", *scores("Møde").tags]


def test_a_tag_property_of_another_kind_is_not_touched(bench: Bench) -> None:
    bench.control("seed", {"properties": {"contacts": [{"name": TAG_FIELD}]}})
    with pytest.raises(BrokenContract):
        hubspot(bench).provision_tags("contacts", [scores("Møde")])


def test_a_tag_travels_in_the_same_write_and_replaces_the_whole_value(bench: Bench) -> None:
    hubspot(bench).provision_tags("contacts", [scores("Møde")])
    (first,) = bench.seed(people(1))
    for score in (7, 9):
        update(bench, Row("k1", {TAG_FIELD: (f"NPSToday.Møde.{score}",), "nps_score": "9"}, first))
    assert bench.control("state")["contacts"][0]["tags"] == ["NPSToday.Møde.9"]


def test_a_hundred_notes_are_one_call(bench: Bench) -> None:
    ids = bench.seed(people(100))
    adapter = hubspot(bench)
    notes = [
        Note(f"n{n}", one, f"ref: {n:032x}", "t", "x", f"<p>ref: {n:032x}</p>", NOON, "th")
        for n, one in enumerate(ids)
    ]
    before = len(bench.calls())
    outcomes = adapter.note("contacts", notes).outcomes
    assert len(bench.calls()) - before == 1
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert adapter.noted("contacts", notes) == {one.key: one.remote_id for one in outcomes}
    # One call for the associations and one for the hundred notes.
    assert len(bench.calls()) - before == 3


def test_a_note_for_a_contact_that_is_gone_is_its_own_rows_fault(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    notes = [note_for(first, 1), note_for("999999", 2)]
    told = [(one.status, one.code) for one in hubspot(bench).note("contacts", notes).outcomes]
    assert told == [(Status.WRITTEN, ""), (Status.REJECTED, "not_found")]


@pytest.mark.parametrize("path", ["/associations/", "/notes/batch/read"])
def test_notes_that_could_not_be_read_are_not_taken_for_absent(bench: Bench, path: str) -> None:
    (first,) = bench.seed(people(1))
    adapter = hubspot(bench)
    adapter.note("contacts", [note_for(first, 1)])
    errors = [{"status": "error", "category": "LOCKED", "message": "x", "context": {}}]
    bench.fault(path, status=207, body={"results": [], "errors": errors})
    with pytest.raises(TryLater):
        adapter.noted("contacts", [note_for(first, 1)])


def test_a_note_is_stored_as_escaped_html_at_its_time(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    hubspot(bench).note("contacts", [note_for(first, 1)])
    (stored,) = bench.control("state")["contacts"][0]["notes"]
    assert stored["at"] == "2026-11-22T01:02:00Z"
    assert "&lt;b&gt;fair&lt;/b&gt;" in stored["body"]
