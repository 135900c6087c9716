"""Score tags of a described app, where its document names the calls that read and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.rest.adapter import DescribedApp
from adapters.rest.judging import RowRefused, outcome_of
from adapters.rest.templates import as_text
from adapters.values import BatchResult, Outcome, Status, TagChange


class TakesTags(DescribedApp):
    """A TagTaker by calls for one tag of one record."""

    def tagged(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The port's `tagged`: a call a record."""
        del entity
        held = {one: self._held(one) for one in remote_ids}
        return {one: tags for one, tags in held.items() if tags is not None}

    def _held(self, remote_id: str) -> tuple[str, ...] | None:
        said = self.document["tags"]
        answer = self._asked(said["read"], {"id": remote_id})
        if answer is None:
            return None
        return tuple(as_text(one) for one in self._client.list_in(said["names"], answer))

    def retag(self, entity: str, changes: Sequence[TagChange]) -> BatchResult:
        """The port's `retag`: the new tag stands before the old ones go."""
        del entity
        return BatchResult(tuple(self._retagged(one) for one in changes))

    def _retagged(self, change: TagChange) -> Outcome:
        held = change.held if change.held is not None else self._held(change.remote_id)
        if held is None:
            refused = RowRefused("not_found", "not_found")
            return outcome_of(self.document, change.key, refused)
        new = change.spellings[0]
        missing = () if new in held else (new,)
        old = tuple(one for one in held if one in change.owned and one != new)
        try:
            self._call("add", change, missing)
            self._call("remove", change, old)
        except RowRefused as exc:
            return outcome_of(self.document, change.key, exc)
        status = Status.WRITTEN if missing or old else Status.UNCHANGED
        return Outcome(change.key, status, change.remote_id, detail={"tag": new, "style": 0})

    def _call(self, what: str, change: TagChange, tags: Sequence[str]) -> None:
        for one in tags:
            scope = {"id": change.remote_id, "tag": one}
            self._client.send(self.document["tags"][what], scope, key=f"{change.key}-{one}")
