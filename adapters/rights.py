"""What the connected user may do at a CRM, as the CRM itself tells it. Pure.

The rights on single fields stand in the definitions (`creatable`, `updatable`; a field the user may
not see is not among them). Here is what goes beyond: rights on whole entities, plan and role.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class EntityRights:
    """What may be done with the records of one entity."""

    create: bool
    read: bool
    update: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """`edition`: the account's plan, `role`: the user's, both in the CRM's words and empty where
    it does not tell. `entities`: by name; one that is not listed may be anything.
    """

    edition: str = ""
    role: str = ""
    entities: Mapping[str, EntityRights] = dataclasses.field(default_factory=dict)


@runtime_checkable
class Inspector(Protocol):
    """A CRM that tells the connected user's rights."""

    def rights(self) -> Rights:
        """The rights, in at most two calls. Raises AdapterError."""
        ...
