"""The one migration history, and how a database is brought to it.

Apart from the database's other functions because only a release and tests migrate: Alembic would
cost each process that starts a fifth of its time.
"""

from __future__ import annotations

import alembic.command
import alembic.config

from connector.db import sqlalchemy_url
from connector.settings import CHECKOUT


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the schema to `revision` as the owner role. Safe while the old code serves; a repeat
    does nothing.
    """
    alembic.command.upgrade(alembic_config(owner_url), revision)


def alembic_config(owner_url: str) -> alembic.config.Config:
    """Alembic's configuration without a file: the one migration history in migrations/."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(CHECKOUT / "migrations"))
    config.attributes["url"] = sqlalchemy_url(owner_url)
    return config
