"""HubSpot's error answers, word for word where they were recorded or documented.

The envelope is `{"status", "message", "correlationId", "category", "errors"?}`; details of refused
values are a JSON string inside `message`. Marked (U) = unverified wording.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from simulators.kit.messages import HTML_TYPE, Answer

PORTAL_ID = 14_200_142
SCOPES_PAGE = "https://developers.hubspot.com/scopes"
CATEGORIES = {423: "LOCKED", 477: "MIGRATION", 500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE"}


class Errors:
    """Makes error answers; each has a correlation id of its own."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def answer(self, status: int, message: str, category: str | None = None, **more: Any) -> Answer:
        """An error in the common envelope."""
        body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
        }
        if category:
            body["category"] = category
        return Answer(status, {**body, **more})

    def invalid(self, message: str, **more: Any) -> Answer:
        """400 VALIDATION_ERROR."""
        return self.answer(400, message, "VALIDATION_ERROR", **more)

    def bad_json(self) -> Answer:
        """400 for a body that is no JSON, or where a property is not text (U)."""
        return self.answer(400, "Invalid input JSON on line 1, column 1")

    def no_token(self) -> Answer:
        """401 for a token this portal never gave out, or whose grant was revoked."""
        told = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
        return self.answer(401, told, "INVALID_AUTHENTICATION")

    def expired(self) -> Answer:
        """401 for a token whose time is over."""
        told = "The OAuth token used to make this call has expired"
        return self.answer(401, told, "EXPIRED_AUTHENTICATION")

    def missing_scopes(self, granular: Sequence[str]) -> Answer:
        """403 as recorded for records."""
        told = "One or more of the following scopes are required."
        context = {"requiredGranularScopes": list(granular), "requiredScopes": ["tickets"]}
        return self.answer(
            403,
            "This app hasn't been granted all required scopes to make this call. "
            f"Read more about required scopes here: {SCOPES_PAGE}.",
            "MISSING_SCOPES",
            errors=[{"message": told, "context": context}],
            links={"scopes": SCOPES_PAGE},
        )

    def may_not_view(self, singular: str, scope: str) -> Answer:
        """403 as recorded for definitions: no category, other words."""
        told = (
            "You do not have permissions to view object type "
            f"ObjectTypeId{{legacyObjectType={singular}}} in portal {PORTAL_ID} "
            f"(requires one of [{scope}])"
        )
        return self.answer(403, told)

    def not_found(self) -> Answer:
        """404 for a record looked up by id."""
        told = "Object not found.  objectId are usually numeric."
        return self.answer(404, told, "OBJECT_NOT_FOUND")

    def html_not_found(self) -> Answer:
        """404 as recorded for a contact looked up by e-mail: a page, not JSON."""
        page = (
            "<html>\n<head>\n<title>Error 404 Not Found</title>\n</head>\n"
            "<body><h2>HTTP ERROR 404</h2>\n<p>Resource not found</p>\n</body>\n</html>\n"
        )
        headers = {"X-HubSpot-NotFound": "true"}
        return Answer(404, page, headers, "text/html;charset=iso-8859-1")

    def rate_limited(self, policy: str, headers: Mapping[str, str] | None = None) -> Answer:
        """429; `policy` is TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
        answer = self.answer(
            429,
            f"You have reached your {policy.lower()} limit.",
            "RATE_LIMITS",
            errorType="RATE_LIMIT",
            policyName=policy,
        )
        answer.headers.update(headers or {})
        return answer

    def trouble(self, status: int) -> Answer:
        """A server's failure: 502 and 504 come from the edge and are pages."""
        if status in {502, 504}:
            return Answer(status, "<html><body>Bad gateway</body></html>", {}, HTML_TYPE)
        return self.answer(status, "internal error", CATEGORIES.get(status))


def row_error(
    message: str, *, category: str = "VALIDATION_ERROR", context: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """One row's error inside a 207."""
    told = {name: list(values) for name, values in context.items()}
    return {"status": "error", "category": category, "message": message, "context": told}


def invalid_values(faults: Sequence[Mapping[str, Any]]) -> str:
    """The message that lists refused property values, as JSON inside text."""
    details = [
        {
            "isValid": False,
            "message": one["message"],
            "error": one["error"],
            "name": one["name"],
            "localizedErrorMessage": one["message"],
            "portalId": PORTAL_ID,
        }
        for one in faults
    ]
    return "Property values were not valid: " + json.dumps(details, ensure_ascii=False)
