"""An account's own objects: which there are, their fields and their records (custom objects API,
2026-11). zenpy knows none of it, so every call is raw.

Records have ids of letters and digits and are found by id and external id, a hundred a call. How
they are written says objectwriting.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping
from adapters.listing import Choosable
from adapters.values import Record
from adapters.zendesk.answers import Forbidden, RecordGone
from adapters.zendesk.client import Client
from adapters.zendesk.finding import ID, check_known, in_queries, records_of
from adapters.zendesk.traits import RECORD_OBJECT
from schemas.fields import Entity
from schemas.zendesk import KINDS, entity_of, kind_of

PATH = "custom_objects"
FIELDS = "custom_object_fields"
EXTERNAL_ID = "external_id"
FILTERS: Mapping[str, str] = {ID: "filter[ids]", EXTERNAL_ID: "filter[external_ids]"}
# What a plan without custom objects, a token without their scope, or a user without the right says.
UNSEEN = (Forbidden, RecordGone, PauseMapping, BrokenContract)
MOST_AT_ONCE = "100"

Raw = Mapping[str, Any]


def listed(client: Client) -> tuple[Choosable, ...]:
    """See adapters/listing.py, in one call. A key that is the name of one of Zendesk's own entities
    is left out: it could not be told from them.
    """
    return tuple(
        Choosable(key, label, custom=True)
        for key, label in _seen(client).items()
        if key not in KINDS
    )


def described(client: Client, keys: Collection[str]) -> tuple[Entity, ...]:
    """The definitions of these objects, a call each and one for their titles; those that the
    account does not show are left out.
    """
    wanted = [one for one in dict.fromkeys(keys) if one not in KINDS]
    there = _seen(client)
    return tuple(
        _as_made(entity_of(kind_of(key, there[key]), fields_of(client, key)))
        for key in wanted
        if key in there
    )


def _as_made(entity: Entity) -> Entity:
    """Our own object was made without numbering: its records cannot be without a name. Of others
    the account does not tell whether Zendesk numbers them.
    """
    if entity.name != RECORD_OBJECT:
        return entity
    fields = (replace(one, required=one.required or one.name == "name") for one in entity.fields)
    return replace(entity, fields=tuple(fields))


def titles(client: Client) -> dict[str, str]:
    """The account's objects: key -> title in the plural. Raises one of UNSEEN where they may not be
    seen.
    """
    every: Sequence[Raw] = client.get(f"{PATH}.json").get(PATH) or ()
    return {str(one["key"]): str(one.get("title_pluralized") or one["key"]) for one in every}


def fields_of(client: Client, key: str) -> Sequence[Raw]:
    """The definitions of an object's own fields, as Zendesk tells them."""
    told = client.get(f"{PATH}/{quote(key, safe='')}/fields")
    return told.get(FIELDS) or ()


def records_path(entity: Entity) -> str:
    """Where the records of an object are."""
    return f"{PATH}/{quote(entity.name, safe='')}/records"


def find(
    client: Client, entity: Entity, field: str, values: Sequence[str], *, want: Sequence[str]
) -> dict[str, tuple[Record, ...]]:
    """The port's `find`: by id or external id, which compare with their case. An external id with a
    comma cannot be asked for: the commas of a list are not to be told from it.
    """
    check_known(entity, want)
    if field not in FILTERS:
        message = f"Zendesk finds no {entity.label} by {field}"
        raise PauseMapping(message, code="not_identifying", field=field)
    asked = [one for one in dict.fromkeys(values) if one and "," not in one]
    found: dict[str, list[Raw]] = {}
    for chunk in in_queries([quote(one, safe="") for one in asked]):
        for one in _asked(client, entity, FILTERS[field], chunk):
            found.setdefault(str(one[field]), []).append(one)
    return {one: records_of(entity, found.get(one, []), want) for one in values}


def unreadable() -> OutcomeUnknown:
    """What an answer without its contents comes to."""
    message = "Zendesk's answer about its custom objects does not hold what it should"
    return OutcomeUnknown(message, code="answer_unreadable")


def _seen(client: Client) -> dict[str, str]:
    """The account's objects; none where they may not be seen."""
    try:
        return titles(client)
    except UNSEEN:
        return {}


def _asked(client: Client, entity: Entity, name: str, values: Sequence[str]) -> Sequence[Raw]:
    path = f"{records_path(entity)}?{quote(name)}={','.join(values)}"
    try:
        told = client.get(path, **{"page[size]": MOST_AT_ONCE})
    except RecordGone as exc:
        message = f"Zendesk has no object {entity.name} (any more)"
        raise PauseMapping(message, code="entity_unknown") from exc
    found = told.get("custom_object_records")
    if not isinstance(found, list):
        raise unreadable()
    return found
