"""What every CRM adapter promises, tested once: a new adapter inherits AdapterContract and fills
in a Bench.

The simulator runs as it does in production tests: real HTTP, faults through its control endpoints.
A subclass provides the fixture `bench`; it adds only its own CRM's quirks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from adapters.base import (
    CRM,
    ConditionalWriter,
    FileEncloser,
    FileTaker,
    NoteTaker,
    Pollable,
    Retractor,
    TagTaker,
    TaskTaker,
)
from adapters.errors import (
    AdapterError,
    NotSent,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire
from adapters.traits import TagPlace
from adapters.usage import Usage, UsageTeller
from adapters.values import (
    Attachment,
    Batch,
    BatchResult,
    Note,
    Operation,
    Outcome,
    Record,
    Retraction,
    Row,
    Started,
    Status,
    TagChange,
    Task,
    Uploaded,
)
from connector.responses.configuration.seeing import Recorder
from schemas.fields import Entity, FieldType, FieldValue

CANARY = "canary-3f9a"


@dataclass
class Bench:
    """One CRM under test: how to make its adapter, seed its simulator and ask it for faults.

    `make(wire, token=...)` gives an adapter that knows the entities. `seed(contacts)` takes
    {"email", "first_name", "last_name"} each and returns their remote ids in order. `values`
    holds, by FieldType, a contact field of that type and two different canonical values it can
    hold. `new_contact(email)` are the values a create needs. `bad` is a (field, value) that the
    CRM itself refuses for one row. `read_path` and `write_path` are regular expressions of the
    paths that `find` by id and `write` of an update call (for faults).
    """

    base_url: str
    make: Callable[..., CRM]
    seed: Callable[[Sequence[Mapping[str, str]]], list[str]]
    entity: str
    email_field: str
    values: Mapping[FieldType, tuple[str, FieldValue, FieldValue]]
    new_contact: Callable[[str], Mapping[str, FieldValue]]
    bad: tuple[str, FieldValue]
    read_path: str
    write_path: str
    unique_email: bool = True
    # An update's answer has no body that could be spoilt: `write_path` is that of creates.
    bodyless_updates: bool = False
    foreign_tags: Callable[[str, Sequence[str]], None] | None = None
    tags_of: Callable[[str], Sequence[str]] | None = None
    log: list[Any] = field(default_factory=list)

    def control(self, name: str, body: Any = None) -> Any:
        """One call of the simulator's control endpoints."""
        url = f"{self.base_url}/__sim__/{name}"
        answer = (
            requests.get(url, timeout=5)
            if body is None
            else requests.post(url, json=body, timeout=5)
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, path: str, **action: Any) -> None:
        """The next call to `path` (any method) meets `action`."""
        self.control(
            "fault", {"method": ".*", "path": path, "occurrence": 1, "times": 1, "action": action}
        )

    def calls(self) -> list[Mapping[str, Any]]:
        """The CRM's calls so far, control calls not counted."""
        logged = self.control("log")
        return list(logged["requests"] if isinstance(logged, dict) else logged)


def settled(adapter: CRM, result: BatchResult | Started) -> BatchResult:
    """The final result: an asynchronous job is polled as a deliver job would."""
    for _ in range(100):
        if isinstance(result, BatchResult):
            return result
        assert isinstance(adapter, Pollable)
        time.sleep(min(result.poll_after_s, 0.05))
        result = adapter.collect(result.handle)
    message = "the job did not end"
    raise AssertionError(message)


def written(adapter: CRM, batch: Batch) -> tuple[Outcome, ...]:
    """The outcomes of one batch, asynchronous or not."""
    return settled(adapter, adapter.write(batch)).outcomes


def people(count: int, start: int = 0) -> list[dict[str, str]]:
    """Contacts to seed."""
    return [
        {"email": f"c{n}@example.test", "first_name": "Søren", "last_name": f"Contact {n}"}
        for n in range(start, start + count)
    ]


class RecordContract:
    """The promises about what is read and written."""

    # --- reading ---

    def test_the_probe_tells_the_account(self, bench: Bench) -> None:
        identity = bench.make().probe()
        assert identity.account_id
        assert identity.account_name

    def test_the_entities_describe_the_contact_with_its_email(self, bench: Bench) -> None:
        adapter = bench.make()
        contact = next(one for one in adapter.entities() if one.name == bench.entity)
        email = contact.field(bench.email_field)
        assert email is not None
        assert email.type is FieldType.EMAIL
        assert email.identifies

    def test_every_value_kind_has_a_field_of_its_type(self, bench: Bench) -> None:
        entity: Entity = next(one for one in bench.make().entities() if one.name == bench.entity)
        for kind, (name, _, _) in bench.values.items():
            described = entity.field(name)
            assert described is not None, name
            assert described.type is kind, name

    def test_find_answers_each_value_as_it_was_asked(self, bench: Bench) -> None:
        first, second = bench.seed(people(2))
        found = bench.make().find(
            bench.entity,
            bench.email_field,
            ["C0@Example.test", "c1@example.test", "nobody@example.test"],
            want=[bench.email_field],
        )
        assert [one.remote_id for one in found["C0@Example.test"]] == [first]
        assert [one.remote_id for one in found["c1@example.test"]] == [second]
        assert found["nobody@example.test"] == ()

    def test_find_by_id_answers_the_record_and_nothing_for_a_gone_one(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        adapter = bench.make()
        found = adapter.find(
            bench.entity, adapter.traits.id_field, [first, "999999999999999"], want=[]
        )
        assert [one.remote_id for one in found[first]] == [first]
        assert found["999999999999999"] == ()

    def test_find_by_id_reads_a_full_batch_in_one_call(self, bench: Bench) -> None:
        adapter = bench.make()
        count = adapter.traits.read_batch
        ids = bench.seed(people(count))
        before = len(bench.calls())
        found = adapter.find(bench.entity, adapter.traits.id_field, ids, want=[bench.email_field])
        assert len(bench.calls()) - before == 1
        assert all(len(found[one]) == 1 for one in ids)

    def test_a_wanted_field_the_crm_does_not_have_pauses_the_mapping(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        adapter = bench.make()
        with pytest.raises(PauseMapping) as raised:
            adapter.find(bench.entity, adapter.traits.id_field, [first], want=["no_such_field"])
        assert raised.value.field == "no_such_field"

    # --- writing ---

    def test_what_was_written_is_read_back_in_every_type(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        adapter = bench.make()
        for place in (1, 2):
            values = {spec[0]: spec[place] for spec in bench.values.values()}
            batch = Batch(bench.entity, Operation.UPDATE, (Row("k1", values, first),))
            (outcome,) = written(adapter, batch)
            assert outcome.status is Status.WRITTEN, outcome
            assert outcome.remote_id == first
            record = adapter.find(
                bench.entity, adapter.traits.id_field, [first], want=list(values)
            )[first][0]
            assert dict(record.values) == values

    def test_a_field_is_cleared_by_none_and_others_stay(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        adapter = bench.make()
        text = bench.values[FieldType.TEXT]
        # Some CRMs have one number type only.
        number = bench.values.get(FieldType.INTEGER) or bench.values[FieldType.NUMBER]
        both = {text[0]: text[1], number[0]: number[1]}
        written(adapter, Batch(bench.entity, Operation.UPDATE, (Row("k1", both, first),)))
        written(
            adapter, Batch(bench.entity, Operation.UPDATE, (Row("k2", {text[0]: None}, first),))
        )
        record = adapter.find(
            bench.entity, adapter.traits.id_field, [first], want=[text[0], number[0]]
        )[first][0]
        assert dict(record.values) == {text[0]: None, number[0]: number[1]}

    def test_a_full_batch_of_updates_is_one_write_call(self, bench: Bench) -> None:
        adapter = bench.make()
        count = adapter.traits.write_batch
        ids = bench.seed(people(count))
        text = bench.values[FieldType.TEXT]
        rows = tuple(Row(f"k{n}", {text[0]: text[1]}, one) for n, one in enumerate(ids))
        before = len(bench.calls())
        started = adapter.write(Batch(bench.entity, Operation.UPDATE, rows))
        assert len(bench.calls()) - before == 1
        outcomes = settled(adapter, started).outcomes
        assert [one.key for one in outcomes] == [row.key for row in rows]
        assert {one.status for one in outcomes} == {Status.WRITTEN}

    def test_a_bad_row_does_not_stop_its_neighbours(self, bench: Bench) -> None:
        ids = bench.seed(people(3))
        text = bench.values[FieldType.TEXT]
        rows = (
            Row("k0", {text[0]: text[1]}, ids[0]),
            Row("k1", dict([bench.bad]), ids[1]),
            Row("k2", {text[0]: text[1]}, ids[2]),
        )
        outcomes = written(bench.make(), Batch(bench.entity, Operation.UPDATE, rows))
        assert [one.status for one in outcomes] == [
            Status.WRITTEN,
            Status.REJECTED,
            Status.WRITTEN,
        ]
        assert outcomes[1].code
        assert str(bench.bad[1]) not in outcomes[1].message

    def test_an_update_of_a_gone_record_is_not_found(self, bench: Bench) -> None:
        text = bench.values[FieldType.TEXT]
        row = Row("k1", {text[0]: text[1]}, "999999999999999")
        (outcome,) = written(bench.make(), Batch(bench.entity, Operation.UPDATE, (row,)))
        assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")

    def test_a_create_answers_the_new_id(self, bench: Bench) -> None:
        adapter = bench.make()
        rows = (Row("k1", bench.new_contact("new@example.test")),)
        batch = Batch(bench.entity, Operation.CREATE, rows, match_field=bench.email_field)
        (outcome,) = written(adapter, batch)
        assert outcome.status is Status.WRITTEN
        assert outcome.created
        found = adapter.find(bench.entity, bench.email_field, ["new@example.test"], want=[])
        assert [one.remote_id for one in found["new@example.test"]] == [outcome.remote_id]

    def test_creating_a_contact_that_exists_makes_no_second_one(self, bench: Bench) -> None:
        if not bench.unique_email:
            pytest.skip("this CRM allows two contacts with one e-mail address")
        (first,) = bench.seed(people(1))
        adapter = bench.make()
        rows = (Row("k1", bench.new_contact("c0@example.test")),)
        batch = Batch(bench.entity, Operation.CREATE, rows, match_field=bench.email_field)
        (outcome,) = written(adapter, batch)
        assert not outcome.created
        assert outcome.remote_id == first

    # --- writing only what nobody has changed ---

    def as_read(self, bench: Bench, remote_id: str, name: str) -> Record:
        adapter = bench.make()
        found = adapter.find(bench.entity, adapter.traits.id_field, [remote_id], want=[name])
        return found[remote_id][0]

    def write_as_read(self, bench: Bench, record: Record, name: str, value: FieldValue) -> Outcome:
        """A conditional write of a record as it was read; skipped where the CRM has none."""
        adapter = bench.make()
        if not isinstance(adapter, ConditionalWriter):
            pytest.skip("this CRM has no conditional write")
        assert record.updated_at is not None
        row = Row("k1", {name: value}, record.remote_id)
        return adapter.write_unchanged(bench.entity, row, since=record.updated_at)

    def test_a_record_that_nobody_has_changed_is_written(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        name, value, _ = bench.values[FieldType.TEXT]
        outcome = self.write_as_read(bench, self.as_read(bench, first, name), name, value)
        assert (outcome.status, outcome.remote_id) == (Status.WRITTEN, first)
        assert self.as_read(bench, first, name).values == {name: value}

    def test_a_record_that_was_changed_meanwhile_is_not_written(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        name, value, theirs = bench.values[FieldType.TEXT]
        record = self.as_read(bench, first, name)
        bench.control("clock", {"offset_s": 60})
        colleague = Row("k0", {name: theirs}, first)
        written(bench.make(), Batch(bench.entity, Operation.UPDATE, (colleague,)))
        outcome = self.write_as_read(bench, record, name, value)
        assert (outcome.status, outcome.code) == (Status.RETRY, "changed")
        assert self.as_read(bench, first, name).values == {name: theirs}

    def test_a_value_is_refused_and_a_gone_record_is_not_found_there_too(
        self, bench: Bench
    ) -> None:
        (first,) = bench.seed(people(1))
        name, value, _ = bench.values[FieldType.TEXT]
        record = self.as_read(bench, first, name)
        refused = self.write_as_read(bench, record, *bench.bad)
        assert (refused.status, refused.field) == (Status.REJECTED, bench.bad[0])
        gone = replace(record, remote_id="999999999999999")
        outcome = self.write_as_read(bench, gone, name, value)
        assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")

    def test_a_conditional_write_without_an_answer_is_unknown(self, bench: Bench) -> None:
        (first,) = bench.seed(people(1))
        name, value, _ = bench.values[FieldType.TEXT]
        record = self.as_read(bench, first, name)
        for action in ({"drop_after": True}, {"html_after": True}, {"status": 500, "body": {}}):
            bench.control("fault", {"method": "PATCH|PUT", "path": ".*", "action": action})
            with pytest.raises(OutcomeUnknown):
                self.write_as_read(bench, record, name, value)

    # --- what the account has left ---

    def test_what_the_account_has_left_stands_on_its_answers(self, bench: Bench) -> None:
        adapter = bench.make()
        if not isinstance(adapter, UsageTeller):
            pytest.skip("this CRM tells nobody what is left")
        told: list[tuple[Usage, ...]] = []

        def hear(_status: int, headers: Mapping[str, str]) -> None:
            told.append(adapter.usage_told(headers, at, learnt={}))

        at = datetime(2026, 11, 22, 12, tzinfo=UTC)
        (record,) = bench.seed(people(1))
        reading = bench.make(Wire(answered=hear))
        for _ in range(2):
            reading.find(bench.entity, reading.traits.id_field, [record], want=[])
        first, second = (one[0] for one in told[:2])
        assert first.limit == second.limit
        assert 0 <= second.remaining < first.remaining < first.limit

    # --- tags and notes ---

    def test_a_score_tag_replaces_its_own_and_no_other(self, bench: Bench) -> None:
        adapter = bench.make()
        if adapter.traits.tags.place is not TagPlace.ENDPOINT:
            pytest.skip("tags travel in a field here, or there are none: see the field round trip")
        assert isinstance(adapter, TagTaker)
        assert bench.foreign_tags is not None
        assert bench.tags_of is not None
        (first,) = bench.seed(people(1))
        bench.foreign_tags(first, ["vip", "npstoday_other_3"])
        owned = frozenset(f"npstoday_fair_{n}" for n in range(11))
        for score in (7, 9):
            change = TagChange(f"k{score}", first, (f"npstoday_fair_{score}",), owned)
            (outcome,) = adapter.retag(bench.entity, [change]).outcomes
            assert outcome.status is Status.WRITTEN
            assert outcome.detail["tag"] == f"npstoday_fair_{score}"
        assert set(bench.tags_of(first)) == {"vip", "npstoday_other_3", "npstoday_fair_9"}
        again = TagChange("k9b", first, ("npstoday_fair_9",), owned)
        (outcome,) = adapter.retag(bench.entity, [again]).outcomes
        assert outcome.status is Status.UNCHANGED

    def note_for(self, remote_id: str, n: int) -> Note:
        marker = f"ref: 00000000-0000-4000-8000-00000000000{n}"
        return Note(
            key=f"n{n}",
            remote_id=remote_id,
            marker=marker,
            title="After the meeting",
            text=f"Why? Friendly 😀 & <b>fair</b>\n{marker}",
            html=f"<p>Why? Friendly 😀 &amp; &lt;b&gt;fair&lt;/b&gt;</p><p>{marker}</p>",
            at=datetime(2026, 11, 22, 1, 2, tzinfo=UTC),
            thread="contact-1-campaign-5000",
        )

    def test_a_note_is_found_again_by_its_marker(self, bench: Bench) -> None:
        adapter = bench.make()
        if adapter.traits.note_limit is None:
            pytest.skip("this app holds no notes")
        assert isinstance(adapter, NoteTaker)
        (first,) = bench.seed(people(1))
        notes = [self.note_for(first, 1)]
        assert adapter.noted(bench.entity, notes) == {}
        (outcome,) = adapter.note(bench.entity, notes).outcomes
        assert outcome.status is Status.WRITTEN
        found = adapter.noted(bench.entity, [*notes, self.note_for(first, 2)])
        assert found == {"n1": outcome.remote_id}

    def test_a_note_is_taken_back_once(self, bench: Bench) -> None:
        adapter = bench.make()
        if adapter.traits.note_limit is None or not isinstance(adapter, Retractor):
            pytest.skip("this app holds no notes, or gives none back")
        assert isinstance(adapter, NoteTaker)
        (first,) = bench.seed(people(1))
        notes = [self.note_for(first, number) for number in (1, 2)]
        made = adapter.note(bench.entity, notes).outcomes
        told = [Retraction(f"x{n}", notes[n], str(made[n].remote_id)) for n in range(2)]
        (done,) = adapter.retract(bench.entity, told[:1]).outcomes
        again = adapter.retract(bench.entity, told).outcomes
        assert done.status is Status.WRITTEN
        assert [one.status for one in again] == [Status.UNCHANGED, Status.WRITTEN]
        # What cannot be removed has a mark beside it.
        marks = {str(one.detail["left"]) for one in (done, again[1]) if "left" in one.detail}
        assert marks or adapter.noted(bench.entity, notes) == {}

    def test_a_note_applied_without_an_answer_is_found_again(self, bench: Bench) -> None:
        adapter = bench.make()
        if adapter.traits.note_limit is None:
            pytest.skip("this app holds no notes")
        assert isinstance(adapter, NoteTaker)
        (first,) = bench.seed(people(1))
        notes = [self.note_for(first, 3)]
        bench.control(
            "fault",
            {
                "method": "POST|PUT",
                "path": ".*",
                "occurrence": 1,
                "times": 1,
                "action": {"drop_after": True},
            },
        )
        with pytest.raises(OutcomeUnknown):
            adapter.note(bench.entity, notes)
        again = bench.make()
        assert isinstance(again, NoteTaker)
        assert set(again.noted(bench.entity, notes)) == {"n3"}

    # --- tasks ---

    def task_taker(self, bench: Bench) -> TaskTaker:
        adapter = bench.make()
        if not adapter.traits.task_batch:
            pytest.skip("this app gives people no tasks")
        assert isinstance(adapter, TaskTaker)
        return adapter

    def task_for(self, remote_id: str, n: int) -> Task:
        return Task(
            key=f"t{n}",
            remote_id=remote_id,
            marker=f"7d7e{n}b52-9a55-4b52-9a55-3f1f4a9d5c11",
            title="Call & ask",
            text="Why? Slow 😀 & <b>dear</b>",
            due=date(2026, 11, 24),
        )

    def test_a_task_is_found_again_by_its_marker_and_on_its_own_contact(self, bench: Bench) -> None:
        adapter = self.task_taker(bench)
        first, second = bench.seed(people(2))
        tasks = [self.task_for(first, 1), self.task_for(second, 2)]
        assert adapter.tasked(bench.entity, tasks) == {}
        outcomes = [one for task in tasks for one in adapter.task(bench.entity, [task]).outcomes]
        assert {(one.status, one.created) for one in outcomes} == {(Status.WRITTEN, True)}
        others = [self.task_for(first, 3), replace(tasks[1], key="t4", remote_id=first)]
        found = adapter.tasked(bench.entity, [*tasks, *others])
        assert found == {one.key: one.remote_id for one in outcomes}

    def test_a_task_opened_without_an_answer_is_found_again(self, bench: Bench) -> None:
        """The last of its calls is the one that opens it."""
        adapter = self.task_taker(bench)
        (first,) = bench.seed(people(1))
        before = len(bench.calls())
        adapter.task(bench.entity, [self.task_for(first, 1)])
        posts = [one for one in bench.calls()[before:] if one["method"] == "POST"]
        order = {"method": "POST", "path": ".*", "occurrence": len(posts), "times": 1}
        bench.control("fault", {**order, "action": {"drop_after": True}})
        lost = [self.task_for(first, 2)]
        with pytest.raises(OutcomeUnknown):
            self.task_taker(bench).task(bench.entity, lost)
        assert set(self.task_taker(bench).tasked(bench.entity, lost)) == {"t2"}

    def test_a_task_for_a_record_that_is_gone_stops_no_other(self, bench: Bench) -> None:
        adapter = self.task_taker(bench)
        (first,) = bench.seed(people(1))
        tasks = [self.task_for("999999999999999", 1), self.task_for(first, 2)]
        size = bench.make().traits.task_batch
        parts = [tasks[at : at + size] for at in range(0, len(tasks), size)]
        told = [one for part in parts for one in adapter.task(bench.entity, part).outcomes]
        assert [(one.status, one.code) for one in told] == [
            (Status.REJECTED, "not_found"),
            (Status.WRITTEN, ""),
        ]

    # --- files ---

    def file_taker(self, bench: Bench) -> FileTaker:
        adapter = bench.make()
        if not isinstance(adapter, FileTaker):
            pytest.skip("this CRM takes no files from here")
        return adapter

    def file_for(self, remote_id: str, n: int) -> Attachment:
        return Attachment(
            key=f"f{n}",
            remote_id=remote_id,
            marker=f"answerback-{n}f3b8c1e-7d7e-4b52-9a55-3f1f4a9d5c11",
            name="Photo & plan.pdf",
            content_type="application/pdf",
            question="What did it look like?",
            title="After the meeting",
            at=datetime(2026, 11, 22, 1, 2, tzinfo=UTC),
            thread=f"file-{n}-5000",
            content=b"%PDF-1.4\n%%EOF\n",
        )

    def hung(self, adapter: FileTaker, bench: Bench, files: Sequence[Attachment]) -> list[Outcome]:
        """The files filed as a deliver job would."""
        told = [adapter.file(bench.entity, one) for one in files]
        stored = [one for one in told if isinstance(one, Uploaded)]
        if stored:
            assert isinstance(adapter, FileEncloser)
            assert all(one.file.content == b"" for one in stored)
            told += adapter.enclose(bench.entity, stored).outcomes
        return [one for one in told if isinstance(one, Outcome)]

    def test_a_file_is_found_again_by_its_marker(self, bench: Bench) -> None:
        adapter = self.file_taker(bench)
        first, second = bench.seed(people(2))
        files = [self.file_for(first, 1), self.file_for(second, 2)]
        assert [adapter.filed(bench.entity, one) for one in files] == [None, None]
        outcomes = self.hung(adapter, bench, files)
        assert {one.status for one in outcomes} == {Status.WRITTEN}
        assert [adapter.filed(bench.entity, one) for one in files] == [
            one.remote_id for one in sorted(outcomes, key=lambda each: each.key)
        ]
        assert adapter.filed(bench.entity, self.file_for(first, 3)) is None

    def test_a_file_hung_up_without_an_answer_is_found_again(self, bench: Bench) -> None:
        """Whichever of its calls was the last one."""
        adapter = self.file_taker(bench)
        (first,) = bench.seed(people(1))
        before = len(bench.calls())
        self.hung(adapter, bench, [self.file_for(first, 4)])
        changing = [one for one in bench.calls()[before:] if one["method"] != "GET"]
        order = {"method": "POST|PUT", "path": ".*", "occurrence": len(changing), "times": 1}
        bench.control("fault", {**order, "action": {"drop_after": True}})
        with pytest.raises(OutcomeUnknown):
            self.hung(self.file_taker(bench), bench, [self.file_for(first, 5)])
        again = self.file_taker(bench)
        assert again.filed(bench.entity, self.file_for(first, 5)) is not None

    def test_a_file_for_a_record_that_is_gone_is_not_found(self, bench: Bench) -> None:
        adapter = self.file_taker(bench)
        bench.seed(people(1))
        (outcome,) = self.hung(adapter, bench, [self.file_for("999999999999999", 6)])
        assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")

    # --- trials ---

    def test_a_watched_write_is_seen_and_can_be_kept_back(self, bench: Bench) -> None:
        recorder = Recorder()
        adapter = bench.make(Wire(watch=recorder.watch))
        (first,) = bench.seed(people(1))
        adapter.find(bench.entity, adapter.traits.id_field, [first], want=[])
        assert [one.sent for one in recorder.calls] == [True] * len(recorder.calls)
        held = len(recorder.calls)
        name = bench.values[FieldType.TEXT][0]
        row = Row("k1", {name: CANARY}, first)
        with recorder.keeping_back(), pytest.raises(NotSent):
            adapter.write(Batch(bench.entity, Operation.UPDATE, (row,)))
        *read, kept = recorder.calls[held:]
        assert ([one.sent for one in read], kept.sent) == ([True] * len(read), False)
        assert CANARY in f"{kept.call.path} {kept.call.body!r}"
        known = adapter.find(bench.entity, adapter.traits.id_field, [first], want=[name])
        assert known[first][0].values[name] != CANARY


class CallContract:
    """The promises about how a call can end, whatever it reads or writes."""

    # --- whole-call errors ---

    def read_one(self, bench: Bench, wire: Wire | None = None, token: str | None = None) -> Any:
        (first,) = bench.seed(people(1))
        options: dict[str, Any] = {} if token is None else {"token": token}
        adapter = bench.make(wire or Wire(), **options)
        return adapter.find(bench.entity, adapter.traits.id_field, [first], want=[])

    def write_one(self, bench: Bench, wire: Wire | None = None) -> BatchResult | Started:
        (first,) = bench.seed(people(1))
        name = bench.values[FieldType.TEXT][0]
        if bench.bodyless_updates:
            new = Row("k1", {**bench.new_contact("spoilt@example.test"), name: CANARY})
            return bench.make(wire or Wire()).write(Batch(bench.entity, Operation.CREATE, (new,)))
        row = Row("k1", {name: CANARY}, first)
        return bench.make(wire or Wire()).write(Batch(bench.entity, Operation.UPDATE, (row,)))

    def test_a_refused_token_asks_for_a_refresh(self, bench: Bench) -> None:
        with pytest.raises(TokenExpired):
            self.read_one(bench, token="no-such-token")

    def test_a_429_throttles_for_as_long_as_it_says(self, bench: Bench) -> None:
        bench.fault(bench.read_path, status=429, headers={"Retry-After": "7"}, body={})
        with pytest.raises(Throttled) as raised:
            self.read_one(bench)
        assert raised.value.wait_s == 7

    def test_a_429_with_an_http_date_throttles_until_then(self, bench: Bench) -> None:
        at = datetime.fromtimestamp(time.time() + 60, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        bench.fault(bench.read_path, status=429, headers={"Retry-After": at}, body={})
        with pytest.raises(Throttled) as raised:
            self.read_one(bench)
        assert raised.value.wait_s is not None
        assert 50 < raised.value.wait_s <= 61

    def test_a_429_without_a_time_throttles_without_one(self, bench: Bench) -> None:
        bench.fault(bench.read_path, status=429, body={})
        with pytest.raises(Throttled):
            self.read_one(bench)

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_server_error_is_tried_later(self, bench: Bench, status: int) -> None:
        bench.fault(bench.read_path, status=status, body={})
        with pytest.raises(TryLater) as raised:
            self.read_one(bench)
        assert not isinstance(raised.value, Throttled)

    def test_a_redirect_is_not_followed(self, bench: Bench) -> None:
        bench.fault(
            bench.read_path, status=302, headers={"Location": "http://127.0.0.1:9/"}, body={}
        )
        with pytest.raises(AdapterError) as raised:
            self.read_one(bench)
        assert not isinstance(raised.value, Throttled)

    @pytest.mark.parametrize(
        "action",
        [
            {"drop_after": True},
            {"half_after": True},
            {"bad_json_after": True},
            {"html_after": True},
            {"empty_after": True},
            {"wrong_type_after": True},
            {"huge_after": True},
            {"gzip_bomb_after": 40},
        ],
        ids=lambda action: next(iter(action)),
    )
    def test_an_answer_that_cannot_be_trusted_leaves_the_outcome_unknown(
        self, bench: Bench, action: dict[str, Any]
    ) -> None:
        bench.fault(bench.write_path, **action)
        with pytest.raises(OutcomeUnknown):
            self.write_one(bench)

    def test_an_answer_that_comes_too_late_leaves_the_outcome_unknown(self, bench: Bench) -> None:
        bench.fault(bench.write_path, slow_after=True, delay_s=0.8)
        with pytest.raises(OutcomeUnknown):
            self.write_one(bench, Wire(read_s=0.4, total_s=3))

    def test_a_call_dropped_before_it_was_applied_is_tried_later(self, bench: Bench) -> None:
        bench.fault(bench.write_path, drop_before=True)
        with pytest.raises(TryLater):
            self.write_one(bench)

    def test_a_dripping_body_is_cut_at_the_deadline(self, bench: Bench) -> None:
        bench.fault(bench.write_path, drip=0.25)
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            self.write_one(bench, Wire(read_s=0.5, total_s=0.6))
        assert time.monotonic() - began < 2

    def test_no_error_carries_a_value(self, bench: Bench) -> None:
        bench.fault(bench.write_path, status=500, body={"message": CANARY})
        with pytest.raises(AdapterError) as raised:
            self.write_one(bench)
        assert CANARY not in str(raised.value)

    # --- the wire ---

    def test_every_call_asks_first_and_tells_after(self, bench: Bench) -> None:
        asked: list[str | None] = []
        told: list[int] = []
        wire = Wire(before=asked.append, answered=lambda status, _headers: told.append(status))
        before = len(bench.calls())
        self.read_one(bench, wire)
        assert len(asked) == len(told) == len(bench.calls()) - before

    def test_a_wire_that_refuses_sends_nothing(self, bench: Bench) -> None:
        def refuse(_kind: str | None) -> None:
            raise Throttled(wait_s=3)

        before = len(bench.calls())
        with pytest.raises(Throttled) as raised:
            self.read_one(bench, Wire(before=refuse))
        assert raised.value.wait_s == 3
        assert len(bench.calls()) == before


class AdapterContract(RecordContract, CallContract):
    """All the promises. Test classes of adapters inherit them."""
