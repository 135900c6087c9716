"""The catalogue of apps: what each can do and what it asks for, told from its traits."""

from __future__ import annotations

from typing import Any

from adapters.registry import UnknownApp, apps, traits_of
from adapters.traits import Traits
from connector.api.description import Resource
from connector.problems import not_found
from schemas.connection import AppListSchema, AppQuerySchema, AppSchema

resource = Resource("apps", __name__, description="The catalogue of apps")


@resource.on("GET", "/apps", query=AppQuerySchema, gives=AppListSchema)
def list_apps(asked: dict[str, Any]) -> dict[str, Any]:
    """Every app that can be connected, or those whose name or label holds `search`"""
    wanted = asked["search"].casefold()
    found = [
        traits for traits in available() if wanted in f"{traits.app} {traits.label}".casefold()
    ]
    return {"apps": [_shown(traits) for traits in found]}


@resource.on("GET", "/apps/<key:app>", gives=AppSchema)
def read_app(app: str) -> dict[str, Any]:
    """One app"""
    for traits in available():
        if traits.app == app:
            return _shown(traits)
    raise not_found()


def available() -> list[Traits]:
    """The apps whose optional library is installed; the others are simply not offered."""
    found = []
    for app in apps():
        try:
            found.append(traits_of(app))
        except (ImportError, UnknownApp):
            continue
    return found


def _shown(traits: Traits) -> dict[str, Any]:
    auth = [name for name, given in (("oauth", traits.oauth), ("key", traits.key_label)) if given]
    return {
        "app": traits.app,
        "label": traits.label,
        "auth": auth,
        "key_label": traits.key_label,
        "settings": traits.settings,
        "entities": traits.entities,
        "contact_entity": traits.contact_entity,
        "operations": [operation.value for operation in traits.operations] + ["upsert"],
        "tags": traits.tags.place.value,
        "notes": traits.note_limit is not None,
        "match_fields": traits.match_fields,
        "standard_fields": dict(traits.standard_fields),
        "creates": traits.creates,
    }
