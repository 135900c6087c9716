"""Metrics for Prometheus: what waits, what rests, what accounts have left. The operator's alone.

The figures are read from the store at each scrape, so any web process answers for all. They are
ids, words of ours and numbers; connections end at five hundred, so that labels stay bounded.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import text

from connector.api.context import hub
from connector.problems import Code, Refusal, not_found
from connector.settings import Environment, is_loopback

metrics = Blueprint("metrics", __name__)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
# As ab_metrics() names them: our name, its type, the label that its word stands for, its help.
KINDS: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "deliveries_waiting": (
            "answerback_deliveries_waiting",
            "gauge",
            "lane",
            "Deliveries that wait for their turn, at most 100,000 a lane.",
        ),
        "deliveries_parked": (
            "answerback_deliveries_parked",
            "gauge",
            "reason",
            "Deliveries that wait for a person or the CRM.",
        ),
        "connection_up": (
            "answerback_connection_up",
            "gauge",
            "",
            "1 while the connection is connected and not paused.",
        ),
        "connection_resting": (
            "answerback_connection_resting_seconds",
            "gauge",
            "reason",
            "For how long the connection is left alone yet.",
        ),
        "crm_calls": (
            "answerback_crm_calls_total",
            "counter",
            "",
            "Calls that deliveries made to the CRM.",
        ),
        "deliveries_settled": (
            "answerback_deliveries_settled_total",
            "counter",
            "",
            "Deliveries that ended: done, superseded or dead.",
        ),
        "quota_limit": (
            "answerback_quota_limit",
            "gauge",
            "kind",
            "Calls that the account may make in its window or day.",
        ),
        "quota_remaining": (
            "answerback_quota_remaining",
            "gauge",
            "kind",
            "Calls that the account had left when it was last told.",
        ),
        "answers_removed": (
            "answerback_answers_removed_total",
            "counter",
            "",
            "Responses whose answers were deleted, for they had been kept for long enough.",
        ),
        "responses_held": (
            "answerback_responses_held",
            "gauge",
            "source",
            "Responses that wait, for their source is paused, at most 100,000.",
        ),
        "drift_open": (
            "answerback_drift_open",
            "gauge",
            "",
            "Findings of changed definitions that break something and stand yet.",
        ),
        "webhook_messages_waiting": (
            "answerback_webhook_messages_waiting",
            "gauge",
            "webhook",
            "Messages that wait to be sent to a webhook, at most 100,000.",
        ),
        "webhook_up": (
            "answerback_webhook_up",
            "gauge",
            "webhook",
            "1 while the webhook is active and its last message was taken.",
        ),
    }
)


@metrics.get("/metrics")
def scrape() -> Response:
    """The figures as Prometheus reads them."""
    _check()
    with hub().database.across() as connection:
        rows = connection.execute(
            text(
                "SELECT * FROM ab_metrics() UNION ALL SELECT * FROM ab_webhook_metrics()"
                " UNION ALL SELECT * FROM ab_kept_metrics()"
            )
        ).all()
    return Response(written(rows), content_type=MEDIA_TYPE)


def written(rows: Iterable[Any]) -> str:
    """Prometheus' text format; every kind has its head, also without a figure."""
    lines: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        lines[row.name].append(_line(row))
    heads = [
        [f"# HELP {name} {told}", f"# TYPE {name} {kind}", *lines[key]]
        for key, (name, kind, _, told) in KINDS.items()
    ]
    return "\n".join(line for every in heads for line in every) + "\n"


def _line(row: Any) -> str:  # noqa: ANN401 - a row
    name, _, label, _ = KINDS[row.name]
    labels = {"workspace": row.workspace_id}
    if row.connection_id is not None:
        labels |= {"connection": row.connection_id, "app": row.app}
    if label:
        labels[label] = row.word
    told = ",".join(f'{key}="{_escaped(str(value))}"' for key, value in labels.items())
    return f"{name}{{{told}}} {row.value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _check() -> None:
    """By the operator's token where there is one; else from this machine alone, and not in
    production: behind a proxy of the same machine everybody seems to come from it.
    """
    settings = hub().settings
    token = settings.metrics_token
    if token is not None:
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(presented.encode(), token.reveal().encode()):
            raise Refusal(Code.UNAUTHENTICATED)
        return
    near = is_loopback(request.remote_addr or "") and not any(
        name in request.headers for name in _FORWARDED
    )
    if settings.environment is Environment.PRODUCTION or not near:
        raise not_found()
