"""Home and the deliveries: what stands and why, one's life, trying again with a look before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from connector.access import Role
from connector.responses import causes, pulse, replay
from tests.pages.conftest import text_of
from tests.pages.filled import WHY, fill


@pytest.fixture
def here(alice, database):
    return fill(alice, database)


@contextmanager
def statements(database: Any) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_new_workspace_is_led_to_its_first_connection(alice):
    page = alice.get("~/")
    assert "Five steps to the first answer" in text_of(page)
    assert f"/w/{alice.slug}/apps" in page.text


def test_home_says_what_needs_a_person_and_what_they_can_do(here):
    page = text_of(here.browser.get("~/"))
    assert "A value or the record was refused · 1" in page
    assert WHY in page
    assert "Mend the mapping, the value or the record" in page
    assert "All is well" not in page


def test_home_says_when_all_is_well(here):
    here.sql("UPDATE delivery SET state = 'done' WHERE state IN ('dead', 'parked')")
    assert "All is well" in text_of(here.browser.get("~/"))


def test_home_names_a_connection_that_needs_attention_with_its_reason(here):
    here.sql("UPDATE connection SET state = 'needs_attention', reason = 'Enter a valid key.'")
    page = text_of(here.browser.get("~/"))
    assert "Enter a valid key." in page
    assert "Repair" in page


def test_the_day_counts_each_hour_once(here, database, alice):
    here.sql("UPDATE delivery SET settled_at = now() - interval '2 hours' WHERE state = 'dead'")
    with database.begin(alice.workspace_id) as store:
        day = pulse.day(store, alice.workspace_id)
    assert (day.received, day.written, day.failed, len(day.hours)) == (1, 1, 1, 24)
    assert [one.failed for one in day.hours[-3:]] == [1, 0, 0]


def test_a_day_with_more_than_is_counted_says_from_when_on(here, database, alice, monkeypatch):
    monkeypatch.setattr(pulse, "MOST_COUNTED", 2)
    with database.begin(alice.workspace_id) as store:
        assert pulse.day(store, alice.workspace_id).counted_from is not None


def test_the_speed_is_from_the_202_to_the_crm(here, database, alice):
    here.sql("UPDATE response SET received_at = now() - interval '30 s'")
    with database.begin(alice.workspace_id) as store:
        told = pulse.speed(store, alice.workspace_id)
    assert told is not None
    assert 29 < told.p50_s < 40


def test_what_goes_on_by_itself_needs_nobody(here, database, alice):
    here.sql("UPDATE delivery SET reason = 'rate' WHERE state = 'parked'")
    with database.begin(alice.workspace_id) as store:
        found = {one.reason: one for one in causes.causes(store, alice.workspace_id)}
    assert found["validation"].needs_somebody
    assert not found["rate"].needs_somebody


def test_deliveries_of_one_cause_are_one_line(here, database, alice):
    here.delivery("dead", reason="validation", error_code="too_long", error="another text")
    with database.begin(alice.workspace_id) as store:
        (told,) = [one for one in causes.causes(store, alice.workspace_id) if one.state == "dead"]
    assert (told.count, told.error, told.connection) == (2, "another text", "HubSpot <b>EU</b>")


def test_the_list_is_filtered_and_the_filter_is_in_the_address(here):
    page = here.browser.get("~/deliveries?state=dead")
    assert page.text.count("/deliveries/") >= 1
    assert f'/deliveries/{here.ids["dead"]}"' in page.text
    assert f'/deliveries/{here.ids["delivery_id"]}"' not in page.text
    assert re.search(r'value="dead"\s+selected', page.text)


def test_a_filter_that_finds_nothing_says_so(here):
    assert "Nothing fits this filter" in text_of(here.browser.get("~/deliveries?kind=file"))


def test_a_filter_that_is_none_is_refused_with_its_name(here):
    answer = here.browser.get("~/deliveries?state=lost")
    assert answer.status_code == 422
    assert "state is not valid" in text_of(answer)


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "LTE"])
def test_a_cursor_that_is_none_is_refused(here, cursor):
    assert here.browser.get(f"~/deliveries?cursor={cursor}").status_code == 422


def test_a_list_goes_page_by_page(here):
    here.sql(
        "INSERT INTO delivery (workspace_id, connection_id, response_id, contact_id, lane, step,"
        " kind, entity, payload, answered_at, revision, state) SELECT :w, :connection_id,"
        " :response_id, :contact_id, 'x' || n, 'x' || n, 'note', 'contacts', '{}', now(), 1, 'done'"
        " FROM generate_series(1, 60) n",
        **{name: here.ids[name] for name in ("connection_id", "response_id", "contact_id")},
    )
    first = here.browser.get("~/deliveries?kind=note")
    older = [one for one in first.text.split('"') if "cursor=" in one and "deliveries" in one][-1]
    second = here.browser.get(older.replace("&amp;", "&"))
    assert first.text.count("fw-bold") - second.text.count("fw-bold") == 40
    assert "Newest" in text_of(second)


def test_the_rows_alone_are_sent_to_htmx(here):
    part = here.browser.get("~/deliveries", **{"HX-Request": "true"}).text
    assert "<table" in part
    assert "<html" not in part


def test_names_are_shown_as_they_are_written(here):
    page = here.browser.get("~/deliveries").text
    assert "HubSpot &lt;b&gt;EU&lt;/b&gt;" in page
    assert "<b>EU</b>" not in page


def test_one_delivery_tells_its_life_and_each_value_before_and_after(here):
    page = text_of(here.browser.get(f"~/deliveries/{here.ids['delivery_id']}"))
    assert "Søren Møller" in page
    assert "Received from api · r-1" in page
    assert "nps_score 7 9" in page


def test_values_are_hidden_from_whoever_may_only_look(here, colleague):
    viewer = colleague(Role.VIEWER)
    page = text_of(viewer.get(f"~/deliveries/{here.ids['delivery_id']}"))
    assert "hidden for your role" in page
    assert "nps_score 7 9" not in page
    assert "Replay" not in page


def test_one_is_tried_again(here):
    number = here.ids["dead"]
    here.browser.get(f"~/deliveries/{number}")
    here.browser.post(f"~/deliveries/{number}/replay")
    assert here.one("SELECT state FROM delivery WHERE id = :id", id=number) == "pending"
    assert "It is tried again" in text_of(here.browser.get(f"~/deliveries/{number}"))


def test_what_its_mapping_refused_is_planned_anew_and_leads_back_to_the_list(here):
    number = here.delivery("dead", reason="validation", claims=0)
    here.browser.get(f"~/deliveries/{number}")
    answer = here.browser.post(f"~/deliveries/{number}/replay")
    assert answer.headers["Location"].endswith("/deliveries")


def test_a_replay_of_what_is_written_is_refused(here):
    number = here.ids["delivery_id"]
    here.browser.get(f"~/deliveries/{number}")
    assert here.browser.post(f"~/deliveries/{number}/replay").status_code == 409


def test_a_look_before_a_replay_changes_nothing_and_tells_what_it_does(here, database, alice):
    here.delivery("dead", reason="validation", error_code="too_long", claims=0)
    before = here.sql("SELECT id, state FROM delivery ORDER BY id")
    with database.begin(alice.workspace_id) as store:
        told = replay.preview(store, alice.workspace_id, {"state": "dead"})
    assert here.sql("SELECT id, state FROM delivery ORDER BY id") == before
    assert (told.again, told.planned_anew, told.stay, told.would_wait) == (1, 1, 0, 0)
    with database.begin(alice.workspace_id) as store:
        assert replay.replay_all(store, alice.workspace_id, {"state": "dead"}) == told.count


def test_a_look_before_a_replay_says_what_stays_and_what_would_wait(here, database, alice):
    here.sql("UPDATE connection SET paused_at = now()")
    with database.begin(alice.workspace_id) as store:
        assert replay.preview(store, alice.workspace_id, {}).would_wait == 2
    here.sql("UPDATE mapping SET deleted_at = now()")
    with database.begin(alice.workspace_id) as store:
        told = replay.preview(store, alice.workspace_id, {})
        assert (told.again, told.stay) == (0, 2)
        assert replay.replay_all(store, alice.workspace_id, {}) == told.count


def test_all_of_a_cause_are_tried_again_after_a_look(here):
    looked = here.browser.get("~/deliveries/replay?state=dead&error_code=too_long")
    assert "Replay 1" in text_of(looked)
    here.browser.post("~/deliveries/replay", state="dead", error_code="too_long")
    assert here.one("SELECT count(*) FROM delivery WHERE state = 'dead'") == 0
    assert here.one("SELECT count(*) FROM delivery WHERE state = 'parked'") == 1
    assert "Tried again: 1." in text_of(here.browser.get("~/deliveries"))


def test_a_filter_is_said_in_words_not_in_the_names_of_the_api(here):
    only = f"state=dead&reason=validation&mapping_id={here.ids['mapping_id']}"
    said = "Reason: A value or the record was refused Mapping: Scores"
    assert said in text_of(here.browser.get(f"~/deliveries?{only}"))
    looked = text_of(here.browser.get(f"~/deliveries/replay?{only}"))
    assert f"State: Failed {said}" in looked


def test_whoever_may_only_look_sees_no_whole_address_of_a_nameless_contact(here, colleague):
    here.sql("UPDATE contact SET name = NULL")
    viewer = colleague(Role.VIEWER)
    paths = ("~/deliveries", f"~/deliveries/{here.ids['dead']}")
    assert ["s…@example.test" in text_of(viewer.get(path)) for path in paths] == [True, True]
    assert [one for one in paths if "soren@example.test" in viewer.get(one).text] == []
    assert "soren@example.test" in here.browser.get("~/deliveries").text


def test_a_cause_is_told_by_its_newest_text(here, database, alice):
    here.delivery("dead", reason="validation", error_code="too_long", error="longer by far")
    with database.begin(alice.workspace_id) as store:
        (found,) = [one for one in causes.causes(store, alice.workspace_id) if one.state == "dead"]
    assert (found.count, found.error, found.error_field) == (2, "longer by far", None)


def test_a_replay_is_previewed_by_sets_and_not_row_by_row(here, database, alice):
    for _ in range(9):
        here.delivery("dead", reason="not_found", error_code="not_found")
    here.sql("UPDATE mapping SET published = 2 WHERE id = :id", id=here.ids["mapping_id"])
    with database.begin(alice.workspace_id) as store, statements(database) as sent:
        seen = replay.preview(store, alice.workspace_id, {"reason": "not_found"})
        statement, parameters = sent[0]
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        (plan,) = store.exec_driver_sql(explained, parameters).scalar_one()
    assert seen.planned_anew == 9
    assert _looked(plan["Plan"]) <= {0, 1}


def _looked(node: Mapping[str, Any]) -> set[int]:
    """How often what a condition asks for was looked for, of each such part of the plan."""
    own = {node["Actual Loops"]} if node.get("Parent Relationship") == "SubPlan" else set()
    return own.union(*(_looked(one) for one in node.get("Plans", ())))
