"""Seven campaigns, each with other questions, and the CRMs that they feed. Pure.

What a campaign asks is what its answers hold: the survey that is pushed beforehand is read off one
answer of each question.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from demo import questions
from demo.questions import Answer, Answers

HUBSPOT, SALESFORCE, ZENDESK = "hubspot", "salesforce", "zendesk"
CRMS = (SALESFORCE, HUBSPOT, ZENDESK)
LOCALES = {"da": "da-DK", "de": "de-DE", "fr": "fr-FR", "it": "it-IT", "en": "en-GB"}


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign: which CRMs it feeds, in which language it asks (None: the respondent's)."""

    id: str
    name: str
    survey: str
    crms: tuple[str, ...]
    language: str | None
    share: float
    answers: Callable[[random.Random, str, int], Answers]


# `share` is that of the CRM's own responses; the last one's are those that go to all three.
CAMPAIGNS = (
    Campaign("5001", "Møde", "s-moede", (HUBSPOT,), "da", 0.55, questions.meeting),
    Campaign("5002", "Après-vente", "s-apres-vente", (HUBSPOT,), "fr", 0.45, questions.after_sale),
    Campaign(
        "5003", "Lieferung & Montage", "s-lieferung", (SALESFORCE,), "de", 0.55, questions.delivery
    ),
    Campaign("5004", "Visita in negozio", "s-visita", (SALESFORCE,), "it", 0.45, questions.shop),
    Campaign("5005", "Support", "s-support", (ZENDESK,), "en", 0.55, questions.support),
    Campaign(
        "5006", "Kundendienst", "s-kundendienst", (ZENDESK,), "de", 0.45, questions.customer_service
    ),
    Campaign("5007", "Annual review 2026", "s-annual", CRMS, None, 1.0, questions.annual),
)
BY_ID: Mapping[str, Campaign] = {one.id: one for one in CAMPAIGNS}
SHARED = BY_ID["5007"]


def survey_of(campaign: Campaign) -> dict[str, Any]:
    """The survey as it is pushed before the first response: keys, types, titles, options."""
    asked: dict[str, dict[str, Any]] = {}
    language = campaign.language or "en"
    rng = random.Random(campaign.id)
    for score in (*range(11), *range(11)):
        for key, answer in campaign.answers(rng, language, score).items():
            held = asked.setdefault(
                key, {"key": key, "type": answer["type"], "title": answer["title"], "options": []}
            )
            _learn_options(held["options"], answer)
    for one in asked.values():
        if not one["options"]:
            del one["options"]
    return {"name": campaign.name, "questions": list(asked.values())}


def _learn_options(options: list[dict[str, str]], answer: Answer) -> None:
    known = {one["value"] for one in options}
    if answer["type"] == "single_choice":
        told = [(answer["value"], answer["label"])]
    elif answer["type"] in {"multi_choice", "ranking"}:
        told = list(zip(answer["value"], answer["labels"], strict=True))
    else:
        return
    options += [{"value": value, "label": label} for value, label in told if value not in known]
