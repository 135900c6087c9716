"""Associations of the simulated portal: which note belongs to which contact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.hubspot.portal import LINK_TYPES, Portal, area
from simulators.hubspot.store import NOT_FOUND, VALIDATION, Kind, Record, RowRefused
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

MOST_READ = 1000
MOST_CREATE = 2000
PAIR = area("associations") + r"/(?P<object>[^/]+)/(?P<other>[^/]+)/batch"
Link = tuple[str, str, int]


class Links(Portal):
    """The calls about associations, and what creating a record needs of them."""

    @route(
        "GET",
        area("objects") + r"/(?P<object>[^/]+)/(?P<id>[^/]+)/associations/(?P<other>[^/]+)",
        kind="read",
    )
    def list_links(self, request: Request) -> Answer:
        """All associations of one record to one kind."""
        kind = self.kind(request, write=False)
        other = self.kind(request, write=False, group="other")
        record = kind.find(request.params["id"])
        if record is None:
            raise Refused(self.errors.not_found())
        return Answer(200, {"results": _to(record, other)})

    @route("POST", PAIR + "/read", kind="read")
    def read_links(self, request: Request) -> Answer:
        """The associations of many records; those with none are named in a 207."""
        kind = self.kind(request, write=False)
        other = self.kind(request, write=False, group="other")
        results, errors = [], []
        for one in self._link_inputs(request, MOST_READ):
            asked = str(one.get("id", ""))
            record = kind.find(asked)
            found = _to(record, other) if record else []
            if found:
                results.append({"from": {"id": asked}, "to": found})
            else:
                errors.append(_none_found(kind, other, asked))
        return self._links_answer(results, errors)

    @route("POST", PAIR + "/create", kind="write")
    def create_links(self, request: Request) -> Answer:
        """New associations between records that are there."""
        kind = self.kind(request, write=True)
        other = self.kind(request, write=True, group="other")
        for one in self._link_inputs(request, MOST_CREATE):
            record, target = kind.find(str(one["from"]["id"])), other.find(str(one["to"]["id"]))
            if record is None or target is None:
                raise Refused(self.errors.not_found())
            self.link(kind, record, (other.name, target.id, LINK_TYPES[kind.name, other.name]))
        return self._links_answer([], [], status=201)

    def checked_links(self, kind: Kind, told: Sequence[Any]) -> list[Link]:
        """The associations a new record asks for. Raises RowRefused for a wrong type or target."""
        return [self._checked_link(kind, one) for one in told]

    def link_all(self, kind: Kind, record: Record, links: Sequence[Link]) -> None:
        """Make checked associations, both ways."""
        for one in links:
            self.link(kind, record, one)

    def link(self, kind: Kind, record: Record, link: Link) -> None:
        """One association, and its other direction."""
        name, target_id, type_id = link
        record.links.setdefault(name, {})[target_id] = [type_id]
        back = LINK_TYPES[name, kind.name]
        self.kinds[name].records[target_id].links.setdefault(kind.name, {})[record.id] = [back]

    def _checked_link(self, kind: Kind, told: Any) -> Link:
        type_id = told["types"][0]["associationTypeId"]
        target_kind = next(
            (to for (of, to), number in LINK_TYPES.items() if (of, number) == (kind.name, type_id)),
            None,
        )
        if target_kind is None:
            told_why = f"{type_id} is not a valid association type from {kind.singular}"
            raise RowRefused(VALIDATION, told_why)
        target = self.kinds[target_kind].find(str(told["to"]["id"]))
        if target is None:
            raise RowRefused(NOT_FOUND, "The object to associate does not exist", status=404)
        return target_kind, target.id, type_id

    def _link_inputs(self, request: Request, most: int) -> list[Any]:
        inputs = request.json().get("inputs")
        if not isinstance(inputs, list):
            raise Refused(self.errors.bad_json())
        request.rows = len(inputs)
        if len(inputs) > most:
            raise Refused(self.errors.invalid(f"The maximum number of inputs is {most}"))
        return inputs

    def _links_answer(self, results: list[Any], errors: list[Any], *, status: int = 200) -> Answer:
        now = self.clock.iso()
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return Answer(207 if errors else status, body)


def _to(record: Record, other: Kind) -> list[dict[str, Any]]:
    types = record.links.get(other.name, {})
    return [
        {
            "toObjectId": target,
            "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": one, "label": None} for one in numbers
            ],
        }
        for target, numbers in types.items()
        if (found := other.records.get(target)) is not None and not found.archived
    ]


def _none_found(kind: Kind, other: Kind, asked: str) -> dict[str, Any]:
    """What the associations API says of a record without any (unverified wording)."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other.singular} is associated with {kind.singular} {asked}.",
        "context": {"fromObjectId": [asked]},
    }
