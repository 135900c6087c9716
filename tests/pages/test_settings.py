"""Settings: the workspace and its pause, API keys, the audit log."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from sqlalchemy import text

from connector import audit
from connector.access import Role
from tests.pages.conftest import text_of


def test_a_workspace_is_renamed_and_what_is_wrong_stands_beside_its_field(alice):
    alice.get("~/settings")
    wrong = alice.post("~/settings", name="", timezone="Mars/Olympus", country="DK")
    assert wrong.status_code == 422
    assert 'id="h-name"' in wrong.text
    done = alice.post("~/settings", name="Møde & Co", timezone="Europe/Paris", country="")
    assert done.status_code == 303
    page = alice.get("~/settings")
    assert 'value="Møde &amp; Co"' in page.text
    assert "<option selected>Europe/Paris</option>" in page.text


def test_a_pause_says_what_waits_and_is_ended_again(alice):
    alice.get("~/settings")
    alice.post("~/settings/pause")
    page = alice.get("~/settings")
    assert "on their way: 0" in text_of(page)
    assert "This workspace is paused" in text_of(page)
    alice.post("~/settings/resume")
    assert "Pause all deliveries" in text_of(alice.get("~/settings"))


def found(pattern: str, page: Any) -> str:
    """What the pattern's group finds on the page."""
    match = re.search(pattern, page.text)
    assert match, page.text
    return match[1].replace("&amp;", "&")


def key_on(page: Any) -> str:
    return found(r'value="(ab_(?:live|test)_\w+)"', page)


def test_a_key_is_shown_once_and_opens_what_was_ticked(alice, app):
    alice.get("~/settings/keys")
    made = alice.post(
        "~/settings/keys", name="push", role="editor", scopes="settings:read", lives="30"
    )
    key = key_on(made)
    opened = app.test_client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {key}"})
    assert opened.json["slug"] == alice.slug
    listed = alice.get("~/settings/keys")
    assert key not in listed.text
    assert "settings:read" in listed.text


def test_a_test_key_only_tries_out(alice):
    alice.get("~/settings/keys")
    made = alice.post("~/settings/keys", name="try", role="viewer", test="yes", scopes="x")
    assert key_on(made).startswith("ab_test_")
    assert "Only tries out" in text_of(made)


def test_a_revoked_key_is_refused(alice, app):
    alice.get("~/settings/keys")
    made = alice.post("~/settings/keys", name="push", role="editor", scopes="settings:read")
    key = key_on(made)
    number = found(r"/settings/keys/(\d+)/revoke", made)
    alice.post(f"~/settings/keys/{number}/revoke")
    refused = app.test_client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {key}"})
    assert refused.status_code == 401
    assert "Revoked" in text_of(alice.get("~/settings/keys"))


def test_a_key_that_cannot_be_made_says_why_and_keeps_what_was_filled_in(alice):
    alice.get("~/settings/keys")
    for wrong, said in [
        ({"name": "x"}, "Tick what the key may do."),
        ({"name": "x", "scopes": "nothing:such"}, "is no scope"),
        ({"name": "", "scopes": "settings:read"}, 'id="h-name"'),
    ]:
        answer = alice.post("~/settings/keys", role="editor", **wrong)
        assert answer.status_code == 422
        assert said in answer.text
    assert alice.post("~/settings/keys", name="x", role="king").status_code == 422


def test_the_audit_log_says_who_when_and_from_where(alice, database):
    alice.get("~/settings")
    alice.post("~/settings/pause")
    page = text_of(alice.get("~/settings/audit?area=workspace&span=1"))
    assert "workspace.paused" in page
    assert alice.email in page
    assert alice.client.environ_base["REMOTE_ADDR"] in page
    assert "person.added" not in page
    assert "Nothing fits" in text_of(alice.get("~/settings/audit?object=mapping:9%00"))


def test_the_audit_log_goes_page_by_page_and_away_as_a_table(alice, database, monkeypatch):
    monkeypatch.setattr("connector.admin.audit_log.A_PAGE", 2)
    monkeypatch.setattr("connector.admin.audit_log.A_READ", 3)
    with database.begin(alice.workspace_id) as store:
        for number in range(4):
            detail = {"n": number}
            audit.record(
                store, alice.workspace_id, actor="=cmd", action="source.x",
                object=f"source:{number}", detail=detail,
            )  # fmt: skip
    first = alice.get("~/settings/audit?area=source")
    older = found(r'href="([^"]+cursor=[^"]+)"', first)
    assert [one in first.text for one in ("source:3", "source:2", "source:1")] == [
        True, True, False,
    ]  # fmt: skip
    second = alice.get(older)
    assert "source:1" in second.text
    assert "source:2" not in second.text
    table = alice.get("~/settings/audit/csv?area=source")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["object"] for row in rows] == [f"source:{n}" for n in (3, 2, 1, 0)]
    assert {row["who"] for row in rows} == {"'=cmd"}
    # It begins before it is read to its end.
    assert "Content-Length" not in table.headers
    monkeypatch.setattr("connector.admin.audit_log.MOST_EXPORTED", 2)
    fewer = csv.DictReader(io.StringIO(alice.get("~/settings/audit/csv?area=source").text))
    assert [row["object"] for row in fewer] == ["source:3", "source:2"]
    assert alice.get("~/settings/audit?cursor=rubbish").status_code == 422


def test_each_act_leaves_one_entry(alice, database):
    alice.get("~/settings/keys")
    alice.post("~/settings/keys", name="push", role="editor", scopes="settings:read")
    with database.begin(alice.workspace_id) as store:
        told = store.execute(
            text("SELECT actor, detail FROM audit WHERE action = 'key.created'")
        ).one()
    assert told.actor.startswith("user:")
    assert told.detail == {"role": "editor", "scopes": ["settings:read"]}


def test_settings_are_in_the_menu_of_those_who_may(alice, colleague):
    assert f'href="/w/{alice.slug}/settings"' in alice.get("~/").text
    assert f'href="/w/{alice.slug}/settings"' not in colleague(Role.VIEWER).get("~/").text


def test_it_says_how_long_answers_are_kept_and_takes_another_time(alice):
    wanted = {"name": "A", "timezone": "Europe/Paris", "country": ""}
    assert "Answers: 90 days." in text_of(alice.get("~/settings"))
    wrong = alice.post("~/settings", **wanted, retention_days="0")
    assert wrong.status_code == 422
    assert 'id="h-retention_days"' in wrong.text
    alice.get("~/settings")
    assert alice.post("~/settings", **wanted, retention_days="30").status_code == 303
    assert "Answers: 30 days." in text_of(alice.get("~/settings"))
