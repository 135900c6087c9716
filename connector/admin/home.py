"""Home: is everything well? What works, what waits, what needs a person, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.admin import causes as said
from connector.admin.language import gettext
from connector.admin.page import page, show, space
from connector.api.context import member, reading
from connector.api.cookies import set_cookie
from connector.connections import views
from connector.responses import causes, pulse, sources
from connector.responses.alerts import judging

A_YEAR_S = 365 * 86_400
NOT_WELL = {"needs_attention", "disconnected", "new"}


@page.get("/w/<key:space>/")
def home() -> Response:
    """What works, what waits, what needs a person"""
    found = reading(lambda store: _found(store, member().workspace_id))
    response = show("pages/home/page.html", part="pages/home/figures.html", **found)
    set_cookie(response, "space", space().slug, lives_s=A_YEAR_S)
    return response


def _found(store: Connection, workspace_id: int) -> dict[str, Any]:
    connections = views.summaries(store, workspace_id)
    day = pulse.day(store, workspace_id)
    standing = [one for one in causes.causes(store, workspace_id) if one.needs_somebody]
    return {
        "connections": connections,
        "unwell": [one for one in connections if one.state in NOT_WELL],
        "day": day,
        "chart": _chart(day),
        "speed": pulse.speed(store, workspace_id),
        "backlog": pulse.backlog(store, workspace_id),
        # What a connection waits for is told by the connection itself.
        "causes": [one for one in standing if one.reason not in {"auth", "crypto"}],
        # The other alerts are told by their connections and causes.
        "late": [
            one for one in judging.listed(store, workspace_id, standing=True) if one.kind == "lag"
        ],
        "paused": sources.paused(store, workspace_id),
        "steps": pulse.first_steps(store, workspace_id),
        "words": said.words,
    }


def _chart(day: pulse.Day) -> str:
    """The day as pages.js draws it."""
    series = (
        (gettext("Written"), "green", [one.written for one in day.hours]),
        (gettext("Failed"), "red", [one.failed for one in day.hours]),
        (gettext("Responses"), "azure", [one.received for one in day.hours]),
    )
    return json.dumps(
        {
            "times": [int(one.begins_at.timestamp()) for one in day.hours],
            "series": [
                {"label": label, "colour": colour, "values": values}
                for label, colour, values in series
            ],
        }
    )
