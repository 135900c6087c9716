"""Why something was not written, in words for people: what happened, who can mend it, and how."""

from __future__ import annotations

from dataclasses import dataclass

from connector.admin.language import gettext, marked

ADMIN, CRM_ADMIN, OPERATOR, NOBODY = (
    marked("You or another admin here"),
    marked("An admin of the CRM"),
    marked("Whoever runs this installation"),
    marked("Nobody: it goes on by itself"),
)
# (state, reason) -> what happened, who, how. docs/errors.md says the same for readers of the API.
REASONS = {
    ("parked", "auth"): (
        marked("The connection is not connected"), ADMIN,
        marked("Connect it again. Everything that waits goes on, in order."),
    ),
    ("parked", "crypto"): (
        marked("The stored secrets cannot be opened"), OPERATOR,
        marked("Put the key-encryption key back, then connect again."),
    ),
    ("parked", "mapping"): (
        marked("The CRM has lost a field or object that is mapped"), ADMIN,
        marked("Mend it in the CRM or in the mapping, download the field definitions, publish, and "
               "replay."),
    ),
    ("parked", "scope"): (
        marked("A permission is missing in the CRM"), CRM_ADMIN,
        marked("Grant what the error names, then test the connection."),
    ),
    ("parked", "paused"): (
        marked("The mapping was paused by a person"), ADMIN, marked("Let the mapping work again."),
    ),
    ("parked", "breaker"): (
        marked("Every record of the mapping was refused, so it was paused"), ADMIN,
        marked("Read the errors of the refused ones, mend the mapping, then let it work again."),
    ),
    ("parked", "rate"): (
        marked("The CRM's limit is used up, or what is left is kept for your other tools"), NOBODY,
        marked("It goes on when the CRM allows."),
    ),
    ("parked", "provision"): (
        marked("The campaign's tags do not exist in the CRM yet"), NOBODY,
        marked("They are being made. If that needs a permission, the audit log says which."),
    ),
    ("parked", "file"): (
        marked("The file is still being fetched"), NOBODY, marked("It goes on when it is here."),
    ),
    ("dead", "file"): (
        marked("The file cannot be had, or the CRM does not take it"), ADMIN,
        marked("The error says why. A replay fetches the file again."),
    ),
    ("dead", "validation"): (
        marked("A value or the record was refused"), ADMIN,
        marked("Mend the mapping, the value or the record, then replay."),
    ),
    ("dead", "not_found"): (
        marked("The CRM has no such record, and none may be created"), ADMIN,
        marked("Create it there, or let the mapping create records; then replay."),
    ),
    ("dead", "exists"): (
        marked("The record exists, and the mapping only creates"), ADMIN,
        marked("Choose another operation in the mapping, then replay."),
    ),
    ("dead", "ambiguous"): (
        marked("Several records match"), ADMIN,
        marked("Merge them in the CRM, or identify by another field; then replay."),
    ),
    ("dead", "attempts"): (
        marked("The last try failed, after about 28 hours"), ADMIN,
        marked("When the CRM works again, replay."),
    ),
    ("dead", "crashes"): (
        marked("A process died three times while it worked on it"), OPERATOR,
        marked("Look at the log, then replay."),
    ),
    ("dead", "perhaps_sent"): (
        marked("Nobody knows whether the respondent has been written to: no answer came"), ADMIN,
        marked("Look in the other system, under the response's id, whether it was sent. If not, "
               "replay: that sends it, and a second time if it was."),
    ),
    ("superseded", "newer_answer"): (
        marked("A newer answer is written instead"), NOBODY, marked("This is as it should be."),
    ),
    ("superseded", "backfilled"): (
        marked("Planned anew by a newer version of the mapping"), NOBODY,
        marked("This is as it should be."),
    ),
}  # fmt: skip
OTHERWISE = (
    marked("It could not be written"), ADMIN, marked("The error says why. Mend it, then replay."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """A cause in the reader's language."""

    what: str
    who: str
    how: str


def words(state: str, reason: str | None) -> Words:
    """What happened, who can mend it, and how."""
    what, who, how = REASONS.get((state, reason or ""), OTHERWISE)
    return Words(gettext(what), gettext(who), gettext(how))
