"""Whether what respondents can answer fits where a mapping writes it: every option of a choice,
every score, the lengths of texts, required fields. Pure.

It runs what deliveries run (transformed, fitted, the record's rules) on each answer that is known
beforehand, so that what is found here is what a delivery would be refused for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.responses.fitting import FITS, Unfit, fitted
from connector.responses.mapping import Problem, with_labels
from connector.responses.tags import SCORES
from connector.responses.transforms import (
    Context,
    NothingWritten,
    ParameterInvalid,
    TransformFailed,
    transformed,
)
from connector.responses.vocabulary import Kind, Variable, spoken, variable_name
from schemas.fields import Entity, Field, FieldType, FieldValue
from schemas.phrases import phrase
from schemas.record import broken_rule

UNCOVERED, TOO_LONG, UNFIT = "option_uncovered", "too_long", "value_unfit"
MAY_BE_TOO_LONG = "may_be_too_long"
# What each kind of text question is usually answered with, in characters: less room than that is
# said. Neither platforms nor we limit what somebody writes.
USUAL = {"text": 255, "long_text": 5_000}
_TEXTS = frozenset({FieldType.TEXT, FieldType.LONG_TEXT})
_CODES = {"unknown_option": UNCOVERED, "too_long": TOO_LONG}
# Never missing in any response.
ALWAYS = frozenset(
    {
        *("campaign.id", "survey.id", "response.id", "response.revision", "response.event"),
        "response.answered_at",
    }
)
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Answerable:
    """What a survey's answers can be, by variable: each as it would be read from a response, and
    which of the free texts are short or long ones.
    """

    answers: Mapping[str, tuple[Variable, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def answerable(surveys: Iterable[Mapping[str, Any]]) -> Answerable:
    """What respondents of these surveys can answer; of questions with one key all options."""
    answers: dict[str, dict[tuple[Kind, FieldValue], Variable]] = {}
    texts: dict[str, str] = {}
    for question in (one for survey in surveys for one in survey.get("questions", ())):
        for name, variable in _answers(question):
            answers.setdefault(name, {}).setdefault((variable.kind, variable.value), variable)
        if question["type"] in USUAL:
            texts[variable_name("answers", question["key"])] = question["type"]
    scores = [Variable(Kind.NUMBER, score) for score in SCORES]
    classes = [Variable(Kind.TEXT, one) for one in ("promoter", "passive", "detractor")]
    every = {name: tuple(known.values()) for name, known in answers.items()}
    computed = {"computed.score": tuple(scores), "computed.score_class": tuple(classes)}
    return Answerable({**every, **computed}, texts)


def value_problems(
    body: Mapping[str, Any], *, entity: Entity, known: Answerable, context: Context
) -> Iterator[Problem]:
    """What respondents can answer and a row cannot write."""
    for place, row in enumerate(body["rows"]):
        target = entity.field(row["field"])
        if target is None:
            continue  # told by check_mapping
        named = f"rows[{place}]"
        yield from _lacking(named, row, target, known, context)
        yield from _too_short(named, row, target, known)


def uncovered(
    row: Mapping[str, Any], target: Field, known: Answerable, context: Context
) -> list[Variable]:
    """The answers that have no option in the field."""
    found = (
        (one, _code(row, one, target, context)) for one in known.answers.get(row["variable"], ())
    )
    return [one for one, told in found if told is not None and told[0] == UNCOVERED]


def required_problems(
    body: Mapping[str, Any], entity: Entity, brought: Collection[str]
) -> Iterator[Problem]:
    """Fields that a new record must have and may not get. `brought`: those that the contact brings
    along where it has them (the standard fields of a contact's record).
    """
    if body["operation"] == "update":
        return
    rows = {row["field"]: row for row in body["rows"]}
    linked = set((body.get("links") or {}).values())
    for one in entity.fields:
        if not (one.required and one.creatable) or one.name in {*linked, body["identify"]["field"]}:
            continue
        row = rows.get(one.name)
        if row is None:
            yield _uncovered_field(one, is_brought=one.name in brought)
        elif not _is_sure(row, body["identify"]["variable"]):
            place = f"rows[{body['rows'].index(row)}]"
            message = phrase(
                "a new record needs %(name)s: where %(variable)s is missing it fails",
                name=one.name,
                variable=row["variable"],
            )
            yield Problem(place, one.name, "required_may_lack", message, warning=True)


def _uncovered_field(one: Field, *, is_brought: bool) -> Problem:
    message = phrase("a new record needs %(name)s, and no row fills it", name=one.name)
    if is_brought:
        message = phrase("%(message)s; it is filled where the contact has it", message=message)
    return Problem("rows", one.name, "required_uncovered", message, warning=is_brought)


def _is_sure(row: Mapping[str, Any], identified_by: str) -> bool:
    always = row["variable"] in {*ALWAYS, identified_by}
    return row["when_missing"] == "default" or (always and row["when_missing"] == "skip")


def _lacking(
    place: str, row: Mapping[str, Any], target: Field, known: Answerable, context: Context
) -> Iterator[Problem]:
    told: dict[tuple[str, str], list[str]] = {}
    for one in known.answers.get(row["variable"], ()):
        found = _code(row, one, target, context)
        if found is not None:
            told.setdefault(found, []).append(_shown(one))
    for (code, sentence), answers in told.items():
        listed = ", ".join(answers[:MOST_NAMED]) + (", ..." if answers[MOST_NAMED:] else "")
        message = phrase(
            "%(variable)s -> %(name)s: %(why)s: %(listed)s",
            variable=row["variable"],
            name=target.name,
            why=sentence,
            listed=listed,
        )
        yield Problem(place, target.name, code, message)


def _code(
    row: Mapping[str, Any], one: Variable, target: Field, context: Context
) -> tuple[str, str] | None:
    """Why this answer cannot be written, as a code and a sentence; None where it can."""
    if any(step["name"] == "cel" for step in row["transforms"]):
        return None  # it may look at other answers
    if not row["transforms"] and target.type not in FITS[one.kind]:
        return None  # told by check_mapping
    try:
        value = transformed(one.value, row["transforms"], context=with_labels(context, one))
        value = fitted(value, one.kind, field=target, zone=context.zone)
    except NothingWritten:
        return None
    except TransformFailed as exc:
        return (UNCOVERED if exc.name == "map_values" else UNFIT), str(exc)
    except (ParameterInvalid, Unfit) as exc:
        return UNFIT, str(exc)
    broken = None if value in ("", ()) else broken_rule(target, value)
    return (_CODES.get(broken[0], UNFIT), broken[1]) if broken is not None else None


def _too_short(
    place: str, row: Mapping[str, Any], target: Field, known: Answerable
) -> Iterator[Problem]:
    kind = known.texts.get(row["variable"])
    is_cut = any(step["name"] in {"cut", "cel", "map_values"} for step in row["transforms"])
    if kind is None or is_cut or target.type not in _TEXTS or target.max_length is None:
        return
    if target.max_length < USUAL[kind]:
        message = phrase(
            "%(name)s takes at most %(max_length)s signs, and answers of %(variable)s may be"
            " longer: they would be refused",
            name=target.name,
            max_length=target.max_length,
            variable=row["variable"],
        )
        yield Problem(place, target.name, MAY_BE_TOO_LONG, message, warning=True)


def _shown(one: Variable) -> str:
    value = one.value[0] if isinstance(one.value, tuple) else one.value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answers(question: Mapping[str, Any]) -> Iterator[tuple[str, Variable]]:
    name, asked = variable_name("answers", question["key"]), question["type"]
    if asked == "nps":
        yield from ((name, Variable(Kind.NUMBER, score)) for score in SCORES)
    elif asked == "boolean":
        yield from ((name, Variable(Kind.BOOLEAN, value)) for value in (True, False))
    for option in question.get("options") or ():
        value, label = option["value"], option.get("label") or option["value"]
        if asked == "single_choice":
            yield name, Variable(Kind.CHOICE, value, labels=(label,))
            yield f"{name}.label", Variable(Kind.TEXT, label)
        elif asked in {"multi_choice", "ranking"}:
            kind = Kind.CHOICES if asked == "multi_choice" else Kind.RANKING
            yield name, Variable(kind, (value,), labels=(label,))
        elif asked == "matrix":
            for row in question.get("rows") or ():
                below = f"{name}.{spoken(row['value'])}"
                yield below, Variable(Kind.CHOICES, (value,), labels=(label,))
