"""The note: readable, escaped, within the CRM's limit, and always found again by its marker."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.responses.graphemes import units
from connector.responses.note import marker_line, note_of
from tests.unit.test_variables import PUSHED, stored

MARKER = "0192f0c1-7a55-7aaa-8000-1234567890ab"
FAMILY = "👨‍👩‍👧‍👦"


class Tags(HTMLParser):
    """Fails on any tag that is not closed in order, and collects the text a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen = ""
        self.used: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.used.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen += data


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def answered(**answers: Any) -> dict[str, Any]:
    return stored(answers=answers)


def test_the_note_tells_every_kind_of_answer_in_order() -> None:
    note = note_of(stored(), MARKER, order=["nps", "why"])
    assert note is not None
    assert note.title == "Møde"
    assert note.text.splitlines() == [
        "Møde · 2026-11-22 01:02 UTC",
        "How likely?: 9/10",
        "why: Friendly 🙂",
        "rating: 4/5",
        "channel: Shop",
        "topics:",
        "  Price, Staff",
        "  parking",
        "story:",
        "  Line one",
        "  line two",
        "when: 2026-11-20",
        "at: 2026-11-20 09:00 UTC",
        "amount: 12.50",
        "took: 0:05:30",
        "photo: a.jpg https://files.example/a.jpg",
        "sign: https://files.example/s.png",
        "grid:",
        "  Staff: Good",
        "  row_price: Bad, dear",
        "order:",
        "  1. Beer",
        "  2. Ale",
        "agree: ✗",
        "",
        f"ref: {MARKER}",
    ]


def test_the_html_says_the_same_with_links() -> None:
    note = note_of(stored(), MARKER)
    assert note is not None
    page = read(note.html)
    assert page.used == {"p", "b", "br", "a"}
    assert page.links == ["https://files.example/a.jpg", "https://files.example/s.png"]
    assert "Friendly 🙂" in page.seen
    assert marker_line(MARKER) in note.html


def test_answers_that_found_a_field_are_left_out() -> None:
    note = note_of(stored(), MARKER, leave_out=frozenset(PUSHED["answers"]) - {"why"})
    assert note is not None
    assert note.text.splitlines()[1:] == ["why: Friendly 🙂", "", f"ref: {MARKER}"]


def test_no_note_is_written_when_every_answer_found_a_field() -> None:
    assert note_of(stored(), MARKER, leave_out=frozenset(PUSHED["answers"])) is None


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", "a & b < c", "\"quoted\" 'single'", "</p></b>", "&amp;"]
)
def test_an_answer_is_escaped_wherever_it_stands(words: str) -> None:
    title = {"type": "text", "value": words, "title": words}
    choice = {"type": "single_choice", "value": "x", "label": words}
    note = note_of(answered(a=title, b=choice), MARKER)
    assert note is not None
    page = read(note.html)
    assert page.used == {"p", "b", "br"}
    assert page.seen.count(words) == 3
    assert f"a: {words}" not in note.text
    assert f"{words}: {words}" in note.text


def test_only_web_addresses_become_links() -> None:
    answer = {"type": "signature", "value": {"url": 'https://x.example/"onmouseover="x'}}
    note = note_of(answered(sign=answer), MARKER)
    assert note is not None
    assert read(note.html).links == ['https://x.example/"onmouseover="x']


def test_control_signs_do_not_reach_the_crm() -> None:
    note = note_of(answered(why={"type": "text", "value": "a\x07b\x1bc\r\nd"}), MARKER)
    assert note is not None
    assert "why:\n  abc\n  d" in note.text


def test_fault_46_a_huge_text_is_cut_with_a_note_and_keeps_its_marker() -> None:
    long = {"type": "long_text", "value": FAMILY * 9_000}
    note = note_of(answered(why=long, end={"type": "nps", "value": 3}), MARKER, limit=32_000)
    assert note is not None
    assert units(note.text) <= 32_000
    assert units(note.html) <= 32_000
    assert units(note.text) > 31_000
    assert note.left_out == 1
    assert f"… (+1)\nref: {MARKER}" in note.text
    assert set(note.text.split("why: ")[1].split("…")[0]) == set(FAMILY)
    assert note.text.split("why: ")[1].split("…")[0].endswith(FAMILY)


def test_a_title_is_escaped_where_its_answer_is_cut() -> None:
    long = {"type": "long_text", "value": "x" * 5_000, "title": "<i>R&D</i>?"}
    note = note_of(answered(why=long), MARKER, limit=1_000)
    assert note is not None
    page = read(note.html)
    assert page.used == {"p", "b", "br"}
    assert "<i>R&D</i>?xxx" in page.seen


@given(
    st.lists(
        st.tuples(st.text(max_size=200), st.text("&<>'\"a🙂\n", max_size=400)),
        min_size=1,
        max_size=8,
    ),
    st.integers(min_value=1_000, max_value=4_000),
)
def test_a_note_always_keeps_limit_marker_and_sound_html(
    texts: list[tuple[str, str]], limit: int
) -> None:
    answers = {
        f"q{number}": {"type": "text", "value": value, "title": title or None}
        for number, (title, value) in enumerate(texts)
    }
    note = note_of({**stored(), "answers": answers}, MARKER, limit=limit)
    assert note is not None
    assert units(note.text) <= limit
    assert units(note.html) <= limit
    assert note.text.endswith(marker_line(MARKER))
    assert note.html.endswith(f"<p>{html.escape(marker_line(MARKER))}</p>")
    assert read(note.html).used <= {"p", "b", "br"}


@given(st.text("&<>\"' x", max_size=300))
def test_without_a_limit_nothing_is_cut(value: str) -> None:
    answers = {"q": {"type": "text", "value": value, "title": "?"}}
    note = note_of({**stored(), "answers": answers}, MARKER)
    assert note is not None
    assert note.left_out == 0
    assert f"?: {value}\n" in note.text
    assert html.escape(value) in note.html
