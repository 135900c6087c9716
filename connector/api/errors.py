"""Whatever goes wrong becomes a problem document; the log has the rest under its random id."""

from __future__ import annotations

import json
import uuid

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from connector.db import DatabaseAway
from connector.log import get_logger
from connector.problems import Code, Place, Refusal, document
from schemas.strict import Fault, NotStrict

MEDIA_TYPE = "application/problem+json"
_NOT_READABLE = {Fault.SYNTAX, Fault.EMPTY, Fault.NOT_UTF8, Fault.TOO_DEEP, Fault.NOT_AN_ARRAY}
_BY_STATUS = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.BODY_TOO_LARGE,
    415: Code.MEDIA_TYPE_REFUSED,
    429: Code.RATE_LIMITED,
}

log = get_logger(__name__)


def install(app: Flask) -> None:
    """Answer every exception with a problem document."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(NotStrict, not_strict)
    app.register_error_handler(DatabaseAway, database_away)
    app.register_error_handler(HTTPException, http_exception)
    app.register_error_handler(Exception, unforeseen)


def refused(refusal: Refusal) -> Response:
    """The answer to a refusal of ours."""
    instance = f"urn:uuid:{uuid.uuid4()}"
    if refusal.kind.status >= 500:
        log.warning("request_refused", code=refusal.code.value, instance=instance, route=_route())
    body = json.dumps(document(refusal, instance), ensure_ascii=False)
    response = Response(body, status=refusal.kind.status, mimetype=MEDIA_TYPE)
    response.headers.update(refusal.headers)
    if refusal.kind.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def refusal_of(fault: NotStrict) -> Refusal:
    """A refused JSON document as a refusal of the request."""
    if fault.fault is Fault.TOO_LARGE:
        return Refusal(Code.BODY_TOO_LARGE, fault.text)
    code = Code.JSON_INVALID if fault.fault in _NOT_READABLE else Code.JSON_REFUSED
    return Refusal(code, fault.text, places=[Place(fault.pointer, fault.fault.value, fault.text)])


def not_strict(fault: NotStrict) -> Response:
    """The answer to JSON that we do not accept."""
    return refused(refusal_of(fault))


def database_away(error: DatabaseAway) -> Response:
    """The answer while the store is away: nothing was committed, send it again."""
    return refused(Refusal(Code.DATABASE_AWAY, headers={"Retry-After": str(error.retry_after_s)}))


def http_exception(error: HTTPException) -> Response:
    """The answer to what Flask itself refuses."""
    if isinstance(error, RequestEntityTooLarge):
        return refused(Refusal(Code.BODY_TOO_LARGE))
    if isinstance(error, ClientDisconnected):
        return refused(Refusal(Code.LENGTH_MISMATCH))
    allow = dict(error.get_headers()).get("Allow")
    code = _BY_STATUS.get(error.code or 500, Code.REQUEST_INVALID)
    return refused(Refusal(code, headers={"Allow": allow} if allow else {}))


def unforeseen(error: Exception) -> Response:
    """The answer to a bug of ours. Its type and place go to the log, the text redacted."""
    refusal = Refusal(Code.INTERNAL_ERROR)
    response = refused(refusal)
    log.error("internal_error", route=_route(), exc_info=error, instance=_instance(response))
    return response


def _instance(response: Response) -> str:
    told = json.loads(response.get_data())
    return str(told["instance"])


def _route() -> str | None:
    """The route as the URL map spells it: the path itself may hold a hook's token."""
    return request.url_rule.rule if request.url_rule else None
