"""Reads a contact's extra fields live, from every CRM where it has a record and fields are chosen.

One CRM that fails does not hide the others: its part says why, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from adapters.errors import AdapterError
from adapters.values import Record
from connector import clock
from connector.connections.profile import Profile, load, load_all
from connector.connections.refusals import refusal_of
from connector.contacts import people
from connector.problems import Refusal
from connector.responses import ledger
from connector.responses.extras import choosing, holds
from connector.responses.extras.choosing import Chosen, Extra
from connector.responses.extras.comparing import Change, Effect, effect_of, etag_of
from connector.responses.extras.holds import Hold, Spot
from connector.responses.extras.live import CALL_S, Line, line_to
from connector.responses.hub import Hub
from connector.tables import link
from schemas.fields import FieldValue, canonical

READ, NOT_LINKED, FAILED = "read", "not_linked", "failed"
# A token may have to be refreshed, a field left out, a place in the rate waited for.
FOR_S = 3 * CALL_S
MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Place:
    """One CRM where fields are chosen: the contact's record there, and an edit of it whose process
    died, ours now to find out about.
    """

    chosen: Chosen
    contact_id: int
    remote_id: str | None
    left: Hold | None = None

    @property
    def spot(self) -> Spot:
        """The record; its id is empty where there is none."""
        profile = self.chosen.profile
        return Spot(
            profile.workspace_id,
            profile.id,
            self.contact_id,
            profile.traits.contact_entity,
            self.remote_id or "",
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What one CRM shows of the contact. `values` are those of the fields that could be read."""

    chosen: Chosen
    state: str
    remote_id: str | None = None
    record: Record | None = None
    read_at: datetime | None = None
    lost: frozenset[str] = frozenset()
    refusal: Refusal | None = None

    @property
    def etag(self) -> str | None:
        """A word for exactly these values of this record."""
        if self.record is None:
            return None
        entity = self.chosen.profile.traits.contact_entity
        return etag_of(entity, self.record.remote_id, self.record.values)


def show(
    hub: Hub, workspace_id: int, contact_id: int, *, connection_id: int | None = None
) -> list[Part]:
    """The contact's extra fields, CRM by CRM by the connections' names; of one where it is named.

    Raises Refusal(NOT_FOUND). What else goes wrong stands in the part it concerns.
    """
    with hub.database.begin(workspace_id) as connection:
        people.one(connection, workspace_id, contact_id)
        every = [
            place_at(connection, profile, contact_id, lease_s=hub.settings.lease_s)
            for profile in _profiles(connection, workspace_id, connection_id)
        ]
    if len(every) < 2:
        return [part_of(hub, one) for one in every]
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(every))) as pool:
        return list(pool.map(lambda one: part_of(hub, one), every))


def place_at(connection: Connection, profile: Profile, contact_id: int, *, lease_s: float) -> Place:
    """What is chosen there, and which record stands for the contact."""
    chosen = choosing.chosen_at(connection, profile)
    return place_of(connection, chosen, contact_id, lease_s=lease_s)


def place_of(connection: Connection, chosen: Chosen, contact_id: int, *, lease_s: float) -> Place:
    """Which record stands for the contact where these fields are wanted of it."""
    profile = chosen.profile
    remote_id = connection.execute(
        select(link.c.remote_id).where(
            link.c.workspace_id == profile.workspace_id,
            link.c.connection_id == profile.id,
            link.c.contact_id == contact_id,
            link.c.entity == profile.traits.contact_entity,
        )
    ).scalar_one_or_none()
    place = Place(chosen, contact_id, remote_id)
    if remote_id is None:
        return place
    # Before the record is read: what is read then is what the edit has left.
    return replace(place, left=holds.take_over(connection, place.spot, lease_s=lease_s))


def _profiles(
    connection: Connection, workspace_id: int, connection_id: int | None
) -> list[Profile]:
    every: Sequence[Profile] = (
        load_all(connection, workspace_id)
        if connection_id is None
        else [load(connection, workspace_id, connection_id)]
    )
    with_extras = set(connection.execute(WITH_EXTRAS, {"w": workspace_id}).scalars())
    return [one for one in every if one.id in with_extras]


def part_of(hub: Hub, place: Place) -> Part:
    """What this CRM shows of the contact now."""
    chosen, remote_id = place.chosen, place.remote_id
    if remote_id is None:
        return Part(chosen, NOT_LINKED)
    try:
        line = line_to(hub, _wanted_of(place), for_s=FOR_S)
    except AdapterError as exc:
        return Part(chosen, FAILED, remote_id, refusal=refusal_of(exc))
    except Refusal as exc:
        return Part(chosen, FAILED, remote_id, refusal=exc)
    try:
        record = line.record(remote_id)
    except AdapterError as exc:
        line.failed(exc)
        part = Part(chosen, FAILED, remote_id, refusal=refusal_of(exc))
    else:
        state = READ if record else NOT_LINKED
        part = Part(chosen, state, remote_id, record, clock.now(), lost=frozenset(line.lost))
    _keep(hub, line, place, part)
    return replace(part, record=part.record and _of_the_chosen(chosen, part.record))


def _wanted_of(place: Place) -> Chosen:
    """What is read: the chosen fields, and those that an edit of before was about to write."""
    left = place.left.changes if place.left else ()
    return choosing.touching(place.chosen, left)


def _of_the_chosen(chosen: Chosen, record: Record) -> Record:
    names = set(chosen.readable)
    held = {name: value for name, value in record.values.items() if name in names}
    return replace(record, values=held)


def _keep(hub: Hub, line: Line, place: Place, part: Part) -> None:
    with hub.database.begin(place.spot.workspace_id) as connection:
        line.keep(connection)
        if part.state != FAILED:
            relink(connection, place.spot, part.record)
            if place.left is not None:
                settle_left(connection, place.left, line.chosen, part.record)
    line.hang_up()


def relink(connection: Connection, spot: Spot, record: Record | None) -> None:
    """The contact's record was merged into another, or is gone: that is what stands for it now."""
    now = record.remote_id if record else None
    if (now or "") != spot.remote_id:
        moved = ledger.Link(spot.contact_id, spot.entity, now)
        ledger.keep_links(connection, spot.workspace_id, spot.connection_id, [moved])


def settle_left(connection: Connection, left: Hold, chosen: Chosen, record: Record | None) -> None:
    """An edit whose process died, or whose answer nobody could look up: its effect is what the
    record shows now. One that was about to create a record, which is not there, has not written.
    """
    changes = tuple(_changes_of(left, chosen))
    held: Mapping[str, FieldValue] = record.values if record else {}
    known = len(changes) == len(left.changes) and record is not None
    effect = effect_of(changes, held) if known else Effect.UNKNOWN
    if left.match is not None:
        effect = Effect.NOT_WRITTEN if record is None else effect
        relink(connection, left.spot, record)
    holds.settle(
        connection,
        left,
        effect.value,
        before={one.name: one.was for one in changes} if left.match is None else None,
        after={one.name: one.value for one in changes},
        remote_id=record.remote_id if record else None,
        code="outcome_unknown" if effect is Effect.UNKNOWN else None,
    )


def _changes_of(left: Hold, chosen: Chosen) -> Iterator[Change]:
    """What it was about to write, as far as the fields are still chosen."""
    fields = {one.name: one.field for one in chosen.extras if one.field is not None}
    for name, told in left.changes.items():
        if name in fields:
            yield Change(fields[name], canonical(told["value"]), canonical(told["was"]))


def shown(part: Part) -> dict[str, Any]:
    """One part as the API shows it."""
    profile, record = part.chosen.profile, part.record
    return {
        "connection_id": profile.id,
        "connection": profile.name,
        "app": profile.app,
        "entity": profile.traits.contact_entity,
        "state": part.state,
        "remote_id": record.remote_id if record else part.remote_id,
        "read_at": part.read_at,
        "updated_at": record.updated_at if record else None,
        "etag": part.etag,
        "error": _told(part.refusal) if part.refusal else None,
        "fields": [_field(one, part) for one in part.chosen.extras],
    }


def _field(one: Extra, part: Part) -> dict[str, Any]:
    lost = one.name in part.lost
    why_not = choosing.UNKNOWN if lost else one.why_not
    field = one.field
    values: Mapping[str, FieldValue] = part.record.values if part.record else {}
    return {
        "field": one.name,
        "label": one.label,
        "type": field.type.value if field else None,
        "value": values.get(one.name),
        "editable": why_not is None,
        "why_not": why_not,
        "max_length": field.max_length if field else None,
        "closed": field.closed if field else True,
        "options": [option for option in field.options if option.active] if field else [],
    }


def _told(refusal: Refusal) -> dict[str, Any]:
    kind = refusal.kind
    wait = refusal.headers.get("Retry-After")
    return {
        "code": refusal.code.value,
        "title": kind.title,
        "detail": refusal.detail or kind.mend,
        "mend": kind.mend,
        "reason": refusal.extra.get("reason"),
        "retry_after_s": int(wait) if wait else None,
    }


WITH_EXTRAS = text(
    "SELECT id FROM connection WHERE workspace_id = :w AND deleted_at IS NULL"
    " AND jsonb_array_length(coalesce(extra_fields->'fields', '[]'::jsonb)) > 0"
)
