"""A workspace with a bit of everything, put there directly: planning and delivering are somebody
else's tests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connector.campaigns import surveys
from connector.connections import discover
from connector.connections.profile import load
from connector.db import Database
from schemas.config import AutomationSchema, MappingSchema
from schemas.fields import Entity, Field, FieldType, Option
from tests.pages.conftest import Browser

CONTACTS = Entity(
    "contacts",
    "Contacts",
    (
        Field("email", "E-mail", FieldType.EMAIL, identifies=True),
        Field("nps_score", "NPS score", FieldType.INTEGER),
        Field("reached", "Reached by", FieldType.CHOICE, options=(Option("web", "The web"),)),
    ),
)
MAPPED = {
    "name": "Scores",
    "connection": "HubSpot <b>EU</b>",
    "entity": "contacts",
    "operation": "upsert",
    "identify": {"variable": "contact.email", "field": "email"},
    "rows": [
        {
            "variable": "computed.score",
            "field": "nps_score",
            "transforms": [{"name": "round", "digits": 0}],
        }
    ],
}
SUBMITTED = {"submitted_at": "2026-11-22T01:02:00Z", "respondent": {"anonymous": False}}
SURVEY = {
    "name": "Spring survey",
    "questions": [
        {"key": "score", "type": "nps", "title": "Would you <i>recommend</i> us?"},
        {
            "key": "reached",
            "type": "single_choice",
            "title": "How did you reach us?",
            "category": "Contact",
            "options": [{"value": "web", "label": "The web", "weight": 2, "flags": ["online"]}],
        },
        {"key": "signed", "type": "signature", "title": "Your signature", "flags": ["proof"]},
    ],
}
ANSWERS = {
    "signed": {"type": "signature", "value": {"name": "signature.png"}},
    "score": {"type": "nps", "value": 9},
    "reached": {"type": "single_choice", "value": "web", "other": "and a friend"},
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ff"
    "ff3f0005fe02fe0def46b80000000049454e44ae426082"
)
AUTOMATED = {
    "name": "Somebody calls those who are not satisfied",
    "if": 'computed.score <= 6 || (answers.why.contains("parking") && contact.country == "DK")',
    "then": [
        {"do": "feed", "mapping": "Scores"},
        {"do": "task", "connection": "HubSpot <b>EU</b>", "subject": "Call {contact.name}"},
        {"do": "redirect", "url": "https://www.example.com/thanks"},
    ],
}
WHY = "the value is longer than the field"


@dataclass
class Filled:
    """Alice's workspace, and what is in it by name."""

    browser: Browser
    database: Database
    ids: dict[str, int] = field(default_factory=dict)

    def sql(self, statement: str, **options: Any) -> Any:
        """Any statement in the workspace."""
        with self.database.begin(self.browser.workspace_id) as connection:
            found = connection.execute(text(statement), {"w": self.browser.workspace_id, **options})
            return found.all() if found.returns_rows else None

    def one(self, statement: str, **options: Any) -> Any:
        return self.sql(statement, **options)[0][0]

    def path_of(self, rule: str) -> str:
        """An address that fits the route and leads to something that is there."""
        known = {**{name: str(number) for name, number in self.ids.items()}, "app": "hubspot"}
        path = rule.replace("/w/<key:space>", "~")
        return re.sub(r"<\w+:(\w+)>", lambda name: known.get(name[1], "1"), path)

    def picture(self, answer: str, content: bytes, content_type: str) -> int:
        """A file that was fetched for an answer of the first response."""
        number = self.one(
            "INSERT INTO answer_file (workspace_id, response_id, answer, place, name, state,"
            " content_type, size_bytes) VALUES (:w, :response_id, :answer, 0, 'a/b\nsigned.png',"
            " 'fetched', :content_type, :size) RETURNING id",
            answer=answer,
            content_type=content_type,
            size=len(content),
            response_id=self.ids["response_id"],
        )
        self.sql(
            "INSERT INTO file_content (workspace_id, file_id, content) VALUES (:w, :id, :content)",
            id=number,
            content=content,
        )
        return int(number)

    def delivery(self, state: str = "done", *, step: str = "", **columns: Any) -> int:
        """A delivery of the first response."""
        told = {
            "kind": "fields", "reason": None, "error_code": None, "error": None,
            "error_field": None, "mapping_id": self.ids["mapping_id"], "claims": 1,
            "connection_id": self.ids["connection_id"],
            "payload": '{"values": {"nps_score": 9}, "operation": "upsert"}', **columns,
        }  # fmt: skip
        number = len(self.sql("SELECT id FROM delivery"))
        return int(
            self.one(
                "INSERT INTO delivery (workspace_id, connection_id, response_id, contact_id,"
                " mapping_id, mapping_version, lane, step, kind, entity, payload, answered_at,"
                " revision, state, reason, error_code, error, error_field, claims, settled_at)"
                " VALUES (:w, :connection_id, :response_id, :contact_id, :mapping_id, 1, :lane,"
                " :step, :kind, 'contacts', cast(:payload AS jsonb), now(), 1, :state, :reason,"
                " :error_code, :error, :error_field, :claims,"
                " CASE WHEN :state IN ('done', 'dead') THEN now() END) RETURNING id",
                state=state,
                lane=f"contact:{number}",
                step=step or f"s{number}",
                response_id=self.ids["response_id"],
                contact_id=self.ids["contact_id"],
                **told,
            )
        )


def keep_definitions(made: Filled) -> None:
    """What a download has found."""
    with made.database.begin(made.browser.workspace_id) as store:
        profile = load(store, made.browser.workspace_id, made.ids["connection_id"])
        discover.store(store, profile, [CONTACTS])


def fill(browser: Browser, database: Database) -> Filled:
    """One of everything that pages show."""
    made = Filled(browser, database)
    ids = made.ids
    ids["connection_id"] = made.one(
        "INSERT INTO connection (workspace_id, app, name, auth, state, remote_account_id,"
        " remote_account_name) VALUES (:w, 'hubspot', 'HubSpot <b>EU</b>', 'key', 'connected',"
        " '77', 'Acme EU') RETURNING id"
    )
    ids["mapping_id"] = made.one(
        "INSERT INTO mapping (workspace_id, name, connection_id) VALUES (:w, 'Scores',"
        " :connection_id) RETURNING id",
        **ids,
    )
    made.sql(
        "INSERT INTO mapping_version (workspace_id, mapping_id, version, body) VALUES (:w,"
        " :mapping_id, 1, cast(:body AS jsonb))",
        body=json.dumps(MappingSchema().load(MAPPED)),
        **ids,
    )
    keep_definitions(made)
    form = {"create": True, "fields": [{"field": "nps_score", "required": True, "help": "0 to 10"}]}
    ids["form_id"] = made.one(
        "INSERT INTO input_form (workspace_id, connection_id, name, body) VALUES (:w,"
        " :connection_id, 'Trade fair', cast(:body AS jsonb)) RETURNING id",
        body=json.dumps(form),
        **ids,
    )
    ids["webhook_id"] = made.one(
        "INSERT INTO webhook (workspace_id, name, events, host, seal_id, sealed, delivered_at)"
        " VALUES (:w, 'Warehouse', ARRAY['response.failed'], 'hooks.customer.example.test',"
        " gen_random_uuid(), '', now()) RETURNING id"
    )
    ids["message_id"] = made.one(
        "INSERT INTO webhook_message (workspace_id, webhook_id, event, data, attempts) VALUES (:w,"
        " :webhook_id, 'response.failed', '{\"response_id\": \"r-1\"}', 1) RETURNING id",
        **ids,
    )
    made.sql(
        "INSERT INTO webhook_attempt (workspace_id, message_id, status, ms, code, error) VALUES"
        " (:w, :message_id, 500, 31, 'crm_error', 'the receiver answered 500')",
        **ids,
    )
    ids["grant_id"] = made.one(
        "INSERT INTO partner_grant (workspace_id, public_id, name, role, scopes, granted_by)"
        " VALUES (:w, 'aB3dE6gH', 'Agency', 'editor', ARRAY['responses:push'], 'operator')"
        " RETURNING id"
    )
    ids["member_id"] = made.one("SELECT min(id) FROM user_account WHERE person_id IS NOT NULL")
    made.sql(
        "INSERT INTO member_invitation (workspace_id, email, role, invited_by, expires_at) VALUES"
        " (:w, 'a.long.name.of.somebody@customer.example.test', 'admin', 'operator',"
        " now() + interval '6 days')"
    )
    ids["automation_id"] = made.one(
        "INSERT INTO automation (workspace_id, name, published, latest) VALUES"
        " (:w, 'Somebody calls those who are not satisfied', 1, 1) RETURNING id"
    )
    made.sql(
        "INSERT INTO automation_version (workspace_id, automation_id, version, state, body)"
        " VALUES (:w, :automation_id, 1, 'published', cast(:body AS jsonb))",
        body=json.dumps(AutomationSchema().load(AUTOMATED)),
        **ids,
    )
    ids["contact_id"] = made.one(
        "INSERT INTO contact (workspace_id, email, email_key, name) VALUES (:w,"
        " 'soren@example.test', 'soren@example.test', 'Søren Møller') RETURNING id"
    )
    ids["survey_id"] = made.one(
        "INSERT INTO survey (workspace_id, platform_id, name) VALUES (:w, 's-1', 'Spring survey')"
        " RETURNING id"
    )
    with database.begin(browser.workspace_id) as store:
        surveys.save(store, browser.workspace_id, platform_id="s-1", body=SURVEY, learnt_from="api")
    ids["campaign_id"] = made.one(
        "INSERT INTO campaign (workspace_id, platform_id, name, tag_name, survey_id, learnt_from)"
        " VALUES (:w, 'c-1', 'Spring', 'Spring', :survey_id, 'api') RETURNING id",
        **ids,
    )
    ids["response_id"] = made.one(
        "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous,"
        " body, answered_at, planned_at, contact_id, campaign_id, survey_id, verdicts) VALUES (:w,"
        " 'api', 'r-1', 1, 'completed', false, cast(:body AS jsonb), now() - interval '1 minute',"
        " now(), :contact_id, :campaign_id, :survey_id, cast(:verdicts AS jsonb)) RETURNING id",
        body=json.dumps({"response_id": "r-1", "answers": ANSWERS, **SUBMITTED}),
        verdicts='{"Scores": "true"}',
        **ids,
    )
    ids["file_id"] = made.picture("signed", PNG, "image/png")
    ids["delivery_id"] = made.delivery("done")
    made.sql(
        "INSERT INTO ledger (workspace_id, delivery_id, connection_id, contact_id, response_id,"
        " entity, remote_id, field, before, after) VALUES (:w, :delivery_id, :connection_id,"
        " :contact_id, :response_id, 'contacts', '501', 'nps_score', '7', '9')",
        **ids,
    )
    refused = {"error_code": "too_long", "error": WHY, "error_field": "nps_comment"}
    ids["source_id"] = made.one(
        "INSERT INTO hook_source (workspace_id, name, platform, token_digest, seal_id, sealed)"
        " VALUES (:w, 'Typeform', 'typeform', decode(md5(random()::text), 'hex'),"
        " gen_random_uuid(), '') RETURNING id"
    )
    made.sql(
        "INSERT INTO alert (workspace_id, kind, connection_id, figures) VALUES (:w, 'errors',"
        ' :connection_id, \'{"failed": 12, "settled": 20}\')',
        **ids,
    )
    made.sql(
        "INSERT INTO alert_channel (workspace_id, connection_id, recipients)"
        " VALUES (:w, :connection_id, ARRAY['a-rather-long-address@example.test'])",
        **ids,
    )
    ids["backfill_id"] = made.one(
        "INSERT INTO backfill (workspace_id, mapping_id, mapping_version, total, last_id, at_id,"
        " counts, started_by) VALUES (:w, :mapping_id, 1, 1200, 99, 9,"
        " '{\"to_write\": 180, \"already\": 20}', 'test') RETURNING id",
        **ids,
    )
    ids["dead"] = made.delivery("dead", reason="validation", **refused)
    ids["parked"] = made.delivery("parked", reason="mapping")
    made.delivery("pending")
    return made
