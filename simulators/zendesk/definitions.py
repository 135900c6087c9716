"""/user_fields, /organization_fields, /ticket_fields: the field definitions."""

from __future__ import annotations

from typing import Any

from simulators.kit.messages import Answer, Request
from simulators.zendesk import refusals
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import page
from simulators.zendesk.state import Record

KINDS = r"/(?P<kind>user_field|organization_field|ticket_field)s"


class Definitions(Account):
    """The routes of field definitions."""

    @api("GET", KINDS, kind="schema")
    def list_fields(self, request: Request) -> Answer:
        kind = request.params["kind"]
        known = [
            self._shown(kind, each, request) for each in self.account.definitions[kind].values()
        ]
        return self.ok(page(f"{kind}s", known, dict(request.query), self.address(request)))

    @api("GET", KINDS + r"/(?P<id>\d+)", kind="schema")
    def show_field(self, request: Request) -> Answer:
        return self._answered(request, self._known(request))

    @api("POST", KINDS, kind="schema")
    def create_field(self, request: Request) -> Answer:
        """A key that exists already is refused, and so is a field without a title."""
        kind = request.params["kind"]
        given = self._options_of(self.body_of(request, kind))
        if not given.get("title"):
            raise refusals.RecordInvalid(
                attribute="title", code="BlankValue", text="Title: cannot be blank"
            )
        if kind != "ticket_field" and given.get("key") in self.account.by_key(kind):
            raise refusals.RecordInvalid(
                attribute="key", code="DuplicateValue", text="Key: has already been taken"
            )
        return self._answered(request, self.account.add_definition(kind, given), 201)

    @api("PUT", KINDS + r"/(?P<id>\d+)", kind="schema")
    def update_field(self, request: Request) -> Answer:
        known = self._known(request)
        given = self.body_of(request, request.params["kind"])
        known["raw_title"] = known["title"] = given.get("title", known["title"])
        known["raw_description"] = known["description"] = given.get(
            "description", known["description"]
        )
        known["active"] = given.get("active", known["active"])
        if "raw_title_in_portal" in known:
            known["raw_title_in_portal"] = known["title_in_portal"] = known["title"]
        return self._answered(request, known)

    @api("DELETE", KINDS + r"/(?P<id>\d+)", kind="schema")
    def delete_field(self, request: Request) -> Answer:
        kind, known = request.params["kind"], self._known(request)
        if known["key"] is None:
            del self.account.definitions[kind][known["id"]]
        else:
            self.account.remove_field(kind, known["key"])
        return Answer(204)

    def _known(self, request: Request) -> Record:
        found = self.account.definitions[request.params["kind"]].get(int(request.params["id"]))
        if found is None:
            raise refusals.not_found()
        return found

    def _shown(self, kind: str, one: Record, request: Request) -> Record:
        return self.view(f"{kind}s", one, request)

    def _answered(self, request: Request, one: Record, status: int = 200) -> Answer:
        kind = request.params["kind"]
        return self.ok({kind: self._shown(kind, one, request)}, status)

    @staticmethod
    def _options_of(given: Record) -> Record:
        """The API calls the options `custom_field_options`, our definitions `options`."""
        options: Any = given.get("custom_field_options")
        return {**given, "options": options} if options else given
