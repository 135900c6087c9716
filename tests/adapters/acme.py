"""A made-up API for what no shipped document uses: tags by calls of their own, many updates in one
call with an answer for each, pages by number, forms, an id that is looked for again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import yaml

from schemas.app import AppDocumentSchema
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import Simulator, route

DOCUMENT: dict[str, Any] = AppDocumentSchema().load(
    yaml.safe_load(r"""
app: acme
label: Acme
base_url: https://api.acme.example
hosts: [api.acme.example]
key_label: Key
rates: [{calls: 100}]
headers: {Authorization: "Bearer {{token}}"}
errors:
  - {when: "body.code == 'no_person'", means: not_found}
  - {when: "body.code == 'bad_age'", means: refused, code: out_of_range, field: body.field}
  - {when: "body.code == 'busy'", means: later, code: crm_busy}
types: {string: text, decimal: number, flag: boolean, when: datetime}
probe: {request: {path: /me}, account_id: body.id, account_name: body.name}
contact:
  name: people
  label: Person
  id: key
  clear: ""
  fields:
    - {name: email, label: E-mail, type: email, unique: true, required: true}
    - {name: age, label: Age, type: integer, as: text, at: /more/age}
  fields_from:
    request: {path: /fields, query: {page: "{{page.number}}", size: "{{page.size}}"}}
    page: {by: number, size: 2}
    each: body.items
    name: id
    label: title
    type: kind
    read_only: locked
    at: "/more/{{name}}"
  find:
    - field: email
      request: {method: POST, path: /lookup, encoding: form, body: {mail: "{{value}}"}}
      records: body.hits
  read: {request: {path: "/people/{{id}}"}, record: body}
  create: {request: {method: POST, path: /people, body: "{{record}}"}, id: body.key}
  update: {request: {method: PATCH, path: "/people/{{id}}", body: "{{record}}"}}
  update_many:
    size: 50
    request:
      method: POST
      path: /people/many
      body: {people: "{{rows[].{key: id, set: record}}}"}
    each: body.results
    ok: "status == `200`"
tags:
  read: {path: "/people/{{id}}"}
  names: body.tags
  add: {method: PUT, path: "/people/{{id}}/tags/{{tag}}"}
  remove: {method: DELETE, path: "/people/{{id}}/tags/{{tag}}"}
  style: safe
""")
)
FIELDS = {"notes": "string", "basket": "decimal", "vip": "flag", "seen": "when", "sum": "string"}
PERSON = r"/people/(?P<id>[^/]+)"


class Acme(Simulator):
    """A hundred lines of it."""

    name = "Acme"
    defaults: ClassVar[dict[str, Any]] = {"short": False}

    def set_up(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.tokens = {"demo"}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"contacts": [self._made(one["email"])["key"] for one in told["contacts"]]}

    def _made(self, mail: str) -> dict[str, Any]:
        key = f"p{len(self.people) + 1}"
        self.people[key] = {"key": key, "email": mail, "more": {}, "tags": []}
        return self.people[key]

    def records(self) -> dict[str, Any]:
        return {"contacts": [{"id": key, **one} for key, one in self.people.items()]}

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        self.tokens.add(token := f"t{len(self.tokens)}")
        return {"access_token": token, **told}

    def before(self, request: Request) -> Answer | None:
        return None if request.bearer() in self.tokens else Answer(401, "no")

    @route("GET", "/me")
    def me(self, request: Request) -> Answer:
        return Answer(200, {"id": 7, "name": "Acme", "asked": request.path})

    @route("GET", "/fields")
    def fields(self, request: Request) -> Answer:
        number, size = int(request.asked("page")), int(request.asked("size"))
        every = [
            {"id": name, "title": name.title(), "kind": kind, "locked": name == "sum"}
            for name, kind in FIELDS.items()
        ]
        return Answer(200, {"items": every[(number - 1) * size : number * size]})

    @route("POST", "/lookup", kind="read")
    def lookup(self, request: Request) -> Answer:
        mail = request.form()["mail"].lower()
        return Answer(200, {"hits": [one for one in self.people.values() if one["email"] == mail]})

    @route("GET", PERSON, kind="read")
    def read(self, request: Request) -> Answer:
        return Answer(200, self._found(request))

    @route("POST", "/people", kind="write")
    def create(self, request: Request) -> Answer:
        told = request.json()
        if any(one["email"] == told["email"] for one in self.people.values()):
            return Answer(409, {"code": "taken"})
        made = self._made(told["email"])
        made["more"] = _checked(told.get("more", {}))
        return Answer(201, {"key": made["key"]})

    @route("PATCH", PERSON, kind="write")
    def change(self, request: Request) -> Answer:
        found = self._found(request)
        found["more"].update(_checked(request.json().get("more", {})))
        return Answer(200, {"key": found["key"]})

    @route("POST", "/people/many", kind="write")
    def many(self, request: Request) -> Answer:
        results = [self._one(row) for row in request.json()["people"]]
        return Answer(207, {"results": results[1:] if self.options["short"] else results})

    def _one(self, row: dict[str, Any]) -> dict[str, Any]:
        if (error := self.faults.row(row["key"])) is not None:
            return dict(error)
        if row["key"] not in self.people:
            return {"status": 404, "code": "no_person"}
        try:
            self.people[row["key"]]["more"].update(_checked(row["set"].get("more", {})))
        except Refused as exc:
            return {"status": exc.answer.status, **exc.answer.body}
        return {"status": 200}

    @route("PUT", PERSON + "/tags/(?P<tag>.+)", kind="write")
    def tag(self, request: Request) -> Answer:
        self._found(request)["tags"].append(request.params["tag"])
        return Answer(204)

    @route("DELETE", PERSON + "/tags/(?P<tag>.+)", kind="write")
    def untag(self, request: Request) -> Answer:
        self._found(request)["tags"].remove(request.params["tag"])
        return Answer(204)

    def _found(self, request: Request) -> dict[str, Any]:
        if request.params["id"] not in self.people:
            raise Refused(Answer(404, {"code": "no_person"}))
        return self.people[request.params["id"]]


def _checked(more: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(more.get("age", ""), str) or more.get("age") == "200":
        raise Refused(Answer(400, {"code": "bad_age", "field": "age"}))
    return more
