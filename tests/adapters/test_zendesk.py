"""The Zendesk adapter against its simulator: the promises of the port, then Zendesk's traps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from adapters.base import (
    Account,
    Batch,
    BatchResult,
    Note,
    Operation,
    Row,
    Started,
    Status,
    TagChange,
)
from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    ReconnectNeeded,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire
from adapters.zendesk import Zendesk
from schemas.fields import Entity, FieldType
from schemas.zendesk import KINDS
from simulators.kit.server import running
from simulators.zendesk import Zendesk as Simulated
from tests.adapters.contract import AdapterContract, Bench, people, settled, written

SETTINGS = {"subdomain": "acme"}


class ZendeskBench(Bench):
    """The bench with Zendesk's own ways to look and to order."""

    entities: Mapping[str, Entity]
    token: str

    def adapter(self, **learnt: Any) -> Zendesk:
        """An adapter whose connection has learnt something already."""
        account = Account(self.token, self.base_url, settings=SETTINGS, learnt=learnt)
        return Zendesk(account, Wire(), self.entities)

    def contact(self, remote_id: str) -> Mapping[str, Any]:
        """What the simulator holds of a person."""
        state = self.control("state")
        return next(one for one in state["contacts"] if one["id"] == remote_id)

    def paths(self, since: int = 0) -> list[str]:
        """The calls so far as `PUT users/update_many`, ids replaced."""
        return [
            f"{one['method']} "
            + "/".join(
                "N" if part.isdigit() else part
                for part in one["path"].removeprefix("/api/v2/").removesuffix(".json").split("/")
            )
            for one in self.calls()[since:]
        ]


@pytest.fixture(name="bench")
def the_bench() -> Iterator[ZendeskBench]:
    simulated = Simulated(options={"job_delay_s": 0, "index_lag_s": 0, "rate": 100_000})
    with running(simulated) as base_url:
        yield benched(base_url)


def benched(base_url: str) -> ZendeskBench:
    made: dict[str, Any] = {}

    def make(wire: Wire | None = None, token: str | None = None) -> Zendesk:
        account = Account(token or made["bench"].token, base_url, settings=SETTINGS)
        return Zendesk(account, wire or Wire(), made["bench"].entities)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": one["email"], "name": f"{one['first_name']} {one['last_name']}"}
            for one in contacts
        ]
        ids: list[str] = bench.control("seed", {"contacts": told})["contacts"]
        return ids

    bench = ZendeskBench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity="users",
        email_field="email",
        values={
            FieldType.TEXT: ("last_campaign", "Møde 😀", "Service"),
            FieldType.LONG_TEXT: ("nps_comment", "a\nb", "c" * 5000),
            FieldType.PHONE: ("phone", "+4512345678", "12345678"),
            FieldType.INTEGER: ("nps_score", 9, 0),
            FieldType.NUMBER: ("satisfaction", "12.5", "-3"),
            FieldType.BOOLEAN: ("wants_contact", True, False),
            FieldType.DATE: ("nps_date", "2026-11-22", "2024-02-29"),
            FieldType.CHOICE: ("nps_group", "nps_promoter", "nps_detractor"),
            FieldType.MULTI_CHOICE: (
                "survey_topics",
                ("topic_service", "topic_price"),
                ("topic_quality",),
            ),
            FieldType.REFERENCE: ("account_manager", "361000000000001", "361000000000001"),
        },
        new_contact=lambda email: {"email": email, "name": "New Person"},
        bad=("nps_group", "no_such_option"),
        read_path=r"/users/show_many",
        write_path=r"/users/(\d+|update_many)(\.json)?$",
        foreign_tags=lambda remote_id, tags: _tag(base_url, remote_id, tags),
        tags_of=lambda remote_id: bench.contact(remote_id)["tags"],
    )
    made["bench"] = bench
    bench.entities = {}
    bench.token = bench.control("oauth", {"issue": {}})["access_token"]
    bench.entities = {one.name: one for one in make().entities()}
    return bench


def _tag(base_url: str, remote_id: str, tags: Sequence[str]) -> None:
    auth = ("alma@example.com/token", "demo-api-token")
    url = f"{base_url}/api/v2/users/{remote_id}/tags.json"
    requests.put(url, json={"tags": list(tags)}, auth=auth, timeout=5).raise_for_status()


def update(bench: Bench, rows: Sequence[Row]) -> Batch:
    return Batch(bench.entity, Operation.UPDATE, tuple(rows))


def create(bench: Bench, rows: Sequence[Row]) -> Batch:
    return Batch(bench.entity, Operation.CREATE, tuple(rows), match_field="email")


def rows_for(ids: Sequence[str], **values: Any) -> list[Row]:
    return [Row(f"k{at}", values, one) for at, one in enumerate(ids)]


class TestZendesk(AdapterContract):
    """Everything the port promises."""


# --- batches and jobs -----------------------------------------------------------------------------


def test_a_batch_becomes_one_job_and_one_poll(bench: ZendeskBench) -> None:
    ids = bench.seed(people(100))
    before = len(bench.calls())
    outcomes = written(bench.adapter(), update(bench, rows_for(ids, nps_score=9)))
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert bench.paths(before)[0] == "PUT users/update_many"
    assert [path.split("/")[0] for path in bench.paths(before)[1:]] == ["GET job_statuses"]


def test_a_running_job_is_asked_again_later(bench: ZendeskBench) -> None:
    bench.control("options", {"job_delay_s": 60})
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    again = adapter.collect(started.handle)
    assert isinstance(again, Started)
    bench.control("clock", {"offset_s": 61})
    done = bench.adapter().collect(again.handle)
    assert isinstance(done, BatchResult)
    assert {one.status for one in done.outcomes} == {Status.WRITTEN}


def test_a_job_done_at_the_first_poll_is_asked_earlier_next_time(bench: ZendeskBench) -> None:
    adapter = bench.adapter(first_poll_s=4.0)
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    assert started.poll_after_s == 4.0
    done = adapter.collect(started.handle)
    assert isinstance(done, BatchResult)
    assert done.learnt == {"first_poll_s": 3.2}


def test_a_handle_is_plain_json(bench: ZendeskBench) -> None:
    bench.seed(people(3))
    rows = [Row(f"k{n}", bench.new_contact(f"c{n}@example.test")) for n in range(4)]
    started = bench.adapter().write(create(bench, rows))
    assert isinstance(started, Started)
    handle = json.loads(json.dumps(started.handle))
    assert settled(bench.adapter(), Started(handle, 0)).outcomes[3].created


def test_a_forgotten_job_leaves_the_outcome_unknown(bench: ZendeskBench) -> None:
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    bench.control("seed", {"forget_jobs": True})
    with pytest.raises(OutcomeUnknown) as raised:
        adapter.collect(started.handle)
    assert raised.value.code == "job_lost"


def test_a_killed_job_leaves_the_outcome_unknown(bench: ZendeskBench) -> None:
    bench.control("options", {"job_delay_s": 60})
    adapter = bench.adapter()
    started = adapter.write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert isinstance(started, Started)
    bench.control("seed", {"kill_jobs": True})
    with pytest.raises(OutcomeUnknown) as raised:
        adapter.collect(started.handle)
    assert raised.value.code == "job_failed"


def test_failed_rows_are_told_by_their_place(bench: ZendeskBench) -> None:
    first, second, third = bench.seed(people(3))
    bench.control("seed", {"delete": [int(second)]})
    rows = rows_for([first, second, third, "999"], nps_score=9)
    rows[0] = Row("k0", {"nps_group": "no_such_option"}, first)
    outcomes = written(bench.adapter(), update(bench, rows))
    assert [(one.key, one.status, one.code) for one in outcomes] == [
        ("k0", Status.REJECTED, "invalid_value"),
        ("k1", Status.REJECTED, "not_found"),
        ("k2", Status.WRITTEN, ""),
        ("k3", Status.REJECTED, "not_found"),
    ]
    assert outcomes[0].field == "nps_group"


def test_without_bulk_import_rows_go_one_by_one_and_it_is_learnt(bench: ZendeskBench) -> None:
    bench.control("options", {"bulk_enabled": False})
    ids = bench.seed(people(4))
    result = bench.adapter().write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert result.learnt == {"bulk_update": False}
    assert {one.status for one in result.outcomes} == {Status.WRITTEN}
    before = len(bench.calls())
    bench.adapter(**result.learnt).write(update(bench, rows_for(ids, nps_score=8)))
    assert bench.paths(before) == ["PUT users/N"] * 4


def test_too_many_jobs_is_a_pause(bench: ZendeskBench) -> None:
    bench.control("options", {"jobs_limit": 0})
    with pytest.raises(Throttled) as raised:
        bench.adapter().write(update(bench, rows_for(bench.seed(people(3)), nps_score=9)))
    assert raised.value.wait_s == 10


def test_a_pause_in_the_middle_keeps_what_was_written(bench: ZendeskBench) -> None:
    ids = bench.seed(people(4))
    bench.control(
        "fault",
        {"method": "PUT", "path": "/users/", "occurrence": 3, "action": {"throttle": 9}},
    )
    result = bench.adapter(bulk_update=False).write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert [(one.status, one.code) for one in result.outcomes] == [
        (Status.WRITTEN, ""),
        (Status.WRITTEN, ""),
        (Status.RETRY, "crm_throttled"),
        (Status.RETRY, "not_sent"),
    ]
    assert result.outcomes[3].detail == {"sent": False, "wait_s": 9.0}


def test_a_lost_answer_in_the_middle_says_that_the_row_was_sent(bench: ZendeskBench) -> None:
    ids = bench.seed(people(3))
    bench.control(
        "fault",
        {"method": "PUT", "path": "/users/", "occurrence": 2, "action": {"drop_after": True}},
    )
    result = bench.adapter(bulk_update=False).write(update(bench, rows_for(ids, nps_score=9)))
    assert isinstance(result, BatchResult)
    assert [one.code for one in result.outcomes] == ["", "outcome_unknown", "not_sent"]
    assert result.outcomes[1].detail["sent"] is True


def test_a_thousand_linked_contacts_cost_at_most_sixty_calls(bench: ZendeskBench) -> None:
    ids = bench.seed(people(1000))
    before = len(bench.calls())
    for start in range(0, 1000, 100):
        chunk = ids[start : start + 100]
        adapter = bench.adapter()
        adapter.find("users", "id", chunk, want=["nps_score"])
        written(adapter, update(bench, rows_for(chunk, nps_score=9)))
    assert len(bench.calls()) - before <= 60


# --- creating -------------------------------------------------------------------------------------


def test_people_who_exist_are_answered_with_their_ids_and_stay_as_they_are(
    bench: ZendeskBench,
) -> None:
    ids = bench.seed(people(4))
    rows = [Row(f"k{n}", bench.new_contact(f"C{n}@example.test")) for n in range(5)]
    outcomes = written(bench.adapter(), create(bench, rows))
    assert [one.code for one in outcomes] == ["duplicate"] * 4 + [""]
    assert [one.remote_id for one in outcomes[:4]] == ids
    assert outcomes[4].created
    assert [bench.contact(one)["name"] for one in ids] == [f"Søren Contact {n}" for n in range(4)]


def test_nobody_is_mailed(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    rows = [Row(f"k{n}", bench.new_contact(f"n{n}@example.test")) for n in range(4)]
    written(adapter, create(bench, rows))
    written(adapter, create(bench, [Row("k9", bench.new_contact("n9@example.test"))]))
    written(adapter, update(bench, [Row("k1", {"email": "other@example.test"}, first)]))
    assert bench.control("state")["mails_sent"] == []


def test_a_taken_external_id_leads_to_its_holder(bench: ZendeskBench) -> None:
    holder = {"id": 77, "name": "A", "email": "a@example.test", "external_id": "Kunde-1"}
    bench.control("seed", {"contacts": [holder]})
    values = {"name": "B", "email": "b@example.test", "external_id": "kunde-1"}
    (outcome,) = written(bench.adapter(), create(bench, [Row("k1", values)]))
    assert (outcome.code, outcome.field) == ("duplicate", "external_id")
    assert outcome.remote_id == "77"
    assert bench.contact("77")["email"] == "a@example.test"


def test_a_lagging_search_makes_no_second_person(bench: ZendeskBench) -> None:
    bench.control("options", {"index_lag_s": 600})
    adapter = bench.adapter()
    batch = create(bench, [Row("k1", bench.new_contact("new@example.test"))])
    (made,) = written(adapter, batch)
    assert adapter.find("users", "email", ["new@example.test"], want=[]) == {"new@example.test": ()}
    (again,) = written(adapter, batch)
    assert (again.code, again.remote_id) == ("duplicate", made.remote_id)
    assert len(bench.control("state")["contacts"]) == 1


def test_a_create_whose_answer_was_lost_makes_one_person(bench: ZendeskBench) -> None:
    bench.fault("/users.json", drop_after=True)
    batch = create(bench, [Row("k1", bench.new_contact("new@example.test"))])
    with pytest.raises(OutcomeUnknown):
        bench.adapter().write(batch)
    (outcome,) = written(bench.adapter(), batch)
    assert outcome.code == "duplicate"
    assert outcome.remote_id == bench.control("state")["contacts"][0]["id"]


def test_a_missing_name_is_named(bench: ZendeskBench) -> None:
    batch = create(bench, [Row("k1", {"email": "x@example.test"})])
    (outcome,) = written(bench.adapter(), batch)
    assert (outcome.status, outcome.code, outcome.field) == (Status.REJECTED, "required", "name")


def test_organizations_are_written_as_people_are(bench: ZendeskBench) -> None:
    adapter = bench.adapter()
    rows = tuple(Row(f"k{n}", {"name": f"Acme {n}", "responses": n}) for n in range(3))
    made = written(adapter, Batch("organizations", Operation.CREATE, rows))
    assert all(one.created for one in made)
    (again,) = written(adapter, Batch("organizations", Operation.CREATE, rows[:1]))
    assert (again.code, again.remote_id) == ("duplicate", made[0].remote_id)
    found = adapter.find("organizations", "name", ["acme 2"], want=["responses"])
    assert found["acme 2"][0].values == {"responses": 2}


def test_a_ticket_per_response_is_written_and_found_again(bench: ZendeskBench) -> None:
    (person,) = bench.seed(people(1))
    adapter = bench.adapter()
    number = next(one.name for one in bench.entities["tickets"].fields if one.label == "NPS score")
    values: dict[str, Any] = {"subject": "NPS", "description": "9", "requester_id": person}
    values |= {"external_id": "resp-1", number: 9}
    (made,) = written(adapter, Batch("tickets", Operation.CREATE, (Row("k1", values),)))
    found = adapter.find("tickets", "external_id", ["resp-1"], want=["subject", number])
    assert found["resp-1"][0].remote_id == made.remote_id
    assert found["resp-1"][0].values == {"subject": "NPS", number: 9}
    assert bench.control("state")["tickets"][0]["is_public"] is False


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
    assert bench.adapter().find("users", "external_id", ["x,y"], want=[]) == {"x,y": ()}


def test_an_address_that_only_resembles_is_not_found(bench: ZendeskBench) -> None:
    bench.control("seed", {"contacts": [{"name": "x", "email": "anna@example.test"}]})
    found = bench.adapter().find("users", "email", ["ann@example.test", 'a" b'], want=[])
    assert found == {"ann@example.test": (), 'a" b': ()}


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


# --- what is sent ---------------------------------------------------------------------------------


def sent_to(bench: ZendeskBench, remote_id: str) -> list[dict[str, Any]]:
    return [one["set"] for one in bench.control("state")["history"].get(remote_id, [])]


def test_only_the_given_fields_are_sent(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.adapter().write(update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first) == [{"id": int(first), "user_fields": {"nps_score": 9}}]


def test_none_clears_attributes_and_custom_fields(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    values: dict[str, Any] = {"notes": None, "nps_comment": None, "survey_topics": None}
    bench.adapter().write(update(bench, rows_for([first], **values)))
    cleared: dict[str, Any] = {"nps_comment": None, "survey_topics": []}
    assert sent_to(bench, first) == [{"id": int(first), "notes": None, "user_fields": cleared}]


def test_a_retry_after_a_failure_sends_the_same_body(bench: ZendeskBench) -> None:
    first, second = bench.seed(people(2))
    adapter = bench.adapter()
    bench.fault(f"/users/{first}", status=503)
    with pytest.raises(TryLater):
        adapter.write(update(bench, rows_for([first], nps_score=9)))
    adapter.write(update(bench, rows_for([second], nps_score=1)))
    adapter.write(update(bench, rows_for([first], nps_score=9)))
    assert sent_to(bench, first) == [{"id": int(first), "user_fields": {"nps_score": 9}}]


def test_what_was_read_before_is_read_again(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.find("users", "id", [first], want=["nps_score"])
    adapter.write(update(bench, rows_for([first], nps_score=4)))
    found = adapter.find("users", "id", [first], want=["nps_score"])
    assert found[first][0].values == {"nps_score": 4}


# --- tags -----------------------------------------------------------------------------------------

NINE = ("NPSToday.Møde.9", "npstoday_møde_9", "npstoday_moede_9")
SEVEN = ("NPSToday.Møde.7", "npstoday_møde_7", "npstoday_moede_7")
OWNED = frozenset(
    each.replace("9", str(score)) for each in NINE for score in range(11)
)  # fmt: skip


def change(remote_id: str, spellings: tuple[str, ...] = NINE) -> TagChange:
    return TagChange(f"k-{remote_id}-{spellings[0][-1]}", remote_id, spellings, OWNED)


@pytest.mark.parametrize(
    ("rule", "kept", "style"),
    [("verbatim", NINE[0], 0), ("strict", NINE[1], 1), ("ascii", NINE[2], 2)],
)
def test_the_spelling_that_the_account_keeps_is_found_and_told(
    bench: ZendeskBench, rule: str, kept: str, style: int
) -> None:
    bench.control("options", {"tag_rules": rule})
    (first,) = bench.seed(people(1))
    _tag(bench.base_url, first, ["vip"])
    (outcome,) = bench.adapter().retag("users", [change(first)]).outcomes
    assert (outcome.detail["tag"], outcome.detail["style"]) == (kept, style)
    assert (outcome.detail["before"], outcome.detail["after"]) == ([], [kept])
    assert set(bench.contact(first)["tags"]) == {"vip", kept}


def test_a_known_spelling_costs_one_call_and_one_read(bench: ZendeskBench) -> None:
    ids = bench.seed(people(3))
    before = len(bench.calls())
    bench.adapter().retag("users", [change(one, NINE[1:]) for one in ids])
    assert bench.paths(before) == ["GET users/show_many", *["PUT users/N/tags"] * 3]


def test_a_rescored_contact_never_stands_without_a_tag(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.retag("users", [change(first, SEVEN[1:])])
    bench.control("fault", {"method": "DELETE", "path": "/tags", "action": {"throttle": 5}})
    with pytest.raises(Throttled):
        adapter.retag("users", [change(first, NINE[1:])])
    assert set(bench.contact(first)["tags"]) == {SEVEN[1], NINE[1]}
    (healed,) = adapter.retag("users", [change(first, NINE[1:])]).outcomes
    assert healed.status is Status.WRITTEN
    assert healed.detail["before"] == [SEVEN[1], NINE[1]]
    assert bench.contact(first)["tags"] == [NINE[1]]


def test_a_tag_that_somebody_else_sets_meanwhile_stays(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    read: list[int] = []

    def meddle(status: int, _headers: Mapping[str, str]) -> None:
        if not read:
            _tag(bench.base_url, first, ["urgent", "npstoday_other_3"])
        read.append(status)

    account = Account(bench.token, bench.base_url, settings=SETTINGS)
    adapter = Zendesk(account, Wire(answered=meddle), bench.entities)
    adapter.retag("users", [change(first)])
    assert set(bench.contact(first)["tags"]) == {"urgent", "npstoday_other_3", NINE[1]}


def test_tags_switched_off_pause_the_tags_only(bench: ZendeskBench) -> None:
    bench.control("options", {"user_tags_enabled": False})
    (first,) = bench.seed(people(1))
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().retag("users", [change(first)])
    assert raised.value.code == "tags_disabled"


def test_a_gone_contact_does_not_stop_the_other_tags(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    outcomes = bench.adapter().retag("users", [change("999"), change(first)]).outcomes
    assert [one.code for one in outcomes] == ["not_found", ""]


# --- notes ----------------------------------------------------------------------------------------


def note(remote_id: str, number: int, thread: str = "5000-17") -> Note:
    marker = f"ref: 00000000-0000-4000-8000-00000000000{number}"
    return Note(
        key=f"n{number}",
        remote_id=remote_id,
        marker=marker,
        title="Møde",
        text=f"9\n{marker}",
        html=f"<p>9</p><p>{marker}</p>",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        thread=thread,
    )


def test_later_notes_of_a_campaign_join_its_ticket(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    adapter = bench.adapter()
    adapter.note("users", [note(first, 1), note(first, 2), note(first, 3, "5000-18")])
    tickets = bench.control("state")["tickets"]
    assert [len(one["comments"]) for one in tickets] == [2, 1]
    assert all(not each["public"] for one in tickets for each in one["comments"])
    told = {name: tickets[0][name] for name in ("status", "subject", "external_id", "tags")}
    assert told == {
        "status": "solved",
        "subject": "Møde",
        "external_id": "answerback-5000-17",
        "tags": ["npstoday"],
    }
    assert str(tickets[0]["requester_id"]) == first
    assert set(adapter.noted("users", [note(first, 2), note(first, 4)])) == {"n2"}


def test_a_closed_ticket_is_followed_by_a_new_one(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    closed = {"subject": "Møde", "description": "8", "requester_id": int(first), "status": "closed"}
    bench.control("seed", {"tickets": [{**closed, "external_id": "answerback-5000-17"}]})
    adapter = bench.adapter()
    (outcome,) = adapter.note("users", [note(first, 1)]).outcomes
    assert outcome.status is Status.WRITTEN
    assert len(bench.control("state")["tickets"]) == 2
    assert adapter.noted("users", [note(first, 1)]) == {"n1": outcome.remote_id}


def test_a_note_whose_answer_was_lost_is_one_ticket(bench: ZendeskBench) -> None:
    (first,) = bench.seed(people(1))
    bench.control("fault", {"method": "POST", "path": "/tickets", "action": {"drop_after": True}})
    with pytest.raises(OutcomeUnknown):
        bench.adapter().note("users", [note(first, 1)])
    assert bench.adapter().noted("users", [note(first, 1)])
    assert len(bench.control("state")["tickets"]) == 1


# --- the account ----------------------------------------------------------------------------------


def test_the_probe_learns_the_rate_and_warns_of_missing_tags(bench: ZendeskBench) -> None:
    bench.control("options", {"rate": 0, "plan": "professional", "user_tags_enabled": False})
    identity = bench.adapter().probe()
    assert identity.account_id == "acme.zendesk.com"
    assert identity.learnt == {"calls_per_minute": 400}
    assert any("switched off" in told for told in identity.notes)


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
