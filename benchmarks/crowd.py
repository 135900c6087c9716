"""A workspace in which much has happened: 100,000 contacts, responses and deliveries, and as much
of whatever grows with them; one contact, campaign and response of which much is told.

Written by sets, as the owner, whom no statement timeout stops.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import create_engine, text

from connector.connections import discover
from connector.connections.profile import load
from connector.db import sqlalchemy_url
from schemas.config import MappingSchema
from schemas.fields import Entity, Field, FieldType, Option
from tests.pages.filled import MAPPED, Filled

MANY, OF_ONE, FIELDS, ROWS = 100_000, 2_000, 500, 100

_CONTACTS = """
    INSERT INTO contact (workspace_id, email, email_key, name, company)
    SELECT :w, 'p' || n || '@example.test', 'p' || n || '@example.test',
           'Person' || (n % 977) || ' Nr' || n, 'Firm ' || (n % 5000)
      FROM generate_series(1, CAST(:many AS int)) AS n
"""
# Every tenth campaign is a large one; the first has nine responses in ten.
_CAMPAIGNS = """
    INSERT INTO campaign (workspace_id, platform_id, name, tag_name, learnt_from)
    SELECT :w, 'many-' || n, 'Campaign number ' || n, 'many' || n, 'api'
      FROM generate_series(1, 1000) AS n
"""
_RESPONSES = """
    INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,
                          answered_at, received_at, planned_at, campaign_id, contact_id, survey_id)
    SELECT :w, 'api', 'many-' || n, 1, 'completed', false,
           jsonb_build_object(
             'response_id', 'many-' || n, 'submitted_at', '2026-11-22T01:02:00Z',
             'respondent', jsonb_build_object('anonymous', false, 'email', 'p@example.test'),
             'answers', jsonb_build_object(
               'score', jsonb_build_object('type', 'nps', 'value', n % 11),
               'why', jsonb_build_object('type', 'text', 'value', repeat('so it is ', 20)))),
           now() - (:many - n) * interval '30 seconds', now() - (:many - n) * interval '30 seconds',
           CASE WHEN n % 50 > 0 THEN now() END,
           CASE WHEN n % 10 = 0 THEN other.id + n % 1000 ELSE :campaign_id END,
           CASE WHEN n % 50 = 1 THEN :contact_id ELSE first.id + n - 1 END, :survey_id
      FROM generate_series(1, CAST(:many AS int)) AS n,
           (SELECT min(id) AS id FROM contact WHERE workspace_id = :w AND email LIKE 'p%') first,
           (SELECT min(id) AS id FROM campaign WHERE workspace_id = :w AND tag_name LIKE 'many%')
             other
"""
_DELIVERIES = """
    INSERT INTO delivery (workspace_id, connection_id, response_id, contact_id, campaign_id,
                          mapping_id, mapping_version, lane, step, kind, entity, payload,
                          answered_at, revision, state, reason, error_code, error, error_field,
                          claims, created_at, settled_at)
    SELECT :w, :connection_id, id, contact_id, campaign_id, :mapping_id, 1,
           'contact:' || contact_id, 'fields', 'fields', 'contacts',
           '{"values": {"field_7": 9}, "operation": "upsert"}', answered_at, 1, state, reason,
           code, CASE WHEN code IS NOT NULL THEN 'the value is longer than the field' END,
           CASE WHEN code IS NOT NULL THEN 'field_7' END, 1, received_at,
           CASE WHEN state IN ('done', 'dead') THEN received_at END
      FROM (SELECT *, CASE WHEN id % 10 = 0 THEN 'dead' WHEN id % 10 = 1 THEN 'parked'
                           WHEN id % 10 = 2 THEN 'pending' ELSE 'done' END AS state,
                   CASE WHEN id % 10 = 0 THEN 'validation' WHEN id % 10 = 1 THEN 'mapping' END
                     AS reason,
                   CASE WHEN id % 10 = 0 THEN 'too_long_' || id % 70 END AS code
              FROM response WHERE workspace_id = :w AND response_id LIKE 'many-%') r
"""
_LEDGER = """
    INSERT INTO ledger (workspace_id, delivery_id, connection_id, contact_id, response_id, entity,
                        remote_id, field, before, after, written_at)
    SELECT :w, id, connection_id, contact_id, response_id, 'contacts', contact_id::text,
           'field_' || id % 400, '7', '9', created_at
      FROM delivery WHERE workspace_id = :w
"""
_TAGS = """
    INSERT INTO score_tag (workspace_id, connection_id, contact_id, campaign_id, score, answered_at,
                           written)
    SELECT :w, :connection_id, id, :campaign_id, id % 11, now(), 'NPSToday.Spring.' || id % 11
      FROM contact WHERE workspace_id = :w
"""
_LINKS = """
    INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id)
    SELECT :w, :connection_id, id, 'contacts', id::text FROM contact WHERE workspace_id = :w
"""
_AUDIT = """
    INSERT INTO audit (workspace_id, seq, at, actor, address, action, object, detail, previous,
                       hash)
    SELECT :w, last + n, now() - (:many - n) * interval '30 seconds', 'key:' || n % 7, '10.0.0.1',
           (ARRAY['mapping.saved', 'key.created', 'connection.probed'])[n % 3 + 1],
           'mapping:' || n % 900, '{}', '', sha256(n::text::bytea)
      FROM generate_series(1, CAST(:many AS int)) AS n,
           (SELECT coalesce(max(seq), 0) AS last FROM audit WHERE workspace_id = :w) the
"""
_MESSAGES = """
    INSERT INTO webhook_message (workspace_id, webhook_id, event, data, state, attempts,
                                 occurred_at, settled_at)
    SELECT :w, :webhook_id, 'response.failed', '{"response_id": "r-1"}', 'delivered', 1,
           now() - (:many - n) * interval '30 seconds', now()
      FROM generate_series(1, CAST(:many AS int)) AS n
"""
_WEBHOOK_TRIES = """
    INSERT INTO webhook_attempt (workspace_id, message_id, status, ms)
    SELECT :w, id, 200, 31 FROM webhook_message WHERE workspace_id = :w
"""
_NOTICES = """
    INSERT INTO hook_notice (workspace_id, source_id, key, what, state, reason, error, settled_at)
    SELECT :w, :source_id, 'n' || n, '{}', CASE WHEN n % 9 > 0 THEN 'fetched' ELSE 'failed' END,
           CASE WHEN n % 9 = 0 THEN 'unreachable' END, CASE WHEN n % 9 = 0 THEN 'no answer' END,
           now()
      FROM generate_series(1, CAST(:many AS int)) AS n
"""
_EDITS = """
    INSERT INTO edit (workspace_id, connection_id, contact_id, lane, entity, remote_id, actor,
                      state, token, held_until, form_id, settled_at)
    SELECT :w, :connection_id, id, 'contact:' || id, 'contacts', id::text, 'user:1', 'written',
           gen_random_uuid(), now(), :form_id, now()
      FROM contact WHERE workspace_id = :w
"""
_ALERTS = """
    INSERT INTO alert (workspace_id, kind, connection_id, figures, began_at, ended_at)
    SELECT :w, 'errors', :connection_id, '{"failed": 12, "settled": 20}',
           now() - n * interval '1 hour', now() - n * interval '1 hour' + interval '9 minutes'
      FROM generate_series(1, 10000) AS n
"""
_CONFIGURATION = """
    WITH named AS (
      INSERT INTO {kind} (workspace_id, name{columns}, published, latest)
      SELECT :w, '{kind} number ' || n{values}, 1, 1 FROM generate_series(1, 200) AS n
      RETURNING id, name)
    INSERT INTO {kind}_version (workspace_id, {kind}_id, version, state, body)
    SELECT :w, named.id, 1, 'published', v.body || jsonb_build_object('name', named.name)
      FROM named, {kind}_version v WHERE v.{kind}_id = :{kind}_id AND v.version = 1
"""
_VERSIONS = """
    INSERT INTO mapping_version (workspace_id, mapping_id, version, state, body)
    SELECT :w, :mapping_id, n, 'retired', v.body
      FROM mapping_version v, generate_series(2, 200) AS n
     WHERE v.mapping_id = :mapping_id AND v.version = 1
"""
_LATEST = "UPDATE mapping SET latest = 200 WHERE id = :mapping_id"
_KEYS = """
    INSERT INTO api_key (workspace_id, public_id, digest, name, role)
    SELECT :w, 'many' || :w || '-' || n, sha256(n::text::bytea), 'Key number ' || n, 'editor'
      FROM generate_series(1, 200) AS n
"""
_SOURCES = """
    INSERT INTO hook_source (workspace_id, name, platform, token_digest, seal_id, sealed)
    SELECT :w, 'Source number ' || n, 'typeform', sha256((:w || '/' || n)::bytea),
           gen_random_uuid(), ''
      FROM generate_series(1, 200) AS n
"""
_MEMBERS = """
    INSERT INTO user_account (workspace_id, email, name, role)
    SELECT :w, 'm' || n || '@example.test', 'Member number ' || n, 'viewer'
      FROM generate_series(1, 200) AS n
"""
STATEMENTS = (
    _CONTACTS, _CAMPAIGNS, _RESPONSES, _DELIVERIES, _LEDGER, _TAGS, _LINKS, _AUDIT, _MESSAGES,
    _WEBHOOK_TRIES, _NOTICES, _EDITS, _ALERTS, _KEYS, _SOURCES, _MEMBERS,
    _CONFIGURATION.format(kind="mapping", columns=", connection_id", values=", :connection_id"),
    _CONFIGURATION.format(kind="automation", columns="", values=""),
    _VERSIONS, _LATEST,
)  # fmt: skip


def crowd(made: Filled, owner_url: str) -> None:
    """Fill up what `tests.pages.filled.fill` has begun, and let the store know its statistics."""
    _many_fields(made)
    asked = {"w": made.browser.workspace_id, "many": MANY, **made.ids}
    owner = create_engine(sqlalchemy_url(owner_url))
    for statement in STATEMENTS:
        with owner.begin() as store:
            store.execute(text(statement), asked)
    owner.dispose()
    with psycopg.connect(owner_url, autocommit=True) as again:
        again.execute("VACUUM ANALYZE")


def _many_fields(made: Filled) -> None:
    """The entity has 500 fields, the mapping a row for every fifth of them."""
    words = tuple(Option(f"o{n}", f"Option number {n}") for n in range(20))
    fields = [Field("email", "E-mail", FieldType.EMAIL, identifies=True)]
    fields += [Field("nps_score", "NPS score", FieldType.INTEGER)]
    fields += [
        Field(f"field_{n}", f"Field number {n}", FieldType.CHOICE, options=words)
        if n % 3 == 0
        else Field(f"field_{n}", f"Field number {n}", FieldType.TEXT)
        for n in range(FIELDS)
    ]
    entity = Entity("contacts", "Contacts", tuple(fields))
    with made.database.begin(made.browser.workspace_id) as store:
        profile = load(store, made.browser.workspace_id, made.ids["connection_id"])
        discover.store(store, profile, [entity])
    row = {"variable": "answers.why", "transforms": []}
    rows = [{**row, "field": f"field_{3 * n + 1}"} for n in range(ROWS)]
    body: Mapping[str, Any] = MappingSchema().load({**MAPPED, "rows": rows})
    made.sql(
        "UPDATE mapping_version SET body = cast(:body AS jsonb) WHERE mapping_id = :mapping_id",
        body=json.dumps(body),
        mapping_id=made.ids["mapping_id"],
    )
