"""The org's REST routes for one record at a time: versions, limits, describes, queries, records."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import route
from simulators.salesforce.account import NEWEST
from simulators.salesforce.acts import Acts
from simulators.salesforce.ids import long_id, looks_like_id
from simulators.salesforce.queries import Answerer
from simulators.salesforce.record_types import MASTER, values_told
from simulators.salesforce.records import Record
from simulators.salesforce.shape import ObjectShape, children_of
from simulators.salesforce.soql import parsed
from simulators.salesforce.values import RowRefused
from simulators.salesforce.wording import not_found, refusal, said

Handler = TypeVar("Handler", bound=Callable[..., Answer])
_SMALLEST_PAGE = 200


def api(method: str, path: str, *, kind: str) -> Callable[[Handler], Handler]:
    """A route under every API version."""
    return route(method, rf"/services/data/v(?P<version>\d+\.\d){path}", kind=kind)


class Rest(Acts):
    """Single-record calls and queries."""

    # --- what there is ---

    @route("GET", r"/services/data/?", kind="schema")
    def versions(self, _request: Request) -> Answer:
        """Which API versions answer."""
        return Answer(200, [_version(number) for number in range(31, NEWEST + 1)])

    @api("GET", r"/limits/?", kind="other")
    def limits(self, _request: Request) -> Answer:
        """What may still be used today."""
        left = self.calls.remaining(self.clock.now())
        told = {
            "DailyApiRequests": {"Max": self.calls.limit, "Remaining": left},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        }
        if self.options["limits_told"] == "none":
            text = "You do not have the level of access necessary to perform the operation"
            return said(403, "INSUFFICIENT_ACCESS", text)
        stored = {
            "DataStorageMB": self.options["data_mb"],
            "FileStorageMB": self.options["file_mb"],
        }
        if self.options["limits_told"] == "all":
            told |= {
                name: {"Max": most, "Remaining": rest} for name, (most, rest) in stored.items()
            }
        return Answer(200, told)

    @api("GET", r"/sobjects/?", kind="schema")
    def objects(self, request: Request) -> Answer:
        """The global describe."""
        listed = [one.listed(self.root(request)) for one in self.store.objects.values()]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    @api("GET", r"/sobjects/(?P<object>[^/]+)/describe/?", kind="schema")
    def describe(self, request: Request) -> Answer:
        """One object's fields, as the API user sees them."""
        shape = self.shape(request)
        if "if-modified-since" in request.headers:
            return Answer(304)
        children = children_of(shape.name, self.store.objects.values())
        return Answer(200, shape.described(self.root(request), children))

    @api("GET", r"/ui-api/object-info/(?P<object>[^/]+)/picklist-values/(?P<type>[^/]+)/?",
         kind="schema")  # fmt: skip
    def picklist_values(self, request: Request) -> Answer:
        """The options of every list that one record type offers."""
        shape, asked = self.shape(request), request.params["type"]
        record_type = shape.record_types.get(long_id(asked))
        if record_type is None and long_id(asked) != MASTER:
            return not_found()
        if record_type is not None and not record_type.told:
            return said(403, "INSUFFICIENT_ACCESS", "You don't have access to this record type.")
        url = f"{self.root(request)}/ui-api/object-info/{shape.name}/picklist-values/{asked}"
        return Answer(200, values_told(shape.fields, record_type, url=url))

    # --- queries ---

    @api("GET", r"/query/?", kind="read")
    def query(self, request: Request) -> Answer:
        """The first page of a query."""
        return self._answered(request, deleted=False)

    @api("GET", r"/queryAll/?", kind="read")
    def query_all(self, request: Request) -> Answer:
        """The first page of a query that sees the recycle bin."""
        return self._answered(request, deleted=True)

    @api("GET", r"/query(?:All)?/(?P<cursor>01g[^/]+)", kind="read")
    def more(self, request: Request) -> Answer:
        """A later page."""
        name, _, start = request.params["cursor"].rpartition("-")
        if name not in self.cursors or not start.isdigit():
            return said(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, name, int(start))

    def _answered(self, request: Request, *, deleted: bool) -> Answer:
        try:
            query = parsed(request.asked("q"))
            total, records = Answerer(self.store, self.root(request)).answer(query, deleted=deleted)
        except RowRefused as refused:
            raise refusal(refused) from refused
        if query.counts:
            return Answer(200, {"totalSize": total, "done": True, "records": []})
        name = f"01gQy{len(self.cursors) + 1:010d}"
        self.cursors[name] = (total, records)
        return self._page(request, name, 0)

    def _page(self, request: Request, name: str, start: int) -> Answer:
        total, records = self.cursors[name]
        size = self._page_size(request)
        shown = records[start : start + size]
        request.rows = len(shown)
        answer: dict[str, Any] = {"totalSize": total, "done": start + size >= len(records)}
        if answer["done"]:
            self.cursors.pop(name)
        else:
            answer["nextRecordsUrl"] = f"{self.root(request)}/query/{name}-{start + size}"
        return Answer(200, {**answer, "records": shown})

    def _page_size(self, request: Request) -> int:
        asked = request.headers.get("sforce-query-options", "").partition("batchSize=")[2]
        most = int(self.options["batch_size"])
        return max(_SMALLEST_PAGE, min(int(asked), most)) if asked.isdigit() else most

    # --- records ---

    @api("POST", r"/sobjects/(?P<object>[^/]+)/?", kind="write")
    def create(self, request: Request) -> Answer:
        """A new record."""
        shape = self.shape(request)
        remote_id = self.one(request, lambda: self.inserted(shape, request.json(), request))
        location = f"{self.root(request)}/sobjects/{shape.name}/{remote_id}"
        told = {"id": remote_id, "success": True, "errors": []}
        return Answer(201, told, {"Location": location})

    @api("GET", r"/sobjects/(?P<object>[^/]+)/(?P<id>[^/]+)", kind="read")
    def read(self, request: Request) -> Answer:
        """One record, whole or the fields asked for."""
        shape = self.shape(request)
        record = self.living(shape, request.params["id"])
        return Answer(200, self._whole(request, shape, record))

    @api("PATCH", r"/sobjects/(?P<object>[^/]+)/(?P<id>[^/]+)", kind="write")
    def update(self, request: Request) -> Answer:
        """Change one record."""
        shape = self.shape(request)
        record = self.living(shape, request.params["id"])
        if (unmet := self._unmet(request, record)) is not None:
            return unmet
        self.one(request, lambda: self.updated(shape, record["Id"], request.json()))
        return Answer(204)

    def _unmet(self, request: Request, record: Record) -> Answer | None:
        """The answer where the record was changed after If-Unmodified-Since, to the second. What
        stands in the body of the 412 is not documented; other resources do not look at the header.
        """
        asked = request.headers.get("if-unmodified-since")
        if asked is None or not self.options["unmodified_since"]:
            return None
        try:
            since = parsedate_to_datetime(asked)
        except ValueError:
            return said(400, "INVALID_HEADER", "If-Unmodified-Since is no date")
        changed = datetime.fromisoformat(record["LastModifiedDate"]).replace(microsecond=0)
        return Answer(412, b"") if changed > since else None

    @api("DELETE", r"/sobjects/(?P<object>[^/]+)/(?P<id>[^/]+)", kind="write")
    def delete(self, request: Request) -> Answer:
        """Move one record to the recycle bin."""
        shape = self.shape(request)
        record = self.living(shape, request.params["id"])
        self.one(request, lambda: self.store.delete(shape.name, record["Id"]))
        return Answer(204)

    @api("GET", r"/sobjects/(?P<object>[^/]+)/(?P<field>[^/]+)/(?P<value>[^/]+)", kind="read")
    def read_by(self, request: Request) -> Answer:
        """One record by an external id; or a blob field of a record."""
        shape = self.shape(request)
        if looks_like_id(request.params["field"]):
            return self._blob(shape, request)
        matches = self.matches(shape, request.params["field"], request.params["value"])
        if not matches:
            return not_found()
        if len(matches) > 1:
            return self.several(request, shape, matches)
        return Answer(200, self._whole(request, shape, matches[0]))

    @api("PATCH", r"/sobjects/(?P<object>[^/]+)/(?P<field>[^/]+)/(?P<value>[^/]+)", kind="write")
    def upsert(self, request: Request) -> Answer:
        """Create or change one record by an external id."""
        shape, field = self.shape(request), request.params["field"]
        matches = self.matches(shape, field, request.params["value"])
        if len(matches) > 1:
            return self.several(request, shape, matches)
        if field in request.json():
            message = "The external ID field must not be in the body"
            return said(400, "INVALID_FIELD", message)
        if matches:
            self.one(request, lambda: self.updated(shape, matches[0]["Id"], request.json()))
            if int(request.params["version"].partition(".")[0]) < _BODY_ON_UPSERT:
                return Answer(204)
            told = {"id": matches[0]["Id"], "success": True, "errors": [], "created": False}
            return Answer(200, told)
        values = {**request.json(), field: request.params["value"]}
        remote_id = self.one(request, lambda: self.inserted(shape, values, request))
        return Answer(201, {"id": remote_id, "success": True, "errors": [], "created": True})

    def _blob(self, shape: ObjectShape, request: Request) -> Answer:
        record = self.living(shape, request.params["field"])
        field = shape.visible(request.params["value"])
        if field is None or field.type != "base64":
            return not_found()
        content = base64.b64decode(record.get(field.name) or "")
        return Answer(200, content, {}, "application/octetstream")

    def _whole(self, request: Request, shape: ObjectShape, record: Record) -> Record:
        asked = request.asked("fields")
        names = (
            asked.split(",")
            if asked
            else [one.name for one in shape.fields.values() if one.visible]
        )
        return self.pick(request, shape, record, names)


_BODY_ON_UPSERT = 46


def _version(number: int) -> dict[str, str]:
    season = ("Spring", "Summer", "Winter")[(number - 60) % 3]
    year = 24 + (number - 60 + (season == "Winter")) // 3
    url = f"/services/data/v{number}.0"
    return {"label": f"{season} '{year}", "url": url, "version": f"{number}.0"}
