"""Batches of the simulated portal: read, create, update, upsert, archive, at most 100 records each.

A row's own error makes the answer 207. Results come in no particular order, as recorded. A create
without `objectWriteTraceId` on every input is refused whole because of one bad row (vendor's batch
guide).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulators.hubspot.errors import invalid_values, row_error
from simulators.hubspot.objects import OBJECTS, Objects, change_tells, created_tells
from simulators.hubspot.portal import area
from simulators.hubspot.store import NOT_FOUND, VALIDATION, Kind, Record, RowRefused
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

MOST = 100
Input = Mapping[str, Any]
Row = Callable[[Kind, Input], dict[str, Any]]


class Batches(Objects):
    """The calls for many records at a time."""

    @route("POST", OBJECTS + "/batch/read", kind="read")
    def batch_read(self, request: Request) -> Answer:
        """Records by id or one unique property; what is not there is named in a 207."""
        kind = self.kind(request, write=False)
        told, inputs = self._inputs(request)
        id_property = told.get("idProperty")
        self._check_key(kind, id_property)
        found: dict[str, Record] = {}
        missing = []
        for one in inputs:
            record = kind.find(str(one.get("id", "")), id_property)
            if record is None:
                missing.append(str(one.get("id", "")))
            else:
                found[record.id] = record
        wanted = told.get("properties") or []
        results = [self.answered(one, kind.shown(one, wanted)) for one in found.values()]
        return self._batch_answer(request, results, _not_found(kind, missing), status=200)

    @route("POST", OBJECTS + "/batch/update", kind="write")
    def batch_update(self, request: Request) -> Answer:
        """Change records by id or unique property."""
        kind = self.kind(request, write=True)
        _, inputs = self._inputs(request)
        self._refuse_twice(kind, inputs)
        return self._rows(request, kind, inputs, self._update_row, status=200)

    @route("POST", OBJECTS + "/batch/create", kind="write")
    @route("POST", area("objects") + r"/(?P<object>notes)/batch/create", kind="note")
    def batch_create(self, request: Request) -> Answer:
        """New records."""
        kind = self.kind(request, write=True)
        _, inputs = self._inputs(request)
        self._refuse_same_email(inputs)
        if not all(one.get("objectWriteTraceId") for one in inputs):
            self._refuse_if_any_bad(kind, inputs)
        return self._rows(request, kind, inputs, self._create_row, status=201)

    @route("POST", OBJECTS + "/batch/upsert", kind="write")
    def batch_upsert(self, request: Request) -> Answer:
        """Change the records that are there, create the others."""
        kind = self.kind(request, write=True)
        _, inputs = self._inputs(request)
        self._refuse_twice(kind, inputs)
        return self._rows(request, kind, inputs, self._upsert_row, status=200)

    @route("POST", OBJECTS + "/batch/archive", kind="write")
    def batch_archive(self, request: Request) -> Answer:
        """Delete records; unknown ids are ignored."""
        kind = self.kind(request, write=True)
        _, inputs = self._inputs(request)
        for one in inputs:
            if record := kind.find(str(one.get("id", ""))):
                kind.archive(record)
                self.after_write(record)
        return Answer(204)

    # --- rows -----------------------------------------------------------------------------------

    def _update_row(self, kind: Kind, one: Input) -> dict[str, Any]:
        record = kind.find_to_change(str(one.get("id", "")), one.get("idProperty"))
        if record is None:
            raise RowRefused(NOT_FOUND, _gone(kind), status=404)
        self.changed(kind, record, one["properties"], one.get("objectWriteTraceId"))
        return self.answered(record, change_tells(record, one["properties"]), **_trace(one))

    def _create_row(self, kind: Kind, one: Input) -> dict[str, Any]:
        record = self.created(kind, one["properties"], one)
        return self.answered(record, created_tells(record), **_trace(one))

    def _upsert_row(self, kind: Kind, one: Input) -> dict[str, Any]:
        key = one.get("idProperty") or ""
        if kind.find(str(one.get("id", "")), key) is None:
            properties = {key: str(one.get("id", "")), **one["properties"]}
            return {**self._create_row(kind, {**one, "properties": properties}), "new": True}
        if key == "email" and self.options["partial_email_upsert"] == "refuse":
            told = "Partial upserts are not supported when the id property is email"
            raise RowRefused(VALIDATION, told)
        return {**self._update_row(kind, one), "new": False}

    def _rows(
        self, request: Request, kind: Kind, inputs: list[Input], act: Row, *, status: int
    ) -> Answer:
        if self.options["strict_batches"]:
            self._refuse_if_any_bad(kind, inputs)
        results, errors = [], []
        for one in inputs:
            try:
                results.append(act(kind, one))
            except RowRefused as exc:
                errors.append(_row_error(exc, one))
        return self._batch_answer(request, results, errors, status=status)

    def _batch_answer(
        self,
        request: Request,
        results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
        *,
        status: int,
    ) -> Answer:
        request.rows = len(results) + len(errors)
        self.rng.shuffle(results)
        now = self.clock.iso()
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return Answer(207 if errors else status, body)

    # --- what refuses a whole batch -------------------------------------------------------------

    def _inputs(self, request: Request) -> tuple[Input, list[Input]]:
        told = request.json()
        inputs = told.get("inputs") if isinstance(told, dict) else None
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise Refused(self.errors.bad_json())
        request.rows = len(inputs)
        if len(inputs) > MOST:
            told_why = f"The maximum number of inputs supported in a batch request is {MOST}"
            raise Refused(self.errors.invalid(told_why))
        for one in inputs:
            if "properties" in one:
                self.strings(one["properties"])
            elif not request.path.endswith(("/read", "/archive")):
                raise Refused(self.errors.bad_json())
        return told, inputs

    def _check_key(self, kind: Kind, id_property: str | None) -> None:
        if id_property and id_property not in kind.keys() | {"hs_object_id"}:
            told = f"The idProperty {id_property} is not a unique property of {kind.singular}"
            raise Refused(self.errors.invalid(told))

    def _refuse_twice(self, kind: Kind, inputs: list[Input]) -> None:
        for one in inputs:
            self._check_key(kind, one.get("idProperty"))
        ids = [(one.get("idProperty"), str(one.get("id", "")).lower()) for one in inputs]
        twice = (
            sorted({one[1] for one in ids if ids.count(one) > 1})
            if len(set(ids)) < len(ids)
            else []
        )
        if twice:
            raise Refused(self.errors.invalid(f"Duplicate IDs found in batch input: {twice}"))

    def _refuse_same_email(self, inputs: list[Input]) -> None:
        emails = [one["properties"].get("email", "").lower() for one in inputs]
        given = [one for one in emails if one]
        if len(set(given)) < len(given):
            raise Refused(self.errors.invalid("Duplicate emails found in batch input"))

    def _refuse_if_any_bad(self, kind: Kind, inputs: list[Input]) -> None:
        for one in inputs:
            try:
                self._check_row(kind, one)
            except RowRefused as exc:
                raise Refused(self.refusal(exc)) from exc

    def _check_row(self, kind: Kind, one: Input) -> None:
        if "id" in one:
            kind.checked(one["properties"], kind.find(str(one["id"]), one.get("idProperty")))
            return
        self.check_required(kind, kind.checked(one["properties"], None))
        self.checked_links(kind, one.get("associations") or [])


def _row_error(exc: RowRefused, one: Input) -> dict[str, Any]:
    message = invalid_values(exc.faults) if exc.faults else exc.message
    trace = one.get("objectWriteTraceId")
    context = {"objectWriteTraceId": [trace]} if trace else {"ids": [str(one.get("id", ""))]}
    return row_error(message, category=exc.category, context=context)


def _trace(one: Input) -> dict[str, str]:
    trace = one.get("objectWriteTraceId")
    return {"objectWriteTraceId": trace} if trace else {}


def _gone(kind: Kind) -> str:
    return (
        f"Could not get some {kind.singular} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )


def _not_found(kind: Kind, missing: list[str]) -> list[dict[str, Any]]:
    if not missing:
        return []
    return [row_error(_gone(kind), category="OBJECT_NOT_FOUND", context={"ids": missing})]
