"""Every way in which we say no: a stable code, its status, and what the caller can do about it.

    Refusal                 raised anywhere below the API; becomes a problem document (RFC 9457)
      .code                 a key of CATALOGUE, the stable word
      .detail               what was wrong with this request, without values
      .places               where in the request: JSON pointer, code and text each

A code is never renamed: callers branch on it. docs/api.md lists them all, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of refusal: HTTP status, a short title, and how to mend it."""

    status: int
    title: str
    mend: str


@dataclass(frozen=True, slots=True)
class Place:
    """One faulty place: `pointer` is the JSON pointer in the body, or ?name of a query parameter."""

    pointer: str
    code: str
    text: str


CATALOGUE: Mapping[str, Kind] = MappingProxyType(
    {
        # The body as bytes.
        "body_too_large": Kind(
            413,
            "The request is too large",
            "Send less at once; the limits are in the documentation.",
        ),
        "too_many_items": Kind(
            413, "The request holds too many items", "Split it into several requests."
        ),
        "length_mismatch": Kind(
            400,
            "The body is not as long as announced",
            "Send the whole body, with its true Content-Length.",
        ),
        "encoding_refused": Kind(
            415, "Compressed bodies are not accepted", "Send the body without Content-Encoding."
        ),
        "media_type_refused": Kind(
            415,
            "This content type is not accepted",
            "Send application/json, or what the endpoint names.",
        ),
        # The body as JSON.
        "json_invalid": Kind(
            400, "The body is not the JSON we accept", "Mend the place that is named."
        ),
        "json_refused": Kind(
            422, "The JSON has a value we cannot store exactly", "Mend the place that is named."
        ),
        "body_invalid": Kind(
            422, "The body does not have the right shape", "Mend the places that are named."
        ),
        "query_invalid": Kind(
            422, "A query parameter is wrong", "Mend the parameter that is named."
        ),
        "cursor_invalid": Kind(
            422, "The cursor is not one of ours", "Start again without a cursor."
        ),
        # Who asks.
        "unauthenticated": Kind(
            401, "A valid API key is needed", "Send `Authorization: Bearer <key>` with a valid key."
        ),
        "scope_missing": Kind(
            403, "The key may not do this", "Use a key with the scope that is named."
        ),
        "signature_invalid": Kind(
            401,
            "The signature is not valid",
            "Sign the raw body with the source's current secret; check the clock.",
        ),
        "rate_limited": Kind(429, "Too many requests", "Wait as long as Retry-After says."),
        # What is asked for.
        "not_found": Kind(
            404,
            "There is no such thing here",
            "Check the id; what belongs to another workspace looks the same.",
        ),
        "method_not_allowed": Kind(
            405, "This address does not take that method", "Use one of the methods in Allow."
        ),
        "conflict": Kind(
            409, "This does not fit the present state", "Read the present state and decide again."
        ),
        "name_taken": Kind(409, "The name is taken", "Choose another name."),
        "response_conflict": Kind(
            409,
            "This response is known with other content",
            "Send a changed answer with a higher revision.",
        ),
        "still_in_use": Kind(
            409, "Something still depends on this", "Remove what depends on it first; it is named."
        ),
        "not_connected": Kind(
            409,
            "The connection is not connected",
            "Connect it first: authorize it, or give its key.",
        ),
        "no_field_definitions": Kind(
            409,
            "The field definitions have not been downloaded",
            "Download them for this connection first.",
        ),
        # Configuration.
        "app_unknown": Kind(422, "There is no such app", "Choose one from the catalogue of apps."),
        "setting_invalid": Kind(
            422, "A setting of the connection is wrong", "Mend the settings that are named."
        ),
        "host_refused": Kind(
            422,
            "This host may not be called",
            "Use the app's own host, or let the operator allow this one.",
        ),
        "mapping_invalid": Kind(
            422, "The mapping cannot work as it is", "Mend the rows that are named."
        ),
        "automation_invalid": Kind(
            422, "The automation cannot work as it is", "Mend the places that are named."
        ),
        "nothing_to_publish": Kind(409, "There is no draft to publish", "Save a draft first."),
        "authorization_failed": Kind(
            400, "The authorization did not succeed", "Start it again from the connection."
        ),
        "crm_refused": Kind(
            502, "The other system refused", "Read the reason; mend it there or in the connection."
        ),
        "crm_unavailable": Kind(503, "The other system does not answer", "Try again later."),
        # Us.
        "database_away": Kind(
            503,
            "The store cannot be reached",
            "Send the same request again after Retry-After seconds.",
        ),
        "busy": Kind(
            503,
            "Too much is going on at once",
            "Send the same request again after Retry-After seconds.",
        ),
        "internal_error": Kind(
            500, "Something went wrong on our side", "Tell the operator the id in `instance`."
        ),
    }
)


class Refusal(Exception):
    """The request is refused. Says which thing and what to do, never with a value of the request.

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
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.places = tuple(places)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def kind(self) -> Kind:
        return CATALOGUE[self.code]


def not_found() -> Refusal:
    """The one answer to an unknown id and to a foreign one, so that they cannot be told apart."""
    return Refusal("not_found")


def document(refusal: Refusal, instance: str) -> dict[str, object]:
    """The problem document. `instance` is the id under which the log has the rest."""
    kind = refusal.kind
    problem: dict[str, object] = {
        "type": f"urn:answerback:problem:{refusal.code}",
        "title": kind.title,
        "status": kind.status,
        "code": refusal.code,
        "detail": refusal.detail or kind.mend,
        "mend": kind.mend,
        "instance": instance,
        **refusal.extra,
    }
    if refusal.places:
        problem["errors"] = [
            {"pointer": place.pointer, "code": place.code, "text": place.text}
            for place in refusal.places
        ]
    return problem


def places_of(messages: object, pointer: str = "", *, limit: int = 50) -> tuple[Place, ...]:
    """The places in marshmallow's nested messages, in order, at most `limit` of them."""
    found: list[Place] = []
    for place in _walk(messages, pointer):
        found.append(place)
        if len(found) == limit:
            break
    return tuple(found)


def _walk(messages: object, pointer: str) -> Iterable[Place]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            # marshmallow files what concerns an object as a whole under _schema.
            yield from _walk(below, pointer if key == "_schema" else f"{pointer}/{_escaped(key)}")
    elif isinstance(messages, list | tuple):
        for below in messages:
            yield from _walk(below, pointer)
    else:
        yield Place(pointer, "invalid", str(messages))


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def documented() -> str:
    """The catalogue as docs/api.md shows it."""
    lines = ["| code | status | what it means | what to do |", "|---|---|---|---|"]
    for code, kind in CATALOGUE.items():
        lines.append(f"| `{code}` | {kind.status} | {kind.title} | {kind.mend} |")
    return "\n".join(lines) + "\n"
