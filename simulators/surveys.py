"""Survey platforms that push no answers: SurveyMonkey's and Qualtrics' APIs, as far as a response
is fetched from them.

Written from their public documents (SurveyMonkey API v3, Qualtrics API v3; 2026-11). What a test
puts in by `seed` is answered under the platform's own path, to who shows the token.
"""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route


class SurveyMonkey(Simulator):
    """`seed`: {"responses": {id: details}, "surveys": {id: details}}."""

    name = "surveymonkey"
    defaults: ClassVar[dict[str, Any]] = {"token": "sm-token"}

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

    @route("GET", r"/v3/surveys/(?P<survey>[^/]+)/details", kind="schema")
    def survey(self, request: Request) -> Answer:
        """A survey with its questions."""
        found = self._held["surveys"].get(request.params["survey"])
        return self.no_route(request) if found is None else Answer(200, found)


class Qualtrics(Simulator):
    """`seed`: {"responses": {id: {"survey": ..., "result": ...}}}."""

    name = "qualtrics"
    defaults: ClassVar[dict[str, Any]] = {"token": "qualtrics-token"}

    def set_up(self) -> None:
        self._held: dict[str, dict[str, Any]] = {}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        self._held |= told["responses"]
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
