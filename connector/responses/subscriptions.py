"""A contact joins or leaves a list: one yes/no field of the contact like any other. Pure.

So a subscription has its before and after in the ledger, is made once, and the newest answer
decides it: no second way beside the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.responses.case import AutomationFacts, ConnectionFacts, Draft
from connector.responses.standard import match_as_fed, standard_values
from connector.responses.steps import FIELDS, Step, contact_lane, field_target


def subscription_step(draft: Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
    """The THEN actions `subscribe` and `unsubscribe`. Who does not exist is made to subscribe, and
    not to leave.
    """
    named = (one for one in draft.facts.connections.values() if one.name == action["connection"])
    connection = next(named, None)
    verdict = f"list:{action['connection']}:{action['list']}"
    if connection is None or connection.traits.list_field is None:
        draft.verdicts[verdict] = "no_such_list"
        return
    field = connection.traits.list_field.format(list=action["list"])
    entity = connection.entities.get(connection.traits.contact_entity)
    match = match_as_fed(draft, connection)
    if entity is None or entity.field(field) is None or match is None:
        draft.verdicts[verdict] = "no_match" if match is None else "no_such_list"
        return
    draft.add(_step(draft, automation, action, connection=connection, field=field, match=match))


def _step(
    draft: Draft,
    automation: AutomationFacts,
    action: Mapping[str, Any],
    *,
    connection: ConnectionFacts,
    field: str,
    match: Mapping[str, str],
) -> Step:
    entity, joins = connection.traits.contact_entity, action["do"] == "subscribe"
    return Step(
        key=f"list:{connection.id}:{action['list']}",
        kind=FIELDS,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=entity,
        lane=contact_lane(draft.person.id),
        payload={
            "match": match,
            "linked": True,
            "operation": "upsert" if joins else "update",
            "ambiguous": "refuse",
            "values": {field: joins},
            "keep": [],
            "create": standard_values(connection, draft.person),
        },
        targets=(field_target(entity, field),),
        automation_id=automation.id,
        campaign_id=draft.case.campaign.id if draft.case.campaign else None,
        state="parked" if connection.waits else "pending",
        reason=connection.waits,
    )
