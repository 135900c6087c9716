"""The survey-response record: one per response, whatever the contact's fields make of it. Pure.

Where the standard integration asks for it and the CRM has the entity, a response becomes a record
of its own in its own lane, known by a key that no other response of any workspace has. What it
belongs to says belonging.py; the contact's record is written before it in the same wave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from adapters.traits import RecordTraits
from connector.responses.belonging import belonging, referring
from connector.responses.case import Case, ConnectionFacts, Draft
from connector.responses.fitting import Unfit, fitted
from connector.responses.graphemes import cut
from connector.responses.note import title_of
from connector.responses.questions import first_text
from connector.responses.standard import listed, match_as_fed, serves
from connector.responses.steps import FIELDS, Step, field_target, record_lane
from connector.responses.tags import canonical_tag
from connector.responses.vocabulary import Kind
from schemas.fields import Entity, Field, FieldType, FieldValue

_CUT = frozenset({FieldType.TEXT, FieldType.LONG_TEXT})


def record_steps(draft: Draft) -> None:
    """A record of this response wherever the standard integration keeps them."""
    for connection in draft.facts.connections.values():
        if connection.standard.get("record") and serves(draft, connection):
            _record_step(draft, connection)


def _record_step(draft: Draft, connection: ConnectionFacts) -> None:
    traits, entity = connection.traits.record, record_entity(connection)
    match = match_as_fed(draft, connection)
    if traits is None or entity is None or entity.field(traits.key) is None:
        draft.verdicts[f"record:{connection.id}"] = "record_not_provisioned"
        return
    if match is None:
        draft.verdicts[f"record:{connection.id}"] = "no_match"
        return
    belongs = belonging(draft, connection, referring(entity, traits.links), match=match)
    values = {**_values(draft, traits, entity), **belongs.values}
    draft.add(
        Step(
            key=f"record:{connection.id}",
            kind=FIELDS,
            connection_id=connection.id,
            linger_s=connection.linger_s,
            entity=entity.name,
            lane=record_lane(entity.name, traits.key, draft.case.key),
            payload={
                "match": {"field": traits.key, "value": draft.case.key},
                "linked": False,
                "operation": "upsert",
                "ambiguous": "refuse",
                "values": listed(values),
                "keep": list(belongs.keep),
                "refs": dict(belongs.refs),
                "inherit": dict(belongs.inherit),
                "optional": list(belongs.optional),
                "contact": traits.links["contact"][0],
                "create": {},
            },
            targets=tuple(
                field_target(entity.name, name) for name in sorted({*values, *belongs.refs})
            ),
            campaign_id=draft.case.campaign.id if draft.case.campaign else None,
            state="parked" if connection.waits else "pending",
            reason=connection.waits,
        )
    )


def record_entity(connection: ConnectionFacts) -> Entity | None:
    """The downloaded definition of the CRM's response entity; None where it is not there."""
    traits = connection.traits.record
    if traits is None:
        return None
    named = re.compile(traits.entity)
    return next((one for name, one in connection.entities.items() if named.fullmatch(name)), None)


# --- what it says ---------------------------------------------------------------------------------


def _values(draft: Draft, traits: RecordTraits, entity: Entity) -> dict[str, FieldValue]:
    """What we know of the response in the fields the entity still has; what fits none is left
    out: the record is worth more than one of its fields.
    """
    found: dict[str, FieldValue] = {}
    for word, name in traits.fields.items():
        field, (value, kind) = entity.field(name), _FACTS[word](draft)
        if field is None or value in (None, ""):
            continue
        try:
            found[name] = _shortened(fitted(value, kind, field=field), field)
        except Unfit:
            continue
    return found


def _shortened(value: FieldValue, field: Field) -> FieldValue:
    if field.type in _CUT and isinstance(value, str) and field.max_length is not None:
        return cut(value, field.max_length)
    return value


Fact = tuple[FieldValue, Kind]


def _title(draft: Draft) -> Fact:
    return title_of(draft.case.body), Kind.TEXT


def _campaign(draft: Draft) -> Fact:
    told = draft.case.body.get("campaign") or {}
    return str(told.get("name") or told.get("id") or ""), Kind.TEXT


def _score(draft: Draft) -> Fact:
    score = draft.case.variables.get("computed.score")
    return (score.value if score else None), Kind.NUMBER


def _segment(draft: Draft) -> Fact:
    told = draft.case.variables.get("computed.score_class")
    return (str(told.value).capitalize() if told else None), Kind.TEXT


def _comment(draft: Draft) -> Fact:
    return first_text(draft.case.body["answers"], draft.case.order), Kind.TEXT


def _answered_at(draft: Draft) -> Fact:
    # As the platform says, not as its revisions are ordered.
    at = datetime.fromisoformat(draft.case.body["submitted_at"]).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ"), Kind.DATETIME


def _tag(draft: Draft) -> Fact:
    score, campaign = draft.case.variables.get("computed.score"), draft.case.campaign
    if score is None or campaign is None:
        return None, Kind.TEXT
    return canonical_tag(campaign.tag_name, score.value, pattern=draft.facts.pattern), Kind.TEXT


def _link(draft: Draft) -> Fact:
    return _meta(draft.case).get("link"), Kind.TEXT


def _meta(case: Case) -> Mapping[str, str]:
    return case.body.get("meta") or {}


_FACTS: Mapping[str, Callable[[Draft], Fact]] = {
    "title": _title,
    "campaign": _campaign,
    "score": _score,
    "segment": _segment,
    "comment": _comment,
    "answered_at": _answered_at,
    "tag": _tag,
    "link": _link,
}
