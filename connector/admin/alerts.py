"""Alerts: what stands, whom it is told to, when something is one, and quiet for a while."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import clock, workspaces
from connector.admin.language import gettext, marked, said, said_in
from connector.admin.page import field, go, loaded, page, show, tell, whole_number
from connector.api.context import Told, changing, hub, member, noting, reading
from connector.problems import Code, Refusal
from connector.responses.alerts import channels, judging, sending
from connector.responses.configuration import preferences
from schemas.alert import AlertChannelSchema
from schemas.workspace import AlertSettingsSchema

_ALL = "/w/<key:space>/settings/alerts"
_CHANNEL = f"{_ALL}/channels/<id:channel_id>"
QUIET = {"1": marked("One hour"), "8": marked("8 hours"), "24": marked("24 hours")}


@page.app_template_filter("alert_words")
def alert_words(one: judging.Alert) -> str:
    """What an alert says, in one line."""
    name, figures = one.connection or "", one.figures
    if one.kind == "connection":
        return gettext("%(name)s needs attention", name=name)
    if one.kind == "errors":
        return gettext(
            "Deliveries to %(name)s fail: %(failed)s of %(settled)s in an hour",
            name=name, failed=figures["failed"], settled=figures["settled"],
        )  # fmt: skip
    if one.kind == "parked":
        return gettext("Deliveries to %(name)s are parked: %(count)s", name=name,
                       count=figures["count"])  # fmt: skip
    if one.connection_id:
        return gettext("Deliveries to %(name)s are late", name=name)
    return gettext("Responses wait to be planned")


@page.get(_ALL)
def alerts() -> Response:
    """What stands and what has been, and whom it is told to"""
    return _shown()


@page.post(_ALL)
def change_alert_settings() -> Response:
    """When something is an alert"""
    try:
        told = {name: field(name, most=6).strip() for name in _NUMBERS}
        # What is no number is refused as one that is too small; empty goes back to the default.
        wanted: dict[str, Any] = {
            name: (whole_number(one) or 0) if one else None for name, one in told.items()
        }
        wanted["language"] = field("language", most=5) or None
        _keep(loaded(AlertSettingsSchema(), wanted))
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown(refusal=refusal)
    return tell(go("pages.alerts"), gettext("Saved."))


@page.post(f"{_ALL}/quiet")
def quiet_alerts() -> Response:
    """Tell nobody for a while; 0 hours: tell again at once"""
    hours = field("hours", most=3)
    until = clock.now() + timedelta(hours=int(hours)) if hours in QUIET else None
    _keep({"quiet_until": until.isoformat(timespec="seconds") if until else None})
    text = gettext("Nobody is told until then.") if until else gettext("Alerts are told again.")
    return tell(go("pages.alerts"), text)


@page.post(f"{_ALL}/channels")
def save_alert_channel() -> Response:
    """Tell alerts by this connection too, or to other addresses"""
    try:
        addresses = [one for one in re.split(r"[\s,;]+", field("recipients")) if one]
        number = whole_number(field("connection_id", most=20))
        wanted = loaded(AlertChannelSchema(), {"connection_id": number, "recipients": addresses})
        changing(
            lambda store: channels.save(store, member().workspace_id, **wanted),
            lambda made: Told(f"alert_channel:{made}", {"connection": number}),
        )
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown(refusal=refusal)
    return tell(go("pages.alerts"), gettext("Saved. Try it with a test."))


@page.post(f"{_CHANNEL}/test")
def try_alert_channel(channel_id: int) -> Response:
    """Tell one channel that it is tried out"""
    fault = sending.send_test(
        hub().desk, member().workspace_id, channel_id, now=clock.now(), say_in=said_in
    )
    noting(Told(f"alert_channel:{channel_id}", {"code": fault} if fault else {}))
    if fault:
        text = gettext("It could not be told: %(code)s.", code=fault)
        return tell(go("pages.alerts"), text, kind="danger")
    return tell(go("pages.alerts"), gettext("It was taken: look whether it has come."))


@page.post(f"{_CHANNEL}/remove")
def remove_alert_channel(channel_id: int) -> Response:
    """Tell nothing there any more"""
    changing(
        lambda store: channels.remove(store, member().workspace_id, channel_id),
        lambda _: Told(f"alert_channel:{channel_id}"),
    )
    return tell(go("pages.alerts"), gettext("Nothing is told there any more."))


_NUMBERS = ("error_percent", "lag_minutes")


def _keep(said: dict[str, Any]) -> None:
    changing(
        lambda store: preferences.change(
            store, member().workspace_id, {"settings": {"alerts": said}}
        ),
        lambda row: Told(f"workspace:{row['id']}", {"changed": sorted(said)}),
    )


def _shown(*, refusal: Refusal | None = None) -> Response:
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        return {
            "alerts": judging.listed(store, workspace_id),
            "channels": channels.listed(store, workspace_id),
            "choosable": channels.choosable(store, workspace_id),
            "settings": workspaces.read(store, workspace_id)["settings"].get("alerts", {}),
        }

    found = reading(story)
    settings = found["settings"]
    until = settings.get("quiet_until")
    quiet = datetime.fromisoformat(until) if until else None
    usual = {"error_percent": judging.ERROR_PERCENT, "lag_minutes": judging.LAG_MINUTES}
    return show(
        "pages/settings/alerts.html",
        status=422 if refusal else 200,
        **found,
        quiet=quiet if quiet and quiet > clock.now() else None,
        hours=[(one, gettext(word)) for one, word in QUIET.items()],
        filled=request.form if refusal else {**usual, **settings},
        usual=usual,
        faults=_faults(refusal),
    )


def _faults(refusal: Refusal | None) -> dict[str, str]:
    places = refusal.places if refusal else ()
    return {one.pointer.split("/")[1]: said(one.text) for one in places}
