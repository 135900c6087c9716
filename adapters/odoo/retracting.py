"""Notes and files of deleted responses: their messages and attachments are deleted.

Whether an ordinary user may delete a message is unverified for every version. An Odoo that refuses
says so, and somebody has to do it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.odoo.client import Client
from adapters.odoo.files import ATTACHMENT
from adapters.odoo.noting import MESSAGE
from adapters.odoo.turns import in_turn
from adapters.odoo.writing import record_id
from adapters.values import BatchResult, Outcome, Retraction, Status
from schemas.odoo import kind_of


def retract(client: Client, entity: str, things: Sequence[Retraction]) -> BatchResult:
    """The port's `retract`: found by their marker, two calls each, four for a file."""
    done = in_turn([[one] for one in things], lambda part: [_one(client, entity, part[0])])
    return BatchResult(tuple(done[one.key] for one in things))


def _one(client: Client, entity: str, one: Retraction) -> Outcome:
    here = [
        ["res_id", "=", record_id(one.note.remote_id)],
    ]
    model, marker = kind_of(entity).model, one.note.marker
    gone = [_unlinked(client, MESSAGE, [["model", "=", model], *here, ["body", "like", marker]])]
    if one.is_file:
        domain = [["res_model", "=", model], *here, ["description", "=", marker]]
        gone.append(_unlinked(client, ATTACHMENT, domain))
    status = Status.WRITTEN if any(gone) else Status.UNCHANGED
    return Outcome(one.key, status, remote_id=one.found)


def _unlinked(client: Client, model: str, domain: Sequence[object]) -> bool:
    """Whether there was something to delete."""
    ids = [int(one["id"]) for one in client.search_read(model, domain, ["id"])]
    if ids:
        client.change(model, "unlink", ids)
    return bool(ids)
