"""The workspace itself: name, time zone, country, how long answers are kept; the pause switch."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Any

from babel import Locale
from flask import request
from werkzeug.wrappers import Response

from connector import workspaces
from connector.admin.language import gettext, language
from connector.admin.page import field, go, loaded, page, problem_words, show, tell, whole_number
from connector.api.context import Told, changing, hub, member, reading
from connector.problems import Code, Refusal
from connector.responses import pulse, retention
from connector.responses.configuration import preferences
from schemas.workspace import WorkspaceChangeSchema


@page.get("/w/<key:space>/settings")
def workspace_settings() -> Response:
    """The workspace's name, zone and country, and its pause switch"""
    return _shown()


@page.post("/w/<key:space>/settings")
def change_workspace_settings() -> Response:
    """Another name, zone or country"""
    wanted: dict[str, Any] = {"name": field("name"), "timezone": field("timezone")}
    days = whole_number(field("retention_days"))
    if days is not None or field("retention_days"):
        wanted["settings"] = {"retention_days": days or 0}
    try:
        changes = loaded(WorkspaceChangeSchema(), wanted | {"country": field("country") or None})
        changing(
            lambda store: preferences.change(store, member().workspace_id, changes),
            lambda row: Told(f"workspace:{row['id']}", {"changed": sorted(changes)}),
        )
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown(faults=problem_words(refusal))
    return tell(go("pages.workspace_settings"), gettext("Saved."))


@page.post("/w/<key:space>/settings/pause")
def pause_workspace() -> Response:
    """Stop all deliveries; responses are still taken"""
    changing(lambda store: workspaces.pause(store, member().workspace_id), _told)
    text = gettext("Paused. Responses are taken, and wait.")
    return tell(go("pages.workspace_settings"), text, kind="warning")


@page.post("/w/<key:space>/settings/resume")
def resume_workspace() -> Response:
    """Deliver again"""
    changing(lambda store: workspaces.resume(store, member().workspace_id), _told)
    text = gettext("It goes on: what waited is delivered in order.")
    return tell(go("pages.workspace_settings"), text)


def _told(row: Any) -> Told:  # noqa: ANN401 - a row
    return Told(f"workspace:{row['id']}")


def _shown(faults: Any = None) -> Response:  # noqa: ANN401 - words by field
    workspace_id = member().workspace_id
    row, waiting, nights = reading(
        lambda store: (
            workspaces.read(store, workspace_id),
            pulse.backlog(store, workspace_id),
            retention.told(store, workspace_id),
        )
    )
    return show(
        "pages/settings/workspace.html", status=422 if faults else 200, row=row, waiting=waiting,
        zones=_zones(), countries=_countries(language()), faults=faults or {},
        filled=request.form if faults else row, keep_days=hub().settings.files.keep_days,
        retention_days=retention.days_of(row["settings"]), nights=nights,
    )  # fmt: skip


@cache
def _zones() -> tuple[str, ...]:
    """Places with a name; the rest are old spellings of them."""
    places = (one for one in zoneinfo.available_timezones() if "/" in one)
    return ("UTC", *sorted(one for one in places if not one.startswith(("Etc/", "SystemV/"))))


@cache
def _countries(code: str) -> tuple[tuple[str, str], ...]:
    """ISO codes with the names that a language has for them, by name."""
    named = Locale(code).territories.items()
    found = [(one, name) for one, name in named if len(one) == 2 and one.isalpha()]
    return tuple(sorted(found, key=lambda pair: pair[1]))
