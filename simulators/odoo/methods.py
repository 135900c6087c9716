"""The methods of models that a client may call through `execute_kw`."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulators.odoo import errors, setup
from simulators.odoo.definitions import DEFAULTS, FIELDS, MODEL
from simulators.odoo.errors import OdooError
from simulators.odoo.loading import Loading
from simulators.odoo.store import ADD, Record, Store
from simulators.odoo.values import escaped, sanitized

LISTS_FROM, XMLID_FROM, HTML_FROM = 12, 14, 17
NOTE, ACTIVITY = "mail.mt_note", "mail.activity"
NEWEST = "write_date desc, id desc"
# What the log counts a call as.
KINDS = {
    "write": "write", "create": "write", "load": "write", "unlink": "write",
    "message_post": "note",
    "fields_get": "schema", "default_get": "schema",
}  # fmt: skip


class Methods:
    """What a call on a model does."""

    def __init__(self, store: Store, options: Mapping[str, Any], fault: Callable[..., Any]) -> None:
        self.store, self.options, self._fault = store, options, fault

    def call(self, model: str, method: str, arguments: Sequence[Any], named: Record) -> Any:
        """The method's result. Raises OdooError."""
        hidden = model == "crm.lead" and not self.options["crm_installed"]
        if model not in self.store.records or hidden:
            text = f"Object {model} doesn't exist"
            raise OdooError(text, "UserError")
        known = getattr(self, f"on_{method}", None)
        if known is None or method in self.options["absent"]:
            text = f"type object '{model}' has no attribute '{method}'"
            raise OdooError(text, "AttributeError")
        given = {name: value for name, value in named.items() if name != "context"}
        context = named.get("context") or {}
        try:
            inspect.signature(known).bind(model, context, *arguments, **given)
        except TypeError as exc:
            text = f"{method}() {exc}"
            raise OdooError(text, "TypeError") from exc
        return known(model, context, *arguments, **given)

    # --- reading ------------------------------------------------------------------------------

    def on_fields_get(
        self,
        model: str,
        _context: Record,
        allfields: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
    ) -> Record:
        """Fields by name; the access list is not asked (measured, 11)."""
        told = self.store.definitions[model]
        return {
            name: {key: one[key] for key in (attributes or one) if key in one}
            for name, one in told.items()
            if not allfields or name in allfields
        }

    def on_default_get(self, model: str, _context: Record, fields_list: Sequence[str]) -> Record:
        given = DEFAULTS.get(model, {})
        return {one: given[one] for one in fields_list if one in given}

    def on_search_read(
        self,
        model: str,
        context: Record,
        domain: Sequence[Any] = (),
        fields: Sequence[str] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[Record]:
        """In the two orders that are asked for here."""
        if order not in (None, "id", NEWEST):
            text = "this simulator orders by id, or the newest first"
            raise OdooError(text, "UserError")
        ids = self.store.search(model, domain, context)
        if order == NEWEST:
            ids = self.store.newest_first(ids, model)
        return self.store.read(model, ids[:limit], fields)

    def on_search(self, model: str, context: Record, domain: Sequence[Any] = ()) -> list[int]:
        return self.store.search(model, domain, context)

    def on_read(
        self, model: str, _context: Record, ids: Sequence[int], fields: Sequence[str] | None = None
    ) -> list[Record]:
        return self.store.read(model, ids, fields)

    def on_check_access_rights(
        self,
        model: str,
        _context: Record,
        operation: str,
        raise_exception: bool = True,  # noqa: FBT001, FBT002 - Odoo's own signature
    ) -> bool:
        try:
            self.store.check_right(model, operation)
        except OdooError:
            if raise_exception:
                raise
            return False
        return True

    def on_has_access(
        self, model: str, context: Record, _ids: Sequence[int], operation: str
    ) -> bool:
        """The same by another name (18 and later, unverified)."""
        return self.on_check_access_rights(model, context, operation, raise_exception=False)

    # --- writing ------------------------------------------------------------------------------

    def on_create(self, model: str, _context: Record, rows: Any) -> Any:
        """An id for a dict; from 12 on a list of ids for a list."""
        listed = isinstance(rows, list)
        if listed and self.store.version < LISTS_FROM:
            text = "'list' object has no attribute 'get'"
            raise OdooError(text, "AttributeError")
        self._need_sender(model)
        given = rows if listed else [rows]
        if model == "ir.attachment":
            self._check_attachments(given)
        if model == ACTIVITY:
            self._check_activities(given)
        for one in given:
            self._strike(one.get("email"), one.get("name"), one.get("x_response_id"))
        if model in {MODEL, FIELDS}:
            made = setup.made(self.store, model, given)
        else:
            made = self.store.create(model, given)
        return made if listed else made[0]

    def _check_activities(self, given: Sequence[Record]) -> None:
        """An activity hangs on a record that is there (11 and later), and is some user's."""
        for one in given:
            about = self.store.records[MODEL].get(one.get("res_model_id") or 0, {}).get("model")
            if about and one.get("res_id") not in self.store.records[about]:
                raise errors.missing(str(about), self.store.version)
            user = one.get("user_id")
            if user and user not in self.store.records["res.users"]:
                raise errors.not_stored(ACTIVITY)

    def _check_attachments(self, given: Sequence[Record]) -> None:
        """Who may not write a record may not attach to it; a record that is not there is no matter
        (measured, 11).
        """
        for one in given:
            base64.b64decode(str(one.get("datas") or ""), validate=True)
            self._strike(f"datas {one.get('res_id')}")
            if one.get("res_model"):
                self.store.check_right(str(one["res_model"]), "write")

    def on_write(self, model: str, _context: Record, ids: Any, values: Record) -> bool:
        numbers = [ids] if isinstance(ids, int) else list(ids)
        for one in numbers:
            held = self.store.records[model].get(one, {})
            self._strike(one, held.get("email"), *(f"{name} {one}" for name in values))
        self.store.write(model, numbers, values)
        return True

    def on_load(
        self, model: str, context: Record, fields: Sequence[str], data: Sequence[Sequence[Any]]
    ) -> Record:
        """The records' ids, or False and why."""

        def act(number: int, values: Record) -> int:
            if number:
                self.on_write(model, context, number, values)
                return number
            return int(self.on_create(model, context, values))

        return Loading(self.store, model, context, act).run(fields, data)

    def on_unlink(self, model: str, _context: Record, ids: Sequence[int]) -> bool:
        self.store.unlink(model, ids)
        return True

    def on_message_post(
        self,
        model: str,
        _context: Record,
        ids: Sequence[int],
        body: str = "",
        subject: str | bool = False,  # noqa: FBT001, FBT002 - Odoo's own signature
        message_type: str = "notification",
        attachment_ids: Sequence[int] = (),
        **more: Any,
    ) -> int:
        """One message on one record. What is taken beside the body differs by version."""
        del message_type
        (number,) = ids
        if number not in self.store.records[model]:
            raise errors.missing(model, self.store.version)
        self._check_named(more)
        self.store.check_right(model, "write")
        self._need_sender(model)
        self._strike(f"{'attachment_ids' if attachment_ids else 'body'} {number}")
        plain = self.store.version >= HTML_FROM and not more.get("body_is_html")
        told = {
            "model": model,
            "res_id": number,
            "body": escaped(body) if plain else sanitized(body),
            "subject": subject,
            "attachment_ids": [[ADD, one] for one in attachment_ids],
            "subtype": more.get("subtype_xmlid") or more.get("subtype") or NOTE,
        }
        return self.store.create("mail.message", [told])[0]

    def _check_named(self, more: Record) -> None:
        """Before 14 whatever is unknown is swallowed (measured, 11); later it is refused (U)."""
        if self.store.version < XMLID_FROM:
            return
        known = {"subtype_xmlid", "body_is_html"} if self._takes_html() else {"subtype_xmlid"}
        unknown = sorted(more.keys() - known)
        if unknown:
            text = f"Those values are not supported when posting or notifying: {unknown[0]}"
            raise OdooError(text, "ValueError")

    def _takes_html(self) -> bool:
        return self.store.version >= HTML_FROM

    def _need_sender(self, model: str) -> None:
        """A contact's creation posts a message too, and a message needs a sender (measured, 11)."""
        if model in {"res.partner", "crm.lead"} and not self.options["user_email"]:
            text = "Unable to send email, please configure the sender's email address."
            raise OdooError(text, "UserError")

    def _strike(self, *keys: Any) -> None:
        told = self._fault(*keys)
        if told is not None:
            raise errors.given(told)
