"""An automation's editor: WHEN, IF and THEN as a form, with the sentence and the count of what it
would have let through beside it. Every button sends the form; without scripts as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.automation_words import (
    DOES,
    FAULTS,
    WHENS,
    grouped,
    name_word,
    says_word,
    sentence,
)
from connector.admin.automations import ONE, saved
from connector.admin.language import gettext, said
from connector.admin.page import field, go, page, show, tell
from connector.api.context import changing, member, reading
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import automating
from connector.responses.configuration import automations as story
from connector.responses.configuration.actions import warnings
from connector.responses.configuration.automating import Desk
from connector.responses.configuration.condition_forms import (
    acted,
    actions_after,
    actions_of,
    group_of,
    list_value,
)
from connector.responses.configuration.conditions import (
    NOTHING,
    WITHOUT_VALUE,
    Group,
    faults,
    says_of,
    written,
)
from connector.responses.configuration.drafting import mark
from connector.responses.configuration.matching import Matched
from connector.responses.configuration.reading import read
from connector.responses.rules import ExpressionInvalid
from connector.responses.vocabulary import Kind
from schemas.config import EVENTS

_MOST_CEL = 10_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds. `advanced`: the condition is written as an expression."""

    name: str
    campaign: str | None
    when: str
    advanced: bool
    group: Group
    source: str
    actions: tuple[dict[str, Any], ...]

    def condition(self, kinds: Mapping[str, Kind]) -> str:
        """The condition as it would be saved."""
        return self.source.strip() if self.advanced else written(self.group, kinds)

    def body(self, kinds: Mapping[str, Kind]) -> dict[str, Any]:
        """The automation as it would be saved."""
        return {
            "name": self.name,
            "campaign": self.campaign,
            "when": self.when,
            "if": self.condition(kinds) or None,
            "then": list(self.actions),
        }


@page.get("/w/<key:space>/automations/new")
def new_automation() -> Response:
    """Where an automation begins"""
    campaign = request.args.get("campaign", "")[:255] or None
    empty = Typed("", campaign, EVENTS[0], advanced=False, group=NOTHING, source="", actions=())
    return _editor(None, empty)


@page.post("/w/<key:space>/automations/new")
def begin_automation() -> AnyResponse:
    """Keep a new one as a draft"""
    return _kept(None, publish=False)


@page.get(ONE)
def automation(automation_id: int) -> Response:
    """The editor"""
    return _editor(automation_id, None)


@page.post(ONE)
def change_automation(automation_id: int) -> AnyResponse:
    """Keep what the form holds as the draft"""
    return _kept(automation_id, publish=False)


@page.post(f"{ONE}/publish")
def publish_automation(automation_id: int) -> AnyResponse:
    """Let what the form holds work from the next response on"""
    return _kept(automation_id, publish=True)


@page.post("/w/<key:space>/automations/form")
def change_form() -> AnyResponse:
    """The form after a button, or after another choice; nothing is kept"""
    given = field("id")
    automation_id = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    return _editor(automation_id, _typed(), act=field("act"))


def _typed() -> Typed:
    return Typed(
        name=field("name").strip(),
        campaign=field("campaign", most=255) or None,
        when=field("when"),
        advanced=field("mode") == "cel",
        group=group_of(request.form),
        source=field("source", most=_MOST_CEL).replace("\r\n", "\n"),
        actions=tuple(actions_of(request.form)),
    )


def _of(body: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Typed:
    source = body.get("if") or ""
    group = read(source, kinds)
    return Typed(
        name=body["name"],
        campaign=body.get("campaign"),
        when=body["when"],
        advanced=group is None,
        group=group or NOTHING,
        source=source,
        actions=tuple(body["then"]),
    )


def _pressed(typed: Typed, act: str, kinds: Mapping[str, Kind]) -> tuple[Typed, str]:
    """The form after a button, and what it could not do."""
    if act == "cel":
        unfinished = any(faults(typed.group, kinds))
        source = typed.source if unfinished else written(typed.group, kinds)
        return replace(typed, advanced=True, source=source), ""
    if act == "form":
        group = read(typed.source, kinds)
        if group is None:
            return typed, gettext("The form cannot say this expression; it stays as it is.")
        return replace(typed, advanced=False, group=group), ""
    group = acted(typed.group, act)
    actions = actions_after(list(typed.actions), act, field("new_do"))
    return replace(typed, group=group, actions=tuple(actions)), ""


def _kept(automation_id: int | None, *, publish: bool) -> AnyResponse:
    typed, workspace_id = _typed(), member().workspace_id

    def keep(store: Connection) -> dict[str, Any]:
        kinds = automating.desk(store, workspace_id, typed.campaign).kinds
        if not typed.advanced and any(faults(typed.group, kinds)):
            place = Place("/if", "unfinished", gettext("The condition is not finished."))
            raise Refusal(Code.BODY_INVALID, places=[place])
        row = automating.save(
            store, workspace_id, automation_id, body=typed.body(kinds), seen=field("mark"),
            actor=member().name,
        )  # fmt: skip
        return story.publish(store, workspace_id, row["id"]) if publish else row

    try:
        row = changing(keep, saved)
    except Refusal as refusal:
        if refusal.code is Code.NAME_TAKEN:
            words = gettext("Another automation has that name already.")
            return _editor(automation_id, typed, places=[Place("/name", "name_taken", words)])
        if refusal.code is Code.CONFLICT or not refusal.places:
            raise
        return _editor(automation_id, typed, places=refusal.places)
    words = (
        gettext("Published. It works from the next response on.")
        if publish and row["enabled"]
        else gettext("Published, and switched off.")
        if publish
        else gettext("Saved as a draft.")
    )
    return tell(go("pages.automation", automation_id=row["id"]), words)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What stands beside the form: the count, or why there is none."""

    found: Matched | None = None
    caret: str = ""


def _editor(
    automation_id: int | None,
    typed: Typed | None,
    *,
    act: str = "",
    places: Any = (),  # noqa: ANN401 - places
) -> Response:
    workspace_id = member().workspace_id

    def story_of(store: Connection) -> tuple[Any, ...]:
        row = automating.one(store, workspace_id, automation_id) if automation_id else {}
        campaign = typed.campaign if typed else row["body"].get("campaign")
        desk = automating.desk(store, workspace_id, campaign)
        shown, complaint = (
            _pressed(typed, act, desk.kinds) if typed else (_of(row["body"], desk.kinds), "")
        )
        unfinished = {} if shown.advanced else dict(faults(shown.group, desk.kinds))
        tried = _Tried() if unfinished else _counted(store, desk, shown)
        return row, desk, shown, complaint, unfinished, tried

    row, desk, shown, complaint, unfinished, tried = reading(story_of)
    kinds, questions = desk.kinds, {one.variable: one.question for one in desk.known}
    body = {} if unfinished else shown.body(kinds)
    return show(
        "pages/automations/editor.html", part="pages/automations/builder.html",
        status=400 if places else 200, automation=row, mark=mark(row["body"]) if row else "",
        typed=shown, desk=desk, kinds=kinds, complaint=complaint, tried=tried,
        source=body.get("if") or "",
        warnings=warnings(body, inviting=_inviting(desk)) if body else [],
        unfinished={place: gettext(FAULTS[code]) for place, code in unfinished.items()},
        sentence=sentence(body, desk.known, kinds) if body else "",
        variables=grouped(desk.known), options={one.variable: one.options for one in desk.known},
        says_of=lambda name: says_of(name, kinds.get(name, Kind.ANY)),
        says_word=lambda says, name: says_word(says, kinds.get(name, Kind.ANY)),
        name_word=lambda name: name_word(name, questions),
        without_value=WITHOUT_VALUE,
        reaching=lambda do: [one for one in desk.reached if do in one.does],
        whens=WHENS, does=DOES, list_value=list_value,
        faults=_beside(places),
    )  # fmt: skip


def _counted(store: Connection, desk: Desk, typed: Typed) -> _Tried:
    if typed.when not in EVENTS:
        return _Tried()
    try:
        found = automating.would_match(
            store, member().workspace_id, desk, source=typed.condition(desk.kinds),
            campaign=typed.campaign, when=typed.when,
        )  # fmt: skip
    except ExpressionInvalid as exc:
        return _Tried(caret=said(str(exc)))
    return _Tried(found)


def _beside(places: Any) -> dict[str, list[str]]:  # noqa: ANN401 - places
    """What is wrong, by the part of the form: name, campaign, when, if, then, then-2."""
    found: dict[str, list[str]] = {}
    for place in places:
        parts = place.pointer.strip("/").split("/")
        number = int(parts[1]) + 1 if len(parts) > 1 and parts[1].isdigit() else 0
        name = f"{parts[0]}-{number}" if number else parts[0]
        member_of = parts[2] if number and len(parts) > 2 else ""
        text = f"{member_of}: {said(place.text)}" if member_of else said(place.text)
        found.setdefault(name, []).append(text)
    return found


def _inviting(desk: Desk) -> frozenset[str]:
    return frozenset(one.name for one in desk.reached if "redirect" in one.does)
