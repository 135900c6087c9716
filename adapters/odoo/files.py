"""Files: an attachment of the contact, named by a note in its chatter, which carries its marker.
Models that an admin has made need not have a chatter: there the attachment stands alone.

The attachment keeps the marker as its description, so that one whose note was not written any more
is taken up. Both are found by reading, as they were committed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from adapters.errors import BrokenContract
from adapters.odoo.client import Client
from adapters.odoo.noting import NoteDesk
from adapters.odoo.refusals import RowFault
from adapters.odoo.traits import OWN_MODELS
from adapters.odoo.transport import TOO_LARGE
from adapters.odoo.writing import record_id
from adapters.values import Account, Attachment, Outcome, Status
from schemas.odoo import kind_of

ATTACHMENT = "ir.attachment"
# Before it the name of a download was a field of its own; an unknown one is an error later on.
ONE_NAME_FROM = 13
REFUSED = (
    "a server in front of Odoo takes no request of this size: raise its limit (nginx:"
    " client_max_body_size)"
)


def filed(client: Client, account: Account, entity: str, file: Attachment) -> str | None:
    """The port's `filed`: a call, two where it stands."""
    if _is_alone(entity):
        alone = _standing(client, entity, file)
        return None if alone is None else str(alone)
    noted = NoteDesk(client, account, entity).noted((file.note,)).get(file.key)
    if noted is None:
        return None
    standing = _standing(client, entity, file)
    # Somebody has deleted the attachment since: the file was there once, and is not sent again.
    return noted if standing is None else str(standing)


def file(client: Client, account: Account, entity: str, one: Attachment) -> Outcome:
    """The port's `file`: three calls, two where there is no chatter."""
    try:
        number = _standing(client, entity, one) or _stored(client, entity, one)
        if _is_alone(entity):
            return Outcome(one.key, Status.WRITTEN, remote_id=str(number), created=True)
        desk = NoteDesk(client, account, entity)
        told = desk.note((one.note,), attachments=(number,)).outcomes[0]
    except RowFault as fault:
        return fault.outcome(one.key)
    except BrokenContract as exc:
        if exc.code != TOO_LARGE:
            raise
        return Outcome(one.key, Status.REJECTED, code="file_refused", message=REFUSED)
    if told.status is not Status.WRITTEN:
        return told
    return Outcome(one.key, Status.WRITTEN, remote_id=str(number), created=True)


def _is_alone(entity: str) -> bool:
    return re.fullmatch(OWN_MODELS, entity) is not None


def _standing(client: Client, entity: str, one: Attachment) -> int | None:
    domain = [
        ["res_model", "=", kind_of(entity).model],
        ["res_id", "=", record_id(one.remote_id)],
        ["description", "=", one.marker],
    ]
    found = client.search_read(ATTACHMENT, domain, ["description"])
    return int(found[0]["id"]) if found else None


def _stored(client: Client, entity: str, one: Attachment) -> int:
    values: dict[str, Any] = {
        "name": one.name,
        "datas": b64encode(one.content).decode(),
        "mimetype": one.content_type,
        "res_model": kind_of(entity).model,
        "res_id": record_id(one.remote_id),
        "description": one.marker,
    }
    if client.version < ONE_NAME_FROM:
        values["datas_fname"] = one.name
    return client.create(ATTACHMENT, [values])[0]
