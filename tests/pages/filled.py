"""A workspace with a bit of everything, put there directly: planning and delivering are somebody
else's tests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connector.connections import discover
from connector.connections.profile import load
from connector.db import Database
from schemas.config import MappingSchema
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
    ids["contact_id"] = made.one(
        "INSERT INTO contact (workspace_id, email, email_key, name) VALUES (:w,"
        " 'soren@example.test', 'soren@example.test', 'Søren Møller') RETURNING id"
    )
    ids["response_id"] = made.one(
        "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous,"
        " body, answered_at, planned_at, contact_id) VALUES (:w, 'api', 'r-1', 1, 'completed',"
        " false, '{}', now() - interval '1 minute', now(), :contact_id) RETURNING id",
        **ids,
    )
    ids["delivery_id"] = made.delivery("done")
    made.sql(
        "INSERT INTO ledger (workspace_id, delivery_id, connection_id, contact_id, response_id,"
        " entity, remote_id, field, before, after) VALUES (:w, :delivery_id, :connection_id,"
        " :contact_id, :response_id, 'contacts', '501', 'nps_score', '7', '9')",
        **ids,
    )
    refused = {"error_code": "too_long", "error": WHY, "error_field": "nps_comment"}
    ids["dead"] = made.delivery("dead", reason="validation", **refused)
    ids["parked"] = made.delivery("parked", reason="mapping")
    made.delivery("pending")
    return made
