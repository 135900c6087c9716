"""What of a mapping's readiness one click can mend: only what can be undone. Pure.

may_be_too_long, too_long   the text is cut to the field's length
option_uncovered            the answer's options are given the field's of the same value or label
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.responses.configuration.drafting import value_map, with_row
from connector.responses.configuration.suiting import (
    MAY_BE_TOO_LONG,
    TOO_LONG,
    UNCOVERED,
    Answerable,
    uncovered,
)
from connector.responses.transforms import Context
from connector.responses.vocabulary import Variable
from schemas.fields import Entity, Field, FieldType

_CUT = frozenset({FieldType.TEXT, FieldType.LONG_TEXT})


def mended(
    body: Mapping[str, Any],
    code: str,
    place: int,
    *,
    entity: Entity,
    known: Answerable,
    context: Context,
) -> dict[str, Any] | None:
    """The body with the row at this place mended; None where a person has to decide."""
    row = body["rows"][place] if place < len(body["rows"]) else None
    target = entity.field(row["field"]) if row else None
    if row is None or target is None:
        return None
    steps = None
    if code in {TOO_LONG, MAY_BE_TOO_LONG} and target.type in _CUT and target.max_length:
        cut = {"name": "cut", "length": target.max_length, "count": "units"}
        steps = [*row["transforms"], cut]
    elif code == UNCOVERED:
        steps = _mapped(row, target, known, context)
    return None if steps is None else with_row(body, place, {**row, "transforms": steps})


def _mapped(
    row: Mapping[str, Any], target: Field, known: Answerable, context: Context
) -> list[dict[str, Any]] | None:
    """A table of values that has every uncovered answer; None where one has no option alike."""
    steps = row["transforms"]
    if [step["name"] for step in steps] not in ([], ["map_values"]):
        return None  # what stands in the table would depend on what the steps before it make
    lacking = [_said(one) for one in uncovered(row, target, known, context)]
    offered = [one for one in target.options if one.active]
    found = value_map(lacking, offered)
    if not found or not all(found.values()):
        return None
    if steps:
        return [{**steps[0], "values": {**steps[0]["values"], **found}}]
    return [{"name": "map_values", "values": found, "otherwise": "keep"}]


def _said(one: Variable) -> tuple[str, str]:
    value = one.value[0] if isinstance(one.value, tuple) else one.value
    word = str(value).lower() if isinstance(value, bool) else str(value)
    return word, one.labels[0] if one.labels else word
