"""/files/...: a file of an answer, for whoever has the link that a mapping has written to a CRM."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from connector.api.context import hub
from connector.api.gate import HOOK
from connector.log import get_logger
from connector.responses import serving
from connector.responses.sniffing import shown_name
from schemas.phrases import phrase

GONE = phrase("This file is not kept here any more")
NOT_YET = phrase("This file has not come yet: try again in a few minutes")
files = Blueprint("files", __name__)


@files.get("/files/<id:workspace_id>/<id:file_id>/<key:token>")
def served_file(workspace_id: int, file_id: int, token: str) -> Response:
    """The file, to take away and never to open in the page; else a page that says why not"""
    hub().gate.pass_through(HOOK, request.remote_addr or "")
    kept = serving.served(hub().desk, workspace_id, file_id, token=token)
    if kept is None:
        return _page(GONE, 410)
    if kept.content is None:
        return _page(NOT_YET, 404)
    get_logger(__name__).info("file_served", workspace_id=workspace_id, file_id=file_id)
    answer = make_response(kept.content)
    kind = kept.content_type or "application/octet-stream"
    answer.headers["Content-Type"] = kind
    # The name that it came with is the respondent's, and proves nothing.
    name = shown_name(kept.name, kind, otherwise=kept.answer)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return _unlisted(answer)


def _page(title: str, status: int) -> Response:
    page = make_response(render_template("led_on.html", title=title), status)
    page.vary.add("Accept-Language")
    return _unlisted(page)


def _unlisted(answer: Response) -> Response:
    """No search engine keeps it; that no cache does, say the headers of every answer."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
