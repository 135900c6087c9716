"""Alerts: each trouble is told once, once more when it is over, and never in a storm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector import clock, jobs
from connector.admin.language import said_in
from connector.connections import connect
from connector.db import Database
from connector.queues import ALERT, Doorbell
from connector.responses.alerts import judging, sending
from connector.settings import Settings
from connector.sweep import Sweep
from schemas.secret import Secret
from schemas.workspace import AlertSettingsSchema
from simulators.kit.server import running
from simulators.receivers import SECRET, Receiver
from tests.pages.conftest import Browser, text_of
from tests.pages.filled import Filled, fill
from tests.world import hub_on


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with running(Receiver()) as url:
        yield url


@dataclass
class Watched:
    """Alice's workspace, well, with a channel that a receiver listens at."""

    filled: Filled
    hub: Any
    receiver: str
    channel: int

    @property
    def workspace_id(self) -> int:
        return self.filled.browser.workspace_id

    def judge(self) -> bool:
        with self.filled.database.begin(self.workspace_id) as store:
            settings = self.filled.one("SELECT settings FROM workspace WHERE id = :w")
            return judging.judge(store, self.workspace_id, settings.get("alerts", {}))

    def send(self) -> int:
        return sending.send_due(self.hub.desk, self.workspace_id, say_in=said_in)

    def told(self) -> list[tuple[str, str]]:
        """The kind of each event that has come, after the ping of connecting."""
        state = requests.get(f"{self.receiver}/__sim__/state", timeout=5).json()
        return [(one["type"], one["data"]["kind"]) for one in state["messages"][1:]]

    def standing(self) -> list[tuple[str, int | None]]:
        rows = self.filled.sql("SELECT kind, connection_id FROM alert WHERE ended_at IS NULL")
        return sorted((one.kind, one.connection_id) for one in rows)

    def calm_down(self) -> None:
        """What looks well has done so for long."""
        self.filled.sql("UPDATE alert SET clear_since = now() - interval '1 hour'"
                        " WHERE clear_since IS NOT NULL")  # fmt: skip

    def break_connection(self) -> None:
        self.filled.sql("UPDATE connection SET state = 'needs_attention', reason_code = 'revoked'"
                        " WHERE app = 'hubspot'")  # fmt: skip

    def mend_connection(self) -> None:
        self.filled.sql("UPDATE connection SET state = 'connected' WHERE app = 'hubspot'")


@pytest.fixture
def watched(alice: Browser, database: Database, settings: Settings, receiver: str) -> Watched:
    requests.post(f"{receiver}/__sim__/reset", json={}, timeout=5)
    made, hub = fill(alice, database), hub_on(settings, database)
    for table in ("alert", "alert_channel", "ledger", "delivery"):
        made.sql(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
    connect.create(
        hub.desk, alice.workspace_id, app="webhook", name="Ops", auth="key", key=Secret(SECRET),
        settings={"url": f"{receiver}/hooks/a"}, actor="test",
    )  # fmt: skip
    channel = made.one(
        "INSERT INTO alert_channel (workspace_id, connection_id)"
        " SELECT :w, id FROM connection WHERE app = 'webhook' RETURNING id"
    )
    return Watched(made, hub, receiver, channel)


def test_each_kind_of_trouble_is_seen_where_it_is(watched):
    here = watched.filled
    assert watched.judge() is False
    assert watched.standing() == []
    watched.break_connection()
    for _ in range(10):
        here.delivery("dead", reason="validation")
    here.delivery("parked", reason="mapping")
    here.delivery("parked", reason="rate")
    here.sql("UPDATE response SET planned_at = NULL, plan_due_at = now() - interval '1 hour'")
    assert watched.judge() is True
    number = here.ids["connection_id"]
    assert watched.standing() == [
        ("connection", number), ("errors", number), ("lag", None), ("parked", number),
    ]  # fmt: skip
    home = text_of(here.browser.get("~/"))
    assert "Late Responses wait to be planned" in home
    assert "All is well" not in home
    parked = here.one("SELECT figures FROM alert WHERE kind = 'parked'")
    assert parked == {"count": 1}


def test_late_deliveries_are_seen_and_replays_pauses_and_other_lanes_are_no_lag(watched):
    here, number = watched.filled, watched.filled.ids["connection_id"]
    late = here.delivery("pending")
    for change, is_late in [
        ("due_at = now() - interval '1 hour'", True),
        ("due_at = now(), created_at = now() - interval '1 day'", False),
        ("attempts = 3", True),
        ("priority = 3", False),
    ]:
        here.sql("DELETE FROM alert")
        here.sql(f"UPDATE delivery SET {change} WHERE id = :id", id=late)  # noqa: S608
        watched.judge()
        assert watched.standing() == ([("lag", number)] if is_late else []), change
    here.sql("UPDATE delivery SET priority = 1")
    here.sql("UPDATE workspace SET paused_at = now() WHERE id = :w")
    watched.judge()
    assert watched.standing() == []


def test_a_few_failures_among_many_are_no_alert(watched):
    for _ in range(10):
        watched.filled.delivery("dead", reason="validation")
    for _ in range(60):
        watched.filled.delivery("done")
    watched.judge()
    assert watched.standing() == []
    watched.filled.sql("""UPDATE workspace SET settings = '{"alerts": {"error_percent": 10}}'
                          WHERE id = :w""")  # fmt: skip
    watched.judge()
    assert [kind for kind, _ in watched.standing()] == ["errors"]


def test_trouble_is_told_once_and_once_more_when_it_is_over(watched):
    watched.break_connection()
    assert watched.judge() is True
    assert (watched.send(), watched.send(), watched.judge()) == (1, 0, False)
    assert watched.told() == [("alert.began", "connection")]
    watched.mend_connection()
    watched.judge()
    assert watched.standing() != []
    watched.calm_down()
    assert watched.judge() is True
    assert watched.send() == 1
    assert watched.told() == [("alert.began", "connection"), ("alert.ended", "connection")]


def test_trouble_that_comes_and_goes_is_no_storm(watched):
    for _ in range(3):
        watched.break_connection()
        watched.judge()
        watched.send()
        watched.mend_connection()
        watched.judge()
        watched.calm_down()
        watched.judge()
        watched.send()
    assert watched.filled.one("SELECT count(*) FROM alert") == 3
    assert watched.told() == [("alert.began", "connection"), ("alert.ended", "connection")]


def test_a_channel_whose_connection_was_removed_is_told_nothing(watched):
    watched.filled.sql("UPDATE connection SET deleted_at = now() WHERE app = 'webhook'")
    watched.break_connection()
    assert watched.judge() is False
    assert watched.standing() != []


def test_a_channel_that_fails_is_tried_again_with_the_same_id_and_then_given_up(watched):
    watched.break_connection()
    watched.judge()
    order = {"path": "/hooks/.*", "method": "POST", "occurrence": 1, "action": {"status": 500}}
    requests.post(f"{watched.receiver}/__sim__/fault", json=order, timeout=5).raise_for_status()
    assert watched.send() == 0
    assert watched.filled.one("SELECT error_code FROM alert_channel") == "receiver_failed"
    assert watched.judge() is False
    watched.filled.sql("UPDATE alert_notice SET due_at = now()")
    assert watched.send() == 1
    assert watched.filled.one("SELECT error_code FROM alert_channel") is None
    watched.filled.sql("UPDATE alert_notice SET state = 'pending', attempts = 4, due_at = now()")
    requests.post(f"{watched.receiver}/__sim__/options", json={"secrets": []}, timeout=5)
    assert watched.send() == 0
    assert watched.filled.one("SELECT state FROM alert_notice") == "failed"


def test_in_quiet_hours_nobody_is_told_and_what_stands_is_told_afterwards(watched):
    browser = watched.filled.browser
    browser.get("~/settings/alerts")
    browser.post("~/settings/alerts/quiet", hours="8")
    watched.break_connection()
    assert watched.judge() is False
    assert watched.send() == 0
    assert "Nobody is told until" in text_of(browser.get("~/settings/alerts"))
    browser.post("~/settings/alerts/quiet", hours="0")
    assert watched.judge() is True
    assert watched.send() == 1


def test_the_scheduler_looks_and_tells_by_itself_where_redis_is_away(watched, settings):
    watched.break_connection()
    bell = Doorbell(str(settings.redis_url))
    bell._away_since = clock.monotonic() - timedelta(minutes=1).total_seconds()
    Sweep(watched.hub, bell)._judge(watched.workspace_id)
    assert watched.told() == [("alert.began", "connection")]
    assert callable(getattr(jobs, ALERT))


def test_the_page_shows_what_stands_and_tries_a_channel(watched):
    browser = watched.filled.browser
    watched.break_connection()
    watched.judge()
    page = browser.get("~/settings/alerts")
    assert "HubSpot <b>EU</b> needs attention" in text_of(page)
    assert "Not tried yet" in text_of(page)
    browser.post(f"~/settings/alerts/channels/{watched.channel}/test")
    assert watched.told() == [("alert.test", "test")]
    assert "Told" in text_of(browser.get("~/settings/alerts"))
    browser.post(f"~/settings/alerts/channels/{watched.channel}/remove")
    assert "Nobody yet" in text_of(browser.get("~/settings/alerts"))
    assert browser.post(f"~/settings/alerts/channels/{watched.channel}/test").status_code == 404


def test_what_cannot_be_a_channel_or_a_limit_is_named(watched):
    browser, here = watched.filled.browser, watched.filled
    browser.get("~/settings/alerts")
    hook = here.one("SELECT id FROM connection WHERE app = 'webhook'")
    mail = here.one(
        "INSERT INTO connection (workspace_id, app, name, auth, state)"
        " VALUES (:w, 'mail', 'Mail', 'key', 'connected') RETURNING id"
    )
    path = "~/settings/alerts/channels"
    for number, to, said in [
        (here.ids["connection_id"], "", "takes no messages"),
        (hook, "a@example.test", "it has one place"),
        (mail, "", "say whom the mails are for"),
        (mail, "nobody", 'id="h-recipients"'),
        ("x", "", "alert"),
    ]:
        answer = browser.post(path, connection_id=number, recipients=to)
        assert (answer.status_code, said in answer.text) == (422, True), said
    assert browser.post(path, connection_id=mail, recipients="a@example.test").status_code == 303
    for wrong in ("0", "many", "101"):
        assert browser.post("~/settings/alerts", error_percent=wrong).status_code == 422
    assert browser.post("~/settings/alerts", lag_minutes="30").status_code == 303
    assert here.one("SELECT settings FROM workspace WHERE id = :w") == {
        "alerts": {"lag_minutes": 30}
    }


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ("2026-11-29T10:00:00Z", True),
        ("2026-11-29T10:00:00+01:00", True),
        ("2026-11-29T10:00:00", False),
        ("2026-W48-7T10:00:00Z", False),
        ("2026-11-29T10:00:00+23:59", False),
        ("2026-13-29T10:00:00Z", False),
        ("infinity", False),
    ],
)
def test_a_quiet_moment_is_one_that_the_database_reads(said, is_one):
    assert (AlertSettingsSchema().validate({"quiet_until": said}) == {}) is is_one


def test_people_are_told_in_the_language_that_is_chosen_for_alerts(alice):
    alice.get("~/settings/alerts")
    assert alice.post("~/settings/alerts", language="fr").status_code == 303
    chosen = '<option value="fr" lang="fr" selected>Français</option>'
    assert chosen in " ".join(alice.get("~/settings/alerts").text.split())
    assert alice.post("~/settings/alerts", language="eo").status_code == 422
