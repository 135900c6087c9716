"""Sign-in by a provider of the operator's (OpenID Connect Core 1.0, code flow with PKCE).

    begin      a secret for this browser alone; state, nonce and verifier are made of it
    complete   the browser comes back: its state, once; the code for an ID token; its claims
    enter      who that is here: a person bound to that subject, or by verified address, or invited

The store keeps the digest of the state, the browser's cookie the secret: a state serves once,
within ten minutes, in the browser that asked. Nobody comes in whom no workspace has invited.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Row, func, text, update

from connector.accounts import invitations, people, sessions, sign_in
from connector.accounts.provider import Claims, Provider, SignInFailed
from connector.accounts.sign_in import Visitor
from connector.db import Database
from connector.tables import person
from schemas.secret import Secret

LIVES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Round:
    """A browser on its way to the provider: where it goes, and what its cookie holds."""

    url: str
    cookie: Secret


def begin(database: Database, provider: Provider, *, following: str) -> Round:
    """The provider's page to go to; `following` is the path of ours to come back to. Raises
    SignInFailed.
    """
    cookie = Secret(secrets.token_urlsafe(32))
    state = _made_of(cookie, "state")
    url = provider.consent_url(
        state=state, nonce=_made_of(cookie, "nonce"), verifier=_made_of(cookie, "verifier")
    )
    with database.across() as connection:
        connection.execute(
            text("SELECT ab_begin_round(:digest, :following, :lives)"),
            {"digest": sessions.digest_of(state), "following": following, "lives": LIVES},
        )
    return Round(url, cookie)


def complete(
    database: Database, provider: Provider, cookie: str, query: Mapping[str, str]
) -> tuple[Claims, str]:
    """Who the provider says it is, and the path to go on to. Raises SignInFailed; the state is used
    up in every case.
    """
    secret, state = Secret(cookie), query.get("state", "")
    if not cookie or not hmac.compare_digest(_made_of(secret, "state").encode(), state.encode()):
        raise SignInFailed(code="state_refused")
    with database.across() as connection:
        following = connection.execute(
            text("SELECT ab_end_round(:digest)"), {"digest": sessions.digest_of(state)}
        ).scalar_one_or_none()
    if following is None:
        raise SignInFailed(code="state_refused")
    # A provider that names itself must be the one that was asked (RFC 9207: mix-up).
    if query.get("iss", provider.issuer) != provider.issuer:
        raise SignInFailed(code="issuer_mismatch")
    if "code" not in query:
        raise SignInFailed(code="access_denied")
    claims = provider.claims_of(
        query["code"], verifier=_made_of(secret, "verifier"), nonce=_made_of(secret, "nonce")
    )
    return claims, str(following)


def enter(database: Database, claims: Claims, visitor: Visitor) -> tuple[Secret, bool]:
    """The cookie's value of the person whom the claims are about, and whether a code is to be asked
    for now. Raises SignInFailed (`not_invited`, `address_unverified`, `other_subject`).
    """
    with database.across() as connection:
        row = connection.execute(
            text("SELECT * FROM ab_person_of(:issuer, :subject, :email)"),
            {"issuer": claims.issuer, "subject": claims.subject, "email": claims.email},
        ).one_or_none()
    is_bound = row is not None and (row.issuer, row.subject) == (claims.issuer, claims.subject)
    # Only an address that the provider has verified says who somebody is here.
    if not is_bound and not claims.is_verified:
        raise SignInFailed(code="address_unverified")
    if row is None:
        return _came_by_invitation(database, claims, visitor)
    if row.disabled:
        raise SignInFailed(code="not_invited")
    if not is_bound and row.subject is not None:
        # The address belongs to somebody else at the provider by now.
        raise SignInFailed(code="other_subject")
    return _entered(database, row, claims, visitor)


def _entered(
    database: Database, row: Row[tuple[object, ...]], claims: Claims, visitor: Visitor
) -> tuple[Secret, bool]:
    with database.begin(row.workspace_id) as connection:
        _bind(connection, row.workspace_id, row.id, claims)
        return sign_in.entered(
            connection, row.workspace_id, row.id, visitor, has_codes=row.has_codes
        )


def _came_by_invitation(
    database: Database, claims: Claims, visitor: Visitor
) -> tuple[Secret, bool]:
    """Somebody new: they live in the workspace that invited them first."""
    with database.across() as connection:
        places = connection.execute(
            text("SELECT * FROM ab_invitations_to(:email)"), {"email": claims.email}
        ).all()
    if not places:
        raise SignInFailed(code="not_invited")
    home, invitation_id = places[0].workspace_id, places[0].id
    with database.begin(home) as connection:
        one = invitations.claimed(connection, home, invitation_id)
        person_id = people.added(connection, home, one.email, name=claims.name)
        _bind(connection, home, person_id, claims)
        invitations.let_in(connection, one, person_id, name=claims.name, visitor=visitor)
        token = sign_in.begun(connection, home, person_id, visitor)
    return token, False


def _bind(connection: Connection, home: int, person_id: int, claims: Claims) -> None:
    """From now on the provider's subject says who it is, whatever becomes of the address."""
    connection.execute(
        update(person)
        .where(
            person.c.workspace_id == home,
            person.c.id == person_id,
            func.coalesce(person.c.subject, "") != claims.subject,
        )
        .values(issuer=claims.issuer, subject=claims.subject)
    )


def _made_of(cookie: Secret, what: str) -> str:
    """One of the three values of a round, 43 signs (RFC 7636 asks that many of a verifier)."""
    made = hmac.digest(cookie.reveal().encode(), f"answerback {what}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
