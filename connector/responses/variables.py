"""The internal variables of one response: everything a mapping row or a condition can name. Pure.

A variable has a dotted name that is also its name in expressions (docs/expressions.md):

    answers.<key>            the answer; .label as read, .other the free text, .<row> a matrix row,
                             .crm_link where its file stands in the CRM, .hub_link where we
                             serve it (mappings only)
    answered.<key>           whether the question was answered
    labels.<label>           one question label over several questions, by its rule
    contact.<attribute>      of the contact, or of the respondent where no contact is known
    flags.<flag>             whether the flag is set
    properties.<key>         of the campaign or its distribution (the distribution's wins)
    weights.<key>            the weight of the chosen option;  categories.<name> the category's mean
    hidden. attributes. variables. meta. consent.<key>         what the platform sent along
    campaign. survey. response.<...>                           metadata
    computed.score computed.score_class computed.nps           computed here
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from connector.responses.vocabulary import (
    ANSWER_KINDS,
    CRM_LINK,
    HUB_LINK,
    OPEN,
    STANDARD,
    Kind,
    LabelRule,
    MatrixRow,
    Variable,
    exact,
    own_placeholder,
    placeholder,
    score_class,
    spoken,
    variable_name,
)
from schemas.fields import FieldValue


def variables_of(
    response: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
    *,
    campaign: Mapping[str, Any] | None = None,
    labels: Sequence[LabelRule] = (),
    nps: FieldValue = None,
) -> dict[str, Variable]:
    """Every variable that this response says something about, by name; what is missing is absent.

    `response` is the stored normal form, `contact` its attributes by name (never used when the
    respondent is anonymous), `campaign` has `properties` of its own, `nps` is the window's value.
    """
    found: dict[str, Variable] = {}
    for key, answer in response["answers"].items():
        found.update(_answer_variables(key, answer))
    found.update(_labelled(found, labels))
    found.update(_contact_variables(response, contact))
    found.update(_open_variables(response, campaign or {}))
    found.update(_weight_variables(response, found))
    found.update(_metadata(response))
    found.update(_computed(response, nps))
    return found


def _answer_variables(key: str, answer: Mapping[str, Any]) -> Iterator[tuple[str, Variable]]:
    variable = replace(_READ[answer["type"]](answer), answers=frozenset({key}))
    name = variable_name("answers", key)
    yield name, variable
    yield variable_name("answered", key), Variable(Kind.BOOLEAN, value=True)
    if variable.kind in {Kind.CHOICE, Kind.CHOICES, Kind.RANKING, Kind.FILES}:
        yield f"{name}.label", _text(", ".join(_read_labels(variable, answer)), variable)
    if variable.kind is Kind.FILES:
        yield f"{name}.{CRM_LINK}", _text(placeholder(key), variable)
        yield f"{name}.{HUB_LINK}", _text(own_placeholder(key), variable)
    if answer.get("other"):
        yield f"{name}.other", _text(answer["other"], variable)
    for row in variable.rows:
        yield (
            f"{name}.{spoken(row.key)}",
            replace(variable, kind=Kind.CHOICES, value=row.values, labels=row.labels, rows=()),
        )


def _text(text: str, source: Variable) -> Variable:
    return Variable(Kind.TEXT, text, answers=source.answers)


def _read_labels(variable: Variable, answer: Mapping[str, Any]) -> tuple[str, ...]:
    other = answer.get("other")
    return (*variable.labels, other) if other and other not in variable.labels else variable.labels


def _plain(answer: Mapping[str, Any]) -> Variable:
    return Variable(ANSWER_KINDS[answer["type"]], answer["value"])


def _moment(answer: Mapping[str, Any]) -> Variable:
    return Variable(Kind.DATETIME, whole_second(answer["value"]))


def whole_second(moment: str) -> str:
    """A stored time in the canonical form of DATETIME: UTC without fractions."""
    return re.sub(r"\.[0-9]+Z\Z", "Z", moment)


def _choice(answer: Mapping[str, Any]) -> Variable:
    value = answer["value"]
    return Variable(Kind.CHOICE, value, labels=(answer.get("label") or value,))


def _choices(answer: Mapping[str, Any]) -> Variable:
    values = tuple(answer["value"])
    return Variable(ANSWER_KINDS[answer["type"]], values, labels=_beside(values, answer))


def _beside(values: tuple[str, ...], answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels beside the values; where the platform sent another number of them, the values."""
    labels = tuple(answer.get("labels") or ())
    return labels if len(labels) == len(values) else values


def _files(answer: Mapping[str, Any]) -> Variable:
    given = answer["value"]
    files = given if isinstance(given, list) else [given]
    # A file that came with its content has no address: its name stands for it.
    urls = tuple(one.get("url") or one.get("name") or "file" for one in files)
    names = tuple(one.get("name") or url for one, url in zip(files, urls, strict=True))
    return Variable(Kind.FILES, urls, labels=names)


def _matrix(answer: Mapping[str, Any]) -> Variable:
    texts = answer.get("labels") or {}
    rows = tuple(_matrix_row(key, columns, texts) for key, columns in answer["value"].items())
    lines = tuple(f"{row.label}: {', '.join(row.labels)}" for row in rows)
    return Variable(Kind.MATRIX, lines, rows=rows)


def _matrix_row(key: str, columns: Sequence[str], texts: Mapping[str, Any]) -> MatrixRow:
    labels = tuple(texts.get("cols", {}).get(one, one) for one in columns)
    return MatrixRow(key, texts.get("rows", {}).get(key, key), tuple(columns), labels)


_READ: Mapping[str, Callable[[Mapping[str, Any]], Variable]] = {
    **dict.fromkeys(ANSWER_KINDS, _plain),
    "datetime": _moment,
    "single_choice": _choice,
    "multi_choice": _choices,
    "ranking": _choices,
    "file": _files,
    "signature": _files,
    "matrix": _matrix,
}


def _labelled(
    found: Mapping[str, Variable], labels: Sequence[LabelRule]
) -> Iterator[tuple[str, Variable]]:
    for one in labels:
        names = (variable_name("answers", key) for key in one.questions)
        answered = [found[name] for name in names if name in found]
        variable = _combined(answered, one.rule)
        if variable is not None:
            yield variable_name("labels", one.label), variable


def _combined(answered: Sequence[Variable], rule: str) -> Variable | None:
    if not answered:
        return None
    if rule in {"first", "last"}:
        return answered[0 if rule == "first" else -1]
    used = frozenset[str]().union(*(one.answers for one in answered))
    if rule == "join":
        return Variable(Kind.TEXT, "\n".join(_as_text(one) for one in answered), answers=used)
    mean = _mean((one.value, 1) for one in answered if one.kind is Kind.NUMBER)
    return None if mean is None else Variable(Kind.NUMBER, mean, answers=used)


def _as_text(variable: Variable) -> str:
    if variable.labels:
        return ", ".join(variable.labels)
    value = variable.value
    return "\n".join(value) if isinstance(value, tuple) else str(value)


def _mean(counted: Iterable[tuple[FieldValue, FieldValue]]) -> FieldValue:
    """Of (number, how much it counts); None of nothing, or of what all counts nothing."""
    given = [(Decimal(str(one)), Decimal(str(count))) for one, count in counted]
    with localcontext(prec=80):
        parts = sum((count for _, count in given), Decimal())
        if parts <= 0:
            return None
        whole = sum((one * count for one, count in given), Decimal())
        return exact((whole / parts).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _contact_variables(
    response: Mapping[str, Any], contact: Mapping[str, Any] | None
) -> Iterator[tuple[str, Variable]]:
    respondent = response.get("respondent") or {"anonymous": True}
    if respondent.get("anonymous"):
        return
    known = {name: respondent.get(name) for name in ("email", "phone", "external_id", "name")}
    known.update({name: value for name, value in (contact or {}).items() if _said(value)})
    yield from _guessed("contact", known)


def _said(value: object) -> bool:
    return value is not None and value != ""


def _guessed(namespace: str, texts: Mapping[str, Any]) -> Iterator[tuple[str, Variable]]:
    for key, value in texts.items():
        if _said(value):
            yield variable_name(namespace, key), _by_shape(value)


def _by_shape(value: object) -> Variable:
    if isinstance(value, bool):
        return Variable(Kind.BOOLEAN, value)
    if isinstance(value, int):
        return Variable(Kind.NUMBER, value)
    if isinstance(value, list | tuple):
        values = tuple(str(one) for one in value)
        return Variable(Kind.CHOICES, values, labels=values)
    return Variable(Kind.TEXT, str(value))


def _open_variables(
    response: Mapping[str, Any], campaign: Mapping[str, Any]
) -> Iterator[tuple[str, Variable]]:
    yield from _guessed("properties", campaign.get("properties") or {})
    for namespace in OPEN:
        yield from _guessed(namespace, response.get(namespace) or {})
    for flag in response.get("flags") or ():
        yield variable_name("flags", flag), Variable(Kind.BOOLEAN, value=True)


def _weight_variables(
    response: Mapping[str, Any], found: Mapping[str, Variable]
) -> Iterator[tuple[str, Variable]]:
    weights = response.get("weights") or {}
    for key, weight in weights.items():
        yield variable_name("weights", key), Variable(Kind.NUMBER, weight)
    counts = response.get("counts") or {}
    by_category: dict[str, list[tuple[FieldValue, FieldValue]]] = {}
    for key, category in (response.get("categories") or {}).items():
        answer = found.get(variable_name("answers", key))
        number = answer.value if answer is not None and answer.kind is Kind.NUMBER else None
        value = weights.get(key, number)
        if value is not None:
            by_category.setdefault(category, []).append((value, counts.get(key, 1)))
    for category, counted in by_category.items():
        mean = _mean(counted)
        if mean is not None:
            yield variable_name("categories", category), Variable(Kind.NUMBER, mean)


def _metadata(response: Mapping[str, Any]) -> Iterator[tuple[str, Variable]]:
    given = {
        **{f"campaign.{key}": (response.get("campaign") or {}).get(key) for key in ("id", "name")},
        **{f"survey.{key}": (response.get("survey") or {}).get(key) for key in ("id", "name")},
        "response.id": response["response_id"],
        "response.answered_at": whole_second(response["submitted_at"]),
        "response.started_at": whole_second(response.get("started_at") or ""),
        "response.tags": tuple(response.get("tags") or ()),
        **{
            f"response.{key}": response.get(key)
            for key in ("revision", "event", "duration_s", "locale", "channel")
        },
    }
    for name, value in given.items():
        if _said(value):
            yield name, Variable(STANDARD[name], value)


def score_of(answers: Mapping[str, Any]) -> tuple[str, int | str] | None:
    """The key and the value of the answer that is the score; None where there is none.

    Of several NPS questions the first key by the alphabet counts: the stored form keeps no order.
    """
    scores = sorted(key for key, one in answers.items() if one["type"] == "nps")
    return (scores[0], answers[scores[0]]["value"]) if scores else None


def _computed(response: Mapping[str, Any], nps: FieldValue) -> Iterator[tuple[str, Variable]]:
    found = score_of(response["answers"])
    if found is not None:
        key, score = found
        used = frozenset({key})
        yield "computed.score", Variable(Kind.NUMBER, score, answers=used)
        yield (
            "computed.score_class",
            Variable(Kind.TEXT, score_class(Decimal(score)), answers=used),
        )
    if nps is not None:
        yield "computed.nps", Variable(Kind.NUMBER, nps)
