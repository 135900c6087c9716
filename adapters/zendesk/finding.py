"""Reading records: by id and external id a hundred at a time, by e-mail one at a time.

Zendesk has no batch lookup by e-mail, and its search lags behind the writes by minutes (unverified
how many). So a lookup by e-mail may miss a person created a moment ago. Nothing is doubled by that:
creating such a person is refused as a duplicate, and the refusal is answered with their id, which
is read consistently (writing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters.errors import PauseMapping
from adapters.values import Record
from adapters.zendesk.answers import RecordGone
from adapters.zendesk.client import Client
from schemas.fields import Entity, FieldValue
from schemas.zendesk import from_zendesk

ID = "id"
# A query of a hundred long external ids would be refused for its length by servers on the way.
MOST_QUERY = 6_000
# Of those whose address only resembles the one looked for, so many are looked at closely.
MOST_RESEMBLING = 3
# These would end the term or begin another one in the search's language.
UNSEARCHABLE = frozenset(' "\\:,')

Raw = Mapping[str, Any]


def find(
    client: Client, entity: Entity, field: str, values: Sequence[str], *, want: Sequence[str]
) -> dict[str, tuple[Record, ...]]:
    """Records by value as asked; the port's `find`."""
    check_known(entity, want)
    asked = list(dict.fromkeys(values))
    found = {value: list(_living(hits)) for value, hits in _hits(client, entity, field, asked)}
    return {value: records_of(entity, found.get(value, []), want) for value in asked}


def by_ids(client: Client, entity: str, ids: Sequence[str]) -> dict[str, Raw]:
    """Living records by remote id, one call for a hundred."""
    numbers = [one for one in ids if one.isdigit()]
    if not numbers:
        return {}
    api = getattr(client.zenpy, entity)
    return {str(one["id"]): one for one in _living(_raws(api(ids=numbers)))}


def by_external_id(client: Client, entity: str, value: str) -> str | None:
    """The id of the one record with this external id."""
    found = [raw for _, raws in _by_external_ids(client, entity, [value]) for raw in _living(raws)]
    return str(found[0]["id"]) if found else None


def by_external_ids(client: Client, entity: str, values: Sequence[str]) -> dict[str, str]:
    """External id (casefolded) -> remote id of the living record that has it."""
    found: dict[str, str] = {}
    for value, raws in _by_external_ids(client, entity, values):
        found.update((value.casefold(), str(one["id"])) for one in _living(raws))
    return found


def organization_named(client: Client, name: str) -> str | None:
    """The id of the organization with this name, whatever its case: names are unique."""
    found = list(_one(client, "organizations", "name", name))
    return str(found[0]["id"]) if found else None


def check_known(entity: Entity, want: Sequence[str]) -> None:
    """Raises PauseMapping for a wanted field without a definition."""
    known = entity.by_name()
    for name in want:
        if name not in known:
            raise drifted(name)


def records_of(entity: Entity, raws: Iterable[Raw], want: Sequence[str]) -> tuple[Record, ...]:
    """What the caller wants of these records."""
    return tuple(
        Record(str(one["id"]), _values(entity, one, want), _changed_at(one)) for one in raws
    )


def in_queries(quoted: Sequence[str]) -> Iterator[list[str]]:
    """Ids as they stand in an address, in parts that make no query too long."""
    chunk: list[str] = []
    for one in quoted:
        if chunk and len(",".join([*chunk, one])) > MOST_QUERY:
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk


def _hits(
    client: Client, entity: Entity, field: str, values: Sequence[str]
) -> Iterator[tuple[str, Iterable[Raw]]]:
    if field == ID:
        found = by_ids(client, entity.name, values)
        yield from ((value, [found[value]] if value in found else []) for value in values)
    elif field == "external_id" and entity.name != "tickets":
        yield from _by_external_ids(client, entity.name, values)
    else:
        yield from ((value, _one(client, entity.name, field, value)) for value in values)


def _by_external_ids(
    client: Client, entity: str, values: Sequence[str]
) -> Iterator[tuple[str, Iterable[Raw]]]:
    """External ids compare whatever their case. One with a comma cannot stand in the list: it is
    looked for alone, by the search.
    """
    api = getattr(client.zenpy, entity)
    listed = [value for value in values if value and "," not in value]
    found: dict[str, list[Raw]] = {}
    for chunk in in_queries([quote(value, safe="") for value in listed]):
        # zenpy does not encode these: `a&b` would become two parameters.
        for one in _raws(api(external_ids=chunk)):
            found.setdefault(str(one["external_id"]).casefold(), []).append(one)
    for value in values:
        yield (
            value,
            _searched(client, entity, value) if "," in value else found.get(value.casefold(), []),
        )


def _searched(client: Client, entity: str, value: str) -> list[Raw]:
    told = client.get(f"{entity}/search.json", external_id=value)[entity]
    return [one for one in told if str(one["external_id"]).casefold() == value.casefold()]


def _one(client: Client, entity: str, field: str, value: str) -> Iterable[Raw]:
    """One value by a call of its own: e-mail, an organization's name, a ticket's external id."""
    if entity == "tickets":
        return _raws(client.zenpy.tickets(external_id=quote(value, safe="")))
    if entity == "organizations":
        told = client.get("organizations/search.json", name=value)["organizations"]
        return [one for one in told if str(one["name"]).casefold() == value.casefold()]
    if field != "email" or not value or UNSEARCHABLE & set(value):
        return ()
    # The search matches loosely: only who has exactly this address counts.
    told = list(_raws(client.zenpy.users.search(query=f"email:{value}")))
    exact = [one for one in told if str(one.get("email") or "").casefold() == value.casefold()]
    return exact or [one for one in told[:MOST_RESEMBLING] if _is_second_of(client, value, one)]


def _is_second_of(client: Client, email: str, user: Raw) -> bool:
    """Whether it is a further address of this person: so it is after a merge. Whether the search
    knows those is not established.
    """
    try:
        told = client.get(f"users/{user['id']}/identities.json")["identities"]
    except RecordGone:
        return False
    return any(
        one.get("type") == "email" and str(one.get("value")).casefold() == email.casefold()
        for one in told
    )


def _living(records: Iterable[Raw]) -> Iterator[Raw]:
    """Softly deleted people are still readable, with `active` false."""
    return (one for one in records if one.get("active", True))


def _raws(objects: Iterable[Any]) -> Iterator[Raw]:
    return (one.to_dict() for one in objects)


def _values(entity: Entity, raw: Raw, want: Sequence[str]) -> dict[str, FieldValue]:
    try:
        return from_zendesk(entity, raw, want)
    except KeyError as exc:
        # Zendesk ignores unknown keys in a write without a word: only reading shows the drift.
        raise drifted(str(exc.args[0])) from exc


def drifted(name: str) -> PauseMapping:
    """A field that Zendesk has not, or has no more."""
    return PauseMapping(f"Zendesk has no field {name} (any more)", field=name)


def _changed_at(raw: Raw) -> datetime | None:
    told = raw.get("updated_at")
    return datetime.fromisoformat(str(told)) if told else None
