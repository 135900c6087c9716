"""Campaigns: what respondents say, whom they are asked for, and what follows an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.admin.automation_words import sentence
from connector.admin.language import gettext, marked, said
from connector.admin.page import address, field, go, loaded, page, show, space, tell
from connector.api.context import Told, changing, member, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.campaigns import register
from connector.problems import Code, Place, Refusal
from connector.responses import results
from connector.responses.configuration import automating, automations
from schemas.campaign import CampaignSchema, SegmentSchema

A_PAGE = 50
ONE = "/w/<key:space>/campaigns/<id:campaign_id>"
SPANS = {
    "30": marked("30 days"),
    "90": marked("90 days"),
    "365": marked("A year"),
}
USUAL = "90"
MOST_ATTRIBUTES = 20_000
ORIGINS = {
    "api": marked("pushed through the API"),
    "response": marked("learnt from a response"),
    "page": marked("said on this page"),
    "platform": marked("fetched from the platform"),
}
# How often the platform lets one person answer.
ANSWERING = {
    "": marked("Nobody has said"),
    "once": marked("Once"),
    "several": marked("Several times"),
}
UNNOTED = marked("from before this was noted")


@page.app_template_filter("origin_word")
def origin_word(origin: str | None) -> str:
    """What made something known."""
    return gettext(ORIGINS.get(origin or "", UNNOTED))


@page.get("/w/<key:space>/campaigns")
def campaigns() -> Response:
    """Every campaign, the newest first"""
    before = id_after(request.args.get("cursor"), start=MAX_ID)
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[list[dict[str, Any]], dict[int, Any]]:
        rows = register.newest(store, workspace_id, before=before, limit=A_PAGE + 1)
        return rows, results.latest(store, workspace_id, [one["id"] for one in rows])

    rows, latest = reading(story)
    rows, following = paged(rows, A_PAGE, lambda row: row["id"])
    return show(
        "pages/campaigns/list.html", rows=rows, latest=latest,
        first=address("pages.campaigns") if "cursor" in request.args else None,
        following=address("pages.campaigns", cursor=following) if following else None,
    )  # fmt: skip


@page.get(ONE)
def campaign(campaign_id: int) -> Response:
    """What respondents say: how many, score and trend"""
    span = request.args.get("span", USUAL)
    span = span if span in SPANS else USUAL
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[dict[str, Any], results.Results]:
        one = register.by_id(store, workspace_id, campaign_id)
        return one, results.results(
            store, workspace_id, campaign_id, days=int(span), zone=space().timezone
        )

    one, told = reading(story)
    return show(
        "pages/campaigns/results.html", one=one, found=told, chart=_chart(told), span=span,
        spans=[(name, gettext(word)) for name, word in SPANS.items()],
    )  # fmt: skip


@page.get(f"{ONE}/audience")
def campaign_audience(campaign_id: int) -> Response:
    """Segment, distributions, properties and flags"""
    return _audience(campaign_id)


@page.post(f"{ONE}/segment")
def save_segment(campaign_id: int) -> Response:
    """Name the campaign's segment, and say which attributes it asks for"""
    name = field("segment", most=200).strip()
    lines = field("attributes", most=MOST_ATTRIBUTES)
    workspace_id = member().workspace_id

    def story(store: Connection) -> str:
        register.by_id(store, workspace_id, campaign_id)
        if name:
            every = register.segments(store, workspace_id)
            held = [one["attributes"] for one in every if one["name"] == name]
            before = held[0] if held else {}
            body = loaded(SegmentSchema(), {"attributes": _attributes(lines, before)})
            loaded(CampaignSchema(only=("segment",)), {"segment": name})
            register.save_segment(store, workspace_id, name=name, attributes=body["attributes"])
        register.choose_segment(store, workspace_id, campaign_id, name or None)
        return name

    try:
        changing(story, lambda said: Told(f"campaign:{campaign_id}", {"segment": said}))
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        text = "; ".join(said(one.text) for one in refusal.places) or said(refusal.detail)
        return _audience(campaign_id, fault=text, typed=(name, lines))
    return tell(go("pages.campaign_audience", campaign_id=campaign_id), gettext("Saved."))


@page.post(f"{ONE}/participation")
def save_participation(campaign_id: int) -> Response:
    """Say how often a person answers the campaign"""
    answers, days = field("answers"), field("days").strip()
    said = {"answers": answers, "days": int(days) if days.isdecimal() else days or None}
    workspace_id = member().workspace_id

    def story(store: Connection) -> None:
        schema = CampaignSchema(only=("participation",))
        body = loaded(schema, {"participation": said if answers else None})
        register.choose_participation(store, workspace_id, campaign_id, body["participation"])

    try:
        changing(story, lambda _: Told(f"campaign:{campaign_id}", {"participation": answers}))
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        text = gettext(
            "Days are a whole number from 1 to 3,650, and only where a person answers once."
        )
        return _audience(campaign_id, fault_of_days=text, answering=(answers, days))
    return tell(go("pages.campaign_audience", campaign_id=campaign_id), gettext("Saved."))


def _attributes(lines: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """One attribute a line, `name = value`; what is as it was shown keeps its type."""
    found: dict[str, Any] = {}
    for number, line in enumerate(lines.splitlines(), start=1):
        name, is_pair, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not is_pair or not name:
            text = gettext("Line %(number)s is not “name = value”.", number=number)
            raise Refusal(Code.BODY_INVALID, places=[Place("/attributes", "invalid", text)])
        kept = before.get(name)
        found[name] = kept if name in before and _said(kept) == value else value
    return found


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _audience(
    campaign_id: int,
    *,
    fault: str = "",
    typed: tuple[str, str] | None = None,
    fault_of_days: str = "",
    answering: tuple[str, str] | None = None,
) -> Response:
    def story(store: Connection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        one = register.by_id(store, member().workspace_id, campaign_id)
        return one, register.segments(store, member().workspace_id)

    one, every = reading(story)
    segment = next((each for each in every if each["name"] == one["segment"]), None)
    held = segment["attributes"] if segment else {}
    lines = "\n".join(f"{name} = {_said(value)}" for name, value in sorted(held.items()))
    said = one["participation"] or {"answers": "", "days": None}
    return show(
        "pages/campaigns/audience.html", status=422 if fault or fault_of_days else 200, one=one,
        segment=segment, names=[each["name"] for each in every], fault=fault,
        typed=typed or (one["segment"] or "", lines), fault_of_days=fault_of_days,
        answering=answering or (said["answers"], said.get("days") or ""),
        ways=[(name, gettext(word)) for name, word in ANSWERING.items()],
    )  # fmt: skip


@page.get(f"{ONE}/actions")
def campaign_actions(campaign_id: int) -> Response:
    """The automations that an answer of this campaign sets off"""

    def story(
        store: Connection,
    ) -> tuple[dict[str, Any], list[dict[str, Any]], automating.Desk]:
        workspace_id = member().workspace_id
        one = register.by_id(store, workspace_id, campaign_id)
        found = automations.of_campaign(store, workspace_id, campaign=one["platform_id"])
        return one, found, automating.desk(store, workspace_id, one["platform_id"])

    one, found, desk = reading(story)
    has_page = "pages.automations" in current_app.view_functions
    return show(
        "pages/campaigns/actions.html", one=one, automations=found,
        said={each["id"]: sentence(each["body"], desk.known, desk.kinds) for each in found},
        builder=address("pages.automations") if has_page else None,
    )  # fmt: skip


def _chart(told: results.Results) -> str:
    """The trend as pages.js draws it."""
    return json.dumps(
        {
            "times": [int(one.begins_at.timestamp()) for one in told.periods],
            "days": True,
            "range": [-100, 100],
            "series": [
                {
                    "label": gettext("Net Promoter Score"),
                    "colour": "azure",
                    "values": [one.count.nps for one in told.periods],
                }
            ],
        }
    )
