"""One managed authentication as it is stored, and what it takes to speak for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Row, select

from adapters.registry import UnknownApp, traits_of
from adapters.traits import TagPlace, TagTraits, Traits
from connector.connections.desk import Desk
from connector.connections.provider import Provider
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import connection as connections

NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class Profile:
    """A row of `connection`. `settings` are the plain ones; secret ones lie with the secrets."""

    workspace_id: int
    id: int
    app: str
    name: str
    auth: str
    state: str
    reason_code: str | None
    reason: str | None
    base_url: str | None
    instance_url: str | None
    settings: Mapping[str, Any]
    learnt: Mapping[str, Any]
    remote_account_id: str | None
    remote_account_name: str | None
    remote_user_id: str | None
    paused_at: datetime | None
    updated_at: datetime

    @property
    def traits(self) -> Traits:
        """What the app is and can do; of one that is not installed here any more, nothing."""
        try:
            return traits_of(self.app)
        except UnknownApp:
            return _gone(self.app)

    def record_page(self, entity: str, remote_id: str) -> str | None:
        """The address of a contact's record in the CRM, for people; None where none is known."""
        traits = self.traits
        if traits.record_page is None or entity != traits.contact_entity:
            return None
        values = {
            "base": self._base(),
            "account": self.remote_account_id,
            "id": quote(remote_id, ""),
        }
        needs = [name for name in values if "{" + name + "}" in traits.record_page]
        return traits.record_page.format(**values) if all(values[one] for one in needs) else None

    def _base(self) -> str | None:
        try:
            own = self.traits.base_url.format_map(self.settings)
        except KeyError:
            own = ""
        base = (self.instance_url or self.base_url or own).rstrip("/")
        return base if base.startswith(("https://", "http://")) else None


def _gone(app: str) -> Traits:
    """An app whose document was taken away: its connections can be looked at and deleted."""
    return Traits(
        app=app,
        label=app,
        base_url="",
        hosts=(),
        oauth=None,
        key_label=None,
        settings=(),
        entities=(),
        contact_entity="",
        write_batch=1,
        read_batch=1,
        tags=TagTraits(place=TagPlace.NONE),
        rates=(),
    )


_COLUMNS = [connections.c[name] for name in Profile.__dataclass_fields__]


def app_traits(app: str) -> Traits:
    """The traits of an app; Refusal app_unknown where there is none of that name."""
    try:
        return traits_of(app)
    except UnknownApp as exc:
        raise Refusal(Code.APP_UNKNOWN, str(exc)) from exc


def refused_setting(*, pointer: str, code: str, text: str) -> Refusal:
    """What is wrong with one setting of a connection or an OAuth client."""
    return Refusal(Code.SETTING_INVALID, text, places=(Place(pointer, code, text),))


def load(connection: Connection, workspace_id: int, connection_id: int) -> Profile:
    """The connection of that id. Refusal not_found for an unknown, foreign or deleted one."""
    row = connection.execute(_one(workspace_id, connection_id)).one_or_none()
    if row is None:
        raise not_found()
    return _profile(row)


def named(connection: Connection, workspace_id: int, name: str) -> Profile | None:
    """The connection of that name, None where there is none."""
    asked = select(*_COLUMNS).where(
        connections.c.workspace_id == workspace_id,
        connections.c.name == name,
        connections.c.deleted_at.is_(None),
    )
    row = connection.execute(asked).one_or_none()
    return None if row is None else _profile(row)


def locked(connection: Connection, workspace_id: int, connection_id: int) -> Profile:
    """The same, its row locked until the commit: for changes that depend on what it is now."""
    row = connection.execute(_one(workspace_id, connection_id).with_for_update()).one_or_none()
    if row is None:
        raise not_found()
    return _profile(row)


def load_all(connection: Connection, workspace_id: int) -> tuple[Profile, ...]:
    """Every connection of the workspace that is not deleted, by name."""
    asked = (
        select(*_COLUMNS)
        .where(connections.c.workspace_id == workspace_id, connections.c.deleted_at.is_(None))
        .order_by(connections.c.name)
    )
    return tuple(_profile(row) for row in connection.execute(asked))


def provider_of(desk: Desk, profile: Profile) -> Provider:
    """The OAuth endpoints of this connection."""
    return Provider(
        traits=profile.traits,
        settings=profile.settings,
        base_url=profile.base_url,
        allowed=desk.allowed,
    )


def _one(workspace_id: int, connection_id: int) -> Any:  # noqa: ANN401 - a statement of many types
    return select(*_COLUMNS).where(
        connections.c.workspace_id == workspace_id,
        connections.c.id == connection_id,
        connections.c.deleted_at.is_(None),
    )


def _profile(row: Row[Any]) -> Profile:
    return Profile(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
