"""A source's settings as a document: what they hold, and every fault at its line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.documents import Document, loaded
from connector.problems import Refusal
from connector.responses.platforms import Described, checked
from schemas.source import SourceSettingsSchema
from schemas.sources.recipe import RecipeSchema


def settings_of(said: Document) -> dict[str, Any]:
    """A source's settings out of a document, the recipe among them tried on its own example.

    Raises Refusal with every fault at its line.
    """
    settings = settings_in(said)
    if "recipe" in settings:
        judged(said)
    return settings


def judged(said: Document) -> Described:
    """The platform that a document describes. Raises Refusal with every fault at its line."""
    settings = settings_in(said)
    before = "/settings" if _is_whole(said) else "/settings/recipe"
    try:
        return checked("recipe", settings)
    except Refusal as exc:
        places = [
            said.placed(replace(one, pointer=one.pointer.removeprefix(before)))
            for one in exc.places
        ]
        raise Refusal(exc.code, exc.detail, places=places) from exc


def settings_in(said: Document) -> dict[str, Any]:
    """A source's settings: the document is these, or a recipe alone."""
    if _is_whole(said):
        return loaded(said, SourceSettingsSchema())
    return {"recipe": loaded(said, RecipeSchema())}


def _is_whole(said: Document) -> bool:
    value = said.value
    return isinstance(value, dict) and ("recipe" in value or _RECIPES_OWN.isdisjoint(value))


# `respondent` and `campaign` are words of both.
_RECIPES_OWN = frozenset(RecipeSchema().fields) - frozenset(SourceSettingsSchema().fields)
