"""What a wave has to know before it calls the CRM, read in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select, text

from adapters.provisioning import Wanted
from adapters.traits import FIELD_PER_CAMPAIGN, TAG_STRATEGY, TagPlace, TagTraits
from adapters.values import TagOptions
from connector.connections.profile import Profile
from connector.connections.tokens import Reached
from connector.responses.edited import older_among
from connector.responses.fold import Clocks, Tagging
from connector.responses.histories import with_backs
from connector.responses.leases import Wave
from connector.responses.replacing import KINDS
from connector.responses.steps import MESSAGE, NOTE, TAG, TASK, UNDO, Delivery, Rank
from connector.responses.tags import SCORES, Spelling, former_patterns, pattern_of
from connector.responses.withdrawn import gone_among
from connector.responses.work import Known, Threads
from connector.tables import (
    campaign,
    entity_snapshot,
    link,
    tag_provision,
    target_clock,
    workspace,
)
from schemas.fields import Entity, entity_from_json
from schemas.record import compile_record_schema

# From 0 to 1, for jitter.
chance = secrets.SystemRandom().random


def known_of(
    connection: Connection, workspace_id: int, reached: Reached, wave: Wave
) -> tuple[Known, Clocks]:
    """What the store knows for this wave: definitions, links, tag spelling, and the order guard's
    clocks.
    """
    profile = reached.profile
    contacts = sorted({one.contact_id for one in wave.deliveries})
    entities = _entities(connection, profile.id)
    written = {one.entity for one in wave.deliveries} & entities.keys()
    spaces = select(workspace.c.settings).where(workspace.c.id == workspace_id)
    tags: Mapping[str, Any] = (connection.execute(spaces).scalar_one() or {}).get("tags", {})
    known = Known(
        traits=profile.traits,
        entities=entities,
        schemas={name: compile_record_schema(entities[name])() for name in written},
        links=_links(connection, profile.id, contacts),
        tagging=tagging_of(profile.traits.tags, tags, profile.learnt, settings=profile.settings),
        chance=chance,
        threads=_threads(connection, workspace_id, profile, wave=wave),
        told=_told(connection, workspace_id, profile, wave=wave),
        opened=_opened(connection, workspace_id, profile, wave=wave),
        gone=gone_among(connection, sorted({one.response_id for one in wave.deliveries})),
        older=older_among(connection, sorted(_replaceable(wave))),
    )
    return known, _clocks(connection, profile.id, wave)


def _replaceable(wave: Wave) -> set[int]:
    return {one.response_id for one in wave.deliveries if one.kind in KINDS}


def with_what_goes_back(
    connection: Connection, connection_id: int, wave: Wave, *, entities: Mapping[str, Entity]
) -> Wave:
    """The wave, what takes something back with what goes back in its place."""
    if all(one.kind != UNDO for one in wave.deliveries):
        return wave
    deliveries = with_backs(connection, connection_id, wave.deliveries, entities=entities)
    return replace(wave, deliveries=deliveries)


def as_named_now(connection: Connection, wave: Wave) -> Wave:
    """The wave with its tags in the names that their campaigns have now: between planning and here
    they may have been renamed.
    """
    ids = {one.campaign_id for one in wave.deliveries if one.about == TAG}
    if not ids:
        return wave
    rows = connection.execute(
        select(campaign.c.id, campaign.c.tag_name, campaign.c.former_tag_names).where(
            campaign.c.id.in_(ids)
        )
    )
    names = {row.id: {"campaign": row.tag_name, "former": row.former_tag_names} for row in rows}
    return replace(
        wave,
        deliveries=tuple(
            replace(one, payload={**one.payload, **names.get(one.campaign_id or 0, {})})
            if one.about == TAG
            else one
            for one in wave.deliveries
        ),
    )


def tagging_of(
    traits: TagTraits,
    tags: Mapping[str, Any],
    learnt: Mapping[str, Any],
    *,
    settings: Mapping[str, Any] | None = None,
) -> Tagging:
    """How this connection spells tags, from the app's traits, the workspace's pattern, what was
    learnt and the connection's own settings.
    """
    style = learnt.get("tag_style")
    strategy = (settings or {}).get(TAG_STRATEGY.name)
    return Tagging(
        Spelling(traits.styles, traits.separator, traits.max_length),
        pattern_of(tags),
        field=traits.field if traits.place is TagPlace.FIELD else None,
        style=traits.styles.index(style) if style in traits.styles else 0,
        per_campaign=traits.per_campaign if strategy == FIELD_PER_CAMPAIGN else None,
        longest=traits.per_campaign_length,
        former=former_patterns(tags),
    )


def _entities(connection: Connection, connection_id: int) -> dict[str, Entity]:
    rows = connection.execute(
        select(entity_snapshot.c.entity, entity_snapshot.c.definition).where(
            entity_snapshot.c.connection_id == connection_id, entity_snapshot.c.current
        )
    )
    return {row.entity: entity_from_json(row.definition) for row in rows}


def _links(
    connection: Connection, connection_id: int, contacts: Sequence[int]
) -> dict[tuple[int, str], str]:
    rows = connection.execute(
        select(link.c.contact_id, link.c.entity, link.c.remote_id).where(
            link.c.connection_id == connection_id, link.c.contact_id.in_(contacts)
        )
    )
    return {(row.contact_id, row.entity): row.remote_id for row in rows}


def _threads(connection: Connection, workspace_id: int, profile: Profile, *, wave: Wave) -> Threads:
    """What earlier notes of the wave's contacts and campaigns have left behind.

    A try at another connection of the same app counts as doubt: it may be the same account.
    """
    notes = [one for one in wave.deliveries if one.kind == NOTE]
    if not notes:
        return Threads()
    rows = connection.execute(
        EARLIER_NOTES,
        {
            "w": workspace_id,
            "app": profile.app,
            "contacts": sorted({one.contact_id for one in notes}),
            "ours": [one.id for one in notes],
        },
    ).all()
    here = [row for row in rows if row.connection_id == profile.id and row.state == "done"]
    earlier = {(row.contact_id, row.campaign_id): row.remote_id for row in here if row.remote_id}
    told = {row.id for row in here if row.remote_id}
    doubtful = {(row.contact_id, row.campaign_id) for row in rows if row.id not in told}
    return Threads(earlier, frozenset(doubtful - earlier.keys()))


# Each contact's rows are looked up by its own index, whatever the statistics say.
EARLIER_NOTES = text(
    """
    SELECT d.id, d.connection_id, d.contact_id, d.campaign_id, d.state, d.remote_id
      FROM unnest(CAST(:contacts AS bigint[])) AS one(contact_id)
      CROSS JOIN LATERAL (
           SELECT id, connection_id, contact_id, campaign_id, state, remote_id, kind, claims
             FROM delivery
            WHERE workspace_id = :w AND delivery.contact_id = one.contact_id
           OFFSET 0) d
      JOIN connection c ON c.id = d.connection_id AND c.app = :app
     WHERE d.kind = 'note' AND d.claims > 0 AND NOT d.id = ANY(CAST(:ours AS bigint[]))
     ORDER BY d.id
    """
)


def _told(
    connection: Connection, workspace_id: int, profile: Profile, *, wave: Wave
) -> frozenset[str]:
    """The lanes of the wave whose message was sent for this or another revision."""
    once = [one for one in wave.deliveries if one.kind == MESSAGE and one.payload["once"]]
    done = _done_by_revisions(connection, workspace_id, profile, of=once)
    return frozenset(row.lane for row in done)


def _opened(
    connection: Connection, workspace_id: int, profile: Profile, *, wave: Wave
) -> dict[str, str]:
    """Marker -> remote id of the tasks that other revisions of the wave's responses have opened.
    Not every CRM finds a task that somebody has done or deleted.
    """
    tasks = [one for one in wave.deliveries if one.kind == TASK]
    done = _done_by_revisions(connection, workspace_id, profile, of=tasks)
    return {str(row.marker): str(row.remote_id) for row in done if row.remote_id}


def _done_by_revisions(
    connection: Connection, workspace_id: int, profile: Profile, *, of: Sequence[Delivery]
) -> Sequence[Row[Any]]:
    """Lane, marker and remote id of what is done, or may be, for any revision of their responses,
    of the kind of these deliveries.
    """
    if not of:
        return ()
    options = {
        "w": workspace_id,
        "c": profile.id,
        "kind": of[0].kind,
        "responses": sorted({one.response_id for one in of}),
    }
    return connection.execute(DONE_BY_REVISIONS, options).all()


# From each response to its revisions, to what they did: every step by an index of its own.
DONE_BY_REVISIONS = text(
    """
    SELECT DISTINCT d.lane, d.payload->>'marker' AS marker, d.remote_id
      FROM unnest(CAST(:responses AS bigint[])) AS one(id)
      JOIN response mine ON mine.id = one.id
      JOIN response r ON r.workspace_id = :w AND r.response_id = mine.response_id
                     AND r.source = mine.source
      JOIN delivery d ON d.workspace_id = :w AND d.response_id = r.id
     WHERE d.connection_id = :c AND d.kind = :kind
       AND (d.state = 'done' OR (d.state = 'dead' AND d.reason = 'perhaps_sent'))
    """
)


def _clocks(connection: Connection, connection_id: int, wave: Wave) -> Clocks:
    lanes = sorted({one.lane for one in wave.deliveries})
    rows = connection.execute(
        select(
            target_clock.c.lane,
            target_clock.c.target,
            target_clock.c.answered_at,
            target_clock.c.revision,
            target_clock.c.response_id,
        ).where(target_clock.c.connection_id == connection_id, target_clock.c.lane.in_(lanes))
    )
    return {
        (row.lane, row.target): Rank(row.answered_at, row.revision, row.response_id) for row in rows
    }


def tags_to_provision(
    connection: Connection, workspace_id: int
) -> Callable[[Profile, str], TagOptions]:
    """How a campaign's eleven tags are spelt at a connection, by the workspace's pattern, or which
    field of its own it has.
    """
    spaces = select(workspace.c.settings).where(workspace.c.id == workspace_id)
    said = (connection.execute(spaces).scalar_one() or {}).get("tags", {})

    def spelt(profile: Profile, tag_name: str) -> TagOptions:
        tagging = tagging_of(profile.traits.tags, said, profile.learnt, settings=profile.settings)
        own = None if tagging.per_campaign is None else tagging.field_of(tag_name)
        tags = tuple(tagging.tag(tag_name, score) for score in SCORES)
        return TagOptions(tag_name, tags, field=own)

    return spelt


def wanted_at(connection: Connection, profile: Profile) -> Wanted:
    """What the workspace's responses need to find at a connection: the opt-out tag, and where a tag
    must be an option before it is written, those of the campaigns that are served there.
    """
    spelt = tags_to_provision(connection, profile.workspace_id)
    spaces = select(workspace.c.settings).where(workspace.c.id == profile.workspace_id)
    said = (connection.execute(spaces).scalar_one() or {}).get("tags", {})
    served = (
        select(campaign.c.tag_name)
        .join(tag_provision, tag_provision.c.campaign_id == campaign.c.id)
        .where(tag_provision.c.connection_id == profile.id)
        .order_by(campaign.c.id)
    )
    names = connection.execute(served).scalars() if profile.traits.tags.needs_options else ()
    options = [spelt(profile, name) for name in names]
    # A campaign with a field of its own needs no option.
    tags = tuple(tag for one in options if one.field is None for tag in one.tags)
    return Wanted(pattern_of(said).no_send, tags)
