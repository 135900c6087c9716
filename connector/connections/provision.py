"""Makes a campaign's tags exist as options at a connection, before a contact can carry them.

    wanted      planning asks for them: the tag steps wait parked until they are there
    lost        somebody has removed them at the CRM: the same again
    provision   a job, one per connection: one call for all campaigns that are due
    done        the waiting tag deliveries are due again

An app may replace the whole list of options with each call, so a connection is provisioned by one
process at a time: its rows are leased together. Several connections may lead to one account: it is
held meanwhile (account_hold.py), and what they have made there is asked for again with our own.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from adapters.base import CRM, Provisioner
from adapters.errors import AdapterError, PauseMapping, ReconnectNeeded, TryLater
from adapters.values import TagOptions
from connector.connections.account_hold import held
from connector.connections.desk import Desk
from connector.connections.discover import ask
from connector.connections.holding import audited
from connector.connections.profile import Profile, load
from connector.tables import campaign, delivery, tag_provision
from connector.tables import connection as connections

# Why a tag delivery waits for its options: the reason of its parked state.
WAITS = "provision"
LEASE_S = 60
LONGEST_WAIT_S = 3_600
_LOCK = 0x70726F76  # a namespace of advisory locks of our own: "prov" as a number

# What a campaign's tag name needs at this connection: its eleven tags, or a field of its own.
TagsOf = Callable[[Profile, str], TagOptions]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What a run did: campaigns whose options stand, and tag deliveries that are due again."""

    campaigns: int = 0
    resumed: int = 0


def wanted(
    connection: Connection, workspace_id: int, *, connection_id: int, campaign_id: int
) -> bool:
    """Ask for a campaign's options at a connection; True when they are there already.

    A repeat does nothing. False: park the tag step with the reason WAITS.
    """
    added = insert(tag_provision).values(
        workspace_id=workspace_id, connection_id=connection_id, campaign_id=campaign_id
    )
    connection.execute(added.on_conflict_do_nothing())
    # Locks the row against a run that is ending: either it sees our step, or we see it done.
    state = connection.execute(
        select(tag_provision.c.state)
        .where(
            tag_provision.c.workspace_id == workspace_id,
            tag_provision.c.connection_id == connection_id,
            tag_provision.c.campaign_id == campaign_id,
        )
        .with_for_update(key_share=True)
    ).scalar_one()
    return str(state) == "done"


def again(
    connection: Connection, workspace_id: int, *, connection_id: int, campaign_id: int
) -> None:
    """The campaign's tags have another name: their options are made before anything else."""
    wanted(connection, workspace_id, connection_id=connection_id, campaign_id=campaign_id)
    connection.execute(
        update(tag_provision)
        .where(
            tag_provision.c.workspace_id == workspace_id,
            tag_provision.c.connection_id == connection_id,
            tag_provision.c.campaign_id == campaign_id,
        )
        .values(state="pending", due_at=func.now(), attempts=0)
    )


def lost(
    connection: Connection, workspace_id: int, connection_id: int, *, campaign_ids: Collection[int]
) -> None:
    """The CRM has these campaigns' options no more, or not yet: make them, the longer after each
    try the more often they were made.
    """
    # A tag that was planned while the connection waited for something else has asked for none.
    unasked = insert(tag_provision).values(
        [
            {"workspace_id": workspace_id, "connection_id": connection_id, "campaign_id": one}
            for one in sorted(campaign_ids)
        ]
    )
    connection.execute(unasked.on_conflict_do_nothing())
    wait_s = func.least(LONGEST_WAIT_S, 5 * func.power(2, func.least(tag_provision.c.attempts, 10)))
    connection.execute(
        update(tag_provision)
        .where(
            tag_provision.c.workspace_id == workspace_id,
            tag_provision.c.connection_id == connection_id,
            tag_provision.c.campaign_id.in_(campaign_ids),
            tag_provision.c.state == "done",
        )
        .values(state="pending", due_at=func.now() + wait_s * text("interval '1 second'"))
    )


def provision(desk: Desk, workspace_id: int, connection_id: int, *, tags_of: TagsOf) -> Provisioned:
    """Provision all that is due at one connection, in one call, and resume what waited for it.

    A missing permission parks the campaigns' provision and says which; a CRM that is away is asked
    again later; a connection that must be reconnected leaves them due. Nothing is raised for these.
    """
    with desk.database.begin(workspace_id) as connection:
        here = load(connection, workspace_id, connection_id)
    with held(desk, here, for_s=LEASE_S) as ours:
        # Not ours: the rows stay due, and the sweep comes back.
        return _provisioned(desk, here, tags_of) if ours else Provisioned()


def _provisioned(desk: Desk, here: Profile, tags_of: TagsOf) -> Provisioned:
    workspace_id, connection_id = here.workspace_id, here.id
    with desk.database.begin(workspace_id) as connection:
        due = _leased(connection, workspace_id, connection_id)
        standing = _standing(connection, here)
    if not due:
        return Provisioned()
    # All campaigns each time: an app that replaces its whole list then loses none to a stale read.
    names = [*standing, *(row.tag_name for row in due)]
    options = [tags_of(here, name) for name in names]
    entity = here.traits.contact_entity
    try:
        ask(desk, workspace_id, connection_id, question=lambda crm: _told(crm, entity, options))
    except AdapterError as exc:
        _put_off(desk, here, due, exc)
        return Provisioned()
    with desk.database.begin(workspace_id) as connection:
        return _done(connection, here, due)


def _standing(connection: Connection, here: Profile) -> list[str]:
    """The tag names whose options have been made at this account, by any of our connections."""
    same_account = connections.c.id == here.id
    if here.remote_account_id:
        same_account = (connections.c.app == here.app) & (
            connections.c.remote_account_id == here.remote_account_id
        )
    asked = (
        select(campaign.c.tag_name)
        .join(tag_provision, tag_provision.c.campaign_id == campaign.c.id)
        .join(connections, connections.c.id == tag_provision.c.connection_id)
        .where(same_account, tag_provision.c.state == "done")
        .group_by(campaign.c.id)
        .order_by(campaign.c.id)
    )
    return list(connection.execute(asked).scalars())


def _told(crm: CRM, entity: str, options: Sequence[TagOptions]) -> None:
    if isinstance(crm, Provisioner):
        # An adapter that is none has nothing to prepare: its tags stand for themselves.
        crm.provision_tags(entity, options)


def _leased(connection: Connection, workspace_id: int, connection_id: int) -> list[Row[Any]]:
    """The due rows with their tag names, leased; none while another process has some."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:space, (:connection % 2147483647)::int)"),
        {"space": _LOCK, "connection": connection_id},
    )
    mine = (
        tag_provision.c.workspace_id == workspace_id,
        tag_provision.c.connection_id == connection_id,
        tag_provision.c.state == "pending",
    )
    leased_now = select(tag_provision.c.campaign_id).where(
        *mine, tag_provision.c.lease_until >= func.now()
    )
    if connection.execute(leased_now.limit(1)).first() is not None:
        return []
    leased = (
        update(tag_provision)
        .where(*mine, tag_provision.c.due_at <= func.now())
        .where(campaign.c.workspace_id == workspace_id)
        .where(campaign.c.id == tag_provision.c.campaign_id)
        .values(
            lease_until=func.now() + text(f"interval '{LEASE_S} seconds'"),
            attempts=tag_provision.c.attempts + 1,
        )
        .returning(tag_provision.c.campaign_id, tag_provision.c.attempts, campaign.c.tag_name)
    )
    return list(connection.execute(leased).all())


def _done(connection: Connection, here: Profile, due: Sequence[Row[Any]]) -> Provisioned:
    _settle(connection, here, due, state="done")
    resumed = connection.execute(
        update(delivery)
        .where(
            delivery.c.workspace_id == here.workspace_id,
            delivery.c.connection_id == here.id,
            delivery.c.campaign_id.in_([row.campaign_id for row in due]),
            delivery.c.kind == "tag",
            delivery.c.state == "parked",
            delivery.c.reason == WAITS,
        )
        .values(state="pending", reason=None, due_at=func.now())
    ).rowcount
    return Provisioned(len(due), resumed)


def _put_off(desk: Desk, here: Profile, due: Sequence[Row[Any]], exc: AdapterError) -> None:
    """Try again later; park what a person must mend first."""
    must_mend = not isinstance(exc, TryLater | ReconnectNeeded)
    wait_s = exc.wait_s if isinstance(exc, TryLater) else None
    if wait_s is None:
        wait_s = min(LONGEST_WAIT_S, 5 * 2 ** min(due[0].attempts, 10))
    with desk.database.begin(here.workspace_id) as connection:
        _settle(
            connection,
            here,
            due,
            state="parked" if must_mend else "pending",
            due_at=func.now() + text(f"interval '{wait_s:.3f} seconds'"),
            error_code=exc.code,
            error=str(exc),
        )
        if must_mend:
            scope = exc.scope if isinstance(exc, PauseMapping) else None
            detail = {"code": exc.code, "scope": scope, "campaigns": len(due)}
            audited(connection, here, action="tags_not_provisioned", actor="system", detail=detail)


def _settle(
    connection: Connection,
    here: Profile,
    due: Sequence[Row[Any]],
    *,
    state: str,
    due_at: Any = None,  # noqa: ANN401 - an SQL expression
    error_code: str | None = None,
    error: str | None = None,
) -> None:
    """Give the leased rows back in their new state."""
    connection.execute(
        update(tag_provision)
        .where(
            tag_provision.c.workspace_id == here.workspace_id,
            tag_provision.c.connection_id == here.id,
            tag_provision.c.campaign_id.in_([row.campaign_id for row in due]),
        )
        .values(
            state=state,
            lease_until=None,
            due_at=tag_provision.c.due_at if due_at is None else due_at,
            error_code=error_code,
            error=error,
        )
    )
