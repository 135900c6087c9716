"""Documents that a person wrote: what they hold, as strict as the API's JSON, and where each value
stands in the file.

YAML is read by the rules of its version 1.2: only `true` and `false` are truth values, so that the
country NO and the words yes and no stay text, and so do dates and times of day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from marshmallow import Schema, ValidationError

from connector.problems import Code, Place, Refusal, places_of
from schemas.strict import JSON, MAX_DEPTH, NotStrict, decode, pointer_to

MOST_PLACES = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Aliases may repeat a part, but not until the whole no longer fits into memory.
_MOST_NODES = 100_000
_EMPTY = "the file is empty"
_NOT_UTF8 = "it is not UTF-8"
_NOT_YAML = "this is not YAML we accept"
_NOT_JSON = "it holds a value that JSON does not have"
_ALIASES = "it repeats itself by aliases more often than we follow"
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
# PyYAML folds text at these as at line breaks, and reads other ones (6.0, tried 2026-11-29).
_BREAKS = re.compile("[\x85\u2028\u2029]")
_TAGS = {
    "null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "bool": (r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    "int": (r"[-+]?[0-9]+", tuple("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        tuple("-+.0123456789"),
    ),
}
_NOT_TEXT = re.compile("|".join(pattern for pattern, _ in _TAGS.values()))


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds. `spots`: JSON pointer -> where it stands (`line 7`, `Mapping!C7`).

    `faults` are places that could not be read at all; `value` is then what could.
    """

    value: JSON
    spots: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Place, ...] = ()

    def spot(self, pointer: str) -> str:
        """Where the value of that pointer stands, or else the nearest one around it."""
        while pointer not in self.spots and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.spots.get(pointer, "")

    def placed(self, place: Place) -> Place:
        """The place, with where it stands in the file."""
        return place if place.where else replace(place, where=self.spot(place.pointer))


def loaded(document: Document, schema: Schema) -> dict[str, Any]:
    """The document in the schema's shape. Raises Refusal(BODY_INVALID) with every place."""
    try:
        body: dict[str, Any] = schema.load(document.value)
    except ValidationError as exc:
        raise Refusal(
            Code.BODY_INVALID, places=[*document.faults, *misshapen(document, schema, exc)]
        ) from exc
    if document.faults:
        raise Refusal(Code.BODY_INVALID, places=document.faults)
    return body


def misshapen(document: Document, schema: Schema, error: ValidationError) -> list[Place]:
    """The schema's complaints as places of the file."""
    found = places_of(error.messages, schema=schema, limit=MOST_PLACES)
    return [document.placed(place) for place in found]


def read_json(raw: bytes) -> Document:
    """A JSON document. Raises NotStrict."""
    return Document(decode(raw))


def read_yaml(raw: bytes) -> Document:
    """A YAML document. Raises Refusal(FILE_INVALID) with the line."""
    try:
        return _read(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise _refused(_NOT_UTF8) from exc
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        text = f"{_NOT_YAML}: {exc.problem or exc.context}"
        raise _refused(text, _line(mark.line) if mark else "") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        # A sign that YAML does not allow, or nesting deeper than the parser goes.
        raise _refused(_NOT_YAML) from exc


def write_yaml(value: object) -> str:
    """The value as YAML, in the order in which it was said."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


class _Loader(yaml.SafeLoader):
    """YAML 1.2 whose keys stand once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        sign: [
            (f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"))
            for tag, (pattern, signs) in _TAGS.items()
            if sign in signs
        ]
        for sign in {one for _, signs in _TAGS.values() for one in signs}
    }


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            mark = node.value[place][0].start_mark
            raise yaml.MarkedYAMLError(problem="a key stands twice", problem_mark=mark)
    return loader.construct_mapping(node, deep=True)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int:
    # Not YAML 1.1's: there 0123 is octal.
    return int(loader.construct_scalar(node))


class _Dumper(yaml.SafeDumper):
    """YAML that is read as it was written."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.search(text) else "'" if _NOT_TEXT.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _number)


def _read(text: str) -> Document:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise _refused(_EMPTY)
        spots = _spots(node)
        value = loader.construct_document(node)
    finally:
        loader.dispose()
    try:
        # As JSON and back: keys become texts, and what JSON does not allow is refused.
        return Document(decode(json.dumps(value).encode()), spots)
    except NotStrict as exc:
        raise _refused(exc.text, Document(None, spots).spot(exc.pointer), exc.pointer) from exc
    except (TypeError, ValueError) as exc:
        raise _refused(_NOT_JSON) from exc


def _spots(root: yaml.Node) -> dict[str, str]:
    spots: dict[str, str] = {}
    for pointer, line in _walk(root, "", 0):
        spots[pointer] = _line(line)
        if len(spots) > _MOST_NODES:
            raise _refused(_ALIASES)
    return spots


def _walk(node: yaml.Node, pointer: str, depth: int) -> Iterator[tuple[str, int]]:
    yield pointer, node.start_mark.line
    if depth > MAX_DEPTH:
        raise _refused(_TOO_DEEP, _line(node.start_mark.line))
    if isinstance(node, yaml.MappingNode):
        for key, below in node.value:
            place = pointer_to(pointer, str(key.value))
            yield from _walk(below, place, depth + 1)
            yield place, key.start_mark.line
    elif isinstance(node, yaml.SequenceNode):
        for number, below in enumerate(node.value):
            yield from _walk(below, f"{pointer}/{number}", depth + 1)


def _line(number: int) -> str:
    return f"line {number + 1}"


def _refused(text: str, where: str = "", pointer: str = "") -> Refusal:
    places = [Place(pointer, "unreadable", text, where)]
    return Refusal(Code.FILE_INVALID, places=places)


def plain_cell(cell: str) -> str:
    """The cell of a table that is taken away: a spreadsheet runs what begins like a formula, the
    leading quote makes it text.
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
