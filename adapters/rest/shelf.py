"""The described apps there are: those that ship in `apps/`, and those that the operator installed.

Which documents are installed is told once, at the start of the process (`install`); nothing is read
at import. An operator's document takes the place of a shipped one of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from adapters.rest.adapter import DescribedApp
from adapters.rest.noting import RemovesNotes, TakesNotes
from adapters.rest.push import PushedApp
from adapters.rest.tagging import TakesTags
from adapters.rest.traits import traits_of_document
from schemas.app import AppDocumentSchema

if TYPE_CHECKING:
    from adapters.base import CRM

Document = Mapping[str, Any]
APPS = Path(__file__).resolve().parent / "apps"
_INSTALLED: dict[str, Document] = {}


def install(documents: Mapping[str, Document]) -> None:
    """From now on these are the operator's apps; they have been checked."""
    _INSTALLED.clear()
    _INSTALLED.update(documents)
    adapter_of.cache_clear()


def is_installed(app: str) -> bool:
    """Whether the operator's own document describes this app."""
    return app in _INSTALLED


def path_of(app: str, folder: Path | None) -> Path | None:
    """Where the document of an app lies; `folder` is the operator's."""
    if is_installed(app) and folder is not None:
        return folder / f"{app}.yaml"
    return _shipped().get(app)


def names() -> frozenset[str]:
    """The names of all described apps."""
    return frozenset(_INSTALLED) | _shipped().keys()


@cache
def adapter_of(app: str) -> type[CRM]:
    """The adapter class of a described app. KeyError where there is none of that name."""
    return described(_INSTALLED[app] if app in _INSTALLED else _read(_shipped()[app]))


def described(document: Document) -> type[CRM]:
    """The adapter class that a document makes."""
    parts: tuple[type, ...] = (PushedApp,) if "push" in document else (DescribedApp,)
    further = [part for name, part in _FURTHER.items() if name in document]
    if "delete" in document.get("notes", {}):
        further[further.index(TakesNotes)] = RemovesNotes
    said = {"traits": traits_of_document(document), "document": document}
    made: type[CRM] = type(document["app"].title(), (*further, *parts), said)
    return made


_FURTHER: Mapping[str, type] = {"tags": TakesTags, "notes": TakesNotes}


@cache
def _shipped() -> Mapping[str, Path]:
    return {path.stem: path for path in sorted(APPS.glob("*.yaml"))}


def _read(path: Path) -> Document:
    # These files are ours: tests hold them to the reader that tells faults by line.
    loaded: Document = AppDocumentSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    return loaded
