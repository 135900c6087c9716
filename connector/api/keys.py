"""API keys: list them, make one (shown once), revoke one."""

from __future__ import annotations

from typing import Any

from connector import workspaces as story
from connector.access import Role, Scope
from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from schemas.workspace import KeyListSchema, NewKeySchema, ShownKeySchema

resource = Resource("keys", __name__, description="API keys")


@resource.on("GET", "/keys", gives=KeyListSchema)
def list_keys() -> dict[str, Any]:
    """Every key, without its secret"""
    return {"keys": reading(lambda connection: story.keys(connection, actor().workspace_id))}


@resource.on("POST", "/keys", takes=NewKeySchema, gives=ShownKeySchema, status=201)
def create_key(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a key; this answer is the only one that shows it"""
    role, scopes = Role(wanted["role"]), _scopes_of(wanted)
    story.refuse_beyond(role, scopes, holder=actor().role, held=_held())
    key_id, key = changing(
        lambda connection: story.add_key(
            connection,
            actor().workspace_id,
            name=wanted["name"],
            role=role,
            scopes=scopes,
            expires_at=wanted["expires_at"],
        ),
        lambda made: Told(f"key:{made[0]}", {"role": role.value, "scopes": sorted(scopes)}),
    )
    return {"id": key_id, "public_id": key.public_id, "key": key.secret.reveal()}


@resource.on("DELETE", "/keys/<id:key_id>", status=204)
def revoke_key(key_id: int) -> None:
    """Refuse the key from now on"""
    changing(
        lambda connection: story.revoke_key(connection, actor().workspace_id, key_id),
        lambda _: Told(f"key:{key_id}"),
    )


def _scopes_of(wanted: dict[str, Any]) -> list[str]:
    if wanted["test"]:
        told = [one for one in wanted.get("scopes") or () if one != Scope.RESPONSES_TEST]
        return [Scope.RESPONSES_TEST.value, *(told or [Scope.RESPONSES_READ.value])]
    return wanted.get("scopes") or sorted(actor().scopes)


def _held() -> frozenset[str]:
    """The asking key's scopes; whoever may push may have it tried out."""
    scopes = actor().scopes
    may_push = Scope.RESPONSES_PUSH.value in scopes
    return scopes | {Scope.RESPONSES_TEST.value} if may_push else scopes
