"""Many different rows in one call at Odoo: what is stored, which row is bad, and what there is
instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.odoo.writing import FEW
from adapters.values import Batch, Operation, Outcome, Row, Status
from schemas.fields import FieldValue
from tests.adapters.contract import people
from tests.adapters.odoo_bench import VALUES, OdooBench, served

COUNT = FEW + 3
NAMES = [name for name, _, _ in VALUES.values()]


@pytest.fixture
def bench() -> Iterator[OdooBench]:
    with served() as one:
        yield one


# One record a create; a list; the newest.
@pytest.fixture(params=(11, 12, 18))
def every(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


def different(ids: Sequence[str], **odd: FieldValue) -> list[Row]:
    """A row for each, all different; `odd` are the values of the third."""
    rows = [Row(f"k{n}", {"x_nps_score": n, "phone": "1"}, one) for n, one in enumerate(ids)]
    rows[2] = Row("k2", {**rows[2].values, **odd}, ids[2])
    return rows


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.code for one in outcomes]


def scores(bench: OdooBench, ids: Sequence[str]) -> list[Any]:
    held = {one["id"]: one for one in bench.control("state")["contacts"]}
    return [held[one]["fields"]["x_nps_score"] for one in ids]


def read_back(bench: OdooBench, ids: Sequence[str]) -> list[Mapping[str, FieldValue]]:
    found = bench.adapter().find("res.partner", "id", ids, want=NAMES)
    return [found[one][0].values for one in ids]


def test_different_rows_share_a_call(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    since = len(every.calls())
    outcomes = every.update(*different(ids))
    assert codes(outcomes) == [""] * COUNT
    assert [one.remote_id for one in outcomes] == ids
    assert every.kinds(since) == ["write"]
    assert scores(every, ids) == list(range(COUNT))


@pytest.mark.parametrize("which", [1, 2])
def test_every_type_reads_back_as_it_was_written(every: OdooBench, which: int) -> None:
    ids = every.seed(people(COUNT))
    told = {one[0]: one[which] for one in VALUES.values()}
    rows = [Row(f"k{n}", {**told, "x_nps_score": n}, one) for n, one in enumerate(ids)]
    since = len(every.calls())
    every.update(*rows)
    assert every.kinds(since) == ["write"]
    assert read_back(every, ids) == [row.values for row in rows]


def test_nothing_empties_a_field_and_others_stay(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    every.update(*(Row(f"k{n}", {"x_nps_summary": "s"}, one) for n, one in enumerate(ids)))
    texts = dict.fromkeys(("x_nps_comment", "x_nps_date", "x_nps_segment", "website"))
    every.update(*(Row(f"k{n}", {**texts, "phone": str(n)}, one) for n, one in enumerate(ids)))
    held = read_back(every, ids)
    assert {one["x_nps_summary"] for one in held} == {"s"}
    assert [one["phone"] for one in held] == [str(n) for n in range(COUNT)]
    assert {one[name] for one in held for name in texts} == {None}


def test_rows_of_other_fields_go_in_a_call_of_their_own(bench: OdooBench) -> None:
    ids = bench.seed(people(2 * COUNT))
    first, second = ids[:COUNT], ids[COUNT:]
    more = [Row(f"m{n}", {"phone": str(n)}, one) for n, one in enumerate(second)]
    since = len(bench.calls())
    assert set(codes(bench.update(*different(first), *more))) == {""}
    assert bench.kinds(since) == ["write", "write"]


def test_a_company_is_referred_to_by_its_number(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    (company,) = every.control("seed", {"companies": [{"name": "Nordlys"}]})["companies"]
    rows = [Row(f"k{n}", {"parent_id": company, "phone": str(n)}, x) for n, x in enumerate(ids)]
    assert set(codes(every.update(*rows))) == {""}
    assert every.contact(ids[3])["fields"]["parent_id"] == int(company)


def test_an_archived_contact_is_written_all_the_same(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    every.control("seed", {"archive": [ids[2]]})
    since = len(every.calls())
    assert set(codes(every.update(*different(ids)))) == {""}
    assert every.kinds(since) == ["write"]


# --- bad rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "code", "field"),
    [
        ({"x_nps_segment": "nope"}, "unknown_option", "x_nps_segment"),
        ({"user_id": "999"}, "integrity", None),
        ({"x_nps_score": 2**40}, "invalid_value", None),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_together(
    every: OdooBench, odd: dict[str, FieldValue], code: str, field: str | None
) -> None:
    ids = every.seed(people(COUNT))
    base = dict.fromkeys(odd)
    rows = [Row(one.key, {**base, **one.values}, one.remote_id) for one in different(ids, **odd)]
    since = len(every.calls())
    outcomes = every.update(*rows)
    assert codes(outcomes) == ["", "", code, *[""] * (COUNT - 3)]
    assert outcomes[2].field == field
    # All, the rest without it, and it alone, which tells why.
    assert every.kinds(since) == ["write"] * 3
    assert scores(every, [ids[0], ids[-1]]) == [0, COUNT - 1]


def test_a_gone_record_is_not_found_and_none_is_made_in_its_place(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    every.control("seed", {"delete": [ids[2]]})
    outcomes = every.update(*different(ids))
    assert codes(outcomes) == ["", "", "not_found", *[""] * (COUNT - 3)]
    assert len(every.control("state")["contacts"]) == COUNT - 1


def test_a_record_that_a_rule_hides_is_refused_alone(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    every.control("options", {"hidden": [int(ids[2])]})
    assert codes(every.update(*different(ids)))[2] == "no_access"


def test_more_bad_rows_than_odoo_names_at_once_are_all_found(every: OdooBench) -> None:
    ids = every.seed(people(60))
    bad = set(range(0, 60, 3))
    for at in bad:
        order = {"key": ids[at], "error": {"name": "builtins.X", "message": "y"}, "times": None}
        every.control("fault", {"action": {"row": order}})
    outcomes = every.update(*different(ids))
    assert {n for n, one in enumerate(outcomes) if one.code == "refused"} == bad
    assert set(codes(outcomes)) == {"", "refused"}


def test_a_missing_right_concerns_the_whole_call(every: OdooBench) -> None:
    ids = every.seed(people(COUNT))
    every.control("options", {"denied": ["write res.partner"]})
    with pytest.raises(PauseMapping) as raised:
        every.update(*different(ids))
    assert raised.value.scope == "write on res.partner"


def test_a_row_that_is_locked_for_the_moment_goes_alone(bench: OdooBench) -> None:
    ids = bench.seed(people(COUNT))
    error = {"name": "psycopg2.errors.SerializationFailure", "message": "could not serialize"}
    bench.control("fault", {"action": {"row": {"key": ids[2], "error": error, "times": 2}}})
    outcomes = bench.update(*different(ids))
    assert [one.status for one in outcomes].count(Status.WRITTEN) == COUNT - 1
    assert outcomes[2].status is Status.RETRY


# --- what cannot go so ----------------------------------------------------------------------------


def test_a_choice_whose_value_is_the_label_of_another_goes_by_its_value(bench: OdooBench) -> None:
    """An import takes the first option whose value or label it is."""
    told = {"type": "selection", "selection": [["a", "b"], ["b", "c"]]}
    bench.control("seed", {"fields": {"res.partner": {"x_odd": told}}})
    bench.download()
    ids = bench.seed(people(COUNT))
    rows = [Row(f"k{n}", {"x_odd": "b", "phone": str(n)}, one) for n, one in enumerate(ids)]
    since = len(bench.calls())
    bench.update(*rows)
    assert bench.kinds(since) == ["write"] * COUNT
    assert bench.contact(ids[0])["fields"]["x_odd"] == "b"


def test_an_odoo_without_imports_gets_a_call_a_row_and_is_remembered(every: OdooBench) -> None:
    every.control("options", {"absent": ["load"]})
    ids = every.seed(people(COUNT))
    adapter = every.adapter()
    result = adapter.write(Batch("res.partner", Operation.UPDATE, tuple(different(ids))))
    assert codes(result.outcomes) == [""] * COUNT
    assert scores(every, ids) == list(range(COUNT))
    assert result.learnt == {"loads": False}
    since = len(every.calls())
    learnt = every.adapter(**result.learnt)
    learnt.write(Batch("res.partner", Operation.UPDATE, tuple(different(ids))))
    assert every.kinds(since) == ["write"] * COUNT
    assert learnt.probe().learnt["loads"] is True


def test_creates_without_imports_are_a_call_each_on_old_versions(bench: OdooBench) -> None:
    with served(11, absent=["load"]) as old:
        rows = [Row(f"k{n}", {"name": f"N{n}", "email": f"n{n}@x.test"}) for n in range(3)]
        assert all(one.created for one in old.create(*rows))
        assert len(old.control("state")["contacts"]) == 3


def test_a_lost_answer_to_an_import_is_an_unknown_outcome(bench: OdooBench) -> None:
    ids = bench.seed(people(COUNT))
    bench.fault("jsonrpc", drop_after=True)
    with pytest.raises(OutcomeUnknown):
        bench.update(*different(ids))
    assert scores(bench, ids) == list(range(COUNT))


def test_an_answer_that_lacks_records_is_an_unknown_outcome(bench: OdooBench) -> None:
    ids = bench.seed(people(COUNT))
    result = {"ids": [int(one) for one in ids[1:]], "messages": []}
    bench.fault("jsonrpc", status=200, body={"jsonrpc": "2.0", "id": 1, "result": result})
    with pytest.raises(OutcomeUnknown):
        bench.update(*different(ids))
