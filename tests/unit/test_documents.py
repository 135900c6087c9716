"""A file that a person wrote means one thing, and every fault in it is found by its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents import loaded, read_yaml, write_yaml
from connector.problems import Code, Place, Refusal
from schemas.config import MappingSchema

MAPPING = b"""name: After the meeting
connection: crm
entity: contacts
operation: upsert
identify: {variable: contact.email, field: email}
rows:
  - {variable: answers.nps, field: score}
  - variable: answers.why
    field: comment
    transforms:
      - {name: yes_no, yes: oui, no: non}
      - {name: phone_e164, country: NO}
    when_missing: default
    default: 12:30
"""
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ANYTHING: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def refused(raw: bytes) -> Place:
    with pytest.raises(Refusal) as told:
        read_yaml(raw)
    assert told.value.code is Code.FILE_INVALID
    (place,) = told.value.places
    return place


def test_words_that_older_yaml_takes_for_truth_values_stay_words():
    row = loaded(read_yaml(MAPPING), MappingSchema())["rows"][1]
    assert row["transforms"][0] == {"name": "yes_no", "yes": "oui", "no": "non"}
    assert row["transforms"][1]["country"] == "NO"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("2026-11-20", "2026-11-20"),
        ("0123", 123),
        ("0x1F", "0x1F"),
        ("=", "="),
        ("1_000", "1_000"),
        ("~", None),
        ("1.5e3", 1500.0),
        ("TRUE", True),
        ("'true'", "true"),
    ],
)
def test_a_plain_value_is_what_yaml_1_2_says(written, value):
    assert read_yaml(f"a: {written}".encode()).value == {"a": value}


def test_a_fault_of_the_shape_is_told_with_its_line():
    raw = MAPPING.replace(b"when_missing: default", b"when_missing: never")
    with pytest.raises(Refusal) as told:
        loaded(read_yaml(raw), MappingSchema())
    assert [(one.pointer, one.where) for one in told.value.places] == [
        ("/rows/1/when_missing", "line 13")
    ]


def test_what_the_whole_lacks_is_told_with_the_line_of_its_key():
    raw = MAPPING.replace(
        b"identify: {variable: contact.email, field: email}", b"identify:\n  field: email"
    )
    with pytest.raises(Refusal) as told:
        loaded(read_yaml(raw), MappingSchema())
    assert [(one.pointer, one.where) for one in told.value.places] == [
        ("/identify/variable", "line 5")
    ]


def test_what_is_missing_is_told_with_the_line_of_what_it_is_missing_from():
    with pytest.raises(Refusal) as told:
        loaded(read_yaml(MAPPING.replace(b"    field: comment\n", b"")), MappingSchema())
    assert [(one.pointer, one.where) for one in told.value.places] == [("/rows/1/field", "line 8")]


@pytest.mark.parametrize(
    ("raw", "where", "said"),
    [
        (b"a: 1\nb: 2\na: 3\n", "line 3", "twice"),
        (b"a: 1\nb: {c: [}\n", "line 2", "not YAML"),
        (b"a: 1\nb: !!python/object/apply:os.system [id]\n", "line 2", "constructor"),
        (b"a:\n  b: \"\\ud800\"\n", "line 2", "surrogate"),
        (b"a: 1\nb: \"\\0\"\n", "line 2", "U+0000"),
        (b"a: 1\nb: " + b"9" * 41 + b"\n", "line 2", "40 signs"),
        (b"a: !!timestamp 2026-11-20\n", "", "JSON"),
        (b"a: !!float .nan\n", "line 1", "NaN"),
        (b"", "", "empty"),
        (b"a: \xff", "", "UTF-8"),
        (b"a: \x01", "", "YAML"),
        (b"[" * 40 + b"]" * 40, "line 1", "deeper"),
        (b"[" * 5_000, "", "YAML"),
        (b"a: &a [*a]", "line 1", "deeper"),
        (b"{1: a, '1': b}", "line 1", "twice"),
    ],
    ids=lambda one: repr(one)[:30],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_its_line(raw, where, said):
    place = refused(raw)
    assert place.where == where
    assert said in place.text


def test_a_document_that_repeats_itself_without_end_is_refused():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "aliases" in refused("\n".join(lines).encode()).text


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(TEXT, ANYTHING, max_size=5))
def test_what_is_written_as_yaml_is_read_the_same(value):
    again = read_yaml(write_yaml(value).encode()).value
    # As texts, because 1 == True and 1 == 1.0.
    assert json.dumps(again) == json.dumps(value)
