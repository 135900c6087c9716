"""Surveys taken in Odoo: finished answers are asked for, and go all the way, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from adapters.odoo.client import Client
from adapters.odoo.surveys import Surveys
from connector import clock
from connector.problems import Code, Refusal
from connector.queues import Doorbell
from connector.responses import emptied, notices, polling, sources, surveydues, vanished
from connector.sweep import Sweep
from simulators.kit.server import running
from simulators.odoo import Odoo
from simulators.odoo.survey_definitions import line_model
from tests.faults.processes import Processes, hub_variables
from tests.world import CRMSeen, World

FIELDS_OF = {"nps": "numerical_box", "why": "text_box", "topics": "multiple_choice"}
EMAIL = "c1@example.test"


class Taken:
    """A survey in a simulated Odoo that is also the CRM which the answers are written to."""

    def __init__(self, world: World, crm: CRMSeen, version: int) -> None:
        self.world, self.crm = world, crm
        self._lines: dict[int, list[int]] = {}
        self._ahead_s = 0.0
        self.later = version >= 13
        title, kind = ("title", "question_type") if self.later else ("question", "type")
        made = crm.control("seed", {"create": {"survey.survey": [{"title": "After the meeting"}]}})
        (self.survey,) = made["survey.survey"]
        rows = [
            {"survey_id": self.survey, title: name, kind: FIELDS_OF[name], "sequence": place}
            for place, name in enumerate(FIELDS_OF)
        ]
        made = crm.control("seed", {"create": {"survey.question": rows}})
        self.nps, self.why, self.topics = made["survey.question"]
        self.option_model = "survey.question.answer" if version >= 14 else "survey.label"
        self.line_model = line_model(version)
        options = [{"question_id": self.topics, "value": one} for one in ("Price", "Staff")]
        made = crm.control("seed", {"create": {self.option_model: options}})
        self.price, self.staff = made[self.option_model]
        names = {"types": {f"q{self.nps}": "nps"}, "connection": crm.connection_id}
        with world.database.begin(world.workspace_id) as store:
            self.source = sources.create(
                store,
                world.hub.desk,
                world.workspace_id,
                name="Odoo",
                platform="odoo",
                max_bytes=1024,
                settings=names,
            )

    def finish(self, score: int, *, why: str = "", email: str = EMAIL, **more: Any) -> int:
        """Somebody finishes the survey; the number of what they have answered."""
        given = {"survey_id": self.survey, "email": email, "state": "done", **more}
        (number,) = self._made("survey.user_input", [given])
        lines = [self.line(number, self.nps, score)]
        lines += [self.line(number, self.topics, one) for one in (self.price, self.staff)]
        skipped = {"user_input_id": number, "question_id": self.why, "skipped": True}
        lines += [self.line(number, self.why, why) if why else skipped]
        self._lines[number] = self._made(self.line_model, lines)
        return number

    def line(self, number: int, question: int, value: Any) -> dict[str, Any]:
        kinds = {
            self.nps: ("numerical_box", "value_numerical_box", "number", "value_number"),
            self.why: ("text_box", "value_text_box", "free_text", "value_free_text"),
            self.topics: ("suggestion", "suggested_answer_id", "suggestion", "value_suggested"),
        }
        kind, field = kinds[question][:2] if self.later else kinds[question][2:]
        return {
            "user_input_id": number,
            "question_id": question,
            "answer_type": kind,
            field: value,
        }

    def lines_of(self, number: int) -> list[int]:
        """The lines that were made last for it."""
        return self._lines[number]

    def value(self, score: int) -> dict[str, Any]:
        return {"value_numerical_box" if self.later else "value_number": score}

    def _made(self, model: str, rows: list[dict[str, Any]]) -> list[int]:
        found: list[int] = self.crm.control("seed", {"create": {model: rows}})[model]
        return found

    def poll(self) -> None:
        """The scheduler's chore and the job, until what came is written."""
        with self.world.database.begin(self.world.workspace_id) as store:
            polling.schedule(store, self.world.workspace_id)
            notices.retry(store, self.source.id)
        self.gather()
        self.world.settle(hurry=False)

    def gather(self) -> None:
        for one in self.world.due():
            if one.kind == "gather":
                self.world.work(one)

    def versions(self) -> list[Any]:
        return self.world.rows("SELECT response_id, revision, body FROM response ORDER BY id")

    def notice(self) -> Any:
        (found,) = self.world.rows("SELECT state, reason, attempts FROM hook_notice")
        return found

    def forward(self, seconds: float) -> None:
        """Odoo's clock."""
        self._ahead_s += seconds
        self.crm.control("clock", {"offset_s": self._ahead_s})


@pytest.fixture(params=[11, 13, 16])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def taken(world: World, version: int) -> Iterator[Taken]:
    with running(Odoo(options={"version": version, "survey_installed": True})) as url:
        crm = world.connect("odoo", url)
        world.mapping(
            "odoo", rows=[{"variable": "answers.q1", "field": "x_nps_score"}], note="none"
        )
        crm.seed([{"email": EMAIL}])
        yield Taken(world, crm, version)


newest = pytest.mark.parametrize("version", [16], indirect=True)


def test_a_finished_answer_reaches_the_crm_once_and_its_edit_replaces_it(taken: Taken) -> None:
    number = taken.finish(9)
    taken.finish(1, email="c2@example.test", state="new")
    taken.finish(1, email="c3@example.test", test_entry=True)
    taken.poll()
    (first,) = taken.versions()
    assert first.response_id == f"odoo:{taken.survey}:{number}"
    answers = first.body["answers"]
    assert answers["q1"]["type"] == "nps"
    assert answers["q3"]["labels"] == ["Price", "Staff"]
    assert "q2" not in answers
    assert taken.crm.value(EMAIL, "score") == 9
    taken.poll()
    assert len(taken.versions()) == 1
    # Odoo moves the answer's time alone.
    taken.forward(60)
    line = taken.lines_of(number)[0]
    taken.crm.control("seed", {"change": {taken.line_model: {line: taken.value(3)}}})
    taken.poll()
    assert [one.revision for one in taken.versions()] == [1, 2]
    assert taken.crm.value(EMAIL, "score") == 3


@newest
def test_what_is_committed_late_or_beyond_a_page_is_not_lost(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAGE", 2)
    monkeypatch.setattr(polling, "MOST_PAGES", 1)
    taken.forward(3_600)
    for number in range(5):
        taken.finish(9, email=f"p{number}@example.test")
    taken.poll()
    for _ in range(3):
        taken.gather()
    assert len(taken.versions()) == 5
    # Its transaction began before the poll and ended behind it: its time is older than the mark.
    taken.forward(-540)
    taken.finish(2, email="late@example.test")
    taken.forward(540)
    for _ in range(4):
        taken.poll()
    assert len(taken.versions()) == 6


@newest
def test_one_that_is_gone_mid_poll_and_one_that_makes_no_sense_stop_no_neighbour(
    taken: Taken,
) -> None:
    gone, odd = taken.finish(9, email="gone@example.test"), taken.finish(9, email="no address")
    lines = taken.lines_of(gone)
    taken.crm.control("seed", {"remove": {taken.line_model: lines}})
    taken.finish(4)
    taken.poll()
    assert taken.crm.value(EMAIL, "score") == 4
    found = {one.response_id for one in taken.versions()}
    assert f"odoo:{taken.survey}:{gone}" not in found
    assert f"odoo:{taken.survey}:{odd}" in found


@newest
def test_a_poll_that_fails_says_why_and_goes_on_when_it_is_mended(taken: Taken) -> None:
    taken.poll()
    taken.finish(7)
    taken.crm.fault(saying=taken.line_model, drop_after=True)
    with taken.world.database.begin(taken.world.workspace_id) as store:
        store.execute(text("UPDATE hook_notice SET due_at = now()"))
    taken.gather()
    assert (taken.notice().state, taken.notice().reason) == ("pending", "source_failed")
    # The key is revoked: the connection asks for a person, the poll waits for them.
    taken.crm.control("oauth", {"revoke": True})
    taken.poll()
    assert taken.notice().reason == "connection_unavailable"
    taken.world.reconnect("odoo", taken.crm.connection_id, taken.crm.url)
    taken.poll()
    taken.poll()
    assert (taken.notice().state, taken.notice().reason) == ("pending", None)
    assert taken.crm.value(EMAIL, "score") == 7


# --- deleted there -------------------------------------------------------------------------------


def ages(taken: Taken, hours: int = 2) -> None:
    """What was not there at the last look has not been for so long."""
    with taken.world.database.begin(taken.world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE hook_notice SET what = what || jsonb_build_object('missing', ("
                " SELECT coalesce(jsonb_object_agg(key, (now() - make_interval(hours => :h))"
                " ::text), '{}') FROM jsonb_each(CAST(what->>'missing' AS jsonb)))::text)"
            ),
            {"h": hours},
        )


def remove(taken: Taken, *numbers: int) -> None:
    taken.crm.control("seed", {"remove": {"survey.user_input": list(numbers)}})


def deleted(taken: Taken) -> list[str]:
    rows = taken.world.rows(
        "SELECT response_id FROM response WHERE event = 'deleted' ORDER BY response_id"
    )
    return [one.response_id for one in rows]


@pytest.mark.parametrize("version", [11, 16], indirect=True)
def test_one_that_is_deleted_in_odoo_is_taken_back_at_the_second_look(taken: Taken) -> None:
    gone, stays = taken.finish(9), taken.finish(4, email="c2@example.test")
    taken.poll()
    assert taken.crm.value(EMAIL, "score") == 9
    remove(taken, gone)
    taken.poll()
    # Not within the hour, however often it is looked for.
    taken.poll()
    assert deleted(taken) == []
    ages(taken)
    for _ in range(2):
        taken.poll()
    assert deleted(taken) == [f"odoo:{taken.survey}:{gone}"]
    assert taken.crm.value(EMAIL, "score") != 9
    assert f"odoo:{taken.survey}:{stays}" not in deleted(taken)
    (told,) = taken.world.rows("SELECT detail FROM audit WHERE action = 'responses.vanished'")
    assert told.detail["count"] == 1


@newest
def test_one_that_is_back_at_the_second_look_was_never_gone(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken.finish(9)
    taken.poll()
    with monkeypatch.context() as patched:
        patched.setattr(Surveys, "standing", lambda *_: frozenset())
        taken.poll()
    taken.poll()
    ages(taken)
    with monkeypatch.context() as patched:
        patched.setattr(Surveys, "standing", lambda *_: frozenset())
        taken.poll()
    assert deleted(taken) == []


@newest
@pytest.mark.parametrize("fault", ["hidden", "no right", "lost", "another answer"])
def test_an_odoo_that_does_not_tell_all_deletes_nothing(
    taken: Taken, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    numbers = [taken.finish(9, email=f"p{number}@example.test") for number in range(3)]
    taken.poll()
    if fault == "hidden":
        taken.crm.control("options", {"hidden": numbers[:2]})
    elif fault == "another answer":
        monkeypatch.setattr(Client, "read", _otherwise(Client.read))
    elif fault == "no right":
        taken.crm.control("options", {"denied": ["read survey.user_input"]})
    for _ in range(2):
        if fault == "lost":
            taken.crm.fault(saying='"read"', drop_after=True)
        taken.poll()
        ages(taken)
    assert deleted(taken) == []
    assert taken.notice().reason in {"source_forbidden", "source_failed", "connection_unavailable"}


def _otherwise(read: Any) -> Any:
    """Odoo's readings by id answer what nobody has asked for."""

    def answer(client: Client, model: str, method: str, *arguments: Any, **named: Any) -> Any:
        if method == "read":
            return [{"id": 10**6}]
        return read(client, model, method, *arguments, **named)

    return answer


@newest
def test_where_nearly_all_are_gone_at_once_nothing_is_taken_back_and_a_person_sees_why(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vanished, "MOST_GONE", 2)
    numbers = [taken.finish(9, email=f"p{number}@example.test") for number in range(5)]
    taken.poll()
    remove(taken, *numbers[:3])
    for _ in range(2):
        taken.poll()
        ages(taken)
    assert deleted(taken) == []
    assert taken.notice().reason == "source_suspicious"
    # What comes meanwhile is taken as ever.
    taken.finish(7)
    taken.poll()
    assert taken.crm.value(EMAIL, "score") == 7


@newest
def test_a_person_who_knows_that_they_were_deleted_confirms_it_and_they_are_taken_back(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vanished, "MOST_GONE", 1)
    monkeypatch.setattr(vanished, "AT_ONCE", 2)
    numbers = [taken.finish(9)]
    numbers += [taken.finish(9, email=f"p{number}@example.test") for number in range(4)]
    taken.poll()
    assert refused(taken, 2) == "Nothing of this source is held."
    assert taken.crm.value(EMAIL, "score") == 9
    remove(taken, *numbers[:4])
    taken.poll()
    assert held(taken) == (2, 2)
    assert refused(taken, 3) == "Meanwhile 2 are gone: look again first."
    confirm(taken, 2)
    assert held(taken) is None
    # At once, and one look after the other: nobody waits for an hour, nor for the next poll.
    taken.poll()
    assert deleted(taken) == [f"odoo:{taken.survey}:{one}" for one in numbers[:4]]
    assert taken.crm.value(EMAIL, "score") != 9
    assert taken.notice().reason is None
    # What vanishes later is held again.
    more = [taken.finish(9, email=f"q{number}@example.test") for number in range(2)]
    taken.poll()
    remove(taken, numbers[4], *more)
    for _ in range(4):
        taken.poll()
    assert held(taken) == (2, 2)
    assert len(deleted(taken)) == 4


@newest
def test_what_is_not_used_of_a_confirmation_ends_with_the_day(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vanished, "MOST_GONE", 1)
    numbers = [taken.finish(9, email=f"p{number}@example.test") for number in range(2)]
    taken.poll()
    remove(taken, *numbers)
    taken.poll()
    confirm(taken, 2, now=clock.now() - emptied.CONFIRMED_FOR)
    taken.poll()
    assert deleted(taken) == []
    assert held(taken) == (2, 2)


def held(taken: Taken) -> tuple[int, int] | None:
    """What the source says is gone, and of how many."""
    with taken.world.database.begin(taken.world.workspace_id) as store:
        found = emptied.held(store, taken.world.workspace_id).get(taken.source.id)
    return (found.gone, found.asked) if found else None


def confirm(taken: Taken, gone: int, *, now: datetime | None = None) -> None:
    with taken.world.database.begin(taken.world.workspace_id) as store:
        emptied.confirm(
            store, taken.world.workspace_id, taken.source.id, gone=gone, now=now or clock.now()
        )


def refused(taken: Taken, gone: int) -> str:
    with pytest.raises(Refusal) as caught:
        confirm(taken, gone)
    assert caught.value.code == Code.CONFLICT
    return str(caught.value.detail)


@newest
def test_looks_go_on_where_the_last_ended_and_then_begin_anew(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vanished, "AT_ONCE", 2)
    numbers = [taken.finish(9, email=f"p{number}@example.test") for number in range(5)]
    taken.poll()
    remove(taken, numbers[4])
    for _ in range(3):
        taken.poll()
    ages(taken)
    for _ in range(3):
        taken.poll()
    assert deleted(taken) == [f"odoo:{taken.survey}:{numbers[4]}"]


# --- the scheduler, and a killed poll -------------------------------------------------------------


@newest
def test_the_scheduler_itself_sees_that_a_source_is_polled(taken: Taken) -> None:
    taken.finish(8)
    Sweep(taken.world.hub, Doorbell(str(taken.world.hub.settings.redis_url))).once()
    taken.gather()
    taken.world.settle(hurry=False)
    assert taken.crm.value(EMAIL, "score") == 8


@newest
@pytest.mark.parametrize("place", ["poll_answered", "poll_accepted"])
def test_a_poll_that_dies_in_the_middle_brings_each_response_once(
    taken: Taken, place: str, child_environ: dict[str, str]
) -> None:
    processes = Processes({**child_environ, **hub_variables(lease_s=3.0, deadline_s=1.0)})
    taken.finish(9)
    taken.finish(4, email="c2@example.test")
    with taken.world.database.begin(taken.world.workspace_id) as store:
        polling.schedule(store, taken.world.workspace_id)
    try:
        processes.killed_job("gather", taken.world.workspace_id, 0, at=f"{place}=kill")
    finally:
        processes.end()
    assert len(taken.versions()) == (2 if place == "poll_accepted" else 0)
    with taken.world.database.begin(taken.world.workspace_id) as store:
        store.execute(text("UPDATE hook_notice SET lease_until = now() - interval '1 s'"))
    taken.poll()
    assert [one.revision for one in taken.versions()] == [1, 1]
    assert len({one.response_id for one in taken.versions()}) == 2
    assert taken.crm.value(EMAIL, "score") == 9


@newest
def test_surveys_are_fetched_with_their_questions(taken: Taken) -> None:
    with taken.world.database.begin(taken.world.workspace_id) as store:
        surveydues.ask_for(store, taken.world.hub.desk, taken.world.workspace_id, taken.source.id)
    taken.world.settle()
    (found,) = taken.world.rows(
        "SELECT v.body FROM survey_version v JOIN survey s ON s.id = v.survey_id"
    )
    questions = found.body["questions"]
    assert [one["type"] for one in questions] == ["nps", "text", "multi_choice"]
    assert [one["label"] for one in questions[2]["options"]] == ["Price", "Staff"]


@newest
def test_a_source_is_bound_to_a_connection_of_odoo_and_takes_no_pushes(taken: Taken) -> None:
    assert taken.source.token is None
    with (
        taken.world.database.begin(taken.world.workspace_id) as store,
        pytest.raises(Refusal) as refused,
    ):
        sources.change(
            store,
            taken.world.hub.desk,
            taken.world.workspace_id,
            taken.source.id,
            settings={"connection": taken.crm.connection_id + 1},
        )
    assert refused.value.places[0].pointer == "/settings/connection"
