"""The named transformations: every documented example, every refusal, and no crash on any value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.responses.graphemes import clusters, units
from connector.responses.transforms import (
    TRANSFORMS,
    Context,
    NothingWritten,
    ParameterInvalid,
    TransformFailed,
    step_problem,
    transformed,
)
from connector.responses.transforms.core import Example
from connector.responses.transforms.document import page
from schemas.fields import FieldValue

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    pytest.param(one.name, example, id=f"{one.name}-{number}")
    for one in TRANSFORMS.values()
    for number, example in enumerate(one.examples)
]
HERE = Context(country="FR", language="da", zone="Europe/Copenhagen")


def after(value: FieldValue, name: str, **params: Any) -> FieldValue:
    return transformed(value, [{"name": name, **params}], context=HERE)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_of_the_documentation_is_true(name: str, example: Example) -> None:
    step = {"name": name, **example.params}
    found = transformed(example.value, [step], context=example.context)
    assert found == example.result
    assert type(found) is type(example.result)


def test_there_are_at_least_24_transformations_each_with_an_example() -> None:
    assert len(TRANSFORMS) >= 24
    assert [one.name for one in TRANSFORMS.values() if not one.examples] == []


def test_the_documentation_is_the_table() -> None:
    assert (DOCS / "transformations.md").read_text(encoding="utf-8") == page()


def test_steps_run_in_their_order() -> None:
    steps: list[dict[str, Any]] = [
        {"name": "trim"},
        {"name": "upper"},
        {"name": "cut", "length": 3},
        {"name": "suffix", "text": "!"},
    ]
    assert transformed("  møde ", steps, context=HERE) == "MØD!"


def test_text_steps_work_on_every_element_of_a_list() -> None:
    assert after(("price", "staff"), "upper") == ("PRICE", "STAFF")


@pytest.mark.parametrize("name", sorted(TRANSFORMS.keys() - {"default", "only_if_present", "cel"}))
def test_a_missing_value_stays_missing(name: str) -> None:
    params = dict(TRANSFORMS[name].examples[0].params)
    assert after(None, name, **params) is None


@pytest.mark.parametrize("value", [None, "", "  \n", ()])
def test_only_if_present_leaves_the_field_alone(value: FieldValue) -> None:
    with pytest.raises(NothingWritten):
        after(value, "only_if_present")


@pytest.mark.parametrize("value", [0, False, "0"])
def test_zero_and_false_are_values(value: FieldValue) -> None:
    assert after(value, "only_if_present") == value
    assert transformed(value, [{"name": "default", "value": "x"}], context=HERE) == value


@pytest.mark.parametrize(
    ("value", "name", "params"),
    [
        ("not a phone", "phone_national", {}),
        ("12", "phone_e164", {}),
        ("06 12", "phone_international", {"country": "DK"}),
        ("2026-13-01", "date_format", {"format": "dd/MM/yyyy"}),
        (9, "datetime_to_date", {}),
        ("20/11/2026", "date_parse", {"format": "yyyy-MM-dd"}),
        ("31/02/2026", "date_parse", {"format": "dd/MM/yyyy"}),
        ("9999-12-31", "add_days", {"days": 1}),
        ("twelve", "round", {}),
        ("NaN", "round", {}),
        ("1e999999999", "round", {}),
        ("1e100", "round", {}),
        (True, "round", {}),
        ("1.2.3", "parse_number", {"language": "en"}),
        ("1,234,50", "parse_number", {"language": "en"}),
        (11, "score_class", {}),
        ("9.5", "yes_no", {}),
        ("perhaps", "parse_yes_no", {}),
        ("web", "map_values", {"values": {"shop": "S"}}),
        ("Atlantis", "country_code", {}),
        ("ZZ9", "country_name", {}),
        (True, "upper", {}),
        (5, "scale", {"from_low": 3, "from_high": 3}),
        ("x", "cel", {"expression": "int(value) > 1"}),
        ("x", "cel", {"expression": "nope"}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name_and_never_quoted(
    value: FieldValue, name: str, params: dict[str, Any]
) -> None:
    with pytest.raises((TransformFailed, ParameterInvalid)) as refused:
        after(value, name, **params)
    assert str(refused.value).startswith(f"{name}: ")
    assert "perhaps" not in str(refused.value)
    assert "Atlantis" not in str(refused.value)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"name": "shout"}, "no known transformation"),
        ({}, "no known transformation"),
        ({"name": "cut"}, "length is missing"),
        ({"name": "cut", "length": "5"}, "length must be a whole number"),
        ({"name": "cut", "length": 0}, "length must be from 1"),
        ({"name": "cut", "length": True}, "length must be a whole number"),
        ({"name": "cut", "length": 5, "lenght": 6}, "lenght is no parameter"),
        ({"name": "cut", "length": 5, "count": "bytes"}, "count must be one of"),
        ({"name": "phone_e164", "country": "France"}, "country must be a country's code"),
        ({"name": "date_format", "format": "'"}, "format must write"),
        ({"name": "date_format", "format": ""}, "format"),
        ({"name": "date_parse", "format": "dd/MM"}, "format must hold yyyy"),
        ({"name": "date_parse", "format": "dd/MM/yyyy %H"}, "format may hold no other letters"),
        ({"name": "datetime_to_date", "zone": "Mars/Olympus"}, "zone is no known time zone"),
        ({"name": "datetime_to_date", "zone": "../../etc/passwd"}, "zone is no known time zone"),
        ({"name": "parse_number", "language": "klingon"}, "language is no known language"),
        ({"name": "map_values", "values": {"a": 1.5}}, "values must be an object"),
        ({"name": "split", "separator": ""}, "separator must not be empty"),
        ({"name": "replace", "find": ""}, "find must not be empty"),
    ],
)
def test_a_step_that_cannot_work_is_refused_when_it_is_saved(
    step: dict[str, Any], words: str
) -> None:
    assert words in (step_problem(step) or "")


@given(st.text(max_size=80), st.integers(min_value=1, max_value=30))
def test_a_cut_keeps_whole_characters_and_the_limit(text: str, length: int) -> None:
    kept = after(text, "cut", length=length, ellipsis=True)
    assert isinstance(kept, str)
    assert len(clusters(kept)) <= length
    assert text.startswith(kept.removesuffix("…"))
    short = after(text, "cut", length=length, count="units")
    assert isinstance(short, str)
    assert units(short) <= length


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
    )
)
def test_a_written_number_is_read_back_exactly(number: object) -> None:
    written = after(str(number), "number_format", decimal=",", thousands=".")
    assert after(written, "parse_number", language="da") == after(str(number), "round", digits=3)


def test_a_number_of_38_digits_is_not_rounded() -> None:
    long = "9" * 38 + "." + "1" * 20
    assert after(long, "round", digits=20) == long
    assert after(long, "number_format", digits=20) == long


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.text(max_size=60),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.dates().map(lambda day: day.isoformat()),
    st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat() + "Z"),
    st.lists(st.text(max_size=20), max_size=5).map(tuple),
)


@settings(max_examples=400, deadline=None)
@given(values, st.sampled_from(EXAMPLES))
def test_any_value_is_transformed_or_refused_by_name(value: FieldValue, case: Any) -> None:
    name, example = case.values
    step = {"name": name, **example.params}
    try:
        found = transformed(value, [step], context=HERE)
    except (TransformFailed, NothingWritten):
        return
    assert found is None or isinstance(found, str | int | tuple)
