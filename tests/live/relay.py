"""The real Odoo behind the kit's server: faults on demand and a log of calls, real answers.

A fault such as `drop_after` cuts the connection when the real server has committed and answered.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import requests

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route
from simulators.odoo.service import LOGIN, called_in, kind_of
from tests.live.odoo_server import Server

OURS = ["|", ["email", "=ilike", "%@example.test"], ["email", "=ilike", "%@x.test"]]
ANY = {"active_test": False}
FIELDS: dict[str, dict[str, Any]] = {
    "x_nps_score": {"ttype": "integer"},
    "x_nps_comment": {"ttype": "text"},
    "x_nps_summary": {"ttype": "char", "size": 80},
    "x_nps_basket": {"ttype": "float"},
    "x_nps_follow_up": {"ttype": "boolean"},
    "x_nps_date": {"ttype": "date"},
    "x_nps_answered_at": {"ttype": "datetime"},
    "x_nps_segment": {
        "ttype": "selection",
        "selection": "[('promoter', 'P'), ('passive', 'N'), ('detractor', 'D')]",
    },
}
# Internal user and Contact Creation: what docs/apps/odoo.md tells an admin to give, no more.
GROUPS = (("base", "group_user"), ("base", "group_partner_manager"))
ADMINISTRATORS = ("base", "group_erp_manager")
RESPONSES, KEY_FIELD = "x_npstoday_response", "x_npstoday_key"


class Relay(Simulator):
    """Calls go through to the real server; seeding and looking is the administrator's."""

    name = "Odoo 11"
    defaults: ClassVar[dict[str, Any]] = {"administrator": False}

    def __init__(self, server: Server) -> None:
        self.server = server
        self.issued = 0
        super().__init__()

    def set_up(self) -> None:
        """The fields and the user of the admin's guide, and none of the contacts of other tests."""
        self._make_fields()
        self.user_id = self._make_user()
        self.clean()

    def options_changed(self) -> None:
        """Whether the integration user may make fields, models and rules."""
        act = 4 if self.options["administrator"] else 3
        values = {"groups_id": [[act, self._group(*ADMINISTRATORS)]]}
        self.server.call("res.users", "write", [self.user_id], values)

    @route("POST", "/jsonrpc")
    def jsonrpc(self, request: Request) -> Answer:
        """The real server's answer."""
        headers = {"Content-Type": request.headers["content-type"]}
        told = requests.post(
            f"{self.server.url}/jsonrpc", data=request.body, headers=headers, timeout=60
        )
        request.kind = kind_of(called_in(request) or [""])
        return Answer(told.status_code, told.content, {}, told.headers["Content-Type"])

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Version 11 has no keys: the password takes their place."""
        if told.get("revoke"):
            self._set_password("nobody-knows-this-one")
        if "issue" not in told:
            return {"refreshes": 0}
        self._set_password("issued-password")
        return {"access_token": "issued-password"}

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Contacts, leads, tags, edits and deletions, as the simulator takes them."""
        for name in told.get("tags", ()):
            self.server.call("res.partner.category", "create", {"name": name})
        made = self._imported(told.get("contacts", ()))
        for number, values in told.get("edit", {}).items():
            self.server.call("res.partner", "write", [int(number)], values)
        for act, ids in (("unlink", "delete"), ("toggle_active", "archive")):
            if told.get(ids):
                self.server.call("res.partner", act, [int(one) for one in told[ids]])
        leads = [str(self.server.call("crm.lead", "create", one)) for one in told.get("leads", ())]
        return {"contacts": made, "leads": leads}

    def _imported(self, contacts: Sequence[Mapping[str, str]]) -> list[str]:
        """New contacts in one call: a hundred creates would take longer than a test waits."""
        if not contacts:
            return []
        rows = [[one.get("name") or one["email"], one["email"]] for one in contacts]
        told = self.server.call("res.partner", "load", ["name", "email"], rows)
        assert told["ids"], told["messages"]
        return [str(one) for one in told["ids"]]

    def records(self) -> dict[str, Any]:
        """The tests' contacts with fields, tags, notes and files; all tags and responses."""
        names = {one["id"]: one["name"] for one in self._tags()}
        fields = ["name", "email", "phone", "category_id", *FIELDS]
        contacts = self.server.call(
            "res.partner", "search_read", OURS, fields, order="id", context=ANY
        )
        ids = [one["id"] for one in contacts]
        domain = [["model", "=", "res.partner"], ["res_id", "in", ids], ["subject", "!=", False]]
        notes = self.server.call(
            "mail.message", "search_read", domain, ["res_id", "body", "attachment_ids"]
        )
        return {
            "contacts": [
                {
                    "id": str(one["id"]),
                    "email": one["email"],
                    "fields": {name: one[name] for name in fields if one[name] is not False},
                    "tags": [names[tag] for tag in one["category_id"]],
                    "notes": [note for note in notes if note["res_id"] == one["id"]],
                    "files": self._files(one["id"], notes),
                }
                for one in contacts
            ],
            "tags": self._tags(),
            "made": {RESPONSES: self._responses()},
            "activities": self._activities(),
        }

    def _files(self, contact: int, notes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        domain = [["res_model", "=", "res.partner"], ["res_id", "=", contact]]
        told = self.server.call("ir.attachment", "search_read", domain, ["name", "datas"])
        return [
            {
                "id": str(one["id"]),
                "name": one["name"],
                "sha256": hashlib.sha256(b64decode(one["datas"])).hexdigest(),
                "noted": sum(one["id"] in note["attachment_ids"] for note in notes),
            }
            for one in told
            if one["datas"]
        ]

    def _activities(self) -> list[dict[str, Any]]:
        if not self.server.call("mail.activity", "fields_get", [KEY_FIELD], ["type"]):
            return []
        fields = ["res_id", "res_model", "summary", "note", "user_id", KEY_FIELD]
        domain = [[KEY_FIELD, "!=", False]]
        told = self.server.call("mail.activity", "search_read", domain, fields)
        return [{"id": str(one["id"]), "fields": one} for one in told]

    def _responses(self) -> list[dict[str, Any]]:
        if not self._made(RESPONSES):
            return []
        told = self.server.call(RESPONSES, "search_read", [], [], order="id")
        return [
            {
                "id": str(one["id"]),
                "fields": {
                    name: value[0] if isinstance(value, list) else value
                    for name, value in one.items()
                    if name.startswith("x_") and value is not False
                },
            }
            for one in told
        ]

    def _made(self, model: str) -> list[int]:
        made: list[int] = self.server.call("ir.model", "search", [["model", "=", model]])
        return made

    def clean(self) -> None:
        """Remove what other tests have left."""
        call = self.server.call
        if ours := [int(one["id"]) for one in self._activities()]:
            call("mail.activity", "unlink", ours)
        partners = call("res.partner", "search", OURS, context=ANY)
        user = call("res.users", "read", [self.user_id], ["partner_id"])[0]["partner_id"][0]
        call("res.partner", "unlink", [one for one in partners if one != user])
        tags = call("res.partner.category", "search", [["name", "=ilike", "npstoday%"]])
        call("res.partner.category", "unlink", tags)
        # A user has his contact's fields, too: those go with it.
        domain = [["name", "=", KEY_FIELD], ["model", "in", ["res.partner", "mail.activity"]]]
        made = call("ir.model.fields", "search", domain)
        for model, ids in (("ir.model", self._made(RESPONSES)), ("ir.model.fields", made)):
            if ids:
                call(model, "unlink", ids)

    def _tags(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.server.call(
            "res.partner.category", "search_read", [], ["name"], order="id"
        )
        return told

    def _make_fields(self) -> None:
        (model,) = self.server.call("ir.model", "search", [["model", "=", "res.partner"]])
        known = self.server.call("res.partner", "fields_get", list(FIELDS), ["type"])
        for name, definition in FIELDS.items():
            if name not in known:
                values = {"model_id": model, "name": name, "field_description": name}
                self.server.call(
                    "ir.model.fields", "create", {**values, "state": "manual", **definition}
                )

    def _make_user(self) -> int:
        found = self.server.call("res.users", "search", [["login", "=", LOGIN]])
        if found:
            return int(found[0])
        groups = [self._group(*one) for one in GROUPS]
        values = {"name": "Answerback", "login": LOGIN, "email": LOGIN}
        made = self.server.call("res.users", "create", {**values, "groups_id": [[6, 0, groups]]})
        return int(made)

    def _group(self, module: str, name: str) -> int:
        domain = [["module", "=", module], ["name", "=", name]]
        (found,) = self.server.call("ir.model.data", "search_read", domain, ["res_id"])
        return int(found["res_id"])

    def _set_password(self, password: str) -> None:
        self.server.call("res.users", "write", [self.user_id], {"password": password})
