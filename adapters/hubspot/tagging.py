"""Makes sure that score tags have a place: our property, and an option for every tag.

HubSpot replaces the whole list of options, so it is read, added to and sent back; an option that is
not ours, or no longer needed, is never taken away, because that would empty it from the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.errors import BrokenContract
from adapters.hubspot.client import Client
from adapters.hubspot.definition import group, new_options, score_property, tag_property
from adapters.hubspot.traits import API, TAG_FIELD
from adapters.values import TagOptions

EXISTS, ABSENT = 409, 404
PROPERTIES = f"/crm/properties/{API}/{{object}}"
Option = Mapping[str, Any]


def provision(client: Client, entity: str, options: Sequence[TagOptions]) -> None:
    """The port's `provision_tags`: one read, and more calls only where something lacks."""
    own = {one.field: one.campaign for one in options if one.field}
    if own:
        _add_score_fields(client, entity, own)
    tags = dict.fromkeys(tag for one in options if not one.field for tag in one.tags)
    if tags:
        add_options(client, entity, list(tags))


def _add_score_fields(client: Client, entity: str, campaigns: Mapping[str, str]) -> None:
    """Make sure of these number properties: name -> the campaign whose score it holds."""
    params, seen = {"object": entity}, frozenset({EXISTS})
    told = client.call("GET", PROPERTIES, params=params).body.get("results") or ()
    present = {str(one["name"]): one.get("type") for one in told}
    for name in campaigns:
        if present.get(name, "number") != "number":
            message = f"the property {name} is not a number: rename or remove it"
            raise BrokenContract(message, code="tag_field_taken")
    lacking = [name for name in campaigns if name not in present]
    if lacking:
        client.call("POST", PROPERTIES + "/groups", params=params, body=group(), seen=seen)
    for name in lacking:
        body = score_property(name, campaigns[name])
        client.call("POST", PROPERTIES, params=params, body=body, seen=seen)


def add_options(client: Client, entity: str, tags: Sequence[str]) -> None:
    """Make sure that these tags are options; those that are there stay, in their places."""
    present = _present(client, entity)
    if present is None:
        present = _create(client, entity, tags)
    lacking = [tag for tag in tags if tag not in {str(one.get("value")) for one in present}]
    if lacking:
        _replace(client, entity, [*present, *new_options(lacking, after=len(present))])


def _present(client: Client, entity: str) -> list[Option] | None:
    """The options there are, None where the property is not there."""
    told = client.call(
        "GET",
        PROPERTIES + "/{name}",
        params={"object": entity, "name": TAG_FIELD},
        seen=frozenset({ABSENT}),
    )
    if told.status == ABSENT:
        return None
    if (told.body.get("type"), told.body.get("fieldType")) != ("enumeration", "checkbox"):
        message = f"the property {TAG_FIELD} is not a list of checkboxes: rename or remove it"
        raise BrokenContract(message, code="tag_field_taken")
    return list(told.body.get("options") or ())


def _create(client: Client, entity: str, tags: Sequence[str]) -> list[Option]:
    """The options of the new property; it need not show at once in what is read."""
    params = {"object": entity}
    seen = frozenset({EXISTS})
    client.call("POST", PROPERTIES + "/groups", params=params, body=group(), seen=seen)
    made = client.call("POST", PROPERTIES, params=params, body=tag_property(tags), seen=seen)
    if made.status == EXISTS:
        # Somebody was faster: what stands now is what counts.
        return _present(client, entity) or []
    return list(made.body.get("options") or ())


def _replace(client: Client, entity: str, options: Sequence[Option]) -> None:
    params = {"object": entity, "name": TAG_FIELD}
    client.call("PATCH", PROPERTIES + "/{name}", params=params, body={"options": list(options)})
