"""/organizations: single and bulk calls, lookups and tags."""

from __future__ import annotations

from simulators.kit.messages import Answer, Request
from simulators.zendesk import jobs, refusals
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import one, page
from simulators.zendesk.state import Record

ORGANIZATION = r"/organizations/(?P<id>\d+)"


class Organizations(Account):
    """The routes below /organizations."""

    @api("GET", ORGANIZATION, kind="read")
    def show_organization(self, request: Request) -> Answer:
        return self._organization(self.people.organization(request.params["id"]), request)

    @api("GET", r"/organizations", kind="read")
    def list_organizations(self, request: Request) -> Answer:
        shown = self.views("organizations", self.account.organizations.values(), request)
        return self.ok(page("organizations", shown, dict(request.query), self.address(request)))

    @api("GET", r"/organizations/show_many", kind="read")
    def show_many_organizations(self, request: Request) -> Answer:
        """By ids or external ids, at most 100."""
        name = "external_ids" if "external_ids" in request.query else "ids"
        wanted = [told for told in (one(dict(request.query), name) or "").split(",") if told]
        if len(wanted) > 100:
            raise refusals.too_many(noun="organizations")
        found = [self._organization_by(name, told) for told in wanted]
        shown = self.views("organizations", [each for each in found if each is not None], request)
        request.rows = len(shown)
        return self.ok(
            {"organizations": shown, "next_page": None, "previous_page": None, "count": len(shown)}
        )

    @api("GET", r"/organizations/search", kind="read")
    def search_organizations(self, request: Request) -> Answer:
        """By external id or exact name."""
        external, name = (one(dict(request.query), key) for key in ("external_id", "name"))
        kind, told = ("organization", external) if external else ("organization name", name)
        found = self.account.organizations.get(
            self.account.external.get((kind, str(told).lower()), 0)
        )
        shown = self.views("organizations", [found] if found else [], request)
        return self.ok(page("organizations", shown, dict(request.query), self.address(request)))

    @api("POST", r"/organizations", kind="write")
    def create_organization(self, request: Request) -> Answer:
        given = self.body_of(request, "organization")
        self.row_fault(given)
        return self._made_organization(
            self.people.create_organization(given, "POST organizations"), request, fresh=True
        )

    @api("POST", r"/organizations/create_or_update", kind="write")
    def create_or_update_organization(self, request: Request) -> Answer:
        given = self.body_of(request, "organization")
        self.row_fault(given)
        via = "POST organizations/create_or_update"
        made, fresh = self.people.create_or_update_organization(given, via)
        return self._made_organization(made, request, fresh=fresh)

    @api("PUT", ORGANIZATION, kind="write")
    def update_organization(self, request: Request) -> Answer:
        given = self.body_of(request, "organization")
        found = self.people.organization(request.params["id"])
        self.row_fault(given, found["id"])
        return self._organization(
            self.people.update_organization(found, given, "PUT organizations"), request
        )

    @api("DELETE", ORGANIZATION, kind="write")
    def delete_organization(self, request: Request) -> Answer:
        self.people.delete_organization(self.people.organization(request.params["id"]))
        return Answer(204)

    # --- bulk ----------------------------------------------------------------------------------

    @api("POST", r"/organizations/create_many", kind="job")
    def create_many_organizations(self, request: Request) -> Answer:
        rows = self.batch(request, "organizations")

        def apply(_: int, row: Record) -> Record:
            return jobs.created(self.people.create_organization(row, "job create_many"))

        return self.queued(request, "Creating organization", rows, apply)

    @api("PUT", r"/organizations/update_many", kind="job")
    def update_many_organizations(self, request: Request) -> Answer:
        rows = self.batch(request, "organizations")

        def apply(_: int, row: Record) -> Record:
            found = self.people.organization(row.get("id") or 0)
            return jobs.updated(self.people.update_organization(found, row, "job update_many"))

        return self.queued(request, "Updating organization", rows, apply)

    @api("DELETE", r"/organizations/destroy_many", kind="job")
    def destroy_many_organizations(self, request: Request) -> Answer:
        rows = [
            {"id": int(number)}
            for number in (one(dict(request.query), "ids") or "").split(",")
            if number
        ]

        def apply(_: int, row: Record) -> Record:
            found = self.people.organization(row["id"])
            self.people.delete_organization(found)
            return jobs.updated(found, "delete")

        return self.queued(request, "Updating organization", rows, apply)

    # --- tags ----------------------------------------------------------------------------------

    @api("GET", ORGANIZATION + r"/tags", kind="tag")
    def organization_tags(self, request: Request) -> Answer:
        if not self.options["user_tags_enabled"]:
            raise refusals.forbidden()
        return self.ok({"tags": list(self.people.organization(request.params["id"])["tags"])})

    @api("PUT", ORGANIZATION + r"/tags", kind="tag")
    @api("POST", ORGANIZATION + r"/tags", kind="tag")
    @api("DELETE", ORGANIZATION + r"/tags", kind="tag")
    def change_organization_tags(self, request: Request) -> Answer:
        found = self.people.organization(request.params["id"])
        return self.ok(
            {"tags": self.people.retag(found, request.method, request.json().get("tags"))}
        )

    # --- parts ---------------------------------------------------------------------------------

    def _organization_by(self, name: str, told: str) -> Record | None:
        if name == "external_ids":
            return self.people.by_external("organization", told)
        return self.account.organizations.get(int(told)) if told.isdigit() else None

    def _organization(self, found: Record, request: Request) -> Answer:
        return self.ok({"organization": self.view("organizations", found, request)})

    def _made_organization(self, made: Record, request: Request, *, fresh: bool) -> Answer:
        shown = self.view("organizations", made, request)
        return self.ok({"organization": shown}, 201 if fresh else 200, {"Location": shown["url"]})
