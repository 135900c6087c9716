"""The workspace's settings: merged key by key, and what follows from a new tag pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select, update

from connector import workspaces
from connector.problems import Code, Place, Refusal
from connector.responses.tags import TagPattern, UnusableName, pattern_of, tag_pattern
from connector.tables import tag_provision, workspace

Row = Mapping[str, Any]


def change(connection: Connection, workspace_id: int, changes: Row) -> Row:
    """Change what is named, leave the rest; the workspace afterwards. None goes back to a default.

    With another tag pattern the options are made anew, and tags of the one before count as ours.
    Raises Refusal(BODY_INVALID) where tags of the pattern could not be told apart again.
    """
    if "settings" in changes:
        of_this = select(workspace.c.settings).where(workspace.c.id == workspace_id)
        held = connection.execute(of_this.with_for_update()).scalar_one()
        settings = merged(held, changes["settings"])
        if pattern_of(settings.get("tags", {})) != pattern_of(held.get("tags", {})):
            settings = {**settings, "tags": _repatterned(held, settings.get("tags", {}))}
            _ask_for_options(connection, workspace_id)
        changes = {**changes, "settings": settings}
    return workspaces.change(connection, workspace_id, changes)


def merged(held: Row, changes: Row) -> dict[str, Any]:
    """As RFC 7396: what is not named stays, what is None is gone."""
    result = dict(held)
    for name, value in changes.items():
        if isinstance(value, Mapping):
            result[name] = merged(held.get(name) or {}, value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def checked_pattern(tags: Row) -> TagPattern:
    """The pattern that tag settings say. Raises Refusal(BODY_INVALID) where its tags could not be
    told apart again.
    """
    said = pattern_of(tags)
    try:
        return tag_pattern(said.prefix, said.separator, no_send_word=said.no_send_word)
    except UnusableName as exc:
        place = Place("/settings/tags", "invalid", str(exc))
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc


def _repatterned(held: Row, tags: Row) -> dict[str, Any]:
    """The tag settings with the pattern of before kept. Raises Refusal(BODY_INVALID)."""
    now, before = checked_pattern(tags), pattern_of(held.get("tags", {}))
    every = [*tags.get("former", ()), [before.prefix, before.separator]]
    known = {tuple(one): one for one in every if tuple(one) != (now.prefix, now.separator)}
    return {**tags, "former": list(known.values())}


def _ask_for_options(connection: Connection, workspace_id: int) -> None:
    connection.execute(
        update(tag_provision)
        .where(tag_provision.c.workspace_id == workspace_id, tag_provision.c.state == "done")
        .values(state="pending", due_at=func.now())
    )
