"""What the worker processes of the refresh tests run."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from types import MappingProxyType

from adapters import registry
from connector import failpoints
from connector.connections import provider, tokens
from connector.connections.desk import Desk
from connector.db import Database
from connector.settings import OAuthClient, load_settings
from schemas.secret import Secret


@dataclass(frozen=True)
class Order:
    """Which token a process shall get; the version is the one whose token was refused."""

    environ: Mapping[str, str]
    workspace_id: int
    connection_id: int
    seen_version: int | None


def refresh_together(order: Order, barrier: Barrier, results: Queue[tuple[int, str] | str]) -> None:
    """Wait until every process stands ready, then ask for the token at the same moment."""
    desk, database = desk_in_a_process(order)
    provider.prepare()
    with database.begin(order.workspace_id):
        """Warm the pool, so that the processes meet at the row and not at the connect."""
    barrier.wait(60)
    try:
        token = token_of(desk, order)
        digest = hashlib.sha256(token.value.reveal().encode()).hexdigest()
        results.put((token.version, digest))
    except Exception as exc:  # noqa: BLE001 - the test shall see what a process met
        results.put(f"{type(exc).__name__}: {exc}")
    database.close()


def desk_in_a_process(order: Order) -> tuple[Desk, Database]:
    """A desk as a worker makes it, with the fake CRM known and its client registered."""
    registry.ADAPTERS["fake"] = "tests.connections.fake_crm:FakeCRM"
    settings = load_settings(order.environ)
    failpoints.configure(settings)
    database = Database(settings)
    plain = Desk.of(settings, database)
    clients = {"fake": OAuthClient("demo-client", Secret("demo-secret"))}
    desk = Desk(
        database=database,
        keyring=plain.keyring,
        allowed=plain.allowed,
        operator_clients=MappingProxyType(clients),
        public_url=plain.public_url,
    )
    return desk, database


def token_of(desk: Desk, order: Order) -> tokens.Token:
    """The token, as a worker asks for it."""
    return tokens.access_token(
        desk, order.workspace_id, order.connection_id, seen_version=order.seen_version
    )


def main() -> None:
    """One refresh in a process that a failpoint may kill: workspace, connection, seen version."""
    from connector.settings import process_environ  # noqa: PLC0415 - only the child needs it

    workspace_id, connection_id, seen_version = (int(one) for one in sys.argv[1:4])
    order = Order(process_environ(), workspace_id, connection_id, seen_version)
    desk, database = desk_in_a_process(order)
    token_of(desk, order)
    database.close()


if __name__ == "__main__":
    main()
