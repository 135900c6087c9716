"""Conditions: refused with a caret when saved, never true by accident when run, always bounded."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.responses.rules import (
    MAX_SOURCE,
    ExpressionFailed,
    ExpressionInvalid,
    Verdict,
    check,
    computed,
    condition,
    expression,
    trusting,
    verdict,
)
from connector.responses.vocabulary import Kind, MatrixRow, Variable

DECLARED = {
    "answers.nps": Kind.NUMBER,
    "answers.nps.label": Kind.TEXT,
    "answers.amount": Kind.NUMBER,
    "answers.why": Kind.TEXT,
    "answers.topics": Kind.CHOICES,
    "answers.agree": Kind.BOOLEAN,
    "answers.when": Kind.DATE,
    "answers.grid": Kind.MATRIX,
    "answers.grid.row_staff": Kind.CHOICES,
    "answered.nps": Kind.BOOLEAN,
    "flags.callback": Kind.BOOLEAN,
    "response.answered_at": Kind.DATETIME,
    "hidden.store": Kind.ANY,
}
VALUES = {
    "answers.nps": Variable(Kind.NUMBER, 9),
    "answers.amount": Variable(Kind.NUMBER, "12.50"),
    "answers.topics": Variable(Kind.CHOICES, ("price", "staff")),
    "answers.agree": Variable(Kind.BOOLEAN, value=False),
    "answers.when": Variable(Kind.DATE, "2026-11-20"),
    "answers.grid": Variable(
        Kind.MATRIX, ("Staff: Good",), rows=(MatrixRow("row_staff", "Staff", ("good",), ("Good",)),)
    ),
    "answers.grid.row_staff": Variable(Kind.CHOICES, ("good",)),
    "answered.nps": Variable(Kind.BOOLEAN, value=True),
    "response.answered_at": Variable(Kind.DATETIME, "2026-11-22T01:02:00Z"),
    "hidden.store": Variable(Kind.TEXT, "42"),
}


@pytest.mark.parametrize(
    "source",
    [
        "answers.nps >= 9",
        "answers.nps > 8.5",
        "answers.amount > 12",
        "answers.amount == 12.5",
        "'staff' in answers.topics",
        "!answers.agree",
        "answers.when >= '2026-11-01'",
        "answers.grid['row_staff'] == ['good']",
        "'good' in answers.grid.row_staff",
        "answered.nps && !flags.callback",
        "response.answered_at > timestamp('2026-11-01T00:00:00Z')",
        "response.answered_at.getHours('Europe/Copenhagen') == 2",
        "hidden.store == '42'",
        "answers.nps > 8 || answers.why == 'x'",
        "answers.topics.exists(one, one.startsWith('pri'))",
        "answers.nps >= 9 // 'answers.npz' is only a comment",
    ],
)
def test_a_true_condition_holds(source: str) -> None:
    assert verdict(condition(source, DECLARED), VALUES) == Verdict(holds=True)


@pytest.mark.parametrize("source", ["answers.nps < 9", "answers.agree", "flags.callback"])
def test_a_false_condition_says_so(source: str) -> None:
    assert verdict(condition(source, DECLARED), VALUES).reason == "condition_false"


@pytest.mark.parametrize(
    "source", ["answers.why == 'x'", "answers.why != 'x'", "answers.nps > 8 && answers.why != ''"]
)
def test_a_missing_answer_makes_a_condition_false_not_true(source: str) -> None:
    found = verdict(condition(source, DECLARED), VALUES)
    assert found == Verdict(holds=False, reason="answer_missing", error=False)


def test_an_unanswered_question_is_known_to_be_unanswered() -> None:
    assert verdict(condition("!answered.nps", DECLARED), {}).holds


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0 == 1", "failed"),
        ("int(hidden.store + 'x') == 1", "failed"),
        ("answers.topics[7] == 'x'", "failed"),
        ("answers.nps", "not_a_truth_value"),
        ("hidden.store", "not_a_truth_value"),
        ("hidden.store > 3", "failed"),
    ],
)
def test_any_other_error_parks_the_automation(source: str, reason: str) -> None:
    found = verdict(condition(source, DECLARED), VALUES)
    assert found == Verdict(holds=False, reason=reason, error=True)


def test_a_question_that_changed_its_kind_parks_the_automation() -> None:
    rule = condition("answers.why == 'x'", DECLARED)
    found = verdict(rule, {"answers.why": Variable(Kind.NUMBER, 3)})
    assert found == Verdict(holds=False, reason="variable_retyped", error=True)


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("answers.npz >= 9", 1, 1, "did you mean answers.nps?"),
        ("true &&\n  answers.wyh == 'x'", 2, 3, "did you mean answers.why?"),
        ("answers.nps.labl == 'x'", 1, 1, "did you mean answers.nps.label?"),
        ("foo == 1", 1, 1, "no variable is called foo"),
        ("answers.nps >=", 1, 15, "ends here, and something is missing"),
        ("answers.why == 3", 1, 13, "== cannot be used on a text and a whole number"),
        ("1 + 1", 1, 1, "true or false"),
        ("answers.why", 1, 1, "true or false"),
        ("  ", 1, 1, "empty"),
        ("(" * 40 + "true" + ")" * 40, 1, 1, "nested too deep"),
        ("true || '" + "x" * MAX_SOURCE + "' == ''", 1, 1, "at most"),
        ("'\ud800' == ''", 1, 1, "valid Unicode"),
        ("[[1]].all(a, a.all(b, [b].all(c, true)))", 1, 1, "list macros"),
        ("answers.nps" + " + 1" * 17 + " > 3", 1, 1, "plus signs"),
    ],
)
def test_a_broken_condition_is_refused_with_its_place(
    source: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        check(source, DECLARED)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert words in str(refused.value)


def test_the_caret_stands_under_the_mistake() -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        check("true && answers.npz > 1", DECLARED)
    assert str(refused.value).splitlines()[1:] == ["true && answers.npz > 1", "        ^"]


def test_a_method_of_a_text_is_no_unknown_variable() -> None:
    check("answers.why.startsWith('answers.nps.labl')", DECLARED)


def test_a_spent_budget_is_a_failure_and_comes_soon() -> None:
    rule = condition("answers.topics.all(a, answers.topics.all(b, b == b))", DECLARED)
    many = {"answers.topics": Variable(Kind.CHOICES, ("x",) * 2_000)}
    started = time.perf_counter()
    assert verdict(rule, many) == Verdict(holds=False, reason="budget_spent", error=True)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("answers.nps", 9),
        ("answers.amount", "12.5"),
        ("double(answers.nps) * 1.5", "13.5"),
        ("'shop ' + hidden.store", "shop 42"),
        ("answers.topics", ("price", "staff")),
        ("answers.agree", False),
        ("response.answered_at", "2026-11-22T01:02:00Z"),
        ("response.answered_at - duration('62s')", "2026-11-22T01:00:58Z"),
        ("duration('90s')", 90),
        ("null", None),
        ("[1, 2]", ("1", "2")),
    ],
)
def test_a_computed_value_is_canonical(source: str, value: object) -> None:
    found = computed(expression(source, DECLARED), VALUES)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("source", ["{'a': 1}", "b'a'", "0.0 / 0.0", "1.0 / 0.0"])
def test_a_value_no_field_can_hold_is_a_failure(source: str) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        computed(expression(source, DECLARED), VALUES)
    assert failed.value.code == "not_a_value"


def test_a_failure_never_quotes_the_answer() -> None:
    rule = expression("{'a': 1}[answers.why]", DECLARED)
    with pytest.raises(ExpressionFailed) as failed:
        computed(rule, {"answers.why": Variable(Kind.TEXT, "secret words")})
    assert "secret" not in str(failed.value)


@given(st.text(max_size=60))
def test_any_text_is_either_a_condition_or_refused(source: str) -> None:
    try:
        rule = condition(source, DECLARED)
    except ExpressionInvalid:
        return
    assert isinstance(verdict(rule, VALUES), Verdict)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_answer_can_be_compared(text: str) -> None:
    rule = condition("answers.why == answers.why", DECLARED)
    assert verdict(rule, {"answers.why": Variable(Kind.TEXT, text)}).holds


@pytest.mark.parametrize(
    "source",
    [
        "contact.tier == 'gold'",
        "properties.region == 'north' && !flags.vip",
        "attributes.seg == 'x' || consent.marketing",
        "meta.url.contains('fair')",
        "categories.service >= 3",
        "answers.unseen == 'shop' && answers.unseen.label == 'Shop'",
    ],
)
def test_what_no_survey_declares_is_taken_on_trust(source: str) -> None:
    values = {
        "contact.tier": Variable(Kind.TEXT, "gold"),
        "properties.region": Variable(Kind.TEXT, "north"),
        "attributes.seg": Variable(Kind.TEXT, "x"),
        "meta.url": Variable(Kind.TEXT, "https://fair.example"),
        "categories.service": Variable(Kind.NUMBER, "3.5"),
        "answers.unseen": Variable(Kind.CHOICE, "shop"),
        "answers.unseen.label": Variable(Kind.TEXT, "Shop"),
    }
    rule = condition(source, trusting(source, DECLARED))
    assert verdict(rule, values) == Verdict(holds=True)
    missing = verdict(rule, {})
    assert (missing.holds, missing.reason, missing.error) == (False, "answer_missing", False)


@pytest.mark.parametrize("source", ["answers.npz > 8", "answered.npz", "weights.npz > 1"])
def test_a_word_of_a_known_survey_is_not_taken_on_trust(source: str) -> None:
    with pytest.raises(ExpressionInvalid):
        condition(source, trusting(source, DECLARED, survey_known=True))


@pytest.mark.parametrize("source", ["answer.nps > 8", "contac.tier == 'x'", "nps > 8"])
def test_a_word_of_no_namespace_is_never_taken_on_trust(source: str) -> None:
    with pytest.raises(ExpressionInvalid):
        condition(source, trusting(source, DECLARED))
