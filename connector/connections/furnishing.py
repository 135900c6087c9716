"""What the hub needs at a CRM is looked through on request, and the chosen parts are made.

Looking changes nothing. Making is one run at the CRM outside any transaction; then the definitions
are downloaded again, so that what was made can be written to at once, and one audit entry tells
what was made and what was refused.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from adapters.base import CRM
from adapters.errors import AdapterError, TryLater
from adapters.provisioning import Furnisher, Part, Plan, State, Thing, Wanted
from connector.connections import discover
from connector.connections.account_hold import held
from connector.connections.desk import Desk
from connector.connections.discover import ask
from connector.connections.holding import audited
from connector.connections.profile import Profile, load
from connector.connections.refusals import refusal_of

# What this workspace needs at a connection.
WantedAt = Callable[[Connection, Profile], Wanted]
# Longer than all calls of a run may take.
HELD_S = 120
UNMENDED = frozenset({State.REFUSED, State.NOT_TRIED})


@dataclass(frozen=True, slots=True)
class Furnished:
    """What a CRM has of the parts, by the app's name."""

    app: str
    plan: Plan


def preview(desk: Desk, workspace_id: int, connection_id: int, *, wanted_at: WantedAt) -> Furnished:
    """What exists, what is missing, what has drifted; nothing is changed.

    Refusal not_connected, crm_refused or crm_unavailable.
    """
    here, wanted = _asked(desk, workspace_id, connection_id, wanted_at)
    try:
        plan = ask(
            desk, workspace_id, connection_id, question=lambda crm: _furnisher(crm).planned(wanted)
        )
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    return Furnished(here.app, plan)


def furnish(
    desk: Desk,
    workspace_id: int,
    connection_id: int,
    *,
    parts: Collection[Part],
    wanted_at: WantedAt,
    actor: str,
) -> Furnished:
    """Make what is missing of the parts; a repeat makes nothing. What was refused is in the plan.

    Refusal not_connected, crm_refused or crm_unavailable: then nothing is known to have been made,
    and looking again tells.
    """
    here, wanted = _asked(desk, workspace_id, connection_id, wanted_at)
    chosen = frozenset(parts)
    try:
        with held(desk, here, for_s=HELD_S) as ours:
            _check_held(ours)
            plan, found = ask(
                desk,
                workspace_id,
                connection_id,
                question=lambda crm: (_furnisher(crm).furnish(wanted, chosen), crm.entities()),
            )
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    with desk.database.begin(workspace_id) as connection:
        discover.store(connection, here, found)
        detail = {
            "parts": sorted(chosen),
            "made": [one.name for one in plan.things if one.made],
            "refused": [one.name for one in plan.things if one.state in UNMENDED],
        }
        audited(connection, here, action="provisioned", actor=actor, detail=detail)
    return Furnished(here.app, plan)


def _check_held(ours: bool) -> None:  # noqa: FBT001 - the answer of held()
    if not ours:
        message = "another connection changes this account just now: try again in a minute"
        raise TryLater(message, code="account_held")


def _asked(
    desk: Desk, workspace_id: int, connection_id: int, wanted_at: WantedAt
) -> tuple[Profile, Wanted]:
    with desk.database.begin(workspace_id) as connection:
        here = load(connection, workspace_id, connection_id)
        return here, wanted_at(connection, here)


def _furnisher(crm: CRM) -> Furnisher:
    return crm if isinstance(crm, Furnisher) else _Nothing()


class _Nothing:
    """An app that nothing can be made at says so for each part."""

    def planned(self, wanted: Wanted) -> Plan:
        del wanted
        text = "nothing can be made at this app from here"
        things = (
            Thing(part, "part", part.value, "", State.IMPOSSIBLE, text)
            for part in Part
            if part is not Part.ACCESS
        )
        return Plan(tuple(things))

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        del parts
        return self.planned(wanted)
