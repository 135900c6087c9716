"""What HubSpot's refusals mean: of a whole call (errors), of one row (outcomes). Pure.

Every field of its error body is optional; the details of refused values are a JSON string inside
`message` (vendor's error guide, 2026-11). Nothing of a message goes on: it may hold values.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.errors import (
    DAILY_LIMIT,
    TAG_OPTION_MISSING,
    AdapterError,
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.hubspot.traits import OPTIONAL_SCOPES, SCOPES, SCORE_FIELD_NAME, TAG_FIELD
from adapters.values import Outcome, Status
from schemas.phrases import phrase

MIGRATING = 477
LOCKED_WAIT_S = 2.0
WAITS_S = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
GONE_FIELD = "PROPERTY_DOESNT_EXIST"
# HubSpot's words for a refused value -> ours.
CODES = {
    "INVALID_OPTION": "unknown_option",
    "INVALID_EMAIL": "not_an_email",
    "INVALID_INTEGER": "not_a_number",
    "INVALID_LONG": "not_a_number",
    "INVALID_DATE": "not_a_date",
    "READ_ONLY_VALUE": "read_only",
    "REQUIRED_FIELD": "required",
    "PROPERTY_VALUE_TOO_LONG": "too_long",
}
PASSING = frozenset({"RATE_LIMITS", "LOCKED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"})
_EXISTING = re.compile(r"Existing ID: ([0-9]+)|([0-9]+) already has that value")
_NEEDS = re.compile(r"requires one of \[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal as it came. `body` is {} where it is no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused value: the property and HubSpot's word for why."""

    field: str
    error: str


def refused(said: Said, *, writes: bool, zone: str) -> AdapterError:
    """The error for a refused call. `zone` is the account's time zone: daily limits end at its
    midnight.
    """
    status = said.status
    if status == 401:
        return TokenExpired("HubSpot refuses the access token")
    if status == 403:
        return _missing_scope(said.body)
    if status in {429, MIGRATING}:
        return _throttled(said, zone)
    if status == 423:
        return TryLater("HubSpot has locked the records", wait_s=LOCKED_WAIT_S, code="crm_locked")
    if status >= 500:
        kind = OutcomeUnknown if writes else TryLater
        wait_s = retry_after_s(said.headers)
        return kind(f"HubSpot answered {status}", wait_s=wait_s, code="crm_failed")
    if status == 400:
        return refused_batch(said.body)
    return BrokenContract(f"HubSpot answered {status}", code=f"crm_{status}")


def refused_batch(body: Mapping[str, Any]) -> AdapterError:
    """The error for a whole batch: a lost property is named, else nobody knows which row."""
    for one in faults(body):
        if lost := _lost_field(one):
            return lost
    return BatchRefused("HubSpot refused the whole batch")


def row_outcome(key: str, body: Mapping[str, Any]) -> Outcome:
    """One row's refusal. Raises PauseMapping when a property or a tag's option is gone from
    HubSpot.
    """
    category = str(body.get("category", ""))
    found = faults(body)
    for one in found:
        if lost := _lost_field(one):
            raise lost
    if found:
        return _refused_value(key, found[0])
    if category == "OBJECT_NOT_FOUND":
        return Outcome(key, Status.REJECTED, code="not_found", message="HubSpot has no such record")
    if existing := _EXISTING.search(str(body.get("message", ""))):
        remote_id = existing[1] or existing[2]
        message = "a record with this unique value exists already"
        return Outcome(key, Status.REJECTED, remote_id, code="duplicate", message=message)
    if category in PASSING:
        message = "HubSpot could not take this row now"
        return Outcome(key, Status.RETRY, code="crm_busy", message=message)
    return Outcome(key, Status.REJECTED, code="refused", message="HubSpot refused this row")


def check_complete(body: Mapping[str, Any]) -> None:
    """Raises TryLater when a batch read failed in part: what is missing may well be there."""
    errors = body.get("errors") or ()
    if any(str(one.get("category", "")) in PASSING for one in errors):
        message = "HubSpot could not read all of the batch"
        raise TryLater(message, code="read_incomplete")


def faults(body: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The refused values that a body names, () when it names none."""
    message = str(body.get("message", ""))
    start = message.find("[{")
    try:
        told = json.loads(message[start:]) if start >= 0 else []
    except (ValueError, RecursionError):
        told = []
    inside = [
        Fault(str(one.get("name", "")), str(one.get("error", "")))
        for one in told
        if isinstance(one, dict)
    ]
    return tuple(inside) or _faults_of_errors(body)


def _faults_of_errors(body: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Newer answers name the property in `errors[].context` instead (documented, not recorded)."""
    found = []
    for one in body.get("errors") or ():
        names = (
            (one.get("context") or {}).get("propertyName") or () if isinstance(one, dict) else ()
        )
        found += [Fault(str(name), str(one.get("code", ""))) for name in names]
    return tuple(found)


def _lost_field(one: Fault) -> PauseMapping | None:
    if one.error == GONE_FIELD and (
        one.field == TAG_FIELD or SCORE_FIELD_NAME.fullmatch(one.field)
    ):
        message = f"HubSpot has no property {one.field} (any more)"
        return PauseMapping(message, code=TAG_OPTION_MISSING, field=one.field)
    if one.error == GONE_FIELD:
        message = f"HubSpot has no property {one.field} any more"
        return PauseMapping(message, code="field_gone", field=one.field)
    if one.field == TAG_FIELD and one.error == "INVALID_OPTION":
        message = f"the tag is not among the options of {TAG_FIELD} (any more)"
        return PauseMapping(message, code=TAG_OPTION_MISSING, field=TAG_FIELD)
    return None


def _refused_value(key: str, one: Fault) -> Outcome:
    code = CODES.get(one.error, "invalid_value")
    message = f"HubSpot refuses the value of {one.field}: {code.replace('_', ' ')}"
    return Outcome(key, Status.REJECTED, code=code, message=message, field=one.field or None)


def _missing_scope(body: Mapping[str, Any]) -> PauseMapping:
    """403 has two shapes: granular scopes, or a word in the message (both recorded)."""
    granular = [
        str(scope)
        for one in body.get("errors") or ()
        for scope in (one.get("context") or {}).get("requiredGranularScopes") or ()
    ]
    if told := _NEEDS.search(str(body.get("message", ""))):
        granular += [one.strip() for one in told[1].split(",")]
    # The list may name thirty scopes that would do: the one we ask for is the one to grant.
    ours = [one for one in granular if one in {*SCOPES, *OPTIONAL_SCOPES}]
    scope = (ours or granular or ["unknown"])[0]
    message = phrase(
        "HubSpot says the scope %(scope)s is missing: connect again and allow it", scope=scope
    )
    return PauseMapping(message, code="missing_scope", scope=scope)


def _throttled(said: Said, zone: str) -> Throttled:
    wait_s = retry_after_s(said.headers)
    if said.status == MIGRATING:
        return Throttled("HubSpot is moving the account", wait_s=wait_s, code="crm_migrating")
    policy = str(said.body.get("policyName", ""))
    if wait_s is None:
        wait_s = _until_midnight_s(said.headers, zone) if policy == "DAILY" else WAITS_S.get(policy)
    code = DAILY_LIMIT if policy == "DAILY" else Throttled.code
    return Throttled("HubSpot asks us to wait", wait_s=wait_s, code=code)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by a Retry-After of either form, counted from the answer's own Date."""
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,7}", told):
        return float(told)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, at.timestamp() - _answered_at(headers))


def _until_midnight_s(headers: Mapping[str, str], zone: str) -> float:
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        place = ZoneInfo("UTC")
    now = datetime.fromtimestamp(_answered_at(headers), tz=place)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1.0, midnight.timestamp() - now.timestamp())


def _answered_at(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:
        return time.time()
