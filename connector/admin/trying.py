"""A mapping tried out: each value before and after each step, what would be written to a live
record and by which calls; and sent to a test record, read back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from sqlalchemy import Connection

from connector.access import Right
from connector.admin.language import gettext, marked, said
from connector.admin.mappings import ONE
from connector.admin.page import field, page, show, whole_number
from connector.api.context import member, reading
from connector.api.extras import jobs
from connector.problems import Refusal
from connector.responses.configuration import editing, looking, proved, proving, trying
from connector.responses.configuration.bench import Asked
from connector.responses.configuration.editing import Desk
from connector.responses.configuration.seeing import Eyes
from schemas.trials import LONGEST

# Why a condition does not hold, by the stable words of rules.py.
REASONS = {
    "condition_false": marked("its condition is false"),
    "answer_missing": marked("an answer that its condition names is missing"),
}
# What a call or a mark is about.
ABOUT = {"fields": marked("Fields"), "tag": marked("Score tag"), "note": marked("Note")}
BUILDS_ON = {
    "taken": marked("if the call before it is taken as it was sent"),
    "made": marked("with the new record's id, which is not known yet"),
}
# What becomes of a field, a tag or a note, by the words of looking.py, marks.py, proved.py and
# marking.py, with a colour.
STATES = {
    "changed": (marked("changes"), "azure"),
    "unchanged": (marked("the same"), "secondary"),
    "kept": (marked("is left as it is"), "secondary"),
    "newer": (marked("left alone: a newer answer stands there"), "secondary"),
    "as_sent": (marked("as sent"), "green"),
    "rounded": (marked("the CRM has rounded it"), "yellow"),
    "cut": (marked("the CRM has cut it"), "yellow"),
    "reset": (marked("the CRM has set spaces or lines anew"), "yellow"),
    "recased": (marked("the CRM has changed capitals"), "yellow"),
    "not_taken": (marked("the CRM has not taken it"), "red"),
    "other": (marked("the CRM holds something else"), "red"),
    "unread": (marked("could not be read back"), "yellow"),
    "made_first": (marked("the other record is made first: its id is not known yet"), "azure"),
    "not_linked": (marked("there is no such record to link to"), "secondary"),
    "waits": (marked("waits"), "yellow"),
    "later": (marked("after the record is made"), "azure"),
    "refused": (marked("refused"), "red"),
    "elsewhere": (marked("not sent"), "secondary"),
    "not_made": (marked("not sent"), "secondary"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What has been asked of the CRM: `looked` at a record, or `proved` on it; `fault`: why not."""

    looked: dict[str, Any] | None = None
    proved: dict[str, Any] | None = None
    fault: str | None = None
    status: int = 200


@page.app_template_filter("reason_word")
def reason_word(reason: str | None) -> str:
    """Why an automation lets a response pass by."""
    return gettext(REASONS.get(reason or "", marked("its condition is broken")))


@page.app_template_filter("trial_word")
def trial_word(state: str) -> str:
    """What becomes, or became, of a field."""
    return gettext(STATES[state][0]) if state in STATES else state


@page.app_template_filter("builds_on_word")
def builds_on_word(word: str) -> str:
    """What a call is built on that is not known yet."""
    return gettext(BUILDS_ON[word])


@page.app_template_filter("about_word")
def about_word(kind: str) -> str:
    """What a call or a mark is about."""
    return gettext(ABOUT[kind])


@page.app_template_filter("trial_colour")
def trial_colour(state: str) -> str:
    """The colour of a field's state."""
    return STATES[state][1] if state in STATES else "secondary"


@page.app_template_filter("as_json")
def as_json(value: Any) -> str:  # noqa: ANN401 - JSON
    """A call's body as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@page.get(f"{ONE}/test")
def test_mapping(mapping_id: int) -> Response:
    """What the draft makes of a stored response, or of a sample"""
    record = request.args.get("record", "")[:LONGEST].strip()
    asked = Asked(whole_number(request.args.get("response", "")), record)
    if not request.args.get("live"):
        return _shown(mapping_id, asked, Trial())
    reading(lambda store: editing.desk(store, member().workspace_id, mapping_id))
    return _shown(mapping_id, asked, _looked(mapping_id, asked))


@page.post(f"{ONE}/test")
def send_test(mapping_id: int) -> Response:
    """Write what the draft makes of it to the record that is named, and read it back"""
    marks = frozenset(one for one in ("tag", "note") if field(one))
    record = field("record", most=LONGEST).strip()
    asked = Asked(whole_number(field("response", most=20)), record, marks)
    reading(lambda store: editing.desk(store, member().workspace_id, mapping_id))
    if not field("agreed"):
        fault = gettext("Nothing was sent: tick first that it may write in the CRM.")
        return _shown(mapping_id, asked, Trial(fault=fault, status=422))
    return _shown(mapping_id, asked, _proved(mapping_id, asked))


def _looked(mapping_id: int, asked: Asked) -> Trial:
    try:
        found = looking.look(jobs(), member().workspace_id, mapping_id, asked)
    except Refusal as refusal:
        return Trial(fault=_said(refusal))
    return Trial(looked=looking.shown(found, _eyes()))


def _proved(mapping_id: int, asked: Asked) -> Trial:
    try:
        done = proving.prove(
            jobs(), member().workspace_id, mapping_id, asked, actor=member().name,
            address=request.remote_addr,
        )  # fmt: skip
    except Refusal as refusal:
        return Trial(fault=_said(refusal), status=refusal.kind.status)
    return Trial(proved=proved.shown(done, _eyes()))


def _eyes() -> Eyes:
    """As on the pages of responses and of contacts."""
    here = member()
    return Eyes(answers=here.may(Right.READ), records=here.may(Right.WORK))


def _said(refusal: Refusal) -> str:
    """What was refused, which field it was, and what to do."""
    kind = refusal.kind
    places = [
        f"{one.pointer.removeprefix('/fields/').strip('/')}: {said(one.text)}"
        for one in refusal.places
    ]
    return " ".join(
        [f"{said(kind.title)}.", "; ".join(places) or said(refusal.detail or kind.mend)]
    )


def _shown(mapping_id: int, asked: Asked, trial: Trial) -> Response:
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[Desk, list[Any], Any, Any]:
        desk = editing.desk(store, workspace_id, mapping_id)
        body = desk.mapping["body"]
        recent = trying.recent(store, workspace_id, body.get("campaign"))
        if desk.entity is None:
            return desk, recent, None, {}
        at = trying.subject(store, workspace_id, asked.response_id, desk.known)
        tried = trying.tried(body, at.variables, entity=desk.entity, context=at.context)
        return desk, recent, tried, trying.verdicts(store, body["name"], at)

    desk, recent, tried, verdicts = reading(story)
    return show(
        "pages/mappings/test.html", desk=desk, body=desk.mapping["body"], recent=recent,
        asked=asked, chosen=asked.response_id or "", tried=tried, verdicts=verdicts, trial=trial,
        fields=desk.entity.by_name() if desk.entity else {}, longest=LONGEST,
        status=trial.status,
    )  # fmt: skip
