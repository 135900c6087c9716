"""The embedded PostgreSQL and Valkey, for whoever has set no DATABASE_URL or REDIS_URL.

    with engines(load_settings()) as settings:         the URLs are set; what it started, it stops
    start_postgres(data_dir), start_valkey(data_dir)   each alone, for tests that stop and kill them
    python -m connector.engines [COMMAND ...]          keeps both up, or up while COMMAND runs

Two checkouts do not meet: everything hangs on the data folder, and nothing listens on TCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from connector.engines.places import remove_sockets
from connector.engines.postgres import Postgres, make_database, start_postgres
from connector.engines.process import EngineError
from connector.engines.valkey import Valkey, start_valkey
from connector.settings import Settings

__all__ = [
    "EngineError",
    "Postgres",
    "Valkey",
    "engine_environ",
    "engines",
    "make_database",
    "remove_sockets",
    "start_postgres",
    "start_valkey",
]


@contextmanager
def engines(settings: Settings) -> Iterator[Settings]:
    """The settings with all URLs set; engines that had to be started stop at the end.

    Engines that another process of this checkout keeps up are joined, and end with that process.
    Call it from the main thread (see process.Engine). Raises EngineError, which says what to do.
    """
    with ExitStack() as stack:
        stack.callback(remove_sockets, settings.data_dir)
        if settings.database_url is None:
            postgres = start_postgres(settings.data_dir, runtime_dir=settings.runtime_dir)
            stack.callback(postgres.stop)
            settings = replace(
                settings, database_url=postgres.url, database_owner_url=postgres.owner_url
            )
        if settings.redis_url is None:
            valkey = start_valkey(settings.data_dir, runtime_dir=settings.runtime_dir)
            stack.callback(valkey.stop)
            settings = replace(settings, redis_url=valkey.url)
        yield settings


def engine_environ(settings: Settings) -> dict[str, str]:
    """The variables by which a child process finds the same engines in the same environment."""
    urls = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url,
    }
    found = {name: url for name, url in urls.items() if url}
    return {
        **found,
        "ANSWERBACK_ENV": settings.environment.value,
        "ANSWERBACK_DATA_DIR": str(settings.data_dir),
    }
