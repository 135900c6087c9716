"""Odoo's errors: status 200 and the exception of the server in `error.data` (measured, 11)."""

from __future__ import annotations

from typing import Any

MODULES = {
    "AccessDenied": "odoo.exceptions", "AccessError": "odoo.exceptions",
    "MissingError": "odoo.exceptions", "UserError": "odoo.exceptions",
    "ValidationError": "odoo.exceptions", "OperationalError": "psycopg2",
}  # fmt: skip
KINDS = {
    "AccessDenied": "access_denied", "AccessError": "access_error",
    "MissingError": "missing_error", "UserError": "user_error",
    "ValidationError": "validation_error",
}  # fmt: skip
# Before it the exceptions carried a second argument, which their text shows.
WITHOUT_SECOND_FROM = 13
LABELS = {
    "res.partner": "Contact", "res.partner.category": "Partner Tags", "res.users": "Users",
    "crm.lead": "Lead/Opportunity", "mail.message": "Message",
    "ir.attachment": "Attachment",
}  # fmt: skip
GROUPS = "- Sales/User: Own Documents Only\n\t- Extra Rights/Contact Creation"
_OLD_ACTS = {
    "read": "access this document",
    "write": "modify this document",
    "create": "create this kind of document",
    "unlink": "delete this document",
}
_NEW_ACTS = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}


class OdooError(Exception):
    """An exception of the simulated server; the whole call is undone."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        module = "psycopg2.errors" if name in PSYCOPG else MODULES.get(name, "builtins")
        self.name = f"{module}.{name}"
        self.text = text


PSYCOPG = frozenset(
    {
        "DatetimeFieldOverflow", "InvalidDatetimeFormat", "InvalidTextRepresentation",
        "NumericValueOutOfRange", "SerializationFailure",
    }
)  # fmt: skip


def body_of(exc: OdooError, number: Any, version: int) -> dict[str, Any]:
    """The answer that carries it."""
    short = exc.name.rpartition(".")[2]
    second = {"UserError": ""}.get(short)
    doubled = version < WITHOUT_SECOND_FROM and short in KINDS and short != "AccessDenied"
    data = {
        "name": exc.name,
        "debug": f"Traceback (most recent call last):\n{exc.name}: {exc.text}\n",
        "message": f"{exc.text}\n{second}" if doubled else exc.text,
        "arguments": [exc.text, second] if doubled else [exc.text],
    }
    if version < WITHOUT_SECOND_FROM + 1:
        data["exception_type"] = KINDS.get(short, "internal_error")
    error = {"code": 200, "message": "Odoo Server Error", "data": data}
    return {"jsonrpc": "2.0", "id": number, "error": error}


def given(told: dict[str, Any]) -> OdooError:
    """The error that a test orders for a record: {"name", "message"}."""
    exc = OdooError(str(told.get("message", "")), "UserError")
    exc.name = str(told["name"])
    return exc


def denied() -> OdooError:
    return OdooError("Access denied", "AccessDenied")


def no_database(name: str) -> OdooError:
    return OdooError(f'FATAL:  database "{name}" does not exist\n', "OperationalError")


def missing(model: str, version: int) -> OdooError:
    if version < WITHOUT_SECOND_FROM:
        text = (
            "One of the records you are trying to modify has already been deleted (Document type:"
            f" {LABELS.get(model, model)})."
        )
    else:
        text = f"Record does not exist or has been deleted.\n(Record: {model}(), User: 7)"
    return OdooError(text, "MissingError")


def no_right(model: str, act: str, version: int) -> OdooError:
    """The access list of a model does not have the user's groups."""
    if version < WITHOUT_SECOND_FROM:
        text = (
            f"Sorry, you are not allowed to {_OLD_ACTS[act]}. Only users with the following access"
            f" level are currently allowed to do that:\n{GROUPS}\n\n(Document model: {model})"
        )
    else:
        text = (
            f"You are not allowed to {_NEW_ACTS[act]} '{model}' ({model}) records.\n\nThis"
            f" operation is allowed for the following groups:\n\t{GROUPS}\n\nContact your"
            " administrator to request access if necessary."
        )
    return OdooError(text, "AccessError")


def by_a_rule(model: str, act: str, version: int) -> OdooError:
    """A record rule hides the record."""
    if version < WITHOUT_SECOND_FROM:
        text = (
            "The requested operation cannot be completed due to security restrictions. Please"
            f" contact your system administrator.\n\n(Document type: {LABELS.get(model, model)},"
            f" Operation: {act})"
        )
    else:
        text = (
            f"Due to security restrictions, you are not allowed to {_NEW_ACTS[act]} '{model}'"
            f" ({model}) records."
        )
    return OdooError(text, "AccessError")


def no_field(model: str, name: str, *, leaf: bool, version: int) -> OdooError:
    if not leaf:
        return OdooError(f"Invalid field '{name}' on model '{model}'", "ValueError")
    if version >= 17:
        return OdooError(f"Invalid field {model}.{name} in leaf ('{name}', '=', 1)", "ValueError")
    leaf_told = f"<osv.ExtendedLeaf: ('{name}', '=', 1) on {model.replace('.', '_')} (ctx: )>"
    text = f"Invalid field '{name}' in leaf \"{leaf_told}\""
    return OdooError(text, "ValueError")


def not_stored(model: str) -> OdooError:
    """A foreign key or a NOT NULL of the database."""
    return OdooError(
        "The operation cannot be completed, probably due to the following:\n- deletion: you may be"
        " trying to delete a record while other records still reference it\n- creation/update: a"
        " mandatory field is not correctly set\n\n"
        f"[object with reference: {LABELS.get(model, model)} - {model}]",
        "ValidationError",
    )
