"""The errors of the adapter port, each named for what the caller must do. Pure.

    AdapterError            the whole call failed; named for what the caller does
    ├── TryLater(wait_s)    wait, then send again; an attempt is burnt
    │   ├── Throttled       the CRM asked us to wait: the connection pauses, no attempt is burnt
    │   ├── AskAgain        a question's answer was lost: nothing was sent that changes anything
    │   ├── StillRunning    the CRM works on a job that may hold it: look again, none is burnt
    │   └── OutcomeUnknown  the call may have been applied: look it up before sending it again
    ├── TokenExpired        refresh once and call again; a second time it is ReconnectNeeded
    ├── ReconnectNeeded     a person must connect again: all of the connection is parked
    ├── PauseMapping        schema drift or a missing permission: the mapping is parked
    ├── BatchRefused        the CRM refused the whole batch because of a row it does not name: the
    │                       caller splits the batch until the bad row stands alone
    ├── BrokenContract      the CRM or we broke the protocol; nothing was applied, a person must
    │                       look
    └── NotSent             who watches the wire has seen the call and kept it back

A row's own fault is never an exception but its Outcome (adapters/base.py).
"""

from __future__ import annotations

# The code of a Throttled whose limit is that of a whole day: shown, and said to a person.
DAILY_LIMIT = "daily_limit"
# The code of a PauseMapping that making the tags' options anew mends.
TAG_OPTION_MISSING = "tag_option_missing"


class AdapterError(Exception):
    """A whole call failed. `code` is a stable word, `message` plain text without values or
    secrets.
    """

    code = "adapter_error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message or code or self.code)
        self.code = code or self.code


class TryLater(AdapterError):
    """Send again after `wait_s` seconds (None: by the retry schedule). An attempt is burnt."""

    code = "crm_unavailable"

    def __init__(
        self, message: str = "", *, wait_s: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.wait_s = wait_s


class Throttled(TryLater):
    """The CRM asked for a pause (429, daily limit). Nothing was applied; no attempt is burnt."""

    code = "crm_throttled"


class StillRunning(TryLater):
    """A job that may hold what was asked for still runs at the CRM: nothing was sent, no attempt is
    burnt, and the connection goes on with all else.
    """

    code = "job_running"


class AskAgain(TryLater):
    """The answer to a question was lost: the call changes nothing, so nothing can have been
    written.
    """

    code = "read_unanswered"


class OutcomeUnknown(TryLater):
    """The call left us and no trustworthy answer came back: look up before sending again."""

    code = "outcome_unknown"


class TokenExpired(AdapterError):
    """The access token was refused (401): refresh once, then call again."""

    code = "token_expired"


class ReconnectNeeded(AdapterError):
    """The grant is dead (revoked, user deactivated): only a person who reconnects helps."""

    code = "reconnect_needed"


class PauseMapping(AdapterError):
    """Configuration at the CRM is broken for this entity. `scope` names a missing permission."""

    code = "schema_drift"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        field: str | None = None,
        scope: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.field = field
        self.scope = scope


class BatchRefused(AdapterError):
    """A whole batch was refused, nothing applied, and the CRM does not say because of which row."""

    code = "batch_refused"


class BrokenContract(AdapterError):
    """An answer or request that the protocol does not allow; certainly not applied."""

    code = "broken_contract"


class NotSent(AdapterError):
    """Certainly not sent: the call was only to be seen. Never met where nobody watches the wire."""

    code = "not_sent"


def asking(error: AdapterError) -> AdapterError:
    """What the error of a call means that changes nothing at the CRM: never OutcomeUnknown. An
    answer that came and made no sense keeps its word, which says what to look for.
    """
    if isinstance(error, TryLater) and error.code == OutcomeUnknown.code:
        message = "the CRM's answer to a question was lost: asking has written nothing; asked again"
        return AskAgain(message, wait_s=error.wait_s)
    if isinstance(error, OutcomeUnknown):
        return TryLater(str(error), wait_s=error.wait_s, code=error.code)
    return error
