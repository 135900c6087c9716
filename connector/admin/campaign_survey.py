"""A campaign's survey: its questions and options, and what the platform does not say of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.admin.campaigns import ONE
from connector.admin.language import gettext, marked
from connector.admin.page import field, go, page, problem_words, show, tell
from connector.api.context import Told, changing, member, reading
from connector.api.pages import MAX_ID
from connector.campaigns import register, surveys
from connector.problems import Code, Refusal, not_found
from schemas.campaign import LABEL_RULES

QUESTIONS = {
    "nps": marked("Score from 0 to 10 (NPS)"),
    "rating": marked("Rating"),
    "number": marked("Number"),
    "single_choice": marked("One choice"),
    "multi_choice": marked("Several choices"),
    "text": marked("Text"),
    "long_text": marked("Long text"),
    "date": marked("Date"),
    "datetime": marked("Date and time"),
    "duration": marked("Duration"),
    "boolean": marked("Yes or no"),
    "file": marked("Files"),
    "signature": marked("Signature"),
    "matrix": marked("Matrix"),
    "ranking": marked("Ranking"),
}
RULES = {
    "first": marked("the first that is answered"),
    "last": marked("the last that is answered"),
    "join": marked("all of them, joined"),
    "mean": marked("their mean"),
}
A_PLACE = f"{ONE}/survey/<id:place>"


@page.app_template_filter("question_word")
def question_word(kind: str) -> str:
    """What a type of question is called."""
    return gettext(QUESTIONS.get(kind, kind))


@page.get(f"{ONE}/survey")
def campaign_survey(campaign_id: int) -> Response:
    """Questions, options, labels, flags, weights and categories, and where each comes from"""

    def story(store: Connection) -> dict[str, Any]:
        one, survey = _survey(store, campaign_id)
        if survey is None:
            return {"one": one, "survey": None}
        return {
            "one": one,
            "survey": survey,
            "origins": surveys.origins(store, survey["id"]),
            "versions": surveys.history(store, survey["id"]),
        }

    return show("pages/campaigns/survey.html", **reading(story))


@page.get(A_PLACE)
def survey_question(campaign_id: int, place: int) -> Response:
    """One question: what the platform does not say of it"""
    one, survey, question = reading(lambda store: _question(store, campaign_id, place))
    return _shown(one, survey, question, place)


@page.post(A_PLACE)
def save_survey_question(campaign_id: int, place: int) -> Response:
    """Make a new version of the survey with what was said"""
    one, survey, question = reading(lambda store: _question(store, campaign_id, place))
    said = _said(question)
    seen = field("version", most=19)

    def story(store: Connection) -> dict[str, Any]:
        return surveys.complete(
            store, member().workspace_id, survey["platform_id"], key=field("key", most=255),
            said=said, seen=int(seen) if seen.isascii() and seen.isdigit() else 0,
        )  # fmt: skip

    try:
        saved = changing(
            story, lambda row: Told(f"survey:{row['id']}", {"version": row["version"]})
        )
    except Refusal as refusal:
        if refusal.code is not Code.BODY_INVALID:
            raise
        typed = surveys.completed_by(question, said)
        return _shown(one, survey, typed, place, refusal=refusal)
    text = gettext("Saved as version %(number)s of the survey.", number=saved["version"])
    return tell(go("pages.campaign_survey", campaign_id=campaign_id), text)


def _shown(
    one: dict[str, Any],
    survey: dict[str, Any],
    question: Any,  # noqa: ANN401 - as schemas/campaign.py has it
    place: int,
    *,
    refusal: Refusal | None = None,
) -> Response:
    return show(
        "pages/campaigns/question.html", one=one, survey=survey, question=question, place=place,
        rules=[(name, gettext(RULES[name])) for name in LABEL_RULES],
        refusal=refusal, faults=problem_words(refusal) if refusal else {},
        status=refusal.kind.status if refusal else 200,
    )  # fmt: skip


def _survey(store: Connection, campaign_id: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    one = register.by_id(store, member().workspace_id, campaign_id)
    if one["survey"] is None:
        return one, None
    return one, surveys.read(store, member().workspace_id, one["survey"])


def _question(
    store: Connection, campaign_id: int, place: int
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    one, survey = _survey(store, campaign_id)
    if survey is None or not 0 < place <= min(len(survey["questions"]), MAX_ID):
        raise not_found()
    return one, survey, survey["questions"][place - 1]


def _said(question: dict[str, Any]) -> dict[str, Any]:
    """What the form says, as schemas/campaign.py has it; empty is nothing."""
    return {
        "label": _text("label"),
        "label_rule": _text("label_rule"),
        "category": _text("category"),
        "weight": _number("weight"),
        "flags": list(_flags("flags")),
        "options": {
            one["value"]: {
                "label": _text(f"option-label-{number}"),
                "weight": _number(f"option-weight-{number}"),
                "flags": list(_flags(f"option-flags-{number}")),
            }
            for number, one in enumerate(question.get("options") or ())
        },
    }


def _text(name: str) -> str | None:
    return field(name, most=1_000).strip() or None


def _number(name: str) -> str | int | None:
    told = _text(name)
    is_whole = told is not None and told.removeprefix("-").isdecimal() and len(told) < 38
    return int(told) if told is not None and is_whole else told


def _flags(name: str) -> Iterator[str]:
    """Words between commas, each once."""
    words = (word.strip() for word in field(name, most=15_000).split(","))
    yield from dict.fromkeys(word for word in words if word)
