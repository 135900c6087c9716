"""What stands around a mapping and decides whether it can work: its connection, what the connected
user may do, what has drifted, the account's calls, the campaign with its segment, and score tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from adapters.rights import Rights, rights_from_json
from adapters.traits import TagPlace
from connector.connections import quota
from connector.connections.budget import Budget, Light
from connector.connections.profile import Profile
from connector.responses.configuration.checking import Sight
from connector.responses.configuration.preflight import OPERATIONS, Need, lacking, scopes_lacking
from connector.responses.mapping import Problem
from connector.responses.prepare import tagging_of
from connector.responses.questions import shape_of
from connector.responses.rules import names_in
from connector.responses.tags import UnusableName
from connector.responses.vocabulary import OF_SURVEYS, STANDARD, declared, variable_name
from schemas.phrases import phrase

Body = Mapping[str, Any]
NOT_CONNECTED = "not_connected"
# The drift watch looks each night: older definitions may not be those of the CRM of today.
OLD = timedelta(days=8)
# Campaigns whose tags are judged where a mapping is for all of them.
MOST_CAMPAIGNS = 500


@dataclass(frozen=True, slots=True)
class Around:
    """What was read. `campaign_id`: None where the mapping's campaign is not known. `flags` and
    `properties` are names of variables, of every campaign where the mapping is for all. `drifted`:
    the fields of the entity that have changed and are not dealt with ("" among them: the whole
    entity). `scopes`: those of the grant, () where the CRM did not tell. `participation`: of the
    campaign, None where nobody has said.
    """

    here: Profile
    rights: Rights
    scopes: frozenset[str]
    budget: Budget
    workspace_paused: bool
    seen_at: datetime | None
    drifted: frozenset[str]
    campaign_id: int | None
    tag_names: tuple[str, ...]
    segment: frozenset[str] | None
    flags: frozenset[str]
    properties: frozenset[str]
    participation: Mapping[str, Any] | None


def around(connection: Connection, workspace_id: int, seen: Sight, body: Body) -> Around:
    """Two questions to the store."""
    here = seen.here
    row = connection.execute(
        AROUND,
        {
            "w": workspace_id,
            "c": here.id,
            "entity": seen.entity.name,
            "campaign": body.get("campaign"),
            "most": MOST_CAMPAIGNS,
        },
    ).one()
    changed = {str(change["field"]) for changes in row.drifted for change in changes}
    return Around(
        here=here,
        rights=rights_from_json(row.rights) if row.rights else Rights(),
        scopes=frozenset(row.scopes or ()),
        budget=quota.budget(connection, here),
        workspace_paused=row.workspace_paused,
        seen_at=row.seen_at,
        drifted=frozenset(changed),
        campaign_id=row.campaign_id,
        tag_names=tuple(row.tag_names),
        segment=None if row.segment is None else frozenset(row.segment),
        flags=frozenset(variable_name("flags", one) for one in row.flags),
        properties=frozenset(variable_name("properties", one) for one in row.properties),
        participation=row.participation,
    )


def problems(body: Body, seen: Sight, found: Around, *, now: datetime) -> Iterator[Problem]:
    """What of all that stands against the mapping. Pure."""
    yield from _of_connection(found, now)
    yield from _of_permissions(body, seen, found)
    yield from _of_drift(body, seen, found, now)
    yield from _of_campaign(body, seen, found)
    yield from _of_tags(body, seen, found)


def told_of(body: Body, found: Around) -> frozenset[str]:
    """The variables of which `problems` says whether they are there."""
    return frozenset(
        variable
        for _, variable in _variables(body)
        if variable.startswith(("flags.", "categories."))
        or (found.campaign_id is not None and variable.startswith("contact."))
    )


def _warning(place: str, code: str, message: str, *, field: str = "") -> Problem:
    return Problem(place, field, code, message, warning=True)


def _of_connection(found: Around, now: datetime) -> Iterator[Problem]:
    name = found.here.name
    if found.here.state != "connected":
        message = phrase("the connection %(name)s is not connected", name=name)
        yield Problem("connection", "", NOT_CONNECTED, message)
    if found.here.paused_at is not None:
        message = phrase("the connection %(name)s is paused: what comes waits", name=name)
        yield _warning("connection", "connection_paused", message)
    if found.workspace_paused:
        message = phrase("the workspace is paused: what comes waits")
        yield _warning("connection", "workspace_paused", message)
    if found.budget.light(now) in {Light.YELLOW, Light.RED}:
        message = phrase(
            "the account of %(name)s has few calls left: what comes may wait", name=name
        )
        yield _warning("connection", "quota_low", message)


def _of_permissions(body: Body, seen: Sight, found: Around) -> Iterator[Problem]:
    """What the CRM has told of the connected user's rights, and of each field's."""
    entities, traits = {seen.entity.name: seen.entity}, seen.traits
    does = OPERATIONS[body["operation"]]
    whole = Need("mapping", seen.entity.name, does)
    for lack in lacking(whole, entities, found.rights, traits):
        yield Problem("entity", "", "no_permission", lack.text)
    for scope in scopes_lacking(whole, traits, found.scopes):
        message = phrase(
            "%(name)s was not granted the scope %(scope)s, which %(entity)s needs",
            name=found.here.name,
            scope=scope,
            entity=whole.entity,
        )
        yield _warning("entity", "scope_lacking", message)
    if body["operation"] != "upsert":
        return  # else a field that cannot be written is told by the row itself
    for place, row in enumerate(body["rows"]):
        field = seen.entity.field(row["field"])
        if field is not None and field.creatable != field.updatable:
            message = (
                phrase("%(name)s can only be written on a new record", name=field.name)
                if field.creatable
                else phrase(
                    "%(name)s can only be written on a record that is there", name=field.name
                )
            )
            yield _warning(f"rows[{place}]", "partly_writable", message, field=field.name)


def _of_drift(body: Body, seen: Sight, found: Around, now: datetime) -> Iterator[Problem]:
    used = {*(row["field"] for row in body["rows"]), body["identify"]["field"]}
    hit = sorted(name for name in found.drifted if name in used)
    if hit or "" in found.drifted:
        listed = ", ".join(str(one) for one in hit) or seen.entity.name
        message = phrase(
            "the CRM has changed, and nobody has looked at it yet: %(listed)s", listed=listed
        )
        yield _warning("entity", "drift_open", message, field=hit[0] if hit else "")
    if found.seen_at is not None and now - found.seen_at > OLD:
        message = phrase(
            "the field definitions were downloaded last on %(seen_at)s",
            seen_at=f"{found.seen_at:%Y-%m-%d}",
        )
        yield _warning("entity", "definitions_old", message)


def _of_campaign(body: Body, seen: Sight, found: Around) -> Iterator[Problem]:
    """What the mapping takes from its campaign, and the campaign does not have."""
    campaign = body.get("campaign")
    if campaign is not None and found.campaign_id is None:
        message = phrase("no campaign %(campaign)s is known yet", campaign=campaign)
        yield _warning("campaign", "campaign_unknown", message)
    if campaign is not None and found.campaign_id is not None:
        yield from _of_segment(body, found)
        yield from _of_participation(body, found)
    asked = declared(shape_of([seen.survey])) if seen.survey is not None else None
    raised = {*found.flags, *(name for name in asked or seen.words.declared)}
    for place, variable in _variables(body):
        namespace, _, key = variable.partition(".")
        if asked is not None and namespace in OF_SURVEYS and variable in seen.words.declared:
            if variable not in asked:
                message = phrase(
                    "%(variable)s is not asked in the survey of the campaign %(campaign)s",
                    variable=variable,
                    campaign=campaign,
                )
                yield Problem(place, _field_at(body, place), "question_not_asked", message)
        elif namespace in {"flags", "categories"} and variable not in raised:
            message = (
                phrase("no flag %(key)s is known", key=key)
                if namespace == "flags"
                else phrase("no category %(key)s is known", key=key)
            )
            yield _warning(place, "flag_unknown", message, field=_field_at(body, place))
        elif namespace == "properties" and variable not in found.properties:
            message = phrase("the campaign and its distributions have no property %(key)s", key=key)
            yield _warning(place, "property_unknown", message, field=_field_at(body, place))


def _of_segment(body: Body, found: Around) -> Iterator[Problem]:
    wanted = {
        variable
        for _, variable in _variables(body)
        if variable.startswith("contact.") and variable not in STANDARD
    }
    if not wanted:
        return
    if found.segment is None:
        message = phrase(
            "the campaign has no segment, so nobody says that its contacts have %(names)s",
            names=", ".join(sorted(wanted)),
        )
        yield _warning("campaign", "segment_missing", message)
        return
    lacks = sorted(wanted - {variable_name("contact", one) for one in found.segment})
    if lacks:
        message = phrase("the campaign's segment does not have %(names)s", names=", ".join(lacks))
        yield _warning("campaign", "segment_lacks", message)


def _of_participation(body: Body, found: Around) -> Iterator[Problem]:
    """Who is found again is not made again: what only makes records of people takes the first
    answer of each. Whatever changes records is at ease, for there the newest answer counts.
    """
    if body["operation"] != "create" or not body["identify"]["variable"].startswith("contact."):
        return
    said = found.participation
    if said is None:
        message = phrase(
            "nobody has said whether a person answers this campaign once or several times"
        )
        yield _warning("campaign", "participation_unset", message)
    elif said["answers"] == "several" or said.get("days"):
        message = (
            phrase(
                "a person may answer again after %(days)s days; this mapping only makes records,"
                " and every answer after the first is refused",
                days=said["days"],
            )
            if said.get("days")
            else phrase(
                "a person may answer several times; this mapping only makes records,"
                " and every answer after the first is refused"
            )
        )
        yield _warning("campaign", "answers_again", message)


def _of_tags(body: Body, seen: Sight, found: Around) -> Iterator[Problem]:
    """Whoever is fed on a contact gets the campaign's score tag besides."""
    traits, tags = seen.traits, seen.words.settings.get("tags", {})
    is_tagged = traits.tags.place is not TagPlace.NONE and tags.get("enabled", True)
    if body["entity"] != traits.contact_entity or not is_tagged:
        return
    for place, row in enumerate(body["rows"]):
        if row["field"] == traits.tags.field:
            message = phrase(
                "score tags stand in %(field)s: this row would write over them", field=row["field"]
            )
            yield Problem(f"rows[{place}]", row["field"], "tag_field_taken", message)
    tagging = tagging_of(traits.tags, tags, found.here.learnt, settings=found.here.settings)
    # Elsewhere tags go by calls of their own, whatever the field's own rights.
    if tagging.per_campaign is None and traits.tags.place is TagPlace.FIELD and traits.tags.field:
        need = Need("score tags", seen.entity.name, OPERATIONS["update"], traits.tags.field)
        for lack in lacking(need, {seen.entity.name: seen.entity}, found.rights, traits):
            yield _warning("entity", "tags_not_writable", lack.text, field=traits.tags.field)
    unusable = [name for name in found.tag_names if not _can_be_tagged(tagging, name)]
    if unusable:
        message = phrase(
            "score tags of %(names)s cannot be written in %(label)s",
            names=", ".join(unusable[:10]),
            label=phrase(traits.label),
        )
        yield Problem("campaign", "", "tag_unusable", message)


def _can_be_tagged(tagging: Any, name: str) -> bool:  # noqa: ANN401 - fold.Tagging
    try:
        tagging.tag(name, 0)
    except UnusableName:
        return False
    return True


def _variables(body: Body) -> Iterator[tuple[str, str]]:
    """Each variable that the mapping names, with its place."""
    for place, row in [("identify", body["identify"]),
                       *((f"rows[{n}]", row) for n, row in enumerate(body["rows"]))]:  # fmt: skip
        named = [row["variable"]]
        for step in row.get("transforms", ()):
            if step["name"] == "cel" and isinstance(step.get("expression"), str):
                named += sorted(names_in(step["expression"]))
        for variable in dict.fromkeys(named):
            yield place, variable


def _field_at(body: Body, place: str) -> str:
    row = body["identify"] if place == "identify" else body["rows"][int(place[5:-1])]
    return str(row["field"])


AROUND = text(
    """
    SELECT n.rights, g.scopes, w.paused_at IS NOT NULL AS workspace_paused,
           k.id AS campaign_id, k.participation,
           (SELECT min(seen_at) FROM entity_snapshot e
             WHERE e.connection_id = n.id AND e.current AND e.entity = :entity) AS seen_at,
           ARRAY(SELECT d.changes FROM drift d
                  WHERE d.connection_id = n.id AND d.mended_at IS NULL AND d.breaks
                    AND d.entity = :entity ORDER BY d.id) AS drifted,
           CASE WHEN CAST(:campaign AS text) IS NOT NULL
                THEN ARRAY(SELECT k.tag_name WHERE k.id IS NOT NULL)
                ELSE ARRAY(SELECT tag_name FROM campaign WHERE workspace_id = :w
                            ORDER BY id DESC LIMIT :most) END AS tag_names,
           (SELECT ARRAY(SELECT jsonb_object_keys(s.attributes)) FROM segment s
             WHERE s.id = k.segment_id) AS segment,
           ARRAY(SELECT DISTINCT unnest(f.flags) FROM campaign f
                  WHERE f.workspace_id = :w
                    AND (k.id IS NULL OR f.id = k.id)) AS flags,
           ARRAY(SELECT jsonb_object_keys(f.properties) FROM campaign f
                  WHERE f.workspace_id = :w AND (k.id IS NULL OR f.id = k.id)
                 UNION SELECT jsonb_object_keys(f.properties) FROM distribution f
                  WHERE f.workspace_id = :w
                    AND (k.id IS NULL OR f.campaign_id = k.id)) AS properties
      FROM connection n JOIN workspace w ON w.id = n.workspace_id
      LEFT JOIN credential g ON g.workspace_id = n.workspace_id AND g.connection_id = n.id
      LEFT JOIN campaign k ON k.workspace_id = :w AND k.platform_id = :campaign
     WHERE n.workspace_id = :w AND n.id = :c
    """
)
