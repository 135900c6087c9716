"""An adapter for calls outside any delivery, which keep to the rate that deliveries keep to."""

from collections.abc import Callable, Mapping

from adapters.base import CRM
from adapters.http import Wire
from adapters.registry import adapter_for
from connector.connections import quota
from connector.connections.desk import Desk
from connector.connections.tokens import Reached
from connector.connections.wayout import Outward
from connector.db import refuse_inside_transaction
from schemas.fields import Entity

Answered = Callable[[int, Mapping[str, str]], None]


def adapter_at(
    desk: Desk,
    reached: Reached,
    *,
    entities: Mapping[str, Entity] | None = None,
    answered: Answered | None = None,
    total_s: float = 20.0,
) -> CRM:
    """The adapter of a reached connection. `answered` hears each answer's headers; `total_s`: how
    long one call may take.
    """
    profile = reached.profile
    with desk.database.begin(profile.workspace_id) as connection:
        rates = quota.rates(profile, quota.budget(connection, profile))

    def before(kind: str | None) -> None:
        refuse_inside_transaction()
        desk.permit(profile, rates, kind)

    wire = Wire(
        total_s=total_s, before=before, answered=answered or _forget, out=Outward(desk.allowed)
    )
    return adapter_for(profile.app)(reached.account, wire, entities or {})


def _forget(_status: int, _headers: Mapping[str, str]) -> None:
    """Nobody listens."""
