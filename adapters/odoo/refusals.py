"""What Odoo's errors mean: of a whole call (the port's errors), of its rows (RowFault). Pure.

An error is an answer with status 200 and `error.data.name`, the class that was raised at the
server; its transaction was rolled back. Names and texts: measured on Odoo 11, the wording of later
versions from memory (unverified), so that every rule knows both. Nothing of a text goes on but
names of fields: it may hold values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.errors import (
    AdapterError,
    BrokenContract,
    PauseMapping,
    ReconnectNeeded,
    TokenExpired,
    TryLater,
)
from adapters.values import Outcome, Status
from schemas.phrases import phrase

UNKNOWN_ARGUMENT, NO_METHOD = "bad_request", "no_method"
ACTS: Mapping[str, str] = {
    "create": "create", "write": "write", "unlink": "delete",
    "message_post": "write", "load": "write",
}  # fmt: skip
# Odoo itself has tried five times by then.
LOCKED = frozenset(
    {"SerializationFailure", "TransactionRollbackError", "DeadlockDetected", "LockNotAvailable"}
)
BAD_VALUE = frozenset(
    {
        "DataError", "DatetimeFieldOverflow", "InvalidDatetimeFormat", "InvalidTextRepresentation",
        "NumericValueOutOfRange", "StringDataRightTruncation",
    }
)  # fmt: skip
_UNKNOWN_FIELD = (
    re.compile(r"Invalid field '(\w+)'"),
    re.compile(r"Invalid field [\w.]*?\.?(\w+) in leaf"),
    re.compile(r"Unknown field [\"'](?:[\w.]*\.)?(\w+)[\"']"),
)
_NO_MODEL = re.compile(r"Object \S+ doesn't exist")
_WRONG_OPTION = re.compile(r"Wrong value for [\w.]*?(\w+): ")
_NAMED_FIELD = re.compile(r"Field: [^\n]*\((\w+)\)")
# "(Document model: res.partner)" up to 12 (measured, 11), "'Contact' (res.partner) records" later.
_OF_MODEL = re.compile(r"\(Document model: ([\w.]+)\)|\(([\w.]+)\) records")
_BY_A_RULE = re.compile(r"security restrictions?", re.IGNORECASE)
_NO_SENDER = re.compile(r"configure the sender's email|sender's email address", re.IGNORECASE)
_NO_METHOD = re.compile(r"^type object \S+ has no attribute|^The method \S+ does not exist")
_NO_ARGUMENT = re.compile(r"unexpected keyword argument|not supported when posting")
_TAKEN = re.compile(r"duplicate key|must be unique|already exists|already in use", re.IGNORECASE)
_MANDATORY = re.compile(r"mandatory field is not|missing required|require a name", re.IGNORECASE)


class Fault(Exception):
    """An error that Odoo answered. `name` is the last part of its class, `text` its message."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name)
        self.name = name
        self.text = text


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked: the model and its method."""

    model: str
    method: str


class RowFault(Exception):
    """Some record of the call was refused. `passes`: only for the moment. `places`: which rows of
    the call, where Odoo tells.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        self.places: frozenset[int] = frozenset()

    @property
    def passes(self) -> bool:
        """Whether it may go well in a moment."""
        return self.code == "row_locked"

    def outcome(self, key: str) -> Outcome:
        """The outcome of a row that stands alone."""
        status = Status.RETRY if self.passes else Status.REJECTED
        return Outcome(key, status, code=self.code, message=self.message, field=self.field)


@contextmanager
def speaking() -> Iterator[None]:
    """Around a call that names no single row: what looks like a row's fault is one of the call."""
    try:
        yield
    except RowFault as fault:
        if fault.passes:
            raise TryLater(fault.message, code=fault.code) from fault
        raise BrokenContract(fault.message, code=fault.code) from fault


def fault_of(error: object) -> Fault:
    """The fault in an answer's `error`."""
    told: Mapping[str, Any] = error if isinstance(error, dict) else {}
    data = told.get("data")
    data = data if isinstance(data, dict) else {}
    name = str(data.get("name") or told.get("message") or "")
    return Fault(name.rpartition(".")[2], str(data.get("message") or ""))


def meaning(fault: Fault, call: Call) -> AdapterError | RowFault:
    """What a fault means for who called: an error of the whole call, or of some row of it."""
    special = _SPECIAL.get(fault.name)
    if special is not None:
        return special(fault, call)
    field = _unknown_field(fault.text)
    if field is not None:
        return PauseMapping(f"{call.model} has no field {field}", code="field_gone", field=field)
    if _NO_MODEL.search(fault.text):
        return PauseMapping(f"Odoo has no {call.model}", code="entity_unknown")
    if _NO_SENDER.search(fault.text):
        text = "the integration user needs an e-mail address of its own in Odoo"
        return PauseMapping(text, code="no_sender_address", scope="e-mail address of the user")
    return _row_fault(fault)


def _unknown_field(text: str) -> str | None:
    found = next((one for rule in _UNKNOWN_FIELD if (one := rule.search(text))), None)
    return found[1] if found else None


def _row_fault(fault: Fault) -> RowFault:
    if _NO_ARGUMENT.search(fault.text):
        return RowFault(UNKNOWN_ARGUMENT, "this version of Odoo does not take the call as it is")
    if _NO_METHOD.search(fault.text):
        return RowFault(NO_METHOD, "this Odoo has no such method for us")
    option = _WRONG_OPTION.search(fault.text)
    named = _NAMED_FIELD.search(fault.text)
    field = named[1] if named else None
    if option:
        text = f"{option[1]} has no such option"
        return RowFault("unknown_option", text, field=option[1])
    if _TAKEN.search(fault.text):
        return RowFault("duplicate", "Odoo has a record with this unique value", field=field)
    if _MANDATORY.search(fault.text):
        text = "a field that Odoo requires is empty, or a record it refers to is not there"
        return RowFault("integrity", text, field=field)
    if fault.name in BAD_VALUE or fault.name == "ValueError":
        return RowFault("invalid_value", "Odoo cannot store a value of this row", field=field)
    if fault.name == "ValidationError":
        return RowFault(
            "validation_rule", phrase("a rule of this Odoo refuses the record"), field=field
        )
    return RowFault("refused", f"Odoo refused the record ({_word(fault.name)})", field=field)


def _word(name: str) -> str:
    """A class's name, if it is one: nothing else of a fault is shown."""
    return name if re.fullmatch(r"[A-Za-z_]{1,40}", name) else "error"


def _denied(_fault: Fault, _call: Call) -> AdapterError:
    return TokenExpired("Odoo refused the user's key")


def _no_access(fault: Fault, call: Call) -> AdapterError | RowFault:
    act = ACTS.get(call.method, "read")
    if _BY_A_RULE.search(fault.text):
        # A record rule hides this record; the others of the call may be open.
        return RowFault("no_access", f"a record rule of Odoo forbids to {act} this record")
    named = _OF_MODEL.search(fault.text)
    model = (named[1] or named[2]) if named else call.model
    # A message is a record of its own: who may write on the contact may lack the right to post.
    scope = f"{act if model == call.model else 'create'} on {model}"
    text = phrase("the integration user lacks the right: %(scope)s", scope=scope)
    return PauseMapping(text, code="missing_scope", scope=scope)


def _missing(_fault: Fault, _call: Call) -> RowFault:
    return RowFault("not_found", "Odoo has no such record (any more)")


def _locked(_fault: Fault, _call: Call) -> RowFault:
    return RowFault("row_locked", "somebody else was changing the record")


def _database(fault: Fault, _call: Call) -> AdapterError:
    if "does not exist" in fault.text:
        return ReconnectNeeded("this Odoo has no such database", code="database_unknown")
    return TryLater("Odoo's database could not be reached")


def _no_service(_fault: Fault, _call: Call) -> AdapterError:
    return BrokenContract("this address serves no JSON-RPC of Odoo", code="no_such_endpoint")


_SPECIAL: Mapping[str, Callable[[Fault, Call], AdapterError | RowFault]] = {
    "AccessDenied": _denied,
    "AccessError": _no_access,
    "MissingError": _missing,
    "OperationalError": _database,
    "InterfaceError": _database,
    "PoolError": _database,
    "NotFound": _no_service,
    **dict.fromkeys(LOCKED, _locked),
}
