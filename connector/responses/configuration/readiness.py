"""Whether a mapping is ready to go live (SK9): everything that stands against it, who mends it and
where. Pages, API and command line ask here, and publishing asks the same.

    the body      checking.py: variables, fields, types, lengths, options, required fields
    around it     surroundings.py: connection, permissions, drift, quota, campaign, segment, tags

An error keeps it from being published; a warning has to be accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from connector import clock
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import mending, surroundings
from connector.responses.configuration.checking import Sight, judged, places, sight
from connector.responses.configuration.remedies import REMEDIES, page_of
from connector.responses.mapping import Problem
from schemas.fields import Entity
from schemas.phrases import phrase

Body = Mapping[str, Any]
_ROW = re.compile(r"/rows/(\d+)")
_NONE: Mapping[int, Entity] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against publishing: its place in the body, the field and the rule
    (`code`), who mends it (remedies.py) and on which `page` below the workspace's. `fix`: whether
    `mended` can do it.
    """

    pointer: str
    field: str
    code: str
    text: str
    warning: bool
    who: str
    where: str
    page: str
    fix: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Everything that was found, errors first."""

    connection_id: int
    connected: bool
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps the mapping from being published."""
        return tuple(one for one in self.findings if not one.warning)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What has to be accepted."""
        return tuple(one for one in self.findings if one.warning)

    @property
    def publishable(self) -> bool:
        """Whether it can go live, its warnings accepted."""
        return not self.errors


def readiness(
    connection: Connection,
    workspace_id: int,
    body: Body,
    *,
    mapping_id: int | None = None,
    at_hand: Mapping[int, Entity] = _NONE,
) -> Readiness:
    """What stands against publishing this body. Only the store is asked. `at_hand`: the body's
    entity by the connection that it was read for, where that is known already.

    Raises Refusal: MAPPING_INVALID where the connection or its entity is unknown,
    NO_FIELD_DEFINITIONS where nothing has been downloaded.
    """
    seen = sight(connection, workspace_id, body, at_hand=at_hand)
    around = surroundings.around(connection, workspace_id, seen, body)
    checked = judged(seen, body, told=surroundings.told_of(body, around))
    problems = (
        *checked.problems,
        *checked.answers,
        *surroundings.problems(body, seen, around, now=clock.now()),
    )
    ids = {
        "mapping": mapping_id,
        "connection": seen.here.id,
        "campaign": around.campaign_id,
    }
    findings = [
        _finding(one, place, seen, body, ids)
        for one, place in zip(problems, places(problems), strict=True)
    ]
    ordered = tuple(sorted(findings, key=lambda one: one.warning))
    return Readiness(seen.here.id, seen.here.state == "connected", ordered)


def gate(found: Readiness, *, accept_warnings: bool) -> None:
    """The one place that says whether a mapping goes live. Raises Refusal: MAPPING_INVALID with
    every error, NOT_CONNECTED where that is the only one, WARNINGS_NOT_ACCEPTED with every warning.
    """
    broken = [one for one in found.errors if one.code != surroundings.NOT_CONNECTED]
    if broken:
        raise Refusal(Code.MAPPING_INVALID, places=_told_places(broken))
    if found.errors:
        raise Refusal(
            Code.NOT_CONNECTED, phrase("A mapping can only use a connection that is connected.")
        )
    if found.warnings and not accept_warnings:
        raise Refusal(Code.WARNINGS_NOT_ACCEPTED, places=_told_places(found.warnings))


def mended(
    connection: Connection, workspace_id: int, body: Body, *, pointer: str, code: str
) -> dict[str, Any]:
    """The body without this finding. Raises Refusal(CHANGE_REFUSED) where a person has to decide;
    otherwise as `readiness`.
    """
    fixed = _mended(pointer, code, sight(connection, workspace_id, body), body)
    if fixed is None:
        place = Place(
            pointer, code, phrase("nobody but a person can mend this: follow the page it names")
        )
        raise Refusal(Code.CHANGE_REFUSED, places=[place])
    return fixed


def told(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as JSON."""
    names = Finding.__dataclass_fields__
    return [{name: getattr(one, name) for name in names} for one in findings]


def _told_places(findings: Sequence[Finding]) -> list[Place]:
    return [Place(one.pointer, one.code, one.text) for one in findings]


def _finding(
    one: Problem, place: Place, seen: Sight, body: Body, ids: Mapping[str, int | None]
) -> Finding:
    remedy = REMEDIES[one.code]
    at = _ROW.match(place.pointer)
    row = int(at[1]) + 1 if at else None
    where = "mapping" if remedy.where == "row" and row is None else remedy.where
    return Finding(
        pointer=place.pointer,
        field=one.field,
        code=one.code,
        text=one.message,
        warning=one.warning,
        who=remedy.who,
        where=where,
        page=page_of(where, {**ids, "row": row}),
        fix=_mended(place.pointer, one.code, seen, body) is not None,
    )


def _mended(pointer: str, code: str, seen: Sight, body: Body) -> dict[str, Any] | None:
    at = _ROW.match(pointer)
    if at is None:
        return None
    return mending.mended(
        body,
        code,
        int(at[1]),
        entity=seen.entity,
        known=seen.answers,
        context=seen.words.context,
    )
