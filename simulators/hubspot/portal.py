"""The simulated portal's common part: kinds of records, who may call, quotas, answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from simulators.hubspot import definitions
from simulators.hubspot.errors import Errors
from simulators.hubspot.store import VALIDATION, Kind, Record, RowRefused
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.oauth import AuthorizationServer
from simulators.kit.quota import DailyCount, SlidingWindow
from simulators.kit.simulator import Simulator

# v3 and v4 are the old names of the same calls: kept to show in the log that nobody uses them.
VERSION = r"(?:2026-03|2026-09|v3)"


def area(name: str) -> str:
    """The path of a part of the CRM API under its dated and its old name."""
    return rf"/crm/(?:{name}/(?:2026-03|2026-09)|v[34]/{name})"


TEN_SECONDS = 10.0
SCOPES = (
    "oauth", "tickets",
    "crm.objects.contacts.read", "crm.objects.contacts.write",
    "crm.schemas.contacts.read", "crm.schemas.contacts.write",
    "crm.objects.companies.read", "crm.objects.companies.write",
    "crm.schemas.companies.read", "crm.schemas.companies.write",
    "crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.deals.read",
    "crm.objects.owners.read",
    "crm.objects.custom.read", "crm.objects.custom.write", "crm.schemas.custom.read",
    "crm.schemas.custom.write", "files",
)  # fmt: skip
# The unlabelled association of each pair: type ids of the vendor's associations guide.
LINK_TYPES = {
    ("tasks", "contacts"): 204, ("contacts", "tasks"): 203,
    ("notes", "contacts"): 202, ("contacts", "notes"): 201, ("notes", "companies"): 190,
    ("companies", "notes"): 189, ("notes", "deals"): 214, ("deals", "notes"): 213,
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("contacts", "deals"): 4, ("deals", "contacts"): 3,
    ("contacts", "tickets"): 15, ("tickets", "contacts"): 16,
    ("companies", "deals"): 342, ("deals", "companies"): 341,
    ("companies", "tickets"): 340, ("tickets", "companies"): 339,
    ("deals", "tickets"): 27, ("tickets", "deals"): 28,
}  # fmt: skip
# "Primary" between a contact and a company: one company of a contact has it.
PRIMARY_TYPES = {("contacts", "companies"): 1, ("companies", "contacts"): 2}


class Portal(Simulator):
    """State and rules that all calls of the portal share."""

    name: ClassVar[str] = "HubSpot"
    defaults: ClassVar[dict[str, Any]] = {
        "ten_secondly": 110,
        "key_ten_secondly": 190,
        "daily": 1_000_000,
        "search_secondly": 5,
        "retry_after": False,
        "index_lag_s": 2.0,
        "definition_lag_reads": 0,
        "oauth_v1": True,
        "enterprise": False,
        # How an account without custom objects refuses them (unverified): scope (403), plan (400).
        "no_objects": "scope",
        # Whether a new custom kind has HubSpot's owner property by itself (unverified).
        "custom_owner": True,
        "strict_batches": False,
        "partial_email_upsert": "refuse",
        # Whether a contact's property tells its primary company: at_once, or never (late).
        "primary_property": "at_once",
        # Whether a batch read by e-mail finds a contact by its other addresses: found or missed.
        "secondary_emails": "found",
        # Whether a write or an association by a merged id reaches the survivor: follow or refuse.
        "merged_writes": "follow",
        # How a webhook tells of a merge: ids, newer or bare (webhooks.py).
        "merge_told": "ids",
        "required_rules": {},
        # What /crm/limits tells: all, or nothing (a portal or token that may not ask).
        "limits_told": True,
        "most_contacts": 15_000_000,
        "most_properties": 1_000,
        "service_key": "pat-eu1-00000000-0000-4000-8000-000000000001",
        "portal_id": 14_200_142,
        "tag_property": "npstoday_tags",
    }

    def set_up(self) -> None:
        """A portal with definitions and no records."""
        self.errors = Errors(self.rng)
        user = {"hub_id": self.options["portal_id"], "user_id": 9001}
        # Real tokens are longer than 300 characters: columns and headers must take them.
        self.oauth = AuthorizationServer(
            self.clock, self.rng, options=self.options, prefix="C" + "K" * 260, user=user
        )
        self.oauth.static(self.options["service_key"], SCOPES)
        self.kinds = {one.name: one for one in _kinds()}
        self.link_types = dict(LINK_TYPES)
        self.files: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in self.kinds}
        for name in ("contactinformation", "nps"):
            self.groups["contacts"][name] = {
                "name": name,
                "label": name,
                "displayOrder": -1,
                "archived": False,
            }
        # (kind, property) -> how many reads still see what was there before the change.
        self.lagging: dict[tuple[str, str], tuple[int, dict[str, Any] | None]] = {}
        self.options_changed()

    def options_changed(self) -> None:
        """New quotas start with a clean sheet."""
        self.kinds["contacts"].finds_secondary = self.options["secondary_emails"] == "found"
        self.kinds["contacts"].writes_merged = self.options["merged_writes"] == "follow"
        self.quotas = {
            "app": SlidingWindow(self.options["ten_secondly"], TEN_SECONDS),
            "key": SlidingWindow(self.options["key_ten_secondly"], TEN_SECONDS),
        }
        self.daily = DailyCount(self.options["daily"])
        self.search_quota = SlidingWindow(self.options["search_secondly"], 1.0)

    # --- who may call, and how often --------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """The bearer first, then the quotas. OAuth paths need neither."""
        if "/oauth/" in request.path:
            return None
        access = self.oauth.access(request.bearer())
        if access is None:
            return self.errors.no_token()
        if self.oauth.is_expired(access):
            return self.errors.expired()
        request.token_id = access.id
        return self._over_quota(request)

    def _over_quota(self, request: Request) -> Answer | None:
        now = self.clock.now()
        if request.path.endswith("/search") and not self.search_quota.take(now):
            return self.errors.rate_limited("SECONDLY", self._retry_after(1))
        window = self._window(request)
        if not window.take(now):
            headers = self._retry_after(window.wait_s(now))
            return self.errors.rate_limited("TEN_SECONDLY_ROLLING", headers)
        if not self.daily.take(now):
            return self.errors.rate_limited("DAILY", self._retry_after(self.daily.wait_s(now)))
        return None

    def _window(self, request: Request) -> SlidingWindow:
        return self.quotas["key" if self._by_key(request) else "app"]

    @staticmethod
    def _by_key(request: Request) -> bool:
        return (request.token_id or "").startswith("key")

    def _retry_after(self, wait_s: float) -> dict[str, str]:
        # Whether the real service sends it on these calls is unverified: a switch.
        return {"Retry-After": str(int(wait_s) + 1)} if self.options["retry_after"] else {}

    def finish(self, request: Request, answer: Answer) -> Answer:
        """Rate headers: none on search, the daily ones not for OAuth tokens."""
        if request.token_id is None or request.path.endswith("/search"):
            return answer
        window = self._window(request)
        answer.headers |= {
            "X-HubSpot-RateLimit-Max": str(window.limit),
            "X-HubSpot-RateLimit-Remaining": str(window.remaining(self.clock.now())),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        }
        if self._by_key(request):
            left = self.daily.limit - self.daily.used
            answer.headers |= {
                "X-HubSpot-RateLimit-Daily": str(self.daily.limit),
                "X-HubSpot-RateLimit-Daily-Remaining": str(left),
            }
        return answer

    def throttled(self, request: Request, wait_s: float) -> Answer:
        """429 on order: a Retry-After always goes with it."""
        del request
        return self.errors.rate_limited(
            "TEN_SECONDLY_ROLLING", {"Retry-After": str(int(wait_s) or 1)}
        )

    def failed(self, request: Request, status: int) -> Answer:
        """A server error on order."""
        del request
        return self.errors.trouble(status)

    def bad_body(self, request: Request) -> Answer:
        """400 for what is no JSON."""
        del request
        return self.errors.bad_json()

    def no_route(self, request: Request) -> Answer:
        """404: the real service answers with a page."""
        del request
        return self.errors.html_not_found()

    # --- what handlers need ---------------------------------------------------------------------

    def kind(self, request: Request, *, write: bool, group: str = "object") -> Kind:
        """The kind of record a call is about, if the token may use it. Raises Refused."""
        name = request.params[group]
        kind = self.kinds.get(name) or next(
            (one for one in self.kinds.values() if name in {one.type_id, one.singular.lower()}),
            None,
        )
        if kind is None:
            told = f"Unable to infer object type from: {name}"
            raise Refused(self.errors.invalid(told))
        self.need(request, f"crm.objects.{kind.scope}.{'write' if write else 'read'}")
        return kind

    def need(self, request: Request, scope: str) -> None:
        """Raises Refused(403) unless the token has the scope."""
        if scope not in self.granted(request):
            raise Refused(self.errors.missing_scopes([scope]))

    def granted(self, request: Request) -> frozenset[str]:
        """The scopes of the call's token."""
        access = self.oauth.access(request.bearer())
        return self.oauth.scopes(access) if access else frozenset()

    def answered(
        self, record: Record, properties: Mapping[str, str | None], **more: Any
    ) -> dict[str, Any]:
        """A record as the API tells it."""
        return {
            "id": record.id,
            "properties": dict(properties),
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "archived": record.archived,
            **more,
        }

    def after_write(self, record: Record) -> None:
        """Let the search index know, after its lag."""
        due = self.clock.now() + float(self.options["index_lag_s"])
        record.seen.append((due, None if record.archived else dict(record.properties)))

    def strings(self, properties: Any) -> dict[str, str]:
        """Properties whose values are all text: the service refuses numbers and null. Raises
        Refused.
        """
        if not isinstance(properties, dict) or not all(
            isinstance(one, str) for one in properties.values()
        ):
            raise Refused(self.errors.bad_json())
        return properties

    def check_required(self, kind: Kind, taken: Mapping[str, str]) -> None:
        """What a new record must carry. Raises RowRefused."""
        if kind.name == "contacts" and not any(
            taken.get(one) for one in ("email", "firstname", "lastname")
        ):
            told = "At least one of email, firstname or lastname is needed"
            raise RowRefused(VALIDATION, told)
        needed: Iterable[str] = [*kind.required, *self.options["required_rules"].get(kind.name, [])]
        faults = [
            {"name": one, "error": "REQUIRED_FIELD", "message": f"{one} is required"}
            for one in needed
            if not taken.get(one)
        ]
        if faults:
            raise RowRefused(VALIDATION, faults=faults)


def _kinds() -> list[Kind]:
    told = [
        ("contacts", "0-1", "CONTACT", "contacts", definitions.contact_properties()),
        ("companies", "0-2", "COMPANY", "companies", definitions.company_properties()),
        ("deals", "0-3", "DEAL", "deals", definitions.deal_properties()),
        ("tickets", "0-5", "TICKET", "tickets", definitions.ticket_properties()),
        ("notes", "0-46", "NOTE", "contacts", definitions.note_properties()),
        ("tasks", "0-27", "TASK", "contacts", definitions.task_properties()),
        ("users", "0-115", "USER", "users", definitions.user_properties()),
    ]
    kinds = [
        Kind(name, type_id, singular, scope, {one["name"]: one for one in properties})
        for name, type_id, singular, scope, properties in told
    ]
    for kind in kinds:
        if kind.name in {"notes", "tasks"}:
            kind.required.append("hs_timestamp")
    return kinds
