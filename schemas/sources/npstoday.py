"""NPS.Today: one object per response, not signed: the source's address is the secret. Pure.

The names of the webhook's fields are not verified (2026-11): each is looked for under several, and
the source's `names` says otherwise. No id of a response is known: where none comes, a response is
the survey that was sent to one person at one time. An edit is what comes later with other content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from schemas.sources.answers import Sheet, campaign, named, number, respondent, text
from schemas.sources.base import (
    JSON,
    Edits,
    Envelope,
    Platform,
    Told,
    Unreadable,
    Wishes,
    as_text,
    moment,
    objects,
    response,
    seconds_between,
    texts,
)

NAMES: Mapping[str, tuple[str, ...]] = {
    "response_id": ("ResponseId", "AnswerId", "MemberId", "Id"),
    "campaign": ("CampaignId",),
    "campaign_name": ("CampaignName",),
    "score": ("Rating", "Score"),
    "comment": ("Comment",),
    "sent_at": ("SurveySendTime",),
    "opened_at": ("SurveyOpenedTime",),
    "answered_at": ("RatingTime", "AnsweredTime", "SurveyAnsweredTime"),
    "email": ("Email", "MemberEmail"),
    "phone": ("Phone", "PhoneNumber"),
    "name": ("Name", "MemberName"),
    "external_id": ("MsCrmId", "ExternalId"),
}
_NUMBERED = re.compile(r"Answer\d+")


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The response of a message."""
    if not isinstance(body, Mapping):
        raise Unreadable(at="", why="must be an object")
    found = {what: _first(body, wishes.names.get(what, names)) for what, names in NAMES.items()}
    campaign_id = as_text(found["campaign"])
    if campaign_id is None:
        raise Unreadable(at="/CampaignId", why="is missing")
    sent, opened = moment(found["sent_at"]), moment(found["opened_at"])
    answered = moment(found["answered_at"]) or opened or sent or envelope.received_at.isoformat()
    custom, sheet = texts(body.get("Custom")), _sheet(body, found, wishes)
    person = {name: found[name] for name in ("email", "phone", "name", "external_id")}
    who = respondent(wishes, person, custom)
    made = response(
        response_id=_response_id(found, who, campaign_id=campaign_id),
        survey={"id": campaign_id},
        campaign=campaign(wishes, named(campaign_id, found["campaign_name"])),
        respondent=who,
        answers=sheet.answers,
        hidden=custom,
        started_at=opened,
        submitted_at=answered,
        duration_s=seconds_between(opened, answered) or None,
        consent={"contact": False} if body.get("DoNotContact") is True else None,
        meta=sheet.meta(sender=body.get("Sender"), org=body.get("OrgId")),
    )
    return Told((made,))


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> JSON:
    return next((body[name] for name in names if body.get(name) not in (None, "")), None)


def _sheet(body: Mapping[str, Any], found: Mapping[str, Any], wishes: Wishes) -> Sheet:
    sheet = Sheet(wishes)
    sheet.put("nps", number(found["score"], "nps", scale=(0, 10)))
    sheet.put("comment", text(found["comment"], "long_text"))
    for name, value in body.items():
        if _NUMBERED.fullmatch(name):
            sheet.put_shaped(name.lower(), value)
    for place, one in enumerate(objects(body.get("SurveyAnswers")), start=1):
        key = as_text(_first(one, ("QuestionId", "Id"))) or str(place)
        asked = _first(one, ("Question", "Title", "Text"))
        sheet.put_shaped(f"question_{key}", _first(one, ("Answer", "Value")), title=asked)
    return sheet


def _response_id(found: Mapping[str, Any], who: Mapping[str, Any], *, campaign_id: str) -> str:
    own = as_text(found["response_id"])
    if own is None:
        person = who.get("external_id") or who.get("email") or who.get("phone")
        sent = as_text(found["sent_at"]) or as_text(found["opened_at"])
        if person is None or sent is None:
            raise Unreadable(at="/ResponseId", why="nothing tells this response from another one")
        own = hashlib.sha256(f"{person}\n{sent}".encode()).hexdigest()[:32]
    return f"npstoday:{campaign_id}:{own}"


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A message as NPS.Today sends it, as far as that is known."""
    return {
        "CampaignId": "test",
        "CampaignName": "Test survey",
        "ResponseId": f"test-{number_}",
        "Rating": score,
        "Comment": "A test response",
        "Email": email,
        "DoNotContact": False,
        "SurveySendTime": at,
        "SurveyOpenedTime": at,
        "Custom": {},
        "SurveyAnswers": None,
    }


PLATFORM = Platform("npstoday", "NPS.Today", sample, parse, scheme=None, edits=Edits.BY_ARRIVAL)
