"""What the connected user may do at a CRM, as the CRM itself tells it. Pure.

The rights on single fields stand in the definitions (`creatable`, `updatable`; a field the user may
not see is not among them). Here is what goes beyond: rights on whole entities, plan, role, and what
the account has left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class EntityRights:
    """What may be done with the records of one entity."""

    create: bool
    read: bool
    update: bool


@dataclass(frozen=True, slots=True)
class Room:
    """How much of something the account may hold or do, and what is left of that; `unit` "" where
    it is counted.
    """

    what: str
    limit: int
    left: int
    unit: str = ""

    @property
    def is_low(self) -> bool:
        """Whether a tenth is left, or less."""
        return self.left * 10 <= self.limit


@dataclass(frozen=True, slots=True)
class Rights:
    """`edition`: the account's plan, `role`: the user's, both in the CRM's words and empty where
    it does not tell. `entities`: by name; one that is not listed may be anything. `room`: what the
    account tells of its limits besides calls. `warnings`: whole sentences for the admin.
    """

    edition: str = ""
    role: str = ""
    entities: Mapping[str, EntityRights] = dataclasses.field(default_factory=dict)
    room: tuple[Room, ...] = ()
    warnings: tuple[str, ...] = ()


def rights_to_json(one: Rights, *, entities: Collection[str]) -> dict[str, Any]:
    """The rights as they are stored, those of the named entities alone: an org has a thousand."""
    told = dataclasses.asdict(one)
    kept = {name: told["entities"][name] for name in entities if name in told["entities"]}
    return {**told, "entities": kept}


def rights_from_json(told: Mapping[str, Any]) -> Rights:
    """The rights again."""
    return Rights(
        edition=told["edition"],
        role=told["role"],
        entities={name: EntityRights(**one) for name, one in told["entities"].items()},
        room=tuple(Room(**one) for one in told["room"]),
        warnings=tuple(told["warnings"]),
    )


@runtime_checkable
class Inspector(Protocol):
    """A CRM that tells the connected user's rights."""

    def rights(self) -> Rights:
        """The rights, in at most three calls. Raises AdapterError."""
        ...
