"""A campaign's tags get another name, on request: every tag that stands in a CRM is written anew.

    rename    the campaign's tag name; the one of before is kept, so that its tags are replaced
    again     the newest tag step of each contact is due again; what is in somebody's hands at this
              moment is flagged, and done once more when it is settled
    options   where tags must exist as options first, they are made, and the steps wait for them

Nothing is planned and no answer read: the steps know score and contact, and a tag's name is looked
up when it is written. A repeat writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from adapters.registry import traits_of
from connector.campaigns import register
from connector.connections import provision
from connector.problems import Code, Place, Refusal
from connector.responses import learning
from connector.responses.steps import tag_target
from connector.responses.tags import UnusableName, tag_name
from schemas.phrases import phrase
from schemas.priority import Priority


@dataclass(frozen=True, slots=True)
class Renamed:
    """The campaign, how many tags are written anew, and the connections that have them."""

    campaign_id: int
    tags: int
    connections: frozenset[int]


def rename(
    connection: Connection, workspace_id: int, *, platform_id: str, name: str | None
) -> Renamed:
    """Rename the tags of a campaign (None: to its own name) and write them anew.

    Refusal NOT_FOUND; BODY_INVALID for a name that cannot be one; NAME_TAKEN.
    """
    campaign_id = register.rename_tags(
        connection,
        workspace_id,
        platform_id=platform_id,
        tag_name=None if name is None else _usable(name),
        collides=learning.told_apart,
    )
    rows = connection.execute(CONNECTIONS, {"campaign": campaign_id}).all()
    waiting = [row.id for row in rows if traits_of(row.app).tags.needs_options]
    for connection_id in waiting:
        provision.again(
            connection, workspace_id, connection_id=connection_id, campaign_id=campaign_id
        )
    options = {
        "campaign": campaign_id,
        "target": tag_target(campaign_id),
        "waiting": waiting,
        "waits": provision.WAITS,
        "priority": int(Priority.REPLAY),
    }
    touched = connection.execute(AGAIN, options).scalars().all()
    return Renamed(campaign_id, len(touched), frozenset(touched))


def _usable(name: str) -> str:
    try:
        return tag_name(name)
    except UnusableName as exc:
        place = Place("/name", "unusable", phrase("no sign of this name can be shown in a tag"))
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc


CONNECTIONS = text(
    "SELECT c.id, c.app FROM connection c WHERE c.deleted_at IS NULL AND EXISTS ("
    " SELECT FROM delivery d WHERE d.connection_id = c.id AND d.kind = 'tag'"
    " AND d.campaign_id = :campaign)"
)
# The newest answer of each contact, by the order guard's clock. One statement, so that a row which
# is being settled meanwhile is either seen as done or flagged.
AGAIN = text(
    """
    UPDATE delivery d
       SET state = CASE WHEN d.state <> 'done' THEN d.state
                        WHEN d.connection_id = ANY(:waiting) THEN 'parked' ELSE 'pending' END,
           reason = CASE WHEN d.state = 'done' AND d.connection_id = ANY(:waiting)
                         THEN :waits WHEN d.state = 'done' THEN NULL ELSE d.reason END,
           payload = CASE WHEN d.state = 'done' THEN d.payload
                          ELSE d.payload || '{"again": true}' END,
           priority = CASE WHEN d.state = 'done' THEN greatest(d.priority, :priority)
                           ELSE d.priority END,
           due_at = CASE WHEN d.state = 'done' THEN now() ELSE d.due_at END,
           attempts = CASE WHEN d.state = 'done' THEN 0 ELSE d.attempts END,
           crashes = CASE WHEN d.state = 'done' THEN 0 ELSE d.crashes END,
           folded_into = CASE WHEN d.state = 'done' THEN NULL ELSE d.folded_into END,
           error_code = CASE WHEN d.state = 'done' THEN NULL ELSE d.error_code END,
           settled_at = CASE WHEN d.state = 'done' THEN NULL ELSE d.settled_at END
      FROM target_clock k
     WHERE d.kind = 'tag' AND d.campaign_id = :campaign
       AND d.state IN ('done', 'leased', 'awaiting')
       AND k.connection_id = d.connection_id AND k.lane = d.lane AND k.target = :target
       AND k.response_id = d.response_id
    RETURNING d.connection_id
    """
)
