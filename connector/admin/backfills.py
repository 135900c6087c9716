"""A mapping applied to stored responses: which ones, what that would do, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.language import gettext, marked
from connector.admin.mappings import MOST_CAMPAIGNS, ONE
from connector.admin.page import go, loaded, page, problem_words, show, tell
from connector.api.backfills import told
from connector.api.context import changing, hub, member, reading
from connector.campaigns import register
from connector.problems import Code, Refusal
from connector.responses.backfill import asked as backfill
from connector.responses.configuration import mappings
from schemas.configuration import BackfillSchema

# What a response of the span is, in the order in which people ask.
OUTCOMES = {
    "to_write": marked("To be written"),
    "already": marked("Written by this version already"),
    "under_way": marked("On their way by an older version"),
    "refused": marked("Refused: a value does not fit its field"),
    "not_fed": marked("Not fed: no automation's condition lets them through"),
    "nobody": marked("Nobody known gave them"),
    "removed": marked("Their answers were deleted, for they were old enough"),
    "replaced": marked("Replaced by a newer version, deleted, or only a test"),
    "waiting": marked("Not planned yet: the mapping gets them by itself"),
    "broken": marked("Planning them breaks"),
}
STATES = {
    "running": (marked("Running"), "azure"),
    "done": (marked("All looked at"), "green"),
    "stopped": (marked("Stopped"), "yellow"),
}


@page.get(f"{ONE}/backfill")
def mapping_backfill(mapping_id: int) -> Response:
    """Choose the responses, see what would happen, follow what runs"""
    return _page(mapping_id, request.args, looks=bool(request.args.get("look")))


@page.post(f"{ONE}/backfill")
def start_backfill(mapping_id: int) -> AnyResponse:
    """Let the mapping write them"""
    workspace_id = member().workspace_id
    try:
        asked = _asked(request.form)
        changing(
            lambda store: backfill.start(
                store, workspace_id, mapping_id,
                span=backfill.span_of(store, workspace_id, asked), actor=member().name,
            ),
            lambda row: told(mapping_id, row),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code is not Code.BODY_INVALID:
            raise
        return _page(mapping_id, request.form, faults=problem_words(refusal))
    words = gettext("It has begun. New answers go first; nothing is written twice.")
    return tell(go("pages.mapping_backfill", mapping_id=mapping_id), words)


@page.post(f"{ONE}/backfill/<id:backfill_id>/stop")
def stop_backfill(mapping_id: int, backfill_id: int) -> AnyResponse:
    """Plan no more of it"""
    changing(
        lambda store: backfill.stop(store, member().workspace_id, mapping_id, backfill_id),
        lambda row: told(mapping_id, row),
    )
    words = gettext("Stopped. What was planned by then is still delivered.")
    return tell(go("pages.mapping_backfill", mapping_id=mapping_id), words)


def _page(
    mapping_id: int,
    form: MultiDict[str, str],
    *,
    looks: bool = False,
    faults: Mapping[str, str] | None = None,
) -> Response:
    def story(store: Connection) -> tuple[Any, Any, Any]:
        workspace_id = member().workspace_id
        return (
            mappings.read(store, workspace_id, mapping_id),
            backfill.listed(store, workspace_id, mapping_id),
            register.listed(store, workspace_id, after=0, limit=MOST_CAMPAIGNS),
        )

    mapping, runs, campaigns = reading(story)
    preview = None
    faults = dict(faults or {})
    is_on = bool(mapping["published"] and mapping["triggered_by"])
    if looks and is_on:
        try:
            preview = _preview(mapping_id, _asked(form))
        except Refusal as refusal:
            if refusal.code is not Code.BODY_INVALID:
                raise
            faults |= problem_words(refusal)
    return show(
        "pages/mappings/backfill.html", status=400 if faults else 200, mapping=mapping, runs=runs,
        campaigns=campaigns, chosen=form, chosen_campaigns=form.getlist("campaign"), faults=faults,
        preview=preview, is_on=is_on, outcomes=OUTCOMES, states=STATES,
        is_running=any(one["state"] == "running" for one in runs),
    )  # fmt: skip


def _preview(mapping_id: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    workspace_id, settings = member().workspace_id, hub().settings
    return reading(
        lambda store: backfill.preview(
            store, hub().desk, workspace_id, mapping_id,
            span=backfill.span_of(store, workspace_id, asked),
            share=settings.rate_share, linger_s=settings.linger_s,
        )
    )  # fmt: skip


def _asked(form: MultiDict[str, str]) -> dict[str, Any]:
    """What the form says, as the API would. Raises Refusal(BODY_INVALID)."""
    return loaded(
        BackfillSchema(),
        {
            "since": form.get("since") or None,
            "until": form.get("until") or None,
            "campaigns": form.getlist("campaign"),
            "notes": bool(form.get("notes")),
        },
    )
