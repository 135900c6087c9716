"""Score tags and notes at Odoo: made once, swapped in one write, found again in every version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import requests

from adapters.errors import TAG_OPTION_MISSING, PauseMapping
from adapters.values import Note, Retraction, Status, TagChange, TagOptions
from schemas.odoo import PARTNER
from tests.adapters.contract import AdapterContract, people
from tests.adapters.odoo_bench import VERSIONS, OdooBench, served

CAMPAIGN = "Møde"
TAGS = tuple(f"NPSToday.{CAMPAIGN}.{score}" for score in range(11))


@pytest.fixture
def bench() -> Iterator[OdooBench]:
    with served() as one:
        yield one


@pytest.fixture(params=VERSIONS)
def every(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


def provided(bench: OdooBench) -> None:
    bench.adapter().provision_tags(PARTNER, [TagOptions(CAMPAIGN, TAGS)])


def names(bench: OdooBench) -> list[str]:
    return [str(one["name"]) for one in bench.control("state")["tags"]]


def change(remote_id: str, score: int, held: Sequence[str] | None = None) -> TagChange:
    kept = None if held is None else tuple(held)
    return TagChange(f"k{remote_id}", remote_id, (TAGS[score],), frozenset(TAGS), kept)


def note(remote_id: str, number: int = 1) -> Note:
    return AdapterContract().note_for(remote_id, number)


# --- making tags ----------------------------------------------------------------------------------


def test_a_campaigns_tags_are_made_once(every: OdooBench) -> None:
    for _ in "ab":
        provided(every)
    assert names(every) == list(TAGS)


def test_only_missing_tags_are_made_and_foreign_ones_stay(bench: OdooBench) -> None:
    bench.control("seed", {"tags": ["VIP", TAGS[3]]})
    provided(bench)
    assert sorted(names(bench)) == sorted(["VIP", *TAGS])


def test_doubled_tags_are_merged_into_the_oldest(every: OdooBench) -> None:
    """Two who found none have both made one: the contacts of the second get the first."""
    (one,) = every.seed(people(1))
    every.control("seed", {"tags": [TAGS[9], TAGS[9], "VIP"]})
    first, second, vip = (tag["id"] for tag in every.control("state")["tags"])
    every.control("seed", {"edit": {one: {"category_id": [[4, second], [4, vip]]}}})
    provided(every)
    assert every.contact(one)["fields"]["category_id"] == sorted([first, vip])


def test_a_right_that_is_missing_for_tags_is_named(every: OdooBench) -> None:
    every.control("options", {"denied": ["create res.partner.category"]})
    with pytest.raises(PauseMapping) as raised:
        provided(every)
    assert raised.value.scope == "create on res.partner.category"


# --- tagging --------------------------------------------------------------------------------------


def test_contacts_with_one_score_share_a_write(bench: OdooBench) -> None:
    ids = bench.seed(people(6))
    provided(bench)
    since = len(bench.calls())
    changes = [change(one, n % 2, held=()) for n, one in enumerate(ids)]
    outcomes = bench.adapter().retag(PARTNER, changes).outcomes
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert bench.kinds(since) == ["read", "write", "write"]
    assert [bench.contact(one)["tags"] for one in ids] == [[TAGS[n % 2]] for n in range(6)]


def test_a_tag_that_somebody_adds_meanwhile_stays(bench: OdooBench) -> None:
    """What the contact held a moment ago is told; the write names the campaign's tags alone."""
    (one,) = bench.seed(people(1))
    provided(bench)
    bench.adapter().retag(PARTNER, [change(one, 3)])
    bench.control("seed", {"tags": ["VIP"]})
    vip = bench.control("state")["tags"][-1]["id"]
    bench.control("seed", {"edit": {one: {"category_id": [[4, vip]]}}})
    bench.adapter().retag(PARTNER, [change(one, 9, held=[TAGS[3]])])
    assert bench.contact(one)["tags"] == [TAGS[9], "VIP"]


def test_a_tag_that_was_deleted_is_made_anew_by_who_made_it(every: OdooBench) -> None:
    (one,) = every.seed(people(1))
    with pytest.raises(PauseMapping) as raised:
        every.adapter().retag(PARTNER, [change(one, 9)])
    assert raised.value.code == TAG_OPTION_MISSING


def test_a_gone_contact_does_not_keep_its_neighbours_from_their_tag(every: OdooBench) -> None:
    ids = every.seed(people(3))
    provided(every)
    every.control("seed", {"delete": [ids[1]]})
    changes = [change(one, 9, held=()) for one in ids]
    outcomes = every.adapter().retag(PARTNER, changes).outcomes
    assert [one.code for one in outcomes] == ["", "not_found", ""]
    assert every.contact(ids[2])["tags"] == [TAGS[9]]


# --- notes ----------------------------------------------------------------------------------------


def test_a_note_is_internal_and_its_markup_is_kept(every: OdooBench) -> None:
    (one,) = every.seed(people(1))
    (outcome,) = every.adapter().note(PARTNER, [note(one)]).outcomes
    (held,) = every.contact(one)["notes"]
    assert held["id"] == outcome.remote_id
    assert held["body"].startswith("<p>Why? Friendly 😀 &amp; &lt;b&gt;fair")


@pytest.mark.parametrize(("version", "thought"), [(16, "html"), (18, "subtype"), (14, "subtype")])
def test_a_way_of_posting_that_is_not_taken_leads_to_the_next(version: int, thought: str) -> None:
    with served(version) as bench:
        (one,) = bench.seed(people(1))
        result = bench.adapter(note_way=thought).note(PARTNER, [note(one)])
        right = {14: "xmlid", 16: "xmlid", 18: "html"}[version]
        assert result.learnt == {"note_way": right}
        assert len(bench.contact(one)["notes"]) == 1
        assert bench.adapter(**result.learnt).note(PARTNER, [note(one, 2)]).learnt == {}


def test_notes_of_other_contacts_are_not_taken_for_ours(bench: OdooBench) -> None:
    first, second = bench.seed(people(2))
    bench.adapter().note(PARTNER, [note(first)])
    assert bench.adapter().noted(PARTNER, [note(second)]) == {}


def test_a_note_of_a_merged_contact_is_found_at_the_survivor(bench: OdooBench) -> None:
    survivor, loser = bench.seed(people(2))
    bench.adapter().note(PARTNER, [note(loser)])
    bench.control("seed", {"merge": [[int(survivor), int(loser)]]})
    assert set(bench.adapter().noted(PARTNER, [note(survivor)])) == {"n1"}


def test_the_control_page_of_the_simulator_has_the_note(bench: OdooBench) -> None:
    (one,) = bench.seed(people(1))
    bench.adapter().note(PARTNER, [note(one)])
    assert "Why? Friendly" in requests.get(bench.base_url, timeout=5).text


def test_an_odoo_that_keeps_its_messages_says_so_and_the_note_stays(bench: OdooBench) -> None:
    (one,) = bench.seed(people(1))
    (made,) = bench.adapter().note(PARTNER, [note(one)]).outcomes
    bench.control("options", {"denied": ["unlink mail.message"]})
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().retract(PARTNER, [Retraction("x", note(one), str(made.remote_id))])
    assert raised.value.scope == "delete on mail.message"
    assert len(bench.contact(one)["notes"]) == 1
