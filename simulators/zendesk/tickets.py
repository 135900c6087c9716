"""/tickets: the internal notes of contacts, their comments and tags."""

from __future__ import annotations

from simulators.kit.messages import Answer, Request
from simulators.zendesk import jobs, refusals
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import one, page
from simulators.zendesk.state import Record

TICKET = r"/tickets/(?P<id>\d+)"


class Tickets(Account):
    """The routes below /tickets."""

    @api("GET", TICKET, kind="read")
    def show_ticket(self, request: Request) -> Answer:
        return self.ok({"ticket": self._view(self.desk.ticket(request.params["id"]), request)})

    @api("GET", r"/tickets", kind="read")
    def list_tickets(self, request: Request) -> Answer:
        """All, or those with an external id (not unique). Lists leave `fields` out (recorded)."""
        external = one(dict(request.query), "external_id")
        found = (
            self.account.tickets.values() if external is None else self.desk.by_external(external)
        )
        shown = [_listed(self._view(each, request)) for each in found]
        return self.ok(page("tickets", shown, dict(request.query), self.address(request)))

    @api("GET", r"/tickets/show_many", kind="read")
    def show_many_tickets(self, request: Request) -> Answer:
        wanted = [
            told for told in (one(dict(request.query), "ids") or "").split(",") if told.isdigit()
        ]
        if len(wanted) > 100:
            raise refusals.too_many(noun="tickets")
        found = [self.account.tickets.get(int(told)) for told in wanted]
        shown = [self._view(each, request) for each in found if each is not None]
        return self.ok(
            {"tickets": shown, "next_page": None, "previous_page": None, "count": len(shown)}
        )

    @api("GET", TICKET + r"/comments", kind="read")
    def ticket_comments(self, request: Request) -> Answer:
        found = self.desk.ticket(request.params["id"])
        said = self.account.comments[found["id"]]
        return self.ok(page("comments", said, dict(request.query), self.address(request)))

    @api("POST", r"/tickets", kind="note")
    def create_ticket(self, request: Request) -> Answer:
        """An `Idempotency-Key` that was seen before answers the first ticket again (U)."""
        given = self.body_of(request, "ticket")
        key = request.headers.get("idempotency-key") if self.options["idempotency_keys"] else None
        if key and key in self.created_by_key:
            again = self.desk.ticket(self.created_by_key[key])
            return self._audited(again, {}, request, 201, {"x-idempotency-lookup": "hit"})
        self.row_fault(given, given.get("requester_id"))
        made, audit = self.desk.create(given)
        lookup = {"x-idempotency-lookup": "miss"} if key else {}
        if key:
            self.created_by_key[key] = made["id"]
        return self._audited(made, audit, request, 201, lookup)

    @api("PUT", TICKET, kind="note")
    def update_ticket(self, request: Request) -> Answer:
        told = self.limits.take_ticket(self.clock.now())
        given = self.body_of(request, "ticket")
        found = self.desk.ticket(request.params["id"])
        self.row_fault(given, found["id"], found["requester_id"])
        return self._audited(*self.desk.update(found, given), request, 200, told)

    @api("DELETE", TICKET, kind="write")
    def delete_ticket(self, request: Request) -> Answer:
        self.desk.delete(self.desk.ticket(request.params["id"]))
        return Answer(204)

    # --- bulk ----------------------------------------------------------------------------------

    @api("POST", r"/tickets/create_many", kind="job")
    def create_many_tickets(self, request: Request) -> Answer:
        rows = self.batch(request, "tickets")

        def apply(at: int, row: Record) -> Record:
            return jobs.ticket_created(at, self.desk.create(row)[0])

        return self.queued(request, "Creating ticket", rows, apply)

    @api("PUT", r"/tickets/update_many", kind="job")
    def update_many_tickets(self, request: Request) -> Answer:
        rows = self.batch(request, "tickets")

        def apply(_: int, row: Record) -> Record:
            return jobs.updated(self.desk.update(self.desk.ticket(row.get("id") or 0), row)[0])

        return self.queued(request, "Updating ticket", rows, apply)

    @api("DELETE", r"/tickets/destroy_many", kind="job")
    def destroy_many_tickets(self, request: Request) -> Answer:
        rows = [
            {"id": int(number)}
            for number in (one(dict(request.query), "ids") or "").split(",")
            if number
        ]

        def apply(_: int, row: Record) -> Record:
            found = self.desk.ticket(row["id"])
            self.desk.delete(found)
            return jobs.updated(found, "delete")

        return self.queued(request, "Updating ticket", rows, apply)

    # --- tags ----------------------------------------------------------------------------------

    @api("GET", TICKET + r"/tags", kind="tag")
    def ticket_tags(self, request: Request) -> Answer:
        return self.ok({"tags": list(self.desk.ticket(request.params["id"])["tags"])})

    @api("PUT", TICKET + r"/tags", kind="tag")
    @api("POST", TICKET + r"/tags", kind="tag")
    @api("DELETE", TICKET + r"/tags", kind="tag")
    def change_ticket_tags(self, request: Request) -> Answer:
        """As for users, but a closed ticket and a stale safe_update are refused."""
        found = self.desk.ticket(request.params["id"])
        told = request.json()
        if found["status"] == "closed":
            raise refusals.RecordInvalid(
                attribute="status",
                code="InvalidValue",
                text="Status: closed prevents ticket update",
            )
        if told.get("safe_update") and told.get("updated_stamp") != found["updated_at"]:
            told = {"error": "UpdateConflict", "description": "The ticket was changed meanwhile"}
            raise refusals.Refused(409, told)
        return self.ok({"tags": self.people.retag(found, request.method, told.get("tags"))})

    # --- jobs ----------------------------------------------------------------------------------

    @api("GET", r"/job_statuses/(?P<id>[0-9A-Za-z-]+)", kind="job")
    def show_job(self, request: Request) -> Answer:
        return self.ok({"job_status": self.jobs.shown(request.params["id"], self.host(request))})

    @api("GET", r"/job_statuses/show_many", kind="job")
    def show_many_jobs(self, request: Request) -> Answer:
        wanted = [told for told in (one(dict(request.query), "ids") or "").split(",") if told]
        known = [each for each in wanted if each in self.jobs.jobs]
        shown = [self.jobs.shown(each, self.host(request)) for each in known]
        return self.ok(
            {"job_statuses": shown, "next_page": None, "previous_page": None, "count": len(shown)}
        )

    @api("GET", r"/job_statuses", kind="job")
    def list_jobs(self, request: Request) -> Answer:
        shown = [self.jobs.shown(each, self.host(request)) for each in self.jobs.jobs]
        return self.ok(page("job_statuses", shown, dict(request.query), self.address(request)))

    # --- parts ---------------------------------------------------------------------------------

    def _view(self, found: Record, request: Request) -> Record:
        return self.view("tickets", found, request)

    def _audited(
        self, made: Record, audit: Record, request: Request, status: int, headers: dict[str, str]
    ) -> Answer:
        shown = self._view(made, request)
        told = headers | ({"Location": shown["url"]} if status == 201 else {})
        return self.ok({"ticket": shown, "audit": audit}, status, told)


def _listed(ticket: Record) -> Record:
    return {key: value for key, value in ticket.items() if key != "fields"}
