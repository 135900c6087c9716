"""A call to a CRM as it is about to leave us, for who watches the wire. Pure.

Whoever only wants to see what would be written keeps the calls that change something back, by
raising NotSent, and lets questions through: what an adapter builds is then seen as it builds it,
and no adapter knows of it (docs/adr/0034).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Body = bytes | str | None
# Whether a call changes nothing: by its method, path and body.
Asks = Callable[[str, str, Body], bool]


@dataclass(frozen=True, slots=True)
class Call:
    """One call without its headers, which hold the token. `path` has the query; `asks`: it changes
    nothing at the CRM.
    """

    method: str
    path: str = field(repr=False)
    body: Body = field(default=None, repr=False)
    asks: bool = False


Watch = Callable[[Call], None]


def unwatched(_call: Call) -> None:
    """Nobody looks."""


def by_method(method: str, _path: str, _body: Body) -> bool:
    """As HTTP has it: what is not surely a question may change something."""
    return method.upper() in SAFE
