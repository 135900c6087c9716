"""/users: single calls, bulk calls, lookups, tags, deletion and merging."""

from __future__ import annotations

from simulators.kit.messages import Answer, Request
from simulators.zendesk import jobs, refusals, search
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import one, page
from simulators.zendesk.state import Record

USER = r"/users/(?P<id>\d+)"


class Users(Account):
    """The routes below /users."""

    @api("GET", r"/users/me", kind="read")
    def me(self, request: Request) -> Answer:
        """Who calls; somebody without a token is an end user without an id."""
        if self.caller is None:
            if not self.options["anonymous_allowed"]:
                raise refusals.no_basic()
            return self.ok(
                {"user": {"id": None, "name": "Anonymous user", "email": None, "role": "end-user"}}
            )
        return self._user(self.caller, request)

    @api("GET", USER, kind="read")
    def show_user(self, request: Request) -> Answer:
        return self._user(self.people.user(request.params["id"]), request)

    @api("GET", r"/users", kind="read")
    def list_users(self, request: Request) -> Answer:
        living = [user for user in self.account.users.values() if user["active"]]
        shown = self.views("users", living, request)
        return self.ok(page("users", shown, dict(request.query), self.address(request)))

    @api("GET", r"/users/show_many", kind="read")
    def show_many_users(self, request: Request) -> Answer:
        """By ids or external ids, at most 100; who is unknown is left out."""
        users = (
            self._by_external(request) if "external_ids" in request.query else self._by_ids(request)
        )
        request.rows = len(users)
        shown = self.views("users", users, request)
        return self.ok(
            {"users": shown, "next_page": None, "previous_page": None, "count": len(shown)}
        )

    @api("GET", r"/users/search", kind="read")
    def search_users(self, request: Request) -> Answer:
        """By query or external id; the index lags behind the writes."""
        external, query = one(dict(request.query), "external_id"), one(dict(request.query), "query")
        if external is not None:
            found = self.people.by_external("user", external)
            users = [found] if found and self.account.indexed(found["id"]) else []
        elif query:
            users = search.users_found(self.account, query)
        else:
            raise refusals.bad_request(told="query or external_id is needed")
        shown = self.views("users", users, request)
        return self.ok(page("users", shown, dict(request.query), self.address(request)))

    @api("GET", USER + r"/identities", kind="read")
    def user_identities(self, request: Request) -> Answer:
        user = self.people.user(request.params["id"])
        mails = [mail for mail, number in self.account.identities.items() if number == user["id"]]
        shown = [{"id": user["id"] + at, "user_id": user["id"], "type": "email", "value": mail,
                  "verified": True, "primary": mail == str(user["email"]).lower()}
                 for at, mail in enumerate(mails, 1)]  # fmt: skip
        return self.ok(page("identities", shown, dict(request.query), self.address(request)))

    # --- writing -------------------------------------------------------------------------------

    @api("POST", r"/users", kind="write")
    def create_user(self, request: Request) -> Answer:
        given = self.body_of(request, "user")
        self.row_fault(given)
        return self._made_user(self.people.create_user(given, "POST users"), request, fresh=True)

    @api("POST", r"/users/create_or_update", kind="write")
    def create_or_update_user(self, request: Request) -> Answer:
        given = self.body_of(request, "user")
        self.row_fault(given)
        found = self.people.matching_user(given)
        if found is not None:
            self.limits.take_own(found["id"], self.clock.now())
        user, fresh = self.people.create_or_update_user(given, "POST users/create_or_update")
        return self._made_user(user, request, fresh=fresh)

    @api("PUT", USER, kind="write")
    def update_user(self, request: Request) -> Answer:
        given = self.body_of(request, "user")
        user = self.people.user(request.params["id"])
        self.limits.take_own(user["id"], self.clock.now())
        self.row_fault(given, user["id"], user["email"], user["external_id"])
        return self._user(self.people.update_user(user, given, "PUT users"), request)

    @api("DELETE", USER, kind="write")
    def delete_user(self, request: Request) -> Answer:
        user = self.people.user(request.params["id"])
        if not user["active"]:
            raise refusals.not_found()
        return self._user(self.people.delete_user(user), request)

    @api("DELETE", r"/deleted_users/(?P<id>\d+)", kind="write")
    def purge_user(self, request: Request) -> Answer:
        user = self.people.purge_user(request.params["id"])
        return self.ok(
            {
                "deleted_user": {
                    **self.view("users", user, request),
                    "name": "Permanently Deleted User",
                }
            }
        )

    @api("PUT", USER + r"/merge", kind="write")
    def merge_user(self, request: Request) -> Answer:
        loser = self.people.user(request.params["id"])
        winner = self.people.user(self.body_of(request, "user").get("id", 0))
        return self._user(self.people.merge_user(loser, winner), request)

    # --- bulk ----------------------------------------------------------------------------------

    @api("POST", r"/users/create_many", kind="job")
    def create_many_users(self, request: Request) -> Answer:
        rows = self._bulk(request)

        def apply(_: int, row: Record) -> Record:
            return jobs.created(self.people.create_user(row, "job create_many"))

        return self.queued(request, "Creating user", rows, apply)

    @api("POST", r"/users/create_or_update_many", kind="job")
    def create_or_update_many_users(self, request: Request) -> Answer:
        rows = self._bulk(request)

        def apply(_: int, row: Record) -> Record:
            return self._upserted(row)

        return self.queued(request, "Upserting user", rows, apply)

    @api("PUT", r"/users/update_many", kind="job")
    def update_many_users(self, request: Request) -> Answer:
        """Rows with their ids, or one change for all of `ids`."""
        told = one(dict(request.query), "ids")
        if told is None:
            rows = self._bulk(request)
        else:
            self._check_bulk()
            change = self.body_of(request, "user")
            rows = [{**change, "id": int(number)} for number in told.split(",")]

        def apply(_: int, row: Record) -> Record:
            user = self.people.user(row.get("id") or 0)
            self.row_fault(row, user["email"], user["external_id"])
            return jobs.updated(self.people.update_user(user, row, "job update_many"))

        return self.queued(request, "Updating user", rows, apply)

    @api("DELETE", r"/users/destroy_many", kind="job")
    def destroy_many_users(self, request: Request) -> Answer:
        rows = [
            {"id": int(number)}
            for number in (one(dict(request.query), "ids") or "").split(",")
            if number
        ]

        def apply(_: int, row: Record) -> Record:
            return jobs.updated(self.people.delete_user(self.people.user(row["id"])), "delete")

        return self.queued(request, "Updating user", rows, apply)

    def _upserted(self, row: Record) -> Record:
        user, fresh = self.people.create_or_update_user(row, "job create_or_update_many")
        return jobs.upserted(user, fresh=fresh)

    def _bulk(self, request: Request) -> list[Record]:
        rows = self.batch(request, "users")
        self._check_bulk()
        return rows

    def _check_bulk(self) -> None:
        if not self.options["bulk_enabled"]:
            raise refusals.forbidden()

    # --- tags ----------------------------------------------------------------------------------

    @api("GET", USER + r"/tags", kind="tag")
    def user_tags(self, request: Request) -> Answer:
        if not self.options["user_tags_enabled"]:
            raise refusals.forbidden()
        return self.ok({"tags": list(self._living(request)["tags"])})

    @api("PUT", USER + r"/tags", kind="tag")
    @api("POST", USER + r"/tags", kind="tag")
    @api("DELETE", USER + r"/tags", kind="tag")
    def change_user_tags(self, request: Request) -> Answer:
        user = self._living(request)
        if self.options["tag_calls_count_as_updates"]:
            self.limits.take_own(user["id"], self.clock.now())
        return self.ok(
            {"tags": self.people.retag(user, request.method, request.json().get("tags"))}
        )

    # --- parts ---------------------------------------------------------------------------------

    def _living(self, request: Request) -> Record:
        user = self.people.user(request.params["id"])
        if not user["active"]:
            raise refusals.not_found()
        return user

    def _by_ids(self, request: Request) -> list[Record]:
        wanted = self._listed(request, "ids")
        found = [self.account.users.get(int(number)) for number in wanted if number.isdigit()]
        return [user for user in found if user is not None]

    def _by_external(self, request: Request) -> list[Record]:
        found = [
            self.people.by_external("user", name) for name in self._listed(request, "external_ids")
        ]
        return [user for user in found if user is not None]

    def _listed(self, request: Request, name: str) -> list[str]:
        wanted = [told for told in (one(dict(request.query), name) or "").split(",") if told]
        if len(wanted) > 100:
            raise refusals.too_many(noun="organizations")
        return wanted

    def _user(self, user: Record, request: Request, status: int = 200) -> Answer:
        return self.ok({"user": self.view("users", user, request)}, status)

    def _made_user(self, user: Record, request: Request, *, fresh: bool) -> Answer:
        shown = self.view("users", user, request)
        return self.ok({"user": shown}, 201 if fresh else 200, {"Location": shown["url"]})
