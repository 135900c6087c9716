"""One connection at a time changes an account's definitions.

Two connections may lead to one account, even from two workspaces, and an app that replaces a whole
list with each call would lose what the other has just added. So whoever changes definitions holds
the account: a row that ends by itself, since no lock may be kept while a CRM is called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import delete, text

from connector.connections.desk import Desk
from connector.connections.profile import Profile
from connector.tables import account_hold

_HOLD = text("SELECT ab_hold_account(:app, :account, :workspace, :connection, :token, :for_s)")


@contextmanager
def held(desk: Desk, here: Profile, *, for_s: int) -> Iterator[bool]:
    """Whether the account is held by us until the end of the block, at most `for_s` seconds long.

    False: another connection has it; come back later. A connection that has never told its account
    stands for itself.
    """
    token = uuid4()
    asked = {
        "app": here.app,
        "account": here.remote_account_id or f"connection {here.id}",
        "workspace": here.workspace_id,
        "connection": here.id,
        "token": token,
        "for_s": for_s,
    }
    with desk.database.begin(here.workspace_id) as connection:
        ours = bool(connection.execute(_HOLD, asked).scalar_one())
    try:
        yield ours
    finally:
        if ours:
            with desk.database.begin(here.workspace_id) as connection:
                connection.execute(delete(account_hold).where(account_hold.c.token == token))
