"""The hub's own letters, by the operator's mail server: invitations and forgotten passwords.

    claim    one that is due, its next try pushed forward, with a fresh token; committed
    send     outside any transaction
    settle   sent, tried again later, or failed for good

The token is made when the letter is written, and only its SHA-256 is kept: nothing that opens
anything waits in the store. A letter that was sent again makes the link before it void.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, TryLater
from adapters.http import Wire
from adapters.mail import Mail
from adapters.out import Reply
from adapters.values import Account, Message, Status
from connector import audit, clock
from connector.accounts import sessions
from connector.db import Database, refuse_inside_transaction
from connector.log import get_logger
from connector.settings import MailServer

# How long after each try that failed the next one comes; then the letter has failed.
WAITS_S = (30, 120, 600, 3_600)
INVITATION, RESET = "invitation", "reset"
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says. `path` leads to the page that its token opens; `said` has names to show:
    `workspace`, `inviter`, `role`.
    """

    kind: str
    language: str
    path: str
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Claimed:
    """One letter whose turn it is; `tries` fences its settlement."""

    id: int
    to: str
    letter: Letter
    tries: int
    at: datetime


# The title and the text of a letter, in its language.
Compose = Callable[[Letter], tuple[str, str]]


def send_due(
    database: Database, server: MailServer | None, workspace_id: int, *, compose: Compose
) -> int:
    """Send every letter that is due; how many went."""
    sent = 0
    with database.begin(workspace_id) as connection:
        for over in OVER:
            connection.execute(over)
    for kind in (INVITATION, RESET):
        while claimed := _claim(database, workspace_id, kind):
            sent += _sent(database, server, workspace_id, claimed, compose)
    return sent


def probe(server: MailServer) -> None:
    """Sign in at the mail server; nothing is sent. Raises AdapterError."""
    _mail(server).probe()


def _claim(database: Database, workspace_id: int, kind: str) -> _Claimed | None:
    token = secrets.token_urlsafe(32)
    with database.begin(workspace_id) as connection:
        row = connection.execute(
            CLAIM[kind], {"digest": sessions.digest_of(token), "wait": WAITS_S[0]}
        ).one_or_none()
        return _claimed(connection, kind, row, token) if row else None


def _claimed(connection: Connection, kind: str, row: Row[Any], token: str) -> _Claimed:
    said = connection.execute(SAID[kind], {"id": row.id}).mappings().one()
    path = f"/{'invitation' if kind == INVITATION else 'password'}/{token}"
    words = {name: str(value or "") for name, value in said.items() if name != "email"}
    if kind == RESET and row.tries == 1:
        # Whoever asks is told nothing, so that the entry is made where the answer does not wait.
        about = f"person:{said['person_id']}"
        audit.record(
            connection, said["home"], actor="anonymous", action="person.reset_asked", object=about
        )
    letter = Letter(kind, row.language, path, words)
    return _Claimed(row.id, said["email"], letter, row.tries, clock.now())


def _sent(
    database: Database,
    server: MailServer | None,
    workspace_id: int,
    one: _Claimed,
    compose: Compose,
) -> bool:
    refuse_inside_transaction()
    kind, error, again = one.letter.kind, "", False
    try:
        error, again = _tried(server, one, compose)
    except OutcomeUnknown:
        # It may have arrived, and another one would make its link void.
        error = ""
    except AdapterError as exc:
        error, again = exc.code, isinstance(exc, TryLater)
    state = "sent"
    if error:
        state = "waiting" if again and one.tries <= len(WAITS_S) else "failed"
        log.warning("letter_not_sent", kind=kind, id=one.id, code=error, state=state)
    wait_s = WAITS_S[min(one.tries, len(WAITS_S)) - 1]
    with database.begin(workspace_id) as connection:
        connection.execute(
            SETTLE[kind],
            {"id": one.id, "tries": one.tries, "state": state, "error": error or None, "w": wait_s},
        )
    return state == "sent"


def _tried(server: MailServer | None, one: _Claimed, compose: Compose) -> tuple[str, bool]:
    """What kept the letter back, "" when nothing did; and whether it comes through later."""
    if server is None:
        return "no_mail_server", False
    title, body = compose(one.letter)
    message = Message(
        key=f"{one.letter.kind}-{one.id}",
        id=f"{one.letter.kind}-{one.id}-{secrets.token_hex(8)}",
        event=one.letter.kind,
        at=one.at,
        title=title,
        text=body,
        to=(one.to,),
    )
    outcome = _mail(server).tell(message)
    kept_back = "" if outcome.status is Status.WRITTEN else outcome.code
    return kept_back, outcome.status is Status.RETRY


def _mail(server: MailServer) -> Mail:
    settings = {
        "host": server.host, "port": server.port, "security": server.security,
        "user": server.user, "sender": server.sender, "sender_name": "Answerback",
    }  # fmt: skip
    password = server.password.reveal() if server.password else ""
    return Mail(Account(password, settings=settings), Wire(out=_Straight()), {})


@dataclass(frozen=True, slots=True)
class _Straight:
    """The way to the operator's own server: it stands in their settings, wherever it is."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The port's `post`: letters never go this way."""
        del url, body, headers
        message = "a mail server takes no posts"
        raise BrokenContract(message)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The port's `addresses`."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as exc:
            message = "the mail server's name does not resolve"
            raise TryLater(message, code="host_unknown") from exc
        return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def _claiming(table: str, still: str) -> Any:  # noqa: ANN401 - a statement
    """One that is due, its next try pushed forward, so that a crash delays it and loses nothing."""
    return text(
        f"""
        WITH due AS MATERIALIZED (
          SELECT id FROM {table}
           WHERE letter = 'waiting' AND due_at <= now() AND expires_at > now() AND {still}
           ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        UPDATE {table} t
           SET digest = :digest, tries = tries + 1, due_at = now() + make_interval(secs => :wait)
          FROM due WHERE t.id = due.id
        RETURNING t.id, t.language, t.tries
        """  # noqa: S608 - our own two tables
    )


CLAIM = {
    INVITATION: _claiming("member_invitation", "accepted_at IS NULL AND withdrawn_at IS NULL"),
    RESET: _claiming("password_reset", "used_at IS NULL"),
}
# Nobody waits any more for a letter whose link would open nothing.
OVER = (
    text(
        "UPDATE member_invitation SET letter = 'failed', error = 'expired' WHERE letter = 'waiting'"
        " AND (expires_at <= now() OR accepted_at IS NOT NULL OR withdrawn_at IS NOT NULL)"
    ),
    text(
        "UPDATE password_reset SET letter = 'failed', error = 'expired' WHERE letter = 'waiting'"
        " AND (expires_at <= now() OR used_at IS NOT NULL)"
    ),
)
SAID = {
    INVITATION: text(
        """
        SELECT i.email, w.name AS workspace, i.role,
               (SELECT a.name FROM user_account a WHERE i.invited_by = 'user:' || a.id) AS inviter
          FROM member_invitation i JOIN workspace w ON w.id = i.workspace_id WHERE i.id = :id
        """
    ),
    RESET: text(
        "SELECT p.email, p.workspace_id AS home, p.id AS person_id FROM password_reset r"
        " JOIN person p ON p.id = r.person_id WHERE r.id = :id"
    ),
}
SETTLE = {
    kind: text(
        f"""
        UPDATE {table}
           SET letter = :state, error = :error, due_at = now() + make_interval(secs => :w)
         WHERE id = :id AND tries = :tries AND letter = 'waiting'
        """  # noqa: S608 - our own two tables
    )
    for kind, table in ((INVITATION, "member_invitation"), (RESET, "password_reset"))
}
