"""What planning needs to know of a workspace, read once per batch: connections, mappings,
automations, survey words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, text

from adapters.registry import apps, traits_of
from connector.responses.case import AutomationFacts, ConnectionFacts, Facts, MappingFacts
from connector.responses.questions import shape_of
from connector.responses.rules import Expression, ExpressionInvalid, condition, trusting
from connector.responses.tags import pattern_of
from connector.responses.transforms import Context
from connector.responses.vocabulary import Kind, LabelRule, declared
from schemas.fields import Entity, entity_from_json

# The window of computed.nps, unless the workspace says otherwise.
NPS_WINDOW_DAYS = 90
NO_LINGER: Mapping[str, float] = MappingProxyType({})
# Not connected means parked: the work waits and says for what.
WAITS_FOR = {"new": "auth", "needs_attention": "auth", "disconnected": "auth"}


@dataclass(frozen=True, slots=True)
class Words:
    """What may be named in this workspace, and what values are read with."""

    declared: Mapping[str, Kind]
    surveys: Mapping[int, Mapping[str, Any]]
    labels: tuple[LabelRule, ...]
    context: Context
    settings: Mapping[str, Any]


def load_words(connection: Connection, workspace_id: int) -> Words:
    """The words alone: enough to check a mapping, or to try one out."""
    space = connection.execute(SPACE, {"w": workspace_id}).one()
    surveys = _surveys(connection)
    shape = shape_of(surveys.values(), campaign_flags=space.flags)
    words = declared(shape)
    context = Context(
        country=space.country,
        language=space.settings.get("language", "en"),
        zone=space.timezone,
        declared=words,
    )
    return Words(words, surveys, shape.labels, context, space.settings)


def load_facts(
    connection: Connection, workspace_id: int, *, linger_s: Mapping[str, float] = NO_LINGER
) -> Facts:
    """The workspace's configuration as it stands now."""
    words = load_words(connection, workspace_id)
    return Facts(
        connections=_connections(connection, linger_s),
        mappings=_mappings(connection),
        automations=_automations(connection, words.declared),
        declared=words.declared,
        surveys=words.surveys,
        labels=words.labels,
        nps_window_days=int(words.settings.get("nps_window_days", NPS_WINDOW_DAYS)),
        context=words.context,
        pattern=pattern_of(words.settings.get("tags", {})),
        tags_enabled=bool(words.settings.get("tags", {}).get("enabled", True)),
    )


def load_automations(connection: Connection, words: Words) -> tuple[AutomationFacts, ...]:
    """The published automations, to read only."""
    names = tuple(sorted(words.declared.items()))
    return tuple(_automation(row, names) for row in connection.execute(AUTOMATIONS))


def _connections(
    connection: Connection, linger_s: Mapping[str, float]
) -> dict[int, ConnectionFacts]:
    entities = _entities(connection)
    provisioned = _provisioned(connection)
    known = frozenset(apps())
    return {
        row.id: ConnectionFacts(
            id=row.id,
            app=row.app,
            name=row.name,
            traits=traits_of(row.app),
            standard=row.standard,
            entities=entities.get(row.id, {}),
            provisioned=provisioned.get(row.id, frozenset()),
            waits=WAITS_FOR.get(row.state),
            linger_s=linger_s.get(row.app, traits_of(row.app).linger_s),
        )
        for row in connection.execute(CONNECTIONS)
        if row.app in known
    }


def _entities(connection: Connection) -> dict[int, dict[str, Entity]]:
    found: dict[int, dict[str, Entity]] = {}
    for row in connection.execute(ENTITIES):
        found.setdefault(row.connection_id, {})[row.entity] = entity_from_json(row.definition)
    return found


def _provisioned(connection: Connection) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for row in connection.execute(PROVISIONED):
        found.setdefault(row.connection_id, set()).add(row.campaign_id)
    return {one: frozenset(campaigns) for one, campaigns in found.items()}


def _mappings(connection: Connection) -> dict[str, MappingFacts]:
    return {
        row.name: MappingFacts(
            id=row.id,
            version=row.version,
            connection_id=row.connection_id,
            body=row.body,
            waits=row.waits,
        )
        for row in connection.execute(MAPPINGS)
    }


def _automations(connection: Connection, words: Mapping[str, Kind]) -> tuple[AutomationFacts, ...]:
    """What no survey has declared is taken on trust: responses need not name their survey."""
    connection.execute(LOCK_PARKED)
    names = tuple(sorted(words.items()))
    return tuple(_automation(row, names) for row in connection.execute(AUTOMATIONS))


def _automation(row: Row[Any], names: tuple[tuple[str, Kind], ...]) -> AutomationFacts:
    """A condition that fitted when it was published, and fits no more, is broken."""
    source, parked = row.body.get("if"), row.parked_reason is not None
    if not source or parked:
        return AutomationFacts(row.id, row.body, parked=parked)
    try:
        return AutomationFacts(row.id, row.body, _compiled(source, names))
    except ExpressionInvalid:
        return AutomationFacts(row.id, row.body, broken=True)


# Compiling takes a millisecond, and every batch asks for the same few over the same words.
@lru_cache(maxsize=512)
def _compiled(source: str, names: tuple[tuple[str, Kind], ...]) -> Expression:
    return condition(source, trusting(source, dict(names)))


def _surveys(connection: Connection) -> dict[int, Mapping[str, Any]]:
    """The newest body of every survey, by our id."""
    return {row.id: row.body for row in connection.execute(SURVEYS)}


SPACE = text(
    "SELECT timezone, country, settings,"
    " ARRAY(SELECT DISTINCT unnest(flags) FROM campaign) AS flags FROM workspace WHERE id = :w"
)
CONNECTIONS = text(
    # The lock orders planning against a reconnect: what is parked here is seen by its resume.
    "SELECT id, app, name, state, standard FROM connection WHERE deleted_at IS NULL ORDER BY id"
    " FOR KEY SHARE"
)
ENTITIES = text("SELECT connection_id, entity, definition FROM entity_snapshot WHERE current")
PROVISIONED = text("SELECT connection_id, campaign_id FROM tag_provision WHERE state = 'done'")
MAPPINGS = text(
    """
    SELECT m.id, m.name, m.connection_id, v.version, v.body,
           CASE WHEN m.paused_at IS NOT NULL THEN coalesce(m.paused_reason, 'paused') END AS waits
      FROM mapping m JOIN mapping_version v ON v.mapping_id = m.id AND v.version = m.published
     WHERE m.deleted_at IS NULL
    """
)
AUTOMATIONS = text(
    """
    SELECT a.id, a.parked_reason, v.body FROM automation a
      JOIN automation_version v ON v.automation_id = a.id AND v.version = a.published
     WHERE a.deleted_at IS NULL AND a.enabled ORDER BY a.place NULLS LAST, a.id
    """
)
# Orders planning against a mend: what a batch leaves to a parked automation is seen by its publish.
LOCK_PARKED = text(
    "SELECT FROM automation WHERE parked_reason IS NOT NULL AND deleted_at IS NULL"
    " ORDER BY id FOR SHARE"
)
SURVEYS = text(
    "SELECT s.id, v.body FROM survey s"
    " JOIN survey_version v ON v.survey_id = s.id AND v.version = s.version ORDER BY s.id"
)
