"""Reads the JSON and YAML files that commands take: as strict as the API, and by file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from marshmallow import Schema

from connector.documents import Document, loaded, read_json, read_yaml
from schemas.strict import NotStrict


def document(file: Path, schema: Schema) -> dict[str, Any]:
    """The file's one document in the schema's shape. Raises ClickException or Refusal."""
    return loaded(parsed(file), schema)


def parsed(file: Path) -> Document:
    """What the file holds: JSON by its ending, else YAML. Raises ClickException or Refusal."""
    raw = content(file)
    if file.suffix != ".json":
        return read_yaml(raw)
    try:
        return read_json(raw)
    except NotStrict as exc:
        message = f"{file}: {exc.text} {exc.pointer}"
        raise click.ClickException(message) from exc


def content(file: Path) -> bytes:
    """The file's bytes. Raises ClickException."""
    try:
        return file.read_bytes()
    except OSError as exc:
        message = f"{file} cannot be read: {type(exc).__name__}"
        raise click.ClickException(message) from exc
