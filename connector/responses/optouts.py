"""Contacts that want no more surveys: recorded, told of, and not written to any more.

Who sends surveys asks `contact.opted_out_at`. Here that is what goes to respondents themselves
(`MessageTraits.respondent`): nothing more is planned for them, and what waits is cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, text

from adapters.registry import apps, traits_of
from connector.responses.case import Person
from connector.webhooks import events

# Who recorded it: a person or their key, or what a survey platform has told with a response.
BY_PERSON, BY_RESPONSE = "person", "response"


def record(
    connection: Connection, workspace_id: int, contact_ids: Collection[int], *, by: str
) -> list[int]:
    """From now on they want no more surveys; those that did not say so before. A repeat does
    nothing.
    """
    options = {"w": workspace_id, "ids": sorted(set(contact_ids)), "by": by}
    fresh = list(connection.execute(RECORD, options).scalars()) if options["ids"] else []
    if fresh:
        writing = [app for app in apps() if _writes_to_respondents(app)]
        waiting = {"w": workspace_id, "ids": fresh, "apps": writing}
        ended = connection.execute(CANCEL, waiting).scalars().all()
        events.opted_out(connection, workspace_id, fresh)
        events.settled(connection, workspace_id, ended)
    return fresh


def heard(
    connection: Connection,
    workspace_id: int,
    bodies: Mapping[int, Mapping[str, Any]],
    persons: Mapping[int, Person],
) -> Mapping[int, Person]:
    """Those who say with a response that they want no more surveys are kept to that at once. Bodies
    and persons by response.
    """
    saying = [one for one, body in bodies.items() if one in persons and says_no(body)]
    if not saying:
        return persons
    contacts = {persons[one].id for one in saying}
    record(connection, workspace_id, contacts, by=BY_RESPONSE)
    return {
        one: replace(person, opted_out=True) if person.id in contacts else person
        for one, person in persons.items()
    }


def take_back(connection: Connection, workspace_id: int, contact_ids: Collection[int]) -> list[int]:
    """They may be asked again; those that might not before. What was cancelled stays so: nobody
    wants a message of last month.
    """
    options = {"w": workspace_id, "ids": sorted(set(contact_ids))}
    return list(connection.execute(TAKE_BACK, options).scalars()) if options["ids"] else []


def says_no(body: Mapping[str, Any]) -> bool:
    """Whether a response tells that the respondent wants no more surveys."""
    return (body.get("consent") or {}).get("contact") is False


def _writes_to_respondents(app: str) -> bool:
    messages = traits_of(app).messages
    return messages is not None and messages.respondent


# In the order of their ids, so that two that meet the same contacts do not deadlock.
RECORD = text(
    """
    WITH asked AS (
      SELECT id FROM contact
       WHERE workspace_id = :w AND id = ANY(:ids) AND opted_out_at IS NULL
       ORDER BY id FOR UPDATE
    )
    UPDATE contact c SET opted_out_at = now(), opted_out_by = :by, updated_at = now()
      FROM asked WHERE c.id = asked.id
    RETURNING c.id
    """
)
CANCEL = text(
    """
    UPDATE delivery d SET state = 'cancelled', reason = NULL, settled_at = now()
      FROM connection c
     WHERE c.id = d.connection_id AND c.app = ANY(:apps)
       AND d.workspace_id = :w AND d.contact_id = ANY(:ids) AND d.kind = 'message'
       AND d.state IN ('pending', 'parked', 'dead')
    RETURNING d.id
    """
)
TAKE_BACK = text(
    """
    WITH asked AS (
      SELECT id FROM contact
       WHERE workspace_id = :w AND id = ANY(:ids) AND opted_out_at IS NOT NULL
       ORDER BY id FOR UPDATE
    )
    UPDATE contact c SET opted_out_at = NULL, opted_out_by = NULL, updated_at = now()
      FROM asked WHERE c.id = asked.id
    RETURNING c.id
    """
)
