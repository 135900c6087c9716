"""Score tags on people and organizations: the new one first, then the others of the campaign go.

Zendesk may keep another spelling than it was sent (lower case, without dots or letters like oe;
what exactly is not established), so what stands afterwards is read from its answer. The tags of a
hundred records are read in one call; a change then costs one call, two where an old score goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.errors import PauseMapping
from adapters.values import BatchResult, Outcome, Status, TagChange
from adapters.zendesk.answers import Forbidden, RowRefused
from adapters.zendesk.client import Client
from adapters.zendesk.finding import by_ids
from adapters.zendesk.rows import gone, one_by_one


class Tagger:
    """The tag calls of one entity."""

    def __init__(self, client: Client, entity: str) -> None:
        self.client, self.entity = client, entity
        self.api: Any = getattr(client.zenpy, entity)
        self.before: Mapping[str, tuple[str, ...]] = {}

    def tagged(self, remote_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The port's `tagged`."""
        found = by_ids(self.client, self.entity, remote_ids)
        return {number: tuple(raw["tags"]) for number, raw in found.items()}

    def retag(self, changes: Sequence[TagChange]) -> BatchResult:
        """The port's `retag`."""
        unread = [one.remote_id for one in changes if one.held is None]
        self.before = self.tagged(unread) if unread else {}
        return BatchResult(one_by_one(changes, self._change))

    def _change(self, change: TagChange) -> Outcome:
        before = change.held if change.held is not None else self.before.get(change.remote_id)
        if before is None:
            return gone(change.key)
        try:
            return self._replaced(change, before)
        except Forbidden as exc:
            message = "tags on users and organizations are switched off in this Zendesk account"
            raise PauseMapping(message, code="tags_disabled") from exc

    def _replaced(self, change: TagChange, before: Sequence[str]) -> Outcome:
        if not change.spellings:
            return self._removed(change, before)
        standing = next((one for one in change.spellings if one in before), None)
        tags: Iterable[str] = before
        if standing is None:
            standing, tags = self._added(change, before)
        leftover = sorted((change.owned - {standing}) & set(tags))
        if leftover:
            self.api.delete_tags(int(change.remote_id), leftover)
        is_same = standing in before and not leftover
        return Outcome(
            change.key,
            Status.UNCHANGED if is_same else Status.WRITTEN,
            remote_id=change.remote_id,
            detail={
                "tag": standing,
                "style": change.spellings.index(standing),
                "before": sorted(change.owned & set(before)),
                "after": [standing],
            },
        )

    def _removed(self, change: TagChange, before: Sequence[str]) -> Outcome:
        gone = sorted(change.owned & set(before))
        if gone:
            self.api.delete_tags(int(change.remote_id), gone)
        status = Status.WRITTEN if gone else Status.UNCHANGED
        detail = {"tag": "", "style": 0, "before": gone, "after": []}
        return Outcome(change.key, status, remote_id=change.remote_id, detail=detail)

    def _added(self, change: TagChange, before: Sequence[str]) -> tuple[str, Iterable[str]]:
        """The first spelling that the account keeps, and the tags that then stand."""
        for spelling in change.spellings:
            tags = _texts(self.api.add_tags(int(change.remote_id), [spelling]))
            if spelling in tags:
                return spelling, tags
            strays = sorted(one for one in set(tags) - set(before) if _came_of(one, spelling))
            if strays:
                self.api.delete_tags(int(change.remote_id), strays)
        raise RowRefused(code="tag_refused", field="tags")


def _came_of(stray: str, spelling: str) -> bool:
    """Whether the account made this of what we sent. Others may have tagged the person meanwhile:
    their tags are not ours to remove.
    """
    left = _plain(stray)
    return bool(left) and left in _plain(spelling)


def _plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isascii() and sign.isalnum())


def _texts(told: Any) -> list[str]:
    """The strings of a tag answer; zenpy gives each of them out once only."""
    return [one if isinstance(one, str) else str(one.name) for one in told]
