"""The simulated Pipedrive: persons by API v2, users and notes by v1."""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.kit.messages import Answer, BadBody, Refused, Request
from simulators.kit.pages import Shown
from simulators.kit.quota import SlidingWindow
from simulators.kit.simulator import Simulator, route
from simulators.pipedrive.company import Company, Person, invalid, refusal

KEY = "demo-api-token"
COMPANY = 4242
SCORE, COMMENT = "a" * 39 + "1", "a" * 39 + "2"
FIELDS: dict[str, dict[str, Any]] = {
    SCORE: {"field_name": "NPS score", "field_type": "int"},
    COMMENT: {"field_name": "NPS comment", "field_type": "varchar"},
    "a" * 39 + "3": {"field_name": "Story", "field_type": "text"},
    "a" * 39 + "4": {"field_name": "Basket", "field_type": "double"},
    "a" * 39 + "5": {"field_name": "Visited on", "field_type": "date"},
    "a" * 39 + "6": {
        "field_name": "Channel",
        "field_type": "enum",
        "options": [{"id": 11, "label": "Shop"}, {"id": 12, "label": "Web"}],
    },
    "a" * 39 + "7": {
        "field_name": "Topics",
        "field_type": "set",
        "options": [{"id": 21, "label": "Price"}, {"id": 22, "label": "Staff"}],
    },
}
PERSON = r"/api/v2/persons/(?P<id>[^/]+)"


class Pipedrive(Simulator):
    """One company.

    `POST /__sim__/seed` takes, all optional: `contacts`: {email, name} each; `edit`: {id: a
    person's values}; `delete`: ids; `remove_fields`: codes.
    """

    name = "Pipedrive"
    defaults: ClassVar[dict[str, Any]] = {
        "rate": 10,
        "deleted_status": 404,  # unverified: 404, or 200 with is_deleted
        "nothing_is_null": True,  # v1 tells an empty list as null
        "index_lag_s": 0,  # unverified: how long a new person is not found by the search
        "bare_401": False,  # a proxy's text instead of the API's envelope
    }

    def set_up(self) -> None:
        """An empty company with its custom fields."""
        self.company = Company()
        self.company.fields = {
            code: {"options": None, **one, "field_code": code, "is_custom_field": True}
            for code, one in FIELDS.items()
        }
        self.tokens = {KEY}
        self.options_changed()

    def options_changed(self) -> None:
        """The window is made anew."""
        self.window = SlidingWindow(self.options["rate"], 2)

    # --- what tests and people see ----------------------------------------------------------------

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the ids of new persons, in order."""
        made = [str(self._seeded(one)["id"]) for one in told.get("contacts", [])]
        for number, values in told.get("edit", {}).items():
            self.company.change(self.company.persons[int(number)], values, self._now())
        for number in told.get("delete", []):
            self.company.persons[int(number)]["is_deleted"] = True
        for code in told.get("remove_fields", []):
            self.company.fields.pop(code)
        return {"contacts": made}

    def _seeded(self, one: dict[str, Any]) -> Person:
        mails = [{"value": one["email"], "primary": True, "label": "work"}]
        person = self.company.create({"name": one["name"], "emails": mails}, self._now())
        person["found_from"] = 0.0
        return person

    def _now(self) -> str:
        return self.clock.iso()

    def records(self) -> dict[str, Any]:
        """Persons with fields and notes."""
        return {"contacts": [self._shown(one) for one in self.company.persons.values()]}

    def shown(self) -> list[Shown]:
        """The page's persons, the newest first."""
        return [
            Shown(one["id"], one["email"], one["fields"], [])
            for one in reversed(self.records()["contacts"])
        ]

    def _shown(self, person: Person) -> dict[str, Any]:
        mail = next((one["value"] for one in person["emails"]), "")
        notes = [one for one in self.company.notes.values() if one["person_id"] == person["id"]]
        return {
            "id": str(person["id"]),
            "email": mail,
            "fields": {"email": mail, "name": person["name"], **person["custom_fields"]},
            "tags": [],
            "notes": [{"text": one["content"]} for one in notes],
        }

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"issue": {}} makes a token, {"revoke": true} ends all."""
        if told.get("revoke"):
            self.tokens = set()
        if "issue" not in told:
            return {}
        token = f"{self.rng.randrange(16**40):040x}"
        self.tokens.add(token)
        return {"access_token": token}

    # --- before and after -------------------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """The token, then its window of two seconds."""
        if request.headers.get("x-api-token") not in self.tokens:
            return self._unauthorized()
        if not self.window.take(self.clock.now()):
            return self.throttled(request, self.window.wait_s(self.clock.now()) + 0.999)
        return None

    def _unauthorized(self) -> Answer:
        if self.options["bare_401"]:
            return Answer(401, '"unauthorized"')
        told = {"success": False, "error": "unauthorized access", "errorCode": 401}
        return Answer(401, told | {"error_info": "Please check our docs."})

    def throttled(self, request: Request, wait_s: float) -> Answer:
        del request
        headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0"}
        headers["x-ratelimit-reset"] = str(int(wait_s))
        return Answer(429, refusal(429, "request over limit").body, headers)

    def failed(self, request: Request, status: int) -> Answer:
        del request
        return refusal(status, "Server error")

    def bad_body(self, request: Request) -> Answer:
        del request
        return refusal(400, "Invalid JSON in request body")

    def no_route(self, request: Request) -> Answer:
        del request
        return refusal(404, "Unknown method .")

    # --- the company ------------------------------------------------------------------------------

    @route("GET", "/api/v1/users/me")
    def me(self, request: Request) -> Answer:
        """Whose token it is."""
        del request
        user = {"id": 7, "name": "Integration", "email": "api@example.test", "company_id": COMPANY}
        return _told(user | {"company_name": "Acme", "company_domain": "acme"})

    @route("GET", "/api/v2/personFields", kind="schema")
    def fields(self, request: Request) -> Answer:
        """By cursor, a hundred unless asked for more."""
        limit, start = _limit(request), int(request.asked("cursor") or "0")
        own = [
            {"field_code": code, "field_name": code.title(), "field_type": kind, "options": None}
            | {"is_custom_field": False}
            for code, kind in (("name", "varchar"), ("email", "varchar"), ("phone", "phone"))
        ]
        every = [*own, *self.company.fields.values()]
        more = str(start + limit) if start + limit < len(every) else None
        return _told(every[start : start + limit], {"next_cursor": more})

    @route("GET", "/api/v2/persons/search", kind="read")
    def search(self, request: Request) -> Answer:
        """By e-mail and exactly, which is all that these tests ask for."""
        asked = {name: request.asked(name) for name in ("term", "fields", "exact_match")}
        if not asked["term"] or asked["fields"] != "email" or asked["exact_match"] != "true":
            raise Refused(invalid("term"))
        found = [
            {"result_score": 1.0, "item": {"id": one["id"], "type": "person", "name": one["name"]}}
            for one in self.company.with_mail(asked["term"])
            if one.get("found_from", 0.0) <= self.clock.now()
        ]
        return _told({"items": found[: _limit(request)]}, {"next_cursor": None})

    @route("GET", PERSON, kind="read")
    def read(self, request: Request) -> Answer:
        return _told(_public(self._found(request)))

    @route("POST", "/api/v2/persons", kind="write")
    def create(self, request: Request) -> Answer:
        person = self.company.create(_body(request), self._now())
        person["found_from"] = self.clock.now() + self.options["index_lag_s"]
        return Answer(201, {"success": True, "data": _public(person)})

    @route("PATCH", PERSON, kind="write")
    def change(self, request: Request) -> Answer:
        person = self._found(request)
        self.company.change(person, _body(request), self._now())
        return _told(_public(person))

    def _found(self, request: Request) -> Person:
        person = self.company.found(request.params["id"])
        told = person is not None and person["is_deleted"] and request.method == "GET"
        hidden = person is None or person["is_deleted"]
        if person is None or (hidden and not (told and self.options["deleted_status"] == 200)):
            raise Refused(refusal(404, "Person not found"))
        return person

    # --- notes ------------------------------------------------------------------------------------

    @route("GET", "/api/v1/notes", kind="read")
    def notes(self, request: Request) -> Answer:
        """Those of one person, in pages."""
        start, limit = int(request.asked("start", "0")), _limit(request)
        wanted = request.asked("person_id")
        every = [one for one in self.company.notes.values() if str(one["person_id"]) == wanted]
        page = every[start : start + limit]
        more = {
            "start": start,
            "limit": limit,
            "more_items_in_collection": len(every) > start + limit,
        }
        empty: Any = None if self.options["nothing_is_null"] else []
        return _told(page or empty, {"pagination": more})

    @route("POST", "/api/v1/notes", kind="write")
    def note(self, request: Request) -> Answer:
        told = _body(request)
        person = self.company.persons.get(told.get("person_id", 0))
        if not isinstance(told.get("content"), str) or not told["content"]:
            raise Refused(refusal(400, "Content must be provided"))
        if person is None or person["is_deleted"]:
            raise Refused(refusal(404, "Person not found"))
        note = {"id": self.company.next_id(), "content": told["content"], "person_id": person["id"]}
        self.company.notes[note["id"]] = note
        return Answer(201, {"success": True, "data": note})

    @route("DELETE", "/api/v1/notes/(?P<id>[^/]+)", kind="write")
    def remove_note(self, request: Request) -> Answer:
        """A note that is gone is not found again."""
        number = request.params["id"]
        if not number.isdigit() or self.company.notes.pop(int(number), None) is None:
            raise Refused(refusal(404, "Note not found"))
        return Answer(200, {"success": True, "data": True})


def _told(data: Any, further: dict[str, Any] | None = None) -> Answer:
    return Answer(200, {"success": True, "data": data, "additional_data": further})


def _public(person: Person) -> dict[str, Any]:
    return {name: value for name, value in person.items() if name != "found_from"}


def _limit(request: Request) -> int:
    limit = request.asked("limit", "100")
    if not limit.isdigit() or not 1 <= int(limit) <= 500:
        raise Refused(invalid("limit"))
    return int(limit)


def _body(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise BadBody
    return told
