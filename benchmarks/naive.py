"""What a user would write instead: for each response find the contact, then update it.

It calls the CRM through the same adapters and SDKs, one contact at a time, one after the other,
and keeps no record of anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from adapters.base import TagTaker
from adapters.http import Wire
from adapters.registry import adapter_for
from adapters.values import Batch, Operation, Row, TagChange
from connector.connections.tokens import reach
from connector.responses.prepare import tagging_of
from connector.tables import entity_snapshot
from schemas.fields import Entity, FieldType, FieldValue, entity_from_json
from tests.world import FIELDS, CRMSeen, World

SCORE, COMMENT = 8, "Friendly"


def update_each(world: World, crm: CRMSeen, emails: list[str], campaign: str) -> None:
    """Write score, comment and score tag of every address: two calls, three where tags have
    endpoints.
    """
    reached = reach(world.hub.desk, world.workspace_id, crm.connection_id)
    entities = _entities(world, crm.connection_id)
    adapter = adapter_for(crm.app)(reached.account, Wire(), entities)
    tagging = tagging_of(adapter.traits.tags, {}, reached.profile.learnt)
    names = FIELDS[crm.app]
    entity = names["entity"]
    tag = tagging.tag(campaign, SCORE)
    counted = entities[entity].by_name()[names["score"]].type is FieldType.INTEGER
    score: FieldValue = SCORE if counted else str(SCORE)
    values: dict[str, FieldValue] = {names["score"]: score, names["comment"]: COMMENT}
    if tagging.field is not None:
        values[tagging.field] = (tag,)
    for email in emails:
        found = adapter.find(entity, names["email"], [email], want=sorted(values))
        remote_id = found[email][0].remote_id
        adapter.write(Batch(entity, Operation.UPDATE, (Row("one", values, remote_id),)))
        if isinstance(adapter, TagTaker):
            change = TagChange("one", remote_id, (tag,), tagging.owned(campaign), held=())
            adapter.retag(entity, [change])


def _entities(world: World, connection_id: int) -> Mapping[str, Entity]:
    """The definitions that were downloaded: the script knows its fields by heart."""
    table = entity_snapshot
    query = select(table.c.definition).where(
        table.c.connection_id == connection_id, table.c.current
    )
    with world.database.begin(world.workspace_id) as store:
        every = [entity_from_json(one) for one in store.scalars(query)]
    return {one.name: one for one in every}
