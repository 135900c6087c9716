"""The jobs of RQ workers: open, call, done. Arguments are a version and ids."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from connector import failpoints
from connector.connections import drift as watch
from connector.connections.desk import Desk
from connector.db import Database
from connector.failpoints import failpoint
from connector.log import get_logger
from connector.queues import (
    ALERT,
    BACKFILL,
    DRAIN,
    DRIFT,
    FETCH,
    FORGET,
    GATHER,
    LETTERS,
    PLAN,
    PROVISION,
    TELL,
    VERSION,
    Doorbell,
)
from connector.responses import deliver, fetching, gathering, planner, retention
from connector.responses.alerts import sending
from connector.responses.backfill import job as backfilling
from connector.responses.configuration import preflight
from connector.responses.extras import leftover
from connector.responses.hub import Hub
from connector.responses.limiter import Limiter
from connector.responses.permit import permitting
from connector.settings import Settings, load_settings
from connector.webhooks import sending as telling


@cache
def hub() -> Hub:
    """This process's hub: made at the first job, after the fork."""
    return hub_of(load_settings())


def hub_of(settings: Settings) -> Hub:
    """A hub on these settings, whose URLs must be set."""
    failpoints.configure(settings)
    limiter = Limiter(str(settings.redis_url))
    permit = permitting(limiter, settings.rate_share)
    return Hub(settings, Desk.of(settings, Database(settings), permit=permit), limiter)


@cache
def _bell() -> Doorbell:
    return Doorbell(str(load_settings().redis_url))


def plan(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Plan what has been accepted; then wake the drains of the connections that got work."""
    if _begins(version, PLAN, workspace_id, connection_id, number):
        with _no_text_leaves():
            for touched in planner.plan_waiting(hub(), workspace_id):
                _bell().ring(DRAIN, workspace_id, touched)
            if fetching.is_due(hub(), workspace_id):
                _bell().ring(FETCH, workspace_id)


def backfill(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Plan what backfills have asked for, unless somebody is at it already."""
    if not _begins(version, BACKFILL, workspace_id, connection_id, number):
        return
    with _bell().at_work(BACKFILL, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                for touched in backfilling.plan_due(hub(), workspace_id):
                    _bell().ring(DRAIN, workspace_id, touched)


def forget(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Delete answers that were kept for long enough, unless somebody is at it already."""
    if not _begins(version, FORGET, workspace_id, connection_id, number):
        return
    with _bell().at_work(FORGET, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                retention.forget_due(hub(), workspace_id)


def fetch(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Fetch the files of answers, unless somebody is at it already: a slow host holds up one worker
    at the most.
    """
    if not _begins(version, FETCH, workspace_id, connection_id, number):
        return
    with _bell().at_work(FETCH, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                for touched in fetching.fetch_due(hub(), workspace_id):
                    _bell().ring(DRAIN, workspace_id, touched)


def gather(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Fetch the responses that platforms have told of, unless somebody is at it already."""
    if not _begins(version, GATHER, workspace_id, connection_id, number):
        return
    with _bell().at_work(GATHER, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                if gathering.gather_due(hub(), workspace_id):
                    _bell().ring(PLAN, workspace_id)


def drain(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Empty a connection's due rows, unless the drain of this number is at it already."""
    if not _begins(version, DRAIN, workspace_id, connection_id, number):
        return
    with _bell().at_work(DRAIN, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                deliver.drain(hub(), workspace_id, connection_id)
                leftover.look_after(hub(), workspace_id, connection_id)


def tell(version: int, workspace_id: int, webhook_id: int, number: int) -> None:
    """Send a webhook's due messages, unless the sender of this number is at it already."""
    if not _begins(version, TELL, workspace_id, webhook_id, number):
        return
    with _bell().at_work(TELL, workspace_id, webhook_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                telling.send_due(hub().desk, workspace_id, webhook_id)


def provision(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Create what tags need at a connection."""
    if _begins(version, PROVISION, workspace_id, connection_id, number):
        with _no_text_leaves():
            deliver.provide_tags(hub(), workspace_id, connection_id)


def drift(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Look whether a CRM's definitions have changed."""
    if _begins(version, DRIFT, workspace_id, connection_id, number):
        with _no_text_leaves():
            watch.check(hub().desk, workspace_id, connection_id, after_connecting=preflight.tell)


def letters(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Send the hub's own letters, unless somebody is at it already."""
    if not _begins(version, LETTERS, workspace_id, connection_id, number):
        return
    with _bell().at_work(LETTERS, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                post(hub(), workspace_id)


def post(hub: Hub, workspace_id: int) -> int:
    """Send every letter of the workspace that is due; how many went."""
    # The words of letters are kept with those of the pages, which few processes need.
    from connector.accounts import letters as story  # noqa: PLC0415
    from connector.admin.letters import composed  # noqa: PLC0415

    compose = partial(composed, public_url=hub.settings.public_url)
    return story.send_due(hub.database, hub.settings.mail, workspace_id, compose=compose)


def warn(hub: Hub, workspace_id: int) -> int:
    """Tell every alert of the workspace that is due; how many were told."""
    # The words are kept with those of the pages, which few processes need.
    from connector.admin.language import said_in  # noqa: PLC0415

    return sending.send_due(hub.desk, workspace_id, say_in=said_in)


def alert(version: int, workspace_id: int, connection_id: int, number: int) -> None:
    """Tell people of alerts, unless somebody is at it already."""
    if not _begins(version, ALERT, workspace_id, connection_id, number):
        return
    with _bell().at_work(ALERT, workspace_id, connection_id, number=number) as mine:
        if mine:
            with _no_text_leaves():
                warn(hub(), workspace_id)


class JobFailed(RuntimeError):
    """A job broke. RQ keeps the text of a failed job's exception in Redis: it is only a kind."""


@contextmanager
def _no_text_leaves() -> Iterator[None]:
    """Re-raise what breaks a job without its text and values: they may quote an answer."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - the top of a job
        where = traceback.extract_tb(exc.__traceback__)[-3:]
        frames = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in where]
        get_logger(__name__).error("job_failed", kind=type(exc).__name__, frames=frames)
        failed = JobFailed(type(exc).__name__)
    else:
        return
    # The with statement would chain the original, text and all.
    raise failed from None


def _begins(version: int, kind: str, *ids: int) -> bool:
    """Whether this job is ours to do. One of another release is left to its own workers; the sweep
    rings again for the rows.
    """
    if version != VERSION:
        get_logger(__name__).warning("job_of_another_version", version=version)
        return False
    failpoint("pop")
    workspace_id, connection_id, number = ids
    _bell().heard(kind, workspace_id, connection_id, number=number)
    return True
