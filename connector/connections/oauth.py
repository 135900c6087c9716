"""Connects by OAuth 2: the page to consent at, and what comes back from it.

The state is one-use, lives ten minutes, and is kept as a digest, bound to its workspace, connection
and the key or member that asked. The callback comes from a browser without a key: the state is all
it has, or the state and the member's session.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, text, update

from adapters.errors import AdapterError, TryLater
from adapters.values import Account
from connector.connections import addresses, machine, provider
from connector.connections.credentials import first_granted
from connector.connections.desk import Desk
from connector.connections.establish import Established, establish, identify
from connector.connections.grants import Grant
from connector.connections.hosts import HostNotAllowed
from connector.connections.keys import open_document, seal_document
from connector.connections.oauth_clients import client_of
from connector.connections.parking import CRYPTO_CODE, what_to_do
from connector.connections.profile import Profile, load, provider_of, refused_setting
from connector.connections.provider import Client
from connector.connections.refusals import refusal_of
from connector.connections.vault import Place, SealBroken
from connector.problems import Code, Refusal
from connector.tables import api_key, oauth_state
from schemas.phrases import phrase

STATE_LIVES = timedelta(minutes=10)
_LONGEST_PARAMETER = 4_096


@dataclass(frozen=True, slots=True)
class Consent:
    """Where a person allows the connection, and until when that works."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for when the state was made; the state is used up by reading it."""

    profile: Profile
    client: Client
    redirect_uri: str
    verifier: str
    asked_by: str


def authorize(
    desk: Desk,
    workspace_id: int,
    connection_id: int,
    *,
    api_key_id: int | None = None,
    account_id: int | None = None,
) -> Consent:
    """The URL of the CRM's consent page for this connection, with a fresh state and PKCE verifier.

    `account_id`: the member who asks in a browser, which alone can complete it.

    Show it as a link: a form post answered by a redirect is stopped by our own form-action policy.
    Refusal setting_invalid where the app has no OAuth or no client is set.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    with desk.database.begin(workspace_id) as connection:
        profile = load(connection, workspace_id, connection_id)
        if profile.auth != "oauth":
            raise refused_setting(
                pointer="/auth",
                code="not_oauth",
                text=phrase("this connection uses a key, not OAuth"),
            )
        if machine.kind_of(profile.traits, profile.settings) is not None:
            text = phrase("this connection signs in by itself: test it instead")
            raise refused_setting(pointer="/settings/grant", code="signs_in_by_itself", text=text)
        client = client_of(connection, desk, workspace_id, app=profile.app)
        redirect_uri = f"{desk.public_url}/oauth/callback/{profile.app}"
        expires_at = _keep_state(
            connection,
            desk,
            profile,
            state=state,
            verifier=verifier,
            redirect_uri=redirect_uri,
            api_key_id=api_key_id,
            account_id=account_id,
        )
    try:
        addresses.check(desk, profile)
        url = provider.consent_url(
            provider_of(desk, profile),
            client,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    except HostNotAllowed as exc:
        raise Refusal(Code.HOST_REFUSED, str(exc)) from exc
    return Consent(url, expires_at)


def complete(
    desk: Desk, app: str, query: Mapping[str, str], *, accounts: frozenset[int] = frozenset()
) -> Established:
    """What the CRM's redirect to /oauth/callback/<app> brings: the connection, connected.

    Refusal authorization_failed (`extra["reason"]` is a stable word) for a state that is unknown,
    used, expired or another app's, a foreign issuer, a person who declined, a code that fails;
    conflict when another account answered than before. The state is used up in every case.
    `accounts`: whose browser it is; what a member began, nobody else's browser completes.
    """
    if any(len(value) > _LONGEST_PARAMETER for value in query.values()):
        raise _failed(
            reason="callback_invalid", detail=phrase("A parameter of the callback is too long.")
        )
    asked = _used_up(desk, app, query.get("state", ""), accounts)
    if "error" in query:
        raise _failed(reason="access_denied", detail=what_to_do("access_denied"))
    if not query.get("code"):
        raise _failed(reason="callback_invalid", detail=phrase("The callback carries no code."))
    try:
        _refuse_other_issuer(desk, asked, query.get("iss"))
        grant = _exchanged(desk, asked, query["code"])
        answered = identify(app, _account(asked, grant), allowed=desk.allowed)
    except AdapterError as exc:
        raise _failed(reason=exc.code, detail=_plainly(exc)) from exc
    except HostNotAllowed as exc:
        raise _failed(reason=exc.code, detail=str(exc)) from exc
    return establish(
        desk,
        asked.profile,
        answered,
        document=lambda before: first_granted(before, grant),
        instance_url=grant.instance_url,
        actor=asked.asked_by,
    )


def _keep_state(
    connection: Connection,
    desk: Desk,
    profile: Profile,
    *,
    state: str,
    verifier: str,
    redirect_uri: str,
    api_key_id: int | None,
    account_id: int | None,
) -> datetime:
    """Store the state's digest with what belongs to it; when it expires."""
    connection.execute(
        delete(oauth_state).where(
            oauth_state.c.workspace_id == profile.workspace_id,
            oauth_state.c.expires_at < func.now() - timedelta(days=1),
        )
    )
    seal_id = uuid4()
    place = _place(profile.workspace_id, seal_id)
    added = insert(oauth_state).values(
        workspace_id=profile.workspace_id,
        digest=_digest(state),
        connection_id=profile.id,
        api_key_id=api_key_id,
        account_id=account_id,
        app=profile.app,
        redirect_uri=redirect_uri,
        seal_id=seal_id,
        sealed=seal_document(
            connection, desk.keyring, place=place, document={"verifier": verifier}
        ),
        expires_at=func.now() + STATE_LIVES,
    )
    kept: datetime = connection.execute(added.returning(oauth_state.c.expires_at)).scalar_one()
    return kept


def _used_up(desk: Desk, app: str, state: str, accounts: frozenset[int]) -> _Asked:
    digest = _digest(state)
    with desk.database.across() as connection:
        workspace_id = connection.execute(
            text("SELECT workspace_id FROM ab_oauth_state(:digest)"), {"digest": digest}
        ).scalar_one_or_none()
    if workspace_id is None:
        raise _state_refused()
    with desk.database.begin(workspace_id) as connection:
        row = connection.execute(_use(workspace_id, digest, app=app)).one_or_none()
    # Committed before anything is judged: a state serves once, whatever comes of it.
    if row is None or not row.key_is_good or not {row.account_id} <= accounts | {None}:
        raise _state_refused()
    try:
        return _asked(desk, row)
    except SealBroken as exc:
        raise _failed(reason=CRYPTO_CODE, detail=what_to_do(CRYPTO_CODE)) from exc


def _asked(desk: Desk, row: Row[Any]) -> _Asked:
    with desk.database.begin(row.workspace_id) as connection:
        profile = load(connection, row.workspace_id, row.connection_id)
        return _Asked(
            profile=profile,
            client=client_of(connection, desk, row.workspace_id, app=profile.app),
            redirect_uri=row.redirect_uri,
            verifier=_verifier(connection, desk, row),
            asked_by=_asker(row),
        )


def _asker(row: Row[Any]) -> str:
    """How the audit log names who asked."""
    if row.account_id is not None:
        return f"user:{row.account_id}"
    return "system" if row.api_key_id is None else f"key:{row.api_key_id}"


def _use(workspace_id: int, digest: bytes, *, app: str) -> Any:  # noqa: ANN401 - a statement
    key_is_good = (
        select(func.count() > 0)
        .where(
            api_key.c.workspace_id == workspace_id,
            api_key.c.id == oauth_state.c.api_key_id,
            api_key.c.revoked_at.is_(None),
            func.coalesce(api_key.c.expires_at > func.now(), True),
        )
        .scalar_subquery()
    )
    return (
        update(oauth_state)
        .where(
            and_(
                oauth_state.c.workspace_id == workspace_id,
                oauth_state.c.digest == digest,
                oauth_state.c.app == app,
                oauth_state.c.used_at.is_(None),
                oauth_state.c.expires_at > func.now(),
            )
        )
        .values(used_at=func.now())
        .returning(
            oauth_state.c.workspace_id,
            oauth_state.c.connection_id,
            oauth_state.c.api_key_id,
            oauth_state.c.account_id,
            oauth_state.c.redirect_uri,
            oauth_state.c.seal_id,
            oauth_state.c.sealed,
            (oauth_state.c.api_key_id.is_(None) | key_is_good).label("key_is_good"),
        )
    )


def _verifier(connection: Connection, desk: Desk, row: Row[Any]) -> str:
    place = _place(row.workspace_id, row.seal_id)
    return str(open_document(connection, desk.keyring, place=place, sealed=row.sealed)["verifier"])


def _refuse_other_issuer(desk: Desk, asked: _Asked, issuer: str | None) -> None:
    """A provider that names itself must be the one we asked (RFC 9207: mix-up)."""
    if issuer is None:
        return
    ours = provider_of(desk, asked.profile)
    endpoints = (ours.oauth.authorize_url, ours.oauth.token_url)
    if _origin(issuer) not in {_origin(ours.endpoint(template)) for template in endpoints}:
        raise _failed(
            reason="issuer_mismatch", detail=phrase("Another provider answered than was asked.")
        )


def _exchanged(desk: Desk, asked: _Asked, code: str) -> Grant:
    addresses.check(desk, asked.profile)
    return provider.exchange(
        provider_of(desk, asked.profile),
        asked.client,
        code=code,
        redirect_uri=asked.redirect_uri,
        verifier=asked.verifier,
    )


def _account(asked: _Asked, grant: Grant) -> Account:
    return Account(
        token=grant.access_token.reveal(),
        base_url=asked.profile.base_url,
        instance_url=grant.instance_url,
        settings=asked.profile.settings,
        learnt=asked.profile.learnt,
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="oauth_state", row_id=seal_id, column="sealed")


def _state_refused() -> Refusal:
    return _failed(
        reason="state_refused",
        detail=phrase(
            "This authorization was used, has expired, or was not started here. Start it again."
        ),
    )


def _plainly(exc: AdapterError) -> str:
    if isinstance(exc, TryLater):
        return phrase(
            "The CRM did not answer as expected. Start the authorization again in a while."
        )
    return what_to_do(exc.code)


def _failed(*, reason: str, detail: str) -> Refusal:
    return Refusal(Code.AUTHORIZATION_FAILED, detail, extra={"reason": reason})
