"""Splio's adapter keeps the port's promises, and what is special about Splio; where it is not known
how Splio behaves, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping, Throttled, TokenExpired
from adapters.values import Row, Status
from schemas.fields import FieldType
from tests.adapters.splio_bench import AdapterContract, SplioBench, people, served


@pytest.fixture
def bench() -> Iterator[SplioBench]:
    with served() as one:
        yield one


class TestContract(AdapterContract):
    """The promises of every adapter."""


def seeded(bench: SplioBench) -> str:
    return bench.seed(people(1))[0]


# --- who and what ---------------------------------------------------------------------------------


def test_a_universe_with_another_key_says_so() -> None:
    with served(unique_key="cellphone") as bench:
        identity = bench.adapter().probe()
        assert identity.learnt == {"unique_key": "cellphone"}
        assert "cellphone" in identity.notes[0]
        (contact,) = bench.adapter().entities()
        key, email = contact.field("cellphone"), contact.field("email")
        assert (key and key.identifies and key.required, email and email.identifies) == (
            True,
            False,
        )


def test_fields_whose_type_is_not_told_are_text() -> None:
    with served(tells_types=False) as bench:
        types = {one.name: one.type for one in bench.entities["contacts"].fields}
        assert types["c5"] is FieldType.TEXT
        assert types["list_25"] is FieldType.BOOLEAN
        remote_id = seeded(bench)
        (outcome,) = bench.update(Row("k", {"c5": "many"}, remote_id))
        assert (outcome.status, outcome.code, outcome.field) == (
            Status.REJECTED,
            "invalid_value",
            "c5",
        )


def test_lists_come_in_pages(bench: SplioBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.splio.adapter.A_PAGE", 2)
    bench.control("seed", {"lists": {"30": "a", "31": "b", "32": "c"}})
    (contact,) = bench.adapter().entities()
    assert {"list_25", "list_26", "list_30", "list_31", "list_32"} <= contact.by_name().keys()


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [True, False])
def test_an_address_is_found_in_any_case(folds: bool) -> None:  # noqa: FBT001 - one way, then the other
    with served(folds_case=folds) as bench:
        remote_id = seeded(bench)
        found = bench.adapter().find("contacts", "email", ["C0@Example.Test"], want=["email"])
        assert [one.remote_id for one in found["C0@Example.Test"]] == [remote_id]


@pytest.mark.parametrize("status", [404, 400])
def test_a_contact_that_is_not_there_is_told_in_either_way(status: int) -> None:
    with served(missing_status=status) as bench:
        found = bench.adapter().find("contacts", "email", ["a@example.test"], want=[])
        assert found == {"a@example.test": ()}


def test_what_does_not_identify_is_not_searched_for(bench: SplioBench) -> None:
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find("contacts", "lastname", ["Contact 0"], want=[])
    assert (raised.value.code, raised.value.field) == ("not_identifying", "lastname")


def test_a_custom_field_may_be_the_key() -> None:
    with served(unique_key="c6") as bench:
        told = {"email": "a@example.test", "custom_fields": [{"id": 6, "value": "K/7"}]}
        (remote_id,) = bench.control("seed", {"contacts": [told]})["contacts"]
        found = bench.adapter().find("contacts", "c6", ["K/7"], want=["email", "list_25"])
        assert found["K/7"][0].values == {"email": "a@example.test", "list_25": False}
        (outcome,) = bench.update(Row("k", {"list_25": True}, remote_id))
        assert outcome.status is Status.WRITTEN
        assert bench.contact(remote_id)["lists"] == ["newsletter shoes"]


@pytest.mark.parametrize("only_filled", [True, False])
def test_an_empty_custom_field_is_nothing(only_filled: bool) -> None:  # noqa: FBT001 - one way, then the other
    with served(only_filled=only_filled) as bench:
        remote_id = seeded(bench)
        (record,) = bench.adapter().find("contacts", "id", [remote_id], want=["c5"])[remote_id]
        assert record.values == {"c5": None}


# --- writing --------------------------------------------------------------------------------------


def test_other_lists_and_fields_stay(bench: SplioBench) -> None:
    remote_id = seeded(bench)
    told = {"lists": [{"id": 26}], "custom_fields": [{"id": 6, "value": "kept"}]}
    bench.control("seed", {"edit": {remote_id: told}})
    before = len(bench.calls())
    (outcome,) = bench.update(Row("k", {"list_25": True, "c5": 9}, remote_id))
    assert outcome.status is Status.WRITTEN
    held = bench.contact(remote_id)
    assert (held["lists"], held["fields"]["c6"]) == (["newsletter shoes", "promoters"], "kept")
    assert bench.verbs(before) == [
        f"PATCH /data/contacts/{remote_id}",
        "POST /data/contacts/c0%40example.test/lists/subscribe",
    ]
    bench.update(Row("k", {"list_25": False}, remote_id))
    assert bench.contact(remote_id)["lists"] == ["promoters"]


@pytest.mark.parametrize("status", [400, 409])
def test_a_contact_that_was_made_meanwhile_is_told_with_its_id(status: int) -> None:
    with served(duplicate_status=status) as bench:
        remote_id = seeded(bench)
        (outcome,) = bench.create(Row("k", {"email": "C0@example.test"}))
        assert (outcome.code, outcome.remote_id) == ("duplicate", remote_id)


def test_a_new_contact_is_made_with_its_lists(bench: SplioBench) -> None:
    row = Row("k", {"email": "n@example.test", "list_26": True, "list_25": False, "c5": None})
    (outcome,) = bench.create(row)
    assert outcome.created
    assert bench.contact(str(outcome.remote_id))["lists"] == ["promoters"]


def test_a_refused_address_is_named_without_its_value(bench: SplioBench) -> None:
    (outcome,) = bench.create(Row("k", {"email": "no-address"}))
    assert (outcome.code, outcome.field) == ("not_an_email", "email")
    assert "no-address" not in outcome.message


@pytest.mark.parametrize(
    ("gone", "values", "field"),
    [
        ({"remove_fields": [5]}, {"c5": 9}, "c5"),
        ({"remove_lists": [25]}, {"list_25": True}, None),
    ],
)
def test_a_field_or_list_that_is_gone_pauses_the_mapping(
    bench: SplioBench, gone: dict[str, Any], values: dict[str, Any], field: str | None
) -> None:
    remote_id = seeded(bench)
    bench.control("seed", gone)
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("k", values, remote_id))
    assert (raised.value.code, raised.value.field) == ("field_gone", field)


def test_an_answer_about_another_contact_is_not_believed(bench: SplioBench) -> None:
    remote_id = seeded(bench)
    bench.fault(r"/data/contacts/.*", status=200, body={"id": 99})
    with pytest.raises(OutcomeUnknown):
        bench.update(Row("k", {"c5": 9}, remote_id))


# --- whole calls ----------------------------------------------------------------------------------


def test_a_bare_string_is_read_by_its_status(bench: SplioBench) -> None:
    with pytest.raises(TokenExpired):
        bench.adapter(token="jwt.gone.1").probe()
    bench.fault(r"/ping", status=405, body="Method Not Allowed.")
    with pytest.raises(BrokenContract):
        bench.adapter().probe()


def test_rights_that_were_taken_away_pause_and_are_named(bench: SplioBench) -> None:
    remote_id = seeded(bench)
    bench.control("options", {"denied": True})
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("k", {"c5": 9}, remote_id))
    assert raised.value.code == "missing_scope"


def test_too_many_calls_wait_as_long_as_splio_says() -> None:
    with served(rate=1) as bench:
        remote_id = seeded(bench)
        adapter = bench.adapter()
        adapter.find("contacts", "id", [remote_id], want=[])
        with pytest.raises(Throttled) as raised:
            adapter.find("contacts", "id", [remote_id], want=[])
        assert raised.value.wait_s == 1
