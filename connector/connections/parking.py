"""Parks a connection whose grant or secrets are dead, says why and what to do, and resumes it.

The state of the connection alone already stops all work (nothing is claimed for one that is not
connected); its waiting deliveries are marked as well, so that their page says what they wait for.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Connection, func, select, text, update

from adapters.errors import ReconnectNeeded
from connector import audit
from connector.connections import credentials
from connector.connections.desk import Desk
from connector.connections.profile import NEEDS_ATTENTION
from connector.db import retried
from connector.log import get_logger
from connector.tables import connection as connections
from connector.tables import delivery, tag_provision

AUTH, CRYPTO, SCOPE, MAPPING = "auth", "crypto", "scope", "mapping"
# What a new grant mends, and what a person may have mended before proving the connection again.
FOR_THE_GRANT = (AUTH, CRYPTO)
FOR_A_PROOF = (*FOR_THE_GRANT, SCOPE)
CRYPTO_CODE = "secrets_unreadable"
KEY_ENDS = "key_ends_soon"
NOT_INSTALLED = "app_unknown"
# A hundred thousand waiting rows are marked in one statement.
_STATEMENT_MS = 60_000
_LOCK_WAIT_S = 10.0

WHAT_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        "invalid_grant": "The CRM has ended the authorization (revoked, expired or replaced). "
        "Connect again.",
        "invalid_client": "The CRM does not know our client id or secret. Check the OAuth client, "
        "then connect again.",
        "invalid_client_id": "The CRM does not know our client id. Check the OAuth client, then "
        "connect again.",
        "invalid_client_credentials": "The CRM refuses our client secret. Check the OAuth client, "
        "then connect again.",
        "unauthorized_client": "The CRM does not let this OAuth client connect. Check its settings "
        "there, then connect again.",
        "invalid_scope": "The CRM does not grant what we ask for. Check the OAuth client's scopes "
        "there, then connect again.",
        "inactive_user": "The user who connected has been deactivated in the CRM. Connect again as "
        "an active user.",
        "inactive_org": "The CRM account is not active. Reactivate it there, then connect again.",
        "access_denied": "The authorization was declined at the CRM. Start it again and allow it.",
        "instance_not_allowed": "The CRM named an address that we may not call. Tell the operator.",
        "oauth_client_missing": "No OAuth client is set for this app. Give its id and secret, then "
        "connect again.",
        "no_refresh_token": "The CRM has ended the session and gave nothing to renew it with. "
        "Connect again.",
        "private_key_unreadable": "The private key cannot be used. Enter it again: RSA, as PEM, "
        "without a password.",
        "tls_failed": "The CRM's certificate failed three times in a row. Have it mended there "
        "(or correct the address), then test the connection.",
        "key_refused": "The CRM refuses the key. Enter a valid one.",
        "database_unknown": "The CRM has no database of that name. Correct the connection's "
        "settings.",
        "driver_missing": "The driver for this kind of database is not installed. Tell the "
        "operator to install what the app's page names.",
        "tls_needed": "Without TLS a database is reached on this machine alone. Set tls to verify.",
        "host_not_allowed": "The operator does not allow this address any more. Tell the operator, "
        "or change the base URL.",
        "address_not_open": "The base URL leads into a network that we may not call. Tell the "
        "operator, or change it.",
        CRYPTO_CODE: "The stored secrets cannot be opened. Tell the operator to put the "
        "key-encryption key back, then connect again.",
        NOT_INSTALLED: "This app is not installed here any more. Tell the operator to put its "
        "document back, then test the connection.",
        "signing_secret_unfit": "The signing secret is not whsec_ and 24 to 64 bytes in base64. "
        "Enter it again.",
        "url_invalid": "The address is no plain https address. Correct it.",
        "url_not_https": "The address must begin with https://. Correct it.",
        "port_not_allowed": "Mail goes to the ports 25, 465, 587 and 2525. Correct the port, or "
        "tell the operator.",
        "encryption_needed": "The mail server offers no encryption, or no way to sign in over it. "
        "Choose another way of encryption, or another server.",
        "room_gone": "The chat does not know this webhook any more. Make a new one there and enter "
        "its address.",
        "receiver_refused": "The receiver did not take our ping. See its log: the address, or the "
        "signing secret it has.",
        "receiver_gone": "The receiver says that it is gone for good (410). Give another address.",
        "other_account": "Another account of the CRM answered than before. Connect with the "
        "account it had, or make a new connection.",
        "disconnected": "Connect again to resume.",
        KEY_ENDS: "The CRM ends keys of this kind soon (the day is on the app's page). Everything "
        "goes on until then. Connect by OAuth before it.",
    }
)
OTHERWISE = "The CRM refused the connection. Connect again."


def what_to_do(code: str) -> str:
    """The plain reason for a code, ending with what the admin can do."""
    return WHAT_TO_DO.get(code, OTHERWISE)


def reconnect_needed(*, code: str) -> ReconnectNeeded:
    """The error of a connection that only a person can mend, in the words that person reads."""
    return ReconnectNeeded(what_to_do(code), code=code)


def park(
    desk: Desk, workspace_id: int, connection_id: int, *, code: str, seen_version: int | None
) -> bool:
    """Set the connection to needs_attention, unless its secrets are newer than `seen_version`.

    True when that is news: exactly one of any number of callers gets it, and one audit entry and
    one warning are written. `seen_version` None parks whatever the version.
    """

    def work() -> bool:
        with desk.database.begin(workspace_id) as connection:
            # Locks the secrets first, as a reconnect does: it either is done or waits for us.
            kept = credentials.locked_version(
                connection, workspace_id, connection_id=connection_id, wait_s=_LOCK_WAIT_S
            )
            if seen_version is not None and kept is not None and kept > seen_version:
                _resume_if_connected(connection, workspace_id, connection_id)
                return False
            return _park(connection, workspace_id, connection_id, code=code)

    return retried(work)


def heal(desk: Desk, workspace_id: int, connection_id: int) -> int:
    """Resume what was parked for a connection that has been connected again meanwhile; how many.

    For whoever parks deliveries apart from `park`: a reconnect may have come in between.
    """
    with desk.database.begin(workspace_id) as connection:
        return _resume_if_connected(connection, workspace_id, connection_id)


def park_deliveries(
    connection: Connection, workspace_id: int, connection_id: int, *, reason: str, code: str = ""
) -> int:
    """Mark the waiting deliveries as parked; how many. `code`: why, and what a person can do."""
    _take_time(connection)
    told = {"error_code": code, "error": what_to_do(code)} if code else {}
    parked = connection.execute(
        update(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.connection_id == connection_id,
            delivery.c.state == "pending",
        )
        .values(state="parked", reason=reason, **told)
    )
    return parked.rowcount


def resume_deliveries(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    reasons: tuple[str, ...] = FOR_THE_GRANT,
) -> int:
    """Make what was parked for these reasons due again, all at once; how many.

    The claim orders rows of the same due time by id, so they go on in the order they came.
    """
    _take_time(connection)
    resumed = connection.execute(
        update(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.connection_id == connection_id,
            delivery.c.state == "parked",
            delivery.c.reason.in_(reasons),
        )
        .values(
            state="pending",
            reason=None,
            due_at=func.now(),
            error_code=None,
            error=None,
            error_field=None,
        )
    )
    return resumed.rowcount


def resume_provisions(connection: Connection, workspace_id: int, connection_id: int) -> int:
    """Make parked tag provisions due again: a reconnect may have brought the permission."""
    again = update(tag_provision).where(
        tag_provision.c.workspace_id == workspace_id,
        tag_provision.c.connection_id == connection_id,
        tag_provision.c.state == "parked",
    )
    values = {"state": "pending", "due_at": func.now(), "error_code": None, "error": None}
    return connection.execute(again.values(**values)).rowcount


def waiting(connection: Connection, workspace_id: int, connection_id: int) -> int:
    """How many deliveries of the connection are not settled yet."""
    counted = select(func.count()).where(
        delivery.c.workspace_id == workspace_id,
        delivery.c.connection_id == connection_id,
        delivery.c.state.in_(("pending", "leased", "awaiting", "parked")),
    )
    return connection.execute(counted).scalar_one()


def waiting_by_connection(connection: Connection, workspace_id: int) -> dict[int, int]:
    """The same of every connection that has any, by its id."""
    counted = (
        select(delivery.c.connection_id, func.count())
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.state.in_(("pending", "leased", "awaiting", "parked")),
        )
        .group_by(delivery.c.connection_id)
    )
    return {row[0]: row[1] for row in connection.execute(counted)}


def _resume_if_connected(connection: Connection, workspace_id: int, connection_id: int) -> int:
    state = connection.execute(
        select(connections.c.state).where(
            connections.c.workspace_id == workspace_id, connections.c.id == connection_id
        )
    ).scalar_one_or_none()
    if state != "connected":
        return 0
    return resume_deliveries(connection, workspace_id, connection_id)


def _park(connection: Connection, workspace_id: int, connection_id: int, *, code: str) -> bool:
    changed = connection.execute(
        update(connections)
        .where(
            connections.c.workspace_id == workspace_id,
            connections.c.id == connection_id,
            connections.c.state.in_(("new", "connected")),
        )
        .values(
            state=NEEDS_ATTENTION,
            reason_code=code,
            reason=what_to_do(code),
            updated_at=func.now(),
        )
    ).rowcount
    reason = CRYPTO if code == CRYPTO_CODE else AUTH
    if not changed:
        _park_too(connection, workspace_id, connection_id, reason=reason, code=code)
        return False
    parked = park_deliveries(connection, workspace_id, connection_id, reason=reason, code=code)
    get_logger(__name__).warning(
        "connection_needs_attention",
        workspace_id=workspace_id,
        connection_id=connection_id,
        code=code,
        parked=parked,
    )
    audit.record(
        connection,
        workspace_id,
        actor="system",
        action="connection.needs_attention",
        object=f"connection:{connection_id}",
        detail={"code": code, "parked": parked},
    )
    return True


def _park_too(
    connection: Connection, workspace_id: int, connection_id: int, *, reason: str, code: str
) -> None:
    """A worker that was in the middle of a wave hands its rows back after the connection was
    parked: they wait for the same person.
    """
    state = connection.execute(
        select(connections.c.state).where(
            connections.c.workspace_id == workspace_id, connections.c.id == connection_id
        )
    ).scalar_one_or_none()
    if state == NEEDS_ATTENTION:
        park_deliveries(connection, workspace_id, connection_id, reason=reason, code=code)


def _take_time(connection: Connection) -> None:
    connection.execute(
        text("SELECT set_config('statement_timeout', :ms, true)"), {"ms": str(_STATEMENT_MS)}
    )
