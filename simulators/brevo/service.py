"""The simulated Brevo: contacts, their attributes and lists, by API v3."""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.brevo.account import Account, Contact, invalid, refusal
from simulators.kit.messages import Answer, BadBody, Refused, Request
from simulators.kit.pages import Shown
from simulators.kit.quota import SlidingWindow
from simulators.kit.simulator import Simulator, route

KEY = "xkeysib-demo"
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "FIRSTNAME": {"category": "normal", "type": "text"},
    "LASTNAME": {"category": "normal", "type": "text"},
    "NPS_COMMENT": {"category": "normal", "type": "text"},
    "NPS_SCORE": {"category": "normal", "type": "float"},
    "VISITED_ON": {"category": "normal", "type": "date"},
    "VIP": {"category": "normal", "type": "boolean"},
    "CHANNEL": {
        "category": "category",
        "enumeration": [{"value": 1, "label": "Shop"}, {"value": 2, "label": "Web"}],
    },
    "TOPICS": {
        "category": "normal",
        "type": "multiple-choice",
        "multiCategoryOptions": ["Price", "Staff"],
    },
    "BLACKLIST": {"category": "global", "type": "float", "calculatedValue": "COUNT"},
}
LISTS = {25: "newsletter shoes", 26: "promoters"}
CONTACT = r"/v3/contacts/(?P<id>[^/]+)"
IDENTIFIERS = ("email_id", "contact_id", "ext_id", "phone_id")


class Brevo(Simulator):
    """One account.

    `POST /__sim__/seed` takes, all optional: `contacts`: as the API takes them; `lists`: {number:
    name}; `remove_lists`, `delete`: ids; `edit`: {id: a contact's values}.
    """

    name = "Brevo"
    defaults: ClassVar[dict[str, Any]] = {
        "rate": 10,
        "lenient": False,  # unverified: whether a value that does not fit is refused or left out
        "organization": True,  # unverified: whether the account tells its organization_id
    }

    def set_up(self) -> None:
        """An empty account with its attributes and lists."""
        self.account = Account(lenient=self.options["lenient"])
        self.account.attributes = {name: dict(one) for name, one in ATTRIBUTES.items()}
        self.account.lists = dict(LISTS)
        self.keys = {KEY}
        self.options_changed()

    def options_changed(self) -> None:
        """The window is made anew."""
        self.window = SlidingWindow(self.options["rate"], 1)
        self.account.lenient = self.options["lenient"]

    # --- what tests and people see ----------------------------------------------------------------

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the ids of new contacts, in order."""
        account = self.account
        account.lists |= {int(number): one for number, one in told.get("lists", {}).items()}
        for number in told.get("remove_lists", []):
            account.lists.pop(int(number))
        made = [account.create(one, self.clock.iso()) for one in told.get("contacts", [])]
        for number, values in told.get("edit", {}).items():
            account.change(account.contacts[int(number)], values, self.clock.iso())
        for number in told.get("delete", []):
            del account.contacts[int(number)]
        return {"contacts": [str(one["id"]) for one in made]}

    def records(self) -> dict[str, Any]:
        """Contacts with attributes and lists."""
        return {"contacts": [self._shown(one) for one in self.account.contacts.values()]}

    def shown(self) -> list[Shown]:
        """The page's contacts, the newest first."""
        return [
            Shown(one["id"], one["email"], one["fields"], one["lists"])
            for one in reversed(self.records()["contacts"])
        ]

    def _shown(self, contact: Contact) -> dict[str, Any]:
        return {
            "id": str(contact["id"]),
            "email": contact["email"],
            "fields": {"email": contact["email"], **contact["attributes"]},
            "lists": [self.account.lists.get(one, "") for one in contact["listIds"]],
            "tags": [],
            "notes": [],
        }

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"issue": {}} makes a key, {"revoke": true} ends all."""
        if told.get("revoke"):
            self.keys = set()
        if "issue" not in told:
            return {}
        key = f"xkeysib-{self.rng.randrange(16**32):032x}"
        self.keys.add(key)
        return {"access_token": key}

    # --- before and after -------------------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """The key, then its window of a second."""
        if request.headers.get("api-key") not in self.keys:
            return refusal(401, "unauthorized", "Key not found")
        if not self.window.take(self.clock.now()):
            return self.throttled(request, self.window.wait_s(self.clock.now()) + 0.999)
        return None

    def throttled(self, request: Request, wait_s: float) -> Answer:
        del request
        answer = refusal(429, "too_many_requests", "Too many requests")
        answer.headers = {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-remaining": "0"}
        answer.headers["x-sib-ratelimit-reset"] = str(int(wait_s))
        return answer

    def failed(self, request: Request, status: int) -> Answer:
        del request
        return Answer(status, "<html>Service Unavailable</html>", {}, "text/html")

    def bad_body(self, request: Request) -> Answer:
        del request
        return refusal(400, "bad_request", "Input must be a valid JSON object")

    def no_route(self, request: Request) -> Answer:
        known = any(pattern.fullmatch(request.path) for _, pattern, *_ in self._routes)
        if known:
            return refusal(405, "method_not_allowed", "Method not allowed")
        return refusal(404, "document_not_found", "Route not found")

    # --- the account ------------------------------------------------------------------------------

    @route("GET", "/v3/account")
    def whose(self, request: Request) -> Answer:
        del request
        told = {"email": "owner@example.test", "companyName": "Acme", "plan": [{"type": "free"}]}
        told |= {"organization_id": "63a0f1"} if self.options["organization"] else {}
        return Answer(200, told)

    @route("GET", "/v3/contacts/attributes", kind="schema")
    def attributes(self, request: Request) -> Answer:
        """All of them at once."""
        del request
        every = [{"name": name, **one} for name, one in self.account.attributes.items()]
        return Answer(200, {"attributes": every})

    @route("GET", "/v3/contacts/lists", kind="schema")
    def lists(self, request: Request) -> Answer:
        """In pages of 50 at most; an account without lists tells no `lists`."""
        limit, offset = _number(request, "limit", 10), _number(request, "offset", 0)
        if not 0 < limit <= 50:
            raise Refused(invalid("Limit exceeds max value"))
        every = [{"id": one, "name": name} for one, name in sorted(self.account.lists.items())]
        page = every[offset : offset + limit]
        return Answer(200, {"count": len(every)} | ({"lists": page} if page else {}))

    # --- contacts ---------------------------------------------------------------------------------

    @route("GET", CONTACT, kind="read")
    def read(self, request: Request) -> Answer:
        return Answer(200, {**self._found(request), "statistics": {}})

    @route("POST", "/v3/contacts", kind="write")
    def create(self, request: Request) -> Answer:
        told = _body(request)
        if told.get("updateEnabled"):
            raise Refused(invalid("these tests never make and change at once"))
        return Answer(201, {"id": self.account.create(told, self.clock.iso())["id"]})

    @route("PUT", CONTACT, kind="write")
    def change(self, request: Request) -> Answer:
        self.account.change(self._found(request), _body(request), self.clock.iso())
        return Answer(204)

    def _found(self, request: Request) -> Contact:
        kind, told = request.asked("identifierType"), request.params["id"]
        if kind and kind not in IDENTIFIERS:
            raise Refused(invalid("Invalid identifierType"))
        by_mail = kind == "email_id" or (not kind and "@" in told)
        found = self.account.by_mail(told) if by_mail else self.account.by_id(told)
        if found is None:
            raise Refused(refusal(404, "document_not_found", "Contact does not exist"))
        return found


def _number(request: Request, name: str, default: int) -> int:
    text = request.asked(name, str(default))
    if not text.isdigit():
        raise Refused(invalid(f"{name} is not valid"))
    return int(text)


def _body(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise BadBody
    return told
