"""Folding and deciding: the newest answer wins, one record is written once, a bad one stands
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.values import Operation, Record
from connector.responses.decide import Decision, decide, divided
from connector.responses.fold import Tagging, fold
from connector.responses.steps import Delivery, Made, Rank, field_target, tag_target
from connector.responses.tags import NPS_TODAY, Spelling
from schemas.fields import FieldValue
from schemas.record import Refusal

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
IN_FIELD = Tagging(Spelling(("verbatim",), ";"), NPS_TODAY, field="tags")
CAMPAIGN = 50


def at(minutes: int, number: int = 1) -> Rank:
    return Rank(NOON + timedelta(minutes=minutes), 1, number)


def feed(
    number: int, values: Mapping[str, Any], *, rank: Rank | None = None, **more: Any
) -> Delivery:
    payload = {
        "match": {"field": "email", "value": "C@example.test"},
        "linked": True,
        "operation": "upsert",
        "values": dict(values),
        "keep": [],
        "create": {"last_name": "Contact"},
    } | more
    return delivery(number, "fields", payload, rank=rank)


def tag(number: int, score: int, *, rank: Rank | None = None) -> Delivery:
    payload = {
        "match": {"field": "email", "value": "c@example.test"},
        "linked": True,
        "campaign": "Møde",
        "score": score,
    }
    return delivery(number, "tag", payload, rank=rank)


def delivery(number: int, kind: str, payload: Mapping[str, Any], *, rank: Rank | None) -> Delivery:
    return Delivery(
        id=number,
        response_id=number,
        contact_id=7,
        campaign_id=CAMPAIGN,
        mapping_id=1,
        kind=kind,
        entity="contacts",
        lane="contact:7",
        payload=payload,
        rank=rank or at(0, number),
        claims=1,
        attempts=0,
    )


def everything_fits(_values: Mapping[str, FieldValue], _creating: bool) -> Sequence[Refusal]:  # noqa: FBT001
    return ()


def decided(*deliveries: Delivery, records: Sequence[Record] = (), **clocks: Rank) -> Decision:
    known = {("contact:7", name): rank for name, rank in clocks.items()}
    (target,) = fold(sorted(deliveries, key=lambda one: one.rank.order), known).targets
    return decide(target, records, tagging=IN_FIELD, check=everything_fits)


def held(**values: FieldValue) -> list[Record]:
    return [Record("501", values)]


def test_fields_and_tag_of_one_contact_are_one_change() -> None:
    decision = decided(feed(1, {"nps": 9}), tag(2, 9), records=held(nps=None, tags=()))
    assert decision.change is not None
    assert decision.change.values == {"nps": 9, "tags": ("NPSToday.Møde.9",)}
    assert decision.change.sources == {"nps": (1,), "tags": (2,)}


def test_a_tag_replaces_its_campaigns_score_and_leaves_the_others() -> None:
    tags = ("vip", "NPSToday.Møde.7", "NPSToday.Møde.Salg.3", "NPSToday.NoSend")
    decision = decided(tag(1, 9), records=held(tags=tags))
    assert decision.change is not None
    assert decision.change.values == {
        "tags": ("vip", "NPSToday.Møde.Salg.3", "NPSToday.NoSend", "NPSToday.Møde.9")
    }


def test_the_newest_of_two_answers_in_one_wave_is_written() -> None:
    older, newer = feed(1, {"nps": 7}, rank=at(0, 1)), feed(2, {"nps": 9}, rank=at(5, 2))
    decision = decided(newer, older, records=held(nps=None))
    assert decision.change is not None
    assert decision.change.values == {"nps": 9}


def test_an_answer_that_a_newer_one_has_overtaken_is_superseded() -> None:
    late = feed(1, {"nps": 7}, rank=at(0))
    clocks = {("contact:7", field_target("contacts", "nps")): at(5, 2)}
    folded = fold([late], clocks)
    assert folded.superseded == (late,)
    assert folded.targets == ()


def test_an_overtaken_answer_still_writes_what_the_newer_one_did_not_say() -> None:
    late = feed(1, {"nps": 7, "why": "slow"}, rank=at(0))
    clocks = {("contact:7", field_target("contacts", "nps")): at(5, 2)}
    (target,) = fold([late], clocks).targets
    assert target.deliveries[0].payload["values"] == {"why": "slow"}


def test_an_overtaken_score_is_no_tag_any_more() -> None:
    late = tag(1, 7, rank=at(0))
    clocks = {("contact:7", tag_target(CAMPAIGN)): at(5, 2)}
    assert fold([late], clocks).superseded == (late,)


@given(st.permutations([(1, 0, 7), (2, 5, 8), (3, 9, 9)]))
def test_in_any_order_of_arrival_the_newest_score_stands(order: list[tuple[int, int, int]]) -> None:
    """Each arrives in a wave of its own, with the clock raised by those accepted before it."""
    tags: FieldValue = ()
    newest: Rank | None = None
    for number, minutes, score in order:
        rank = at(minutes, number)
        newest = rank if newest is None or newest.is_older_than(rank) else newest
        clocks = {("contact:7", tag_target(CAMPAIGN)): newest}
        for target in fold([tag(number, score, rank=rank)], clocks).targets:
            decision = decide(target, held(tags=tags), tagging=IN_FIELD, check=everything_fits)
            tags = decision.change.values["tags"] if decision.change else tags
    assert tags == ("NPSToday.Møde.9",)


def test_what_stands_already_is_not_written() -> None:
    decision = decided(feed(1, {"nps": 9}), records=held(nps=9))
    assert decision.change is None
    assert decision.remote_id == "501"


def test_an_empty_field_counts_as_cleared_already() -> None:
    assert decided(feed(1, {"why": None}), records=held(why="")).change is None


def test_options_in_another_order_are_the_same_set() -> None:
    same = decided(feed(1, {"topics": ["a", "b"]}), records=held(topics=("b", "a")))
    assert same.change is None


def test_a_kept_field_is_only_filled_when_empty() -> None:
    full = decided(feed(1, {"phone": "1"}, keep=["phone"]), records=held(phone="2"))
    empty = decided(feed(1, {"phone": "1"}, keep=["phone"]), records=held(phone=""))
    assert full.change is None
    assert empty.change is not None


def test_a_zero_is_not_empty() -> None:
    assert decided(feed(1, {"n": 5}, keep=["n"]), records=held(n=0)).change is None


def test_a_missing_record_is_created_with_what_identifies_it() -> None:
    decision = decided(feed(1, {"nps": 9}))
    assert decision.change is not None
    assert decision.change.operation is Operation.CREATE
    assert decision.change.values == {"last_name": "Contact", "email": "C@example.test", "nps": 9}


def test_a_missing_record_is_not_found_for_an_update() -> None:
    decision = decided(feed(1, {"nps": 9}, operation="update"), tag(2, 9))
    assert [(one.state, one.reason) for one in decision.settled] == [("dead", "not_found")] * 2


def test_a_record_that_is_there_is_refused_to_a_create() -> None:
    (settled,) = decided(feed(1, {"nps": 9}, operation="create"), records=held(nps=1)).settled
    assert (settled.state, settled.reason) == ("dead", "exists")


def creates(values: Mapping[str, Any], made: Made, **more: Any) -> Delivery:
    """Of an edited response, where the mapping only creates."""
    return feed(1, values, operation="create", made=made, **more)


SENT = {"email": "c@example.test", "nps": 1}


@pytest.mark.parametrize("made", [Made(frozenset({"501"})), Made(perhaps=({"nps": 3}, SENT))])
def test_an_edit_writes_the_record_that_was_made_of_its_own_response(made: Made) -> None:
    one = creates({"nps": 9, "phone": "1"}, made, keep=["phone"])
    change = decided(one, records=held(nps=1, phone="2")).change
    assert change is not None
    assert (change.operation, change.remote_id) == (Operation.UPDATE, "501")
    assert (change.values, change.before) == ({"nps": 9}, {"nps": 1})


@pytest.mark.parametrize(
    "made",
    [
        Made(),
        Made(frozenset({"502"})),
        Made(perhaps=({"nps": 3},)),
        # Every record that is found has what it was found by: that tells nothing.
        Made(perhaps=({"email": "c@example.test", "why": "x"},)),
    ],
)
def test_an_edit_is_refused_where_somebody_else_has_made_the_record(made: Made) -> None:
    one = creates({"nps": 9}, made)
    decision = decided(one, records=held(nps=1, email="c@example.test"))
    assert decision.change is None
    assert [(told.state, told.reason) for told in decision.settled] == [("dead", "exists")]


def test_an_edit_makes_the_record_where_no_version_before_has() -> None:
    change = decided(creates({"nps": 9}, Made(frozenset({"501"})))).change
    assert change is not None
    assert change.operation is Operation.CREATE


def test_an_edit_leaves_out_what_a_record_takes_only_when_it_is_made() -> None:
    one = creates({"nps": 9, "origin": "survey"}, Made(frozenset({"501"})))
    (target,) = fold([one], {}).targets
    check = locked("origin", when=(False,))
    decision = decide(target, held(nps=1), tagging=IN_FIELD, check=check)
    assert decision.settled == ()
    assert decision.change is not None
    assert decision.change.values == {"nps": 9}


def test_several_records_are_never_guessed_among() -> None:
    two = [Record("1", {}, NOON), Record("2", {}, NOON + timedelta(hours=1))]
    (refused,) = decided(feed(1, {"nps": 9}), records=two).settled
    assert (refused.state, refused.reason) == ("dead", "ambiguous")
    newest = decided(feed(1, {"nps": 9}, ambiguous="newest"), records=two)
    oldest = decided(feed(1, {"nps": 9}, ambiguous="oldest"), records=two)
    assert (newest.remote_id, oldest.remote_id) == ("2", "1")


def test_a_refused_value_kills_its_delivery_and_not_its_neighbour() -> None:
    def no_nps(values: Mapping[str, FieldValue], _creating: bool) -> Sequence[Refusal]:  # noqa: FBT001
        return (Refusal("nps", "type", "NPS takes integer"),) if "nps" in values else ()

    (target,) = fold([feed(1, {"nps": "x"}), feed(2, {"why": "y"})], {}).targets
    decision = decide(target, held(), tagging=IN_FIELD, check=no_nps)
    assert [(one.delivery_id, one.reason) for one in decision.settled] == [(1, "validation")]
    assert decision.change is not None
    assert decision.change.values == {"why": "y"}


def locked(field: str, *, when: tuple[bool, ...]) -> Any:
    """A check by which this field is read-only when a record is made (True), or later (False)."""

    def check(values: Mapping[str, FieldValue], creating: bool) -> Sequence[Refusal]:  # noqa: FBT001
        return [Refusal(field, "read_only", "no")] if field in values and creating in when else []

    return check


@pytest.mark.parametrize(("when", "records"), [((False,), held(nps=1)), ((True,), [])])
def test_an_upsert_leaves_out_what_only_the_other_kind_of_record_takes(when, records):
    (target,) = fold([feed(1, {"nps": 9, "origin": "survey"})], {}).targets
    check = locked("origin", when=when)
    decision = decide(target, records, tagging=IN_FIELD, check=check)
    assert decision.settled == ()
    assert decision.change is not None
    assert (decision.change.values["nps"], "origin" in decision.change.values) == (9, False)


def test_what_no_record_takes_is_refused_and_so_is_it_by_a_mapping_that_only_updates():
    for operation, when in (("upsert", (True, False)), ("update", (False,))):
        one = feed(1, {"nps": 9, "origin": "survey"}, operation=operation)
        (target,) = fold([one], {}).targets
        check = locked("origin", when=when)
        (told,) = decide(target, held(nps=1), tagging=IN_FIELD, check=check).settled
        assert (told.state, told.code, told.field) == ("dead", "read_only", "origin")


def test_a_required_field_that_nobody_fills_refuses_the_create() -> None:
    def needs_name(values: Mapping[str, FieldValue], creating: bool) -> Sequence[Refusal]:  # noqa: FBT001
        missing = creating and "company" not in values
        return (Refusal("company", "required", "Company is required"),) if missing else ()

    (target,) = fold([feed(1, {"nps": 9}), tag(2, 9)], {}).targets
    decision = decide(target, [], tagging=IN_FIELD, check=needs_name)
    assert decision.change is None
    assert [one.field for one in decision.settled] == ["company", "company"]


def test_a_divided_change_holds_each_delivery_once() -> None:
    change = decided(feed(1, {"nps": 9}), feed(2, {"why": "y"}), records=held()).change
    assert change is not None
    parts = divided(change)
    assert [[one.id for one in part.target.deliveries] for part in parts] == [[1], [2]]
    assert [dict(part.values) for part in parts] == [{"nps": 9}, {"why": "y"}]
