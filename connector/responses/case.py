"""What planning looks at: one response, its contact, and the workspace's configuration. Pure
values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.traits import Traits
from connector.responses.filefacts import FileFacts
from connector.responses.rules import Expression
from connector.responses.steps import Rank, Step
from connector.responses.tags import NPS_TODAY, TagPattern
from connector.responses.transforms import Context
from connector.responses.vocabulary import Kind, LabelRule, Variable
from schemas.fields import Entity


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One connection as planning sees it. `waits`: why its steps begin parked, None when it
    works.
    """

    id: int
    app: str
    name: str
    traits: Traits
    standard: Mapping[str, Any]
    entities: Mapping[str, Entity]
    provisioned: frozenset[int] = frozenset()
    waits: str | None = None
    linger_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """A published mapping. `waits`: paused."""

    id: int
    version: int
    connection_id: int
    body: Mapping[str, Any]
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class AutomationFacts:
    """A published automation with its condition compiled, None when it has none.

    `parked`: its condition broke; what it would do waits until a person has mended it. `broken`:
    the surveys have changed, and its condition cannot be read any more.
    """

    id: int
    body: Mapping[str, Any]
    condition: Expression | None = None
    parked: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """A registered campaign; `tag_name` is frozen. `distributions`: properties by platform id, of
    those that the responses at hand name.
    """

    id: int
    platform_id: str
    tag_name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    nps: int | None = None
    distributions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """The workspace's configuration, read once per batch of responses."""

    connections: Mapping[int, ConnectionFacts]
    mappings: Mapping[str, MappingFacts]
    automations: Sequence[AutomationFacts]
    declared: Mapping[str, Kind]
    context: Context
    tags_enabled: bool = True
    surveys: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    labels: tuple[LabelRule, ...] = ()
    nps_window_days: int = 90
    pattern: TagPattern = NPS_TODAY

    def names(self, variable: str) -> bool:
        """Whether some mapping or automation uses this variable: what nobody uses is not
        computed.
        """
        bodies = [
            *(one.body for one in self.mappings.values()),
            *(one.body for one in self.automations),
        ]
        return any(variable in str(body) for body in bodies)


@dataclass(frozen=True, slots=True)
class Person:
    """The matched contact. `attributes` by name, `crm_ids` as the platform sent them, by app.
    `opted_out`: wants no more surveys.
    """

    id: int
    attributes: Mapping[str, Any]
    origin: int | None = None
    crm_ids: Mapping[str, str] = field(default_factory=dict)
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One response to plan. `marker` is unique per response and revision, for its note; `key` per
    response, for its record: no response of another workspace has it.
    """

    rank: Rank
    body: Mapping[str, Any]
    marker: str
    variables: Mapping[str, Variable]
    person: Person | None
    campaign: CampaignFacts | None
    order: Sequence[str] = ()
    key: str = ""
    files: Sequence[FileFacts] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps of one response, why other things were not planned, and automations that must be
    parked.
    """

    steps: tuple[Step, ...]
    verdicts: Mapping[str, str]
    broken: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """What planning one response collects."""

    case: Case
    facts: Facts
    person: Person
    steps: dict[str, Step] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    fed: dict[int, set[str]] = field(default_factory=dict)
    mapped: dict[int, set[str]] = field(default_factory=dict)
    tag_at: set[int] = field(default_factory=set)
    note_at: dict[int, str] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        """Take a step; the first one of a key counts."""
        self.steps.setdefault(step.key, step)
