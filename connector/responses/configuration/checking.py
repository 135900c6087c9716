"""Checks a mapping against the connection, its field definitions and the words of the surveys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from adapters.registry import traits_of
from connector.problems import Code, Place, Refusal
from connector.responses.facts import load_words
from connector.responses.mapping import Problem, check_mapping
from connector.responses.rules import trusting
from connector.responses.vocabulary import OPEN, Kind, on_trust
from connector.tables import campaign, entity_snapshot, survey
from connector.tables import connection as connections
from schemas.fields import Entity, entity_from_json

Body = Mapping[str, Any]
# A draft may be empty; what is published writes something.
_NOTHING_MAPPED = Problem("rows", "", "nothing_mapped", "no row says what is written where")
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
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A mapping seen against its connection. `problems` include warnings."""

    connection_id: int
    connected: bool
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the mapping from being published."""
        return tuple(one for one in self.problems if not one.warning)


def check(connection: Connection, workspace_id: int, body: Body) -> Checked:
    """What is wrong with a mapping's body.

    Raises Refusal: MAPPING_INVALID where the connection is unknown, NO_FIELD_DEFINITIONS where the
    entity has not been downloaded.
    """
    here = connection_named(connection, workspace_id, body["connection"])
    entity = _entity(connection, here.id, body["entity"])
    declared, guessed = _declared(connection, workspace_id, body)
    problems = check_mapping(
        body,
        declared,
        entity=entity,
        operations=[operation.value for operation in traits_of(here.app).operations],
    )
    unsure = tuple(_unsure(variable) for variable in guessed)
    empty = () if body["rows"] else (_NOTHING_MAPPED,)
    return Checked(here.id, here.state == "connected", (*empty, *problems, *unsure))


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
        place = Place("/connection", "unknown", "there is no connection of that name")
        raise Refusal(Code.MAPPING_INVALID, places=[place])
    return row


def places(problems: Iterable[Problem]) -> list[Place]:
    """The problems as places of the body."""
    return [Place(_pointer(one), one.code, one.message) for one in problems]


def told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The problems with their places, as they are shown."""
    return [
        {"pointer": place.pointer, "code": place.code, "text": place.text, "warning": one.warning}
        for one, place in zip(problems, places(problems), strict=True)
    ]


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
        text = f"the connection has no entity of that name; it has {', '.join(sorted(definitions))}"
        raise Refusal(Code.MAPPING_INVALID, places=[Place("/entity", "unknown_entity", text)])
    return entity_from_json(definitions[name])


def _declared(
    connection: Connection, workspace_id: int, body: Body
) -> tuple[dict[str, Kind], list[str]]:
    """Every variable that can be judged, and those that are only taken on trust.

    Contacts have attributes of the customer's own, and platforms send flags along. Which answers
    there will be can only be said where the mapping is for one campaign and its survey is known.
    """
    declared = dict(load_words(connection, workspace_id).declared)
    is_known = _survey_is_known(connection, workspace_id, body.get("campaign"))
    guessed = {
        variable: kind
        for variable in _used(body)
        if variable not in declared
        and (kind := on_trust(variable, survey_known=is_known)) is not None
    }
    for source in _expressions(body):
        declared = trusting(source, declared, survey_known=is_known)
    unsure = [one for one in guessed if one.partition(".")[0] not in OPEN]
    return {**declared, **guessed}, unsure


def words_for(
    connection: Connection, workspace_id: int, *, source: str, campaign_id: str | None
) -> dict[str, Kind]:
    """What a condition may name."""
    declared = load_words(connection, workspace_id).declared
    is_known = _survey_is_known(connection, workspace_id, campaign_id)
    return trusting(source, declared, survey_known=is_known)


def _survey_is_known(connection: Connection, workspace_id: int, campaign_id: str | None) -> bool:
    if campaign_id is None:
        return False
    found = connection.execute(
        select(survey.c.id)
        .join(campaign, campaign.c.survey_id == survey.c.id)
        .where(campaign.c.workspace_id == workspace_id, campaign.c.platform_id == campaign_id)
    )
    return found.one_or_none() is not None


def _used(body: Body) -> list[str]:
    return [row["variable"] for row in (*body["rows"], body["identify"])]


def _expressions(body: Body) -> Iterator[str]:
    for row in (*body["rows"], body["identify"]):
        for step in row.get("transforms", ()):
            if step["name"] == "cel" and isinstance(step.get("expression"), str):
                yield step["expression"]


def _unsure(variable: str) -> Problem:
    text = f"{variable} could not be checked: nothing has named it yet"
    return Problem("rows", "", "unchecked_variable", text, warning=True)
