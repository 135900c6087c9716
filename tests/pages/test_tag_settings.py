"""The tag pattern: seen at each CRM before it is saved."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text

from connector.db import Database
from tests.pages.conftest import Browser, text_of
from tests.pages.filled import Filled

ACME = "prefix=Acme&separator=-&opt_out=Never&enabled=yes"
SAVED = {"prefix": "Acme", "separator": "-", "opt_out": "Never", "enabled": "yes"}
APPS = ("hubspot", "salesforce", "zendesk", "odoo")


def four_crms(alice: Browser, database: Database) -> Filled:
    """One connection of each, a campaign, and a tag that stands in the first."""
    made = Filled(alice, database)
    for app in APPS:
        made.sql(
            "INSERT INTO connection (workspace_id, app, name, auth, state)"
            " VALUES (:w, :app, :app, 'key', 'connected')",
            app=app,
        )
    made.sql("INSERT INTO campaign (workspace_id, platform_id, tag_name) VALUES (:w, '5', 'Møde')")
    made.sql("INSERT INTO contact (workspace_id, email) VALUES (:w, 'a@example.test')")
    made.sql(
        "INSERT INTO score_tag (workspace_id, connection_id, contact_id, campaign_id, score,"
        " answered_at, written) SELECT :w, c.id, p.id, k.id, 9, now(), 'x' FROM connection c,"
        " contact p, campaign k WHERE c.app = 'hubspot'"
    )
    made.sql(
        "INSERT INTO tag_provision (workspace_id, connection_id, campaign_id, state)"
        " SELECT :w, c.id, k.id, 'done' FROM connection c, campaign k WHERE c.app = 'hubspot'"
    )
    return made


def spelt(page: Any) -> list[str]:
    return re.findall(r"<code>([^<]+)</code>", page.text)


def test_each_crm_shows_its_spelling_before_anything_is_saved(alice, database):
    made = four_crms(alice, database)
    now = alice.get("~/settings/tags")
    assert spelt(now) == [
        "NPSToday.Møde.9",
        "NPSToday.Møde.9",
        "NPSToday.Møde.9",
        "NPSToday.Møde.9",
    ]
    page = alice.get(f"~/settings/tags?{ACME}")
    assert spelt(page) == ["Acme-Møde-9"] * 4
    said = text_of(page)
    assert "1 tag stands, and stays for now" in said
    assert "Options that are made in the CRM first: 11" in said
    assert "The opt-out tag becomes Acme-Never. Contacts that carry NPSToday.NoSend keep it" in said
    assert made.one("SELECT settings FROM workspace WHERE id = :w") == {}


def test_what_is_saved_holds_and_the_pattern_of_before_stays_ours(alice, database):
    made = four_crms(alice, database)
    alice.get(f"~/settings/tags?{ACME}")
    assert alice.post("~/settings/tags", **SAVED).status_code == 303
    assert "How it is now" in text_of(alice.get("~/settings/tags"))
    tags = made.one("SELECT settings FROM workspace WHERE id = :w")["tags"]
    assert tags["former"] == [["NPSToday", "."]]
    assert made.one("SELECT state FROM tag_provision") == "pending"
    told = made.sql("SELECT detail FROM audit WHERE action = 'workspace.changed'")
    assert [one.detail for one in told] == [{"changed": ["settings"]}]


def test_writing_none_is_said_and_saved(alice, database):
    four_crms(alice, database)
    page = alice.get("~/settings/tags?prefix=NPSToday&separator=.&opt_out=NoSend")
    assert "No tag is written any more" in text_of(page)
    alice.post("~/settings/tags", prefix="NPSToday", separator=".", opt_out="NoSend")
    assert "Tags are written again" in text_of(
        alice.get("~/settings/tags?prefix=NPSToday&separator=.&opt_out=NoSend&enabled=yes")
    )


def test_a_pattern_that_could_not_be_told_apart_is_refused(alice, database):
    for asked, said in [
        ("prefix=Acme&separator=-&opt_out=9&enabled=yes", "must not end like a score"),
        ("prefix=two+words&separator=-&opt_out=Never", 'id="h-prefix"'),
        ("prefix=Acme&separator=;&opt_out=Never", "Score tags"),
    ]:
        page = alice.get(f"~/settings/tags?{asked}")
        assert (page.status_code, said in page.text) == (422, True), asked
    assert alice.post("~/settings/tags", **{**SAVED, "opt_out": "a b"}).status_code == 422
    with database.begin(alice.workspace_id) as store:
        held = store.execute(text("SELECT settings FROM workspace")).scalar_one()
    assert held == {}
