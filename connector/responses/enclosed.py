"""The files that a response encloses: by address, or with their content, taken out here. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FILES = frozenset({"file", "signature"})
# A push names an address that we then call: one response must not make us call for ever.
MOST_FILES = 50


@dataclass(frozen=True, slots=True)
class Enclosed:
    """One file of an answer, `place` its index there. Either `url` or `content` is set."""

    answer: str
    place: int
    name: str | None = None
    mime: str | None = None
    url: str | None = None
    expires_at: str | None = None
    content: bytes | None = field(default=None, repr=False)


def has_files(body: Mapping[str, Any]) -> bool:
    """Whether some answer of this response is a file or a signature."""
    return any(answer["type"] in FILES for answer in body["answers"].values())


def taken_out(body: dict[str, Any]) -> tuple[Enclosed, ...]:
    """The files of a response, in its order. Contents are taken out of `body`: their size and their
    SHA-256 stand there instead.
    """
    return tuple(_taken(key, place, link) for key, place, link in _links(body))


def _links(body: Mapping[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for key, answer in body["answers"].items():
        if answer["type"] in FILES:
            value = answer["value"]
            links = value if isinstance(value, list) else [value]
            for place, link in enumerate(links):
                yield key, place, link


def _taken(key: str, place: int, link: dict[str, Any]) -> Enclosed:
    encoded = link.pop("content", None)
    content = None if encoded is None else base64.b64decode(encoded)
    if content is not None:
        link |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return Enclosed(
        key,
        place,
        link.get("name"),
        link.get("mime"),
        link.get("url"),
        link.get("expires_at"),
        content,
    )
