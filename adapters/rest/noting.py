"""Notes of a described app, where its document names the calls that read, make and remove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.rest.adapter import DescribedApp
from adapters.rest.judging import RowRefused, outcome_of
from adapters.rest.templates import JSON, as_text, picked
from adapters.rest.values import id_of
from adapters.values import BatchResult, Note, Outcome, Retraction, Status


class TakesNotes(DescribedApp):
    """A NoteTaker by a call a note."""

    def noted(self, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
        """The port's `noted`: the notes of each record, read once."""
        del entity
        held = {one: self._notes_of(one) for one in {note.remote_id for note in notes}}
        found: dict[str, str] = {}
        for note in notes:
            for item in held[note.remote_id]:
                if note.marker in as_text(picked(self.document["notes"]["text"], item)):
                    with self._readable():
                        found[note.key] = id_of(self.document["notes"]["id"], item)
        return found

    def _notes_of(self, remote_id: str) -> list[JSON]:
        said = self.document["notes"]
        told = {"request": said["read"], "each": said["each"], "page": said.get("page")}
        try:
            return list(self._client.every(told, {"id": remote_id}))
        except RowRefused as exc:
            if exc.means == "not_found":
                return []
            raise self._client.of_no_row(exc) from exc

    def note(self, entity: str, notes: Sequence[Note]) -> BatchResult:
        """The port's `note`: a call a note."""
        del entity
        return BatchResult(tuple(self._noted(one) for one in notes))

    def _noted(self, note: Note) -> Outcome:
        said = self.document["notes"]
        told = {
            "title": note.title,
            "text": note.text,
            "html": note.html,
            "at": note.at.isoformat(),
        }
        try:
            answer = self._client.send(
                said["create"], {"id": note.remote_id, "note": told}, key=note.key
            )
        except RowRefused as exc:
            return outcome_of(self.document, note.key, exc)
        with self._readable():
            remote_id = id_of(said["created_id"], answer.scope)
        return Outcome(note.key, Status.WRITTEN, remote_id)


class RemovesNotes(TakesNotes):
    """A Retractor by a call a note, where the document names that call, too."""

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """The port's `retract`: a call a note."""
        del entity
        return BatchResult(tuple(self._removed(one) for one in things))

    def _removed(self, one: Retraction) -> Outcome:
        scope = {"id": one.note.remote_id, "note": {"id": one.found}}
        try:
            self._client.send(self.document["notes"]["delete"], scope, key=one.key)
        except RowRefused as exc:
            if exc.means == "not_found":
                return Outcome(one.key, Status.UNCHANGED, one.found)
            return outcome_of(self.document, one.key, exc)
        return Outcome(one.key, Status.WRITTEN, one.found)
