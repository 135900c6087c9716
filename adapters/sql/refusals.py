"""What a database's error means, for the whole call or for one row.

Its text quotes values, so that nothing of it goes on but the name of a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    ReconnectNeeded,
    TryLater,
)
from adapters.sql.dialects import Dialect, Fault, fault_of
from adapters.values import Outcome, Status
from schemas.phrases import phrase

_OF_A_ROW = {
    Fault.DUPLICATE: "duplicate",
    Fault.REQUIRED: "required",
    Fault.TOO_LONG: "too_long",
    Fault.VALUE: "invalid_value",
}
_OF_THE_LINE = (OperationalError, InterfaceError)
# MySQL's words: "Column 'x' cannot be null", "Field 'x' doesn't have a default value".
_QUOTED = re.compile(r"(?:[Cc]olumn|Field) '(\w{1,64})'")
_NUMBER = re.compile(r"(?:ORA-0*|[\[(])(\d{1,5})\b")
_TLS = re.compile(r"(?i)\b(ssl|tls|certificate)\b")


def fault_in(dialect: Dialect, exc: DBAPIError) -> Fault | None:
    """What the error's code says, else what its class does; None where neither says anything."""
    known = next((one for code in _codes(exc) if (one := fault_of(dialect, code))), None)
    if known is None and isinstance(exc, IntegrityError | DataError):
        return Fault.VALUE
    return known


def _codes(exc: DBAPIError) -> list[str]:
    orig = exc.orig
    told = [getattr(orig, "sqlstate", None), *getattr(orig, "args", ())[:1]]
    told.append(getattr(told[-1], "code", None) if told[1:] else None)
    codes = [str(one) for one in told if isinstance(one, str | int) and len(str(one)) <= 5]
    return [*codes, *_NUMBER.findall(str(orig))]


def is_of_a_row(fault: Fault | None) -> bool:
    """Whether one row of a statement is to blame."""
    return fault in _OF_A_ROW


def outcome_of(key: str, fault: Fault, exc: DBAPIError, columns: Iterable[str]) -> Outcome:
    """The outcome of the one row that was refused."""
    if fault is Fault.DUPLICATE:
        message = "a row with one of these values exists already"
        field = _named(exc, columns)
        return Outcome(key, Status.REJECTED, code="duplicate", message=message, field=field)
    code, field = _OF_A_ROW[fault], _named(exc, columns)
    message = f"the database refused {field or 'a value'}: {code.replace('_', ' ')}"
    return Outcome(key, Status.REJECTED, code=code, message=message, field=field)


def _named(exc: DBAPIError, columns: Iterable[str]) -> str | None:
    """The column that the database names, or the only one of ours that stands in the text."""
    told = getattr(getattr(exc.orig, "diag", None), "column_name", None)
    if told:
        return str(told)
    said = str(exc.orig)
    if quoted := _QUOTED.search(said):
        return quoted[1]
    found = [one for one in columns if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", said)]
    return found[0] if len(found) == 1 else None


def unreached(dialect: Dialect, exc: DBAPIError) -> AdapterError:
    """No connection came about: certainly nothing was done."""
    fault, said = fault_in(dialect, exc), str(exc.orig)
    if fault is Fault.REFUSED or _says_refused(said):
        return ReconnectNeeded("the database refuses the user or the password", code="key_refused")
    # MySQL does not tell a database that is not there from one that the user may not enter.
    unknown = re.search(r'database ".*" does not exist', said)
    if unknown or fault in {Fault.NO_DATABASE, Fault.DENIED}:
        message = "there is no database of that name, or the user may not enter it"
        return ReconnectNeeded(message, code="database_unknown")
    if _TLS.search(said):
        return TryLater("the database's certificate or TLS failed", code="tls_failed")
    return TryLater("the database could not be reached", code="connect_failed")


def _says_refused(said: str) -> bool:
    """PostgreSQL's client tells a refused sign-in by its words alone."""
    return bool(
        re.search(r'authentication failed|role ".*" does not exist|login failed', said, re.I)
    )


def failed(dialect: Dialect, exc: DBAPIError, *, committing: bool) -> AdapterError:
    """What an error after the beginning means for the whole call. Before the commit a database
    that goes away has undone everything by itself; only a commit without an answer is unknown.
    """
    fault = fault_in(dialect, exc)
    if fault is Fault.DENIED:
        message: str = phrase("the database user may not do that with this table: see its grants")
        return PauseMapping(message, code="missing_scope", scope="a grant on the table")
    if fault in {Fault.NO_TABLE, Fault.NO_COLUMN}:
        message = "a table or column is not there any more: download the definitions"
        return PauseMapping(message, code="field_gone")
    if fault is Fault.BUSY:
        return TryLater("the rows were locked, or the deadline passed", code="database_busy")
    if committing and fault in {None, Fault.AWAY}:
        return OutcomeUnknown("the database went away while it was storing the rows")
    if fault is Fault.AWAY or exc.connection_invalidated or isinstance(exc, _OF_THE_LINE):
        return TryLater("the database went away: it has stored nothing", code="crm_unavailable")
    return BrokenContract("the database refused a statement", code="statement_refused")
