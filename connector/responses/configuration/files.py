"""A mapping that came as a file (YAML or a spreadsheet): saved as a draft, or refused with every
place at once.

It is held against the same schema and the same check as a mapping of the API. What one row lacks
does not hide what is wrong with the others: those that have their shape are checked all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from connector.documents import Document, misshapen
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import mappings
from connector.responses.configuration.checking import check, places
from schemas.config import MappingSchema
from schemas.phrases import phrase

_ROW = re.compile(r"/rows/(\d+)")


def save_file(
    connection: Connection, workspace_id: int, document: Document, *, actor: str
) -> dict[str, Any]:
    """Keep the document as the draft of the mapping it names; the mapping, with `warnings`.

    Raises Refusal: BODY_INVALID where a place has not its shape, MAPPING_INVALID where a mapping
    like that could never work; then nothing is stored. What stands against publishing besides, for
    the sake of what respondents can answer, is among the warnings. Where the field definitions have
    not been downloaded nothing of that can be told, and a warning says so.
    """
    body, warnings = _sound(connection, workspace_id, document)
    row = mappings.save(connection, workspace_id, body=body, actor=actor, mapping_id=None)
    return {**row, "warnings": warnings}


def _sound(
    connection: Connection, workspace_id: int, document: Document
) -> tuple[dict[str, Any], list[Place]]:
    wrong = list(_misshapen(document))
    numbers, body = _whole_rows(document, wrong)
    errors, warnings = _checked(connection, workspace_id, body) if body else ([], [])
    found = [document.placed(_renumbered(one, numbers)) for one in errors]
    if wrong:
        raise Refusal(Code.BODY_INVALID, places=[*wrong, *found])
    if found or body is None:
        raise Refusal(Code.MAPPING_INVALID, places=found)
    return body, [document.placed(one) for one in warnings]


def _misshapen(document: Document) -> Iterable[Place]:
    """What could not be read, and what the schema says of the rest."""
    yield from document.faults
    told = {one.pointer for one in document.faults}
    schema = MappingSchema()
    try:
        schema.load(document.value)
    except ValidationError as exc:
        # A cell that could not be read is not missing besides.
        yield from (one for one in misshapen(document, schema, exc) if one.pointer not in told)


def _whole_rows(
    document: Document, wrong: Iterable[Place]
) -> tuple[list[int], dict[str, Any] | None]:
    """The mapping with the rows that nothing is wrong with, and their numbers in the document.

    None where that is no mapping: its head has not its shape, or no row is left.
    """
    lacking = {int(found.group(1)) for one in wrong if (found := _ROW.match(one.pointer))}
    rows = document.value.get("rows") if isinstance(document.value, dict) else None
    if not isinstance(rows, list):
        return [], None
    numbers = [one for one in range(len(rows)) if one not in lacking]
    try:
        kept = [rows[one] for one in numbers]
        body: dict[str, Any] = MappingSchema().load({**document.value, "rows": kept})
    except ValidationError:
        return numbers, None
    return numbers, body


def _checked(
    connection: Connection, workspace_id: int, body: dict[str, Any]
) -> tuple[list[Place], list[Place]]:
    """What keeps the mapping from being published, and what should be known besides."""
    try:
        seen = check(connection, workspace_id, body)
    except Refusal as exc:
        if exc.code is Code.NO_FIELD_DEFINITIONS:
            text = phrase(
                "the fields could not be checked: their definitions are not downloaded yet"
            )
            return [], [Place("/entity", "unchecked_field", text)]
        return list(exc.places), []
    problems = [*(one for one in seen.problems if one.warning), *seen.answers]
    return places(seen.errors), places(problems)


def _renumbered(place: Place, numbers: list[int]) -> Place:
    found = _ROW.match(place.pointer)
    if not found:
        return place
    rest = place.pointer[found.end() :]
    return replace(place, pointer=f"/rows/{numbers[int(found.group(1))]}{rest}")
