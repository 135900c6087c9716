"""Every way in which we say no: a stable code, its status, and what the caller can do about it.

    Refusal                 raised anywhere below the API; becomes a problem document (RFC 9457)
      .code                 a key of CATALOGUE, the stable word
      .detail               what was wrong with this request, without values
      .places               where in the request: JSON pointer, code and text each

docs/api.md lists all codes, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from schemas.places import Place, places_of

__all__ = [
    "CATALOGUE",
    "Code",
    "Kind",
    "Place",
    "Refusal",
    "document",
    "documented",
    "not_found",
    "places_of",
]


class Code(StrEnum):
    """The stable words; callers branch on them, so none is ever renamed."""

    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_ITEMS = "too_many_items"
    LENGTH_MISMATCH = "length_mismatch"
    ENCODING_REFUSED = "encoding_refused"
    MEDIA_TYPE_REFUSED = "media_type_refused"
    REQUEST_INVALID = "request_invalid"
    JSON_INVALID = "json_invalid"
    JSON_REFUSED = "json_refused"
    BODY_INVALID = "body_invalid"
    FILE_INVALID = "file_invalid"
    NOT_IN_A_SHEET = "not_in_a_sheet"
    QUERY_INVALID = "query_invalid"
    CURSOR_INVALID = "cursor_invalid"
    UNAUTHENTICATED = "unauthenticated"
    SIGN_IN_REFUSED = "sign_in_refused"
    FORM_EXPIRED = "form_expired"
    SCOPE_MISSING = "scope_missing"
    SIGNATURE_INVALID = "signature_invalid"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    FIELD_CHANGED = "field_changed"
    PRECONDITION_FAILED = "precondition_failed"
    CHANGE_REFUSED = "change_refused"
    NOT_LINKED = "not_linked"
    CONTACT_BUSY = "contact_busy"
    NAME_TAKEN = "name_taken"
    RESPONSE_CONFLICT = "response_conflict"
    STILL_IN_USE = "still_in_use"
    NOT_CONNECTED = "not_connected"
    CONNECTION_PAUSED = "connection_paused"
    NO_FIELD_DEFINITIONS = "no_field_definitions"
    APP_UNKNOWN = "app_unknown"
    SETTING_INVALID = "setting_invalid"
    HOST_REFUSED = "host_refused"
    MAPPING_INVALID = "mapping_invalid"
    WARNINGS_NOT_ACCEPTED = "warnings_not_accepted"
    AUTOMATION_INVALID = "automation_invalid"
    NOTHING_TO_PUBLISH = "nothing_to_publish"
    AUTHORIZATION_FAILED = "authorization_failed"
    CRM_REFUSED = "crm_refused"
    CRM_UNAVAILABLE = "crm_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    DATABASE_AWAY = "database_away"
    BUSY = "busy"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of refusal: HTTP status, a short title, and how to mend it."""

    status: int
    title: str
    mend: str


CATALOGUE: Mapping[Code, Kind] = MappingProxyType(
    {
        # The body as bytes.
        Code.BODY_TOO_LARGE: Kind(
            413,
            "The request is too large",
            "Send less at once; the limits are in the documentation.",
        ),
        Code.TOO_MANY_ITEMS: Kind(
            413, "The request holds too many items", "Split it into several requests."
        ),
        Code.LENGTH_MISMATCH: Kind(
            400,
            "The body is not as long as announced",
            "Send the whole body, with its true Content-Length.",
        ),
        Code.ENCODING_REFUSED: Kind(
            415, "Compressed bodies are not accepted", "Send the body without Content-Encoding."
        ),
        Code.MEDIA_TYPE_REFUSED: Kind(
            415,
            "This content type is not accepted",
            "Send application/json, or what the endpoint names.",
        ),
        Code.REQUEST_INVALID: Kind(
            400, "The request is not one we understand", "Mend what the detail names."
        ),
        # The body as JSON.
        Code.JSON_INVALID: Kind(
            400, "The body is not the JSON we accept", "Mend the place that is named."
        ),
        Code.JSON_REFUSED: Kind(
            422, "The JSON has a value we cannot store exactly", "Mend the place that is named."
        ),
        Code.BODY_INVALID: Kind(
            422, "The body does not have the right shape", "Mend the places that are named."
        ),
        Code.FILE_INVALID: Kind(
            422,
            "The file is not one we can read",
            "Mend the place that is named, or save the file anew in the form that is asked for.",
        ),
        Code.NOT_IN_A_SHEET: Kind(
            409,
            "A text of the mapping is longer than a cell of a spreadsheet",
            "Take the mapping as YAML instead.",
        ),
        Code.QUERY_INVALID: Kind(
            422, "A query parameter is wrong", "Mend the parameter that is named."
        ),
        Code.CURSOR_INVALID: Kind(
            422, "The cursor is not one of ours", "Start again without a cursor."
        ),
        # Who asks.
        Code.UNAUTHENTICATED: Kind(
            401, "A valid API key is needed", "Send `Authorization: Bearer <key>` with a valid key."
        ),
        Code.SIGN_IN_REFUSED: Kind(
            401,
            "The address, the password or the code is not right",
            "Try again, or let an admin give you a new password.",
        ),
        Code.FORM_EXPIRED: Kind(
            400, "This form has expired", "Reload the page and send it again: nothing was changed."
        ),
        Code.SCOPE_MISSING: Kind(
            403, "The key may not do this", "Use a key with the scope that is named."
        ),
        Code.SIGNATURE_INVALID: Kind(
            401,
            "The signature is not valid",
            "Sign the raw body with the source's current secret; check the clock.",
        ),
        Code.RATE_LIMITED: Kind(429, "Too many requests", "Wait as long as Retry-After says."),
        # What is asked for.
        Code.NOT_FOUND: Kind(
            404,
            "There is no such thing here",
            "Check the id; what belongs to another workspace looks the same.",
        ),
        Code.METHOD_NOT_ALLOWED: Kind(
            405, "This address does not take that method", "Use one of the methods in Allow."
        ),
        Code.CONFLICT: Kind(
            409, "This does not fit the present state", "Read the present state and decide again."
        ),
        Code.FIELD_CHANGED: Kind(
            409,
            "Somebody else has changed this meanwhile",
            "Look at what it is now, and decide again: nothing was written.",
        ),
        Code.PRECONDITION_FAILED: Kind(
            412,
            "It is not what If-Match names any more",
            "Look at what it is now, and decide again: nothing was written.",
        ),
        Code.CHANGE_REFUSED: Kind(
            422, "The change cannot be made as it is", "Mend the places that are named."
        ),
        Code.NOT_LINKED: Kind(
            409,
            "The contact has no record there",
            "It gets one when something is written for it; or its record there was deleted.",
        ),
        Code.CONTACT_BUSY: Kind(
            503,
            "The contact is being written just now",
            "Send the same request again after Retry-After seconds.",
        ),
        Code.NAME_TAKEN: Kind(409, "The name is taken", "Choose another name."),
        Code.RESPONSE_CONFLICT: Kind(
            409,
            "This response is known with other content",
            "Send a changed answer with a higher revision.",
        ),
        Code.STILL_IN_USE: Kind(
            409, "Something still depends on this", "Remove what depends on it first; it is named."
        ),
        Code.NOT_CONNECTED: Kind(
            409,
            "The connection is not connected",
            "Connect it first: authorize it, or give its key.",
        ),
        Code.CONNECTION_PAUSED: Kind(
            409, "The connection is paused", "Wait until somebody lets it work again."
        ),
        Code.NO_FIELD_DEFINITIONS: Kind(
            409,
            "The field definitions have not been downloaded",
            "Download them for this connection first.",
        ),
        # Configuration.
        Code.APP_UNKNOWN: Kind(
            422, "There is no such app", "Choose one from the catalogue of apps."
        ),
        Code.SETTING_INVALID: Kind(
            422, "A setting of the connection is wrong", "Mend the settings that are named."
        ),
        Code.HOST_REFUSED: Kind(
            422,
            "This host may not be called",
            "Use the app's own host, or let the operator allow this one.",
        ),
        Code.MAPPING_INVALID: Kind(
            422, "The mapping cannot work as it is", "Mend the rows that are named."
        ),
        Code.WARNINGS_NOT_ACCEPTED: Kind(
            409,
            "The mapping has warnings that nobody has accepted",
            "Mend them, or accept them: a tick on the page, `accept_warnings` in the API.",
        ),
        Code.AUTOMATION_INVALID: Kind(
            422, "The automation cannot work as it is", "Mend the places that are named."
        ),
        Code.NOTHING_TO_PUBLISH: Kind(409, "There is no draft to publish", "Save a draft first."),
        Code.AUTHORIZATION_FAILED: Kind(
            400, "The authorization did not succeed", "Start it again from the connection."
        ),
        Code.CRM_REFUSED: Kind(
            502, "The other system refused", "Read the reason; mend it there or in the connection."
        ),
        Code.CRM_UNAVAILABLE: Kind(503, "The other system does not answer", "Try again later."),
        Code.OUTCOME_UNKNOWN: Kind(
            504,
            "Whether the other system has taken the change is not known",
            "Read the values again before you decide again.",
        ),
        # Us.
        Code.DATABASE_AWAY: Kind(
            503,
            "The store cannot be reached",
            "Send the same request again after Retry-After seconds.",
        ),
        Code.BUSY: Kind(
            503,
            "Too much is going on at once",
            "Send the same request again after Retry-After seconds.",
        ),
        Code.INTERNAL_ERROR: Kind(
            500, "Something went wrong on our side", "Tell the operator the id in `instance`."
        ),
    }
)


class Refusal(Exception):
    """The request is refused. Says which thing and what to do, never with a value of the request.

    `code` is a Code or its word; another word is a bug of ours (ValueError).
    `extra` are further members of the problem document, `headers` further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        places: Iterable[Place] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        self.code = Code(code)
        super().__init__(self.code.value)
        self.detail = detail
        self.places = tuple(places)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def kind(self) -> Kind:
        return CATALOGUE[self.code]


def not_found() -> Refusal:
    """The one answer to an unknown id and to a foreign one, so that they cannot be told apart."""
    return Refusal(Code.NOT_FOUND)


def document(refusal: Refusal, instance: str) -> dict[str, object]:
    """The problem document. `instance` is the id under which the log has the rest."""
    kind = refusal.kind
    problem: dict[str, object] = {
        "type": f"urn:answerback:problem:{refusal.code.value}",
        "title": kind.title,
        "status": kind.status,
        "code": refusal.code.value,
        "detail": refusal.detail or kind.mend,
        "mend": kind.mend,
        "instance": instance,
        **refusal.extra,
    }
    if refusal.places:
        problem["errors"] = [_told(place) for place in refusal.places]
    return problem


def _told(place: Place) -> dict[str, str]:
    """A faulty place as a problem document shows it."""
    shown = {"pointer": place.pointer, "code": place.code, "text": place.text}
    return {**shown, "where": place.where} if place.where else shown


def documented() -> str:
    """The catalogue as docs/api.md shows it."""
    lines = ["| code | status | what it means | what to do |", "|---|---|---|---|"]
    for code, kind in CATALOGUE.items():
        lines.append(f"| `{code.value}` | {kind.status} | {kind.title} | {kind.mend} |")
    return "\n".join(lines) + "\n"
