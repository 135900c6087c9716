"""A unique property of our own: what a record is known by where HubSpot has nothing that is unique.

Two companies may have one domain and one name, and search sees a new record only after a while. So
a record that we make carries what it was made for in `npstoday_key`. HubSpot lets no second one
have it and finds it at once, so that it is made once, however many make it at the same time.
"""

from __future__ import annotations

from adapters.errors import BrokenContract, PauseMapping
from adapters.hubspot.client import Client
from adapters.hubspot.definition import group, key_property
from adapters.hubspot.traits import API, KEY_FIELD

EXISTS = 409
PROPERTIES = f"/crm/properties/{API}/{{object}}"


def key_of(field: str, value: str) -> str:
    """What a record that is found by `field` carries: `domain:acme.example`."""
    return f"{field}:{value.strip().casefold()}"


def ensure(client: Client, entity: str) -> None:
    """Make the property where it is not there; uniqueness can only be given when it is made.

    Raises PauseMapping for a missing scope, BrokenContract when somebody has made another property
    of this name. A repeat does nothing.
    """
    params, seen = {"object": entity}, frozenset({EXISTS})
    try:
        client.call("POST", PROPERTIES + "/groups", params=params, body=group(), seen=seen)
        made = client.call("POST", PROPERTIES, params=params, body=key_property(), seen=seen)
    except PauseMapping as exc:
        raise PauseMapping(str(exc), code=exc.code, field=KEY_FIELD, scope=exc.scope) from exc
    if made.status == EXISTS:
        _check_unique(client, entity)


def _check_unique(client: Client, entity: str) -> None:
    params = {"object": entity, "name": KEY_FIELD}
    held = client.call("GET", PROPERTIES + "/{name}", params=params).body
    if not held.get("hasUniqueValue"):
        message = f"the property {KEY_FIELD} of {entity} is not unique: rename or remove it"
        raise BrokenContract(message, code="key_field_taken")
