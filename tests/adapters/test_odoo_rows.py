"""Finding and writing at Odoo: what shares a call, who is found, and what becomes of a bad row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import (
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    ReconnectNeeded,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire
from adapters.odoo import Odoo
from adapters.values import Account, Batch, Operation, Row, Status
from schemas.fields import FieldType
from schemas.odoo import ACTIVITY, COMPANY, PARTNER
from tests.adapters.contract import people
from tests.adapters.odoo_bench import SETTINGS, VERSIONS, OdooBench, served

UNKNOWN = {"x_lost": "1"}


@pytest.fixture
def bench() -> Iterator[OdooBench]:
    with served() as one:
        yield one


@pytest.fixture(params=VERSIONS)
def every(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


@pytest.fixture
def old() -> Iterator[OdooBench]:
    with served(11) as one:
        yield one


def seeded(bench: OdooBench, **values: Any) -> str:
    told = {"name": "Søren", **values}
    number: str = bench.control("seed", {"contacts": [told]})["contacts"][0]
    return number


# --- who and what ---------------------------------------------------------------------------------


def test_the_probe_learns_user_and_version(bench: OdooBench) -> None:
    identity = bench.adapter().probe()
    assert identity.account_id.endswith("/acme")
    assert identity.user_id == "7"
    assert identity.learnt == {"uid": 7, "uid_of": "integration@example.com@acme", "version": 16}
    assert identity.notes == ()


def test_the_probe_says_that_the_user_needs_an_address(bench: OdooBench) -> None:
    bench.control("options", {"user_email": ""})
    assert "no e-mail address" in " ".join(bench.adapter().probe().notes)


def test_a_version_that_nobody_has_tried_is_said(bench: OdooBench) -> None:
    with served(20) as newest:
        assert "Odoo 20" in " ".join(newest.adapter().probe().notes)


def test_what_was_learnt_of_another_user_is_asked_for_again(bench: OdooBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter(uid=3, uid_of="somebody@acme")
    assert adapter.find(PARTNER, "id", [first], want=[])[first]


def test_an_odoo_that_does_not_serve_the_api_that_is_spoken_says_so(bench: OdooBench) -> None:
    """16 has no /json/2."""
    account = Account(bench.token, bench.base_url, settings={**SETTINGS, "api": "json2"})
    with pytest.raises(BrokenContract) as raised:
        Odoo(account, Wire(), {}).probe()
    assert raised.value.code == "no_such_endpoint"


def test_a_wrong_login_is_a_refused_key(bench: OdooBench) -> None:
    with pytest.raises(TokenExpired):
        bench.adapter(token="nope").probe()


def test_a_database_that_is_gone_needs_a_person(bench: OdooBench) -> None:
    bench.control("options", {"database": "renamed"})
    with pytest.raises(ReconnectNeeded) as raised:
        bench.adapter().probe()
    assert raised.value.code == "database_unknown"


def test_definitions_tell_what_can_be_written_and_found(every: OdooBench) -> None:
    contact = every.entities[PARTNER].by_name()
    assert contact["name"].required
    assert not contact["display_name"].updatable
    assert contact["category_id"].type is FieldType.OTHER
    assert contact["x_nps_summary"].max_length == 80
    assert contact["x_nps_summary"].identifies
    assert contact["x_nps_basket"].max_scale == 2
    assert contact["x_nps_segment"].options[0].value == "promoter"
    lead = every.entities["crm.lead"].by_name()
    assert lead["name"].required
    assert not lead["type"].required  # Odoo has a default


@pytest.mark.parametrize(("version", "told"), [(17, FieldType.PHONE), (18, None)])
def test_mobile_is_a_field_where_the_server_tells_of_it(
    version: int, told: FieldType | None
) -> None:
    with served(version) as bench:
        mobile = bench.entities[PARTNER].field("mobile")
        assert (mobile.type if mobile else None) is told


def test_leads_are_left_out_where_they_are_not_open_to_the_user(bench: OdooBench) -> None:
    bench.control("options", {"denied": ["read crm.lead"]})
    assert [one.name for one in bench.adapter().entities()] == [PARTNER, COMPANY, ACTIVITY]


def test_contacts_that_are_not_open_are_a_missing_right(every: OdooBench) -> None:
    every.control("options", {"denied": ["read res.partner"]})
    with pytest.raises(PauseMapping) as raised:
        every.adapter().entities()
    assert raised.value.scope == "read on res.partner"


# --- finding --------------------------------------------------------------------------------------


def test_an_address_with_signs_of_patterns_finds_itself_alone(every: OdooBench) -> None:
    mine = seeded(every, email="A_b%c@example.test")
    seeded(every, email="AxbYc@example.test")
    found = every.adapter().find(PARTNER, "email", ["a_B%c@example.test"], want=[])
    assert [one.remote_id for one in found["a_B%c@example.test"]] == [mine]


def test_a_name_around_the_address_is_no_matter_where_odoo_normalizes(bench: OdooBench) -> None:
    mine = seeded(bench, email="Søren <s@example.test>")
    found = bench.adapter().find(PARTNER, "email", ["S@example.test"], want=["email"])
    assert [one.remote_id for one in found["S@example.test"]] == [mine]


def test_all_contacts_of_one_address_are_told(every: OdooBench) -> None:
    ids = [seeded(every, email="twin@example.test") for _ in "ab"]
    found = every.adapter().find(PARTNER, "email", ["twin@example.test"], want=[])
    assert [one.remote_id for one in found["twin@example.test"]] == ids
    assert all(one.updated_at for one in found["twin@example.test"])


def test_archived_contacts_and_addresses_of_invoices_step_back(every: OdooBench) -> None:
    mine = seeded(every, email="a@example.test")
    bill = seeded(every, email="a@example.test", type="invoice", parent_id=int(mine))
    gone = seeded(every, email="a@example.test")
    every.control("seed", {"archive": [gone]})

    def found() -> list[str]:
        hits = every.adapter().find(PARTNER, "email", ["a@example.test"], want=[])
        return [one.remote_id for one in hits["a@example.test"]]

    assert found() == [mine]
    every.control("seed", {"archive": [mine]})
    assert found() == [bill]
    every.control("seed", {"delete": [bill]})
    assert found() == [mine, gone]


def test_a_company_is_no_contact_and_is_found_by_its_name(every: OdooBench) -> None:
    told = {"companies": [{"name": "Nordlys A/S", "email": "c0@example.test"}]}
    (company,) = every.control("seed", told)["companies"]
    adapter = every.adapter()
    assert adapter.find(PARTNER, "email", ["c0@example.test"], want=[])["c0@example.test"] == ()
    (hit,) = adapter.find(COMPANY, "name", ["Nordlys A/S"], want=["name"])["Nordlys A/S"]
    assert (hit.remote_id, hit.values) == (company, {"name": "Nordlys A/S"})


def test_a_field_that_is_gone_is_noticed_by_what_is_read(every: OdooBench) -> None:
    """Version 11 leaves it out without a word, later ones refuse the read."""
    (first,) = every.seed(people(1))
    every.control("seed", {"remove_fields": {PARTNER: ["x_nps_score"]}})
    with pytest.raises(PauseMapping) as raised:
        every.adapter().find(PARTNER, "id", [first], want=["x_nps_score"])
    assert raised.value.field == "x_nps_score"


# --- writing --------------------------------------------------------------------------------------


def test_rows_of_equal_values_share_a_call_and_others_do_not(bench: OdooBench) -> None:
    ids = bench.seed(people(6))
    since = len(bench.calls())
    rows = [Row(f"k{n}", {"x_nps_score": n % 2}, one) for n, one in enumerate(ids)]
    outcomes = bench.update(*rows)
    assert [one.key for one in outcomes] == [row.key for row in rows]
    assert bench.kinds(since) == ["write", "write"]
    assert [bench.contact(one)["fields"]["x_nps_score"] for one in ids] == [0, 1, 0, 1, 0, 1]


def test_a_gone_record_among_many_is_found_by_halving(every: OdooBench) -> None:
    ids = every.seed(people(7))
    every.control("seed", {"delete": [ids[4]]})
    outcomes = every.update(*(Row(f"k{n}", {"phone": "1"}, one) for n, one in enumerate(ids)))
    assert [one.code for one in outcomes] == ["", "", "", "", "not_found", "", ""]
    living = [every.contact(one)["fields"]["phone"] for one in ids if one != ids[4]]
    assert living == ["1"] * 6


def test_creates_share_a_call(every: OdooBench) -> None:
    """Before version 12 by an import."""
    since = len(every.calls())
    rows = [Row(f"k{n}", {"name": f"N{n}", "email": f"n{n}@x.test"}) for n in range(3)]
    outcomes = every.create(*rows)
    assert all(one.created for one in outcomes)
    assert every.kinds(since).count("write") == 1
    assert len({one.remote_id for one in outcomes}) == 3


def test_a_new_company_is_one(every: OdooBench) -> None:
    adapter = every.adapter()

    batch = Batch(COMPANY, Operation.CREATE, (Row("k", {"name": "Nordlys"}),), "name")
    (outcome,) = adapter.write(batch).outcomes
    assert [one["id"] for one in every.control("state")["companies"]] == [outcome.remote_id]


def test_a_create_does_not_lose_a_value_whose_field_is_gone(every: OdooBench) -> None:
    row = Row("k", {"name": "N", "email": "n@x.test", **UNKNOWN})
    with pytest.raises(PauseMapping) as raised:
        every.create(row)
    assert raised.value.field == "x_lost"
    assert every.control("state")["contacts"] == []


@pytest.mark.parametrize("refuses", [1, 0])
def test_an_unknown_field_is_a_pause_whichever_way_this_version_has(refuses: int) -> None:
    with served(14, refuses_unknown_fields=refuses) as bench:
        (first,) = bench.seed(people(1))
        with pytest.raises(PauseMapping):
            bench.adapter().find(PARTNER, "id", [first], want=["x_lost"])
        with pytest.raises(PauseMapping):
            bench.create(Row("k", {"name": "N", **UNKNOWN}))


def test_a_bad_row_among_creates_stands_alone(bench: OdooBench) -> None:
    rows = [
        Row("k0", {"name": "A", "email": "a@x.test"}),
        Row("k1", {"name": "B", "x_nps_segment": "nope"}),
        Row("k2", {"name": "C", "email": "c@x.test"}),
    ]
    outcomes = bench.create(*rows)
    assert [one.code for one in outcomes] == ["", "unknown_option", ""]
    assert outcomes[1].field == "x_nps_segment"
    assert len(bench.control("state")["contacts"]) == 2


@pytest.mark.parametrize(
    ("name", "message", "code", "status"),
    [
        ("odoo.exceptions.UserError", "Not today.", "refused", Status.REJECTED),
        ("odoo.exceptions.ValidationError", "A rule.", "validation_rule", Status.REJECTED),
        ("odoo.exceptions.ValidationError", "Must be unique!", "duplicate", Status.REJECTED),
        ("psycopg2.errors.SerializationFailure", "x", "row_locked", Status.RETRY),
        ("psycopg2.extensions.TransactionRollbackError", "x", "row_locked", Status.RETRY),
        ("builtins.ZeroDivisionError", "secret of a value", "refused", Status.REJECTED),
    ],
)
def test_what_refuses_one_row_is_its_outcome(
    bench: OdooBench, name: str, message: str, code: str, status: Status
) -> None:
    first, second = bench.seed(people(2))
    order = {"key": second, "error": {"name": name, "message": message}, "times": None}
    bench.control("fault", {"action": {"row": order}})
    rows = [Row("k0", {"phone": "1"}, first), Row("k1", {"phone": "2"}, second)]
    good, bad = bench.update(*rows)
    assert good.status is Status.WRITTEN
    assert (bad.code, bad.status) == (code, status)
    assert message not in bad.message


def test_a_record_rule_refuses_its_record_alone(every: OdooBench) -> None:
    ids = every.seed(people(3))
    every.control("options", {"hidden": [int(ids[1])]})
    outcomes = every.update(*(Row(f"k{n}", {"phone": "1"}, one) for n, one in enumerate(ids)))
    assert [one.code for one in outcomes] == ["", "no_access", ""]


def test_a_missing_right_is_named(every: OdooBench) -> None:
    (first,) = every.seed(people(1))
    every.control("options", {"denied": ["write res.partner"]})
    with pytest.raises(PauseMapping) as raised:
        every.update(Row("k", {"phone": "1"}, first))
    assert (raised.value.code, raised.value.scope) == ("missing_scope", "write on res.partner")


def test_a_user_without_an_address_is_a_missing_right(bench: OdooBench) -> None:
    bench.control("options", {"user_email": ""})
    with pytest.raises(PauseMapping) as raised:
        bench.create(Row("k", {"name": "N", "email": "n@x.test"}))
    assert raised.value.code == "no_sender_address"


def test_a_failure_of_a_later_call_does_not_lose_what_was_done(bench: OdooBench) -> None:
    ids = bench.seed(people(3))
    order = {"method": ".*", "path": "jsonrpc", "occurrence": 2, "times": 1}
    bench.control("fault", {**order, "action": {"drop_after": True}})
    rows = [Row(f"k{n}", {"phone": str(n)}, one) for n, one in enumerate(ids)]
    done, lost, unsent = bench.update(*rows)
    assert done.status is Status.WRITTEN
    assert (lost.code, lost.detail["sent"]) == ("outcome_unknown", True)
    assert (unsent.code, unsent.detail["sent"]) == ("not_sent", False)


def test_a_database_that_is_away_is_tried_later(bench: OdooBench) -> None:
    (first,) = bench.seed(people(1))
    data = {"name": "psycopg2.OperationalError", "message": "server closed the connection"}
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "x", "data": data}}
    bench.fault("jsonrpc", status=200, body=body)
    with pytest.raises(TryLater):
        bench.adapter().find(PARTNER, "id", [first], want=[])


def test_an_answer_to_another_call_is_not_ours(bench: OdooBench) -> None:
    (first,) = bench.seed(people(1))
    bench.fault("jsonrpc", status=200, body={"jsonrpc": "2.0", "id": 77, "result": []})
    with pytest.raises(OutcomeUnknown):
        bench.adapter(wire=Wire()).find(PARTNER, "id", [first], want=[])
