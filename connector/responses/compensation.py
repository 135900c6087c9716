"""A response that its platform has deleted: the steps that take back what it has written. Pure.

One step for each step of its versions that may have reached a CRM, in the same lane, so that it
comes after whatever is still on its way there. What goes back is not known yet: it is looked up
when the step is claimed (withdrawn.py).

What stays: the contact itself and what is known of the person (the standard integration's fields,
its company), what people were told, and what was opened for somebody to work on (a mapping that
only creates).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.responses.case import ConnectionFacts
from connector.responses.steps import FIELDS, FILE, NOTE, TAG, UNDO, Step

# The verdict of an older version that comes, or is planned, after the deletion of its response.
DELETED = "response_deleted"
# A deletion of what has reached no CRM.
NOTHING_TO_UNDO = "nothing_to_undo"
# A step whose record is somebody's work by now.
STAYS = "stays_with_people"
# What can be taken back; people have read the messages.
KINDS = frozenset({FIELDS, TAG, NOTE, FILE})
# Of the person, not of the answer.
OF_THE_PERSON = ("standard:", "company:")


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """A step of an earlier version that a worker has had in hand, so that it may stand in the CRM.

    `payload` without what it says: "match", "linked", "operation", "ambiguous", "campaign".
    """

    key: str
    kind: str
    connection_id: int
    contact_id: int
    entity: str
    lane: str
    payload: Mapping[str, Any]
    campaign_id: int | None = None
    mapping_id: int | None = None
    mapping_version: int | None = None


@dataclass(frozen=True, slots=True)
class Compensation:
    """(contact id, step) of a deletion, and why other things stay."""

    steps: tuple[tuple[int, Step], ...]
    verdicts: Mapping[str, str]


def compensation(
    every: Iterable[WrittenStep], connections: Mapping[int, ConnectionFacts]
) -> Compensation:
    """What takes these steps back. A connection that is gone is left alone."""
    steps: dict[str, tuple[int, Step]] = {}
    verdicts: dict[str, str] = {}
    for one in every:
        connection = connections.get(one.connection_id)
        if connection is None or one.key.startswith(OF_THE_PERSON):
            continue
        if one.kind not in KINDS or one.payload.get("operation") == "create":
            verdicts[one.key] = STAYS
        else:
            # The newest version of a step says best where it stands.
            steps[one.key] = one.contact_id, undoing(one, connection)
    if not steps and not verdicts:
        verdicts["response"] = NOTHING_TO_UNDO
    return Compensation(tuple(steps.values()), verdicts)


def undoing(one: WrittenStep, connection: ConnectionFacts) -> Step:
    """The step that takes this one back, in the same lane."""
    return Step(
        key=f"undo:{one.key}",
        kind=UNDO,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=one.entity,
        lane=one.lane,
        payload={
            "of": one.kind,
            "step": one.key,
            "match": one.payload["match"],
            "linked": bool(one.payload.get("linked")),
            "operation": "update",
            "ambiguous": one.payload.get("ambiguous") or "refuse",
            **({"campaign": one.payload["campaign"]} if one.kind == TAG else {}),
        },
        mapping_id=one.mapping_id,
        mapping_version=one.mapping_version,
        campaign_id=one.campaign_id,
        state="parked" if connection.waits else "pending",
        reason=connection.waits,
    )
