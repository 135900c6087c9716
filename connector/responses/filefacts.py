"""A file of an answer as planning sees it, and the verdict on its content. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from connector.responses.sniffing import type_of


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a response. `state`: pending, fetched, failed or removed; `reason` and `error`
    say why it failed. `stored_name` is random; `link`: where we serve it, if somebody asks.
    """

    id: int
    answer: str
    place: int
    name: str | None
    state: str
    reason: str | None = None
    error: str | None = None
    stored_name: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a content is. `content_type` is None where it is refused, and `reason` says why."""

    content_type: str | None
    reason: str = ""
    message: str = ""


def verdict_on(content: bytes, *, types: Collection[str], max_bytes: int) -> Verdict:
    """Whether a content may be kept: its size, and its type as its own bytes tell it."""
    if len(content) > max_bytes:
        return Verdict(None, "file_too_large", f"the file is larger than {max_bytes} bytes")
    if not content:
        return Verdict(None, "file_empty", "the file is empty")
    kind = type_of(content)
    if kind is None or kind not in types:
        message = "the file's content is of no type that is taken"
        return Verdict(None, "file_type_refused", message)
    return Verdict(kind)
