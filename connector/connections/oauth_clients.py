"""The OAuth client of an app: the workspace's own, sealed, else the operator's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from connector import audit
from connector.connections.desk import Desk
from connector.connections.keys import open_document, seal_document
from connector.connections.profile import app_traits, refused_setting
from connector.connections.provider import Client
from connector.connections.vault import Place
from connector.tables import oauth_client
from schemas.secret import Secret

CLIENT_MISSING = "oauth_client_missing"


@dataclass(frozen=True, slots=True)
class ClientView:
    """What may be shown of a workspace's own client: never its secret."""

    app: str
    client_id: str
    secret_set: bool
    updated_at: datetime


def client_of(connection: Connection, desk: Desk, workspace_id: int, *, app: str) -> Client:
    """The client to ask with. Refusal setting_invalid where neither has one."""
    row = connection.execute(_one(workspace_id, app)).one_or_none()
    if row is not None:
        return Client(client_id=row.client_id, client_secret=_secret(connection, desk, row))
    operator = desk.operator_clients.get(app)
    if operator is None:
        text = f"no OAuth client is set for {app}: give its id and secret first"
        raise refused_setting(pointer="/app", code=CLIENT_MISSING, text=text)
    return Client(client_id=operator.client_id, client_secret=operator.client_secret)


def save_client(
    desk: Desk, workspace_id: int, *, app: str, client_id: str, client_secret: str, actor: str
) -> ClientView:
    """Seal the workspace's own client of an app. An empty secret keeps the one there is."""
    if app_traits(app).oauth is None:
        raise refused_setting(
            pointer="/app", code="no_oauth", text="this app has no OAuth connections"
        )
    with desk.database.begin(workspace_id) as connection:
        before = connection.execute(_one(workspace_id, app).with_for_update()).one_or_none()
        if not client_secret and before is None:
            raise refused_setting(
                pointer="/client_secret", code="required", text="a new client needs its secret"
            )
        secret = Secret(client_secret)
        if not client_secret and before is not None:
            secret = _secret(connection, desk, before)
        _store(connection, desk, workspace_id, app=app, client=Client(client_id, secret))
        audit.record(
            connection,
            workspace_id,
            actor=actor,
            action="oauth_client.saved",
            object=f"oauth_client:{app}",
            detail={"secret_changed": bool(client_secret)},
        )
    return next(view for view in clients(desk, workspace_id) if view.app == app)


def remove_client(desk: Desk, workspace_id: int, *, app: str, actor: str) -> bool:
    """Forget the workspace's own client, so that the operator's serves again; False if none was."""
    with desk.database.begin(workspace_id) as connection:
        removed = connection.execute(
            delete(oauth_client).where(
                oauth_client.c.workspace_id == workspace_id, oauth_client.c.app == app
            )
        ).rowcount
        if removed:
            audit.record(
                connection,
                workspace_id,
                actor=actor,
                action="oauth_client.removed",
                object=f"oauth_client:{app}",
            )
    return bool(removed)


def clients(desk: Desk, workspace_id: int) -> tuple[ClientView, ...]:
    """The workspace's own clients, by app."""
    asked = (
        select(oauth_client.c.app, oauth_client.c.client_id, oauth_client.c.updated_at)
        .where(oauth_client.c.workspace_id == workspace_id)
        .order_by(oauth_client.c.app)
    )
    with desk.database.begin(workspace_id) as connection:
        rows = connection.execute(asked).all()
    return tuple(
        ClientView(row.app, row.client_id, secret_set=True, updated_at=row.updated_at)
        for row in rows
    )


def _store(
    connection: Connection, desk: Desk, workspace_id: int, *, app: str, client: Client
) -> None:
    seal_id = uuid4()
    document = {"client_secret": client.client_secret.reveal()}
    fresh = {
        "client_id": client.client_id,
        "seal_id": seal_id,
        "sealed": seal_document(
            connection, desk.keyring, place=_place(workspace_id, seal_id), document=document
        ),
        "updated_at": func.now(),
    }
    added = insert(oauth_client).values(workspace_id=workspace_id, app=app, **fresh)
    connection.execute(
        added.on_conflict_do_update(
            index_elements=[oauth_client.c.workspace_id, oauth_client.c.app], set_=fresh
        )
    )


def _one(workspace_id: int, app: str) -> Any:  # noqa: ANN401 - a statement of many types
    return select(oauth_client).where(
        oauth_client.c.workspace_id == workspace_id, oauth_client.c.app == app
    )


def _secret(connection: Connection, desk: Desk, row: Row[Any]) -> Secret:
    document = open_document(
        connection,
        desk.keyring,
        place=_place(row.workspace_id, row.seal_id),
        sealed=row.sealed,
    )
    return Secret(str(document["client_secret"]))


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="oauth_client", row_id=seal_id, column="sealed")
