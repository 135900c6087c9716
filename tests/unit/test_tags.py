"""Score tags: what is written, what is read back, and above all what is never removed."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.responses.graphemes import clusters, units
from connector.responses.tags import (
    MAX_NAME_UNITS,
    NotAScore,
    ScoreTag,
    Spelling,
    UnusableName,
    campaign_field,
    canonical_tag,
    collides,
    owned,
    parsed,
    read_back,
    replaced,
    score_of,
    spellings,
    tag_name,
    tag_pattern,
)

ZENDESK = Spelling(styles=("verbatim", "safe", "ascii"), separator=" ")
LIST_FIELD = Spelling(styles=("verbatim",), separator=";")
FAMILY = "👨‍👩‍👧‍👦"


def usable(name: str) -> bool:
    try:
        tag_name(name)
    except UnusableName:
        return False
    return True


names = st.one_of(
    st.text(min_size=1, max_size=300),
    st.text(alphabet="ab.9 _-;,'\"ÆøåéNPSToday\u202e\u200d🙂e\u0301", min_size=1, max_size=40),
).filter(usable)
scores = st.integers(min_value=0, max_value=10)


def test_the_canonical_tag_is_prefix_campaign_score() -> None:
    assert canonical_tag("Møde", 9) == "NPSToday.Møde.9"


@pytest.mark.parametrize(
    "name",
    [
        "a.b",
        "NPSToday.x",
        "NPSToday",
        "Møde.9",
        "9",
        "a b",
        "a,b",
        'say "hi"',
        "o'clock",
        "..",
        "x.NoSend",
    ],
)
def test_fault_47_an_awkward_campaign_name_round_trips(name: str) -> None:
    assert parsed(canonical_tag(name, 10)) == ScoreTag(name, 10)


@given(names, scores)
def test_every_canonical_tag_is_read_back_as_it_was_written(name: str, score: int) -> None:
    assert parsed(canonical_tag(name, score)) == ScoreTag(tag_name(name), score)


@given(names)
def test_freezing_a_tag_name_twice_changes_nothing(name: str) -> None:
    assert tag_name(tag_name(name)) == tag_name(name)


@given(names)
def test_a_tag_name_is_composed_visible_and_short(name: str) -> None:
    frozen = tag_name(name)
    assert unicodedata.is_normalized("NFC", frozen)
    assert units(frozen) <= MAX_NAME_UNITS
    assert not any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in frozen)


@pytest.mark.parametrize(
    ("given_name", "frozen"),
    [
        ("Mo\u0308de", "Möde"),
        ("  Efter \t mødet\r\n", "Efter mødet"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a\x00b\x1bc", "abc"),
        ("caf\ud800é", "café"),
        (f"{FAMILY} fest", f"{FAMILY} fest"),
    ],
)
def test_fault_46_a_tag_name_is_made_readable(given_name: str, frozen: str) -> None:
    assert tag_name(given_name) == frozen


def test_fault_46_a_long_name_is_cut_between_characters() -> None:
    frozen = tag_name("x" + FAMILY * 40)
    assert set(clusters(frozen)) == {"x", FAMILY}
    assert MAX_NAME_UNITS - units(FAMILY) < units(frozen) <= MAX_NAME_UNITS


@pytest.mark.parametrize("name", ["", "   ", "\u202e", "\x00", "\u200d", "\n"])
def test_a_name_without_a_visible_character_is_refused(name: str) -> None:
    with pytest.raises(UnusableName):
        tag_name(name)


@pytest.mark.parametrize(
    "value", [11, -1, 9.0, 9.5, "9.0", "9.5", "010", "11", "-1", "٣", "", None, True, "ten"]
)
def test_what_is_no_whole_score_is_refused(value: object) -> None:
    with pytest.raises(NotAScore):
        score_of(value)


@pytest.mark.parametrize(("value", "score"), [(0, 0), (10, 10), ("0", 0), ("10", 10)])
def test_a_whole_score_is_taken_as_number_or_text(value: object, score: int) -> None:
    assert score_of(value) == score


@pytest.mark.parametrize(
    "tag",
    [
        "NPSToday.NoSend",
        "NPSToday.9",
        "NPSToday..9",
        "NPSToday.x.11",
        "NPSToday.x.",
        "VIP",
        "",
        "npstoday.x.9",
        "NPSToday.x.9 ",
        "NPSTodayx.x.9",
        "NPSToday.x.٣",
    ],
)
def test_what_is_not_a_score_tag_is_not_read_as_one(tag: str) -> None:
    assert parsed(tag) is None


def test_zendesk_gets_three_spellings_in_order_of_preference() -> None:
    assert spellings("Efter Mødet", 9, spelling=ZENDESK) == (
        "NPSToday.Efter_Mødet.9",
        "npstoday_efter_mødet_9",
        "npstoday_efter_moedet_9",
    )


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("Größe Ä Ö", "groesse_ae_oe"),
        ("Café naïve", "cafe_naive"),
        ("Århus æøå", "aarhus_aeoeaa"),
        ("Perché no?", "perche_no"),
        ("Œuvre", "u153uvre"),
        ("会议", "u4f1au8bae"),
        ("🙂", "u1f642"),
    ],
)
def test_the_ascii_style_folds_by_the_table(name: str, ascii_name: str) -> None:
    assert spellings(name, 0, spelling=ZENDESK)[2] == f"npstoday_{ascii_name}_0"


@given(names, scores)
def test_a_spelling_for_tags_split_by_spaces_holds_no_space(name: str, score: int) -> None:
    assert not any(
        sign.isspace() for one in spellings(name, score, spelling=ZENDESK) for sign in one
    )


@given(names, scores)
def test_the_ascii_style_is_ascii(name: str, score: int) -> None:
    assert spellings(name, score, spelling=ZENDESK)[2].isascii()


def test_the_sign_between_two_tags_is_left_out_of_a_name() -> None:
    assert spellings("Salg; Øst;", 3, spelling=LIST_FIELD) == ("NPSToday.Salg Øst.3",)


@given(names, st.integers(min_value=40, max_value=255), scores)
def test_fault_46_a_spelling_keeps_the_length_limit_and_the_score(
    name: str, limit: int, score: int
) -> None:
    rule = Spelling(styles=ZENDESK.styles, separator=" ", max_length=limit)
    for one in spellings(name, score, spelling=rule):
        assert units(one) <= limit
        assert one.endswith((f".{score}", f"_{score}"))


def test_a_limit_without_room_for_a_name_is_refused() -> None:
    with pytest.raises(UnusableName):
        spellings("Møde", 9, spelling=Spelling(max_length=12))


@given(names)
def test_owned_is_eleven_scores_in_every_style_and_nothing_else(name: str) -> None:
    mine = owned(name, spelling=ZENDESK)
    assert mine == {one for score in range(11) for one in spellings(name, score, spelling=ZENDESK)}
    assert "NPSToday.NoSend" not in mine
    assert "npstoday_nosend" not in mine


@given(names, scores)
def test_every_spelling_can_be_read_back(name: str, score: int) -> None:
    table = read_back([name], spelling=ZENDESK)
    for one in spellings(name, score, spelling=ZENDESK):
        assert table[one] == ScoreTag(name, score)


@given(names, names)
def test_two_campaigns_either_collide_or_never_touch_each_other(one: str, other: str) -> None:
    mine, theirs = owned(one, spelling=ZENDESK), owned(other, spelling=ZENDESK)
    assert collides(one, other, spelling=ZENDESK) == bool(mine & theirs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Møde", "Moede"),
        ("Møde", "MØDE"),
        ("a.b", "a b"),
        ("Mo\u0308de", "M\u00f6de"),
        ("a!", "a?"),
    ],
)
def test_fault_47_campaigns_that_fold_into_one_tag_collide(one: str, other: str) -> None:
    assert collides(one, other, spelling=ZENDESK)


@pytest.mark.parametrize(
    ("one", "other"), [("Møde", "Møde.Salg"), ("a", "a.1"), ("Ω", "Ψ"), ("🙂", "🙁")]
)
def test_campaigns_with_different_tags_do_not_collide(one: str, other: str) -> None:
    assert not collides(one, other, spelling=ZENDESK)


def test_names_that_differ_behind_the_limit_collide() -> None:
    short = Spelling(max_length=30)
    assert collides("x" * 40 + "a", "x" * 40 + "b", spelling=short)


def test_a_new_score_takes_the_place_of_the_old_one_and_of_nothing_else() -> None:
    current = [
        "VIP",
        "NPSToday.Møde.7",
        "NPSToday.Møde.Salg.7",
        "NPSToday.NoSend",
        "npstoday_møde_3",
    ]
    after = replaced(current, "NPSToday.Møde.9", owned("Møde", spelling=ZENDESK))
    assert after == ("VIP", "NPSToday.Møde.Salg.7", "NPSToday.NoSend", "NPSToday.Møde.9")


def test_a_tag_that_stands_already_keeps_its_place() -> None:
    current = ("NPSToday.Møde.9", "VIP")
    assert replaced(current, "NPSToday.Møde.9", owned("Møde")) == current


@given(st.lists(st.text(max_size=20)), names, scores)
def test_replacing_keeps_foreign_tags_in_order_and_is_repeatable(
    foreign: list[str], name: str, score: int
) -> None:
    mine = owned(name)
    tag = spellings(name, score)[0]
    once = replaced([*foreign, spellings(name, 0)[0]], tag, mine)
    assert [one for one in once if one not in mine] == [one for one in foreign if one not in mine]
    assert [one for one in once if one in mine] == [tag]
    assert replaced(once, tag, mine) == once


def test_another_prefix_makes_other_tags() -> None:
    pattern = tag_pattern("Kunde", "-", no_send_word="Stop")
    assert canonical_tag("Møde", 9, pattern=pattern) == "Kunde-Møde-9"
    assert parsed("Kunde-a-b-9", pattern) == ScoreTag("a-b", 9)
    assert pattern.no_send == "Kunde-Stop"


@pytest.mark.parametrize(
    ("prefix", "separator", "word"),
    [
        ("", ".", "NoSend"),
        ("a b", ".", "NoSend"),
        ("NPS", ";", "NoSend"),
        ("NPS", ".", "x.9"),
        ("NPS\n", ".", "x"),
    ],
)
def test_a_pattern_that_cannot_be_told_apart_is_refused(
    prefix: str, separator: str, word: str
) -> None:
    with pytest.raises(UnusableName):
        tag_pattern(prefix, separator, no_send_word=word)


def own(campaign: str, longest: int = 36) -> str:
    return campaign_field(campaign, template="NPS_{campaign}__c", longest=longest)


def test_a_plain_campaign_names_its_own_field_plainly() -> None:
    assert own("After the meeting") == "NPS_after_the_meeting__c"


@pytest.mark.parametrize(
    "pair", [("Møde", "Moede"), ("Fair", "fair"), ("A b", "A-b"), ("😀", "😃")]
)
def test_two_campaigns_never_share_a_field_of_their_own(pair: tuple[str, str]) -> None:
    assert own(pair[0]).lower() != own(pair[1]).lower()


@given(st.text(min_size=1, max_size=200))
def test_a_field_of_ones_own_is_always_a_legal_name(name: str) -> None:
    try:
        told = own(name)
    except UnusableName:
        return
    assert re.fullmatch(r"NPS_[a-z0-9]([a-z0-9_]*[a-z0-9])?__c", told)
    assert "__" not in told.removesuffix("__c")
    assert len(told.removesuffix("__c")) <= 40
