"""What a CRM tells of its records by itself, believed and taken to heart: links follow a merge, and
end with a deletion.

An app's events come to one address for every account that has the app, so the address names the
OAuth client. Its secret signs. A workspace hears what its own client has signed, or the operator's
where it has none: who keeps a client of the same name with another secret moves nothing of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from adapters.cards import CardRequest
from adapters.events import Fate, RecordEvent, Teller
from connector import audit
from connector.connections.desk import Desk
from connector.connections.oauth_clients import client_of
from connector.connections.vault import SealBroken
from connector.problems import Refusal


@dataclass(frozen=True, slots=True)
class Believed:
    """Who hears a message; nobody, although it is the operator's own, where no workspace has such
    an account. `genuine` False: nobody's secret has signed it.
    """

    genuine: bool
    workspaces: tuple[int, ...] = ()


def believed(
    desk: Desk, app: str, client_id: str, teller: Teller, request: CardRequest, *,
    accounts: Sequence[str],
) -> Believed:  # fmt: skip
    """Whose client of this id has signed the message."""
    operator = desk.operator_clients.get(app)
    is_operators = operator is not None and operator.client_id == client_id
    asked = {
        "app": app,
        "client": client_id,
        "accounts": list(accounts),
        "operators": is_operators,
    }
    with desk.database.across() as connection:
        rows = connection.execute(TOLD_BY, asked).all()
    by_operator = is_operators and teller.is_genuine(
        request, [operator.client_secret.reveal()] if operator else []
    )
    own = [row.workspace_id for row in rows if row.own]
    hear = [one for one in own if teller.is_genuine(request, _secrets(desk, one, app))]
    genuine = by_operator or bool(hear)
    hear += [row.workspace_id for row in rows if not row.own and by_operator]
    return Believed(genuine, tuple(sorted(set(hear))))


def _secrets(desk: Desk, workspace_id: int, app: str) -> list[str]:
    try:
        with desk.database.begin(workspace_id) as connection:
            client = client_of(connection, desk, workspace_id, app=app)
    except (Refusal, SealBroken):
        return []
    return [client.client_secret.reveal()]


def heard(
    connection: Connection, workspace_id: int, app: str, events: Sequence[RecordEvent]
) -> int:
    """Move the links of what was merged, and end those of what is no more; how many. Written down
    where it changed something. A repeat changes nothing, and so does what nobody is linked to.
    """
    done: Counter[str] = Counter()
    for fate in Fate:
        told = [one for one in events if one.fate is fate]
        if told:
            done[fate] += connection.execute(SQL[fate], _asked(workspace_id, app, told)).rowcount
    total = done.total()
    if total:
        audit.record(
            connection,
            workspace_id,
            actor=f"events:{app}",
            action="links.told",
            object=f"app:{app}",
            detail={fate: number for fate, number in sorted(done.items()) if number},
        )
    return total


def _asked(workspace_id: int, app: str, told: Iterable[RecordEvent]) -> dict[str, object]:
    # The last word on a record counts, should one message tell of it twice.
    last = {(one.account, one.entity, one.remote_id): one.survivor for one in told}
    columns = list(zip(*last, strict=True))
    return {
        "w": workspace_id,
        "app": app,
        "accounts": list(columns[0]),
        "entities": list(columns[1]),
        "ids": list(columns[2]),
        "survivors": list(last.values()),
    }


TOLD_BY = text("SELECT workspace_id, own FROM ab_told_by(:app, :client, :accounts, :operators)")
# Links are locked in one order, so that two messages do not wait for each other.
_HIT = """
    WITH told AS (
      SELECT * FROM unnest(CAST(:accounts AS text[]), CAST(:entities AS text[]),
                           CAST(:ids AS text[]), CAST(:survivors AS text[]))
             AS one(account, entity, remote_id, survivor)),
    hit AS (
      SELECT l.connection_id, l.contact_id, l.entity, told.survivor
        FROM told JOIN connection n ON n.workspace_id = :w AND n.app = :app
                                   AND n.remote_account_id = told.account
        JOIN link l ON l.connection_id = n.id AND l.entity = told.entity
                   AND l.remote_id = told.remote_id AND l.workspace_id = :w
       ORDER BY l.connection_id, l.contact_id, l.entity FOR UPDATE OF l)
"""
_SAME = """
     WHERE l.workspace_id = :w AND l.connection_id = hit.connection_id
       AND l.contact_id = hit.contact_id AND l.entity = hit.entity
"""
# Parts of our own, no value among them.
_MOVE = text(f"{_HIT} UPDATE link l SET remote_id = hit.survivor FROM hit {_SAME}")  # noqa: S608
_END = text(f"{_HIT} DELETE FROM link l USING hit {_SAME}")  # noqa: S608
SQL = {Fate.MERGED: _MOVE, Fate.DELETED: _END, Fate.ERASED: _END}
