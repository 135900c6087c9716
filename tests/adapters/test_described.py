"""What no shipped document uses holds the port's promises too: a made-up API runs the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from adapters.errors import OutcomeUnknown
from adapters.rest import shelf
from adapters.rest.checking import faults
from adapters.values import Row, Status, TagChange
from schemas.fields import FieldType, FieldValue
from tests.adapters.acme import DOCUMENT, Acme
from tests.adapters.described_bench import AdapterContract, DescribedBench, people, served

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("notes", "Møde & <b>9</b>; {{token}} 😀", "ok"),
    FieldType.INTEGER: ("age", 9, 0),
    FieldType.NUMBER: ("basket", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("vip", True, False),
    FieldType.DATETIME: ("seen", "2026-11-22T01:02:03Z", "2024-02-29T00:00:00Z"),
}


@pytest.fixture
def bench() -> Iterator[DescribedBench]:
    made = shelf.described(DOCUMENT)
    with served(
        "acme",
        Acme(),
        adapter=lambda: made,
        settings={},
        values=VALUES,
        bad=("age", 200),
        told=lambda one: {"email": one["email"]},
        new_contact=lambda email: {"email": email},
        paths=(r"/people/p\d+$", r"/people/p\d+$"),
    ) as bench:

        def put(remote_id: str, tags: Sequence[str]) -> None:
            held = bench.make()
            for one in tags:
                scope = {"id": remote_id, "tag": one}
                held._client.send(DOCUMENT["tags"]["add"], scope)  # type: ignore[attr-defined]

        bench.foreign_tags = put
        bench.tags_of = lambda remote_id: bench.contact(remote_id)["tags"]
        yield bench


class TestContract(AdapterContract):
    """The promises of every adapter."""


def test_the_made_up_document_can_work() -> None:
    assert list(faults(DOCUMENT)) == []


def test_a_field_that_is_locked_there_cannot_be_written(bench: DescribedBench) -> None:
    (person,) = bench.make().entities()
    total = person.field("sum")
    assert total is not None
    assert (total.creatable, total.updatable) == (False, False)


def rows(bench: DescribedBench, *values: Mapping[str, FieldValue]) -> tuple[Row, ...]:
    ids = bench.seed(people(len(values)))
    return tuple(Row(f"k{n}", one, ids[n]) for n, one in enumerate(values))


def test_each_row_of_a_call_has_its_own_outcome(bench: DescribedBench) -> None:
    good, refused, busy, gone = rows(bench, {"age": 1}, {"age": 200}, {"age": 3}, {"age": 4})
    bench.fault("x", row={"key": busy.remote_id, "error": {"status": 423, "code": "busy"}})
    before = len(bench.calls())
    outcomes = bench.update(good, refused, busy, Row(gone.key, gone.values, "p99"))
    assert bench.verbs(before) == ["POST /people/many"]
    assert [(one.key, one.status, one.code, one.field) for one in outcomes] == [
        ("k0", Status.WRITTEN, "", None),
        ("k1", Status.REJECTED, "out_of_range", "age"),
        ("k2", Status.RETRY, "crm_busy", None),
        ("k3", Status.REJECTED, "not_found", None),
    ]
    assert bench.contact(str(good.remote_id))["more"]["age"] == "1"


def test_an_answer_that_does_not_tell_of_every_row_is_unknown(bench: DescribedBench) -> None:
    bench.control("options", {"short": True})
    with pytest.raises(OutcomeUnknown):
        bench.update(*rows(bench, {"age": 1}, {"age": 2}))


def test_a_value_that_cannot_be_sent_stands_alone_and_its_neighbours_are_written(
    bench: DescribedBench,
) -> None:
    outcomes = bench.update(*rows(bench, {"age": 1}, {"basket": "much"}, {"age": 3}))
    assert [one.status for one in outcomes] == [Status.WRITTEN, Status.REJECTED, Status.WRITTEN]
    assert outcomes[1].code == "unfit"


def test_a_tag_of_a_person_who_is_gone_is_not_found(bench: DescribedBench) -> None:

    adapter = bench.make()
    assert adapter.tagged("people", ["p9"]) == {}  # type: ignore[attr-defined]
    change = TagChange("k", "p9", ("npstoday_a_9",), frozenset())
    (outcome,) = adapter.retag("people", [change]).outcomes  # type: ignore[attr-defined]
    assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")
