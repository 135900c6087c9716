"""Activities: something for a person to do about a contact, who is named by an e-mail address.

Odoo hangs an activity on a record by its model and number. Whoever sells to the contact gets it,
unless the mapping names another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.errors import PauseMapping
from adapters.odoo import finding
from adapters.odoo.client import Client
from adapters.values import Outcome, Record, Status
from schemas.fields import Entity
from schemas.odoo import CONTACT_EMAIL, PARTNER
from schemas.phrases import phrase

SELLER = "user_id"
NOBODY = "the CRM has no record for this contact"
SEVERAL = "several contacts have this address: merge them"
Values = Mapping[str, Any]


def placed(
    client: Client, contacts: Entity, rows: Mapping[str, Values]
) -> tuple[dict[str, Values], dict[str, Outcome]]:
    """By the rows' keys: (what creates each, the outcomes of those that have no place). Three
    calls at the most. A contact may be on its way: its row is to be tried again.
    """
    emails = {key: str(values.get(CONTACT_EMAIL) or "") for key, values in rows.items()}
    want = [SELLER] if contacts.field(SELLER) is not None else []
    asked = sorted({one for one in emails.values() if one})
    found = finding.find(client, contacts, "email", asked, want=want) if asked else {}
    hits = {key: found.get(email, ()) for key, email in emails.items()}
    place = model_id(client, PARTNER) if any(len(one) == 1 for one in hits.values()) else 0
    here = {key: _on(rows[key], one[0], place) for key, one in hits.items() if len(one) == 1}
    return here, {key: _nowhere(key, len(hits[key])) for key in rows if key not in here}


def model_id(client: Client, model: str) -> int:
    """The model's number, by which an activity says what it hangs on. Raises PauseMapping where the
    user may not look.
    """
    told = client.search_read("ir.model", [["model", "=", model]], ["model"])
    if not told:
        message = phrase("the integration user may not look at the models of Odoo")
        raise PauseMapping(message, code="missing_scope", scope="read on ir.model")
    return int(told[0]["id"])


def _on(values: Values, contact: Record, place: int) -> Values:
    seller = contact.values.get(SELLER)
    rest = {name: value for name, value in values.items() if name != CONTACT_EMAIL}
    theirs = {SELLER: int(str(seller))} if seller else {}
    return {**theirs, **rest, "res_model_id": place, "res_id": int(contact.remote_id)}


def _nowhere(key: str, hits: int) -> Outcome:
    if hits:
        return Outcome(key, Status.REJECTED, code="ambiguous", message=SEVERAL)
    return Outcome(key, Status.RETRY, code="contact_not_there", message=NOBODY)
