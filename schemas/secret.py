"""A value that must not be seen: it shows as *** wherever it is printed, logged or dumped. Pure."""

from __future__ import annotations

import hmac

MASK = "***"


class Secret:
    """A token, key or password; `reveal()` at the one place that uses it.

    Two secrets compare in constant time, and a Secret never equals a plain string. It cannot be
    pickled, and `json.dumps` refuses it, so that it reaches no queue and no body by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        message = "a Secret is not pickled: hand over the id of the row that holds it"
        raise TypeError(message)
