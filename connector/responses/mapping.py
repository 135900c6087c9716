"""One response through one mapping: the row for the CRM, and what is wrong with a mapping. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.responses.fitting import FITS, Unfit, fitted, given
from connector.responses.rules import ExpressionInvalid, expression, suggestion
from connector.responses.transforms import (
    Context,
    NothingWritten,
    ParameterInvalid,
    TransformFailed,
    step_problem,
    transformed,
)
from connector.responses.vocabulary import CRM_LINK, HUB_LINK, OPEN, Kind, Variable
from schemas.fields import Entity, Field, FieldType, FieldValue
from schemas.phrases import phrase
from schemas.record import broken_rule

_DOES = {"create": phrase("create"), "update": phrase("update"), "upsert": phrase("upsert")}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row of a mapping. `place` is `rows[3]`, `identify` or `operation`.

    `code` is a stable word; the message names variable, field and rule, never a value. A `warning`
    does not keep the mapping from being published.
    """

    place: str
    field: str
    code: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class MappedRow:
    """What one response writes through one mapping.

    `match_value` None: the response does not say whom it is about. `keep` names the fields that are
    written only where the CRM's are empty; `used` the answers that found their field.
    """

    match_field: str
    match_value: str | None
    values: Mapping[str, FieldValue]
    keep: frozenset[str]
    used: frozenset[str]
    problems: tuple[Problem, ...]


_NOTHING = Variable(Kind.ANY, None)
# Options named in one warning.
_MOST_NAMED = 10


def mapped_row(
    mapping: Mapping[str, Any],
    variables: Mapping[str, Variable],
    *,
    entity: Entity,
    context: Context,
) -> MappedRow:
    """The row of this response. A value that does not fit is a problem and is left out of `values`.

    `mapping` is a saved body (schemas/config.py). Blank texts and empty lists count as missing: the
    row's `when_missing` says what then happens, so that an unanswered question clears nothing.
    """
    fields = entity.by_name()
    known = replace(context, variables=variables)
    values: dict[str, FieldValue] = {}
    problems: list[Problem] = []
    used: frozenset[str] = frozenset()
    for place, row in enumerate(mapping["rows"]):
        try:
            values[row["field"]] = _value(row, variables, fields=fields, context=known)
            used |= variables.get(row["variable"], _NOTHING).answers
        except NothingWritten:
            continue
        except (TransformFailed, ParameterInvalid, Unfit) as exc:
            problems.append(_problem(f"rows[{place}]", row, exc))
    match, wrong = _match(mapping["identify"], variables, context=known)
    keep = {row["field"] for row in mapping["rows"] if row["when_present"] == "keep"}
    return MappedRow(
        mapping["identify"]["field"],
        match,
        values,
        frozenset(keep & values.keys()),
        used,
        (*wrong, *problems),
    )


def check_mapping(
    mapping: Mapping[str, Any],
    declared: Mapping[str, Kind],
    *,
    entity: Entity,
    operations: Collection[str] = ("create", "update"),
    takes_files: bool = True,
    links_files: bool = True,
) -> tuple[Problem, ...]:
    """What keeps this mapping from working, row by row; empty where nothing does.

    `declared` are the survey's variables (vocabulary.declared), `operations` what the CRM can do,
    `takes_files` whether files can hang on records of the entity, `links_files` whether the app
    takes files at all, so that it has links to them.
    """
    fields = entity.by_name()
    return (
        *_operation_problems(mapping["operation"], operations),
        *_identify_problems(mapping["identify"], declared, fields),
        *(
            problem
            for place, row in enumerate(mapping["rows"])
            for problem in _row_problems(
                f"rows[{place}]", row, declared=declared, fields=fields, mapping=mapping
            )
        ),
        *_link_problems(mapping, fields),
        *_file_problems(mapping, takes_files=takes_files),
        *(() if links_files else _file_link_problems(mapping)),
    )


def _value(
    row: Mapping[str, Any],
    variables: Mapping[str, Variable],
    *,
    fields: Mapping[str, Field],
    context: Context,
) -> FieldValue:
    field = fields.get(row["field"])
    if field is None:
        code, message = "unknown_field", phrase("the CRM has no such field any more")
        raise Unfit(code, message)
    variable = variables.get(row["variable"], _NOTHING)
    value = _carried(row, variable, context)
    if _is_empty(value):
        return _instead(row, field, context)
    return fitted(value, variable.kind, field=field, zone=context.zone)


def _carried(row: Mapping[str, Any], variable: Variable, context: Context) -> FieldValue:
    known = with_labels(context, variable)
    return transformed(variable.value, row["transforms"], context=known)


def with_labels(context: Context, variable: Variable) -> Context:
    """The context with what the respondent read for each of the variable's values."""
    values = variable.value if isinstance(variable.value, tuple) else (variable.value,)
    labels = {
        value: label
        for value, label in zip(values, variable.labels, strict=False)
        if isinstance(value, str)
    }
    return replace(context, labels=labels)


def _instead(row: Mapping[str, Any], field: Field, context: Context) -> FieldValue:
    """What a missing answer writes."""
    if row["when_missing"] == "skip":
        raise NothingWritten
    if row["when_missing"] == "clear":
        return None
    return fitted(given(row["default"]), Kind.ANY, field=field, zone=context.zone)


def _is_empty(value: FieldValue) -> bool:
    return value is None or value == () or (isinstance(value, str) and not value.strip())


def _match(
    identify: Mapping[str, Any], variables: Mapping[str, Variable], *, context: Context
) -> tuple[str | None, tuple[Problem, ...]]:
    variable = variables.get(identify["variable"], _NOTHING)
    text = Field("", "", FieldType.REFERENCE)
    try:
        value = fitted(_carried(identify, variable, context), Kind.ANY, field=text)
    except NothingWritten:
        value = None
    except (TransformFailed, ParameterInvalid, Unfit) as exc:
        return None, (_problem("identify", identify, exc),)
    if isinstance(value, str) and value.strip():
        return value.strip(), ()
    message = phrase("%(variable)s has no value in this response", variable=identify["variable"])
    return None, (Problem("identify", identify["field"], "match_missing", message),)


def _problem(place: str, row: Mapping[str, Any], exc: Exception) -> Problem:
    code = exc.code if isinstance(exc, Unfit) else "transform_failed"
    message = phrase(
        "%(variable)s -> %(field)s: %(why)s",
        variable=row["variable"],
        field=row["field"],
        why=str(exc),
    )
    return Problem(place, row["field"], code, message)


def _operation_problems(operation: str, operations: Collection[str]) -> Iterator[Problem]:
    needed = {"create", "update"} if operation == "upsert" else {operation}
    if not needed <= set(operations):
        message = phrase("this app cannot %(operation)s such records", operation=_DOES[operation])
        yield Problem("operation", "", "operation_unsupported", message)


def _identify_problems(
    identify: Mapping[str, Any], declared: Mapping[str, Kind], fields: Mapping[str, Field]
) -> Iterator[Problem]:
    yield from _variable_problems("identify", identify, declared)
    yield from _step_problems("identify", identify, declared)
    name = identify["field"]
    field = fields.get(name)
    if field is None:
        yield _unknown_field("identify", name, fields)
    elif not (field.identifies or field.unique):
        message = phrase("%(name)s does not identify one record: choose a unique field", name=name)
        yield Problem("identify", name, "not_identifying", message)


def _row_problems(
    place: str,
    row: Mapping[str, Any],
    *,
    declared: Mapping[str, Kind],
    fields: Mapping[str, Field],
    mapping: Mapping[str, Any],
) -> Iterator[Problem]:
    yield from _variable_problems(place, row, declared)
    yield from _step_problems(place, row, declared)
    field = fields.get(row["field"])
    if field is None:
        yield _unknown_field(place, row["field"], fields)
        return
    if not _writable(field, mapping["operation"]):
        message = phrase(
            "%(name)s cannot be written by %(operation)s",
            name=field.name,
            operation=_DOES[mapping["operation"]],
        )
        yield Problem(place, field.name, "read_only", message)
    yield from _type_problems(place, row, field=field, declared=declared)
    yield from _default_problems(place, row, field)
    yield from _offer_problems(place, row, field)


def _variable_problems(
    place: str, row: Mapping[str, Any], declared: Mapping[str, Kind]
) -> Iterator[Problem]:
    name = row["variable"]
    # What a platform sends along is only known once it came.
    if name in declared or name.partition(".")[0] in OPEN:
        return
    message = phrase(
        "no variable is called %(name)s%(suggestion)s",
        name=name,
        suggestion=suggestion(name, declared),
    )
    yield Problem(place, row["field"], "unknown_variable", message)


def _step_problems(
    place: str, row: Mapping[str, Any], declared: Mapping[str, Kind]
) -> Iterator[Problem]:
    for step in row["transforms"]:
        complaint = step_problem(step) or _expression_problem(step, declared)
        if complaint:
            yield Problem(place, row["field"], "transform_invalid", complaint)


def _expression_problem(step: Mapping[str, Any], declared: Mapping[str, Kind]) -> str | None:
    if step["name"] != "cel":
        return None
    try:
        expression(step["expression"], {**declared, "value": Kind.ANY})
    except ExpressionInvalid as exc:
        return phrase("cel: %(fault)s", fault=str(exc))
    return None


def _type_problems(
    place: str, row: Mapping[str, Any], *, field: Field, declared: Mapping[str, Kind]
) -> Iterator[Problem]:
    # Behind a transformation the kind is open, but no transformation makes a field writable.
    kind = Kind.ANY if row["transforms"] else declared.get(row["variable"], Kind.ANY)
    if field.type not in FITS[kind]:
        message = phrase(
            "%(variable)s (%(kind)s) cannot fill %(name)s (%(type)s)",
            variable=row["variable"],
            kind=kind,
            name=field.name,
            type=field.type,
        )
        yield Problem(place, field.name, "type_unfit", message)


def _default_problems(place: str, row: Mapping[str, Any], field: Field) -> Iterator[Problem]:
    if row["when_missing"] != "default":
        return
    try:
        value = fitted(given(row["default"]), Kind.ANY, field=field)
        broken = broken_rule(field, value)
        complaint = phrase("it is empty") if _is_empty(value) else broken[1] if broken else ""
    except Unfit as exc:
        complaint = str(exc)
    if complaint:
        yield Problem(
            place,
            field.name,
            "default_unfit",
            phrase("default of %(name)s: %(complaint)s", name=field.name, complaint=complaint),
        )


def _link_problems(mapping: Mapping[str, Any], fields: Mapping[str, Field]) -> Iterator[Problem]:
    for to, name in (mapping.get("links") or {}).items():
        field, place = fields.get(name), f"links/{to}"
        if field is None:
            yield _unknown_field(place, name, fields)
        elif not _writable(field, mapping["operation"]):
            message = phrase(
                "%(name)s cannot be written by %(operation)s",
                name=name,
                operation=_DOES[mapping["operation"]],
            )
            yield Problem(place, name, "read_only", message)
        elif field.type is not FieldType.REFERENCE:
            message = phrase(
                "%(name)s (%(type)s) does not refer to another record", name=name, type=field.type
            )
            yield Problem(place, name, "type_unfit", message)


def _file_problems(mapping: Mapping[str, Any], *, takes_files: bool) -> Iterator[Problem]:
    if mapping.get("files") == "record" and not takes_files:
        message = phrase("no file can hang on %(entity)s from here", entity=mapping["entity"])
        yield Problem("files", "", "files_unsupported", message)


def _file_link_problems(mapping: Mapping[str, Any]) -> Iterator[Problem]:
    """Rows that write where a file stands in an app that takes none."""
    for place, row in enumerate(mapping["rows"]):
        answer, _, word = row["variable"].rpartition(".")
        if word == CRM_LINK and answer.startswith("answers."):
            message = f"this app takes no files: write {answer}.{HUB_LINK}, a link of ours, instead"
            yield Problem(f"rows[{place}]", row["field"], "files_unsupported", message)


def _offer_problems(place: str, row: Mapping[str, Any], field: Field) -> Iterator[Problem]:
    """Options that this row can write and some record type does not offer."""
    if not field.closed:
        return
    written = _options_of(row, field)
    for record_type, offered in field.offered:
        lacking = [one for one in written if one not in offered]
        if lacking:
            listed = ", ".join(lacking[:_MOST_NAMED]) + (", ..." if lacking[_MOST_NAMED:] else "")
            message = phrase(
                "%(name)s: records of the type %(record_type)s do not offer %(listed)s",
                name=field.name,
                record_type=record_type,
                listed=listed,
            )
            yield Problem(place, field.name, "option_not_offered", message, warning=True)


def _options_of(row: Mapping[str, Any], field: Field) -> tuple[str, ...]:
    """The options a row can write: those its last step names, else any."""
    every = tuple(one.value for one in field.options if one.active)
    last = row["transforms"][-1] if row["transforms"] else {}
    if last.get("name") != "map_values" or last.get("otherwise") == "keep":
        return every
    named = {str(one) for one in (*last["values"].values(), last.get("default"))}
    if row["when_missing"] == "default":
        given_now = row["default"]
        named |= {str(one) for one in (given_now if isinstance(given_now, list) else [given_now])}
    return tuple(one for one in every if one in named)


def _writable(field: Field, operation: str) -> bool:
    if operation == "upsert":
        return field.creatable or field.updatable
    return field.creatable if operation == "create" else field.updatable


def _unknown_field(place: str, name: str, fields: Mapping[str, Field]) -> Problem:
    message = phrase(
        "the CRM has no field %(name)s%(suggestion)s",
        name=name,
        suggestion=suggestion(name, fields),
    )
    return Problem(place, name, "unknown_field", message)
