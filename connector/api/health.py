"""Whether the process runs, and whether it can work. Open to all; says nothing else."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import text

from connector.api.context import hub
from connector.db import DatabaseAway
from connector.problems import Code, Refusal

health = Blueprint("health", __name__)


@health.get("/health")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/ready")
def ready() -> dict[str, str]:
    """The store answers; else 503, and a load balancer looks elsewhere."""
    try:
        with hub().database.across() as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseAway as exc:
        after = {"Retry-After": str(exc.retry_after_s)}
        raise Refusal(Code.DATABASE_AWAY, headers=after) from exc
    return {"status": "ready"}
