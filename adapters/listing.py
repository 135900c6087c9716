"""Which entities a CRM lets the connected user write, so that an admin can choose one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Choosable:
    """An entity whose definition can be downloaded: `name` is what the setting `entities` takes."""

    name: str
    label: str
    custom: bool = False


@runtime_checkable
class EntityLister(Protocol):
    """A CRM whose setting `entities` takes more than what is downloaded by itself."""

    def listed(self) -> tuple[Choosable, ...]:
        """Every entity this user may see and write, as far as the CRM tells that in a list; names
        only, in at most two calls. Raises AdapterError.
        """
        ...
