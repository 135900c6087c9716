"""Associations of the simulated portal: which note belongs to which contact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.hubspot.portal import PRIMARY_TYPES, Portal, area
from simulators.hubspot.store import NOT_FOUND, VALIDATION, Kind, Record, RowRefused
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

MOST_READ = 1000
MOST_CREATE = 2000
MOST_DEFAULT = 100
KINDS = area("associations") + r"/(?P<object>[^/]+)/(?P<other>[^/]+)"
PAIR = KINDS + "/batch"
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

    @route("GET", KINDS + "/labels", kind="read")
    def list_labels(self, request: Request) -> Answer:
        """The types of association of two kinds, the one without a label among them."""
        kind = self.kind(request, write=False)
        other = self.kind(request, write=False, group="other")
        type_id = self.link_types.get((kind.name, other.name))
        told = {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": None}
        return Answer(200, {"results": [told] if type_id else []})

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
        """New associations between records that are there; a missing record is told in a 207."""
        kind = self.kind(request, write=True)
        other = self.kind(request, write=True, group="other")
        results, errors = [], []
        inputs = self._link_inputs(request, MOST_CREATE)
        wanted = [self._type_ids(kind, other, one) for one in inputs]
        if self.options["strict_batches"] and not all(_ends(kind, other, one) for one in inputs):
            raise Refused(self.errors.not_found())
        for one, type_ids in zip(inputs, wanted, strict=True):
            ends = _ends(kind, other, one)
            if ends is None:
                errors.append(_not_there(one))
                continue
            record, target = ends
            for type_id in type_ids:
                self.link(kind, record, (other.name, target.id, type_id))
            results.append(_made(kind, record, other, target))
        return self._links_answer(results, errors, status=201)

    @route("POST", PAIR + "/associate/default", kind="write")
    def create_default_links(self, request: Request) -> Answer:
        """Unlabelled associations, whose type the caller need not know."""
        kind = self.kind(request, write=True)
        other = self.kind(request, write=True, group="other")
        if (kind.name, other.name) not in self.link_types:
            raise Refused(self.errors.invalid(f"{kind.name} cannot be associated with this kind"))
        results, errors = [], []
        for one in self._link_inputs(request, MOST_DEFAULT):
            ends = _ends(kind, other, one)
            if ends is None:
                errors.append(_not_there(one))
                continue
            record, target = ends
            self.link(kind, record, (other.name, target.id, self.link_types[kind.name, other.name]))
            results.append(
                {"from": {"id": record.id}, "to": {"id": target.id}, "associationSpec": {}}
            )
        return self._links_answer(results, errors)

    def _type_ids(self, kind: Kind, other: Kind, one: Any) -> list[int]:
        """The types an input asks for. Raises Refused for the whole batch (unverified)."""
        allowed = {
            self.link_types.get((kind.name, other.name)),
            PRIMARY_TYPES.get((kind.name, other.name)),
        }
        told = one.get("types")
        asked = [each.get("associationTypeId") for each in told] if isinstance(told, list) else []
        if not asked or not all(each in allowed for each in asked):
            raise Refused(self.errors.invalid(f"{asked} are not valid association types"))
        return asked

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
        target = self.kinds[name].records[target_id]
        self._add(kind, record, self.kinds[name], target)
        self._add(self.kinds[name], target, kind, record)
        if type_id in PRIMARY_TYPES.values():
            contact, company = (record, target) if kind.name == "contacts" else (target, record)
            self._make_primary(contact, company)

    def _add(self, kind: Kind, record: Record, other: Kind, target: Record) -> None:
        types = record.links.setdefault(other.name, {}).setdefault(target.id, [])
        unlabelled = self.link_types[kind.name, other.name]
        if unlabelled not in types:
            types.append(unlabelled)

    def _make_primary(self, contact: Record, company: Record) -> None:
        """The contact's other companies lose "primary"; a property of the contact tells the new."""
        companies = self.kinds["companies"].records
        there, back = (PRIMARY_TYPES[one] for one in PRIMARY_TYPES)
        for other_id, types in contact.links["companies"].items():
            primary = other_id == company.id
            types[:] = [one for one in types if one != there] + [there] * primary
            mirror = companies[other_id].links["contacts"][contact.id]
            mirror[:] = [one for one in mirror if one != back] + [back] * primary
        if self.options["primary_property"] == "at_once":
            contact.properties["associatedcompanyid"] = company.id

    def _checked_link(self, kind: Kind, told: Any) -> Link:
        type_id = told["types"][0]["associationTypeId"]
        target_kind = next(
            (
                to
                for (of, to), number in self.link_types.items()
                if (of, number) == (kind.name, type_id)
            ),
            None,
        )
        if target_kind is None:
            told_why = f"{type_id} is not a valid association type from {kind.singular}"
            raise RowRefused(VALIDATION, told_why)
        target = self.kinds[target_kind].find_to_change(str(told["to"]["id"]))
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


def _ends(kind: Kind, other: Kind, one: Any) -> tuple[Record, Record] | None:
    """Both records of an association, None where one of them is not there."""
    record = kind.find_to_change(str(one["from"]["id"]))
    target = other.find_to_change(str(one["to"]["id"]))
    return (record, target) if record and target else None


def _made(kind: Kind, record: Record, other: Kind, target: Record) -> dict[str, Any]:
    return {
        "fromObjectTypeId": kind.type_id,
        "fromObjectId": record.id,
        "toObjectTypeId": other.type_id,
        "toObjectId": target.id,
        "labels": [],
    }


def _not_there(one: Any) -> dict[str, Any]:
    """What the associations API says of a record that is not there (unverified)."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "The object to associate does not exist",
        "context": {"fromObjectId": [str(one["from"]["id"])], "toObjectId": [str(one["to"]["id"])]},
    }


def _none_found(kind: Kind, other: Kind, asked: str) -> dict[str, Any]:
    """What the associations API says of a record without any (unverified wording)."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other.singular} is associated with {kind.singular} {asked}.",
        "context": {"fromObjectId": [asked]},
    }
