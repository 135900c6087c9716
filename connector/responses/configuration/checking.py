"""Checks a mapping's body against its connection's field definitions, the words of the surveys and
what respondents can answer. What stands around it is readiness.py's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, select

from adapters.traits import Traits
from connector.connections.profile import Profile, named
from connector.problems import Code, Place, Refusal
from connector.responses.configuration.suiting import (
    Answerable,
    answerable,
    required_problems,
    value_problems,
)
from connector.responses.facts import Words, load_words
from connector.responses.mapping import Problem, check_mapping
from connector.responses.rules import trusting
from connector.responses.vocabulary import OPEN, Kind, on_trust
from connector.tables import campaign, entity_snapshot
from connector.tables import connection as connections
from schemas.fields import Entity, entity_from_json
from schemas.phrases import phrase

Body = Mapping[str, Any]
# A draft may be empty; what is published writes something.
_NOTHING_MAPPED = Problem("rows", "", "nothing_mapped", phrase("no row says what is written where"))
_ROW = re.compile(r"rows\[(\d+)\]")
# Which member of a row, or of `identify`, a problem is about.
_MEMBERS = {
    "unknown_variable": "variable",
    "unknown_field": "field",
    "read_only": "field",
    "type_unfit": "field",
    "not_identifying": "field",
    "transform_invalid": "transforms",
    "default_unfit": "default",
    "option_uncovered": "transforms",
    "too_long": "transforms",
    "may_be_too_long": "transforms",
    "value_unfit": "transforms",
    "required_may_lack": "when_missing",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A mapping seen against its connection. `problems` include warnings. `answers`: what
    respondents can answer and the mapping cannot write, which a draft may still have.
    """

    problems: tuple[Problem, ...]
    answers: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What can never work, whatever is answered."""
        return tuple(one for one in self.problems if not one.warning)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a mapping's body is held against. `survey`: that of its campaign, where it is known."""

    here: Profile
    entity: Entity
    words: Words
    declared: Mapping[str, Kind]
    guessed: Sequence[str]
    survey: Mapping[str, Any] | None
    answers: Answerable

    @property
    def traits(self) -> Traits:
        """What the connection's app can do."""
        return self.here.traits


def check(connection: Connection, workspace_id: int, body: Body) -> Checked:
    """What is wrong with a mapping's body.

    Raises Refusal: MAPPING_INVALID where the connection is unknown, NO_FIELD_DEFINITIONS where the
    entity has not been downloaded.
    """
    return judged(sight(connection, workspace_id, body), body)


def sight(
    connection: Connection,
    workspace_id: int,
    body: Body,
    *,
    at_hand: Mapping[int, Entity] = MappingProxyType({}),
) -> Sight:
    """What the body is held against. `at_hand`: its entity by connection, where it was read
    already. Raises as `check` does.
    """
    here = named(connection, workspace_id, body["connection"])
    if here is None:
        raise _no_connection()
    entity = at_hand.get(here.id) or _entity(connection, here.id, body["entity"])
    words = load_words(connection, workspace_id)
    survey_id = _survey_id(connection, workspace_id, body.get("campaign"))
    declared, guessed = _declared(words, body, survey_known=survey_id is not None)
    survey = words.surveys.get(survey_id or 0)
    answers = answerable(words.surveys.values() if survey is None else (survey,))
    return Sight(here, entity, words, declared, guessed, survey, answers)


def judged(seen: Sight, body: Body, *, told: Collection[str] = ()) -> Checked:
    """What is wrong with the body, seen like that. `told`: variables of which somebody who knows
    more says whether they are there. Pure.
    """
    operations = [operation.value for operation in seen.traits.operations]
    is_contact = body["entity"] == seen.traits.contact_entity
    brought = seen.traits.standard_fields.values() if is_contact else ()
    problems = (
        *(() if body["rows"] else (_NOTHING_MAPPED,)),
        *check_mapping(
            body,
            seen.declared,
            entity=seen.entity,
            operations=operations,
            takes_files=seen.traits.takes_files(body["entity"]),
            links_files=seen.traits.file_limit is not None,
        ),
        *(_unsure(variable) for variable in seen.guessed if variable not in told),
    )
    answers = (
        *required_problems(body, seen.entity, frozenset(brought)),
        *value_problems(body, entity=seen.entity, known=seen.answers, context=seen.words.context),
    )
    return Checked(problems, answers)


def connection_named(connection: Connection, workspace_id: int, name: str) -> Any:  # noqa: ANN401
    """The connection's id, app and state. Raises Refusal(MAPPING_INVALID)."""
    row = connection.execute(
        select(connections.c.id, connections.c.app, connections.c.state).where(
            connections.c.workspace_id == workspace_id,
            connections.c.name == name,
            connections.c.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise _no_connection()
    return row


def _no_connection() -> Refusal:
    place = Place("/connection", "unknown", phrase("there is no connection of that name"))
    return Refusal(Code.MAPPING_INVALID, places=[place])


def places(problems: Iterable[Problem]) -> list[Place]:
    """The problems as places of the body."""
    return [Place(_pointer(one), one.code, one.message) for one in problems]


def _pointer(problem: Problem) -> str:
    found = _ROW.fullmatch(problem.place)
    place = f"/rows/{found.group(1)}" if found else f"/{problem.place}"
    member = _MEMBERS.get(problem.code) if found or problem.place == "identify" else None
    return f"{place}/{member}" if member else place


def definitions_of(connection: Connection, connection_id: int) -> dict[str, Any]:
    """The stored definitions of a connection's entities, as they were downloaded last."""
    rows = connection.execute(
        select(entity_snapshot.c.entity, entity_snapshot.c.definition).where(
            entity_snapshot.c.connection_id == connection_id, entity_snapshot.c.current
        )
    )
    # Not dict(rows): a result has keys(), so dict() would take it for a mapping.
    return {row.entity: row.definition for row in rows}


def _entity(connection: Connection, connection_id: int, name: str) -> Entity:
    definitions = definitions_of(connection, connection_id)
    if not definitions:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    if name not in definitions:
        text = phrase(
            "the connection has no entity of that name; it has %(names)s",
            names=", ".join(sorted(definitions)),
        )
        raise Refusal(Code.MAPPING_INVALID, places=[Place("/entity", "unknown_entity", text)])
    return entity_from_json(definitions[name])


def _declared(words: Words, body: Body, *, survey_known: bool) -> tuple[dict[str, Kind], list[str]]:
    """Every variable that can be judged, and those that are only taken on trust.

    Contacts have attributes of the customer's own, and platforms send flags along. Which answers
    there will be can only be said where the mapping is for one campaign and its survey is known.
    """
    declared = dict(words.declared)
    guessed = {
        variable: kind
        for variable in _used(body)
        if variable not in declared
        and (kind := on_trust(variable, survey_known=survey_known)) is not None
    }
    for source in _expressions(body):
        declared = trusting(source, declared, survey_known=survey_known)
    unsure = [one for one in guessed if one.partition(".")[0] not in OPEN]
    return {**declared, **guessed}, unsure


def words_for(
    connection: Connection, workspace_id: int, *, source: str, campaign_id: str | None
) -> dict[str, Kind]:
    """What a condition may name."""
    declared = load_words(connection, workspace_id).declared
    is_known = _survey_id(connection, workspace_id, campaign_id) is not None
    return trusting(source, declared, survey_known=is_known)


def _survey_id(connection: Connection, workspace_id: int, campaign_id: str | None) -> int | None:
    if campaign_id is None:
        return None
    found = connection.execute(
        select(campaign.c.survey_id).where(
            campaign.c.workspace_id == workspace_id, campaign.c.platform_id == campaign_id
        )
    )
    return found.scalar_one_or_none()


def _used(body: Body) -> list[str]:
    return [row["variable"] for row in (*body["rows"], body["identify"])]


def _expressions(body: Body) -> Iterator[str]:
    for row in (*body["rows"], body["identify"]):
        for step in row.get("transforms", ()):
            if step["name"] == "cel" and isinstance(step.get("expression"), str):
                yield step["expression"]


def _unsure(variable: str) -> Problem:
    text = phrase("%(variable)s could not be checked: nothing has named it yet", variable=variable)
    return Problem("rows", "", "unchecked_variable", text, warning=True)
