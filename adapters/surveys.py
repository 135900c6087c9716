"""Surveys that are taken at the CRM itself, read as the CRM keeps them. Pure.

What the documents mean is read elsewhere (schemas/sources/<app>.py): here they are JSON, with
decimal numbers as texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

Document: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """Finished responses in the order of their ids. `last`: the id to go on behind; None where
    there are no more.
    """

    responses: Sequence[Document]
    last: int | None


@runtime_checkable
class SurveyTaker(Protocol):
    """A CRM in which surveys are taken. Every method only reads, and raises AdapterError."""

    def newest_answer(self) -> str | None:
        """When an answer was changed last, by the CRM's own clock; None where there is none."""
        ...

    def answered(self, since: str, *, after: int, limit: int) -> Answered:
        """Up to `limit` finished responses behind the id `after` that were changed, or one of whose
        answers was, at `since` or later. One that is gone by the time its answers are read is
        left out.
        """
        ...

    def standing(self, ids: Sequence[int]) -> frozenset[int]:
        """Those of these responses that are still there, finished or not. Raises PauseMapping where
        one is there and hidden: what cannot be seen must never look deleted.
        """
        ...

    def surveys(self) -> Sequence[Document]:
        """Every survey by its id."""
        ...

    def survey(self, survey_id: str) -> Document | None:
        """One survey with its questions and options; None where there is none (any more)."""
        ...
