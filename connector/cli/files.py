"""Reads the JSON and YAML files that commands take: as strict as the API, and by file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml
from marshmallow import Schema, ValidationError

from connector.problems import Code, Refusal, places_of
from schemas.strict import JSON, NotStrict, decode


class _StrictLoader(yaml.SafeLoader):
    """YAML whose keys stand once and whose dates stay text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        sign: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if len(set(map(str, keys))) != len(keys):
        message = "a key stands twice"
        raise yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


def document(file: Path, schema: Schema) -> dict[str, Any]:
    """The file's one document in the schema's shape. Raises ClickException or Refusal."""
    try:
        loaded: dict[str, Any] = schema.load(parsed(file))
    except ValidationError as exc:
        places = places_of(exc.messages, schema=schema)
        raise Refusal(Code.BODY_INVALID, f"{file} has not the right shape.", places=places) from exc
    return loaded


def parsed(file: Path) -> JSON:
    """What the file holds: JSON by its ending, else YAML."""
    try:
        raw = file.read_bytes()
        if file.suffix == ".json":
            return decode(raw)
        return yaml.load(raw.decode(), _StrictLoader)  # noqa: S506 - a SafeLoader of ours
    except (OSError, UnicodeDecodeError) as exc:
        message = f"{file} cannot be read: {type(exc).__name__}"
        raise click.ClickException(message) from exc
    except NotStrict as exc:
        message = f"{file}: {exc.text} {exc.pointer}"
        raise click.ClickException(message) from exc
    except yaml.YAMLError as exc:
        message = f"{file} is not YAML we accept: {exc}"
        raise click.ClickException(message) from exc


def written(value: object) -> str:
    """The value as YAML, in the order in which it was said."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return text
