"""An open edit holds the contact's lane: no delivery and no other edit works on it meanwhile. SQL
only.

An edit whose process died stays open until its time is over; whoever looks at the contact next
takes it over and finds out what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from connector import audit
from connector.responses import leases, ledger, outbox
from connector.responses.extras.comparing import Change
from connector.responses.steps import contact_lane, field_target
from schemas.fields import FieldValue

WRITTEN, UNCHANGED, CONFLICT, REFUSED, NOT_WRITTEN, UNKNOWN = (
    "written",
    "unchanged",
    "conflict",
    "refused",
    "not_written",
    "unknown",
)
EDITED, TESTED = "contact.fields_edited", "mapping.tested"
# In the changes of a test: the mapping that is tried.
TRIAL = "trial"
# What is told to the audit log: the others have changed nothing.
TOLD = frozenset({WRITTEN, UNCHANGED, UNKNOWN})


@dataclass(frozen=True, slots=True)
class Spot:
    """One contact's record at one connection; `trial_of`: the mapping that is tried on it."""

    workspace_id: int
    connection_id: int
    contact_id: int
    entity: str
    remote_id: str
    trial_of: int | None = None

    @property
    def lane(self) -> str:
        return contact_lane(self.contact_id)


@dataclass(frozen=True, slots=True)
class Hold:
    """An open edit that is ours by its token. `changes`: field -> {was, value}. `match`: what the
    record is known by that it is about to create; None where there is a record.
    """

    spot: Spot
    id: int
    token: UUID
    actor: str
    changes: Mapping[str, Mapping[str, Any]]
    form_id: int | None = None
    match: Mapping[str, str] | None = None


def take(
    connection: Connection,
    spot: Spot,
    changes: Sequence[Change],
    *,
    actor: str,
    lease_s: float,
    form_id: int | None = None,
    match: Mapping[str, str] | None = None,
) -> Hold | None:
    """Begin an edit; None while somebody else works on the contact. Commit before anything is
    sent.
    """
    # As a claim does: neither may see the lane free while the other takes it.
    leases.queue_up(connection, spot.connection_id)
    token = uuid4()
    trial = {} if spot.trial_of is None else {TRIAL: spot.trial_of}
    told = {one.name: {"was": one.was, "value": one.value, **trial} for one in changes}
    options = {
        **_of(spot),
        "entity": spot.entity,
        "remote": spot.remote_id,
        "actor": actor,
        "changes": json.dumps(told),
        "token": token,
        "lease": lease_s,
        "form": form_id,
        "match": None if match is None else json.dumps(dict(match)),
    }
    edit_id = connection.execute(TAKE, options).scalar_one_or_none()
    if edit_id is None:
        return None
    return Hold(spot, edit_id, token, actor, told, form_id, match)


def take_over(connection: Connection, spot: Spot, *, lease_s: float) -> Hold | None:
    """The edit of this contact whose process has died, now ours; None when there is none."""
    token = uuid4()
    options = {**_of(spot), "token": token, "lease": lease_s}
    row = connection.execute(TAKE_OVER, options).one_or_none()
    if row is None:
        return None
    trial_of = next((one.get(TRIAL) for one in row.changes.values()), None)
    there = replace(spot, entity=row.entity, remote_id=row.remote_id, trial_of=trial_of)
    return Hold(there, row.id, token, row.actor, row.changes, row.form_id, row.match)


def settle(
    connection: Connection,
    hold: Hold,
    state: str,
    *,
    before: Mapping[str, FieldValue] | None = None,
    after: Mapping[str, FieldValue] | None = None,
    remote_id: str | None = None,
    code: str | None = None,
    address: str | None = None,
) -> bool:
    """End the edit, with its lines of the ledger; False when it was not ours any more. Last in the
    transaction: the audit log waits for the commit.

    What a person has written is newer than every answer given before it: those no longer overwrite
    it, whenever they come. What a mapping was only tried with is not: whatever comes overwrites it.
    """
    spot = hold.spot
    found = {"id": hold.id, "token": hold.token, "state": state, "code": code, "remote": remote_id}
    row = connection.execute(SETTLE, found).one_or_none()
    if row is None:
        return False
    if state == WRITTEN and after:
        ledger.record_edit(
            connection,
            spot.workspace_id,
            hold.id,
            before=before or {},
            after=after,
            created=hold.match is not None and not before,
        )
        if spot.trial_of is None:
            targets = [field_target(spot.entity, name) for name in after]
            outbox.raise_clocks(connection, _clock(spot, row.settled_at, targets))
    if state in TOLD and spot.trial_of is not None:
        names = sorted(after or hold.changes)
        audit_trial(connection, spot, state, names, actor=hold.actor, address=address,
                    edit_id=hold.id)  # fmt: skip
    elif state in TOLD:
        _audit(connection, hold, state, sorted(after or hold.changes), address)
    return True


def _audit(
    connection: Connection, hold: Hold, state: str, names: list[str], address: str | None
) -> None:
    spot = hold.spot
    audit.record(
        connection,
        spot.workspace_id,
        actor=hold.actor,
        action=EDITED,
        object=f"contact:{spot.contact_id}",
        detail={
            "connection_id": spot.connection_id,
            "edit_id": hold.id,
            "outcome": state,
            "fields": names,
            **({} if hold.form_id is None else {"form_id": hold.form_id}),
        },
        address=address,
    )


def audit_trial(
    connection: Connection,
    spot: Spot,
    state: str,
    names: Sequence[str],
    *,
    actor: str,
    address: str | None,
    edit_id: int | None = None,
) -> None:
    """Tell the audit log that a mapping was tried on a record. `spot.contact_id` 0: it stands for
    no contact of ours.
    """
    audit.record(
        connection,
        spot.workspace_id,
        actor=actor,
        action=TESTED,
        object=f"mapping:{spot.trial_of}",
        detail={
            "connection_id": spot.connection_id,
            "entity": spot.entity,
            "remote_id": spot.remote_id,
            "outcome": state,
            "fields": list(names),
            **({"contact_id": spot.contact_id} if spot.contact_id else {}),
            **({"edit_id": edit_id} if edit_id is not None else {}),
        },
        address=address,
    )


def _clock(spot: Spot, at: Any, targets: list[str]) -> list[dict[str, Any]]:  # noqa: ANN401 - a row's
    # No response is newer for its number at the very same time.
    of_a_person = {"response_id": 0, "revision": 0, "answered_at": at.isoformat()}
    here = {"workspace_id": spot.workspace_id, "connection_id": spot.connection_id}
    return [{**here, **of_a_person, "lane": spot.lane, "targets": targets}]


def _of(spot: Spot) -> dict[str, Any]:
    return {
        "w": spot.workspace_id,
        "c": spot.connection_id,
        "contact": spot.contact_id,
        "lane": spot.lane,
    }


TAKE = text(
    """
    INSERT INTO edit (workspace_id, connection_id, contact_id, lane, entity, remote_id, actor,
                      changes, token, held_until, form_id, match)
    SELECT :w, :c, :contact, :lane, :entity, :remote, :actor, CAST(:changes AS jsonb), :token,
           now() + make_interval(secs => :lease), :form, CAST(:match AS jsonb)
     WHERE NOT EXISTS (SELECT FROM delivery WHERE connection_id = :c AND lane = :lane
                          AND state IN ('leased', 'awaiting'))
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)
TAKE_OVER = text(
    """
    UPDATE edit SET token = :token, held_until = now() + make_interval(secs => :lease)
     WHERE workspace_id = :w AND connection_id = :c AND lane = :lane AND state = 'open'
       AND held_until < now()
    RETURNING id, entity, remote_id, actor, changes, form_id, match
    """
)
SETTLE = text(
    """
    UPDATE edit SET state = :state, error_code = :code, changes = NULL, match = NULL,
           settled_at = now(), remote_id = coalesce(:remote, remote_id)
     WHERE id = :id AND token = :token AND state = 'open'
    RETURNING settled_at
    """
)
