"""A SOQL tree answered from the store, as JSON records with their parents and children."""

from __future__ import annotations

from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.matching import Matcher, parent_field
from simulators.salesforce.records import Record
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.soql import Path, Query, malformed
from simulators.salesforce.store import Store

_CHILDREN = {
    "contacts": ("Contact", "AccountId"),
    "opportunitycontactroles": ("OpportunityContactRole", "OpportunityId"),
    "contentdocumentlinks": ("ContentDocumentLink", "LinkedEntityId"),
    "npstoday_responses__r": ("NPSToday_Response__c", "Contact__c"),
}


class Answerer:
    """Answers queries against one store, under one API version's paths (`root`)."""

    def __init__(self, store: Store, root: str) -> None:
        self.store = store
        self.root = root
        self.matcher = Matcher(store)

    def answer(self, query: Query, *, deleted: bool = False) -> tuple[int, list[dict[str, Any]]]:
        """The total number and the records as JSON. Raises RowRefused."""
        shape = self.matcher.shape(query.entity)
        for path in query.paths:
            self.matcher.field(shape, path)
        records = self.matcher.matching(query, shape, deleted=deleted)
        if query.counts:
            return len(records), []
        return len(records), [self.shown(one, query, shape) for one in records]

    def shown(self, record: Record, query: Query, shape: ObjectShape) -> dict[str, Any]:
        """One record as the answer shows it: attributes, fields, parents, children."""
        answer = self.attributes(record, shape)
        for path in query.paths:
            self._show(answer, record, shape, path)
        for child in query.children:
            answer[child.entity] = self._children(record, child)
        return answer

    def attributes(self, record: Record, shape: ObjectShape) -> dict[str, Any]:
        """The `attributes` every record carries."""
        url = f"{self.root}/sobjects/{shape.name}/{record['Id']}"
        return {"attributes": {"type": shape.name, "url": url}}

    def _show(self, answer: dict[str, Any], record: Record, shape: ObjectShape, path: Path) -> None:
        if len(path) == 1:
            field = self.matcher.field(shape, path)
            answer[field.name] = self._content(record, shape, field)
            return
        reference = parent_field(shape, path[0])
        remote_id = record.get(reference.name)
        home = self.store.home_of(str(remote_id)) if remote_id else reference.reference_to[0]
        parent = self.store.get(str(home), str(remote_id)) if remote_id else None
        home_shape = self.store.objects[str(home)]
        if parent is None:
            self.matcher.field(shape, path)
            answer[str(reference.relationship)] = None
            return
        inner = answer.setdefault(str(reference.relationship), self.attributes(parent, home_shape))
        self._show(inner, parent, home_shape, path[1:])

    def _content(self, record: Record, shape: ObjectShape, field: FieldShape) -> Any:
        # A blob is never inside a query's answer, only its address.
        if field.type == "base64" and record.get(field.name) is not None:
            return f"{self.root}/sobjects/{shape.name}/{record['Id']}/{field.name}"
        return record.get(field.name)

    def _children(self, record: Record, child: Query) -> dict[str, Any] | None:
        home = _CHILDREN.get(child.entity.lower())
        if home is None:
            message = f"Didn't understand relationship '{child.entity}' in FROM part of query call"
            raise malformed(message)
        entity, back = home
        shape = self.store.objects[entity]
        mine = self.store.holding(entity, back, record["Id"])
        holds = self.matcher.predicate(child.where, shape)
        found = [self.shown(one, child, shape) for one in mine if holds(one)]
        return {"totalSize": len(found), "done": True, "records": found} if found else None
