"""The Zendesk adapter: the promises of the port, the account, and how records are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import (
    AdapterError,
    BrokenContract,
    PauseMapping,
    ReconnectNeeded,
    TokenExpired,
    TryLater,
)
from adapters.zendesk import Zendesk
from schemas.zendesk import KINDS
from tests.adapters.contract import AdapterContract, people
from tests.adapters.zendesk_bench import (
    ZendeskBench,
    rows_for,
    served,
    update,
)


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


class TestZendesk(AdapterContract):
    """Everything the port promises."""


# --- reading --------------------------------------------------------------------------------------


def test_deleted_and_merged_people_are_not_found(bench: ZendeskBench) -> None:
    deleted, loser, winner = bench.seed(people(3))
    bench.control("seed", {"delete": [int(deleted)], "merge": [[int(loser), int(winner)]]})
    found = bench.adapter().find("users", "id", [deleted, loser, winner], want=[])
    assert [len(found[one]) for one in (deleted, loser, winner)] == [0, 0, 1]


def test_external_ids_are_found_whatever_signs_they_hold(bench: ZendeskBench) -> None:
    told = ["a&b", "ø/é ?#", "Kunde-1", "x,y"]
    contacts = [{"name": f"P{n}", "external_id": one} for n, one in enumerate(told)]
    ids = bench.control("seed", {"contacts": contacts})["contacts"]
    before = len(bench.calls())
    found = bench.adapter().find("users", "external_id", ["a&b", "ø/é ?#", "kunde-1"], want=[])
    assert [found[one][0].remote_id for one in ("a&b", "ø/é ?#", "kunde-1")] == ids[:3]
    assert len(bench.calls()) - before == 1
    # A comma cannot stand in the list: such an id is looked for alone.
    found = bench.adapter().find("users", "external_id", ["x,y"], want=[])
    assert found["x,y"][0].remote_id == ids[3]


def test_an_address_that_only_resembles_is_not_found(bench: ZendeskBench) -> None:
    bench.control("seed", {"contacts": [{"name": "x", "email": "anna@example.test"}]})
    found = bench.adapter().find("users", "email", ["nna@example.test", 'a" b'], want=[])
    assert found == {"nna@example.test": (), 'a" b': ()}


def test_a_field_deleted_meanwhile_pauses_the_mapping(bench: ZendeskBench) -> None:
    ids = bench.seed(people(1))
    bench.control("seed", {"remove_user_fields": ["nps_score"]})
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find("users", "id", ids, want=["nps_score"])
    assert raised.value.field == "nps_score"


def test_definitions_of_several_pages_are_all_read(bench: ZendeskBench) -> None:
    told: list[Any] = [{"key": f"field_{n}", "title": f"Field {n}"} for n in range(230)]
    told += [{"key": "notes", "title": "Notes of ours"}]
    told += [{"key": "off", "title": "Off", "active": False}]
    bench.control("seed", {"user_fields": told})
    users = bench.adapter().entities()[0]
    names = [one.name for one in users.fields if one.native_type != "attribute"]
    assert len(names) == 231
    assert "user_fields.notes" in names
    assert "off" not in names


def test_a_choice_has_its_values_not_its_labels(bench: ZendeskBench) -> None:
    group = bench.entities["users"].field("nps_group")
    assert group is not None
    assert (group.options[0].value, group.options[0].label) == ("nps_promoter", "Promoter")


# --- the account ----------------------------------------------------------------------------------


def test_the_probe_learns_the_rate_and_warns_of_missing_tags(bench: ZendeskBench) -> None:
    bench.control("options", {"rate": 0, "plan": "professional", "user_tags_enabled": False})
    identity = bench.adapter().probe()
    assert identity.account_id == "acme.zendesk.com"
    assert identity.learnt == {"calls_per_minute": 400, "note_assignee": identity.user_id}
    assert any("switched off" in told for told in identity.notes)


def test_a_test_of_the_connection_tries_bulk_calls_again(bench: ZendeskBench) -> None:
    adapter = bench.adapter(bulk_create=False, bulk_update=True, bulk_notes=False, first_poll_s=3)
    learnt = adapter.probe().learnt
    tried = {name: told for name, told in learnt.items() if name.startswith("bulk_")}
    assert tried == {"bulk_create": True, "bulk_notes": True}


def test_another_account_has_another_id(bench: ZendeskBench) -> None:
    bench.control("options", {"subdomain": "other"})
    assert bench.adapter().probe().account_id == "other.zendesk.com"


def test_an_api_token_works_and_its_end_is_told(bench: ZendeskBench) -> None:
    bench.token = "alma@example.com/token:demo-api-token"
    assert any("30 Apr 2027" in told for told in bench.adapter().probe().notes)
    bench.token = "alma@example.com/token:wrong"
    with pytest.raises(TokenExpired):
        bench.adapter().probe()


def test_an_end_user_cannot_connect(bench: ZendeskBench) -> None:
    told = {"user": {"id": 5, "role": "end-user", "url": "https://acme.zendesk.com/x", "name": ""}}
    bench.fault("/users/me", status=200, body=told)
    with pytest.raises(ReconnectNeeded):
        bench.adapter().probe()


def test_a_missing_permission_is_named(bench: ZendeskBench) -> None:
    issued = bench.control("oauth", {"issue": {"scopes": ["users:read"]}})
    bench.token = issued["access_token"]
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().write(update(bench, rows_for(bench.seed(people(1)), nps_score=9)))
    assert raised.value.scope == "users:write"


def test_a_forbidden_call_pauses_the_mapping(bench: ZendeskBench) -> None:
    bench.fault("/users/show_many", status=403)
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find("users", "id", bench.seed(people(1)), want=[])
    assert raised.value.code == "forbidden"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "TooManyValues", "description": "x"}, BrokenContract),
        (409, {"error": "DatabaseConflict", "description": "x"}, TryLater),
        (404, {"error": {"title": "Invalid"}}, BrokenContract),
        (418, {"error": "teapot"}, BrokenContract),
    ],
)
def test_other_refusals_have_their_class(
    bench: ZendeskBench, status: int, body: Any, error: type[AdapterError]
) -> None:
    bench.fault("/users/show_many", status=status, body=body)
    with pytest.raises(error):
        bench.adapter().find("users", "id", bench.seed(people(1)), want=[])


def test_an_unknown_entity_pauses_the_mapping(bench: ZendeskBench) -> None:
    with pytest.raises(PauseMapping):
        bench.adapter().find("deals", "id", ["1"], want=[])


def test_every_entity_of_the_traits_is_described(bench: ZendeskBench) -> None:
    assert tuple(bench.entities) == Zendesk.traits.entities == tuple(KINDS)
