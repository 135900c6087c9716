"""What is on its way, what was written, what failed and why, and trying again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import request
from marshmallow import EXCLUDE, ValidationError
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import clock
from connector.access import Right
from connector.admin import causes as said
from connector.admin.contacts import called
from connector.admin.language import gettext, marked
from connector.admin.page import address, go, page, show, tell
from connector.admin.shown import KINDS, STATES
from connector.api.context import Told, changing, member, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.connections import views
from connector.problems import Code, Place, Refusal
from connector.responses import causes, replay, tracking, viewing
from schemas.tracking import STATES as DELIVERY_STATES
from schemas.tracking import DeliveryQuerySchema, ReplayFilterSchema

A_PAGE = 50
SPANS = {
    "1": marked("24 hours"),
    "7": marked("7 days"),
    "30": marked("30 days"),
}
# What a filter may say besides what the form shows: links of causes and of other pages bring it.
CARRIED = ("reason", "error_code", "mapping_id", "campaign_id", "contact_id", "response_id")
# What each part of a filter is called.
PARTS = {
    "state": marked("State"),
    "reason": marked("Reason"),
    "kind": marked("What"),
    "connection_id": marked("Connection"),
    "mapping_id": marked("Mapping"),
    "contact_id": marked("Contact"),
    "campaign_id": marked("Campaign"),
    "response_id": marked("Response"),
    "error_code": marked("Error"),
    "span": marked("Within"),
}
_ONE = "/w/<key:space>/deliveries/<id:delivery_id>"


@page.get("/w/<key:space>/deliveries")
def deliveries() -> Response:
    """Deliveries, newest first, by filter; and what stands, by cause"""
    asked = _asked(DeliveryQuerySchema)
    found = reading(lambda store: _found(store, member().workspace_id, asked))
    rows, following = paged(found["rows"], A_PAGE, lambda row: row["id"])
    chosen = _chosen()
    return show(
        "pages/deliveries/list.html",
        part="pages/deliveries/rows.html",
        **{**found, "rows": rows},
        chosen=chosen,
        carried={name: chosen[name] for name in CARRIED if name in chosen},
        carried_words=_in_words(chosen, found["filter"], parts=CARRIED),
        first=address("pages.deliveries", **chosen) if asked["cursor"] else None,
        following=address("pages.deliveries", **chosen, cursor=following) if following else None,
        here=address("pages.deliveries", **chosen, cursor=request.args.get("cursor")),
        is_live=not asked["cursor"],
        states=[(one, gettext(STATES[one][0])) for one in DELIVERY_STATES],
        kinds=[(one, gettext(word)) for one, word in KINDS.items()],
        spans=[(one, gettext(word)) for one, word in SPANS.items()],
        words=said.words,
    )


@page.get(_ONE)
def delivery(delivery_id: int) -> Response:
    """One delivery's whole life"""
    return show(
        "pages/deliveries/one.html",
        part="pages/deliveries/life.html",
        **reading(lambda store: _life(store, member().workspace_id, delivery_id)),
        sees_values=member().may(Right.WORK),
        words=said.words,
        replayable=replay.REPLAYABLE,
    )


@page.post(f"{_ONE}/replay")
def replay_delivery(delivery_id: int) -> Response:
    """Try it again"""
    changing(
        lambda store: replay.replay_one(store, member().workspace_id, delivery_id),
        lambda _: Told(f"delivery:{delivery_id}"),
    )
    # What its mapping refused is planned anew: the delivery of this number is no more.
    is_there = reading(lambda store: _is_there(store, delivery_id))
    back = go("pages.delivery", delivery_id=delivery_id) if is_there else go("pages.deliveries")
    return tell(back, gettext("It is tried again."))


@page.get("/w/<key:space>/deliveries/replay")
def preview_replay() -> Response:
    """What a replay would do; nothing is changed"""
    only = _asked(ReplayFilterSchema)
    workspace_id, chosen = member().workspace_id, _chosen()

    def story(store: Connection) -> tuple[replay.Preview, tracking.Named]:
        seen = replay.preview(store, workspace_id, only)
        return seen, _named(store, workspace_id, [_ids(chosen)])

    found, named = reading(story)
    return show(
        "pages/deliveries/replay.html",
        preview=found,
        chosen=chosen,
        said=_in_words(chosen, named, parts=PARTS),
    )


@page.post("/w/<key:space>/deliveries/replay")
def replay_deliveries() -> Response:
    """Try all of them again that the filter describes"""
    only = _asked(ReplayFilterSchema)
    count = changing(
        lambda store: replay.replay_all(store, member().workspace_id, only),
        lambda count: Told(detail={"count": count, "filter": sorted(only)}),
    )
    rest = {name: value for name, value in _chosen().items() if name not in {"state", "reason"}}
    text = gettext("Tried again: %(count)s.", count=count)
    return tell(go("pages.deliveries", **rest), text)


def _found(store: Connection, workspace_id: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    before = id_after(asked["cursor"], start=MAX_ID)
    carries = any(name in asked for name in CARRIED)
    rows = tracking.deliveries(store, workspace_id, only=asked, before=before, limit=A_PAGE + 1)
    return {
        "rows": rows,
        "named": _named(store, workspace_id, rows),
        "filter": _named(store, workspace_id, [_ids(_chosen())]) if carries else {},
        "causes": causes.causes(store, workspace_id),
        "connections": [(one.id, one.name) for one in views.summaries(store, workspace_id)],
    }


def _named(
    store: Connection, workspace_id: int, rows: Sequence[Mapping[str, Any]]
) -> tracking.Named:
    """What people call the connections, mappings and contacts; whoever may only look sees no whole
    address.
    """
    found = viewing.contacts_of(store, workspace_id, rows)
    contacts = {number: called(one) for number, one in found.items()}
    return {**tracking.named(store, workspace_id, rows), "contact": contacts}


def _life(store: Connection, workspace_id: int, delivery_id: int) -> dict[str, Any]:
    one = tracking.one_delivery(store, workspace_id, delivery_id)
    around = tracking.around(store, workspace_id, one["response_id"])
    return {
        "one": one,
        "response": around,
        "named": _named(store, workspace_id, [one, *around["steps"]]),
    }


def _is_there(store: Connection, delivery_id: int) -> bool:
    try:
        tracking.one_delivery(store, member().workspace_id, delivery_id)
    except Refusal:
        return False
    return True


def _chosen() -> dict[str, str]:
    """The filter as the address says it, without what is empty and without the page."""
    told = request.form if request.method == "POST" else request.args
    names = {"state", "kind", "connection_id", "span", *CARRIED}
    return {name: value for name, value in told.items() if name in names and value}


def _ids(chosen: Mapping[str, str]) -> dict[str, int | None]:
    """Whom and what a filter names, as a delivery names them."""
    told = {name: chosen.get(name, "") for name in ("contact_id", "connection_id", "mapping_id")}
    return {name: int(value) if value.isdecimal() else None for name, value in told.items()}


def _in_words(
    chosen: Mapping[str, str], named: tracking.Named, *, parts: Iterable[str]
) -> list[tuple[str, str]]:
    """A filter as people say it: each part's name and what it is narrowed to."""
    return [(gettext(PARTS[name]), _part(name, chosen, named)) for name in parts if name in chosen]


def _part(name: str, chosen: Mapping[str, str], named: tracking.Named) -> str:
    value = chosen[name]
    if name == "reason":
        return said.words(chosen.get("state", ""), value).what
    if name.endswith("_id") and value.isdecimal():
        return named.get(name.removesuffix("_id"), {}).get(int(value), f"#{value}")
    words = {"state": STATES.get(value, (value,))[0], "kind": KINDS.get(value, value),
             "span": SPANS.get(value, value)}  # fmt: skip
    return gettext(words[name]) if name in words else value


def _asked(schema: type[DeliveryQuerySchema | ReplayFilterSchema]) -> dict[str, Any]:
    """The filter, checked as the API checks it. Refusal(QUERY_INVALID) naming what is wrong."""
    told = _chosen()
    span = told.pop("span", "")
    if "cursor" in request.args and schema is DeliveryQuerySchema:
        told["cursor"] = request.args["cursor"]
    try:
        asked: dict[str, Any] = schema(unknown=EXCLUDE).load(told)
    except ValidationError as exc:
        places = [Place(f"?{name}", "invalid", f"{name} is not valid") for name in exc.messages]
        raise Refusal(Code.QUERY_INVALID, places=places) from exc
    if span in SPANS:
        asked["since"] = clock.now() - timedelta(days=int(span))
    return asked
