"""Apps that the operator has described: read from files, checked, and told to the registry.

A document that cannot work is refused with every fault at its line; at the start of a process that
keeps it from starting (ANSWERBACK_APPS_DIR, docs/apps/rest.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.registry import ADAPTERS
from adapters.rest import shelf
from adapters.rest.checking import faults
from connector.documents import Document, loaded, read_yaml
from connector.problems import Code, Place, Refusal
from connector.settings import Settings, SettingsError
from schemas.app import AppDocumentSchema
from schemas.phrases import phrase

ENDING = ".yaml"
MOST_BYTES = 512 * 1024
_VARIABLE = "ANSWERBACK_APPS_DIR"


def checked(document: Document) -> dict[str, Any]:
    """The app that a file describes. Raises Refusal(BODY_INVALID) with every fault at its line."""
    app = loaded(document, AppDocumentSchema())
    wrong = [Place(one.pointer, "invalid", one.text) for one in faults(app)]
    if app["app"] in ADAPTERS:
        wrong.append(
            Place("/app", "name_taken", phrase("an app of that name has an adapter of its own"))
        )
    if wrong:
        raise Refusal(Code.BODY_INVALID, places=[document.placed(one) for one in wrong])
    return app


def read(path: Path) -> dict[str, Any]:
    """The app of that file. Raises Refusal, OSError."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Refusal(
            Code.FILE_INVALID,
            phrase("The file is larger than %(most_bytes)s bytes.", most_bytes=MOST_BYTES),
        )
    return checked(read_yaml(raw))


def install(settings: Settings) -> None:
    """Tell the registry of the operator's apps. Raises SettingsError naming file and line."""
    found, problems = {}, []
    for path in _files(settings.apps_dir):
        try:
            app = read(path)
        except (Refusal, OSError) as exc:
            problems += [f"{_VARIABLE}: {path.name}: {one}" for one in _told(exc)]
            continue
        if app["app"] != path.stem:
            problems.append(f"{_VARIABLE}: {path.name}: name the file {app['app']}{ENDING}")
        found[app["app"]] = app
    if problems:
        raise SettingsError(tuple(problems))
    shelf.install(found)


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise SettingsError((f"{_VARIABLE}: there is no such folder",))
    return sorted(folder.glob(f"*{ENDING}"))


def _told(exc: Refusal | OSError) -> Iterator[str]:
    if isinstance(exc, OSError):
        yield f"it cannot be read ({type(exc).__name__})"
        return
    for one in exc.places:
        yield ", ".join(filter(None, (one.where, one.pointer))) + f": {one.text}"
    if not exc.places:
        yield str(exc.detail)
