"""Survey platforms' APIs, as far as responses and surveys are fetched from them.

Written from their public documents (SurveyMonkey API v3, Qualtrics API v3, Typeform's Create API,
Formbricks' Management API v1, Tally's API of 2025-02-01; 2026-11). What a test puts in by `seed` is
answered under the platform's own path, to who shows the token. Lists come in pages of `page`
surveys.
"""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route


def _page(held: dict[str, Any], *, start: int, size: int) -> list[Any]:
    """So many of them from there on, in the order in which they were put in."""
    return list(held.values())[start : start + size]


class SurveyMonkey(Simulator):
    """`seed`: {"responses": {id: details}, "surveys": {id: details}}."""

    name = "surveymonkey"
    defaults: ClassVar[dict[str, Any]] = {"token": "sm-token", "page": 2}

    def set_up(self) -> None:
        self._held: dict[str, dict[str, Any]] = {"responses": {}, "surveys": {}}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        for kind, every in told.items():
            self._held[kind] |= every
        return {}

    def before(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") == f"Bearer {self.options['token']}":
            return None
        error = {"id": "1011", "name": "Authorization Error", "http_status_code": 401}
        return Answer(401, {"error": error})

    @route(
        "GET", r"/v3/surveys/(?P<survey>[^/]+)/responses/(?P<response>[^/]+)/details", kind="read"
    )
    def response(self, request: Request) -> Answer:
        """A response with its answers; one of another survey is not found there."""
        found = self._held["responses"].get(request.params["response"])
        fits = found is not None and found["survey_id"] == request.params["survey"]
        return Answer(200, found) if fits else self.no_route(request)

    @route("GET", r"/v3/surveys", kind="schema")
    def surveys(self, request: Request) -> Answer:
        """A page of the surveys, with the next one's whole address."""
        number, size = int(request.asked("page", "1")), self.options["page"]
        held = self._held["surveys"]
        names = ("id", "title", "date_modified")
        every = [
            {name: one.get(name) for name in names}
            for one in _page(held, start=(number - 1) * size, size=size)
        ]
        links = {}
        if number * size < len(held):
            links["next"] = f"https://api.surveymonkey.com/v3/surveys?page={number + 1}&per_page=1"
        return Answer(200, {"data": every, "page": number, "total": len(held), "links": links})

    @route("GET", r"/v3/surveys/(?P<survey>[^/]+)/details", kind="schema")
    def survey(self, request: Request) -> Answer:
        """A survey with its questions."""
        found = self._held["surveys"].get(request.params["survey"])
        return self.no_route(request) if found is None else Answer(200, found)


class Qualtrics(Simulator):
    """`seed`: {"responses": {id: {"survey": ..., "result": ...}}, "surveys": {id: {"modified": ...,
    "definition": ...}}}.
    """

    name = "qualtrics"
    defaults: ClassVar[dict[str, Any]] = {"token": "qualtrics-token", "page": 2}

    def set_up(self) -> None:
        self._held: dict[str, dict[str, Any]] = {}
        self._surveys: dict[str, dict[str, Any]] = {}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self._held |= told.get("responses", {})
        self._surveys |= told.get("surveys", {})
        return {}

    def before(self, request: Request) -> Answer | None:
        if request.headers.get("x-api-token") == self.options["token"]:
            return None
        meta = {"httpStatus": "401 - Unauthorized", "error": {"errorCode": "AUTH_1.1"}}
        return Answer(401, {"meta": meta})

    @route("GET", r"/API/v3/surveys/(?P<survey>[^/]+)/responses/(?P<response>[^/]+)", kind="read")
    def response(self, request: Request) -> Answer:
        """A response with its values and labels."""
        found = self._held.get(request.params["response"])
        if found is None or found["survey"] != request.params["survey"]:
            return Answer(404, {"meta": {"httpStatus": "404 - Not Found"}})
        meta = {"requestId": "r", "httpStatus": "200 - OK"}
        return Answer(200, {"result": found["result"], "meta": meta})

    @route("GET", r"/API/v3/surveys", kind="schema")
    def surveys(self, request: Request) -> Answer:
        """A page of the surveys, with the next one's whole address."""
        start, size = int(request.asked("offset", "0")), self.options["page"]
        every = [
            {"id": key, "name": key, "lastModified": self._surveys[key]["modified"]}
            for key in list(self._surveys)[start : start + size]
        ]
        following = None
        if start + size < len(self._surveys):
            following = f"https://fra1.qualtrics.com/API/v3/surveys?offset={start + size}"
        return Answer(200, {"result": {"elements": every, "nextPage": following}, "meta": {}})

    @route("GET", r"/API/v3/survey-definitions/(?P<survey>[^/]+)", kind="schema")
    def definition(self, request: Request) -> Answer:
        """A survey with its questions."""
        found = self._surveys.get(request.params["survey"])
        if found is None:
            return Answer(404, {"meta": {"httpStatus": "404 - Not Found"}})
        return Answer(200, {"result": found["definition"], "meta": {}})


class Typeform(Simulator):
    """`seed`: {"forms": {id: form}}; a form has its `last_updated_at`."""

    name = "typeform"
    defaults: ClassVar[dict[str, Any]] = {"token": "tf-token", "page": 2}

    def set_up(self) -> None:
        self._forms: dict[str, dict[str, Any]] = {}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self._forms |= told["forms"]
        return {}

    def before(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") == f"Bearer {self.options['token']}":
            return None
        return Answer(401, {"code": "UNAUTHORIZED", "description": "Authentication failed"})

    @route("GET", r"/forms", kind="schema")
    def forms(self, request: Request) -> Answer:
        """A page of the forms."""
        number, size = int(request.asked("page")), self.options["page"]
        names = ("id", "title", "last_updated_at")
        every = [
            {name: one.get(name) for name in names}
            for one in _page(self._forms, start=(number - 1) * size, size=size)
        ]
        pages = -(-len(self._forms) // size)
        total = {"total_items": len(self._forms), "page_count": pages}
        return Answer(200, total | {"items": every})

    @route("GET", r"/forms/(?P<form>[^/]+)", kind="schema")
    def form(self, request: Request) -> Answer:
        """A form with its fields."""
        found = self._forms.get(request.params["form"])
        if found is None:
            return Answer(404, {"code": "FORM_NOT_FOUND"})
        return Answer(200, found)


class Formbricks(Simulator):
    """`seed`: {"surveys": {id: survey}}; a survey has its `updatedAt`."""

    name = "formbricks"
    defaults: ClassVar[dict[str, Any]] = {"token": "formbricks-key"}

    def set_up(self) -> None:
        self._surveys: dict[str, dict[str, Any]] = {}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self._surveys |= told["surveys"]
        return {}

    def before(self, request: Request) -> Answer | None:
        if request.headers.get("x-api-key") == self.options["token"]:
            return None
        return Answer(401, {"code": "not_authenticated", "message": "Not authenticated"})

    @route("GET", r"/api/v1/management/surveys", kind="schema")
    def surveys(self, request: Request) -> Answer:
        """A page of the surveys, whole."""
        start, size = int(request.asked("offset")), int(request.asked("limit"))
        return Answer(200, {"data": _page(self._surveys, start=start, size=size)})

    @route("GET", r"/api/v1/management/surveys/(?P<survey>[^/]+)", kind="schema")
    def survey(self, request: Request) -> Answer:
        """A survey with its questions."""
        found = self._surveys.get(request.params["survey"])
        if found is None:
            return Answer(404, {"code": "not_found", "message": "Survey not found"})
        return Answer(200, {"data": found})


class Tally(Simulator):
    """`seed`: {"forms": {id: {"form": ..., "questions": [...]}}}; a form has its `updatedAt`."""

    name = "tally"
    defaults: ClassVar[dict[str, Any]] = {"token": "tly-token", "page": 2}

    def set_up(self) -> None:
        self._forms: dict[str, dict[str, Any]] = {}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self._forms |= told["forms"]
        return {}

    def before(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") == f"Bearer {self.options['token']}":
            return None
        return Answer(401, {"errorType": "UNAUTHORIZED"})

    @route("GET", r"/forms", kind="schema")
    def forms(self, request: Request) -> Answer:
        """A page of the forms, without their blocks."""
        number, size = int(request.asked("page")), self.options["page"]
        names = ("id", "name", "status", "updatedAt")
        every = [
            {name: one["form"].get(name) for name in names}
            for one in _page(self._forms, start=(number - 1) * size, size=size)
        ]
        more = number * size < len(self._forms)
        told = {"page": number, "limit": size, "total": len(self._forms), "hasMore": more}
        return Answer(200, told | {"items": every})

    @route("GET", r"/forms/(?P<form>[^/]+)", kind="schema")
    def form(self, request: Request) -> Answer:
        """A form with its blocks."""
        found = self._forms.get(request.params["form"])
        return Answer(404, None) if found is None else Answer(200, found["form"])

    @route("GET", r"/forms/(?P<form>[^/]+)/questions", kind="schema")
    def questions(self, request: Request) -> Answer:
        """A form's questions, those that were deleted too."""
        found = self._forms.get(request.params["form"])
        if found is None:
            return Answer(404, None)
        return Answer(200, {"questions": found["questions"], "hasResponses": True})
