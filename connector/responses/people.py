"""Who answered: each response's contact, found by external id or e-mail, learnt where it is new.
Set-based SQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

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
    asked = [
        _asked(response_id, body["respondent"])
        for response_id, body in bodies.items()
        if _identifies(body["respondent"])
    ]
    if not asked:
        return {}
    rows = json.dumps(asked)
    # In one order, so that two planners meeting the same new contacts do not deadlock.
    connection.execute(ADD, {"w": workspace_id, "rows": rows})
    found = connection.execute(FIND, {"w": workspace_id, "rows": rows})
    crm_ids = {one["response"]: one["crm_ids"] for one in asked}
    return {row.response: _person(row, crm_ids[row.response]) for row in found}


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
    _split_name(attributes)
    return Person(row.id, attributes, row.origin_connection_id, crm_ids)


def _split_name(attributes: dict[str, Any]) -> None:
    """First and last name where only the whole one is known: CRMs require a last name."""
    name = str(attributes.get("name") or "").strip()
    if name and not attributes.get("last_name"):
        first, _, last = name.rpartition(" ")
        attributes["last_name"] = last
        if first and not attributes.get("first_name"):
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
FIND = text(
    """
    SELECT DISTINCT ON (r.response) r.response, c.id, c.email, c.external_id, c.phone, c.name,
           c.first_name, c.last_name, c.company, c.country, c.language, c.attributes,
           c.origin_connection_id
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           response bigint, email_key text, external_id text)
      JOIN contact c ON c.workspace_id = :w
           AND (c.external_id = r.external_id OR c.email_key = r.email_key)
     WHERE c.state = 'active'
     ORDER BY r.response, (c.external_id = r.external_id) IS TRUE DESC, c.id
    """
)
