"""A mapping's workbook: to fill in for an entity and a survey, or with a mapping that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from connector.campaigns import register, surveys
from connector.connections import discover
from connector.connections.profile import Profile, load
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import versioned
from connector.responses.configuration.sheet.choices import Book, Known
from connector.responses.configuration.sheet.writing import write_sheet
from connector.responses.configuration.versioned import MAPPING
from connector.responses.facts import SURVEYS
from connector.responses.questions import shape_of
from connector.responses.vocabulary import STANDARD, declared, spoken, variable_name
from schemas.fields import Entity
from schemas.phrases import phrase

Survey = Mapping[str, Any]
NOTHING: Survey = {"questions": ()}
_MOST_NAME = 120
# Whether a survey is that of the mapping's campaign, in the one look that reads all of them.
SURVEYS_FOR = text(
    """
    SELECT v.body, EXISTS (SELECT FROM campaign c
                            WHERE c.workspace_id = :w AND c.platform_id = CAST(:campaign AS text)
                              AND c.survey_id = s.id) AS is_its_own
      FROM survey s JOIN survey_version v ON v.survey_id = s.id AND v.version = s.version
     ORDER BY s.id
    """
)


def template(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    entity: str | None = None,
    campaign: str | None = None,
    survey: str | None = None,
) -> bytes:
    """The workbook to fill in; without an entity that of the CRM's contacts.

    `survey` and `campaign` are platform ids; without a survey that of the campaign is taken. Raises
    Refusal: NOT_FOUND, NO_FIELD_DEFINITIONS, QUERY_INVALID where one of them is not known.
    """
    here = load(connection, workspace_id, connection_id)
    wanted = _entity(connection, here, entity)
    asked, name = _survey(connection, workspace_id, survey, campaign)
    email = here.traits.standard_fields.get("email", "")
    finds = wanted.field(email)
    identify = {"variable": "contact.email", "field": email if finds else None}
    head = {
        "name": f"{name or here.name}: {wanted.label}"[:_MOST_NAME],
        "connection": here.name,
        "entity": wanted.name,
        "operation": "update",
        "campaign": campaign,
        "identify": identify,
    }
    known = tuple(_known(_surveys(connection), asked))
    return write_sheet(Book(head, known=known, entity=wanted))


def filled(connection: Connection, workspace_id: int, mapping_id: int) -> bytes:
    """The mapping's newest version as a workbook, with the variables it does not use yet.

    Raises Refusal: NOT_FOUND, NOT_IN_A_SHEET.
    """
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id)
    body = versioned.body_of(connection, MAPPING, row)
    found = discover.snapshots(connection, workspace_id, row.connection_id)
    entity = next((one.entity for one in found if one.entity.name == body["entity"]), None)
    every, its_own = _surveys_for(connection, workspace_id, body.get("campaign"))
    known = tuple(_known(every, its_own))
    return write_sheet(Book(body, body["rows"], known, entity))


def known_of(connection: Connection, workspace_id: int, campaign: str | None) -> tuple[Known, ...]:
    """The variables that a mapping of this campaign can use, its survey's answers first; of every
    survey where it is for any campaign.
    """
    every, its_own = _surveys_for(connection, workspace_id, campaign)
    return tuple(_known(every, its_own if campaign else _as_one(every)))


def known_from(surveys: Sequence[Survey], survey: Survey | None) -> tuple[Known, ...]:
    """The same of surveys that are at hand; None: for any campaign."""
    return tuple(_known(surveys, _as_one(surveys) if survey is None else survey))


def _surveys(connection: Connection) -> list[Survey]:
    return [row.body for row in connection.execute(SURVEYS)]


def _surveys_for(
    connection: Connection, workspace_id: int, campaign: str | None
) -> tuple[list[Survey], Survey]:
    """Every survey, and that of a mapping's campaign: without questions where it is not known, for
    a mapping may be for a campaign that has not been heard of yet.
    """
    asked = {"w": workspace_id, "campaign": campaign}
    rows = connection.execute(SURVEYS_FOR, asked).all()
    its_own = next((row.body for row in rows if row.is_its_own), NOTHING)
    return [row.body for row in rows], its_own


def _as_one(surveys: Sequence[Survey]) -> Survey:
    """The questions of all surveys; of several with one key the first."""
    questions: dict[str, Any] = {}
    for survey in surveys:
        for one in survey["questions"]:
            questions.setdefault(one["key"], one)
    return {"questions": tuple(questions.values())}


def _entity(connection: Connection, here: Profile, name: str | None) -> Entity:
    found = discover.snapshots(connection, here.workspace_id, here.id)
    if not found:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    entities = {one.entity.name: one.entity for one in found}
    wanted = name or here.traits.contact_entity
    if wanted not in entities:
        text = phrase(
            "the connection has no such entity; it has %(names)s", names=", ".join(sorted(entities))
        )
        raise _unknown(parameter="entity", text=text, code="unknown_entity")
    return entities[wanted]


def _survey(
    connection: Connection, workspace_id: int, survey: str | None, campaign: str | None
) -> tuple[Survey, str | None]:
    """The survey, and what it is called."""
    try:
        sent = register.read(connection, workspace_id, campaign) if campaign else {}
    except Refusal as exc:
        raise _unknown(parameter="campaign", text=phrase("there is no such campaign")) from exc
    wanted = survey or sent.get("survey")
    try:
        found: Survey = surveys.read(connection, workspace_id, wanted) if wanted else NOTHING
    except Refusal as exc:
        raise _unknown(parameter="survey", text=phrase("there is no such survey")) from exc
    return found, sent.get("name") or found.get("name")


def _known(every: Sequence[Survey], survey: Survey) -> Iterator[Known]:
    """The survey's answers in its order, what is known of every response, then all other words."""
    kinds = declared(shape_of([*every, survey]))
    told: set[str] = set()
    for one in (*_asked(survey), *(Known(name, kind.value) for name, kind in STANDARD.items())):
        told.add(one.variable)
        yield one
    for name, kind in kinds.items():
        if name not in told:
            yield Known(name, kind.value, offered=False)


def _asked(survey: Survey) -> Iterator[Known]:
    kinds = declared(shape_of([survey]))
    for one in survey["questions"]:
        name = variable_name("answers", one["key"])
        title = one.get("title") or one.get("label") or one["key"]
        options = tuple((o["value"], o.get("label") or "") for o in one.get("options") or ())
        yield Known(name, kinds[name].value, title, options)
        for row in one.get("rows") or ():
            below = f"{name}.{spoken(row)}"
            yield Known(below, kinds[below].value, f"{title}: {row}")


def _unknown(*, parameter: str, text: str, code: str = "unknown") -> Refusal:
    return Refusal(Code.QUERY_INVALID, places=[Place(f"?{parameter}", code, text)])
