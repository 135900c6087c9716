"""A contact's extra fields as each CRM holds them now, edited in place.

A form carries what was seen in each field, so that what a colleague has changed meanwhile is never
overwritten unseen: then both values are shown, and the person decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from connector.admin.contacts import ONE
from connector.admin.language import gettext, marked, said
from connector.admin.page import field, go, page, show, tell
from connector.api.context import member
from connector.api.extras import jobs
from connector.api.pages import MAX_ID
from connector.connections.profile import Profile
from connector.problems import Code, Place, Refusal
from connector.responses.extras import editing, showing
from connector.responses.extras.carrying import Wanted
from schemas.extras import LONGEST_TEXT, MOST_FIELDS

WHY_NOT = {
    "unknown_field": marked("the CRM has it no more, or hides it from the connected user"),
    "read_only": marked("the CRM does not let the connected user write it"),
    "type_unsupported": marked("fields of this kind cannot be written"),
    "kept_by_us": marked("score tags are kept in it"),
    "not_editable": marked("it is only shown here"),
}
# What the form itself answers; any other refusal is a page.
ANSWERED = {
    Code.FIELD_CHANGED, Code.PRECONDITION_FAILED, Code.CHANGE_REFUSED, Code.CONTACT_BUSY,
    Code.NOT_LINKED, Code.CRM_UNAVAILABLE, Code.OUTCOME_UNKNOWN, Code.CONNECTION_PAUSED,
}  # fmt: skip
_TRUTHS = {"true": True, "false": False}


@page.app_template_filter("why_not_word")
def why_not_word(code: str) -> str:
    """Why a field cannot be edited."""
    return gettext(WHY_NOT.get(code, code))


@page.get(f"{ONE}/fields")
def contact_fields(contact_id: int) -> Response:
    """What each CRM holds in the extra fields now"""
    return _shown(contact_id)


@page.post(f"{ONE}/fields")
def edit_contact_fields(contact_id: int) -> Response:
    """Write what was changed, if the CRM still holds what was seen"""
    connection_id = _connection_id()
    changes = list(typed_changes())
    if not changes:
        return tell(go("pages.contact", contact_id=contact_id), gettext("Nothing was changed."),
                    kind="info")  # fmt: skip
    try:
        done = editing.edit(
            jobs(), member().workspace_id, contact_id,
            Wanted(connection_id, changes), actor=member().name,
            address=request.remote_addr,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code not in ANSWERED:
            raise
        return _shown(contact_id, connection_id=connection_id, refusal=refusal, changes=changes)
    text = (
        gettext("Written to the CRM.")
        if done.state == "written"
        else gettext("The CRM holds all of it already.")
    )
    return tell(go("pages.contact", contact_id=contact_id), text)


def _shown(
    contact_id: int,
    *,
    connection_id: int | None = None,
    refusal: Refusal | None = None,
    changes: list[dict[str, Any]] | None = None,
) -> Response:
    parts = showing.show(jobs(), member().workspace_id, contact_id, connection_id=connection_id)
    return show(
        "pages/contacts/fields_alone.html", part="pages/contacts/fields.html",
        parts=[showing.shown(one) for one in parts],
        pages={one.chosen.profile.id: _page_of(one) for one in parts},
        contact_id=contact_id, refusal=refusal,
        typed={one["field"]: one["value"] for one in changes or ()},
        faults=faults_by_field(refusal, changes or []),
        conflicts={one["field"]: one for one in conflicts_of(refusal)},
        status=refusal.kind.status if refusal else 200,
    )  # fmt: skip


def _page_of(part: showing.Part) -> str | None:
    profile: Profile = part.chosen.profile
    if part.remote_id is None:
        return None
    return profile.record_page(profile.traits.contact_entity, part.remote_id)


def conflicts_of(refusal: Refusal | None) -> list[dict[str, Any]]:
    told = refusal.extra.get("conflicts") if refusal else None
    return told if isinstance(told, list) else []


def faults_by_field(refusal: Refusal | None, changes: list[dict[str, Any]]) -> dict[str, str]:
    """What is wrong, by field: a place is `/changes/<which>/value`."""
    found: dict[str, str] = {}
    for place in refusal.places if refusal else ():
        number = place.pointer.split("/")[2:3]
        if number and number[0].isdigit() and int(number[0]) < len(changes):
            found[changes[int(number[0])]["field"]] = said(place.text)
    return found


def _connection_id() -> int:
    given = field("connection_id", most=20)
    if not (given.isascii() and given.isdigit() and 0 < int(given) < MAX_ID):
        place = Place("/connection_id", "invalid", "it is no connection")
        raise Refusal(Code.BODY_INVALID, places=[place])
    return int(given)


def typed_changes() -> Iterator[dict[str, Any]]:
    """The fields that the person changed, each with what was seen in it."""
    for number in range(MOST_FIELDS):
        name = field(f"field-{number}", most=255)
        if not name:
            return
        was = _seen(number)
        value = _typed(number)
        if value != was and not (value in ("", None, []) and was in ("", None, [])):
            yield {"field": name, "was": was, "value": value}


def _seen(number: int) -> Any:  # noqa: ANN401 - JSON
    told = field(f"was-{number}", most=2 * LONGEST_TEXT)
    try:
        return json.loads(told)
    except ValueError as exc:
        place = Place(f"/was-{number}", "invalid", "the form is broken: reload the page")
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc


def _typed(number: int) -> Any:  # noqa: ANN401 - what a field of a CRM may hold
    kind = field(f"kind-{number}", most=20)
    if kind == "multi_choice":
        return [one for one in request.form.getlist(f"value-{number}") if one]
    value = field(f"value-{number}", most=LONGEST_TEXT)
    if kind == "boolean":
        return _TRUTHS.get(value)
    if kind == "integer" and value.strip().removeprefix("-").isdecimal() and len(value) < 39:
        return int(value)
    # A browser sends a text's line ends its own way.
    return value.replace("\r\n", "\n") or None
