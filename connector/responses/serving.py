"""A file of an answer by a link of our own, for a CRM that holds no files:

    /files/<workspace>/<file>/<token>

Whoever has the link has the file, and no other: the token is made of the file's random name by a
key of the workspace's that never leaves us. It serves as long as the file is kept, and not any more
once the answer was changed, left out or deleted with its response.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from connector.connections import keys
from connector.connections.desk import Desk
from connector.problems import not_found
from connector.responses import filestore
from connector.responses.filefacts import FileFacts
from connector.responses.filestore import Kept

PURPOSE = b"answerback file"
TOKEN_BYTES = 24

Files = Mapping[int, tuple[FileFacts, ...]]


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one workspace; `key` is its own and never leaves us."""

    public_url: str
    workspace_id: int
    key: bytes

    def of(self, file_id: int, stored_name: str) -> str:
        """The link to a file."""
        token = self.token(file_id, stored_name)
        return f"{self.public_url}/files/{self.workspace_id}/{file_id}/{token}"

    def token(self, file_id: int, stored_name: str) -> str:
        """What proves that we have made the link. The name is random: a number that serves again
        after a backup came back opens nothing else.
        """
        made = hmac.digest(self.key, f"{file_id}:{stored_name}".encode(), "sha256")[:TOKEN_BYTES]
        return base64.urlsafe_b64encode(made).decode()


def with_links(connection: Connection, desk: Desk, workspace_id: int, files: Files) -> Files:
    """The files of a batch of responses, each with its link."""
    if not files:
        return files
    key = keys.subkey(connection, desk.keyring, workspace_id, purpose=PURPOSE)
    links = Links(desk.public_url, workspace_id, key)
    return {
        response_id: tuple(replace(one, link=links.of(one.id, one.stored_name)) for one in every)
        for response_id, every in files.items()
    }


def served(desk: Desk, workspace_id: int, file_id: int, *, token: str) -> Kept | None:
    """The file that this link leads to, its content None where it has not come yet; None where it
    is not served any more. Refusal(NOT_FOUND) for a link that we have not made.
    """
    with desk.database.begin(workspace_id) as connection:
        key = keys.known_subkey(connection, desk.keyring, workspace_id, purpose=PURPOSE)
        name = filestore.stored_name(connection, file_id)
        links = Links(desk.public_url, workspace_id, key or b"")
        made = links.token(file_id, name or "")
        if not (key and name and hmac.compare_digest(token.encode(), made.encode())):
            raise not_found()
        if not filestore.is_answered_still(connection, file_id):
            return None
        kept = filestore.kept(connection, file_id)
    return None if kept is None or kept.state in {"failed", "removed"} else kept
