"""Who answered: each response's contact, found by external id or e-mail, learnt where it is new.
Set-based SQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from adapters.registry import apps, traits_of
from connector.responses.case import Person

ATTRIBUTES = (
    "email",
    "external_id",
    "phone",
    "name",
    "first_name",
    "last_name",
    "company",
    "country",
    "language",
)


def email_key(email: str | None) -> str | None:
    """An address as it identifies: whatever its case."""
    return email.strip().lower() or None if email else None


def persons(
    connection: Connection, workspace_id: int, bodies: Mapping[int, Mapping[str, Any]]
) -> dict[int, Person]:
    """The person of each response id; a respondent nobody knows yet becomes a contact.

    The external id decides before the e-mail address. Responses without either are left out: they
    cannot be matched.
    """
    found = _by_crm_id(connection, workspace_id, bodies)
    asked = [
        _asked(response_id, body["respondent"])
        for response_id, body in bodies.items()
        if _identifies(body["respondent"])
    ]
    if not asked:
        return found
    rows = json.dumps(asked)
    # In one order, so that two planners meeting the same new contacts do not deadlock.
    connection.execute(ADD, {"w": workspace_id, "rows": rows})
    crm_ids = {one["response"]: one["crm_ids"] for one in asked}
    for row in connection.execute(FIND, {"w": workspace_id, "rows": rows}):
        found[row.response] = _person(row, crm_ids[row.response])
    return found


def contact_of(connection: Connection, contact_id: int) -> Person | None:
    """The person of a contact, None where it is gone; reads only."""
    row = connection.execute(ONE, {"id": contact_id}).one_or_none()
    return None if row is None else person_of(row)


def person_of(row: Row[Any]) -> Person:
    """The person of a contact's row, as ONE selects it."""
    return _person(row, {})


def _by_crm_id(
    connection: Connection, workspace_id: int, bodies: Mapping[int, Mapping[str, Any]]
) -> dict[int, Person]:
    """Respondents known only by their id in a CRM that has one connection here: found by their
    link, else made.
    """
    asked = [
        {
            "response": response_id,
            "app": app,
            "remote_id": remote_id,
            "phone": body["respondent"].get("phone"),
            "name": body["respondent"].get("name"),
            "crm_ids": body["respondent"]["crm_ids"],
        }
        for response_id, body in bodies.items()
        if not _identifies(body["respondent"])
        for app, remote_id in list((body["respondent"].get("crm_ids") or {}).items())[:1]
    ]
    if not asked:
        return {}
    entities = {app: traits_of(app).contact_entity for app in apps()}
    options = {"w": workspace_id, "rows": json.dumps(asked), "entities": json.dumps(entities)}
    connection.execute(LOCK_CRM_IDS, {"w": workspace_id % 2**31})
    connection.execute(ADD_BY_CRM_ID, options)
    crm_ids = {one["response"]: one["crm_ids"] for one in asked}
    rows = connection.execute(FIND_BY_CRM_ID, options)
    return {row.response: _person(row, crm_ids[row.response]) for row in rows}


def _identifies(respondent: Mapping[str, Any]) -> bool:
    return bool(respondent.get("email") or respondent.get("external_id"))


def _asked(response_id: int, respondent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "response": response_id,
        "email": respondent.get("email"),
        "email_key": email_key(respondent.get("email")),
        "external_id": respondent.get("external_id"),
        "phone": respondent.get("phone"),
        "name": respondent.get("name"),
        "crm_ids": respondent.get("crm_ids") or {},
    }


def _person(row: Row[Any], crm_ids: Mapping[str, str]) -> Person:
    attributes = dict(row.attributes)
    for name in ATTRIBUTES:
        value = getattr(row, name)
        if value is not None:
            attributes[name] = value
    _complete_name(attributes)
    opted_out = row.opted_out_at is not None
    return Person(row.id, attributes, row.origin_connection_id, crm_ids, opted_out)


def _complete_name(attributes: dict[str, Any]) -> None:
    """The whole name from its parts and the parts from the whole: each CRM requires one of them."""
    name = str(attributes.get("name") or "").strip()
    parts = [str(attributes.get(part) or "").strip() for part in ("first_name", "last_name")]
    if not name and any(parts):
        attributes["name"] = " ".join(part for part in parts if part)
    if name and not parts[1]:
        first, _, last = name.rpartition(" ")
        attributes["last_name"] = last
        if first and not parts[0]:
            attributes["first_name"] = first


def resolved_ids(found: Mapping[int, Person], ids: Sequence[int]) -> dict[int, int | None]:
    """Response id -> contact id, None where nobody was matched."""
    return {one: found[one].id if one in found else None for one in ids}


ADD = text(
    """
    INSERT INTO contact (workspace_id, email, email_key, external_id, phone, name)
    SELECT DISTINCT ON (coalesce(r.external_id, r.email_key))
           :w, r.email, r.email_key, r.external_id, r.phone, r.name
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           response bigint, email text, email_key text, external_id text, phone text, name text)
     WHERE NOT EXISTS (SELECT FROM contact c WHERE c.workspace_id = :w
                          AND c.external_id = r.external_id)
       AND NOT EXISTS (SELECT FROM contact c WHERE c.workspace_id = :w
                          AND c.email_key = r.email_key)
     ORDER BY coalesce(r.external_id, r.email_key), r.response
    ON CONFLICT DO NOTHING
    """
)
# Two look-ups a row, each by its own index. A join over both (external id OR address) compares
# every row with every contact as long as the statistics do not know the contacts.
FIND = text(
    """
    SELECT r.response, c.*
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           response bigint, email_key text, external_id text)
     CROSS JOIN LATERAL (
           SELECT 1 AS choice, id, email, external_id, phone, name, first_name, last_name, company,
                  country, language, attributes, origin_connection_id, opted_out_at
             FROM contact WHERE workspace_id = :w AND external_id = r.external_id
              AND state = 'active'
           UNION ALL
           SELECT 2, id, email, external_id, phone, name, first_name, last_name, company,
                  country, language, attributes, origin_connection_id, opted_out_at
             FROM contact WHERE workspace_id = :w AND email_key = r.email_key
              AND state = 'active'
           ORDER BY choice LIMIT 1) c
    """
)
ONE = text(
    """
    SELECT id, email, external_id, phone, name, first_name, last_name, company, country, language,
           attributes, origin_connection_id, opted_out_at
      FROM contact WHERE id = :id AND state = 'active'
    """
)
# Two planners must not make two contacts of one CRM id.
LOCK_CRM_IDS = text("SELECT pg_advisory_xact_lock(7003, :w)")
ADD_BY_CRM_ID = text(
    """
    WITH asked AS (
      SELECT DISTINCT ON (c.id, r.remote_id) c.id AS connection_id, r.remote_id, r.phone, r.name,
             CAST(:entities AS jsonb)->>r.app AS entity, nextval('contact_id_seq') AS contact_id
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
             response bigint, app text, remote_id text, phone text, name text)
        JOIN connection c ON c.app = r.app AND c.deleted_at IS NULL
       WHERE (SELECT count(*) FROM connection o WHERE o.app = r.app AND o.deleted_at IS NULL) = 1
         AND NOT EXISTS (SELECT FROM link l WHERE l.connection_id = c.id
                            AND l.remote_id = r.remote_id
                            AND l.entity = CAST(:entities AS jsonb)->>r.app)
    ), made AS (
      INSERT INTO contact (workspace_id, id, phone, name, origin_connection_id)
      SELECT :w, contact_id, phone, name, connection_id FROM asked RETURNING id
    )
    INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id)
    SELECT :w, a.connection_id, a.contact_id, a.entity, a.remote_id
      FROM asked a JOIN made m ON m.id = a.contact_id
    """
)
FIND_BY_CRM_ID = text(
    """
    SELECT DISTINCT ON (r.response) r.response, k.id, k.email, k.external_id, k.phone, k.name,
           k.first_name, k.last_name, k.company, k.country, k.language, k.attributes,
           k.origin_connection_id, k.opted_out_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(response bigint, app text, remote_id text)
      JOIN connection c ON c.app = r.app AND c.deleted_at IS NULL
      JOIN link l ON l.connection_id = c.id AND l.remote_id = r.remote_id
       AND l.entity = CAST(:entities AS jsonb)->>r.app
      JOIN contact k ON k.id = l.contact_id
     WHERE k.state = 'active' ORDER BY r.response, k.id
    """
)
