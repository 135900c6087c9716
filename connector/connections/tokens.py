"""Hands out the access token of a connection and refreshes it, in this one place.

    read the token -> fresh enough: use it
    lock its row   -> another process has refreshed meanwhile: use that one
    ask the provider, store the new grant, commit, and only then use it

The lock is held while the provider is asked: the one exception to "no row is locked while waiting
for the network". Nothing but refreshes and reconnects ever waits for that row, a waiter gives up
after LOCK_S, and the provider has less time than that.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, update

from adapters.errors import AdapterError, ReconnectNeeded, TryLater
from adapters.http import Wire
from adapters.registry import apps, traits_of
from adapters.traits import PRIVATE_KEY
from adapters.values import Account
from connector.connections import addresses, credentials, machine, parking, provider
from connector.connections.credentials import Kept
from connector.connections.desk import Desk
from connector.connections.grants import Grant
from connector.connections.hosts import HostNotAllowed
from connector.connections.key_exchange import exchanged
from connector.connections.oauth_clients import CLIENT_MISSING, client_of
from connector.connections.profile import Profile, load, provider_of
from connector.connections.provider import Provider
from connector.connections.vault import SealBroken
from connector.failpoints import failpoint
from connector.problems import Refusal
from connector.tables import connection as connections
from schemas.secret import Secret

LOCK_S = 10.0
PROVIDER_S = 8.0
# After a failed refresh nobody asks again for this long, however many workers want the token.
COOLDOWN_S = 5.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token or key, and the version of the secrets it belongs to."""

    value: Secret
    version: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What an adapter is made from. On TokenExpired ask again with this `version` as seen."""

    profile: Profile
    account: Account
    version: int


def access_token(
    desk: Desk, workspace_id: int, connection_id: int, *, seen_version: int | None = None
) -> Token:
    """The token to call with, refreshed ahead of its expiry.

    `seen_version`: the version whose token the CRM has just refused (401). Then a newer one is
    handed out, or made. Raises ReconnectNeeded, the connection having been parked, and TryLater.
    """
    return _connected(desk, workspace_id, connection_id, seen_version=seen_version)[2]


def reach(
    desk: Desk, workspace_id: int, connection_id: int, *, seen_version: int | None = None
) -> Reached:
    """The account of a connected connection with its token; raises as `access_token` does."""
    profile, kept, token = _connected(desk, workspace_id, connection_id, seen_version=seen_version)
    _check_address(desk, profile)
    return Reached(profile, account_of(profile, kept, token=token.value), token.version)


def reach_anyhow(
    desk: Desk, workspace_id: int, connection_id: int, *, seen_version: int | None = None
) -> Reached:
    """The same for a probe, which may find that a connection in need of attention has healed."""
    profile, kept = _look(desk, workspace_id, connection_id)
    _check_address(desk, profile)
    token = _token(desk, profile, kept, seen_version=seen_version)
    if token.version > kept.version:
        # The first token may have told where the account lives.
        profile, kept = _look(desk, workspace_id, connection_id)
    return Reached(profile, account_of(profile, kept, token=token.value), token.version)


def account_of(profile: Profile, kept: Kept, *, token: Secret) -> Account:
    """What the adapter needs to know; the only place where a token is opened for a call."""
    exchange = traits_of(profile.app).key_exchange
    # What signs the connection in is no adapter's business.
    signing_in = {PRIVATE_KEY.name, *(exchange.settings if exchange else ())}
    kept_settings: dict[str, Any] = kept.document.get("settings", {})
    secrets = {name: one for name, one in kept_settings.items() if name not in signing_in}
    return Account(
        token=token.reveal(),
        base_url=profile.base_url,
        instance_url=profile.instance_url,
        settings={**profile.settings, **secrets},
        learnt=profile.learnt,
    )


def _check_address(desk: Desk, profile: Profile) -> None:
    """A connection whose address is not allowed any more needs a person, as one without a grant."""
    try:
        addresses.check(desk, profile)
    except ReconnectNeeded as exc:
        parking.park(desk, profile.workspace_id, profile.id, code=exc.code, seen_version=None)
        raise


def _connected(
    desk: Desk, workspace_id: int, connection_id: int, *, seen_version: int | None
) -> tuple[Profile, Kept, Token]:
    profile, kept = _look(desk, workspace_id, connection_id)
    if profile.state != "connected":
        # Short-circuit: the grant is known to be dead, asking again would only lock accounts.
        raise parking.reconnect_needed(code=profile.reason_code or "not_connected")
    token = _token(desk, profile, kept, seen_version=seen_version)
    if token.version > kept.version:
        profile, kept = _look(desk, workspace_id, connection_id)
    return profile, kept, token


def _look(desk: Desk, workspace_id: int, connection_id: int) -> tuple[Profile, Kept]:
    try:
        with desk.database.begin(workspace_id) as connection:
            profile = load(connection, workspace_id, connection_id)
            kept = credentials.read(connection, desk, workspace_id, connection_id=connection_id)
    except SealBroken as exc:
        code = parking.CRYPTO_CODE
        parking.park(desk, workspace_id, connection_id, code=code, seen_version=None)
        raise parking.reconnect_needed(code=code) from exc
    if profile.app not in apps():
        raise parking.reconnect_needed(code=parking.NOT_INSTALLED)
    if kept is None or (kept.token is None and not _signs_in(profile, kept)):
        raise parking.reconnect_needed(code="not_connected")
    return profile, kept


def _signs_in(profile: Profile, kept: Kept) -> bool:
    """Whether a token can be had without a person; never after a disconnect, which wiped all."""
    return bool(kept.document) and machine.kind_of(profile.traits, profile.settings) is not None


def _token(desk: Desk, profile: Profile, kept: Kept, *, seen_version: int | None) -> Token:
    here = Token(kept.token or Secret(""), kept.version)
    was_refused = seen_version is not None and kept.version <= seen_version
    margin_s = _margin_s(profile)
    if margin_s is None:
        if was_refused:
            raise _parked(desk, profile, code="key_refused", seen_version=kept.version)
        return here
    if not _is_usable(profile, kept):
        return _renewed(desk, profile, seen_version=kept.version)
    if not was_refused and not kept.is_due(margin_s):
        return here
    try:
        return _renewed(desk, profile, seen_version=kept.version)
    except TryLater:
        # The endpoint is ill or another process is slow: an old token that still lives will do.
        if was_refused or kept.has_expired:
            raise
        return here


def _margin_s(profile: Profile) -> int | None:
    """How long before its end a token is renewed; None for a key that calls carry themselves."""
    if profile.auth != "key":
        assert profile.traits.oauth is not None  # noqa: S101 - connect.py refuses OAuth elsewhere
        return profile.traits.oauth.refresh_margin_s
    exchange = profile.traits.key_exchange
    return None if exchange is None else exchange.margin_s


def _is_usable(profile: Profile, kept: Kept) -> bool:
    """Whether what is kept can be called with: a key that must be exchanged cannot."""
    return kept.has_access_token if profile.auth == "key" else kept.token is not None


def _renewed(desk: Desk, profile: Profile, *, seen_version: int) -> Token:
    """A newer token than the seen one: another process's, or our own refresh."""
    provider.prepare()
    if not desk.refreshing.acquire(timeout=LOCK_S):
        message = "too many connections are being refreshed at once"
        raise TryLater(message, wait_s=1.0, code="refresh_busy")
    try:
        return _under_lock(desk, profile, seen_version=seen_version)
    except ReconnectNeeded as exc:
        raise _parked(desk, profile, code=exc.code, seen_version=seen_version) from exc
    except SealBroken as exc:
        code = parking.CRYPTO_CODE
        raise _parked(desk, profile, code=code, seen_version=seen_version) from exc
    finally:
        desk.refreshing.release()


def _under_lock(desk: Desk, profile: Profile, *, seen_version: int) -> Token:
    with desk.database.begin(profile.workspace_id) as connection:
        kept = credentials.locked(
            connection, desk, profile.workspace_id, connection_id=profile.id, wait_s=LOCK_S
        )
        if kept is None or (kept.token is None and not _signs_in(profile, kept)):
            raise parking.reconnect_needed(code="not_connected")
        if kept.token and kept.version > seen_version and _is_usable(profile, kept):
            return Token(kept.token, kept.version)
        _refuse_too_soon(kept)
        try:
            grant = _asked(connection, desk, profile, kept)
        except AdapterError as exc:
            # Not raised here: the failure must be committed for the others to see it.
            credentials.note_failure(connection, profile.workspace_id, connection_id=profile.id)
            failure = exc
        else:
            # The provider may have replaced the old tokens; a crash from here to the commit loses
            # the new ones, and the next refresh then asks for a reconnect.
            failpoint("rotated")
            return _stored(connection, desk, profile, kept, grant)
    raise failure


def _asked(connection: Connection, desk: Desk, profile: Profile, kept: Kept) -> Grant:
    if profile.auth == "key":
        return _exchanged(desk, profile, kept)
    by_itself = machine.kind_of(profile.traits, profile.settings) is not None
    if kept.refresh_token is None and not by_itself:
        raise parking.reconnect_needed(code="no_refresh_token")
    try:
        client = client_of(connection, desk, profile.workspace_id, app=profile.app)
        asked = _in_time(provider_of(desk, profile))
        if kept.refresh_token is None or by_itself:
            settings = {**profile.settings, **kept.document.get("settings", {})}
            return machine.granted(asked, client, settings=settings, now_s=kept.at.timestamp())
        return provider.refresh(asked, client, refresh_token=kept.refresh_token)
    except Refusal as exc:
        raise parking.reconnect_needed(code=CLIENT_MISSING) from exc
    except SealBroken as exc:
        raise parking.reconnect_needed(code=parking.CRYPTO_CODE) from exc
    except HostNotAllowed as exc:
        raise parking.reconnect_needed(code=exc.code) from exc


def _exchanged(desk: Desk, profile: Profile, kept: Kept) -> Grant:
    exchange = profile.traits.key_exchange
    if exchange is None or kept.key is None:
        raise parking.reconnect_needed(code="not_connected")
    try:
        return exchanged(
            _in_time(provider_of(desk, profile)),
            exchange,
            key=kept.key,
            secrets=kept.document.get("settings", {}),
        )
    except HostNotAllowed as exc:
        raise ReconnectNeeded(code=exc.code) from exc


def _stored(
    connection: Connection, desk: Desk, profile: Profile, kept: Kept, grant: Grant
) -> Token:
    version = credentials.save(
        connection,
        desk,
        profile.workspace_id,
        connection_id=profile.id,
        document=credentials.granted(kept, grant),
    )
    if grant.instance_url not in {None, profile.instance_url}:
        connection.execute(
            update(connections)
            .where(
                connections.c.workspace_id == profile.workspace_id, connections.c.id == profile.id
            )
            .values(instance_url=grant.instance_url)
        )
    return Token(grant.access_token, version)


def _refuse_too_soon(kept: Kept) -> None:
    if kept.refresh_failed_at is None:
        return
    again_at = kept.refresh_failed_at + timedelta(seconds=COOLDOWN_S)
    if again_at > kept.at:
        message = "the last refresh failed a moment ago"
        wait_s = (again_at - kept.at).total_seconds()
        raise TryLater(message, wait_s=wait_s, code="refresh_cooling_down")


def _parked(desk: Desk, profile: Profile, *, code: str, seen_version: int) -> AdapterError:
    """Park the connection; the error to raise. TryLater when somebody has reconnected meanwhile."""
    parking.park(desk, profile.workspace_id, profile.id, code=code, seen_version=seen_version)
    with desk.database.begin(profile.workspace_id) as connection:
        state = load(connection, profile.workspace_id, profile.id).state
    if state == "connected":
        return TryLater("the connection was renewed meanwhile", wait_s=1.0, code="reconnected")
    return parking.reconnect_needed(code=code)


def _in_time(asked: Provider) -> Provider:
    wire = Wire(connect_s=min(3.0, PROVIDER_S), read_s=PROVIDER_S, total_s=PROVIDER_S)
    return replace(asked, wire=wire)
