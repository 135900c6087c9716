"""Brevo, an app without code, keeps the port's promises; where it is not known how Brevo behaves,
both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from adapters.errors import PauseMapping, Throttled, TokenExpired
from adapters.values import Row, Status
from schemas.fields import FieldType, FieldValue
from simulators.brevo import Brevo
from tests.adapters.described_bench import AdapterContract, DescribedBench, people, served

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("NPS_COMMENT", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.NUMBER: ("NPS_SCORE", "9.5", "0"),
    FieldType.DATE: ("VISITED_ON", "2026-11-22", "2024-02-29"),
    FieldType.CHOICE: ("CHANNEL", "1", "2"),
    FieldType.MULTI_CHOICE: ("TOPICS", ("Price", "Staff"), ("Staff",)),
    FieldType.BOOLEAN: ("list_25", True, False),
}


def brevo(**options: Any) -> AbstractContextManager[DescribedBench]:
    return served(
        "brevo",
        Brevo(options={"rate": 100_000, **options}),
        settings={},
        values=VALUES,
        bad=("VISITED_ON", "no-day"),
        told=lambda one: {"email": one["email"]},
        new_contact=lambda email: {"email": email, "LASTNAME": "New Person"},
        paths=(r"/v3/contacts/\d+", r"/v3/contacts$"),
        bodyless_updates=True,
    )


@pytest.fixture
def bench() -> Iterator[DescribedBench]:
    with brevo() as one:
        yield one


class TestContract(AdapterContract):
    """The promises of every adapter."""


def seeded(bench: DescribedBench) -> str:
    return bench.seed(people(1))[0]


def test_lists_come_in_pages_and_calculated_attributes_are_none_of_ours(
    bench: DescribedBench,
) -> None:
    bench.control("seed", {"lists": {str(n): f"list {n}" for n in range(100, 160)}})
    (contact,) = bench.make().entities()
    names = contact.by_name().keys()
    assert {"list_25", "list_26", "list_100", "list_159", "VIP", "TOPICS"} <= names
    assert "BLACKLIST" not in names


def test_an_account_without_lists_has_none(bench: DescribedBench) -> None:
    bench.control("seed", {"remove_lists": ["25", "26"]})
    (contact,) = bench.make().entities()
    assert not [one for one in contact.by_name() if one.startswith("list_")]


@pytest.mark.parametrize(
    ("organization", "known_by"), [(True, "63a0f1"), (False, "owner@example.test")]
)
def test_an_account_is_known_by_what_it_tells(organization: bool, known_by: str) -> None:  # noqa: FBT001 - one way, then the other
    with brevo(organization=organization) as bench:
        identity = bench.make().probe()
        assert (identity.account_id, identity.account_name) == (known_by, "Acme")


def test_a_contact_joins_and_leaves_lists_and_others_stay(bench: DescribedBench) -> None:
    remote_id = seeded(bench)
    bench.control("seed", {"edit": {remote_id: {"listIds": [26]}}})
    (outcome,) = bench.update(Row("k", {"list_25": True, "NPS_SCORE": "9"}, remote_id))
    assert outcome.status is Status.WRITTEN
    assert sorted(bench.contact(remote_id)["lists"]) == ["newsletter shoes", "promoters"]
    bench.update(Row("k", {"list_25": False}, remote_id))
    assert bench.contact(remote_id)["lists"] == ["promoters"]


def test_a_new_contact_is_made_with_its_lists(bench: DescribedBench) -> None:
    row = Row("k", {"email": "n@example.test", "list_26": True, "list_25": False, "VIP": None})
    (outcome,) = bench.create(row)
    assert outcome.created
    assert bench.contact(str(outcome.remote_id))["lists"] == ["promoters"]


def test_a_list_that_is_gone_pauses_the_mapping_and_a_contact_that_is_gone_does_not(
    bench: DescribedBench,
) -> None:
    remote_id = seeded(bench)
    bench.control("seed", {"remove_lists": ["25"]})
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("k", {"list_25": True}, remote_id))
    assert raised.value.code == "field_gone"
    bench.control("seed", {"delete": [remote_id]})
    (outcome,) = bench.update(Row("k", {"VIP": True}, remote_id))
    assert outcome.code == "not_found"


def test_a_contact_that_was_made_meanwhile_is_told_with_its_id(bench: DescribedBench) -> None:
    remote_id = seeded(bench)
    (outcome,) = bench.create(Row("k", {"email": "C0@example.test"}))
    assert (outcome.code, outcome.remote_id) == ("duplicate", remote_id)


@pytest.mark.parametrize(("lenient", "status"), [(False, Status.REJECTED), (True, Status.WRITTEN)])
def test_a_value_that_does_not_fit_is_refused_or_left_out_by_brevo(
    lenient: bool,  # noqa: FBT001 - one way, then the other
    status: Status,
) -> None:
    with brevo(lenient=lenient) as bench:
        remote_id = seeded(bench)
        (outcome,) = bench.update(Row("k", {"VISITED_ON": "no-day"}, remote_id))
        assert outcome.status is status
        assert bench.contact(remote_id)["fields"].get("VISITED_ON") is None


def test_a_bare_text_is_read_by_its_status(bench: DescribedBench) -> None:
    bench.fault(r"/v3/account", status=401, body="Unauthorized")
    with pytest.raises(TokenExpired):
        bench.make().probe()


def test_too_many_calls_wait_as_long_as_brevo_says() -> None:
    with brevo() as bench:
        bench.control("options", {"rate": 1})
        adapter = bench.make()
        adapter.find("contacts", "id", ["1"], want=[])
        with pytest.raises(Throttled) as raised:
            adapter.find("contacts", "id", ["1"], want=[])
        assert raised.value.wait_s == 1
