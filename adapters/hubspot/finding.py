"""Finds records by id or unique property with batch reads, which see every write at once.

HubSpot's search does not: its index lags. A merged id answers with the survivor's record, so the
ids that a record has swallowed are asked for with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.hubspot.client import Client
from adapters.hubspot.refusals import check_complete
from adapters.hubspot.traits import API, COMPANY_LINK, SCORE_FIELD_NAME, TAG_FIELD, TRAITS
from adapters.values import Record
from schemas.fields import Entity, FieldType
from schemas.hubspot import EMAIL, SEPARATOR, canonical_of

# Either tells the ids that were merged into a record: the first for contacts (recorded).
SWALLOWED = ("hs_all_contact_vids", "hs_merged_object_ids")
# A contact's other addresses. Whether it is found by them is unverified: if it is, this tells which
# was asked for; if not, making it is refused with its id, and it is written by that.
ADDITIONAL_EMAILS = "hs_additional_emails"
Found = Mapping[str, Any]


def find(
    client: Client, entity: Entity, field: str, values: Sequence[str], *, want: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    """The port's `find`. HubSpot's keys are unique: one record or none for each value."""
    kinds = kinds_of(entity, want)
    by_id = field == TRAITS.id_field
    _check_key(entity, field, by_id=by_id)
    extra = SWALLOWED if by_id else (field, ADDITIONAL_EMAILS) if field == EMAIL else (field,)
    told, missing = read(client, entity.name, field, values, want=(*kinds, *extra))
    held = {key: one for one in told for key in _keys(one, field, by_id=by_id)}
    found: dict[str, tuple[Record, ...]] = {}
    for value in values:
        one = held.get(value.strip().casefold())
        if one is None and by_id and value not in missing:
            one = _read_one(client, entity.name, value, want=tuple(kinds))
        found[value] = (record_of(one, kinds),) if one is not None else ()
    return found


def kinds_of(entity: Entity, want: Sequence[str]) -> dict[str, FieldType]:
    """The wanted fields' types. Raises PauseMapping for a field that HubSpot did not describe."""
    known = entity.by_name()
    kinds = {}
    for name in want:
        if name in known:
            kinds[name] = known[name].type
        elif name == TAG_FIELD:
            # Ours, and perhaps made after the definitions were downloaded.
            kinds[name] = FieldType.MULTI_CHOICE
        elif SCORE_FIELD_NAME.fullmatch(name):
            kinds[name] = FieldType.NUMBER
        elif name == COMPANY_LINK and entity.name == TRAITS.contact_entity:
            # An association as much as a property: HubSpot need not describe it.
            kinds[name] = FieldType.REFERENCE
        else:
            message = f"HubSpot has no property {name} any more"
            raise PauseMapping(message, code="field_gone", field=name)
    return kinds


def _check_key(entity: Entity, field: str, *, by_id: bool) -> None:
    definition = entity.field(field)
    if by_id or (definition is not None and definition.identifies):
        return
    message = f"HubSpot finds records only by unique properties, and {field} is none"
    raise PauseMapping(message, code="not_identifying", field=field)


def read(
    client: Client, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
) -> tuple[list[Found], frozenset[str]]:
    """One batch read: the records that are there, and the values of which HubSpot says that they
    are not.
    """
    asked = {value.strip().casefold(): value.strip() for value in values if value.strip()}
    if not asked:
        return [], frozenset()
    body: dict[str, Any] = {
        "properties": list(dict.fromkeys(want)),
        "propertiesWithHistory": [],
        "inputs": [{"id": value} for value in asked.values()],
    }
    if field != TRAITS.id_field:
        body["idProperty"] = field
    path = f"/crm/objects/{API}/{{object}}/batch/read"
    told = client.call("POST", path, params={"object": entity}, body=body).body
    check_complete(told)
    results = told.get("results")
    if not isinstance(results, list):
        message = "HubSpot's answer to a batch read has no results"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return results, _named_missing(told)


def _named_missing(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        str(value)
        for error in told.get("errors") or ()
        for value in (error.get("context") or {}).get("ids") or ()
    )


def _keys(one: Found, field: str, *, by_id: bool) -> set[str]:
    """What this record may have been asked by, whatever the case."""
    properties = one.get("properties") or {}
    if by_id:
        return {str(one.get("id", "")), *_several(properties, SWALLOWED)}
    if field == EMAIL:
        return _several(properties, (EMAIL, ADDITIONAL_EMAILS))
    return {str(properties.get(field) or "").casefold()}


def _several(properties: Mapping[str, Any], names: Sequence[str]) -> set[str]:
    """The values of these properties, each of which may hold several."""
    told = SEPARATOR.join(str(properties.get(name) or "") for name in names)
    return set(filter(None, told.casefold().split(SEPARATOR)))


def _read_one(client: Client, entity: str, remote_id: str, *, want: Sequence[str]) -> Found | None:
    """A single read follows a merge; None when the record is gone."""
    told = client.call(
        "GET",
        f"/crm/objects/{API}/{{object}}/{{id}}",
        params={"object": entity, "id": remote_id},
        query={"properties": ",".join(want)} if want else {},
        seen=frozenset({404}),
    )
    return None if told.status == 404 else told.body


def record_of(one: Found, kinds: Mapping[str, FieldType]) -> Record:
    """A record as HubSpot tells it, with canonical values of these fields."""
    properties = one.get("properties") or {}
    values = {name: canonical_of(kind, properties.get(name)) for name, kind in kinds.items()}
    changed = one.get("updatedAt")
    return Record(str(one["id"]), values, datetime.fromisoformat(changed) if changed else None)
