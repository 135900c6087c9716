"""Zendesk's error answers. The bodies marked (U) are unverified: nobody recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from simulators.kit import messages

JSON = "application/json; charset=utf-8"


class Refused(messages.Refused):
    """The request is answered with this error and changes nothing."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(messages.Answer(status, body, headers or {}, JSON))
        self.status = status


def not_found() -> Refused:
    """404 as recorded."""
    return Refused(404, {"error": "RecordNotFound", "description": "Not found"})


def too_many(noun: str) -> Refused:
    """More than 100 values: users and organizations say it in different words (recorded)."""
    if noun == "users":
        body: dict[str, Any] = {
            "error": "TooManyValues",
            "description": "Maximum 100 users may be created per call",
        }
    else:
        told = "Parameter  cannot specify more than 100 values"
        body = {"error": "TooManyValues", "description": told, "max_count": 100}
    return Refused(400, body)


class RecordInvalid(Refused):
    """422 for one record. `sentence` is what a job's failed row tells of it."""

    def __init__(self, attribute: str, code: str, text: str) -> None:
        details = {attribute: [{"description": text, "error": code}]}
        body = {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": details,
        }
        super().__init__(422, body)
        self.sentence = f"{attribute.capitalize()}: {text}"


def unauthorized() -> Refused:
    """A token that is expired, revoked or unknown (U)."""
    told = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    return Refused(401, {"error": "invalid_token", "error_description": told})


def no_basic() -> Refused:
    """Wrong e-mail or API token."""
    return Refused(401, {"error": "Couldn't authenticate you"})


def forbidden() -> Refused:
    """A missing permission: here `error` is an object (U)."""
    told = "You do not have access to this page. Please contact the account owner."
    return Refused(403, {"error": {"title": "Forbidden", "message": told}})


def missing_scope(scope: str) -> Refused:
    """The token lacks a scope (U)."""
    told = f"You are missing the following required scopes: {scope}"
    return Refused(403, {"error": "Forbidden", "description": told})


def throttled(
    wait_s: int,
    told: str = "Number of allowed API requests per minute exceeded",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Refused:
    """429 with Retry-After (body U)."""
    body = {"error": "APIRateLimitExceeded", "description": told}
    return Refused(429, body, {"Retry-After": str(wait_s), **headers})


def too_many_jobs() -> Refused:
    """429 at 30 queued or running jobs (body U)."""
    told = "Too many queued or running jobs for this account"
    return Refused(429, {"error": "TooManyJobs", "description": told}, {"Retry-After": "10"})


def bad_request(told: str) -> Refused:
    """400 for a body or parameter that cannot be understood (U)."""
    return Refused(400, {"error": "BadRequest", "description": told})
