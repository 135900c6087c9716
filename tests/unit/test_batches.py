"""In a batch every item is judged alone; only inseparable items refuse the whole request."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.batches import Item, decode_array, decode_lines
from schemas.strict import MAX_DEPTH, Fault, NotStrict

KIB = 1024
DEEP = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
FULL = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH


def outcome(items: list[Item]) -> list[tuple[int, object]]:
    return [(one.number, one.value if one.fault is None else one.fault.fault) for one in items]


BAD_ITEMS = {
    "NaN": (b'{"a":NaN}', Fault.NOT_FINITE, "/1/a"),
    "duplicate key": (b'{"a":{"b":1,"b":2}}', Fault.DUPLICATE_KEY, "/1/a/b"),
    "NUL": (b'{"a":"\\u0000"}', Fault.NUL, "/1/a"),
    "lone surrogate": (b'{"a":"\\ud800"}', Fault.LONE_SURROGATE, "/1/a"),
    "long number": (b'{"a":' + b"1" * 5000 + b"}", Fault.NUMBER_TOO_LONG, "/1/a"),
    "too deep": (DEEP, Fault.TOO_DEEP, "/1"),
    "far too deep": (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, Fault.TOO_DEEP, "/1"),
    "too large": (b'"' + b"x" * 600_000 + b'"', Fault.TOO_LARGE, "/1"),
}


@pytest.mark.parametrize(("bad", "fault", "pointer"), BAD_ITEMS.values(), ids=BAD_ITEMS.keys())
def test_a_bad_item_of_an_array_does_not_refuse_its_neighbours(bad, fault, pointer):
    items = decode_array(b'[{"n":1}, ' + bad + b' ,{"n":3}]', max_item_bytes=512 * KIB)
    assert outcome(items) == [(0, {"n": 1}), (1, fault), (2, {"n": 3})]
    assert items[1].fault
    assert items[1].fault.pointer == pointer


@pytest.mark.parametrize(("bad", "fault", "pointer"), BAD_ITEMS.values(), ids=BAD_ITEMS.keys())
def test_a_bad_line_does_not_refuse_its_neighbours(bad, fault, pointer):
    items = decode_lines(b'{"n":1}\n' + bad + b'\r\n{"n":3}\n', max_item_bytes=512 * KIB)
    assert outcome(items) == [(0, {"n": 1}), (1, fault), (2, {"n": 3})]
    assert items[1].fault
    assert items[1].fault.pointer == pointer


def test_a_line_that_is_no_json_at_all_is_its_own_fault_only():
    items = decode_lines(b'{"n":1}\n{"n":\n\xff\n\n   \n{"n":3}', max_item_bytes=KIB)
    assert outcome(items) == [
        (0, {"n": 1}),
        (1, Fault.SYNTAX),
        (2, Fault.NOT_UTF8),
        (3, {"n": 3}),
    ]


def test_an_item_may_be_as_deep_inside_an_array_as_it_may_be_alone():
    items = decode_array(b"[" + FULL + b"," + DEEP + b"]", max_item_bytes=KIB)
    assert outcome(items) == [(0, json.loads(FULL)), (1, Fault.TOO_DEEP)]


def test_the_size_of_an_item_is_counted_in_bytes_not_characters():
    items = decode_array('["aaaa","ææææ"]'.encode(), max_item_bytes=8)
    assert outcome(items) == [(0, "aaaa"), (1, Fault.TOO_LARGE)]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", Fault.EMPTY),
        (b'{"a":1}', Fault.NOT_AN_ARRAY),
        (b"[1,2", Fault.SYNTAX),
        (b"[1,]", Fault.SYNTAX),
        (b"[1 2]", Fault.SYNTAX),
        (b"[1]]", Fault.SYNTAX),
        (b'[{"a":1},{"a":}]', Fault.SYNTAX),
        (b'["\xff"]', Fault.NOT_UTF8),
        (b"[" + b"[" * 100_000, Fault.SYNTAX),
    ],
)
def test_items_that_cannot_be_told_apart_refuse_the_request(raw, fault):
    with pytest.raises(NotStrict) as refused:
        decode_array(raw, max_item_bytes=KIB)
    assert refused.value.fault is fault


def test_a_broken_item_is_named_by_its_number():
    with pytest.raises(NotStrict) as refused:
        decode_array(b'[{"a":1},{"a":}]', max_item_bytes=KIB)
    assert refused.value.pointer == "/1"


def test_an_empty_array_has_no_items():
    assert decode_array(b" [ ] ", max_item_bytes=KIB) == []
    assert decode_lines(b"\n \n", max_item_bytes=KIB) == []


ITEM = st.dictionaries(
    st.sampled_from(["a", "b[", 'c"', "d\\"]),
    st.integers() | st.sampled_from(["", "]", '"', "[{", "æ"]) | st.lists(st.integers(0, 9)),
)


@given(st.lists(ITEM, max_size=6))
def test_the_items_are_those_that_json_would_read(values):
    raw = json.dumps(values, ensure_ascii=False).encode()
    lines = "\n".join(json.dumps(one) for one in values).encode()
    assert [one.value for one in decode_array(raw, max_item_bytes=KIB)] == values
    assert [one.value for one in decode_lines(lines, max_item_bytes=KIB)] == values
