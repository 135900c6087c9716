"""The tour of the pages: a few stops that show a new person where to look, remembered for them.

It stands in a workspace that has something to show; an empty one leads by its five steps instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.wrappers import Response

from connector.access import Right
from connector.accounts import people
from connector.admin.language import gettext, marked
from connector.admin.page import field, go, myself, page, tell
from connector.api.context import hub, member
from connector.problems import Code, Place, Refusal


@dataclass(frozen=True, slots=True)
class Stop:
    """A page to look at, by the area that it is in the menu, and what is to be seen there."""

    area: str
    endpoint: str
    title: str
    text: str
    right: Right = Right.READ


STOPS = (
    Stop(
        "home", "pages.home",
        marked("Home says whether all is well"),
        marked(
            "What needs a person stands first, with the way to mend it. Below it: the last 24"
            " hours, and how long an answer takes to reach the CRM."
        ),
    ),
    Stop(
        "campaigns", "pages.campaigns",
        marked("Campaigns show what people say"),
        marked("Open one: its score and trend, its questions, whom it asks, and what follows an answer."),  # noqa: E501
    ),
    Stop(
        "mappings", "pages.mapping_list",
        marked("Mappings say which answer goes where"),
        marked(
            "Open one and choose “Try it”: each value is shown before and after each step, "
            "beside what the CRM holds. Nothing is written by trying."
        ),
        Right.SETTINGS,
    ),
    Stop(
        "deliveries", "pages.deliveries",
        marked("Deliveries tell what became of each answer"),
        marked(
            "Every field, tag and note has its own line. What failed is grouped by its cause,"
            " says who can mend it, and is sent again from here; a repeat changes nothing."
        ),
    ),
    Stop(
        "contacts", "pages.contacts",
        marked("Contacts answer why a field has its value"),
        marked(
            "Open one: its score tags in each CRM, the fields that were written last, and the"
            " answer behind each."
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """The tour as a page shows it. `is_here`: the page is the stop's own; else it only offers to go
    on. `before` and `after`: the stops beside it, None at an end.
    """

    stop: Stop
    number: int
    count: int
    is_here: bool
    before: Stop | None
    after: Stop | None


@page.app_template_global("tour_at")
def tour_at(area: str) -> Shown | None:
    """What a page of this area shows of the tour; None: nothing, or the person is on none."""
    stops = _open_stops()
    at = next((at for at, one in enumerate(stops) if one.area == myself().tour), None)
    if at is None or area not in {stops[at].area, STOPS[0].area}:
        return None
    return Shown(
        stops[at], at + 1, len(stops),
        is_here=area == stops[at].area,
        before=stops[at - 1] if at else None,
        after=stops[at + 1] if at + 1 < len(stops) else None,
    )  # fmt: skip


@page.post("/w/<key:space>/tour")
def go_on_tour() -> Response:
    """To a stop of the tour, or end it"""
    wanted = field("to", most=20)
    stop = next((one for one in _open_stops() if one.area == wanted), None)
    if wanted and stop is None:
        raise Refusal(Code.BODY_INVALID, places=[Place("/to", "unknown", "it is no stop")])
    here = myself()
    with hub().database.begin(here.home) as connection:
        people.keep_tour(connection, here.home, here.person_id, stop=stop.area if stop else None)
    if stop is None:
        text = gettext("The tour is over. It begins anew under “Your account” above.")
        return tell(go("pages.home"), text, kind="info")
    return go(stop.endpoint)


def _open_stops() -> tuple[Stop, ...]:
    """Those whose pages the person may see."""
    return tuple(one for one in STOPS if member().may(one.right))
