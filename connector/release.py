"""Makes an installation ready to serve: newest schema, safe role, keys that open everything.

Run before the other processes of a new version start; the old version may still be serving. A
repeat changes nothing. `python -m connector.release` is the Procfile's `release`.
"""

from __future__ import annotations

import sys

from connector.connections import keyfile
from connector.connections.vault import KeysUnusable
from connector.db import Database, DatabaseAway, unsafe_role
from connector.engines import EngineError, engines
from connector.log import configure_log, get_logger
from connector.migrating import upgrade
from connector.settings import Environment, Settings, SettingsError, load_settings


class NotReady(Exception):
    """The installation must not serve like this; the text says what to mend."""


def release(settings: Settings) -> None:
    """1. Migrate as the owner's role. 2. Judge the application's role. 3. See to the keys.

    Raises NotReady, KeysUnusable or DatabaseAway: then nothing should be started.
    """
    if settings.database_owner_url is None:
        message = "DATABASE_OWNER_URL: the migrations need the owner's role"
        raise NotReady(message)
    upgrade(settings.database_owner_url)
    database = Database(settings)
    try:
        judge_role(settings, database)
        if keyfile.prepare(settings, database):
            get_logger(__name__).warning("key_file_made", path=str(settings.keks_file))
    finally:
        database.close()


def judge_role(settings: Settings, database: Database) -> None:
    """Raise NotReady in production where row-level security would not bind our role; else warn."""
    unsafe = unsafe_role(database)
    if unsafe and settings.environment is Environment.PRODUCTION:
        raise NotReady(unsafe)
    if unsafe:
        get_logger(__name__).warning("database_role_unsafe", why=unsafe)


def main() -> int:
    try:
        settings = load_settings()
        configure_log(settings.log_level)
        with engines(settings) as running:
            release(running)
    except (NotReady, KeysUnusable, DatabaseAway, EngineError, SettingsError) as exc:
        sys.stderr.write(f"release: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
