"""What is known of the surveys' questions: the words rules may use, and what they add to a
response. Pure.

A survey is the body that was pushed or learnt (schemas/campaign.py): questions with label,
category, flags, weight, options with weight and flags, and the rows of a matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connector.responses.vocabulary import ANSWER_KINDS, MIXED, LabelRule, SurveyShape

Survey = Mapping[str, Any]
_TEXTS = frozenset({"text", "long_text"})


def shape_of(surveys: Iterable[Survey], *, campaign_flags: Iterable[str] = ()) -> SurveyShape:
    """Everything some survey of the workspace can say. What a key holds that two surveys use for
    unlike questions, only the response can tell.
    """
    bodies = list(surveys)
    questions: dict[str, str] = {}
    rows: dict[str, tuple[str, ...]] = {}
    for one in _questions(bodies):
        held = questions.setdefault(one["key"], one["type"])
        if ANSWER_KINDS.get(held) is not ANSWER_KINDS[one["type"]]:
            questions[one["key"]] = MIXED
        keys = (row["value"] for row in one.get("rows") or ())
        rows[one["key"]] = tuple(dict.fromkeys((*rows.get(one["key"], ()), *keys)))
    flags = {flag for one in _questions(bodies) for flag in _flags_of(one)}
    categories = {one["category"] for one in _questions(bodies) if one.get("category")}
    return SurveyShape(
        questions=questions,
        rows=rows,
        labels=label_rules(bodies),
        flags=tuple(sorted({*flags, *campaign_flags})),
        categories=tuple(sorted(categories)),
    )


def label_rules(surveys: Iterable[Survey]) -> tuple[LabelRule, ...]:
    """One rule per label over every question that carries it; the first rule that is said
    counts.
    """
    keys: dict[str, list[str]] = {}
    rules: dict[str, str] = {}
    for one in _questions(surveys):
        label = one.get("label")
        if label:
            if one["key"] not in keys.setdefault(label, []):
                keys[label].append(one["key"])
            if one.get("label_rule"):
                rules.setdefault(label, one["label_rule"])
    return tuple(
        LabelRule(label, tuple(every), rules.get(label, "first")) for label, every in keys.items()
    )


def order_of(survey: Survey | None) -> tuple[str, ...]:
    """The survey's own order of answer keys; the stored answers have lost theirs."""
    return tuple(one["key"] for one in (survey or {}).get("questions", ()))


def first_text(answers: Mapping[str, Any], order: Iterable[str]) -> str | None:
    """The first text that was written, in the survey's order: what counts as the comment."""
    for key in [*(one for one in order if one in answers), *answers]:
        if answers[key]["type"] in _TEXTS and answers[key].get("value"):
            return str(answers[key]["value"])
    return None


def enriched(
    response: Mapping[str, Any], survey: Survey | None, *, campaign_flags: Iterable[str] = ()
) -> dict[str, Any]:
    """The response with the titles, labels, weights, categories and flags that its survey and
    campaign give its answers; `counts` is how much each question counts in its category.

    What the platform sent along itself is kept.
    """
    answers = response["answers"]
    known = [one for one in (survey or {}).get("questions", ()) if one["key"] in answers]
    weights = {
        one["key"]: weight
        for one in known
        if (weight := _weight(one, answers[one["key"]])) is not None
    }
    categories = {one["key"]: one["category"] for one in known if one.get("category")}
    counts = {one["key"]: one["weight"] for one in known if one.get("weight") is not None}
    flags = [flag for one in known for flag in _raised(one, answers[one["key"]])]
    every = dict.fromkeys((*(response.get("flags") or ()), *flags, *campaign_flags))
    return {
        **response,
        "answers": {**answers, **{one["key"]: _read(one, answers[one["key"]]) for one in known}},
        "weights": {**weights, **(response.get("weights") or {})},
        "categories": {**categories, **(response.get("categories") or {})},
        "counts": counts,
        "flags": list(every),
    }


def _read(question: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer with the question's title and the labels of what was chosen, where it has none."""
    told = {"title": question.get("title"), **_labels(question, answer)}
    if answer["type"] == "matrix" and question["type"] == "matrix":
        own = answer.get("labels") or {}
        parts = {"rows": _texts(question.get("rows")), "cols": _texts(question.get("options"))}
        merged = {part: {**texts, **own.get(part, {})} for part, texts in parts.items()}
        answer = {**answer, "labels": merged}
    return {**answer, **{name: one for name, one in told.items() if one and not answer.get(name)}}


def _labels(question: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    texts = _texts(question.get("options"))
    value = answer["value"]
    if answer["type"] == "single_choice":
        return {"label": texts.get(value)}
    if answer["type"] in {"multi_choice", "ranking"} and texts:
        return {"labels": [texts.get(one, one) for one in value]}
    return {}


def _texts(choices: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    return {one["value"]: one["label"] for one in choices or () if one.get("label")}


def _questions(surveys: Iterable[Survey]) -> Iterator[Mapping[str, Any]]:
    return (one for survey in surveys for one in survey.get("questions", ()))


def _flags_of(question: Mapping[str, Any]) -> Iterator[str]:
    yield from question.get("flags") or ()
    for option in question.get("options") or ():
        yield from option.get("flags") or ()


def _chosen(question: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = answer["value"]
    values = value if isinstance(value, list) else [value]
    return [one for one in question.get("options") or () if one["value"] in values]


def _weight(question: Mapping[str, Any], answer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - exact number
    """The weight of the single chosen option."""
    weighed = [one["weight"] for one in _chosen(question, answer) if one.get("weight") is not None]
    return weighed[0] if len(weighed) == 1 else None


def _raised(question: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    yield from question.get("flags") or ()
    for option in _chosen(question, answer):
        yield from option.get("flags") or ()
