"""An input form filled in for a contact, beside what the CRM holds in its fields now.

The form carries what was seen in each field: what a colleague has changed meanwhile is shown, never
overwritten unseen.
"""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from connector.admin.contact_fields import ANSWERED, conflicts_of, faults_by_field, typed_changes
from connector.admin.contacts import ONE
from connector.admin.language import gettext
from connector.admin.page import field, go, page, show, tell, whole_number
from connector.api.context import member
from connector.api.extras import jobs
from connector.api.pages import MAX_ID
from connector.problems import Refusal
from connector.responses.extras import filling
from connector.responses.extras.carrying import Wanted

_FORM = f"{ONE}/forms/<id:form_id>"


@page.get(_FORM)
def form_to_fill(contact_id: int, form_id: int) -> Response:
    """The form, with what the CRM holds now"""
    return _shown(contact_id, form_id, response_id=whole_number(request.args.get("response", "")))


@page.post(_FORM)
def fill_form_in(contact_id: int, form_id: int) -> Response:
    """Complete the contact's record in the CRM, or make it"""
    changes = list(typed_changes())
    response_id = whole_number(field("response", most=20))
    try:
        done = filling.fill(
            jobs(), member().workspace_id, contact_id, form_id, Wanted(0, changes),
            actor=member().name, address=request.remote_addr,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code not in ANSWERED:
            raise
        return _shown(contact_id, form_id, response_id=response_id, refusal=refusal,
                      changes=changes)  # fmt: skip
    said = {
        "created": gettext("The contact was made in the CRM."),
        "written": gettext("Written to the CRM."),
    }
    text = said.get(done.state) or gettext("The CRM holds all of it already.")
    if response_id and response_id < MAX_ID:
        return tell(go("pages.response", response_id=response_id), text)
    return tell(go("pages.contact", contact_id=contact_id), text)


def _shown(
    contact_id: int,
    form_id: int,
    *,
    response_id: int | None,
    refusal: Refusal | None = None,
    changes: list[dict[str, Any]] | None = None,
) -> Response:
    told = filling.to_fill(jobs(), member().workspace_id, contact_id, form_id)
    return show(
        "pages/forms/fill_alone.html", part="pages/forms/fill.html",
        form=told, contact_id=contact_id, response_id=response_id, refusal=refusal,
        # A default is what would be written: it is seen before it is.
        typed={one["field"]: one["default"] for one in told["fields"]
               if one["editable"] and one["value"] in (None, "") and one["default"] is not None}
        | {one["field"]: one["value"] for one in changes or ()},
        faults=faults_by_field(refusal, changes or []),
        lacks=any(one.code == "required" for one in refusal.places) if refusal else False,
        several=any(one.code == "ambiguous" for one in refusal.places) if refusal else False,
        conflicts={one["field"]: one for one in conflicts_of(refusal)},
        status=refusal.kind.status if refusal else 200,
    )  # fmt: skip
