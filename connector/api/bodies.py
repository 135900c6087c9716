"""Request bodies: bounded, never compressed, JSON only through the strict decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import marshmallow as ma
from flask import Request, request
from webargs.flaskparser import FlaskParser

from connector.problems import Code, Place, Refusal, places_of
from schemas.strict import JSON, decode

KIB, MIB = 1024, 1024 * 1024
MAX_BODY = MIB
MAX_RESPONSE = 256 * KIB
MAX_BATCH_BODY = 8 * MIB
NDJSON = "application/x-ndjson"


def raw_body(max_bytes: int) -> bytes:
    """The body's bytes, read as a stream up to `max_bytes`.

    A larger Content-Length is refused before anything is read, a longer stream as soon as it passes
    the limit. Raises Refusal, or werkzeug's own errors, which errors.py answers.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Refusal(Code.ENCODING_REFUSED)
    request.max_content_length = max_bytes
    raw = request.get_data(cache=False)
    # granian hands on what came before the sender hung up (2.8.7, tried 2026-11-22).
    if request.content_length is not None and len(raw) != request.content_length:
        raise Refusal(Code.LENGTH_MISMATCH)
    return raw


def media_type(*accepted: str) -> str:
    """The body's media type, which must be one of `accepted`."""
    if request.mimetype not in accepted:
        raise Refusal(Code.MEDIA_TYPE_REFUSED, f"Accepted here: {', '.join(accepted)}.")
    return request.mimetype


class StrictParser(FlaskParser):
    """webargs' parser over our own decoder, with unknown keys and parameters refused."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {
        "json": None,  # each schema says it itself; webargs' own value would override it
        "query": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> JSON:
        raw = raw_body(MAX_BODY)
        if not raw and not req.mimetype:
            return {}  # no body at all: what must be given is then named by the schema
        media_type("application/json")
        return decode(raw)

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,  # noqa: ARG002 - webargs' signature
        schema: ma.Schema,
        *,
        error_status_code: int | None,  # noqa: ARG002
        error_headers: Mapping[str, str] | None,  # noqa: ARG002
    ) -> NoReturn:
        """Raise the refusal that names every faulty place."""
        messages = error.messages_dict
        if "query" in messages:
            places = places_of(messages["query"])
            named = [Place("?" + one.pointer[1:], one.code, one.text) for one in places]
            raise Refusal(Code.QUERY_INVALID, places=named) from error
        raise Refusal(
            Code.BODY_INVALID, places=places_of(messages.get("json"), schema=schema)
        ) from error


STRICT = StrictParser()
