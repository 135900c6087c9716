"""What the pages of automations work with: the list, and everything that an editor offers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from marshmallow import ValidationError
from sqlalchemy import Connection, text

from adapters.registry import apps, traits_of
from adapters.traits import Traits
from connector.problems import Code, Refusal, not_found, places_of
from connector.responses.configuration import actions, automations, matching, templates, versioned
from connector.responses.configuration.drafting import mark
from connector.responses.configuration.matching import Matched
from connector.responses.configuration.sheet.choices import Known
from connector.responses.configuration.versioned import AUTOMATION
from connector.responses.facts import Words, load_words
from connector.responses.rules import condition, trusting
from connector.responses.vocabulary import Kind
from schemas.config import ACTIONS, AutomationSchema
from schemas.fields import entity_from_json
from schemas.phrases import phrase

Body: TypeAlias = Mapping[str, Any]
CHANGED = phrase("Somebody has changed this automation since the page was shown: look at it again.")
MOST_CAMPAIGNS = 500
_CLASSES = ("promoter", "passive", "detractor")


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection as actions see it: what it can do, its lists, and whether messages through it
    name whom they are to.
    """

    name: str
    app: str
    label: str
    does: frozenset[str]
    lists: tuple[tuple[str, str], ...] = ()
    addressed: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What an editor offers: campaigns, the variables of the chosen one, mappings, connections."""

    campaigns: tuple[Mapping[str, Any], ...]
    known: tuple[Known, ...]
    mappings: tuple[str, ...]
    reached: tuple[Reached, ...]
    words: Words
    survey_known: bool

    @property
    def kinds(self) -> dict[str, Kind]:
        """Each variable's kind."""
        return {**self.words.declared, **{one.variable: Kind(one.kind) for one in self.known}}

    @property
    def offered(self) -> tuple[str, ...]:
        """What can be done here at all, in the order of the schema."""
        can = frozenset().union(*(one.does for one in self.reached))
        always = {"redirect"} | ({"feed"} if self.mappings else set())
        return tuple(one for one in ACTIONS if one in (can - {"feed"}) | always)


def overview(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every automation in the order in which they run, with the body of its newest version; one
    question to the store. `state`: draft, parked, off, changed (on, and a newer draft) or on.
    """
    rows = connection.execute(OVERVIEW, {"w": workspace_id})
    return [dict(row) for row in rows.mappings()]


def page_of(connection: Connection, workspace_id: int, campaign: str | None, *,
            after: int, limit: int) -> list[dict[str, Any]]:  # fmt: skip
    """A part of the same: those that responses of the campaign set off (None: all), from the one
    behind `after` of them on. `number`: its place among them, from 1; `total`: how many they are.
    """
    asked = {"w": workspace_id, "campaign": campaign, "after": after, "limit": limit}
    return [dict(row) for row in connection.execute(PAGE, asked).mappings()]


def one(connection: Connection, workspace_id: int, automation_id: int) -> dict[str, Any]:
    """One of them. Raises Refusal(NOT_FOUND)."""
    asked = {"w": workspace_id, "id": automation_id}
    row = connection.execute(ONE, asked).mappings().one_or_none()
    if row is None:
        raise not_found()
    return dict(row)


def desk(connection: Connection, workspace_id: int, campaign: str | None) -> Desk:
    """What the editor of an automation of this campaign offers; None: of any."""
    words = load_words(connection, workspace_id)
    asked = {"w": workspace_id, "most": MOST_CAMPAIGNS}
    campaigns = tuple(dict(row) for row in connection.execute(CAMPAIGNS, asked).mappings())
    of = next((row["survey_id"] for row in campaigns if row["platform_id"] == campaign), None)
    survey = words.surveys.get(of or 0)
    empty = templates.NOTHING if campaign is not None else None
    known = templates.known_from(list(words.surveys.values()), survey or empty)
    return Desk(
        campaigns=campaigns,
        known=tuple(_with_options(each) for each in known),
        mappings=tuple(connection.scalars(MAPPINGS, {"w": workspace_id})),
        reached=_reached(connection, workspace_id),
        words=words,
        survey_known=survey is not None,
    )


def save(
    connection: Connection,
    workspace_id: int,
    automation_id: int | None,
    *,
    body: Body,
    seen: str,
    actor: str,
) -> dict[str, Any]:
    """Keep what the form holds as a draft; without an id a new automation.

    Raises Refusal: CONFLICT where another has changed it since it was shown, NAME_TAKEN, NOT_FOUND,
    BODY_INVALID where it has not an automation's shape.
    """
    shaped = _shaped(body)
    if automation_id is None:
        if versioned.named(connection, AUTOMATION, workspace_id, name=shaped["name"]) is not None:
            raise Refusal(Code.NAME_TAKEN, phrase("Another automation has that name already."))
    else:
        row = versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id, lock=True)
        body_now = versioned.body_of(connection, AUTOMATION, row)
        if mark(body_now) != seen:
            raise Refusal(Code.CONFLICT, CHANGED)
        shaped["enabled"] = row.enabled
        if shaped == body_now:
            return automations.read(connection, workspace_id, automation_id)
    return automations.save(
        connection, workspace_id, body=shaped, actor=actor, automation_id=automation_id
    )


def restore(
    connection: Connection, workspace_id: int, automation_id: int, *, version: int, actor: str
) -> dict[str, Any]:
    """Make a former version the draft; publishing it is the next step. Refusal(NOT_FOUND)."""
    every = automations.versions(connection, workspace_id, automation_id)
    body = next((each["body"] for each in every if each["version"] == version), None)
    if body is None:
        raise not_found()
    return automations.save(
        connection, workspace_id, body=body, actor=actor, automation_id=automation_id
    )


def compared(before: Body, after: Body) -> list[dict[str, Any]]:
    """What differs between two versions: {place, before, after}."""
    return [
        {"place": name, "before": before.get(name), "after": after.get(name)}
        for name in ("name", "campaign", "when", "if", "then", "enabled")
        if before.get(name) != after.get(name)
    ]


def move(connection: Connection, workspace_id: int, automation_id: int, *, to: str,
         among: Callable[[Body], bool]) -> None:  # fmt: skip
    """Let it run before the one above it (`to` up) or after the one below, of those that are shown;
    at the end it stays. Raises Refusal(NOT_FOUND).
    """
    every = overview(connection, workspace_id)
    order = [row["id"] for row in every]
    shown = [row["id"] for row in every if among(row["body"])]
    if automation_id not in shown:
        raise not_found()
    automations.put_in_order(connection, workspace_id, moved(order, shown, automation_id, to=to))


def moved(order: Sequence[int], shown: Sequence[int], mover: int, *, to: str) -> list[int]:
    """The order after it has passed its neighbour of those that are shown."""
    at = shown.index(mover) + (-1 if to == "up" else 1)
    if not 0 <= at < len(shown):
        return list(order)
    rest = [each for each in order if each != mover]
    place = rest.index(shown[at]) + (to != "up")
    return [*rest[:place], mover, *rest[place:]]


def would_match(
    connection: Connection,
    workspace_id: int,
    here: Desk,
    *,
    source: str,
    campaign: str | None,
    when: str,
) -> Matched:
    """How many of the last responses it would have let through. Raises ExpressionInvalid."""
    declared = here.words.declared
    known = trusting(source, declared, survey_known=here.survey_known)
    rule = condition(source, known) if source.strip() else None
    return matching.matched(
        connection, workspace_id, here.words, rule=rule, campaign=campaign, when=when
    )


def _shaped(body: Body) -> dict[str, Any]:
    try:
        shaped: dict[str, Any] = AutomationSchema().load(dict(body))
    except ValidationError as exc:
        raise Refusal(Code.BODY_INVALID, places=places_of(exc.messages)) from exc
    return shaped


def _with_options(known: Known) -> Known:
    if known.variable != "computed.score_class":
        return known
    return Known(known.variable, Kind.CHOICE, known.question, tuple((one, "") for one in _CLASSES))


def _reached(connection: Connection, workspace_id: int) -> tuple[Reached, ...]:
    known = frozenset(apps())
    contacts = {app: traits_of(app).contact_entity for app in known if traits_of(app).list_field}
    asked = {"w": workspace_id, "apps": list(contacts), "entities": list(contacts.values())}
    rows = [row for row in connection.execute(CONNECTIONS, asked) if row.app in known]
    return tuple(
        Reached(
            name=row.name,
            app=row.app,
            label=traits.label,
            does=frozenset(one for one in ACTIONS if actions.able(traits, one)),
            lists=_lists(traits, row.definition),
            addressed=traits.messages is not None and traits.messages.addressed,
        )
        for row, traits in ((row, traits_of(row.app)) for row in rows)
    )


def _lists(traits: Traits, definition: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - JSON
    """The lists of the contact's definitions: name and label."""
    if not traits.list_field or not definition:
        return ()
    before, after = (re.escape(one) for one in traits.list_field.split("{list}", 1))
    shape = re.compile(f"{before}(.+){after}")
    fields = entity_from_json(definition).fields
    return tuple((found[1], each.label) for each in fields if (found := shape.fullmatch(each.name)))


_SHOWN = """
    SELECT a.id, a.name, a.place, a.published, a.latest, a.enabled, a.parked_reason, v.body,
           v.created_at AS changed_at,
           CASE WHEN a.published IS NULL THEN 'draft'
                WHEN a.parked_reason IS NOT NULL THEN 'parked'
                WHEN NOT a.enabled THEN 'off'
                WHEN a.published <> a.latest THEN 'changed' ELSE 'on' END AS state
      FROM automation a
      JOIN automation_version v ON v.automation_id = a.id AND v.version = a.latest
     WHERE a.workspace_id = :w AND a.deleted_at IS NULL
"""
OVERVIEW = text(f"{_SHOWN} ORDER BY a.place NULLS LAST, a.id")
ONE = text(f"{_SHOWN} AND a.id = :id")
PAGE = text(
    f"""
    SELECT * FROM (
        SELECT s.*, row_number() OVER (ORDER BY s.place NULLS LAST, s.id) AS number,
               count(*) OVER () AS total
          FROM ({_SHOWN}) s
         WHERE CAST(:campaign AS text) IS NULL
            OR coalesce(s.body ->> 'campaign', :campaign) = :campaign
    ) numbered WHERE number > :after ORDER BY number LIMIT :limit
    """  # noqa: S608 - constants
)
CAMPAIGNS = text(
    "SELECT platform_id, name, survey_id FROM campaign WHERE workspace_id = :w"
    " ORDER BY id DESC LIMIT :most"
)
MAPPINGS = text(
    "SELECT name FROM mapping WHERE workspace_id = :w AND deleted_at IS NULL ORDER BY name"
)
CONNECTIONS = text(
    """
    SELECT c.name, c.app, s.definition FROM connection c
      LEFT JOIN unnest(CAST(:apps AS text[]), CAST(:entities AS text[])) AS l(app, entity)
             ON l.app = c.app
      LEFT JOIN entity_snapshot s
             ON s.connection_id = c.id AND s.entity = l.entity AND s.current
     WHERE c.workspace_id = :w AND c.deleted_at IS NULL ORDER BY c.name
    """
)
