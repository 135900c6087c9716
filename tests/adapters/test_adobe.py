"""Adobe Campaign's adapter keeps the port's promises, and what is special about it; where it is not
known how Adobe behaves, every way that is thinkable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.adobe.subscriptions import own_address
from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping, TokenExpired
from adapters.values import Row, Status
from schemas.fields import FieldType
from tests.adapters.adobe_bench import AdapterContract, AdobeBench, people, served

SPORT = {"service_SVC1": True}


@pytest.fixture
def bench() -> Iterator[AdobeBench]:
    with served() as one:
        yield one


class TestContract(AdapterContract):
    """The promises of every adapter."""


def seeded(bench: AdobeBench) -> str:
    return bench.seed(people(1))[0]


# --- who and what ---------------------------------------------------------------------------------


def test_metadata_and_services_become_fields(bench: AdobeBench) -> None:
    fields = bench.entities["profile"].by_name()
    assert fields["subscriptions"].type is FieldType.OTHER
    assert not fields["created"].creatable
    assert [one.value for one in fields["gender"].options] == ["unknown", "male"]
    assert fields["service_SVC1"].label == "Subscribed to: Sport Newsletter"


@pytest.mark.parametrize("refused_by", [404, 400, 500, 200])
def test_where_there_is_no_filter_by_address_the_built_in_one_is_learnt(refused_by: int) -> None:
    with served({"email_filter": "byText"}, filters=["byText"], unknown_filter=refused_by) as bench:
        first, _ = bench.seed([*people(1), {**people(1)[0], "email": "xc0@example.test"}])
        identity = bench.adapter().probe()
        assert identity.learnt == {"email_filter": "byText"}
        assert "byText" in identity.notes[0]
        found = bench.adapter().find("profile", "email", ["C0@example.test"], want=[])
        assert [one.remote_id for one in found["C0@example.test"]] == [first]


def test_the_filter_by_address_is_learnt_where_there_is_one(bench: AdobeBench) -> None:
    seeded(bench)
    identity = bench.adapter().probe()
    assert (identity.learnt, identity.notes) == ({"email_filter": "byEmail"}, ())


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("big_table", [True, False])
def test_every_page_of_what_is_found_is_read(
    big_table: bool,  # noqa: FBT001 - one way, then the other
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.adobe.client.A_PAGE", 2)
    with served(big_table=big_table) as bench:
        ids = bench.seed(people(1) * 5)
        found = bench.adapter().find("profile", "email", ["c0@example.test"], want=[])
        assert [one.remote_id for one in found["c0@example.test"]] == ids


def test_what_does_not_identify_is_not_searched_for(bench: AdobeBench) -> None:
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find("profile", "lastName", ["Contact 0"], want=[])
    assert (raised.value.code, raised.value.field) == ("not_identifying", "lastName")


def test_a_custom_key_stands_for_the_profile_and_outlives_a_migration() -> None:
    with served(custom_key="cusNumber") as bench:
        told = {"email": "a@example.test", "cusNumber": "K/7"}
        bench.control("seed", {"contacts": [told]})
        bench.control("seed", {"rekey": True})
        found = bench.adapter().find("profile", "cusNumber", ["K/7"], want=["email"])
        assert [one.remote_id for one in found["K/7"]] == ["K/7"]
        (outcome,) = bench.update(Row("k", {"cusNpsScore": 9, **SPORT}, "K/7"))
        assert outcome.status is Status.WRITTEN
        (held,) = bench.control("state")["contacts"]
        assert (held["fields"]["cusNpsScore"], held["lists"]) == (9, ["Sport Newsletter"])


def test_a_primary_key_that_leads_nowhere_any_more_is_no_record(bench: AdobeBench) -> None:
    remote_id = seeded(bench)
    bench.control("seed", {"rekey": True})
    assert bench.adapter().find("profile", "PKey", [remote_id], want=[]) == {remote_id: ()}


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hrefs", [True, False])
def test_a_subscription_is_made_and_ended_by_its_own_address(hrefs: bool) -> None:  # noqa: FBT001
    with served(subscription_hrefs=hrefs) as bench:
        remote_id = seeded(bench)
        bench.control("seed", {"subscribe": {remote_id: ["SVC2"]}})
        (outcome,) = bench.update(Row("k", {**SPORT, "cusNpsScore": 9}, remote_id))
        assert outcome.status is Status.WRITTEN
        assert bench.contact(remote_id)["lists"] == ["Promoters", "Sport Newsletter"]
        before = len(bench.calls())
        bench.update(Row("k", {"service_SVC1": False}, remote_id))
        assert bench.contact(remote_id)["lists"] == ["Promoters"]
        (verb,) = bench.verbs(before)
        assert f"/profile/{remote_id}/subscriptions/@" in verb
        assert bench.control("state")["services_deleted"] == []


@pytest.mark.parametrize(
    "address",
    [
        "https://mc.adobe.io/acme/campaign/profileAndServices/service/@s",
        "https://mc.adobe.io/acme/campaign/profileAndServices/profile/@p",
        "https://mc.adobe.io/acme/campaign/profileAndServices/profile/@p/subscriptions/",
        7,
    ],
)
def test_an_address_that_could_be_something_elses_is_never_deleted(address: object) -> None:
    with pytest.raises(BrokenContract):
        own_address({"PKey": "@k", "href": address}, listed_at="https://mc.adobe.io/x")


@pytest.mark.parametrize("way", ["refused", "same", "second"])
def test_a_subscription_that_was_made_meanwhile_is_as_good(way: str) -> None:
    with served(duplicate_subscription=way) as bench:
        remote_id = seeded(bench)
        bench.control(
            "fault",
            {
                "method": "GET",
                "path": ".*/subscriptions/",
                "action": {"meanwhile": {"seed": {"subscribe": {remote_id: ["SVC1"]}}}},
            },
        )
        (outcome,) = bench.update(Row("k", SPORT, remote_id))
        assert outcome.status is Status.WRITTEN
        assert set(bench.contact(remote_id)["lists"]) == {"Sport Newsletter"}
        bench.update(Row("k", {"service_SVC1": False}, remote_id))
        assert bench.contact(remote_id)["lists"] == []


def test_a_subscription_that_is_refused_is_named_and_the_profile_stands(bench: AdobeBench) -> None:
    told = {"error_code": "400000", "message": "The service is archived."}
    bench.fault(".*/subscriptions/", status=200, body={"content": []})
    bench.control(
        "fault",
        {
            "method": "POST",
            "path": ".*/subscriptions/",
            "action": {"status": 400, "body": told},
        },
    )
    (outcome,) = bench.create(Row("k", {"email": "n@example.test", **SPORT}))
    assert (outcome.status, outcome.field) == (Status.REJECTED, "service_SVC1")
    assert bench.contact(str(outcome.remote_id))["email"] == "n@example.test"


def test_a_service_that_is_gone_pauses_before_anything_is_written(bench: AdobeBench) -> None:
    bench.control("seed", {"remove_services": ["SVC1"]})
    with pytest.raises(PauseMapping) as raised:
        bench.create(Row("k", {"email": "n@example.test", **SPORT}))
    assert (raised.value.code, raised.value.field) == ("field_gone", "service_SVC1")
    assert bench.control("state")["contacts"] == []


def test_a_field_that_is_gone_pauses_the_mapping(bench: AdobeBench) -> None:
    remote_id = seeded(bench)
    bench.control("seed", {"remove_fields": ["cusNpsScore"]})
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("k", {"cusNpsScore": 9, "lastName": "N"}, remote_id))
    assert (raised.value.code, raised.value.field) == ("field_gone", "cusNpsScore")


def test_a_refused_value_is_named_without_itself(bench: AdobeBench) -> None:
    (outcome,) = bench.create(Row("k", {"email": "no-address", "lastName": "N"}))
    assert (outcome.code, outcome.field) == ("invalid_value", "email")
    assert "no-address" not in outcome.message


@pytest.mark.parametrize("status", [400, 409])
def test_a_profile_that_exists_already_is_told_with_its_key(status: int) -> None:
    with served(unique_email=True, duplicate_status=status) as bench:
        remote_id = seeded(bench)
        (outcome,) = bench.create(Row("k", {"email": "C0@example.test"}))
        assert (outcome.code, outcome.remote_id) == ("duplicate", remote_id)


def test_a_required_custom_key_is_named() -> None:
    with served(custom_key="cusNumber") as bench:
        (outcome,) = bench.create(Row("k", {"email": "n@example.test", "cusNumber": None}))
        assert outcome.code == "required"


# --- whole calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bare", [True, False])
def test_a_refused_token_or_client_is_read_by_its_status(bare: bool) -> None:  # noqa: FBT001
    with served(bare_errors=bare) as bench:
        with pytest.raises(TokenExpired):
            bench.adapter(token="eyJ.gone.1").probe()
        with pytest.raises(PauseMapping) as raised:
            bench.adapter(client_id="another").probe()
        assert raised.value.code == "missing_scope"


def test_an_address_on_another_host_is_not_followed(bench: AdobeBench) -> None:
    remote_id = seeded(bench)
    told: dict[str, Any] = {
        "PKey": remote_id,
        "subscriptions": {"href": "http://127.0.0.1:9/acme/campaign/x"},
    }
    bench.fault(f"/profile/{remote_id}", status=200, body=told)
    with pytest.raises(BrokenContract):
        bench.update(Row("k", SPORT, remote_id))


def test_a_profile_without_its_key_is_not_believed(bench: AdobeBench) -> None:
    remote_id = seeded(bench)
    bench.fault(r"/profile/.*", status=200, body={"email": "c0@example.test"})
    with pytest.raises(OutcomeUnknown):
        bench.update(Row("k", {"cusNpsScore": 9}, remote_id))
