"""/search and /incremental: what changed or fits a query, page by page."""

from __future__ import annotations

from simulators.kit.messages import Answer, Request
from simulators.zendesk import refusals, search
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import export_page, incremental, incremental_by_time, one, page
from simulators.zendesk.state import Record

MOST_HITS = 1000


class Exports(Account):
    """The routes of queries over everything."""

    @api("GET", r"/search", kind="read")
    def search_all(self, request: Request) -> Answer:
        """At most 1000 hits; 422 past them."""
        query = dict(request.query)
        hits = search.found(self.account, self._asked(request))
        if int(one(query, "page") or 1) * int(one(query, "per_page") or 100) > MOST_HITS:
            raise refusals.Refused(
                422, {"error": "invalid", "description": "Invalid search: too many hits"}
            )
        shown = self.views_found(hits, request)
        return self.ok({"facets": None, **page("results", shown, query, self.address(request))})

    @api("GET", r"/search/export", kind="read")
    def search_export(self, request: Request) -> Answer:
        """One kind of record, by cursor."""
        kind = one(dict(request.query), "filter[type]")
        if kind not in search.KINDS:
            raise refusals.bad_request(told="filter[type] is needed")
        shown = self.views_found(search.found(self.account, self._asked(request), (kind,)), request)
        return self.ok(export_page(shown, dict(request.query), self.address(request)))

    @api("GET", r"/incremental/(?P<kind>users|tickets)/cursor", kind="read")
    def incremental_cursor(self, request: Request) -> Answer:
        kind, query = request.params["kind"], dict(request.query)
        if one(query, "start_time") is None and one(query, "cursor") is None:
            raise refusals.bad_request(told="start_time or cursor is needed")
        changed = self._changed(kind, request)
        return self.ok(incremental(kind, changed, query, self.address(request)))

    @api("GET", r"/incremental/(?P<kind>users|tickets)", kind="read")
    def incremental_by_time(self, request: Request) -> Answer:
        kind, query = request.params["kind"], dict(request.query)
        if one(query, "start_time") is None:
            raise refusals.bad_request(told="start_time is needed")
        changed = self._changed(kind, request)
        return self.ok(incremental_by_time(kind, changed, query, self.address(request)))

    def views_found(self, hits: list[Record], request: Request) -> list[Record]:
        """Hits of several kinds as they are shown."""
        return [self.view(f"{each['result_type']}s", each, request) for each in hits]

    def _asked(self, request: Request) -> str:
        query = one(dict(request.query), "query")
        if not query:
            raise refusals.bad_request(told="query is needed")
        return query

    def _changed(self, kind: str, request: Request) -> list[tuple[int, Record]]:
        """Records in the order of their last change, from the asked time on."""
        self.limits.take_incremental(self.clock.now())
        since = float(one(dict(request.query), "start_time") or 0)
        holders = self.account.users if kind == "users" else self.account.tickets
        told = [
            (self.account.touched[number], self._stamped(kind, record, request))
            for number, record in holders.items()
            if number in self.account.touched
            and self.account.changed_at.get(number, since) >= since
        ]
        return sorted(told, key=lambda each: each[0])

    def _stamped(self, kind: str, record: Record, request: Request) -> Record:
        shown = self.view(kind, record, request)
        stamp = int(self.account.changed_at.get(record["id"], 0))
        return {**shown, "generated_timestamp": stamp} if kind == "tickets" else shown
