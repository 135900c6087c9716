"""The tag pattern: what it is, what another one would do at each CRM, and then saving it."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from connector.admin.language import gettext
from connector.admin.page import go, loaded, page, problem_words, show, tell
from connector.api.context import Told, changing, member, reading
from connector.problems import Code, Refusal
from connector.responses.configuration import pattern, preferences
from schemas.workspace import SEPARATORS, TagSettingsSchema

ASKED = ("prefix", "separator", "opt_out")


@page.get("/w/<key:space>/settings/tags")
def tag_settings() -> Response:
    """The pattern now, and what the asked-for one would do"""
    try:
        return _shown(_wanted() if "prefix" in request.args else {})
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown({}, refusal=refusal)


@page.post("/w/<key:space>/settings/tags")
def change_tag_settings() -> Response:
    """Write tags by this pattern from now on"""
    try:
        wanted = _wanted()
        changing(
            lambda store: preferences.change(
                store, member().workspace_id, {"settings": {"tags": wanted}}
            ),
            lambda row: Told(f"workspace:{row['id']}", {"changed": ["settings"]}),
        )
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown({}, refusal=refusal)
    return tell(go("pages.tag_settings"), gettext("Saved. New scores are written like this."))


def _wanted() -> dict[str, Any]:
    """The tag settings that the form asks for. Raises Refusal(BODY_INVALID)."""
    told = {name: request.values.get(name, "").strip()[:200] or None for name in ASKED}
    enabled = None if "enabled" in request.values else False
    return loaded(TagSettingsSchema(), {**told, "enabled": enabled})


def _shown(wanted: dict[str, Any], *, refusal: Refusal | None = None) -> Response:
    change = reading(lambda store: pattern.preview(store, member().workspace_id, wanted))
    words = problem_words(refusal) if refusal else {}
    return show(
        "pages/settings/tags.html",
        status=422 if refusal else 200,
        change=change,
        separators=SEPARATORS,
        # What is wrong with the pattern as a whole belongs to no one field.
        fault=words.get("tags", ""),
        faults=words,
        filled=request.values if refusal else _as_filled(change),
    )


def _as_filled(change: pattern.Change) -> dict[str, Any]:
    return {
        "prefix": change.then.prefix,
        "separator": change.then.separator,
        "opt_out": change.then.no_send_word,
        "enabled": change.enabled_then,
    }
