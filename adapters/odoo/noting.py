"""Notes: one internal message on the contact per response, found again by its marker.

How a note is posted differs by version (measured: 11; the others unverified), so three ways are
known, and one that this Odoo does not take leads to the next, which is then learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.errors import OutcomeUnknown
from adapters.odoo.client import CONTEXT, Client
from adapters.odoo.refusals import UNKNOWN_ARGUMENT, RowFault
from adapters.odoo.turns import in_turn
from adapters.odoo.writing import record_id
from adapters.values import Account, BatchResult, Note, Outcome, Status
from schemas.odoo import kind_of

MESSAGE = "mail.message"
INTERNAL = "mail.mt_note"
LEARNT = "note_way"
# In order of age: how the kind of message is named, and that the text is HTML, not to be escaped.
WAYS: dict[str, Mapping[str, Any]] = {
    "subtype": {"subtype": INTERNAL},
    "xmlid": {"subtype_xmlid": INTERNAL},
    "html": {"subtype_xmlid": INTERNAL, "body_is_html": True},
}
XMLID_FROM, HTML_FROM = 14, 17
Named = Mapping[str, Any]


class NoteDesk:
    """The notes of one job."""

    def __init__(self, client: Client, account: Account, entity: str) -> None:
        self._client = client
        self._model = kind_of(entity).model
        self._way = str(account.learnt.get(LEARNT) or _way_of(client.version))
        self._learnt: dict[str, Any] = {}

    def noted(self, notes: Sequence[Note]) -> dict[str, str]:
        """The port's `noted`: messages are read by record and text, as they were committed."""
        if not notes:
            return {}
        ids = sorted({record_id(one.remote_id) for one in notes})
        texts = [["body", "like", one.marker] for one in notes]
        domain = [
            *(["model", "=", self._model], ["res_id", "in", ids]),
            *(*["|"] * (len(texts) - 1), *texts),
        ]
        told = self._client.search_read(MESSAGE, domain, ["res_id", "body"])
        return {
            note.key: str(one["id"])
            for note in notes
            for one in told
            if note.marker in str(one.get("body")) and str(one.get("res_id")) == note.remote_id
        }

    def note(self, notes: Sequence[Note], *, attachments: Sequence[int] = ()) -> BatchResult:
        """The port's `note`: a call each. `attachments`: ids of files that the notes name."""
        named = {"attachment_ids": list(attachments)} if attachments else {}
        done = in_turn([[one] for one in notes], lambda part: self._noted_one(part, named))
        return BatchResult(tuple(done[one.key] for one in notes), learnt=self._learnt)

    def _noted_one(self, part: Sequence[Note], named: Named) -> list[Outcome]:
        (note,) = part
        told = self._posted(note, named)
        # Some versions answer a list of one.
        number = told[0] if isinstance(told, list) and told else told
        if not isinstance(number, int) or isinstance(number, bool):
            message = "Odoo does not tell the id of the new message"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return [Outcome(note.key, Status.WRITTEN, remote_id=str(number), created=True)]

    def _posted(self, note: Note, named: Named) -> Any:
        ways = [self._way, *(one for one in reversed(WAYS) if one != self._way)]
        for at, way in enumerate(ways):
            try:
                posted = self._post(note, {**WAYS[way], **named})
            except RowFault as fault:
                if fault.code != UNKNOWN_ARGUMENT or at == len(ways) - 1:
                    raise
            else:
                if at:
                    self._way = self._learnt[LEARNT] = way
                return posted
        return None

    def _post(self, note: Note, named: Named) -> Any:
        return self._client.change(
            self._model,
            "message_post",
            [record_id(note.remote_id)],
            body=note.html,
            subject=note.title,
            message_type="comment",
            context={**CONTEXT, "mail_post_autofollow": False},
            **named,
        )


def _way_of(version: int) -> str:
    if version >= HTML_FROM:
        return "html"
    return "xmlid" if version >= XMLID_FROM else "subtype"
