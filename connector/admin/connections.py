"""One connection: whether it works and why not, what it may do, what is left of its calls, what has
changed at the CRM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from connector.admin.apps import (
    MENDED_HERE,
    choices_of,
    consent_page,
    faults_of,
    parts_of,
    settings_of,
    traits_of,
)
from connector.admin.language import gettext, said
from connector.admin.page import field, go, page, show, tell
from connector.api.context import Told, hub, member, noting, reading
from connector.connections import closing, connect, discover, drift, quotas, views
from connector.connections.profile import load
from connector.problems import Code, Refusal
from connector.responses.configuration import preflight as rights
from schemas.secret import Secret

_ONE = "/w/<key:space>/connections/<id:connection_id>"
MOST_FINDINGS = 20


@page.get(_ONE)
def connection(connection_id: int) -> Response:
    """Whether it works, and what to do"""
    return _shown(connection_id)


@page.post(_ONE)
def change_connection(connection_id: int) -> Response:
    """Change its name, settings or key; an empty secret keeps the one there is"""
    here = _view(connection_id)
    changes = connect.Changes(
        name=field("name"),
        base_url=field("base_url") if "base_url" in request.form else None,
        settings=settings_of(traits_of(here.app)),
        key=Secret(field("key", most=4_096)),
    )
    try:
        connect.change(
            hub().desk,
            member().workspace_id,
            connection_id,
            changes=changes,
            actor=member().name,
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        return _shown(connection_id, faults=faults_of(refusal))
    return tell(_back(connection_id), gettext("Saved."))


@page.post(f"{_ONE}/authorize")
def authorize_connection(connection_id: int) -> Response:
    """The link to the CRM's consent page"""
    here = _view(connection_id)
    response = consent_page(connection_id, said(traits_of(here.app).label))
    noting(Told(f"connection:{connection_id}"))
    return response


@page.post(f"{_ONE}/probe")
def probe_connection(connection_id: int) -> Response:
    """Prove it with one call"""

    def proved() -> str:
        done = connect.probe(hub().desk, member().workspace_id, connection_id, actor=member().name)
        return gettext(
            "It works: %(account)s answers. Deliveries that go on: %(count)s.",
            account=done.identity.account_name or done.identity.account_id,
            count=done.resumed,
        )

    return _tried(connection_id, proved)


@page.post(f"{_ONE}/pause")
def pause_connection(connection_id: int) -> Response:
    """Stop all its work; what waits stays in order"""
    closing.pause(hub().desk, member().workspace_id, connection_id, actor=member().name)
    return tell(
        _back(connection_id), gettext("Paused. What comes waits, in order."), kind="warning"
    )


@page.post(f"{_ONE}/resume")
def resume_connection(connection_id: int) -> Response:
    """Let it work again"""
    closing.unpause(hub().desk, member().workspace_id, connection_id, actor=member().name)
    return tell(_back(connection_id), gettext("It works again."))


@page.post(f"{_ONE}/disconnect")
def disconnect_connection(connection_id: int) -> Response:
    """Wipe the secrets, take the grant back, park what waits"""
    ended = closing.disconnect(
        hub().desk, member().workspace_id, connection_id, actor=member().name
    )
    text = gettext("Disconnected. Deliveries that wait for it: %(count)s.", count=ended.waiting)
    if not ended.revoked:
        text += " " + gettext("End the grant or key in the CRM too: that could not be done here.")
    return tell(_back(connection_id), text, kind="warning")


@page.post(f"{_ONE}/remove")
def remove_connection(connection_id: int) -> Response:
    """Take it off the list; its history stays"""
    try:
        closing.remove(hub().desk, member().workspace_id, connection_id, actor=member().name)
    except Refusal as refusal:
        if "waiting" not in refusal.extra:
            raise
        count = refusal.extra["waiting"]
        text = gettext("It stays. Deliveries that wait for it: %(count)s.", count=count)
        return tell(_back(connection_id), text, kind="danger")
    return tell(go("pages.apps"), gettext("Removed."))


@page.post(f"{_ONE}/fields")
def download_connection_fields(connection_id: int) -> Response:
    """Download the field definitions"""

    def downloaded() -> str:
        done = discover.download(
            hub().desk, member().workspace_id, connection_id, actor=member().name
        )
        count = len(done.added) + len(done.changed) + len(done.unchanged)
        return gettext("Objects that were read: %(count)s.", count=count)

    return _tried(connection_id, downloaded)


@page.get(f"{_ONE}/preflight")
def connection_preflight(connection_id: int) -> Response:
    """What the connected user may do, against what is published; asks the CRM only on request"""
    desk, workspace_id, asks = hub().desk, member().workspace_id, "ask" in request.args
    try:
        found = (
            rights.preflight(desk, workspace_id, connection_id)
            if asks
            else reading(lambda store: rights.known(store, desk, workspace_id, connection_id))
        )
        fault = ""
    except Refusal as refusal:
        found, fault = None, said(refusal.detail or refusal.kind.title)
    return _part(connection_id, "preflight", found=found, fault=fault)


@page.get(f"{_ONE}/quota")
def connection_quota(connection_id: int) -> Response:
    """What is left of its account's calls"""
    workspace_id, share = member().workspace_id, hub().settings.rate_share
    found = reading(lambda store: quotas.shown(store, workspace_id, connection_id, share=share))
    return _part(connection_id, "quota", quota=found)


@page.get(f"{_ONE}/drift")
def connection_drift(connection_id: int) -> Response:
    """What has changed in the CRM's definitions and is not dealt with"""
    found = reading(lambda store: drift.shown(store, member().workspace_id, connection_id))
    open_ones = [one for one in found["drift"] if one["mended_at"] is None][:MOST_FINDINGS]
    return _part(connection_id, "drift", drift=found, findings=open_ones)


@page.post(f"{_ONE}/quota")
def refresh_quota(connection_id: int) -> Response:
    """Ask the CRM what its account has left"""

    def asked() -> str:
        quotas.refreshed(hub().desk, member().workspace_id, connection_id)
        noting(Told(f"connection:{connection_id}"))
        return gettext("The CRM has answered.")

    return _tried(connection_id, asked)


def _tried(connection_id: int, act: Callable[[], str]) -> Response:
    """Back to the page, which says what came of it: what the CRM refuses is no page of its own."""
    try:
        text, kind = act(), "success"
    except Refusal as refusal:
        if refusal.code == Code.NOT_FOUND:
            raise
        text, kind = said(refusal.detail or refusal.kind.title), "danger"
    return tell(_back(connection_id), text, kind=kind)


def _view(connection_id: int) -> views.View:
    return views.view(hub().desk, member().workspace_id, connection_id)


def _back(connection_id: int) -> Response:
    return go("pages.connection", connection_id=connection_id)


def _part(connection_id: int, name: str, **values: Any) -> Response:  # noqa: ANN401 - what the part shows
    """A part of the page, loaded after it; without scripts it is a page of its own."""
    return show(
        "pages/connections/alone.html",
        part=f"pages/connections/{name}.html",
        name=name,
        connection=reading(lambda store: load(store, member().workspace_id, connection_id)),
        **values,
    )


def _shown(connection_id: int, *, faults: dict[str, str] | None = None) -> Response:
    here = _view(connection_id)
    traits = traits_of(here.app)
    return show(
        "pages/connections/page.html",
        status=422 if faults else 200,
        connection=here,
        traits=traits,
        parts=parts_of(traits),
        choices_of=choices_of,
        faults=faults or {},
        filled=request.form if faults else {},
    )
