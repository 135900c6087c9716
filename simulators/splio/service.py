"""The simulated Splio: keys for tokens, contacts one by one and in bulk, fields and lists."""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.kit.messages import Answer, BadBody, Refused, Request
from simulators.kit.pages import Shown
from simulators.kit.quota import SlidingWindow
from simulators.kit.simulator import Simulator, route
from simulators.splio.universe import Contact, Universe, refusal, unknown_list

KEY = "demo-api-key"
JSON = "application/json"
DAY_S = 86_400
MOST_IN_BULK = 1000
FIELDS = {
    5: {"name": "nps_score", "type": "int"},
    6: {"name": "nps_comment", "type": "text"},
    7: {"name": "basket", "type": "double"},
    8: {"name": "visited_on", "type": "date"},
}
LISTS = {25: "newsletter shoes", 26: "promoters"}
CONTACT = r"/data/contacts/(?P<id>[^/]+)"


class Splio(Simulator):
    """One universe. Calls are counted per address of the caller, as Splio does.

    `POST /__sim__/seed` takes, all optional: `contacts`: as the API takes them; `fields`: {number:
    {name, type}}; `remove_fields`, `remove_lists`: numbers; `lists`: {number: name}; `delete`:
    ids of contacts; `edit`: {id: a contact's values}.
    """

    name = "Splio"
    defaults: ClassVar[dict[str, Any]] = {
        "unique_key": "email",
        "folds_case": True,  # unverified: whether a key is compared whatever its case
        "duplicate_status": 400,  # unverified for a single create: 400 or 409
        "only_filled": False,  # unverified: whether empty custom fields are told
        "tells_types": False,  # unverified: whether the list of fields tells their types
        "missing_status": 404,  # unverified for GET: 404, or 400 that names `id`
        "token_field": "token",
        "denied": False,  # the API user's rights were taken away
        "rate": 20,
        "other_rate": 10,
    }

    def set_up(self) -> None:
        """An empty universe with its custom fields and lists."""
        told = self.options
        self.universe = Universe(
            told["unique_key"],
            folds_case=told["folds_case"],
            duplicate_status=told["duplicate_status"],
        )
        self.universe.fields = {number: dict(one) for number, one in FIELDS.items()}
        self.universe.lists = dict(LISTS)
        self.keys = {KEY}
        self.tokens: dict[str, float] = {}
        self.signed_in = 0
        self.options_changed()

    def options_changed(self) -> None:
        """The windows are made anew, and the universe hears of its own switches."""
        self.windows = {
            True: SlidingWindow(self.options["rate"], 1),
            False: SlidingWindow(self.options["other_rate"], 1),
        }
        self.universe.folds_case = self.options["folds_case"]
        self.universe.duplicate_status = self.options["duplicate_status"]

    # --- what tests and people see ----------------------------------------------------------------

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the ids of new contacts, in order."""
        universe = self.universe
        universe.fields |= {int(number): one for number, one in told.get("fields", {}).items()}
        universe.lists |= {int(number): one for number, one in told.get("lists", {}).items()}
        for number in told.get("remove_fields", []):
            universe.fields.pop(int(number), None)
        for number in told.get("remove_lists", []):
            universe.lists.pop(int(number), None)
            for one in universe.contacts.values():
                one["lists"].discard(int(number))
        made = [str(universe.create(one)["id"]) for one in told.get("contacts", [])]
        for number in told.get("delete", []):
            del universe.contacts[int(number)]
        for number, values in told.get("edit", {}).items():
            universe.change(universe.contacts[int(number)], values)
        return {"contacts": made}

    def records(self) -> dict[str, Any]:
        """Contacts with fields and lists."""
        return {"contacts": [self._shown(one) for one in self.universe.contacts.values()]}

    def shown(self) -> list[Shown]:
        """The page's contacts, the newest first."""
        return [
            Shown(one["id"], one["email"], one["fields"], one["lists"])
            for one in reversed(self.records()["contacts"])
        ]

    def _shown(self, contact: Contact) -> dict[str, Any]:
        told = self.universe.told(contact, only_filled=True)
        plain = {name: told[name] for name in ("email", "cellphone", "firstname", "lastname")}
        custom = {f"c{one['id']}": one["value"] for one in told["custom_fields"]}
        return {
            "id": str(contact["id"]),
            "email": contact["email"],
            "fields": {**plain, **custom},
            "lists": [one["name"] for one in told["lists"]],
            "tags": [],
            "notes": [],
        }

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"issue": {}} makes a key and a token, {"expire": true} ends all tokens, {"revoke": true}
        the keys as well.
        """
        if told.get("revoke"):
            self.keys = set()
        if told.get("expire") or told.get("revoke"):
            self.tokens = {}
        if "issue" not in told:
            return {"refreshes": self.signed_in}
        key = f"key-{self.rng.randrange(16**16):016x}"
        self.keys.add(key)
        return {"access_token": self._token(), "key": key, "refreshes": self.signed_in}

    def _token(self) -> str:
        token = f"jwt.{self.rng.randrange(16**16):016x}.{len(self.tokens)}"
        self.tokens[token] = self.clock.now() + DAY_S
        return token

    # --- before and after -------------------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """The rate of the caller's address, then the token, then the key's rights."""
        window = self.windows[request.path.startswith("/data/contacts")]
        if not window.take(self.clock.now()):
            return self.throttled(request, window.wait_s(self.clock.now()) + 0.999)
        if request.path == "/authenticate":
            return None
        if self.tokens.get(request.bearer() or "", 0) <= self.clock.now():
            return Answer(401, '"Authentication failed."', {}, JSON)
        if self.options["denied"]:
            return Answer(403, '"Forbidden."', {}, JSON)
        return None

    def finish(self, request: Request, answer: Answer) -> Answer:
        del request
        if answer.content_type.startswith(JSON):
            answer.content_type = JSON
        return answer

    def throttled(self, request: Request, wait_s: float) -> Answer:
        del request
        headers = {"rateLimit-reset": str(int(wait_s))}
        return Answer(429, {"message": "API rate limit exceeded"}, headers, JSON)

    def failed(self, request: Request, status: int) -> Answer:
        del request
        return Answer(status, "<html>Internal Server Error</html>", {}, "text/html")

    def bad_body(self, request: Request) -> Answer:
        del request
        text = "Json payload is invalid, verify its syntax."
        return refusal("payload", "invalid_json", text)

    def no_route(self, request: Request) -> Answer:
        known = any(pattern.fullmatch(request.path) for _, pattern, *_ in self._routes)
        if known:
            return Answer(405, '"Method Not Allowed."', {}, JSON)
        return Answer(404, {"status": 404, "errors": []}, {}, JSON)

    # --- the universe -----------------------------------------------------------------------------

    @route("POST", "/authenticate", kind="oauth")
    def authenticate(self, request: Request) -> Answer:
        """A token for a day."""
        if _body(request).get("api_key") not in self.keys:
            raise Refused(refusal("api_key", "wrong_value", "Authentication failed."))
        self.signed_in += 1
        return Answer(200, {self.options["token_field"]: self._token()})

    @route("GET", "/ping")
    def ping(self, request: Request) -> Answer:
        del request
        return Answer(200, {"user_id": 123})

    @route("GET", "/universes/unique-key", kind="schema")
    def unique_key(self, request: Request) -> Answer:
        del request
        return Answer(200, {"unique_key": self.options["unique_key"]})

    @route("GET", "/data/fields/contacts", kind="schema")
    def fields(self, request: Request) -> Answer:
        """All of them at once: this path knows no pages."""
        del request
        system = {"intid": None, "id": 0, "is_system": True, "name": "email", "label": "Email"}
        custom = [
            {"intid": number, "id": number, "is_system": False, "name": one["name"]}
            | {"label": one["name"], "field_key": one["name"]}
            | ({"data_type": one["type"]} if self.options["tells_types"] else {})
            for number, one in self.universe.fields.items()
        ]
        return Answer(200, _page([system, *custom], 1, 100))

    @route("GET", "/data/v1/lists", kind="schema")
    def lists(self, request: Request) -> Answer:
        """In pages."""
        size, number = int(request.asked("per_page", "50")), int(request.asked("page_number", "1"))
        every = [{"id": one, "name": name} for one, name in sorted(self.universe.lists.items())]
        return Answer(200, _page(every, number, size))

    # --- contacts ---------------------------------------------------------------------------------

    @route("GET", CONTACT, kind="read")
    def read(self, request: Request) -> Answer:
        internal = request.asked("key", "unique_key") == "internal_id"
        return Answer(200, self._told(self._found(request, internal=internal)))

    @route("POST", "/data/contacts", kind="write")
    def create(self, request: Request) -> Answer:
        return Answer(201, self._told(self.universe.create(_body(request))))

    @route("PATCH", CONTACT, kind="write")
    def change(self, request: Request) -> Answer:
        told = _body(request)
        contact = self._found(request, internal=told.get("key") == "internal_id")
        self.universe.change(contact, told)
        return Answer(200, self._told(contact))

    @route("POST", "/data/contacts/bulk", kind="write")
    def bulk(self, request: Request) -> Answer:
        """Creates only; each with a code of its own, and no id."""
        rows = _body(request).get("contacts")
        if not isinstance(rows, list) or len(rows) > MOST_IN_BULK:
            raise Refused(
                refusal("contacts", "wrong_value", "contacts should be a list of at most 1000")
            )
        items = [self._bulk_row(one) for one in rows]
        errors = sum(one["code"] != 201 for one in items)
        return Answer(207, {"time": 1, "errors": errors, "items": items})

    def _bulk_row(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            contact = self.universe.create(row)
        except Refused as exc:
            (error,) = exc.answer.body["errors"]
            key = str(row.get(self.universe.unique_key, ""))
            return {"contact_id": key, "code": 400, "description": error["error_description"]}
        return {"contact_id": self.universe.key_of(contact), "code": 201, "description": ""}

    @route("POST", CONTACT + "/lists/(?P<verb>subscribe|unsubscribe)", kind="write")
    def subscription(self, request: Request) -> Answer:
        """By the unique key alone."""
        contact = self._found(request, internal=False)
        numbers = _body(request).get("list_ids")
        if not isinstance(numbers, list) or not numbers:
            raise Refused(
                refusal("list_ids", "wrong_value", "list_ids should be a list of integers")
            )
        for one in numbers:
            if one not in self.universe.lists:
                raise unknown_list(one)
        joins = request.params["verb"] == "subscribe"
        change = contact["lists"].update if joins else contact["lists"].difference_update
        change(numbers)
        return Answer(200, self._told(contact))

    def _found(self, request: Request, *, internal: bool) -> Contact:
        contact = self.universe.found(request.params["id"], internal=internal)
        if contact is None:
            text = "Contact not found for given identifier."
            status = self.options["missing_status"] if request.method == "GET" else 404
            raise Refused(refusal("id", "wrong_value", text, status))
        return contact

    def _told(self, contact: Contact) -> dict[str, Any]:
        return self.universe.told(contact, only_filled=self.options["only_filled"])


def _body(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise BadBody
    return told


def _page(every: list[dict[str, Any]], number: int, size: int) -> dict[str, Any]:
    elements = every[(number - 1) * size : number * size]
    return {
        "count_element": len(every),
        "current_page": number,
        "per_page": size,
        "sort": {"id": "desc"},
        "elements": elements,
    }
