"""What Adobe Campaign's refusal of one profile means. Pure.

Its bodies are `{"error_code", "message"}`, or nothing but a JSON string. The words of the messages
are not documented and may quote values: of them only the name of a field goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from adapters.errors import PauseMapping
from adapters.values import Outcome, Status

_EXISTS = re.compile(r"(?i)already (exists?|subscribed)|duplicate|unique")
_UNKNOWN = re.compile(r"(?i)\b(unknown|not defined|does not exist|no attribute)\b")
_REQUIRED = re.compile(r"(?i)\b(mandatory|required|missing)\b")


class RowRefused(Exception):
    """Adobe refused one profile or one subscription. `said`: its words, which may hold values;
    `field`: the one it was about, where the call was about one.
    """

    def __init__(self, status: int, said: str, *, field: str | None = None) -> None:
        super().__init__(f"Adobe Campaign answered {status}")
        self.status, self.said, self.field = status, said, field

    @property
    def is_duplicate(self) -> bool:
        """Whether it is there already; 400 or 409, since that is not documented."""
        return self.status == 409 or (self.status == 400 and bool(_EXISTS.search(self.said)))


def outcome_of(key: str, refused: RowRefused, fields: Iterable[str]) -> Outcome:
    """The outcome of a refused row that was about these fields. Raises PauseMapping when one of
    them is gone.
    """
    if refused.status == 404:
        message = "Adobe Campaign has no such profile"
        return Outcome(key, Status.REJECTED, code="not_found", message=message)
    if refused.is_duplicate and refused.field is None:
        message = "a profile with this key exists already"
        return Outcome(key, Status.REJECTED, code="duplicate", message=message)
    field = refused.field or _named(refused.said, fields)
    if field and _UNKNOWN.search(refused.said):
        message = f"Adobe Campaign does not have the field {field} any more"
        raise PauseMapping(message, code="field_gone", field=field)
    code = "required" if _REQUIRED.search(refused.said) else "invalid_value"
    message = f"Adobe Campaign refused {field or 'a value'}: {code.replace('_', ' ')}"
    return Outcome(key, Status.REJECTED, code=code, message=message, field=field)


def _named(said: str, fields: Iterable[str]) -> str | None:
    """The one of our fields that is named, as a whole word; None where it is none or several."""
    found = [one for one in fields if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", said)]
    return found[0] if len(found) == 1 else None
