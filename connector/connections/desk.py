"""What managed authentications work with: the store, the keys, and what the operator has set."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.connections.hosts import AllowedHosts
from connector.connections.keys import keyring_of
from connector.connections.vault import Keyring
from connector.db import Database
from connector.settings import OAuthClient, Settings

# A refresh holds a database connection while the provider is asked; this many per process at
# once, so that the rest of the pool stays free for everything else.
REFRESHES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once per process, after a fork; shared by its threads."""

    database: Database
    keyring: Keyring
    allowed: AllowedHosts
    operator_clients: Mapping[str, OAuthClient] = field(repr=False)
    public_url: str
    refreshing: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(REFRESHES_AT_ONCE), repr=False
    )

    @classmethod
    def of(cls, settings: Settings, database: Database) -> "Desk":
        """The desk of this process. Raises KeysUnusable: then refuse to start."""
        return cls(
            database=database,
            keyring=keyring_of(settings),
            allowed=AllowedHosts.of(settings.allowed_hosts),
            operator_clients=settings.oauth_clients,
            public_url=settings.public_url,
        )
