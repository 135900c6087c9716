"""What a described app is and can do, read from its document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.rest.values import LIST
from adapters.traits import RatePolicy, SettingField, TagPlace, TagTraits, Traits
from adapters.values import Operation
from schemas.fields import FieldType

Document = Mapping[str, Any]
# The fields that an app takes which is only told, as its admin names them: `score:integer, why`.
PUSHED = SettingField(
    name="fields",
    label="Fields of the message",
    pattern=r"\s*[A-Za-z][A-Za-z0-9_.-]{0,59}(\s*:\s*[a-z_]+)?"
    r"(\s*,\s*[A-Za-z][A-Za-z0-9_.-]{0,59}(\s*:\s*[a-z_]+)?){0,99}\s*",
    help="Names with their types, such as `score:integer, comment, topics:multi_choice`.",
    longest=5_000,
)
# Nobody is found at an app that is only told, so no record of it stands for a person.
NOBODY = "contact"


def traits_of_document(document: Document) -> Traits:
    """The traits of the app that this document describes."""
    kind = _pushed(document) if "push" in document else _kept(document)
    return Traits(
        app=document["app"],
        label=document["label"],
        base_url=document["base_url"],
        hosts=tuple(document["hosts"]),
        oauth=None,
        key_label=document["key_label"],
        rates=tuple(RatePolicy(one["calls"], one["per_s"]) for one in document["rates"]),
        read_batch=1,
        linger_s=0.0,
        **kind,
    )


def _settings(document: Document, further: Iterable[SettingField] = ()) -> tuple[SettingField, ...]:
    said = (SettingField(**one) for one in document["settings"])
    return (*said, *further)


def _pushed(document: Document) -> dict[str, Any]:
    entity = document["push"]["name"]
    return {
        "settings": _settings(document, [PUSHED]),
        "entities": (entity,),
        "contact_entity": NOBODY,
        "match_fields": (document["push"]["key"],),
        "write_batch": 1,
        # Nothing is found there, so nothing can only be made or be made where it is missing.
        "operations": (Operation.UPDATE,),
        "tags": TagTraits(place=TagPlace.NONE),
        "field_types": frozenset(FieldType) - {FieldType.OTHER, FieldType.REFERENCE},
    }


def _kept(document: Document) -> dict[str, Any]:
    contact = document["contact"]
    many = contact.get("update_many", {}).get("size", 1)
    notes = document.get("notes")
    return {
        "settings": _settings(document),
        "entities": (contact["name"],),
        "contact_entity": contact["name"],
        "match_fields": tuple(one["field"] for one in contact["find"]),
        "write_batch": many,
        "tags": _tags(document),
        "note_limit": notes["limit"] if notes else None,
        "operations": tuple(one for one in Operation if one.value in contact),
        "standard_fields": dict(document["standard_fields"]),
        "list_field": LIST + "{list}" if "lists_from" in contact else None,
        "field_types": frozenset(_types(document)),
        "creates": "keyed" if any(one["unique"] for one in contact["fields"]) else "marker",
    }


def _tags(document: Document) -> TagTraits:
    said = document.get("tags")
    if said is None:
        return TagTraits(place=TagPlace.NONE)
    return TagTraits(TagPlace.ENDPOINT, styles=(said["style"],), max_length=said["max_length"])


def _types(document: Document) -> Iterable[FieldType]:
    yield from (one["type"] for one in document["contact"]["fields"])
    yield from (one["type"] for one in document["types"].values())
    if "lists_from" in document["contact"]:
        yield FieldType.BOOLEAN
