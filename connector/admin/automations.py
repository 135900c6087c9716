"""Automations: the list in the order in which they run, what is done with one of it, its versions.
The editor: automation_editor.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.automation_words import sentence
from connector.admin.language import gettext
from connector.admin.page import address, field, go, page, show, tell
from connector.api.context import Told, changing, member, reading
from connector.api.pages import id_after, paged
from connector.problems import Code, Refusal
from connector.responses.configuration import automating
from connector.responses.configuration import automations as story

ONE = "/w/<key:space>/automations/<id:automation_id>"
A_PAGE = 50


@page.get("/w/<key:space>/automations")
def automations() -> AnyResponse:
    """Every automation in the order in which they run, or those that a campaign sets off"""
    wanted = request.args.get("campaign", "")[:255] or None

    cursor = request.args.get("cursor") or None
    after = id_after(cursor)

    def listing(store: Connection) -> tuple[list[dict[str, Any]], automating.Desk]:
        workspace_id = member().workspace_id
        found = automating.page_of(store, workspace_id, wanted, after=after, limit=A_PAGE + 1)
        return found, automating.desk(store, workspace_id, wanted)

    found, desk = reading(listing)
    if cursor and not found:
        # What stood here has gone or moved meanwhile.
        return go("pages.automations", campaign=wanted)
    shown, following = paged(found, A_PAGE, lambda one: one["number"])
    here = functools.partial(address, "pages.automations", campaign=wanted)
    return show(
        "pages/automations/list.html", automations=shown, wanted=wanted or "",
        campaigns=desk.campaigns, cursor=cursor or "",
        names={one["platform_id"]: one["name"] or one["platform_id"] for one in desk.campaigns},
        said={one["id"]: sentence(one["body"], desk.known, desk.kinds) for one in shown},
        first=here() if cursor else None,
        following=here(cursor=following) if following else None,
    )  # fmt: skip


@page.post(f"{ONE}/switch")
def switch_automation(automation_id: int) -> AnyResponse:
    """On or off"""
    enabled = field("to") == "on"
    changing(
        lambda store: story.switch(store, member().workspace_id, automation_id, enabled=enabled),
        lambda row: Told(f"automation:{row['id']}", {"enabled": enabled}),
    )
    words = (
        gettext("Switched on. It works from the next response on.")
        if enabled
        else gettext("Switched off. What comes meanwhile is not made up for.")
    )
    return tell(back_to(automation_id), words)


@page.post(f"{ONE}/move")
def move_automation(automation_id: int) -> AnyResponse:
    """Let it run one place earlier or later"""
    to, wanted = field("to"), field("campaign", most=255) or None
    if to not in {"up", "down"}:
        raise Refusal(Code.BODY_INVALID, "An automation moves up or down.")
    changing(
        lambda store: automating.move(
            store, member().workspace_id, automation_id, to=to, among=_among(wanted)
        ),
        lambda _: Told(f"automation:{automation_id}", {"to": to}),
    )
    return back_to_list()


@page.post(f"{ONE}/remove")
def remove_automation(automation_id: int) -> AnyResponse:
    """Take it off the list"""
    changing(
        lambda store: story.delete(store, member().workspace_id, automation_id),
        lambda _: Told(f"automation:{automation_id}"),
    )
    return tell(go("pages.automations"), gettext("Removed. What it did stays done."))


@page.get(f"{ONE}/versions")
def automation_versions(automation_id: int) -> Response:
    """What differs between two versions"""
    every = reading(lambda store: story.versions(store, member().workspace_id, automation_id))
    numbers = {str(one["version"]): one for one in every}
    after = numbers.get(request.args.get("after", ""), every[0])
    before = numbers.get(request.args.get("before", ""), every[min(1, len(every) - 1)])
    return show(
        "pages/versions.html", versions=every, before=before, after=after, area="automations",
        differences=automating.compared(before["body"], after["body"]),
        ids={"automation_id": automation_id}, one="pages.automation",
        compare="pages.automation_versions", restore="pages.restore_automation",
    )  # fmt: skip


@page.post(f"{ONE}/versions/<id:version>/restore")
def restore_automation(automation_id: int, version: int) -> AnyResponse:
    """Make a former version the draft"""
    changing(
        lambda store: automating.restore(
            store, member().workspace_id, automation_id, version=version, actor=member().name
        ),
        saved,
    )
    words = gettext("Version %(number)s is the draft now. Publish it to let it work.",
                    number=version)  # fmt: skip
    return tell(go("pages.automation", automation_id=automation_id), words)


def saved(row: dict[str, Any]) -> Told:
    """What the audit entry says of an automation."""
    return Told(f"automation:{row['id']}", {"version": row["latest"]})


def back_to(automation_id: int) -> AnyResponse:
    """To the list where the button stood there, else to the editor."""
    if field("from") == "list":
        return back_to_list()
    return go("pages.automation", automation_id=automation_id)


def back_to_list() -> AnyResponse:
    """To the part of the list where the button stood."""
    wanted, cursor = field("campaign", most=255) or None, field("cursor", most=64) or None
    return go("pages.automations", campaign=wanted, cursor=cursor)


def _among(wanted: str | None) -> Callable[[Mapping[str, Any]], bool]:
    """Those that responses of the campaign set off; None: all."""
    return lambda body: wanted is None or body.get("campaign") in (None, wanted)
