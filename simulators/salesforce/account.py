"""One simulated Salesforce org: its records, its set-up, what is checked before each call.

Seeding takes Salesforce's own names:

    {"contacts": [{"LastName": "Møller", "Email": "a@example.com", ...}], "accounts": [...],
     "records": {"Lead": [...]}, "objects": [{"name", "prefix", "fields": [{"name", "label"}]}],
     "fields": [{"object", "name", "label", "type"...}], "update": [{"id", "values"}],
     "delete": [id], "merge": [{"loser", "survivor"}],
     "convert": [{"lead", "contact"}], "persons": [{"LastName", "Email", ...}],
     "record_types": [{"object", "name", "options": {field: [value]}}]}     (record_types.py)

`persons` are contacts with an account of their own (option `person_accounts`). Update, delete,
merge and convert are what other people do in the org behind our back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from simulators.kit.messages import HTML_TYPE, Answer, Request
from simulators.kit.pages import Shown
from simulators.kit.quota import DAY_S, SlidingWindow
from simulators.kit.simulator import Simulator
from simulators.salesforce.field import FieldShape
from simulators.salesforce.org import standard_org
from simulators.salesforce.persons import allow_persons, mirror, person_made
from simulators.salesforce.record_types import FIELD, RecordTypeShape, reference
from simulators.salesforce.records import Write
from simulators.salesforce.seen import records_of, shown_of
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.store import Store
from simulators.salesforce.values import RowRefused
from simulators.salesforce.wording import not_found, said

NEWEST = 68
RETIRED = range(21, 31)
DEPRECATED = range(31, 41)
MAX_URI = 16_384
_MAINTENANCE = (
    "<html><head><title>We are down for maintenance.</title></head><body>Sorry!</body></html>"
)
_FLAT = frozenset({"values", "retired_values", "reference_to"})


class Org(Simulator):
    """The account behind the routes."""

    name = "Salesforce"
    defaults = {  # noqa: RUF012 - the base class declares it a ClassVar
        "access_ttl_s": 7200,
        "code_ttl_s": 900,
        "rotate_refresh": True,
        "require_pkce": True,
        "daily_limit": 15_000,
        "batch_size": 2000,
        "duplicate_rule": "off",
        # What /limits tells: all, calls (no storage without Manage Users), none (no View Setup).
        "limits_told": "all",
        "data_mb": (1024, 900),
        "file_mb": (11_264, 10_000),
        "package_installed": True,
        "customize_application": True,
        "field_changes": {},
        "unknown_field_in_rows": False,
        "strict_json": False,
        "email_batch_upsert": False,
        "deprecated_gone": False,
        "unmodified_since": True,
        "instance_url": "",
        "org_name": "Answerback demo org",
        "org_number": 1,
        "is_sandbox": False,
        "jwt_public_key": "",
        "jwt_user": "integration@answerback.example",
        "jwt_audiences": ["https://login.salesforce.com", "https://test.salesforce.com"],
        "bulk_polls": 1,
        "bulk_fails": "",
        "bulk_done": 0,
        "bulk_forgotten": False,
        "bulk_empty": "keeps",
        "person_accounts": False,
        "person_contact_writable": False,
    }

    # --- the state of a fresh org ---

    def set_up(self) -> None:
        self.store = Store(standard_org(), lambda: datetime.fromtimestamp(self.clock.now(), UTC))
        self.cursors: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._found_the_org()
        self.options_changed()
        if not self.options["package_installed"]:
            del self.store.objects["NPSToday_Response__c"]
            for entity in ("Contact", "Lead"):
                for name in [one for one in self.store.objects[entity].fields if "NPSToday" in one]:
                    del self.store.objects[entity].fields[name]

    def options_changed(self) -> None:
        self.store.duplicate_rule = str(self.options["duplicate_rule"])
        if self.options["person_accounts"]:
            allow_persons(self.store.objects)
        self.calls = SlidingWindow(int(self.options["daily_limit"]), DAY_S)
        for path, changes in self.options["field_changes"].items():
            entity, _, field = path.partition(".")
            flat = {key: tuple(one) if key in _FLAT else one for key, one in changes.items()}
            self.store.objects[entity].change(field, **flat)

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._put(told)
        except RowRefused as refused:
            message = f"not taken: {refused.complaints}"
            raise ValueError(message) from refused

    def _put(self, told: dict[str, Any]) -> dict[str, Any]:
        for one in told.get("objects", ()):
            fields = [FieldShape(**_flat(field)) for field in one["fields"]]
            self.store.add_object(ObjectShape.of(one["name"], one["prefix"], fields))
        for one in told.get("fields", ()):
            field = FieldShape(**_flat({key: each for key, each in one.items() if key != "object"}))
            self.store.objects[one["object"]].fields[field.name] = field
        types = [self._typed(one) for one in told.get("record_types", ())]
        made = {
            "record_types": types,
            "accounts": self._seeded("Account", told.get("accounts", ())),
            "contacts": self._seeded("Contact", told.get("contacts", ())),
            "persons": [person_made(self.store, one) for one in told.get("persons", ())],
            "records": {
                entity: self._seeded(entity, rows)
                for entity, rows in told.get("records", {}).items()
            },
        }
        self._meddle(told)
        self.store.history.clear()
        return made

    def _typed(self, told: Mapping[str, Any]) -> str:
        """One more record type of an object."""
        shape, label = self.store.objects[told["object"]], str(told.get("label", told["name"]))
        row = {"Name": label, "DeveloperName": told["name"], "SobjectType": shape.name,
               "IsActive": told.get("active", True)}  # fmt: skip
        made = self.store.insert("RecordType", row)
        options = {name: tuple(of) for name, of in told.get("options", {}).items()}
        flags = {name: told[name] for name in ("default", "active", "told") if name in told}
        shape.fields.setdefault(FIELD, reference())
        shape.record_types[made] = RecordTypeShape(made, told["name"], label, options, **flags)
        return made

    def _seeded(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        return [self.store.insert(entity, row) for row in rows]

    def _meddle(self, told: Mapping[str, Any]) -> None:
        for one in told.get("update", ()):
            self.edit(one)
        for one in told.get("delete", ()):
            self.store.delete(str(self.store.home_of(one)), one)
        for one in told.get("merge", ()):
            home = str(self.store.home_of(one["loser"]))
            self.store.merge(home, one["loser"], one["survivor"])
        for one in told.get("convert", ()):
            self.store.convert(one["lead"], one["contact"])

    def edit(self, told: Mapping[str, Any]) -> None:
        """Another user changes a record."""
        self.store.update(str(self.store.home_of(told["id"])), told["id"], told["values"])

    def _found_the_org(self) -> None:
        user = {"Username": "integration@answerback.example", "LastName": "User",
                "FirstName": "Integration", "Email": "integration@answerback.example",
                "IsActive": True}  # fmt: skip
        self.store.user_id = self.store.insert("User", user)
        self.org_id = self.store.insert("Organization", {})
        about = {
            "Name": self.options["org_name"],
            "IsSandbox": self.options["is_sandbox"],
            "InstanceName": "EU99",
            "OrganizationType": "Enterprise Edition",
        }
        self.store.poke("Organization", self.org_id, about)
        self.store.history.clear()

    # --- before and after each call ---

    def before(self, request: Request) -> Answer | None:
        if not request.path.startswith("/services/data/v"):
            return None
        if "api" not in self.granted(request):
            return said(
                403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
            )
        if not self.calls.take(self.clock.now()):
            return said(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if len(request.path) + len(urlencode(request.query, doseq=True)) > MAX_URI:
            return Answer(414, "URI Too Long", {}, HTML_TYPE)
        return self._version_gone(request)

    def granted(self, request: Request) -> set[str]:
        """The scopes of the request's token. Refused with 401 when it is unknown or expired."""
        raise NotImplementedError

    def _version_gone(self, request: Request) -> Answer | None:
        version = int(request.params.get("version", "66.0").partition(".")[0])
        gone = version in RETIRED or (version in DEPRECATED and self.options["deprecated_gone"])
        if gone:
            return said(410, "GONE", "This version of the API has been retired.")
        return not_found() if version > NEWEST or version < RETIRED.start else None

    def finish(self, request: Request, answer: Answer) -> Answer:
        for write in list(self.store.history):
            mirror(self.store, write)
        for write in self.store.history:
            self._settle(write)
        self.store.history.clear()
        self.store.mark()
        if request.path.startswith("/services/data/v"):
            used = self.calls.limit - self.calls.remaining(self.clock.now())
            answer.headers.setdefault("Sforce-Limit-Info", f"api-usage={used}/{self.calls.limit}")
        return answer

    def _settle(self, write: Write) -> None:
        """What follows from a write elsewhere in the org, and the history of each contact."""
        told = {"kind": write.kind, "entity": write.entity, "values": dict(write.values)}
        concerned = write.record_id
        if write.entity in {"Task", "Event"} and write.values.get("WhoId"):
            day = write.values.get("ActivityDate") or write.at[:10]
            self.store.poke("Contact", write.values["WhoId"], {"LastActivityDate": day})
        if write.entity == "ContentDocumentLink" and write.kind == "create":
            home = self.store.home_of(str(write.values["ContentDocumentId"]))
            kind = "note" if home == "ContentNote" else "file"
            concerned, told["kind"] = str(write.values["LinkedEntityId"]), kind
        if write.entity in {"FieldPermissions", "ObjectPermissions", "PermissionSetAssignment"}:
            self._grant()
        self.log.wrote(concerned, self.clock.now(), told)

    def _grant(self) -> None:
        """What the API user's permission sets show of the objects and fields made by API."""
        mine = {
            one["PermissionSetId"]
            for one in self.store.all_of("PermissionSetAssignment")
            if one["AssigneeId"] == self.store.user_id and not one["IsDeleted"]
        }
        for one in self.store.all_of("ObjectPermissions"):
            if one["ParentId"] in mine and one["PermissionsRead"] and not one["IsDeleted"]:
                self._show(str(one["SobjectType"]), one)
        for one in self.store.all_of("FieldPermissions"):
            if one["ParentId"] in mine and not one["IsDeleted"]:
                entity, _, field = str(one["Field"]).partition(".")
                edit = bool(one["PermissionsEdit"])
                shape = self.store.objects[entity]
                shape.change(
                    field, visible=bool(one["PermissionsRead"]), createable=edit, updateable=edit
                )

    def _show(self, name: str, grant: Mapping[str, Any]) -> None:
        if (shape := self.store.hidden.pop(name, None)) is None:
            return
        shape.createable = bool(grant["PermissionsCreate"])
        shape.updateable = bool(grant["PermissionsEdit"])
        self.store.add_object(shape)

    # --- what tests and the page see ---

    def records(self) -> dict[str, Any]:
        return {**records_of(self.store), "org_id": self.org_id}

    def shown(self) -> list[Shown]:
        return shown_of(self.store)

    # --- its wording ---

    def throttled(self, request: Request, wait_s: float) -> Answer:
        # Salesforce has no 429 and names no time to wait.
        del request, wait_s
        message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return said(403, "REQUEST_LIMIT_EXCEEDED", message)

    def failed(self, request: Request, status: int) -> Answer:
        del request
        if status == 500:
            return said(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1-2")
        return Answer(status, _MAINTENANCE, {}, HTML_TYPE)

    def bad_body(self, request: Request) -> Answer:
        del request
        return said(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]")

    def no_route(self, request: Request) -> Answer:
        del request
        return not_found()


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(one) if key in _FLAT else one for key, one in told.items()}
