"""What Salesforce's error codes mean for us: an outcome of a row, or an error of the whole call.

Codes and classes are those of the Salesforce fact sheet, section 6. Salesforce's own messages hold
the refused values, so none of them is passed on; the one exception is what the customer's own
admin wrote into a validation rule, and only when no value of the row stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.errors import (
    DAILY_LIMIT,
    AdapterError,
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.values import Outcome, Row, Status
from schemas.phrases import phrase
from schemas.salesforce import Complaint

# The day's allocation rolls over 24 h; so much later some of it is free again.
DAILY_WAIT_S = 1800.0
# 25 calls of 20 s and longer at once: they end within seconds.
CONCURRENT_WAIT_S = 30.0
LONGEST_RULE_TEXT = 200
SHORTEST_TELLING_VALUE = 3

PAUSES = frozenset(
    {
        "INVALID_FIELD",
        "INVALID_TYPE",
        "INVALID_TYPE_FOR_OPERATION",
        "MALFORMED_QUERY",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "NOT_FOUND",
        "STORAGE_LIMIT_EXCEEDED",
    }
)
GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})
_DUPLICATES = frozenset({"DUPLICATE_VALUE", "DUPLICATES_DETECTED"})
_AUTOMATION = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"})
_PASSING = re.compile(r"UNABLE_TO_LOCK_ROW|row lock|\bCPU\b", re.IGNORECASE)
_RECORD_ID_IN = re.compile(r"record with id: ([0-9A-Za-z]{15,18})")
_COLUMN_IN = re.compile(r"No such column '([A-Za-z0-9_.]+)'")
_FIELDS_IN = re.compile(r"fields?: ([A-Za-z0-9_]+)")

# code -> (our stable word, sentence)
REJECTIONS: Mapping[str, tuple[str, str]] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (
        "validation_rule",
        phrase("a validation rule refused the row"),
    ),
    "REQUIRED_FIELD_MISSING": ("required", "a required field is empty"),
    "STRING_TOO_LONG": ("too_long", "the text is longer than the field"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": ("unknown_option", "the list has no such option"),
    "INVALID_EMAIL_ADDRESS": ("not_an_email", "the text is no e-mail address"),
    "NUMBER_OUTSIDE_VALID_RANGE": ("out_of_range", "the number does not fit into the field"),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": ("type", "the value is not of the field's type"),
    "MALFORMED_ID": ("invalid_reference", "the reference is no id of the right kind"),
    "INVALID_CROSS_REFERENCE_KEY": ("invalid_reference", "the record referred to is not there"),
    "DUPLICATE_EXTERNAL_ID": ("ambiguous", "several records have this external id"),
    "FIELD_FILTER_VALIDATION_EXCEPTION": ("lookup_filter", "a lookup filter refused the row"),
    "FIELD_INTEGRITY_EXCEPTION": ("integrity", "the values do not fit together"),
    "INSUFFICIENT_ACCESS_OR_READONLY": ("no_access", "the record may not be changed by this user"),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (
        "no_access",
        "a record referred to may not be used by this user",
    ),
    "CANNOT_UPDATE_CONVERTED_LEAD": (
        "lead_converted",
        "the lead has become a contact and cannot be changed any more",
    ),
    "ENTITY_IS_LOCKED": ("record_locked", "the record is locked by an approval"),
    "INACTIVE_OWNER_OR_USER": ("inactive_owner", "the owner may not use the org any more"),
    "MISSING_ARGUMENT": ("required", "the identifying value is missing"),
}


# --- rows -----------------------------------------------------------------------------------------


def row_outcome(row: Row, complaints: tuple[Complaint, ...]) -> Outcome:
    """What the first complaint about a row means for it."""
    first = complaints[0] if complaints else Complaint("UNKNOWN")
    named = first.fields[0] if first.fields else None
    if _is_passing(first):
        text = "the record was locked by another change"
        return Outcome(row.key, Status.RETRY, row.remote_id, code="row_locked", message=text)
    if first.code in PAUSES - GONE:
        return Outcome(
            row.key,
            Status.RETRY,
            row.remote_id,
            code="schema_drift",
            message="the field or object cannot be written any more",
            field=named or _field_in(first.message),
        )
    if first.code in GONE and named in {None, "Id"}:
        return _rejected(row, "not_found", "the record is not there any more")
    if first.code in _DUPLICATES:
        return _duplicate(row, first)
    code, text = REJECTIONS.get(first.code, (_word(first.code), "Salesforce refused the row"))
    if first.code in _AUTOMATION:
        code, text = "automation_failed", "an Apex trigger or flow of the org refused the row"
    if code == "validation_rule" and _is_silent_about(first.message, row.values.values()):
        text = first.message
    return _rejected(row, code, text, field=named)


def pause_in(outcomes: Iterable[Outcome]) -> PauseMapping | None:
    """The reason to pause, when every row failed for one; rows that went well are not forgotten."""
    told = list(outcomes)
    if not told or any(one.code != "schema_drift" for one in told):
        return None
    return PauseMapping("Salesforce does not let these fields be written", field=told[0].field)


def _is_passing(complaint: Complaint) -> bool:
    if complaint.code in {"UNABLE_TO_LOCK_ROW", "ALL_OR_NONE_OPERATION_ROLLED_BACK"}:
        return True
    return complaint.code in _AUTOMATION and _PASSING.search(complaint.message) is not None


def _duplicate(row: Row, complaint: Complaint) -> Outcome:
    found = _RECORD_ID_IN.search(complaint.message)
    remote_id = complaint.matches[0] if complaint.matches else found[1] if found else None
    creating = row.remote_id is None
    code = "duplicate" if creating else "duplicate_value"
    text = "a record with this value exists already"
    return Outcome(
        row.key,
        Status.REJECTED,
        remote_id if creating else row.remote_id,
        code=code,
        message=text,
        field=complaint.fields[0] if complaint.fields else None,
    )


def _rejected(row: Row, code: str, text: str, *, field: str | None = None) -> Outcome:
    return Outcome(row.key, Status.REJECTED, row.remote_id, code=code, message=text, field=field)


def _is_silent_about(message: str, values: Iterable[Any]) -> bool:
    """Whether a message is short and holds none of the row's values."""
    told = [str(part) for one in values for part in (one if isinstance(one, tuple) else (one,))]
    telling = [one for one in told if len(one) >= SHORTEST_TELLING_VALUE]
    quiet = not any(one.casefold() in message.casefold() for one in telling)
    return bool(message) and len(message) <= LONGEST_RULE_TEXT and quiet


def _word(code: str) -> str:
    return code.lower() if re.fullmatch(r"[A-Z][A-Z_]{2,60}", code) else "refused"


# --- whole calls ----------------------------------------------------------------------------------


def call_error(
    status: int,
    complaints: tuple[Complaint, ...],
    headers: Mapping[str, str],
    *,
    writing: bool,
    now_s: float,
) -> AdapterError:
    """What a refused request means. `now_s` is the time in seconds since 1970, for Retry-After."""
    first = complaints[0] if complaints else Complaint("")
    special = _SPECIAL.get(status)
    if special is not None:
        return special(first)
    if status == 429:
        return Throttled("a gateway asks to wait", wait_s=retry_after_s(headers, now_s))
    if status >= 500 or first.code == "QUERY_TIMEOUT":
        return _unavailable(status, writing=writing, wait_s=retry_after_s(headers, now_s))
    return _refused(status, first, writing=writing)


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """The seconds a Retry-After header asks for: a number or a date; None without one."""
    told = headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now_s)
    except (ValueError, TypeError):
        return None


def _expired(_first: Complaint) -> AdapterError:
    return TokenExpired("Salesforce did not take the access token")


def _forbidden(first: Complaint) -> AdapterError:
    if first.code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in first.message.lower():
            text = "too many long calls run in the org at once"
            return Throttled(text, wait_s=CONCURRENT_WAIT_S, code="concurrent_limit")
        text = "the org has used up its calls of the last 24 hours"
        return Throttled(text, wait_s=DAILY_WAIT_S, code=DAILY_LIMIT)
    if first.code in {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}:
        text = "the API is not enabled for this user or this edition"
        return PauseMapping(text, code="api_disabled", scope="API Enabled")
    text = "the user lacks a permission for this object"
    return PauseMapping(text, code="forbidden", scope=_word(first.code) if first.code else None)


def _missing(first: Complaint) -> AdapterError:
    text = "the object or field is not there, or hidden from the user"
    return PauseMapping(text, field=_field_in(first.message))


def _retired(_first: Complaint) -> AdapterError:
    return BrokenContract("this API version has been retired", code="api_version_retired")


def _too_long(_first: Complaint) -> AdapterError:
    return BrokenContract("the request was too long for Salesforce", code="request_too_long")


_SPECIAL = {401: _expired, 403: _forbidden, 404: _missing, 410: _retired, 414: _too_long,
            431: _too_long}  # fmt: skip


def _unavailable(status: int, *, writing: bool, wait_s: float | None) -> AdapterError:
    text = f"Salesforce answered {status}"
    kind = OutcomeUnknown if writing else TryLater
    return kind(text, wait_s=wait_s, code=f"crm_{status}")


def _refused(status: int, first: Complaint, *, writing: bool) -> AdapterError:
    if first.code in PAUSES:
        text = f"Salesforce refused the request: {_word(first.code)}"
        return PauseMapping(text, field=_field_in(first.message))
    if writing and status == 400:
        return BatchRefused(f"Salesforce refused the whole call: {_word(first.code)}")
    return BrokenContract(f"Salesforce answered {status}: {_word(first.code)}")


def _field_in(message: str) -> str | None:
    found = _COLUMN_IN.search(message) or _FIELDS_IN.search(message)
    return found[1] if found else None
