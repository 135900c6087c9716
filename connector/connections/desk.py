"""What managed authentications work with: the store, the keys, and what the operator has set."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.connections import described
from connector.connections.hosts import AllowedHosts
from connector.connections.keys import keyring_of
from connector.connections.vault import Keyring
from connector.db import Database
from connector.settings import OAuthClient, Settings

if TYPE_CHECKING:
    from adapters.traits import RatePolicy
    from connector.connections.profile import Profile

# A refresh holds a database connection while the provider is asked; this many per process at
# once, so that the rest of the pool stays free for everything else.
REFRESHES_AT_ONCE = 2


# Asked before each call of an account outside deliveries, with the account's rates and the call's
# kind: it may wait, or raise Throttled.
Permit = Callable[["Profile", "tuple[RatePolicy, ...]", "str | None"], None]


def _at_once(_profile: Profile, _rates: tuple[RatePolicy, ...], _kind: str | None) -> None:
    """Nobody counts calls here."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once per process, after a fork; shared by its threads. `permit` keeps its calls to the
    account's rate.
    """

    database: Database
    keyring: Keyring
    allowed: AllowedHosts
    operator_clients: Mapping[str, OAuthClient] = field(repr=False)
    public_url: str
    permit: Permit = field(default=_at_once, repr=False)
    refreshing: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(REFRESHES_AT_ONCE), repr=False
    )

    @classmethod
    def of(cls, settings: Settings, database: Database, *, permit: Permit = _at_once) -> Desk:
        """The desk of this process, the operator's apps installed. Raises KeysUnusable and
        SettingsError: then refuse to start.
        """
        described.install(settings)
        return cls(
            database=database,
            keyring=keyring_of(settings),
            allowed=AllowedHosts.of(settings.allowed_hosts),
            operator_clients=settings.oauth_clients,
            public_url=settings.public_url,
            permit=permit,
        )
