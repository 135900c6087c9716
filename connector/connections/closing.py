"""Pauses and ends connections: nothing that waits for them is lost."""

from dataclasses import dataclass

from sqlalchemy import func

from adapters.errors import AdapterError
from connector.connections import cards, credentials, parking, profile, provider
from connector.connections.credentials import Kept
from connector.connections.desk import Desk
from connector.connections.holding import audited, forget_consents, held, rewrite
from connector.connections.oauth_clients import client_of
from connector.connections.profile import Profile
from connector.connections.vault import SealBroken
from connector.connections.views import View, view
from connector.problems import Code, Refusal
from schemas.phrases import phrase


@dataclass(frozen=True, slots=True)
class Ended:
    """What a disconnect left behind. `revoked` False: end the grant or key at the CRM by hand."""

    waiting: int
    revoked: bool


def pause(desk: Desk, workspace_id: int, connection_id: int, *, actor: str) -> View:
    """Stop all work of the connection until `unpause`. A repeat changes nothing."""
    with desk.database.begin(workspace_id) as connection:
        here = profile.locked(connection, workspace_id, connection_id)
        if here.paused_at is None:
            rewrite(connection, here, {"paused_at": func.now()})
            audited(connection, here, action="paused", actor=actor)
    return view(desk, workspace_id, connection_id)


def unpause(desk: Desk, workspace_id: int, connection_id: int, *, actor: str) -> View:
    """Let the connection work again. A repeat changes nothing."""
    with desk.database.begin(workspace_id) as connection:
        here = profile.locked(connection, workspace_id, connection_id)
        if here.paused_at is not None:
            rewrite(connection, here, {"paused_at": None})
            audited(connection, here, action="unpaused", actor=actor)
    return view(desk, workspace_id, connection_id)


def disconnect(desk: Desk, workspace_id: int, connection_id: int, *, actor: str) -> Ended:
    """Wipe the secrets, take the grant back at the CRM, and park what waits. A repeat is harmless.

    The secrets go first, the card's too: a refresh in another process can then not renew what is
    being revoked.
    """
    with desk.database.begin(workspace_id) as connection:
        here, kept = held(connection, desk, workspace_id, connection_id=connection_id)
        credentials.wipe(connection, workspace_id, connection_id=connection_id)
        cards.remove(connection, workspace_id, connection_id)
        forget_consents(connection, here)
        code = "disconnected"
        reason = parking.what_to_do(code)
        rewrite(connection, here, {"state": code, "reason_code": code, "reason": reason})
        waits = {"reason": parking.AUTH, "code": code}
        parking.park_deliveries(connection, workspace_id, connection_id, **waits)
        left = parking.waiting(connection, workspace_id, connection_id)
        audited(connection, here, action="disconnected", actor=actor, detail={"waiting": left})
    return Ended(waiting=left, revoked=_revoked(desk, here, kept))


def remove(desk: Desk, workspace_id: int, connection_id: int, *, actor: str) -> None:
    """Take a disconnected connection off the list; its history stays.

    Refusal still_in_use while it is connected or deliveries wait for it.
    """
    with desk.database.begin(workspace_id) as connection:
        here, _ = held(connection, desk, workspace_id, connection_id=connection_id)
        left = parking.waiting(connection, workspace_id, connection_id)
        if here.state not in {"new", "disconnected"} or left:
            detail = phrase(
                "The connection is %(state)s and %(left)s deliveries wait for it.",
                state=here.state,
                left=left,
            )
            raise Refusal(Code.STILL_IN_USE, detail, extra={"waiting": left})
        credentials.wipe(connection, workspace_id, connection_id=connection_id)
        cards.remove(connection, workspace_id, connection_id)
        rewrite(connection, here, {"deleted_at": func.now()})
        audited(connection, here, action="removed", actor=actor)


def _revoked(desk: Desk, here: Profile, kept: Kept | None) -> bool:
    """Whether the CRM took the grant back; a key can only be ended there by hand."""
    if kept is None or kept.token is None or here.auth != "oauth":
        return False
    try:
        with desk.database.begin(here.workspace_id) as connection:
            client = client_of(connection, desk, here.workspace_id, app=here.app)
        return provider.revoke(
            profile.provider_of(desk, here),
            client,
            access_token=kept.token,
            refresh_token=kept.refresh_token,
        )
    except (AdapterError, Refusal, SealBroken, ValueError):
        # Out of reach or not willing: the admin is told to end it there.
        return False
