"""A mapping tried out on one response before it goes live: each value before and after each step,
what would be written, and whether its automations would feed it.

It runs what deliveries run (mapping.mapped_row). Nothing is stored and no CRM is asked: how it
differs from a live record is looking.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, text

from connector.problems import not_found
from connector.responses import people
from connector.responses.configuration.sheet.choices import Known
from connector.responses.facts import Words, load_automations, load_words
from connector.responses.mapping import MappedRow, Problem, mapped_row, with_labels
from connector.responses.questions import enriched
from connector.responses.rules import Verdict, verdict
from connector.responses.transforms import (
    Context,
    NothingWritten,
    ParameterInvalid,
    TransformFailed,
    transformed,
)
from connector.responses.variables import variables_of
from connector.responses.vocabulary import Kind, Variable
from schemas.fields import Entity, FieldValue

MOST_RECENT = 20
_NONE = Variable(Kind.ANY, None)
# What a question is answered with where no response is there yet.
_SAMPLES: Mapping[Kind, FieldValue] = {
    Kind.TEXT: "Sample text",
    Kind.NUMBER: 9,
    Kind.BOOLEAN: True,
    Kind.DATE: "2026-11-22",
    Kind.DATETIME: "2026-11-22T01:02:00Z",
    Kind.CHOICE: "sample",
    Kind.CHOICES: ("sample",),
    Kind.RANKING: ("sample",),
    Kind.FILES: ("https://files.example.com/sample.pdf",),
    Kind.MATRIX: "Row: Column",
    Kind.ANY: "sample",
}
_PEOPLE: Mapping[str, FieldValue] = {
    "contact.email": "sample@example.com",
    "contact.phone": "+33612345678",
    "contact.name": "Søren Sample",
    "contact.first_name": "Søren",
    "contact.last_name": "Sample",
    "contact.country": "DK",
    "contact.language": "da",
    "computed.score_class": "promoter",
}


@dataclass(frozen=True, slots=True)
class Passed:
    """One step and what it made of the value; `fault`: why it could not, or that the field is
    left alone.
    """

    name: str
    value: FieldValue
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Traced:
    """One row: the variable's value, each step, and what is written (`writes` False: nothing)."""

    place: int
    variable: str
    field: str
    before: FieldValue
    steps: tuple[Passed, ...]
    writes: bool
    after: FieldValue
    faults: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A whole mapping on one response."""

    row: MappedRow
    traces: tuple[Traced, ...]

    @property
    def unmatched(self) -> tuple[Problem, ...]:
        """Why nobody can be found by it."""
        return tuple(one for one in self.row.problems if one.place == "identify")


@dataclass(frozen=True, slots=True)
class Subject:
    """The response that a mapping is tried on: its variables, and the workspace's words."""

    variables: Mapping[str, Variable]
    context: Context
    words: Words


def tried(
    body: Mapping[str, Any], variables: Mapping[str, Variable], *, entity: Entity, context: Context
) -> Tried:
    """What the mapping makes of these variables."""
    known = replace(context, variables=variables)
    row = mapped_row(body, variables, entity=entity, context=context)
    traces = tuple(
        _traced(place, one, variables.get(one["variable"], _NONE), whole=row, context=known)
        for place, one in enumerate(body["rows"])
    )
    return Tried(row, traces)


def sample(known: Iterable[Known]) -> dict[str, Variable]:
    """A made-up response that answers everything."""
    return {
        one.variable: Variable(
            Kind(one.kind),
            _sample(one),
            labels=tuple(label or value for value, label in one.options[:1]),
        )
        for one in known
    }


def subject(
    connection: Connection, workspace_id: int, response_id: int | None, known: Sequence[Known]
) -> Subject:
    """A stored response, or a made-up one. Reads only. Refusal(NOT_FOUND)."""
    words = load_words(connection, workspace_id)
    if response_id is None:
        return Subject(sample(known), words.context, words)
    row = connection.execute(RESPONSE, {"id": response_id}).one_or_none()
    if row is None:
        raise not_found()
    body = enriched(row.body, words.surveys.get(row.survey_id or 0), campaign_flags=row.flags or ())
    person = people.contact_of(connection, row.contact_id) if row.contact_id else None
    attributes = person.attributes if person and not row.anonymous else None
    properties = {"properties": row.properties} if row.properties else None
    variables = variables_of(body, attributes, campaign=properties, labels=words.labels)
    return Subject(variables, words.context, words)


def recent(
    connection: Connection, workspace_id: int, campaign: str | None
) -> list[Mapping[str, Any]]:
    """The newest responses of the campaign, None: of any: {id, response_id, answered_at, email}."""
    asked = {"w": workspace_id, "campaign": campaign, "most": MOST_RECENT}
    return [dict(row) for row in connection.execute(RECENT, asked).mappings()]


def verdicts(connection: Connection, mapping_name: str, at: Subject) -> dict[str, Verdict]:
    """Whether each automation that feeds the mapping would let this response through, by name."""
    return {
        str(one.body["name"]): Verdict(holds=True)
        if one.condition is None
        else verdict(one.condition, at.variables)
        for one in load_automations(connection, at.words)
        if any(step.get("mapping") == mapping_name for step in one.body["then"])
    }


def _traced(
    place: int, row: Mapping[str, Any], variable: Variable, *, whole: MappedRow, context: Context
) -> Traced:
    faults = tuple(one for one in whole.problems if one.place == f"rows[{place}]")
    return Traced(
        place,
        row["variable"],
        row["field"],
        variable.value,
        tuple(_steps(row["transforms"], variable, with_labels(context, variable))),
        row["field"] in whole.values,
        whole.values.get(row["field"]),
        faults,
    )


def _steps(
    steps: Sequence[Mapping[str, Any]], variable: Variable, context: Context
) -> list[Passed]:
    """What each step makes of what the one before gave; it ends where one fails."""
    passed: list[Passed] = []
    value = variable.value
    for step in steps:
        try:
            value = transformed(value, [step], context=context)
        except NothingWritten:
            return [*passed, Passed(step["name"], None, "nothing_written")]
        except (TransformFailed, ParameterInvalid) as exc:
            return [*passed, Passed(step["name"], None, str(exc))]
        passed.append(Passed(step["name"], value))
    return passed


def _sample(one: Known) -> FieldValue:
    if one.variable in _PEOPLE:
        return _PEOPLE[one.variable]
    if not one.options:
        return _SAMPLES[Kind(one.kind)]
    first = one.options[0][0]
    return (first,) if one.kind in {"choices", "ranking"} else first


RESPONSE = text(
    """
    SELECT r.body, r.anonymous, r.contact_id, r.survey_id, c.flags, c.properties
      FROM response r LEFT JOIN campaign c ON c.id = r.campaign_id WHERE r.id = :id
    """
)
RECENT = text(
    """
    SELECT r.id, r.response_id, r.answered_at, k.email
      FROM response r LEFT JOIN contact k ON k.id = r.contact_id AND NOT r.anonymous
     WHERE r.workspace_id = :w
       AND (CAST(:campaign AS text) IS NULL OR r.body->'campaign'->>'id' = :campaign)
     ORDER BY r.id DESC LIMIT :most
    """
)
