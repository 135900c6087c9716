"""The org's batch routes: sObject Collections, up to 200 rows in one call.

A malformed call is a 400 as a whole; otherwise the answer is 200 with one result per row, in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from simulators.kit.messages import Answer, Refused, Request
from simulators.salesforce.ids import long_id
from simulators.salesforce.records import Record
from simulators.salesforce.rest import Rest, api
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.values import Complaint, RowRefused
from simulators.salesforce.wording import said

MAX_ROWS = 200
MAX_READ = 2000
MAX_TYPE_CHANGES = 10
NOTE_TYPES = frozenset({"ContentNote", "ContentDocumentLink"})
_ROLLED_BACK = Complaint(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)


class Batches(Rest):
    """Many rows in one request."""

    @api("POST", r"/composite/sobjects/?", kind="write")
    def create_many(self, request: Request) -> Answer:
        """New records."""
        rows = self._rows(request)
        return self._each(request, rows, lambda row: self._created(row, request))

    @api("PATCH", r"/composite/sobjects/?", kind="write")
    def update_many(self, request: Request) -> Answer:
        """Change records by their ids."""
        rows = self._rows(request)
        twice = _twice(_lower(row.get("id") or row.get("Id")) for row in rows)
        return self._each(request, rows, lambda row: self._changed(row, twice))

    @api("DELETE", r"/composite/sobjects/?", kind="write")
    def delete_many(self, request: Request) -> Answer:
        """Move records to the recycle bin."""
        rows = [{"id": one} for one in request.asked("ids").split(",") if one]
        demand_size(rows, MAX_ROWS)
        return self._each(request, rows, self._deleted)

    @api("PATCH", r"/composite/sobjects/(?P<object>[^/]+)/(?P<field>[^/]+)", kind="write")
    def upsert_many(self, request: Request) -> Answer:
        """Create or change records by an external id."""
        shape, name = self.shape(request), request.params["field"]
        field = shape.visible(name)
        allowed = field is not None and (
            field.external_id or (field.id_lookup and bool(self.options["email_batch_upsert"]))
        )
        if not allowed and name != "Id":
            message = f"Field name provided, {name} does not match an External ID for {shape.name}"
            return said(400, "INVALID_FIELD", message)
        rows = self._rows(request)
        if any(_lower(row["attributes"]["type"]) != shape.name.lower() for row in rows):
            return said(
                400, "INVALID_TYPE", "the type of a record differs from the one in the path"
            )
        if name != "Id" and any("id" in row or "Id" in row for row in rows):
            return said(
                400, "INVALID_FIELD", "Record ids are not allowed in an upsert by external id"
            )
        twice = _twice(_lower(row.get(name)) for row in rows)
        return self._each(
            request, rows, lambda row: self._upserted(shape, name, row, twice, request)
        )

    @api("POST", r"/composite/sobjects/(?P<object>[^/]+)/?", kind="read")
    def read_many(self, request: Request) -> Answer:
        """Records by their ids, null for those that are not there."""
        shape, told = self.shape(request), request.json()
        ids, names = told.get("ids", []), told.get("fields", [])
        demand_size(ids, MAX_READ)
        request.rows = len(ids)
        found = [self.store.get(shape.name, one) for one in ids]
        living = [one if one is not None and not one["IsDeleted"] else None for one in found]
        return Answer(
            200, [one and self.pick(request, shape, one, ["Id", *names]) for one in living]
        )

    def _rows(self, request: Request) -> list[Record]:
        rows = request.json().get("records")
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise Refused(said(400, "JSON_PARSER_ERROR", "records must be a list of objects"))
        demand_size(rows, MAX_ROWS)
        types = [str(row.get("attributes", {}).get("type")) for row in rows]
        unknown = [one for one in types if one not in self.store.objects]
        if unknown:
            message = f"sObject type '{unknown[0]}' is not supported."
            raise Refused(said(400, "INVALID_TYPE", message))
        if sum(1 for _ in groupby(types)) > MAX_TYPE_CHANGES:
            raise Refused(said(400, "LIMIT_EXCEEDED", "too many changes of type in one request"))
        self.demand_types(request, rows)
        self._demand_columns(rows)
        if NOTE_TYPES & set(types):
            request.kind = "note"
        request.rows = len(rows)
        return rows

    def _demand_columns(self, rows: list[Record]) -> None:
        if self.options["unknown_field_in_rows"]:
            return
        for row in rows:
            shape = self.store.objects[row["attributes"]["type"]]
            for name, value in row.items():
                nested = isinstance(value, Mapping) and shape.relationship(name) is not None
                if (
                    name.lower() not in {"attributes", "id"}
                    and not nested
                    and not shape.visible(name)
                ):
                    message = f"No such column '{name}' on sobject of type {shape.name}"
                    raise Refused(said(400, "INVALID_FIELD", message))

    def _each(
        self, request: Request, rows: list[Record], act: Callable[[Record], dict[str, Any]]
    ) -> Answer:
        mark = self.store.mark()
        results = [_attempted(row, act) for row in rows]
        whole = request.json() if request.body else {}
        all_or_none = whole.get("allOrNone") or request.asked("allOrNone") == "true"
        if all_or_none and not all(one["success"] for one in results):
            self.store.roll_back(mark)
            results = [_failed(_ROLLED_BACK) if one["success"] else one for one in results]
        return Answer(200, results)

    def _created(self, row: Record, request: Request) -> dict[str, Any]:
        shape = self.store.objects[row["attributes"]["type"]]
        if row.get("id") or row.get("Id"):
            message = "cannot specify Id in an insert call"
            raise RowRefused(Complaint("INVALID_FIELD_FOR_INSERT_UPDATE", message, ("Id",)))
        return _done(self.inserted(shape, _values(row), request))

    def _changed(self, row: Record, twice: frozenset[str]) -> dict[str, Any]:
        shape = self.store.objects[row["attributes"]["type"]]
        remote_id = str(row.get("id") or row.get("Id") or "")
        if not remote_id:
            raise RowRefused(Complaint("MISSING_ARGUMENT", "Id not specified in an update call"))
        if _lower(remote_id) in twice:
            raise RowRefused(Complaint("DUPLICATE_VALUE", f"duplicate id in list: {remote_id}"))
        self.updated(shape, remote_id, _values(row))
        return _done(long_id(remote_id))

    def _deleted(self, row: Record) -> dict[str, Any]:
        home = self.store.home_of(row["id"])
        if home is None:
            raise RowRefused(Complaint("MALFORMED_ID", "bad id " + row["id"]))
        self.store.delete(home, row["id"])
        return _done(long_id(row["id"]))

    def _upserted(
        self, shape: ObjectShape, name: str, row: Record, twice: frozenset[str], request: Request
    ) -> dict[str, Any]:
        value = row.get(name)
        if name == "Id" and value is None:
            return {**_done(self.inserted(shape, _values(row), request)), "created": True}
        if value in (None, ""):
            raise RowRefused(Complaint("MISSING_ARGUMENT", f"{name} not specified"))
        if _lower(value) in twice:
            message = f"Duplicate external id specified: {value}"
            raise RowRefused(Complaint("DUPLICATE_VALUE", message, (name,)))
        matches = self.matches(shape, name, value)
        if len(matches) > 1:
            ids = ", ".join(one["Id"] for one in matches)
            message = f"{name}: more than one record found for external id field: [{ids}]"
            raise RowRefused(Complaint("DUPLICATE_EXTERNAL_ID", message, (name,)))
        if matches:
            self.updated(shape, matches[0]["Id"], _values(row))
            return {**_done(matches[0]["Id"]), "created": False}
        return {**_done(self.inserted(shape, _values(row), request)), "created": True}


def _attempted(row: Record, act: Callable[[Record], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act(row)
    except RowRefused as refused:
        return _failed(*refused.complaints)


def _done(remote_id: str) -> dict[str, Any]:
    return {"id": remote_id, "success": True, "errors": []}


def _failed(*complaints: Complaint) -> dict[str, Any]:
    return {"success": False, "errors": [one.in_row() for one in complaints]}


def _values(row: Record) -> Record:
    return {key: value for key, value in row.items() if key.lower() not in {"attributes", "id"}}


def _lower(value: Any) -> str:
    return str(value).casefold() if value is not None else ""


def _twice(keys: Any) -> frozenset[str]:
    return frozenset(key for key, count in Counter(keys).items() if count > 1 and key)


def demand_size(rows: list[Any], most: int) -> None:
    """Refuse a call that holds too much. The code is unverified."""
    if len(rows) > most:
        message = f"The request holds {len(rows)} entries; the limit is {most}"
        raise Refused(said(400, "EXCEEDED_MAX_SIZE_REQUEST", message))
