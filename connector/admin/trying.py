"""A mapping tried out: each value before and after each step, what would be written, and how that
differs from the record in the CRM.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request
from sqlalchemy import Connection

from connector.admin.language import gettext, marked
from connector.admin.mappings import ONE
from connector.admin.page import page, show
from connector.api.context import hub, member, reading
from connector.problems import Refusal
from connector.responses.configuration import editing, trying
from connector.responses.configuration.editing import Desk
from schemas.fields import Entity

# Why a condition does not hold, by the stable words of rules.py.
REASONS = {
    "condition_false": marked("its condition is false"),
    "answer_missing": marked("an answer that its condition names is missing"),
}


@page.app_template_filter("reason_word")
def reason_word(reason: str | None) -> str:
    """Why an automation lets a response pass by."""
    return gettext(REASONS.get(reason or "", marked("its condition is broken")))


@page.get(f"{ONE}/test")
def test_mapping(mapping_id: int) -> Response:
    """What the draft makes of a stored response, or of a sample"""
    given = request.args.get("response", "")
    response_id = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[Desk, list[Any], Any, Any]:
        desk = editing.desk(store, workspace_id, mapping_id)
        body = desk.mapping["body"]
        recent = trying.recent(store, workspace_id, body.get("campaign"))
        if desk.entity is None:
            return desk, recent, None, {}
        at = trying.subject(store, workspace_id, response_id, desk.known)
        tried = trying.tried(body, at.variables, entity=desk.entity, context=at.context)
        return desk, recent, tried, trying.verdicts(store, body["name"], at)

    desk, recent, tried, verdicts = reading(story)
    live, refused = (
        _live(desk, desk.entity, tried)
        if request.args.get("live") and desk.entity
        else (None, None)
    )
    return show(
        "pages/mappings/test.html", desk=desk, body=desk.mapping["body"], recent=recent,
        chosen=response_id or "", tried=tried, verdicts=verdicts, live=live, refused=refused,
        asked_live=bool(request.args.get("live")),
        fields=desk.entity.by_name() if desk.entity else {},
    )  # fmt: skip


def _live(desk: Desk, entity: Entity, tried: Any) -> tuple[Any, str | None]:  # noqa: ANN401 - Tried
    """The record as it is now, or why the CRM was not asked."""
    try:
        found = trying.live(
            hub().desk, member().workspace_id, desk.mapping["connection_id"],
            entity=entity, row=tried.row,
        )  # fmt: skip
    except Refusal as refusal:
        return None, refusal.detail or refusal.kind.mend
    return found, None
