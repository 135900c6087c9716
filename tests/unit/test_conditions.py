"""Conditions that forms write: CEL that says the same, read back as it was typed."""

from __future__ import annotations

import pytest

from connector.responses.configuration.conditions import (
    SAYS,
    WITHOUT_VALUE,
    Group,
    faults,
    says_of,
    written,
)
from connector.responses.configuration.conditions import (
    Comparison as Is,
)
from connector.responses.configuration.reading import read
from connector.responses.rules import condition, verdict
from connector.responses.vocabulary import Kind, Variable

KINDS = {
    **{f"answered.{one}": Kind.BOOLEAN for one in ("nps", "why", "topics", "when", "again")},
    "answers.nps": Kind.NUMBER,
    "answers.why": Kind.TEXT,
    "answers.topics": Kind.CHOICES,
    "answers.when": Kind.DATE,
    "answers.again": Kind.CHOICE,
    "response.answered_at": Kind.DATETIME,
    "flags.vip": Kind.BOOLEAN,
    "contact.tier": Kind.ANY,
}
VALUES = {
    Kind.NUMBER: "9.5",
    Kind.DATE: "2026-11-20",
    Kind.DATETIME: "2026-11-20T08:00:00Z",
    Kind.ANY: "7",
}
EVERY = [
    Is(name, says, "" if says in WITHOUT_VALUE else VALUES.get(kind, 'a "quoted" \\ word'))
    for name, kind in KINDS.items()
    if not name.startswith("answered.")
    for says in says_of(name, kind)
]


@pytest.mark.parametrize("test", EVERY, ids=lambda one: f"{one.variable} {one.says}")
def test_each_test_is_cel_that_compiles_and_is_read_back_as_typed(test):
    group = Group("all", (test,))
    assert list(faults(group, KINDS)) == []
    source = written(group, KINDS)
    condition(source, KINDS)
    assert read(source, KINDS) == group


def test_groups_are_nested_and_read_back():
    inner = Group("any", (Is("answers.why", "contains", "parking"), Is("flags.vip", "yes")))
    group = Group("all", (Is("answers.nps", "at_most", "6"), inner))
    source = written(group, KINDS)
    assert source == 'answers.nps <= 6 && (answers.why.contains("parking") || flags.vip)'
    assert read(source, KINDS) == group


@pytest.mark.parametrize(
    ("vip", "score", "holds"), [(True, 9, False), (True, 3, True), (False, 3, False)]
)
def test_what_is_written_decides_as_it_reads(vip, score, holds):
    group = Group("all", (Is("flags.vip", "yes"), Is("answers.nps", "less", "7")))
    values = {
        "flags.vip": Variable(Kind.BOOLEAN, vip),
        "answers.nps": Variable(Kind.NUMBER, score),
    }
    assert verdict(condition(written(group, KINDS), KINDS), values).holds is holds


@pytest.mark.parametrize(
    ("source", "as_form"),
    [
        ("", Group("all")),
        ("answers.nps>=9&&'staff' in answers.topics", Group("all", (
            Is("answers.nps", "at_least", "9"), Is("answers.topics", "has", "staff")))),
        ("flags.vip || answers.nps > 8 && answered.why", Group("any", (
            Is("flags.vip", "yes"),
            Group("all", (Is("answers.nps", "more", "8"), Is("answers.why", "answered")))))),
        ('contact.tier == "7"', Group("all", (Is("contact.tier", "is", '"7"'),))),
        ("contact.tier == 7", Group("all", (Is("contact.tier", "is", "7"),))),
    ],
)  # fmt: skip
def test_what_others_have_written_is_read_as_a_form(source, as_form):
    assert read(source, KINDS) == as_form


@pytest.mark.parametrize(
    "source",
    [
        "answers.grid['row'] == ['good']",
        "size(answers.why) > 3",
        "answers.nps == answers.nps",
        "answers.nps > ",
        "!'a' in answers.topics",
        "!(answers.nps > 1 && flags.vip)",
        'answers.nps == "9"',
        "answers.when == \"2026-02-30\"",
        "flags.vip ? true : false",
        "// nothing",
        "(" * 4_000,
        " || ".join(["flags.vip"] * 41),
        "((((flags.vip || answered.why) && flags.vip) || flags.vip) && flags.vip) || flags.vip",
    ],
)  # fmt: skip
def test_what_no_form_can_say_is_for_those_who_write_it(source):
    assert read(source, KINDS) is None


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        (Is("", "is", "x"), "no_variable"),
        (Is("answers.nps || true", "is", "x"), "no_variable"),
        (Is("answers.nps", "contains", "x"), "unfit"),
        (Is("answers.nps", "is", " "), "no_value"),
        (Is("answers.nps", "is", "nine"), "not_a_number"),
        (Is("contact.tier", "more", "gold"), "not_a_number"),
        (Is("answers.when", "is", "20.11.2026"), "not_a_date"),
        (Is("response.answered_at", "more", "2026-11-20T08:00"), "not_a_date"),
    ],
)
def test_what_is_not_filled_in_is_named_by_its_place(test, fault):
    nested = Group("all", (Is("flags.vip", "yes"), Group("any", (test,))))
    assert list(faults(nested, KINDS)) == [("2-1", fault)]


def test_every_kind_of_variable_says_something():
    assert set(SAYS) == set(Kind)
