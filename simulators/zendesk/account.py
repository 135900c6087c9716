"""The simulated account behind the routes: state, access, limits, jobs and wording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from simulators.kit.messages import Answer, Request
from simulators.kit.oauth import Access, AuthorizationServer
from simulators.kit.simulator import Simulator, route
from simulators.zendesk import refusals, shapes
from simulators.zendesk.access import Limits, basic_user, check_scope
from simulators.zendesk.desk import Desk
from simulators.zendesk.jobs import Apply, Jobs
from simulators.zendesk.people import People
from simulators.zendesk.refusals import JSON
from simulators.zendesk.state import Record, State

Handler = TypeVar("Handler", bound=Callable[..., Answer])
SCOPES = (
    "users:read",
    "users:write",
    "organizations:read",
    "organizations:write",
    "tickets:read",
    "tickets:write",
    "custom_objects:read",
    "custom_objects:write",
)
BATCH = 100
BASIC = "basic"
HTML_503 = "<html><head><title>503</title></head><body><h1>We'll be right back</h1></body></html>"


def api(method: str, path: str, *, kind: str) -> Callable[[Handler], Handler]:
    """A route below /api/v2, with or without `.json`."""
    return route(method, rf"/api/v2{path}(?:\.json)?", kind=kind)


class Account(Simulator):
    """What the routes of all resources share."""

    name: ClassVar[str] = "Zendesk"
    defaults: ClassVar[dict[str, Any]] = {
        "rotate_refresh": True,
        "code_ttl_s": 120,
        "refresh_ttl_s": 2_592_000,
        # How the token endpoint tells (unverified): whole, null times, texts, or bare.
        "token_told": "whole",
        "plan": "enterprise",
        "rate": 0,
        "ticket_rate": 0,
        "sandbox": False,
        "per_user_rate": 5,
        "tag_calls_count_as_updates": False,
        "bulk_enabled": True,
        "user_tags_enabled": True,
        "tag_rules": "strict",
        "unknown_options": "refused",
        "solved_needs_assignee": True,
        "agent_in_group": True,
        "search_knows_identities": True,
        "job_delay_s": 1.5,
        "jobs_limit": 30,
        "index_lag_s": 30,
        "upload_lives_s": 3_600,
        "idempotency_keys": True,
        "custom_objects": True,
        "administrator": True,
        "object_jobs": True,
        "object_job_rows": "told",
        "empty_object_fields": "told",
        "anonymous_allowed": True,
        "subdomain": "",
        "api_tokens": {"alma@example.com": "demo-api-token"},
    }

    def set_up(self) -> None:
        """A fresh account with its administrator and its field definitions."""
        self.account = State(self.options, self.clock.now, self.log.wrote)
        self.people = People(self.account)
        self.desk = Desk(self.account, self.people)
        self.jobs = Jobs(self.account, self.rng)
        self.limits = Limits(self.options)
        self.grants = AuthorizationServer(self.clock, self.rng, options=self.options, prefix="")
        self.refresh_born: dict[str, float] = {}
        self.created_by_key: dict[str, int] = {}
        self.caller: Record | None = None

    # --- every call ----------------------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """Authentication, rate and scope, as the real service seems to check them."""
        self.jobs.work()
        if not request.path.startswith("/api/v2"):
            return None
        access = self._access(request)
        self.limits.take(self.clock.now())
        if access is not None and "/oauth/" not in request.path:
            check_scope(self.grants.scopes(access), request.path, request.method)
        return None

    def finish(self, request: Request, answer: Answer) -> Answer:
        """The account's rate stands in the headers of every answer of the API."""
        if request.path.startswith("/api/v2"):
            answer.headers = {**self.limits.headers(self.clock.now()), **answer.headers}
        return answer

    def _access(self, request: Request) -> Access | None:
        """The OAuth grant; None for Basic and for nobody. Raises 401."""
        self.caller = None
        email = basic_user(request, self.options["api_tokens"])
        if email is not None:
            request.token_id = BASIC
            self.caller = self.people.by_email(email)
            return None
        token = request.bearer()
        if token is None and "authorization" not in request.headers:
            if request.path.startswith("/api/v2/users/me"):
                return None
            raise refusals.no_basic()
        access = self.grants.access(token)
        if access is None or self.grants.is_expired(access):
            raise refusals.unauthorized()
        request.token_id = access.id
        self.caller = self.account.users[shapes.ADMIN_ID]
        return access

    # --- wording -------------------------------------------------------------------------------

    def throttled(self, request: Request, wait_s: float) -> Answer:
        refused = refusals.throttled(max(1, round(wait_s)))
        return self.finish(request, refused.answer)

    def failed(self, request: Request, status: int) -> Answer:
        """A fault ordered by status alone: 401, 403, 404 in Zendesk's words, else a page."""
        words = {401: refusals.unauthorized, 403: refusals.forbidden, 404: refusals.not_found}
        if status in words:
            return self.finish(request, words[status]().answer)
        return Answer(
            status,
            HTML_503,
            {"Retry-After": "5"} if status == 503 else {},
            "text/html; charset=utf-8",
        )

    def bad_body(self, request: Request) -> Answer:
        del request
        return refusals.bad_request("The JSON could not be parsed").answer

    def no_route(self, request: Request) -> Answer:
        del request
        told = {"error": {"title": "Invalid", "message": "No such endpoint"}}
        return Answer(404, told, {}, JSON)

    def ok(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
        """An answer of the API."""
        return Answer(status, body, headers or {}, JSON)

    def host(self, request: Request) -> str:
        """Where the caller thinks we are: links point there."""
        name = request.headers.get("x-forwarded-host") or request.headers.get("host", "127.0.0.1")
        local = name.startswith(("127.0.0.1", "localhost"))
        return f"{'http' if local else 'https'}://{name}"

    def address(self, request: Request) -> str:
        """The request's own address without its query, for paging."""
        return self.host(request) + request.path

    def view(self, kind: str, record: Record, request: Request) -> Record:
        """A record as it is shown: with its own address."""
        home = self.options["subdomain"]
        host = f"https://{home}.zendesk.com" if home else self.host(request)
        return {**record, "url": f"{host}/api/v2/{kind}/{record['id']}.json"}

    def views(self, kind: str, records: Iterable[Record], request: Request) -> list[Record]:
        """Several records as they are shown."""
        return [self.view(kind, one, request) for one in records]

    def body_of(self, request: Request, noun: str) -> Record:
        """The object under `noun` in the request's body. Raises 400."""
        told = request.json()
        found = told.get(noun) if isinstance(told, dict) else None
        if not isinstance(found, dict):
            raise refusals.bad_request(told=f"{noun} must be an object")
        request.rows = 1
        return found

    # --- bulk ----------------------------------------------------------------------------------

    def batch(self, request: Request, noun: str) -> list[Record]:
        """The rows of a bulk call, at most 100. Raises 400."""
        rows = request.json().get(noun)
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise refusals.bad_request(told=f"{noun} must be a list of objects")
        if len(rows) > BATCH:
            raise refusals.too_many(noun)
        request.rows = len(rows)
        return rows

    def queued(self, request: Request, verb: str, rows: list[Record], apply: Apply) -> Answer:
        """Start a job and answer it as queued. An ordered row fault strikes when the job runs."""
        job = self.jobs.start(verb, rows, self._with_faults(apply))
        return self.ok({"job_status": self.jobs.fresh(job, self.host(request))})

    def _with_faults(self, apply: Apply) -> Apply:
        def guarded(at: int, row: Record) -> Record:
            self.row_fault(row)
            return apply(at, row)

        return guarded

    def row_fault(self, row: Record, *more: object) -> None:
        """Raise the error that a test ordered for this record, if any."""
        told = self.faults.row(row.get("email"), row.get("external_id"), row.get("id"), *more)
        if told is None:
            return
        raise refusals.RecordInvalid(
            told.get("field", "base"),
            told.get("code", "InvalidValue"),
            told.get("text", "is invalid"),
        )
