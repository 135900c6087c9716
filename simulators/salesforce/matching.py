"""Which records a SOQL query selects, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.ids import SHORT, long_id
from simulators.salesforce.records import Record
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.soql import Group, Literal, Order, Path, Query, Test, malformed
from simulators.salesforce.store import Store
from simulators.salesforce.values import Code, RowRefused, refuse

Predicate = Callable[[Record], bool]

_LONGEST_FILTERABLE = 255
_QUOTED = {
    "string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "id", "reference",
}  # fmt: skip
_KINDS = {
    "boolean": "word", "int": "number", "double": "number", "currency": "number",
    "percent": "number", "date": "moment", "datetime": "moment",
}  # fmt: skip
_IDS = {"id", "reference"}
_SINGLE = {"=", "!=", "<", "<=", ">", ">=", "LIKE"}


class Matcher:
    """Finds the records of one store that a query selects."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def shape(self, name: str) -> ObjectShape:
        """The object of that name, in any case."""
        objects = self.store.objects
        found = objects.get(name) or next(
            (one for one in objects.values() if one.name.lower() == name.lower()), None
        )
        if found is None:
            raise refuse(Code.INVALID_TYPE, f"sObject type '{name}' is not supported.")
        return found

    # --- which records ---

    def matching(self, query: Query, shape: ObjectShape, *, deleted: bool) -> list[Record]:
        """The records a query selects, in order."""
        if shape.name == "ContentDocumentLink":
            _demand_link_filter(query.where)
        holds = self.predicate(query.where, shape)
        candidates = self.candidates(query.where, shape, deleted=deleted)
        chosen = [one for one in candidates if (deleted or not one["IsDeleted"]) and holds(one)]
        for order in reversed(query.orders):
            self._sort(chosen, order, shape)
        end = None if query.limit is None else query.offset + query.limit
        return chosen[query.offset : end]

    def candidates(
        self, where: Test | Group | None, shape: ObjectShape, *, deleted: bool
    ) -> Iterable[Record]:
        """A superset of the matching records: by index where a condition names an indexed field."""
        parts = where.parts if isinstance(where, Group) and where.joint == "AND" else (where,)
        for part in parts:
            if isinstance(part, Test) and self._narrows(part, shape, deleted=deleted):
                return self._narrowed(part, shape)
        return self.store.all_of(shape.name)

    def _narrows(self, test: Test, shape: ObjectShape, *, deleted: bool) -> bool:
        if test.operator not in {"=", "IN"} or len(test.path) != 1 or not test.values:
            return False
        field = self.field(shape, test.path)
        known = all(one.value is not None for one in test.values)
        return known and (
            field.name == "Id" or (not deleted and self.store.indexed(shape.name, field.name))
        )

    def _narrowed(self, test: Test, shape: ObjectShape) -> Iterable[Record]:
        field = self.field(shape, test.path)
        found: dict[str, Record] = {}
        for literal in test.values:
            value = long_id(str(literal.value)) if field.type in _IDS else literal.value
            if field.name == "Id":
                one = self.store.get(shape.name, str(value))
                matches = [] if one is None else [one]
            else:
                matches = self.store.holding(shape.name, field.name, value)
            found.update((one["Id"], one) for one in matches)
        return found.values()

    def field(self, shape: ObjectShape, path: Path) -> FieldShape:
        """The field at the end of a path. Raises INVALID_FIELD as the service words it."""
        for step in path[:-1]:
            shape = self.store.objects[parent_field(shape, step).reference_to[0]]
        found = shape.visible(path[-1])
        if found is None:
            raise _no_such_column(shape.name, path[-1])
        return found

    def value(self, record: Record, shape: ObjectShape, path: Path) -> Any:
        """What a path leads to from a record: None where a parent is missing."""
        for step in path[:-1]:
            reference = record.get(parent_field(shape, step).name)
            home = self.store.home_of(str(reference)) if reference else None
            parent = self.store.get(home, str(reference)) if home else None
            if home is None or parent is None:
                return None
            record, shape = parent, self.store.objects[home]
        return record.get(self.field(shape, path[-1:]).name)

    def predicate(self, where: Test | Group | None, shape: ObjectShape) -> Predicate:
        """The condition as a function of a record."""
        if where is None:
            return lambda _record: True
        if isinstance(where, Test):
            return self._test(where, shape)
        parts = [self.predicate(one, shape) for one in where.parts]
        if where.joint == "NOT":
            return lambda record: not parts[0](record)
        fold = all if where.joint == "AND" else any
        return lambda record: fold(part(record) for part in parts)

    def _test(self, test: Test, shape: ObjectShape) -> Predicate:
        field = self.field(shape, test.path)
        _demand_filterable(field)
        wanted = self._wanted(test, field)
        compare = _COMPARE[test.operator]
        if len(test.path) == 1:
            return lambda record: compare(_fold(field, record.get(field.name)), wanted)
        return lambda record: compare(_fold(field, self.value(record, shape, test.path)), wanted)

    def _wanted(self, test: Test, field: FieldShape) -> Any:
        if test.query is not None:
            inner = self.shape(test.query.entity)
            records = self.matching(test.query, inner, deleted=False)
            return {_fold(field, self.value(one, inner, test.query.paths[0])) for one in records}
        for literal in test.values:
            _demand_kind(field, literal)
        values = [_fold(field, one.value) for one in test.values]
        return values[0] if test.operator in _SINGLE else set(values)

    def _sort(self, records: list[Record], order: Order, shape: ObjectShape) -> None:
        field = self.field(shape, order.path)
        if field.type == "multipicklist":
            message = f"field '{field.name}' can not be sorted in a query call"
            raise malformed(message)

        def key(record: Record) -> tuple[bool, Any]:
            value = _fold(field, self.value(record, shape, order.path))
            # Nulls come first unless asked otherwise, in both directions.
            missing_ranks_high = order.nulls_last != order.descending
            return (value is None) == missing_ranks_high, "" if value is None else value

        records.sort(key=lambda one: _sortable(key(one)), reverse=order.descending)


def parent_field(shape: ObjectShape, step: str) -> FieldShape:
    """The reference field behind one step of a path. Raises INVALID_FIELD."""
    found = shape.relationship(step)
    if found is None or not found.visible:
        message = f"Didn't understand relationship '{step}' in field path."
        raise refuse(Code.INVALID_FIELD, message)
    return found


def _no_such_column(entity: str, name: str) -> RowRefused:
    message = (
        f"\nERROR at Row:1:Column:1\nNo such column '{name}' on entity '{entity}'. If you are "
        "attempting to use a custom field, be sure to append the '__c' after the custom field name."
    )
    return refuse(Code.INVALID_FIELD, message)


def _demand_filterable(field: FieldShape) -> None:
    if field.type in {"textarea", "base64"} and field.length > _LONGEST_FILTERABLE:
        message = f"field '{field.name}' can not be filtered in a query call"
        raise refuse(Code.INVALID_FIELD, message)


def _demand_kind(field: FieldShape, literal: Literal) -> None:
    if literal.value is None:
        return
    expected = "string" if field.type in _QUOTED else _KINDS.get(field.type, literal.kind)
    if literal.kind != expected:
        message = (
            f"value of filter criterion for field '{field.name}' must be of type {field.type}"
            + (" and should be enclosed in quotes" if expected == "string" else "")
        )
        raise refuse(Code.INVALID_FIELD, message)


def _filters_links(test: Test) -> bool:
    ids = {"contentdocumentid", "linkedentityid", "id"}
    return test.operator in {"=", "IN"} and not test.query and test.path[-1].lower() in ids


def _demand_link_filter(where: Test | Group | None) -> None:
    parts = where.parts if isinstance(where, Group) and where.joint == "AND" else (where,)
    for part in parts:
        if isinstance(part, Test) and _filters_links(part):
            return
    message = (
        "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
        "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the "
        "IN operator."
    )
    raise malformed(message)


def _fold(field: FieldShape, value: Any) -> Any:
    """A value in the form comparisons use: text without case, ids long."""
    if not isinstance(value, str):
        return value
    if field.type in _IDS:
        return long_id(value) if len(value) == SHORT else value
    return value.casefold()


def _sortable(key: tuple[bool, Any]) -> tuple[bool, str, float]:
    missing, value = key
    if isinstance(value, str):
        return missing, value, 0.0
    return missing, "", float(value)


def _like(value: Any, pattern: Any) -> bool:
    signs = (".*" if one == "%" else "." if one == "_" else re.escape(one) for one in str(pattern))
    return value is not None and re.fullmatch("".join(signs), value, re.DOTALL) is not None


def _selected(value: Any) -> set[str]:
    return set(value.split(";")) if value else set()


def _includes(value: Any, wanted: Any) -> bool:
    # 'a;b' asks for both, several members for any.
    return any(_selected(one) <= _selected(value) for one in wanted)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: bool(value == wanted),
    "!=": lambda value, wanted: bool(value != wanted),
    "<": lambda value, wanted: value is not None and bool(value < wanted),
    "<=": lambda value, wanted: value is not None and bool(value <= wanted),
    ">": lambda value, wanted: value is not None and bool(value > wanted),
    ">=": lambda value, wanted: value is not None and bool(value >= wanted),
    "LIKE": _like,
    "IN": lambda value, wanted: value in wanted,
    "NOT IN": lambda value, wanted: value not in wanted,
    "INCLUDES": _includes,
    "EXCLUDES": lambda value, wanted: not _includes(value, wanted),
}
