"""What a test key has pushed is only tried out: its steps are told and not taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connector.responses.case import ConnectionFacts
from connector.responses.steps import Rank, Step

# The verdict of a response that was tried out.
TESTED = "tested"
# Of a step what its pusher may see: never what only our own books need.
_SHOWN = ("operation", "values", "campaign", "score", "title", "text")


def told(
    state: Mapping[str, Any],
    steps: Iterable[tuple[Rank, int, Step]],
    connections: Mapping[int, ConnectionFacts],
) -> dict[str, Any]:
    """The planned state of one response, with what would be done in its verdicts, and nobody's."""
    would = [_step(step, connections) for rank, _, step in steps if rank.response_id == state["id"]]
    verdicts = {"response": TESTED, **state.get("verdicts", {}), "would": would}
    nobody = {"contact_id": None, "campaign_id": None, "survey_id": None}
    return {**state, **nobody, "verdicts": verdicts}


def _step(step: Step, connections: Mapping[int, ConnectionFacts]) -> dict[str, Any]:
    return {
        "step": step.key,
        "kind": step.kind,
        "connection": connections[step.connection_id].name,
        "entity": step.entity,
        "state": step.state,
        "reason": step.reason,
        "error_code": step.error_code,
        "error_field": step.error_field,
        **{name: step.payload[name] for name in _SHOWN if name in step.payload},
    }
