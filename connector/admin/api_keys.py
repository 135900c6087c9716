"""API keys: who has one, what it opens; a new one is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from connector import clock, partners, workspaces
from connector.access import RIGHTS, Role, Scope
from connector.admin.language import gettext, marked, said
from connector.admin.page import field, go, loaded, page, show, tell, whole_number
from connector.api.context import Told, changing, member, reading
from connector.keys import FreshKey
from connector.problems import Code, Place, Refusal
from schemas.workspace import NewKeySchema

ROLES = {
    "owner": marked("Owner"),
    "admin": marked("Admin"),
    "editor": marked("Editor"),
    "viewer": marked("Viewer"),
}
SCOPES = {
    Scope.RESPONSES_PUSH: marked("Push responses"),
    Scope.RESPONSES_TEST: marked("Push responses that are only tried out"),
    Scope.RESPONSES_READ: marked("Follow responses to the CRM"),
    Scope.CONTACTS_READ: marked("Read contacts"),
    Scope.CONTACTS_WRITE: marked("Change contacts"),
    Scope.CAMPAIGNS_READ: marked("Read campaigns and surveys"),
    Scope.CAMPAIGNS_WRITE: marked("Change campaigns and surveys"),
    Scope.DELIVERIES_READ: marked("See deliveries and errors"),
    Scope.DELIVERIES_REPLAY: marked("Replay deliveries"),
    Scope.SETTINGS_READ: marked("Read settings"),
    Scope.SETTINGS_WRITE: marked("Change settings"),
    Scope.AUDIT_READ: marked("Read the audit log"),
    Scope.PEOPLE_READ: marked("See the members"),
    Scope.PEOPLE_WRITE: marked("Invite, change and remove members"),
}
# What most keys are for, ticked to begin with.
USUAL = (Scope.RESPONSES_PUSH, Scope.RESPONSES_READ)
LIVES = {"30": marked("30 days"), "90": marked("90 days"), "365": marked("One year")}


@page.get("/w/<key:space>/settings/keys")
def api_keys() -> Response:
    """Every key, without its secret"""
    return _shown()


@page.post("/w/<key:space>/settings/keys")
def create_api_key() -> Response:
    """Make a key; this answer is the only one that shows it"""
    try:
        made = _made()
    except Refusal as refusal:
        if refusal.code != Code.BODY_INVALID:
            raise
        return _shown(faults={one.pointer.split("/")[1]: said(one.text) for one in refusal.places})
    return _shown(made=made)


@page.post("/w/<key:space>/settings/keys/<id:key_id>/revoke")
def revoke_api_key(key_id: int) -> Response:
    """Refuse the key from now on"""
    changing(
        lambda store: workspaces.revoke_key(store, member().workspace_id, key_id),
        lambda _: Told(f"key:{key_id}"),
    )
    return tell(go("pages.api_keys"), gettext("Revoked: it is refused from now on."))


@page.post("/w/<key:space>/settings/grants/<id:grant_id>/revoke")
def revoke_grant(grant_id: int) -> Response:
    """Shut a partner's key out from now on"""
    changing(
        lambda store: partners.revoke(store, member().workspace_id, grant_id),
        lambda _: Told(f"grant:{grant_id}"),
    )
    return tell(go("pages.api_keys"), gettext("Shut out: the key is refused here from now on."))


def _made() -> FreshKey:
    is_test, days = "test" in request.form, whole_number(field("lives", most=5))
    scopes = list(workspaces.TEST_SCOPES) if is_test else request.form.getlist("scopes")
    wanted = loaded(
        NewKeySchema(),
        {"name": field("name").strip(), "role": field("role"), "scopes": scopes, "test": is_test},
    )
    if not scopes:
        text = gettext("Tick what the key may do.")
        raise Refusal(Code.BODY_INVALID, places=[Place("/scopes", "required", text)])
    role = Role(wanted["role"])
    # A member may everything that their role may: a key of theirs has every scope to give.
    workspaces.refuse_beyond(role, scopes, holder=member().role, held=workspaces.EVERY_SCOPE)
    expires_at = clock.now() + timedelta(days=days) if days else None
    _, made = changing(
        lambda store: workspaces.add_key(
            store, member().workspace_id, name=wanted["name"], role=role, scopes=scopes,
            expires_at=expires_at,
        ),
        lambda made: Told(f"key:{made[0]}", {"role": role.value, "scopes": sorted(scopes)}),
    )  # fmt: skip
    return made


def _shown(*, made: FreshKey | None = None, faults: Any = None) -> Response:  # noqa: ANN401 - words by field
    filled = request.form if faults else {}
    ticked = request.form.getlist("scopes") if faults else [one.value for one in USUAL]
    workspace_id = member().workspace_id
    keys, grants = reading(
        lambda store: (workspaces.keys(store, workspace_id), partners.listed(store, workspace_id))
    )
    return show(
        "pages/settings/keys.html",
        status=422 if faults else 200,
        keys=keys, grants=grants,
        now=clock.now(), made=made, faults=faults or {}, filled=filled, ticked=ticked,
        scopes=[(one.value, gettext(word)) for one, word in SCOPES.items()],
        roles=[(one, gettext(word)) for one, word in ROLES.items()
               if RIGHTS[Role(one)] <= RIGHTS[member().role]],
        role_words={one: gettext(word) for one, word in ROLES.items()},
        lives=[(one, gettext(word)) for one, word in LIVES.items()],
    )  # fmt: skip
