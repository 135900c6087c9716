"""Who calls and how: the user's number, the version, and the models' methods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, TokenExpired
from adapters.http import Wire
from adapters.odoo.json2 import JSON2
from adapters.odoo.refusals import Call, Fault, RowFault, meaning
from adapters.odoo.traits import API
from adapters.odoo.transport import COMMON, JSONRPC, OBJECT
from adapters.values import Account

OLDEST, NEWEST = 11, 19
CREATES_LISTS_FROM = 12
# Learnt where this Odoo has no `load` for us.
LOADS = "loads"
# Without it Odoo follows each record for our user; a language would search translated tag names.
CONTEXT: Mapping[str, Any] = {"mail_create_nosubscribe": True, "tz": "UTC"}
EVEN_ARCHIVED: Mapping[str, Any] = {**CONTEXT, "active_test": False}


class Client:
    """One account for one job. The user's number and the version are what the probe has learnt;
    where it has not, they are asked for once.
    """

    def __init__(self, account: Account, wire: Wire) -> None:
        speaks_json2 = account.settings.get(API.name) == "json2"
        self._rpc = JSON2(account, wire) if speaks_json2 else JSONRPC(account, wire)
        self._key = account.token
        self.database = str(account.settings.get("database") or "")
        self.user = str(account.settings.get("user") or "")
        self._learnt = account.learnt
        self._uid: int | None = None
        self._version: int | None = None

    # --- who ----------------------------------------------------------------------------------

    @property
    def uid(self) -> int:
        """The user's number. Raises TokenExpired when Odoo does not take user and key."""
        if self._uid is None:
            known = self._learnt.get("uid_of") == self._who()
            self._uid = int(self._learnt["uid"]) if known else self.authenticate()
        return self._uid

    @property
    def version(self) -> int:
        """Odoo's version, 11 and up."""
        if self._version is None:
            self._version = int(self._learnt.get("version") or 0) or self.ask_version()
        return self._version

    def authenticate(self) -> int:
        """Ask Odoo who the user is, whatever was learnt."""
        arguments = [self.database, self.user, self._key, {}]
        try:
            uid = self._rpc.call(COMMON, "authenticate", arguments, changes=False)
        except Fault as fault:
            raise _of_call(fault, Call("res.users", "authenticate")) from fault
        if not isinstance(uid, int) or isinstance(uid, bool):
            message = "Odoo does not know this user with this key"
            raise TokenExpired(message)
        self._uid = uid
        return uid

    def ask_version(self) -> int:
        """Ask Odoo for its version: `17.0`, or `saas~17.2` where Odoo hosts it."""
        try:
            told = self._rpc.call(COMMON, "version", [], changes=False)
        except Fault as fault:
            raise _of_call(fault, Call("common", "version")) from fault
        said = str(told.get("server_version")) if isinstance(told, dict) else ""
        found = re.search(r"\d+", said)
        if found is None:
            message = "this server does not tell which Odoo it is"
            raise BrokenContract(message)
        self._version = int(found[0])
        return self._version

    def learnt(self) -> dict[str, Any]:
        """What later calls need not ask for."""
        again = {} if self.loads else {LOADS: True}
        return {"uid": self.uid, "uid_of": self._who(), "version": self.version, **again}

    @property
    def loads(self) -> bool:
        """Whether many different rows may go in one call; a new probe tries it again."""
        return bool(self._learnt.get(LOADS, True))

    def _who(self) -> str:
        return f"{self.user}@{self.database}"

    # --- what ---------------------------------------------------------------------------------

    def read(self, model: str, method: str, *arguments: Any, **named: Any) -> Any:
        """A call that changes nothing. Raises AdapterError, RowFault where a record is to blame."""
        return self._called(model, method, arguments, named, changes=False)

    def change(self, model: str, method: str, *arguments: Any, **named: Any) -> Any:
        """A call that changes records, all or none. Raises as `read` does."""
        return self._called(model, method, arguments, named, changes=True)

    def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        context: Mapping[str, Any] = EVEN_ARCHIVED,
        limit: int | None = None,
        order: str = "id",
    ) -> list[Mapping[str, Any]]:
        """The records of a domain, by id. Raises PauseMapping for an unknown field."""
        at_most = {} if limit is None else {"limit": limit}
        told = self.read(
            model,
            "search_read",
            list(domain),
            list(fields),
            order=order,
            context=dict(context),
            **at_most,
        )
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            message = "Odoo's answer to a search is no list of records"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return told

    def create(self, model: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """The new records' ids, in order, all or none; one row only before version 12."""
        told = self.change(
            model,
            "create",
            list(rows) if self.creates_lists else rows[0],
            context=dict(CONTEXT),
        )
        ids = told if isinstance(told, list) else [told]
        if len(ids) != len(rows) or not all(isinstance(one, int) for one in ids):
            message = "Odoo's answer to a create does not tell the new ids"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return ids

    @property
    def creates_lists(self) -> bool:
        """Whether one call creates several records."""
        return self.version >= CREATES_LISTS_FROM

    def _called(
        self,
        model: str,
        method: str,
        arguments: Sequence[Any],
        named: Mapping[str, Any],
        *,
        changes: bool,
    ) -> Any:
        who = [self.database, self.uid, self._key]
        named = {"context": dict(CONTEXT), **named}
        asked = [*who, model, method, list(arguments), named]
        try:
            return self._rpc.call(OBJECT, "execute_kw", asked, changes=changes)
        except Fault as fault:
            raise meaning(fault, Call(model, method)) from fault


def _of_call(fault: Fault, call: Call) -> AdapterError:
    found = meaning(fault, call)
    if isinstance(found, RowFault):
        return BrokenContract("Odoo refused a call that speaks of no record", code="bad_request")
    return found
