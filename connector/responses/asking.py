"""Ask a survey platform's API: one GET, at its own address, judged anew each time; or the adapter
of the connection that a source is bound to.

Outside any transaction. Why a call brought nothing is told in words that are shown to the admin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.base import CRM
from adapters.errors import AdapterError, BrokenContract, PauseMapping, TryLater
from adapters.surveys import SurveyTaker
from connector.connections import discover
from connector.connections.hosts import HostNotAllowed
from connector.connections.outbound import Answer, NotReached, Rules, TooLarge, get
from connector.db import refuse_inside_transaction
from connector.problems import Refusal
from connector.responses import sources
from connector.responses.hub import Hub
from connector.responses.notices import Claimed
from connector.responses.sources import Source
from schemas.sources.base import JSON, Ask
from schemas.strict import NotStrict, decode

Found = TypeVar("Found")
MAX_BYTES = 8 * 1024 * 1024
_REASONS = {
    401: ("source_forbidden", "the platform refuses the token: bring a new one"),
    403: ("source_forbidden", "the platform refuses the token, or it lacks a right"),
    404: ("source_unknown", "the platform does not know this response or survey (yet)"),
    429: ("source_throttled", "the platform asks to be called less often"),
}


class NotNow(Exception):
    """A try failed: `reason` is a stable word. `final`: another one would fail alike."""

    def __init__(
        self, reason: str, *, why: str, final: bool = False, wait_s: float | None = None
    ) -> None:
        super().__init__(why)
        self.reason = reason
        self.final = final
        self.wait_s = wait_s


@dataclass(slots=True)
class Round:
    """One run of the job: what holds for other responses too is asked for once in it."""

    hub: Hub
    workspace_id: int
    kept: dict[tuple[int, str], JSON] = field(default_factory=dict)


def source_of(round_: Round, one: Claimed) -> Source:
    """The source that told of it, with what it takes to ask there. Raises NotNow."""
    with round_.hub.database.begin(round_.workspace_id) as connection:
        try:
            found = sources.of_id(connection, round_.hub.desk, round_.workspace_id, one.source_id)
        except Refusal as exc:
            reason, why = "source_deleted", "the source is not there any more"
            raise NotNow(reason, why=why, final=True) from exc
    if found.platform.polls is not None:
        return found
    if found.platform.api is None or found.token is None or not found.base_url:
        reason, why = "source_incomplete", "the source lacks its token or its address"
        raise NotNow(reason, why=why)
    return found


def got(round_: Round, source: Source, ask: Ask) -> JSON:
    """What the platform answers. Raises NotNow."""
    key = (source.id, ask.path)
    if key in round_.kept:
        return round_.kept[key]
    if source.platform.polls is not None:
        return asked_there(round_, source, lambda crm: told_there(crm, ask))
    answer = _asked(round_.hub, source, ask)
    try:
        body = decode(answer.body)
    except NotStrict as exc:
        reason, why = "source_unreadable", f"the platform's answer is not JSON: {exc.text}"
        raise NotNow(reason, why=why) from exc
    if ask.keeps:
        round_.kept[key] = body
    return body


def asked_there(round_: Round, source: Source, question: Callable[[SurveyTaker], Found]) -> Found:
    """What the CRM answers at which the surveys are taken. Raises NotNow."""

    def put(crm: CRM) -> Found:
        if not isinstance(crm, SurveyTaker):
            message = "no surveys are taken at this app"
            raise BrokenContract(message)
        return question(crm)

    connection_id = source.connection_id or 0
    try:
        return discover.ask(round_.hub.desk, round_.workspace_id, connection_id, question=put)
    except Refusal as exc:
        reason, why = "connection_unavailable", "the connection of this source is not there"
        raise NotNow(reason, why=why) from exc
    except PauseMapping as exc:
        # The app is not installed there, or the user lacks the right to it.
        reason, why = "source_forbidden", f"the CRM does not let us: {exc}"
        raise NotNow(reason, why=why) from exc
    except TryLater as exc:
        reason = "source_failed"
        raise NotNow(reason, why=str(exc), wait_s=exc.wait_s) from exc
    except AdapterError as exc:
        reason, why = "connection_unavailable", f"the connection needs a person: {exc}"
        raise NotNow(reason, why=why) from exc


def told_there(crm: SurveyTaker, ask: Ask) -> JSON:
    """The list of surveys, or one of them by its id. Raises NotNow."""
    if ask.name == "list":
        return list(crm.surveys())
    found = crm.survey(ask.path)
    if found is None:
        reason, why = _REASONS[404]
        raise NotNow(reason, why=why)
    return dict(found)


def _asked(hub: Hub, source: Source, ask: Ask) -> Answer:
    refuse_inside_transaction()
    rules = Rules(max_bytes=MAX_BYTES, allowed=hub.desk.allowed)
    try:
        answer = get(f"{source.base_url}{ask.path}", rules=rules, headers=_headers(source))
    except HostNotAllowed as exc:
        raise NotNow(exc.code, why=str(exc)) from exc
    except TooLarge as exc:
        reason, why = "source_too_large", f"the answer is larger than {MAX_BYTES} bytes"
        raise NotNow(reason, why=why, final=True) from exc
    except NotReached as exc:
        raise NotNow(exc.code, why=str(exc).replace("the CRM", "the platform")) from exc
    if answer.status != 200:
        raise _refused(answer)
    return answer


def _headers(source: Source) -> dict[str, str]:
    token, api = source.token, source.platform.api
    if token is None or api is None:
        return {}
    return {api.header: f"{api.prefix}{token.reveal()}", "Accept": "application/json"}


def _refused(answer: Answer) -> NotNow:
    otherwise = ("source_failed", f"the platform answered {answer.status}")
    reason, why = _REASONS.get(answer.status, otherwise)
    asked = answer.headers.get("retry-after", "")
    return NotNow(reason, why=why, wait_s=float(asked) if asked.isdigit() else None)
