"""A whole hub in a test: a workspace, CRMs connected through their real OAuth dance, pushes, and
what became of them.

The engines and the simulators are real; only the processes are left out where a test wants to see
one drain at a time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import redis
import requests
from sqlalchemy import insert, select, text, update

from adapters.registry import traits_of
from connector import workspaces
from connector.connections import connect, discover, oauth
from connector.connections.desk import Desk
from connector.db import Database
from connector.queues import BACKFILL, DRAIN, FETCH, GATHER, PLAN, PROVISION, TELL
from connector.responses import deliver, fetching, gathering, planner
from connector.responses.backfill import job as backfilling
from connector.responses.hub import Hub
from connector.responses.intake import FROM_API, Accepted, accept
from connector.responses.limiter import PAUSE_KEY, Limiter
from connector.responses.purse import KEY as DAY_KEY
from connector.settings import OAuthClient, Settings
from connector.tables import (
    automation,
    automation_version,
    connection,
    contact,
    delivery,
    link,
    mapping,
    mapping_version,
)
from connector.webhooks import sending
from schemas.config import AutomationSchema, MappingSchema
from schemas.secret import Secret

CLIENT = OAuthClient("demo-client", Secret("demo-secret"))
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "hubspot": {},
    "salesforce": {},
    "zendesk": {"subdomain": "acme"},
    "odoo": {"database": "acme", "user": "integration@example.com"},
    "splio": {"universe": "acme"},
    "sql": {},
    "pipedrive": {"company": "acme"},
    "adobe": {"organization": "acme", "client_id": "demo-client-id", "scopes": "openid,AdobeID"},
    "brevo": {},
}
# Where each CRM's simulator keeps what these tests write: score, comment and e-mail.
FIELDS: Mapping[str, Mapping[str, str]] = {
    "hubspot": {
        "entity": "contacts",
        "email": "email",
        "score": "nps_score",
        "comment": "nps_comment",
    },
    "salesforce": {
        "entity": "Contact",
        "email": "Email",
        "score": "NPS_Score__c",
        "comment": "NPS_Full_Comment__c",
    },
    "zendesk": {
        "entity": "users",
        "email": "email",
        "score": "nps_score",
        "comment": "nps_comment",
    },
    "odoo": {
        "entity": "res.partner",
        "email": "email",
        "score": "x_nps_score",
        "comment": "x_nps_comment",
    },
    "splio": {"entity": "contacts", "email": "email", "score": "c5", "comment": "c6"},
    "brevo": {
        "entity": "contacts",
        "email": "email",
        "score": "NPS_SCORE",
        "comment": "NPS_COMMENT",
    },
    "sql": {
        "entity": "contact-table",
        "email": "email",
        "score": "nps_score",
        "comment": "nps_comment",
    },
    "pipedrive": {
        "entity": "persons",
        "email": "email",
        "score": "a" * 39 + "1",
        "comment": "a" * 39 + "2",
    },
    "adobe": {
        "entity": "profile",
        "email": "email",
        "score": "cusNpsScore",
        "comment": "cusNpsComment",
    },
}

# One trip to the database: `settle` goes there again and again.
HURRY = (
    "UPDATE delivery SET due_at = now() WHERE state IN ('pending', 'awaiting')",
    "UPDATE answer_file SET due_at = now() WHERE state = 'pending'",
    "UPDATE hook_notice SET due_at = now() WHERE state = 'pending'",
    "UPDATE connection SET resume_at = NULL",
    "DELETE FROM account_usage WHERE kind = 'daily'",
    "UPDATE tag_provision SET due_at = now() WHERE state = 'pending'",
    "UPDATE response SET plan_due_at = now() WHERE planned_at IS NULL AND plan_due_at < 'infinity'",
)


@dataclass
class CRMSeen:
    """One simulated CRM and our connection to it."""

    app: str
    url: str
    connection_id: int
    name: str

    def control(self, name: str, body: Any = None) -> Any:
        """A call of the simulator's control endpoints."""
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.url}/__sim__/{name}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def seed(self, contacts: Sequence[Mapping[str, str]]) -> list[str]:
        """Contacts with email, first and last name in the CRM; their ids."""
        told = [_told(self.app, one) for one in contacts]
        ids: list[str] = self.control("seed", {"contacts": told})["contacts"]
        return ids

    def contacts(self) -> dict[str, Mapping[str, Any]]:
        """The CRM's contacts by e-mail."""
        fields = FIELDS[self.app]
        return {
            str(_fields(one).get(fields["email"]) or one.get("email")): one
            for one in self.control("state")["contacts"]
        }

    def value(self, email: str, what: str) -> Any:
        """What the CRM holds for `score` or `comment` of that contact."""
        return _fields(self.contacts()[email]).get(FIELDS[self.app][what])

    def tags(self, email: str) -> list[str]:
        """The contact's tags as the CRM spells them."""
        return sorted(self.contacts()[email]["tags"])

    def notes(self, email: str) -> list[str]:
        """The texts of the contact's notes."""
        return [_note_text(one) for one in self.contacts()[email]["notes"]]

    def calls(self, *, kinds: Sequence[str] | None = None) -> list[Mapping[str, Any]]:
        """The CRM's calls so far, of these kinds."""
        logged = self.control("log")
        every = logged["requests"] if isinstance(logged, dict) else logged
        return [one for one in every if kinds is None or one["kind"] in kinds]

    def fault(
        self,
        path: str = ".*",
        method: str = ".*",
        saying: str = "",
        *,
        times: int = 1,
        **action: Any,
    ) -> None:
        """The next `times` calls to `path`, `saying` this in their body, meet `action`."""
        order = {"method": method, "path": path, "body": saying, "occurrence": 1, "times": times}
        self.control("fault", {**order, "action": action})


def _told(app: str, one: Mapping[str, str]) -> dict[str, str]:
    first, last = one.get("first_name", "Søren"), one.get("last_name", "Contact")
    if app in {"hubspot", "splio"}:
        return {"email": one["email"], "firstname": first, "lastname": last}
    if app == "adobe":
        return {"email": one["email"], "firstName": first, "lastName": last}
    if app == "brevo":
        return {"email": one["email"]}
    if app == "salesforce":
        return {"Email": one["email"], "FirstName": first, "LastName": last}
    return {"email": one["email"], "name": f"{first} {last}"}


def _fields(one: Mapping[str, Any]) -> Mapping[str, Any]:
    held: Mapping[str, Any] = one.get("properties") or one.get("fields") or {}
    return held


def _note_text(one: Any) -> str:
    if isinstance(one, str):
        return one
    return str(one.get("text") or one.get("body") or one.get("content") or one)


@dataclass
class World:
    """One workspace of a hub with its CRMs."""

    hub: Hub
    workspace_id: int
    key: str
    crms: dict[str, CRMSeen] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The store."""
        return self.hub.database

    # --- setting up ---

    def connect(self, app: str, url: str, name: str = "", **settings: Any) -> CRMSeen:
        """A connection through the CRM's own consent page, or with a key where it has none; its
        field definitions downloaded.
        """
        name = name or f"{app}-main"
        by_key = traits_of(app).oauth is None
        made = connect.create(
            self.hub.desk,
            self.workspace_id,
            app=app,
            name=name,
            auth="key" if by_key else "oauth",
            base_url=url,
            settings={**SETTINGS[app], **settings},
            key=new_key(url) if by_key else Secret(""),
            actor="test",
        )
        if not by_key:
            self.reconnect(app, made.id, url)
        discover.download(self.hub.desk, self.workspace_id, made.id, actor="test")
        self.crms[app] = CRMSeen(app, url, made.id, name)
        return self.crms[app]

    def reconnect(self, app: str, connection_id: int, url: str) -> None:
        """The OAuth dance, or another key."""
        if traits_of(app).oauth is None:
            changes = connect.Changes(key=new_key(url))
            connect.change(
                self.hub.desk, self.workspace_id, connection_id, changes=changes, actor="test"
            )
            return
        consent = oauth.authorize(self.hub.desk, self.workspace_id, connection_id)
        parts = urlsplit(consent.url)
        # The consent page is the CRM's own host; here the simulator plays it.
        asked = f"{url}{parts.path}?{parts.query}"
        answer = requests.get(asked, allow_redirects=False, timeout=5)
        query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        oauth.complete(self.hub.desk, app, query)

    def mapping(self, app: str, **changes: Any) -> int:
        """A published mapping of score and comment, fed by every completed response."""
        fields = FIELDS[app]
        body = {
            "name": f"{app}-mapping",
            "connection": self.crms[app].name,
            "entity": fields["entity"],
            "operation": "upsert",
            "identify": {"variable": "contact.email", "field": fields["email"]},
            "rows": [
                {"variable": "answers.nps", "field": fields["score"]},
                {"variable": "answers.why", "field": fields["comment"]},
            ],
            "note": "all",
        } | changes
        mapping_id = self._saved(
            mapping,
            mapping_version,
            MappingSchema().load(body),
            connection_id=self.crms[app].connection_id,
        )
        feeds = {
            "name": f"feed {body['name']}",
            "then": [{"do": "feed", "mapping": body["name"]}],
        }
        self._saved(automation, automation_version, AutomationSchema().load(feeds))
        return mapping_id

    def _saved(self, table: Any, versions: Any, body: Any, **columns: Any) -> int:
        with self.database.begin(self.workspace_id) as store:
            row_id: int = store.execute(
                insert(table)
                .values(workspace_id=self.workspace_id, name=body["name"], published=1, **columns)
                .returning(table.c.id)
            ).scalar_one()
            store.execute(
                insert(versions).values(
                    workspace_id=self.workspace_id,
                    version=1,
                    state="published",
                    body=body,
                    **{f"{table.name}_id": row_id},
                )
            )
        return row_id

    def standard(self, app: str, **config: Any) -> None:
        """Switch the standard integration of a connection on."""
        with self.database.begin(self.workspace_id) as store:
            store.execute(
                update(connection)
                .where(connection.c.id == self.crms[app].connection_id)
                .values(standard={"enabled": True, "default": True, **config})
            )

    def linked(self, app: str, pairs: Mapping[str, str]) -> None:
        """Contacts we know already, with their CRM ids: e-mail -> remote id."""
        rows = [
            {"workspace_id": self.workspace_id, "email": one, "email_key": one} for one in pairs
        ]
        with self.database.begin(self.workspace_id) as store:
            ids = store.scalars(
                insert(contact).returning(contact.c.id, sort_by_parameter_order=True), rows
            ).all()
            links = [
                {
                    "workspace_id": self.workspace_id,
                    "contact_id": contact_id,
                    "connection_id": self.crms[app].connection_id,
                    "entity": FIELDS[app]["entity"],
                    "remote_id": remote_id,
                }
                for contact_id, remote_id in zip(ids, pairs.values(), strict=True)
            ]
            store.execute(insert(link), links)

    # --- running ---

    def push(self, *items: Mapping[str, Any]) -> tuple[Accepted, ...]:
        """Push responses as the API does."""
        return accept(self.database, self.workspace_id, source=FROM_API, items=items)

    def plan(self) -> None:
        """Plan what waits, as the job does."""
        planner.plan_waiting(self.hub, self.workspace_id)

    def drain(self, app: str) -> deliver.Drained:
        """One drain of a connection, as the job does."""
        return deliver.drain(self.hub, self.workspace_id, self.crms[app].connection_id)

    def drain_of(self, name: str) -> deliver.Drained:
        """The same for a connection by its name."""
        (found,) = self.rows("SELECT id FROM connection WHERE name = :name", name=name)
        return deliver.drain(self.hub, self.workspace_id, found.id)

    def settle(self, *, for_s: float = 30.0, hurry: bool = True) -> None:
        """Work this workspace's, as sweep and workers do, until nothing of it is open any more.

        `hurry` brings retries forward instead of waiting for them. Where tests share a database,
        what others left waiting (for a CRM that has stopped, say) is theirs.
        """
        ends_at = time.monotonic() + for_s
        while time.monotonic() < ends_at:
            if hurry:
                self.hurry()
            for one in self.due():
                if one.workspace_id == self.workspace_id:
                    self.work(one)
            if not self.open():
                return
            time.sleep(0.02)
        message = f"still open: {self.open()}"
        raise AssertionError(message)

    def due(self) -> list[Any]:
        """What the sweep sees."""
        with self.database.across() as store:
            return list(
                store.execute(
                    text(
                        "SELECT * FROM ab_due() UNION ALL SELECT * FROM ab_due_files()"
                        " UNION ALL SELECT * FROM ab_due_notices()"
                        " UNION ALL SELECT * FROM ab_due_webhooks()"
                        " UNION ALL SELECT * FROM ab_due_backfills()"
                    )
                ).all()
            )

    def work(self, one: Any) -> None:
        """What the rung job does."""
        if one.kind == PLAN:
            planner.plan_waiting(self.hub, one.workspace_id)
        elif one.kind == DRAIN:
            deliver.drain(self.hub, one.workspace_id, one.connection_id)
        elif one.kind == BACKFILL:
            backfilling.plan_due(self.hub, one.workspace_id)
        elif one.kind == FETCH:
            fetching.fetch_due(self.hub, one.workspace_id)
        elif one.kind == GATHER:
            gathering.gather_due(self.hub, one.workspace_id)
        elif one.kind == TELL:
            sending.send_due(self.hub.desk, one.workspace_id, one.connection_id)
        elif one.kind == PROVISION:
            deliver.provide_tags(self.hub, one.workspace_id, one.connection_id)

    def hurry(self) -> None:
        """Retries, polls and pauses are due now; leases stay."""
        with self.database.begin(self.workspace_id) as store:
            store.execute(text(";".join(HURRY)))
        known = redis.Redis.from_url(str(self.hub.settings.redis_url), socket_timeout=1)
        with contextlib.suppress(redis.RedisError), known:
            for pattern in (f"{PAUSE_KEY}*", f"{DAY_KEY}*"):
                for key in known.scan_iter(pattern):
                    known.delete(key)

    def expire_leases(self) -> None:
        """The workers that held leases are dead for long enough."""
        with self.database.begin(self.workspace_id) as store:
            store.execute(
                text(
                    "UPDATE delivery SET lease_until = now() - interval '1 s'"
                    " WHERE state = 'leased'"
                )
            )

    # --- looking ---

    def open(self) -> dict[str, int]:
        """How many responses and deliveries are not settled, by state."""
        with self.database.begin(self.workspace_id) as store:
            rows = store.execute(
                text(
                    "SELECT state, count(*) AS n FROM delivery"
                    " WHERE state IN ('pending', 'leased', 'awaiting')"
                    " OR (state = 'parked' AND reason IN ('provision', 'file'))"
                    " GROUP BY state UNION ALL SELECT 'unplanned', count(*) FROM response"
                    " WHERE planned_at IS NULL AND plan_due_at < 'infinity'"
                    " UNION ALL SELECT 'told of', count(*) FROM hook_notice"
                    " WHERE state = 'pending' AND NOT what ? 'poll'"
                )
            )
            return {row.state: row.n for row in rows if row.n}

    def deliveries(self, **where: Any) -> list[Any]:
        """The outbox rows, in order."""
        query = select(delivery).order_by(delivery.c.id)
        for name, value in where.items():
            query = query.where(delivery.c[name] == value)
        with self.database.begin(self.workspace_id) as store:
            return list(store.execute(query).all())

    def states(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        counted: dict[str, int] = {}
        for one in self.deliveries():
            counted[one.state] = counted.get(one.state, 0) + 1
        return counted

    def rows(self, query: str, **options: Any) -> list[Any]:
        """Any query in the workspace."""
        with self.database.begin(self.workspace_id) as store:
            return list(store.execute(text(query), options).all())


def hub_on(settings: Settings, database: Database) -> Hub:
    """What a job works with, here: with an OAuth client for every app."""
    clients = dict.fromkeys(SETTINGS, CLIENT)
    own = replace(
        settings,
        oauth_clients=MappingProxyType(clients),
        allowed_hosts=frozenset({"127.0.0.1", "localhost"}),
        linger_s=MappingProxyType(dict.fromkeys(SETTINGS, 0.0)),
    )
    # The fixture's own database: it closes what it opened.
    hub = Hub(own, Desk.of(own, database), Limiter(str(own.redis_url)))
    hub.limiter.trust_counts()
    return hub


def founded(settings: Settings, database: Database, slug: str = "acme") -> World:
    """A fresh workspace on this hub."""
    hub = hub_on(settings, database)
    found = workspaces.found(
        database,
        slug=slug,
        name=slug,
        owner_email="owner@example.test",
        country="DK",
        timezone="Europe/Copenhagen",
    )
    return World(hub, found.workspace_id, found.key.secret.reveal())


def new_key(url: str) -> Secret:
    """A key that the simulated CRM has just issued."""
    answer = requests.post(f"{url}/__sim__/oauth", json={"issue": {}}, timeout=5)
    answer.raise_for_status()
    told = answer.json()
    # Where a key is exchanged for a token, both are told.
    return Secret(told.get("key") or told["access_token"])


def answered(
    number: int,
    *,
    email: str | None = None,
    score: int = 9,
    at: str = "2026-11-22T01:02:00Z",
    why: str = "Friendly 😀",
    campaign: tuple[str, str] = ("5000", "Møde"),
    **changes: Any,
) -> dict[str, Any]:
    """One pushed response of contact `number`."""
    return {
        "response_id": f"r{number}",
        "submitted_at": at,
        "survey": {"id": "s1", "name": "After the meeting"},
        "campaign": {"id": campaign[0], "name": campaign[1]},
        "respondent": {
            "email": email or f"c{number}@example.test",
            "name": f"Søren Contact {number}",
        },
        "answers": {
            "nps": {"type": "nps", "value": score, "title": "How likely are you to recommend us?"},
            "why": {"type": "text", "value": why, "title": "Why?"},
        },
    } | changes


def people(count: int) -> list[dict[str, str]]:
    """Contacts to seed."""
    return [
        {"email": f"c{n}@example.test", "first_name": "Søren", "last_name": f"Contact {n}"}
        for n in range(count)
    ]
