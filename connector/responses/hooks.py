"""What comes through a hook: verified, read by its platform, stored once.

a message id seen before with the same bytes   a duplicate: nothing is done
other content under a known revision           answered 2xx and audited, never refused: platforms
would resend it for days, or disable the hook
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from io import BytesIO

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from connector import audit
from connector.db import Database, retried
from connector.problems import Code, Place, Refusal, places_of
from connector.responses import notices
from connector.responses.intake import Accepted, accept
from connector.responses.sources import Source
from connector.responses.typed import typed
from connector.settings import FILE_LIMITS, FileLimits
from connector.tables import hook_message
from schemas.signatures import is_signed
from schemas.sources.base import JSON, Body, Envelope, Notice, Told, Unreadable
from schemas.strict import decode

# What of a message is not stored is for the admin to see: the platform cannot mend it.
_AUDITED = {"conflict": "response.conflict", "invalid": "response.invalid"}


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a hook's message. `duplicate`: it had come before, nothing was done."""

    duplicate: bool
    results: tuple[Accepted, ...] = ()


def is_verified(source: Source, headers: Mapping[str, str], raw: bytes, *, now_s: float) -> bool:
    """Whether the platform sent these bytes; one that does not sign is known by its address."""
    if source.scheme is None:
        return True
    secrets = [one.reveal() for one in source.secrets]
    return is_signed(source.scheme, headers, raw, secrets=secrets, now_s=now_s)


def read(
    source: Source, raw: bytes, *, message_id: str | None, at: datetime, content_type: str
) -> Told:
    """What a verified message says, by its platform. Raises NotStrict for bytes that are no JSON,
    Refusal(BODY_INVALID) for another shape.
    """
    is_form = source.platform.body is Body.FORM
    body = _form(raw, content_type) if is_form else decode(raw)
    parse = source.platform.parse
    if parse is None:
        return Told((body,), message_id=message_id)
    try:
        told = parse(body, source.wishes, Envelope(at, message_id))
    except Unreadable as exc:
        place = Place(exc.pointer, "invalid", exc.text)
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc
    return replace(told, message_id=message_id or told.message_id)


def _form(raw: bytes, content_type: str) -> JSON:
    """The fields of a form, url-encoded or multipart. Raises Refusal where it is none."""
    kind, options = parse_options_header(content_type)
    parser = FormDataParser(max_form_memory_size=len(raw) + 1, max_form_parts=200, silent=False)
    try:
        raw.decode()
        _, fields, _ = parser.parse(BytesIO(raw), kind, len(raw), options)
    except (ValueError, HTTPException) as exc:
        raise Refusal(Code.BODY_INVALID, "The body is no form in UTF-8.") from exc
    return fields.to_dict()


def receive(
    database: Database,
    source: Source,
    *,
    message_id: str | None,
    raw: bytes,
    items: Sequence[object],
    told_of: Sequence[Notice] = (),
    limits: FileLimits = FILE_LIMITS,
) -> Received:
    """Store the responses of a verified message, and those that it only tells of as to be fetched;
    when it returns they are committed.

    The message id is written after the responses: a crash in between makes the retry a duplicate by
    its response ids. Raises DatabaseAway.
    """
    digest = hashlib.sha256(raw).digest()
    if message_id and _was_seen(database, source, message_id, digest):
        return Received(duplicate=True)
    if source.platform.untyped:
        items = retried(partial(_typed, database, source, items))
    results = accept(
        database,
        source.workspace_id,
        source=source.key,
        items=items,
        limits=limits,
        edits=source.platform.edits,
    )
    kept_out = [one for one in results if one.status in _AUDITED]

    def remember() -> None:
        with database.begin(source.workspace_id) as connection:
            notices.enter(connection, source.workspace_id, source.id, told_of)
            if message_id:
                _remember(connection, source, message_id, digest)
            for status, action in _AUDITED.items():
                told = [one for one in kept_out if one.status == status]
                if told:
                    _audit(connection, source, told, action=action)

    retried(remember)
    return Received(duplicate=False, results=results)


def _typed(database: Database, source: Source, items: Sequence[object]) -> Sequence[object]:
    with database.begin(source.workspace_id) as connection:
        return typed(connection, source, items)


def refused(database: Database, source: Source, *, address: str | None) -> None:
    """Count a message whose signature is not valid."""
    retried(partial(_note, database, source, action="hook.signature_invalid", address=address))


def unread(database: Database, source: Source, places: Sequence[Place]) -> None:
    """Show to the admin that a verified message could not be read, and where; never its content."""
    detail = {"places": [f"{one.pointer}: {one.code}" for one in places][:20]}
    retried(partial(_note, database, source, action="hook.unreadable", detail=detail))


def _note(
    database: Database,
    source: Source,
    *,
    action: str,
    address: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    with database.begin(source.workspace_id) as connection:
        audit.record(
            connection,
            source.workspace_id,
            actor=source.key,
            action=action,
            object=f"source:{source.id}",
            detail=detail or {},
            address=address,
        )


def _was_seen(database: Database, source: Source, message_id: str, digest: bytes) -> bool:
    with database.begin(source.workspace_id) as connection:
        seen = connection.execute(
            select(hook_message.c.digest).where(
                hook_message.c.source_id == source.id, hook_message.c.message_id == message_id
            )
        ).scalar_one_or_none()
    return seen is not None and bytes(seen) == digest


def _remember(connection: Connection, source: Source, message_id: str, digest: bytes) -> None:
    connection.execute(
        insert(hook_message)
        .values(
            workspace_id=source.workspace_id,
            source_id=source.id,
            message_id=message_id,
            digest=digest,
        )
        .on_conflict_do_nothing()
    )


def _audit(
    connection: Connection, source: Source, told: Sequence[Accepted], *, action: str
) -> None:
    places = sorted({place for one in told for place in _places_in(one.errors)})
    detail = {"responses": [one.id for one in told if one.id][:50], "count": len(told)}
    audit.record(
        connection,
        source.workspace_id,
        actor=source.key,
        action=action,
        object=f"source:{source.id}",
        detail=detail | ({"places": places[:20]} if action == "response.invalid" else {}),
    )


def _places_in(errors: Mapping[str, object] | None) -> list[str]:
    """The faulty places of an item, without values."""
    return [f"{one.pointer}: {one.code}" for one in places_of(errors or {})]
