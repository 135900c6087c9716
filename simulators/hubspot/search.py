"""Search of the simulated portal: its limits, and an index that lags behind the writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from simulators.hubspot.custom import Custom
from simulators.hubspot.objects import OBJECTS
from simulators.hubspot.store import Kind, Record
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

MOST_GROUPS, MOST_FILTERS, MOST_IN_ALL = 5, 6, 18
MOST_PAGE, MOST_HITS, MOST_BODY = 200, 10_000, 3_000
FULL_TEXT = ("email", "firstname", "lastname", "phone", "company")
Filter = Mapping[str, Any]
Known = Mapping[str, str]


class Search(Custom):
    """The search call."""

    @route("POST", OBJECTS + "/search", kind="read")
    def search(self, request: Request) -> Answer:
        """Records that fit any of the groups of filters, as the index knows them."""
        kind = self.kind(request, write=False)
        told = request.json()
        self._check_limits(request, told)
        self._check_filters(kind, told)
        hits = self._hits(kind, told)
        after, limit = int(told.get("after") or 0), int(told.get("limit") or 10)
        wanted = told.get("properties") or []
        results = [
            self.answered(one, kind.shown(one, wanted)) for one in hits[after : after + limit]
        ]
        request.rows = len(results)
        body: dict[str, Any] = {"total": len(hits), "results": results}
        if after + limit < len(hits):
            body["paging"] = {"next": {"after": str(after + limit)}}
        return Answer(200, body)

    def _hits(self, kind: Kind, told: Mapping[str, Any]) -> list[Record]:
        now = self.clock.now()
        groups = told.get("filterGroups") or []
        query = str(told.get("query") or "").casefold()
        found = []
        for record in kind.records.values():
            known = record.indexed(now)
            if known is not None and _fits(known, groups) and _holds(known, query):
                found.append((known, record))
        for sort in told.get("sorts") or []:
            name, down = sort["propertyName"], sort.get("direction") == "DESCENDING"
            found.sort(key=lambda one, by=name: _sortable(one[0].get(by, "")), reverse=down)  # type: ignore[misc]
        return [record for _, record in found]

    def _check_limits(self, request: Request, told: Mapping[str, Any]) -> None:
        groups = told.get("filterGroups") or []
        sizes = [len(one.get("filters", [])) for one in groups]
        limit, after = int(told.get("limit") or 10), int(told.get("after") or 0)
        broken = (
            len(request.body) > MOST_BODY
            or len(groups) > MOST_GROUPS
            or any(size > MOST_FILTERS for size in sizes)
            or sum(sizes) > MOST_IN_ALL
            or not 0 < limit <= MOST_PAGE
            or after + limit > MOST_HITS
            or len(told.get("sorts") or []) > 1
        )
        if broken:
            raise Refused(self.errors.invalid("There was a problem with the request: over a limit"))

    def _check_filters(self, kind: Kind, told: Mapping[str, Any]) -> None:
        for group in told.get("filterGroups") or []:
            for one in group.get("filters", []):
                if one.get("propertyName") not in kind.definitions:
                    told_why = f"There was a problem with the request: {one.get('propertyName')}"
                    raise Refused(self.errors.invalid(told_why))
                if one.get("operator") not in _OPERATORS:
                    raise Refused(self.errors.bad_json())


def _fits(known: Known, groups: list[Mapping[str, Any]]) -> bool:
    if not groups:
        return True
    return any(all(_passes(known, one) for one in group.get("filters", [])) for group in groups)


def _passes(known: Known, one: Filter) -> bool:
    return _OPERATORS[one["operator"]](known.get(one["propertyName"], ""), one)


def _holds(known: Known, query: str) -> bool:
    return not query or any(query in known.get(name, "").casefold() for name in FULL_TEXT)


def _compare(held: str, given: object) -> int | None:
    """Less, equal or more; None where nothing is held. Dates compare with milliseconds."""
    if not held:
        return None
    left, right = _sortable(held), _sortable(str(given))
    if type(left) is not type(right):
        left, right = held.casefold(), str(given).casefold()
    return (left > right) - (left < right)  # type: ignore[operator]


def _sortable(value: str) -> Decimal | str:
    try:
        return Decimal(value)
    except InvalidOperation:
        pass
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value.casefold()
    return Decimal(int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))


def _words(text: str) -> list[str]:
    return [one for one in re.split(r"[^\w*]+", text.casefold()) if one]


def _has_tokens(held: str, one: Filter) -> bool:
    present = _words(held)
    wanted = [re.compile(word.replace("*", ".*")) for word in _words(str(one["value"]))]
    return all(any(word.fullmatch(each) for each in present) for word in wanted)


def _between(held: str, one: Filter) -> bool:
    low, high = _compare(held, one["value"]), _compare(held, one["highValue"])
    return low is not None and high is not None and low >= 0 >= high


def _in(held: str, one: Filter) -> bool:
    # IN compares with lower-case text only: values sent with capitals find nothing.
    return held.casefold() in one["values"]


def _told(test: Callable[[int], bool]) -> Callable[[str, Filter], bool]:
    def passes(held: str, one: Filter) -> bool:
        order = _compare(held, one["value"])
        return order is not None and test(order)

    return passes


_OPERATORS: dict[str, Callable[[str, Filter], bool]] = {
    "EQ": _told(lambda order: order == 0),
    "NEQ": _told(lambda order: order != 0),
    "LT": _told(lambda order: order < 0),
    "LTE": _told(lambda order: order <= 0),
    "GT": _told(lambda order: order > 0),
    "GTE": _told(lambda order: order >= 0),
    "BETWEEN": _between,
    "IN": _in,
    "NOT_IN": lambda held, one: bool(held) and not _in(held, one),
    "HAS_PROPERTY": lambda held, _: bool(held),
    "NOT_HAS_PROPERTY": lambda held, _: not held,
    "CONTAINS_TOKEN": _has_tokens,
    "NOT_CONTAINS_TOKEN": lambda held, one: not _has_tokens(held, one),
}
