"""/custom_objects: the account's own objects, their fields and their records, as the vendor's pages
of 2026-11 show them. What those leave open is a switch in account.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.kit.messages import Answer, Request
from simulators.zendesk import refusals, shapes
from simulators.zendesk.account import BATCH, Account, api
from simulators.zendesk.listing import one
from simulators.zendesk.refusals import RecordInvalid
from simulators.zendesk.state import Record

OBJECT = r"/custom_objects/(?P<key>[^/?]+)"
RECORDS = OBJECT + r"/records"
RECORD = RECORDS + r"/(?P<id>[^/?]+)"
PLAIN = ("name", "external_id")
UPSERT = "create_or_update_by_external_id"
VERBS = {
    "create": "Creating record",
    "update": "Updating record",
    UPSERT: "Upserting record",
}
FIELDS = "custom_object_fields"
MOST = 100


@dataclass
class Held:
    """One custom object: as it is shown, and its records by id."""

    shown: Record
    records: dict[str, Record] = field(default_factory=dict)


class Objects(Account):
    """The routes below /custom_objects."""

    @api("GET", r"/custom_objects", kind="schema")
    def list_objects(self, request: Request) -> Answer:
        del request
        self._check_plan()
        return self.ok({"custom_objects": [each.shown for each in self._objects().values()]})

    @api("POST", r"/custom_objects", kind="schema")
    def create_object(self, request: Request) -> Answer:
        """An object without fields of its own; a key that is taken is refused."""
        given = self.body_of(request, "custom_object")
        self._check_plan()
        self._check_admin()
        if given.get("key") in self._objects():
            raise _key_taken()
        for name in ("key", "title", "title_pluralized"):
            if not given.get(name):
                raise _blank(name)
        self._seed_object(given)
        return self.ok({"custom_object": self._objects()[given["key"]].shown}, 201)

    @api("POST", OBJECT + r"/fields", kind="schema")
    def create_object_field(self, request: Request) -> Answer:
        given = self.body_of(request, "custom_object_field")
        self._object(request)
        self._check_admin()
        kind = _kind(request.params["key"])
        if given.get("key") in self.account.by_key(kind):
            raise _key_taken()
        if given.get("type") == "lookup" and not given.get("relationship_target_type"):
            raise _blank(name="relationship_target_type")
        made = self.account.add_definition(kind, given)
        for record in self._objects()[request.params["key"]].records.values():
            record[FIELDS].setdefault(made["key"], None)
        return self.ok({"custom_object_field": made}, 201)

    @api("GET", OBJECT + r"/fields", kind="schema")
    def list_object_fields(self, request: Request) -> Answer:
        self._object(request)
        kind = _kind(request.params["key"])
        return self.ok({FIELDS: list(self.account.definitions[kind].values())})

    @api("GET", RECORDS, kind="read")
    def list_records(self, request: Request) -> Answer:
        """Those with these ids or external ids, which compare with their case; else all."""
        held, query = self._object(request), dict(request.query)
        found = list(held.records.values())
        for name in ("id", "external_id"):
            told = one(query, f"filter[{name}s]")
            if told is not None:
                wanted = told.split(",")
                found = [each for each in found if each[name] in wanted]
        request.rows = len(found[:MOST])
        meta = {"has_more": len(found) > MOST, "after_cursor": None, "before_cursor": None}
        shown = [self._object_record(each) for each in found[:MOST]]
        return self.ok({"custom_object_records": shown, "meta": meta, "links": {}})

    @api("POST", RECORDS, kind="write")
    def create_record(self, request: Request) -> Answer:
        given = self.body_of(request, "custom_object_record")
        held = self._object(request)
        self.row_fault(given)
        return self._told_record(self.made_record(held, given), 201)

    @api("PATCH", RECORD, kind="write")
    def update_record(self, request: Request) -> Answer:
        given, held = self.body_of(request, "custom_object_record"), self._object(request)
        found = held.records.get(request.params["id"])
        if found is None:
            raise refusals.not_found()
        self.row_fault(given, found["id"])
        self._settle_record(held, found, given)
        return self._told_record(found, 200)

    @api("POST", OBJECT + r"/jobs", kind="job")
    def object_job(self, request: Request) -> Answer:
        """Up to 100 records by one action. How a finished job tells its rows is a switch (U)."""
        given, held = self.body_of(request, "job"), self._object(request)
        acts = {"create": self._job_create, "update": self._job_update, UPSERT: self._job_upsert}
        action, rows = given.get("action"), given.get("items")
        if action not in acts or not isinstance(rows, list):
            raise refusals.bad_request(told="action and items are needed")
        if not self.options["object_jobs"]:
            raise refusals.forbidden()
        if len(rows) > BATCH:
            raise refusals.too_many(noun="items")
        request.rows = len(rows)
        act = acts[action]

        def apply(at: int, row: Record) -> Record:
            record, done = act(held, row)
            told: Record = {"id": record["id"], "external_id": record["external_id"]}
            if self.options["object_job_rows"] == "told":
                status = "Created" if done == "create" else "Updated"
                told = {"id": record["id"], "index": at, "action": done, "success": True,
                        "status": status}  # fmt: skip
            return told

        return self.queued(request, VERBS[action], rows, apply)

    # --- parts ---------------------------------------------------------------------------------

    def _job_create(self, held: Held, row: Record) -> tuple[Record, str]:
        return self.made_record(held, row), "create"

    def _job_update(self, held: Held, row: Record) -> tuple[Record, str]:
        found = held.records.get(str(row.get("id")))
        if found is None:
            raise refusals.not_found()
        self._settle_record(held, found, {name: row[name] for name in row if name != "id"})
        return found, "update"

    def _job_upsert(self, held: Held, row: Record) -> tuple[Record, str]:
        known = (one for one in held.records.values() if one["external_id"] == row["external_id"])
        found = next(known, None)
        if found is None:
            return self._job_create(held, row)
        self._settle_record(held, found, row)
        return found, "update"

    def seed_objects(self, told: list[Record]) -> dict[str, list[str]]:
        """Objects with `key`, `title`, `fields` and `records`, in place of those of that key."""
        return {one["key"]: self._seed_object(one) for one in told}

    def remove_object_fields(self, told: Mapping[str, list[str]]) -> None:
        """Delete fields, and their values with them."""
        for key, names in told.items():
            known = self.account.definitions[_kind(key)]
            gone = [number for number, one in known.items() if one["key"] in names]
            for number in gone:
                del known[number]
            for record in self._objects()[key].records.values():
                for name in names:
                    record[FIELDS].pop(name, None)

    def made_record(self, held: Held, given: Mapping[str, Any]) -> Record:
        number = f"01J{self.account.new_id():023d}"
        at, key = self.account.stamp(), held.shown["key"]
        made: Record = {
            "created_at": at,
            "created_by_user_id": str(shapes.ADMIN_ID),
            FIELDS: self.account.blank_fields(_kind(key)),
            "custom_object_key": key,
            "external_id": None,
            "id": number,
            "name": None,
            "photo": None,
            "updated_at": at,
            "updated_by_user_id": str(shapes.ADMIN_ID),
            "url": f"{self.base_url}/api/v2/custom_objects/{key}/records/{number}.json",
        }
        self._settle_record(held, made, given)
        held.records[number] = made
        return made

    def _settle_record(self, held: Held, record: Record, given: Mapping[str, Any]) -> None:
        settled = self.account.checked_fields(_kind(held.shown["key"]), given.get(FIELDS) or {})
        plain = {name: given[name] for name in PLAIN if name in given}
        if not {**record, **plain}["name"]:
            raise RecordInvalid(attribute="name", code="BlankValue", text="Name: cannot be blank")
        taken = plain.get("external_id")
        others = (each for each in held.records.values() if each is not record)
        if taken and any(each["external_id"] == taken for each in others):
            text = "External: has already been taken"
            raise RecordInvalid(attribute="external_id", code="DuplicateValue", text=text)
        record.update(plain)
        record[FIELDS].update(settled)
        self.account.touch(record, "custom_objects", given)

    def _seed_object(self, told: Record) -> list[str]:
        key, title = told["key"], told.get("title", told["key"])
        plural = told.get("title_pluralized", f"{title}s")
        shown = {
            "created_at": self.account.stamp(),
            "created_by_user_id": str(shapes.ADMIN_ID),
            "description": "",
            "key": key,
            "raw_description": "",
            "raw_title": title,
            "raw_title_pluralized": plural,
            "title": title,
            "title_pluralized": plural,
            "updated_at": self.account.stamp(),
            "updated_by_user_id": str(shapes.ADMIN_ID),
            "url": f"{self.base_url}/api/v2/custom_objects/{key}.json",
        }
        self.account.define(_kind(key), told.get("fields", ()))
        held = self._objects()[key] = Held(shown)
        return [self.made_record(held, each)["id"] for each in told.get("records", ())]

    def _objects(self) -> dict[str, Any]:
        return self.account.objects

    def _check_admin(self) -> None:
        """Only administrators make objects and fields."""
        if not self.options["administrator"]:
            raise refusals.forbidden()

    def _check_plan(self) -> None:
        if not self.options["custom_objects"]:
            raise refusals.forbidden()

    def _object(self, request: Request) -> Held:
        self._check_plan()
        found = self._objects().get(request.params["key"])
        if not isinstance(found, Held):
            raise refusals.not_found()
        return found

    def _object_record(self, record: Record) -> Record:
        """Whether empty fields are told is a switch (U)."""
        if self.options["empty_object_fields"] == "told":
            return record
        filled = {name: told for name, told in record[FIELDS].items() if told is not None}
        return {**record, FIELDS: filled}

    def _told_record(self, record: Record, status: int) -> Answer:
        return self.ok({"custom_object_record": self._object_record(record)}, status)


def _key_taken() -> RecordInvalid:
    return RecordInvalid(attribute="key", code="DuplicateValue", text="Key: has already been taken")


def _blank(name: str) -> RecordInvalid:
    text = f"{name.capitalize()}: cannot be blank"
    return RecordInvalid(attribute=name, code="BlankValue", text=text)


def _kind(key: str) -> str:
    """Under which its field definitions are kept."""
    return f"custom_object {key}"
