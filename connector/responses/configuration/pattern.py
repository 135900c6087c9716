"""What another tag pattern would do, connection by connection, before it is saved. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from adapters.traits import TagPlace
from connector import workspaces
from connector.connections.profile import Profile, load_all
from connector.responses.configuration.preferences import checked_pattern, merged
from connector.responses.fold import Tagging
from connector.responses.prepare import tagging_of
from connector.responses.tags import TagPattern, UnusableName, pattern_of

# Where no campaign is known yet: with a letter that not every CRM keeps.
SAMPLE, SCORE = "Møde", 9


@dataclass(frozen=True, slots=True)
class Spelt:
    """A sample's tag at one connection, now and then. `field`: the number field that its campaign
    has instead, which no pattern changes. `standing`: tags of ours on contacts; `options`: how many
    have to be made in the CRM before contacts can carry them. None: it cannot be spelt there.
    """

    connection_id: int
    connection: str
    app: str
    now: str | None
    then: str | None
    field: str | None
    standing: int
    options: int


@dataclass(frozen=True, slots=True)
class Change:
    """The pattern now and then, whether tags are written at all, and what that means where."""

    now: TagPattern
    then: TagPattern
    enabled_now: bool
    enabled_then: bool
    campaign: str
    score: int
    places: tuple[Spelt, ...]

    @property
    def is_one(self) -> bool:
        """Whether anything would be different."""
        return (self.now, self.enabled_now) != (self.then, self.enabled_then)


def preview(connection: Connection, workspace_id: int, wanted: Mapping[str, Any]) -> Change:
    """What these tag settings would do, what is not named staying as it is. Raises
    Refusal(BODY_INVALID) where saving them would.
    """
    held = workspaces.read(connection, workspace_id)["settings"].get("tags", {})
    tags = merged(held, wanted)
    then = checked_pattern(tags)
    sample = connection.execute(CAMPAIGN, {"w": workspace_id}).scalar_one_or_none() or SAMPLE
    counted = {row.id: row for row in connection.execute(COUNTS, {"w": workspace_id})}
    places = [
        _spelt(one, held, tags, sample, counted.get(one.id))
        for one in load_all(connection, workspace_id)
        if one.traits.tags.place is not TagPlace.NONE
    ]
    return Change(
        now=pattern_of(held),
        then=then,
        enabled_now=held.get("enabled", True),
        enabled_then=tags.get("enabled", True),
        campaign=sample,
        score=SCORE,
        places=tuple(places),
    )


def _spelt(
    one: Profile,
    held: Mapping[str, Any],
    tags: Mapping[str, Any],
    sample: str,
    counted: Any,  # noqa: ANN401 - a row
) -> Spelt:
    now, then = (
        tagging_of(one.traits.tags, said, one.learnt, settings=one.settings)
        for said in (held, tags)
    )
    own = now.field_of(sample) if now.per_campaign is not None else None
    needs_options = one.traits.tags.needs_options and own is None
    return Spelt(
        connection_id=one.id,
        connection=one.name,
        app=one.traits.label,
        now=_tag(now, sample),
        then=_tag(then, sample),
        field=own,
        standing=counted.standing if counted else 0,
        options=counted.campaigns * 11 if counted and needs_options else 0,
    )


def _tag(tagging: Tagging, campaign: str) -> str | None:
    try:
        return tagging.tag(campaign, SCORE)
    except UnusableName:
        return None


CAMPAIGN = text("SELECT tag_name FROM campaign WHERE workspace_id = :w ORDER BY id DESC LIMIT 1")
COUNTS = text(
    """
    SELECT c.id, (SELECT count(*) FROM score_tag t WHERE t.connection_id = c.id) AS standing,
           (SELECT count(*) FROM tag_provision p WHERE p.connection_id = c.id) AS campaigns
      FROM connection c WHERE c.workspace_id = :w AND c.deleted_at IS NULL
    """
)
