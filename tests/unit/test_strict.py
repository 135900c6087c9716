"""A JSON document has one meaning; a refusal names the place and the rule, never the value."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.strict import MAX_DEPTH, MAX_NUMBER_LENGTH, Fault, NotStrict, decode, is_deeper

CORPUS = {
    "empty": (b"", Fault.EMPTY, ""),
    "blanks only": (b" \n\t ", Fault.EMPTY, ""),
    "not UTF-8": (b'{"a":"\xff"}', Fault.NOT_UTF8, ""),
    "a raw surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', Fault.NOT_UTF8, ""),
    "UTF-16": ('{"a":1}'.encode("utf-16"), Fault.NOT_UTF8, ""),
    "a byte order mark": (b"\xef\xbb\xbf{}", Fault.SYNTAX, ""),
    "no JSON": (b"nps=9", Fault.SYNTAX, ""),
    "single quotes": (b"{'a':1}", Fault.SYNTAX, ""),
    "a trailing comma": (b"[1,]", Fault.SYNTAX, ""),
    "a second document": (b'{"a":1} {"b":2}', Fault.SYNTAX, ""),
    "a raw newline in a string": (b'{"a":"x\ny"}', Fault.SYNTAX, ""),
    "a raw NUL in a string": (b'{"a":"x\x00y"}', Fault.SYNTAX, ""),
    "an unfinished document": (b'{"a":[1,2', Fault.SYNTAX, ""),
    "an unfinished string": (b'{"a":"xxx', Fault.SYNTAX, ""),
    "NaN": (b'{"a":[1,NaN]}', Fault.NOT_FINITE, "/a/1"),
    "Infinity": (b'{"a":Infinity}', Fault.NOT_FINITE, "/a"),
    "-Infinity": (b"-Infinity", Fault.NOT_FINITE, ""),
    "a number that overflows": (b'{"a":1e999}', Fault.NOT_FINITE, "/a"),
    "a duplicate key": (b'{"a":1,"a":1}', Fault.DUPLICATE_KEY, "/a"),
    "a duplicate key written otherwise": (b'{"a":1,"\\u0061":2}', Fault.DUPLICATE_KEY, "/a"),
    "a duplicate key far down": (
        b'{"x":[{},{"b":{"c":1,"c":2}}]}',
        Fault.DUPLICATE_KEY,
        "/x/1/b/c",
    ),
    "NUL in a text": (b'{"a":["ok","x\\u0000y"]}', Fault.NUL, "/a/1"),
    "NUL in a key": (b'{"a\\u0000":1}', Fault.NUL, "/a\\x00"),
    "half a pair": (b'{"a":"\\ud83d"}', Fault.LONE_SURROGATE, "/a"),
    "the other half": (b'{"a":"\\udE00 "}', Fault.LONE_SURROGATE, "/a"),
    "a pair the wrong way round": (b'{"a":"\\ude00\\ud83d"}', Fault.LONE_SURROGATE, "/a"),
    "half a pair in a key": (b'{"\\ud83d":1}', Fault.LONE_SURROGATE, "/\\ud83d"),
    "5,000 digits": (b'{"a":' + b"7" * 5000 + b"}", Fault.NUMBER_TOO_LONG, "/a"),
    "a long decimal": (b'{"a":0.' + b"7" * 60 + b"}", Fault.NUMBER_TOO_LONG, "/a"),
    "one digit too many": (b"1" * (MAX_NUMBER_LENGTH + 1), Fault.NUMBER_TOO_LONG, ""),
    "one level too many": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), Fault.TOO_DEEP, ""),
    "objects too deep": (b'{"a":' * 40 + b"1" + b"}" * 40, Fault.TOO_DEEP, ""),
    "100,000 open arrays": (b"[" * 100_000, Fault.TOO_DEEP, ""),
    "100,000 arrays": (b"[" * 100_000 + b"]" * 100_000, Fault.TOO_DEEP, ""),
    "mixed brackets, never closed": (b'[{"a":' * 50_000, Fault.TOO_DEEP, ""),
    "a key with the pointer's own signs": (b'{"a/b~c":NaN}', Fault.NOT_FINITE, "/a~1b~0c"),
}


@pytest.mark.parametrize(("raw", "fault", "pointer"), CORPUS.values(), ids=CORPUS.keys())
def test_fault_45_what_has_two_meanings_or_none_is_refused_by_name_and_place(raw, fault, pointer):
    with pytest.raises(NotStrict) as refused:
        decode(raw)
    assert (refused.value.fault, refused.value.pointer) == (fault, pointer)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b'{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b'{"a":"\\"[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{","b":[1]}',
        b"[" + b",".join([b"[]"] * 500) + b"]",
        b" \r\n\t[1] \n",
        b'"\\ud83d\\ude00"',
        b'"\\\\u0000 is only a text"',
        b'"\\\\ud800 too"',
        b"-1.5e-300",
        b"9" * MAX_NUMBER_LENGTH,
        b'{"":{"":""}}',
        '{"æ":"👩‍👩‍👧 \u202e e\u0301 é"}'.encode(),
        b"null",
    ],
)
def test_what_is_unusual_but_clear_is_taken_as_the_standard_library_takes_it(raw):
    assert decode(raw) == json.loads(raw)


def test_a_syntax_error_names_line_and_column():
    with pytest.raises(NotStrict) as refused:
        decode(b'{\n "a": 1,\n "b" 2}')
    assert "line 3, column 6" in refused.value.text


def test_a_refusal_never_repeats_a_value():
    with pytest.raises(NotStrict) as refused:
        decode(b'{"answers":{"why":"canary-42\\u0000"}}')
    shown = f"{refused.value} {refused.value.text} {refused.value.pointer}"
    assert "canary" not in shown


def test_a_pointer_stays_short_and_printable_however_long_the_key_is():
    with pytest.raises(NotStrict) as refused:
        decode(b'{"' + b"\\u000a" * 10_000 + b'":NaN}')
    assert len(refused.value.pointer) <= 300
    assert refused.value.pointer.isprintable()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_whatever_json_writes_is_read_back_unchanged(value, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert decode(raw) == value


@given(JSON)
def test_the_nesting_is_measured_as_it_is(value):
    raw = json.dumps(value).encode()
    depth = _depth(value)
    assert not is_deeper(raw, depth)
    assert depth == 0 or is_deeper(raw, depth - 1)


def _depth(value: object) -> int:
    below = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if below is None else 1 + max(map(_depth, below), default=0)


SIGNS = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"u0000",
        b"ud800",
        b"NaN",
        b"1e9",
        b"9" * 9,
        b"-",
        b"a",
        b" ",
        b"\n",
        b"\xff",
        b"\xc3\xa6",
        b'"a":',
        b'"b"',
        b"null",
        b"[" * 33,
    ]
)


@pytest.mark.parametrize("raw", [b"[NaN", b'{"a":1,"a":2', b"[1" + b"0" * 5_000])
def test_a_document_that_breaks_off_behind_its_first_fault_is_refused(raw):
    with pytest.raises(NotStrict) as refused:
        decode(raw)
    assert refused.value.fault is Fault.SYNTAX


@settings(max_examples=400)
@given(st.lists(SIGNS, max_size=40).map(b"".join) | st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_named_refusal(raw):
    try:
        value = decode(raw)
    except NotStrict as refused:
        assert refused.text  # noqa: PT017 - both ends are fine, a third one is not
    else:
        json.dumps(value, allow_nan=False).encode("utf-8", "strict")


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 8_000_000,
        b'"' + b'\\"' * 4_000_000,
        b'["' * 2_600_000,
        b'"\\' * 4_000_000,
        b"[]" * 4_000_000,
        b'{"a":' + b"9" * 8_000_000 + b"}",
    ],
    ids=["open arrays", "escaped quotes", "open strings", "lone escapes", "many arrays", "digits"],
)
def test_eight_megabytes_of_malice_cost_less_than_a_second(raw):
    began = time.process_time()
    with pytest.raises(NotStrict):
        decode(raw)
    assert time.process_time() - began < 1.0


def test_memory_stays_near_the_size_of_the_document():
    raw = b"[" * 1_000_000
    tracemalloc.start()
    with pytest.raises(NotStrict):
        decode(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(raw)
