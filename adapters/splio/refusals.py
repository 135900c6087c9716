"""What Splio's refusal of one contact means. Pure.

Its words are known from examples only (vendor's guide): a word we do not know is a refused value.
The texts beside them quote values, so that nothing of them goes on but a field's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.errors import PauseMapping
from adapters.values import Outcome, Status

CODES = {
    "wrong_email": "not_an_email",
    "wrong_type": "invalid_value",
    "wrong_value": "invalid_value",
    "wrong_cellphone": "not_a_phone_number",
    "required": "required",
    "missing": "required",
}
_NUMBER = re.compile(r"(?i)\bfield with id (\d{1,9})\b")
_EXISTS = re.compile(r"(?i)\balready exists\b")
_GONE = re.compile(r"(?i)\b(unknown|not found|does not exist|doesn't exist)\b")


class RowRefused(Exception):
    """Splio refused one contact. `errors` as it told them, maybe none; their texts hold values."""

    def __init__(self, status: int, errors: tuple[Mapping[str, Any], ...]) -> None:
        super().__init__(f"Splio answered {status}")
        self.status, self.errors = status, errors


def outcome_of(key: str, refused: RowRefused) -> Outcome:
    """The outcome of a refused row. Raises PauseMapping when a field or list is gone."""
    first = refused.errors[0] if refused.errors else {}
    if refused.status == 404:
        return Outcome(key, Status.REJECTED, code="not_found", message="Splio has no such contact")
    if _is_known_already(refused):
        message = "a contact with this unique key exists already"
        return Outcome(key, Status.REJECTED, code="duplicate", message=message)
    field = _field_of(first)
    if _is_gone(first):
        message = f"Splio does not have {field or 'this field'} any more"
        raise PauseMapping(message, code="field_gone", field=field)
    code = CODES.get(str(first.get("error")), "invalid_value")
    message = f"Splio refused {field or 'a value'}: {code.replace('_', ' ')}"
    return Outcome(key, Status.REJECTED, code=code, message=message, field=field)


def _is_known_already(refused: RowRefused) -> bool:
    # 400 by the bulk call's example, 409 by custom: which one a single create answers is unknown.
    texts = [str(one.get("error_description", "")) for one in refused.errors]
    return refused.status == 409 or any(_EXISTS.search(one) for one in texts)


def _field_of(error: Mapping[str, Any]) -> str | None:
    key = str(error.get("error_key", ""))
    if key in {"custom_fields", "list_ids", "lists"}:
        found = _NUMBER.search(str(error.get("error_description", "")))
        return f"c{found[1]}" if found and key == "custom_fields" else None
    return key if re.fullmatch(r"[a-z_]{1,40}", key) else None


def _is_gone(error: Mapping[str, Any]) -> bool:
    about = str(error.get("error_key", "")) in {"custom_fields", "list_ids", "lists"}
    return about and bool(_GONE.search(str(error.get("error_description", ""))))
