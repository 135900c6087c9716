"""The tag name of a campaign seen for the first time, pushed by API or learnt from a response."""

from __future__ import annotations

from sqlalchemy import Connection

from connector.campaigns.register import Registered, register
from connector.responses.tags import Spelling, UnusableName, collides, tag_name

# Two campaigns must not share a tag in any CRM, so every style that a CRM may fall back to counts.
_ANY_STYLE = Spelling(styles=("verbatim", "safe", "ascii"))


def collides_anywhere(one: str, other: str) -> bool:
    """Whether two tag names could become one tag in some CRM."""
    return collides(one, other, spelling=_ANY_STYLE)


def wished_tag_name(name: str | None, platform_id: str) -> str:
    """The tag name a campaign asks for: its name, else the platform's id, else a word for both."""
    for wish in (name, platform_id):
        try:
            return tag_name(wish or "")
        except UnusableName:
            continue
    return "campaign"


def register_campaign(
    connection: Connection, workspace_id: int, *, platform_id: str, name: str | None
) -> Registered:
    """Make sure the campaign is there, with a tag name of its own. A repeat changes no tag name."""
    return register(
        connection,
        workspace_id,
        platform_id=platform_id,
        name=name,
        tag_name=wished_tag_name(name, platform_id),
        collides=collides_anywhere,
    )
