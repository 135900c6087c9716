"""Makes a connection connected: who answered is checked, secrets stored, parked work resumed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from adapters.http import Wire
from adapters.registry import adapter_for
from adapters.values import Account, Identity
from connector.connections import credentials, drift, parking, quota
from connector.connections.credentials import Kept
from connector.connections.desk import Desk
from connector.connections.ear import Ear
from connector.connections.holding import audited, held, rewrite
from connector.connections.hosts import AllowedHosts
from connector.connections.profile import Profile
from connector.connections.quota import Heard
from connector.connections.wayout import Outward
from connector.db import refuse_inside_transaction
from connector.problems import Code, Refusal
from connector.tables import connection as connections
from schemas.phrases import phrase

OTHER_ACCOUNT = "other_account"


@dataclass(frozen=True, slots=True)
class Established:
    """A connection that has just been proved. `notes` are for the admin; `resumed` deliveries."""

    workspace_id: int
    connection_id: int
    identity: Identity
    resumed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered, and what the answer told of the account's calls."""

    identity: Identity
    heard: tuple[Heard, ...] = ()


def identify(app: str, account: Account, *, allowed: AllowedHosts) -> Answered:
    """One cheap call that proves the token and tells whose it is. Raises AdapterError."""
    ear = Ear(app, account.learnt)
    wire = Wire(
        before=lambda _kind: refuse_inside_transaction(),
        answered=ear.answered,
        out=Outward(allowed),
    )
    identity = adapter_for(app)(account, wire, {}).probe()
    return Answered(identity, ear.heard())


def establish(
    desk: Desk,
    here: Profile,
    answered: Answered,
    *,
    document: Callable[[Kept | None], Mapping[str, Any]] | None,
    instance_url: str | None,
    actor: str | None,
) -> Established:
    """Store that the connection works, and its new secrets if there are any; resume its work.

    `document` makes the secrets to store out of those there are; None leaves them alone. `actor`
    None: the caller has written the audit entry. Refusal conflict when another account answered
    than the one connected before: nothing is changed then.
    """
    identity = answered.identity
    with desk.database.begin(here.workspace_id) as connection:
        now, kept = held(connection, desk, here.workspace_id, connection_id=here.id)
        _refuse_changed(here, now)
        _refuse_other_account(now, identity)
        if document is None and (kept is None or kept.token is None):
            # It was disconnected while it was being proved.
            raise Refusal(Code.NOT_CONNECTED)
        if document is not None:
            credentials.save(
                connection,
                desk,
                here.workspace_id,
                connection_id=here.id,
                document=document(kept),
            )
        _mark_connected(connection, now, identity, instance_url=instance_url)
        known = replace(now, remote_account_id=identity.account_id)
        quota.keep(connection, now.workspace_id, quota.account_of(known), answered.heard)
        resumed = parking.resume_deliveries(
            connection, here.workspace_id, here.id, reasons=parking.FOR_A_PROOF
        )
        if now.state != "connected":
            drift.ask_after_connecting(connection, now.workspace_id, now.id)
        parking.resume_provisions(connection, here.workspace_id, here.id)
        notes = (*identity.notes, *_duplicates(connection, now, identity))
        if actor is not None:
            action = "probed" if now.state == "connected" else "connected"
            audited(connection, now, action=action, actor=actor, detail={"resumed": resumed})
    return Established(here.workspace_id, here.id, identity, resumed, notes)


def _refuse_changed(here: Profile, now: Profile) -> None:
    """What was proved is the connection as it was; somebody has just pointed it elsewhere."""
    if (here.base_url, here.settings) != (now.base_url, now.settings):
        detail = phrase("The connection was changed while it was being proved. Try again.")
        raise Refusal(Code.CONFLICT, detail, extra={"reason": "changed_meanwhile"})


def _refuse_other_account(now: Profile, identity: Identity) -> None:
    """The waiting work of one account must never reach another one (faults.md, row 56)."""
    if now.remote_account_id not in {None, identity.account_id}:
        detail = phrase(
            "This connection belongs to another account of the CRM, and its waiting work must not"
            " go elsewhere. Connect with the account it had, or make a new connection."
        )
        raise Refusal(Code.CONFLICT, detail, extra={"reason": OTHER_ACCOUNT})


def _mark_connected(
    connection: Connection, now: Profile, identity: Identity, *, instance_url: str | None
) -> None:
    rewrite(
        connection,
        now,
        {
            "state": "connected",
            "reason_code": None,
            "reason": None,
            "failures": 0,
            "remote_account_id": identity.account_id,
            "remote_account_name": identity.account_name,
            "remote_user_id": identity.user_id,
            "learnt": {**now.learnt, **identity.learnt},
            "instance_url": instance_url or now.instance_url,
        },
    )


def _duplicates(connection: Connection, now: Profile, identity: Identity) -> tuple[str, ...]:
    """A CRM may end the oldest of several grants to one user: say where there is another one."""
    others = connection.execute(
        select(connections.c.name).where(
            connections.c.workspace_id == now.workspace_id,
            connections.c.id != now.id,
            connections.c.app == now.app,
            connections.c.remote_account_id == identity.account_id,
            connections.c.remote_user_id == identity.user_id,
            connections.c.state != "disconnected",
            connections.c.deleted_at.is_(None),
        )
    ).scalars()
    return tuple(f"The connection {name!r} uses the same account and user." for name in others)
