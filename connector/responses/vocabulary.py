"""The words of a mapping: kinds of variables, their names, and which a survey can have. Pure.

docs/expressions.md lists the names; variables.py reads their values from a response.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from urllib.parse import quote

from schemas.fields import FieldValue


class Kind(StrEnum):
    """What a variable's value is. Its value is canonical as in schemas/fields.py."""

    TEXT = "text"
    NUMBER = "number"  # int or decimal string; a duration is whole seconds
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    CHOICES = "choices"
    RANKING = "ranking"  # option values, the best first
    FILES = "files"  # addresses
    MATRIX = "matrix"  # lines "row: column, column"
    ANY = "any"  # only known from the response itself


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One answered row of a matrix: the chosen columns and what the respondent read."""

    key: str
    label: str
    values: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable's value. `labels` run beside the values of a choice, ranking or file list.

    `answers` are the keys of the answers it was read from: what a note calls mapped.
    """

    kind: Kind
    value: FieldValue
    labels: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    rows: tuple[MatrixRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A question label carried by several questions, and what it says when several are answered.

    `rule`: `first` and `last` in the order of `questions`, `join` (text), `mean` (number).
    """

    label: str
    questions: tuple[str, ...]
    rule: str = "first"


@dataclass(frozen=True, slots=True)
class SurveyShape:
    """What a survey can say, as far as it is known: enough to check a mapping or a condition.

    `questions`: answer key -> answer type of the normalised model, or MIXED; `rows`: matrix key ->
    row keys.
    """

    questions: Mapping[str, str]
    rows: Mapping[str, tuple[str, ...]]
    labels: tuple[LabelRule, ...] = ()
    contact: Mapping[str, Kind] | None = None
    flags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    others: Mapping[str, tuple[str, ...]] | None = None


# The type of a key that surveys use for unlike questions: only the response itself can tell.
MIXED = "mixed"
ANSWER_KINDS: Mapping[str, Kind] = {
    "nps": Kind.NUMBER,
    "rating": Kind.NUMBER,
    "number": Kind.NUMBER,
    "duration": Kind.NUMBER,
    "single_choice": Kind.CHOICE,
    "multi_choice": Kind.CHOICES,
    "text": Kind.TEXT,
    "long_text": Kind.TEXT,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "boolean": Kind.BOOLEAN,
    "file": Kind.FILES,
    "signature": Kind.FILES,
    "matrix": Kind.MATRIX,
    "ranking": Kind.RANKING,
}
# The address that leads the respondent on after the survey (redirects.py).
REDIRECT_URL = "response.redirect_url"
STANDARD: Mapping[str, Kind] = {
    "contact.email": Kind.TEXT,
    "contact.phone": Kind.TEXT,
    "contact.external_id": Kind.TEXT,
    "contact.name": Kind.TEXT,
    **dict.fromkeys(
        (
            "contact.first_name",
            "contact.last_name",
            "contact.company",
            "contact.country",
            "contact.language",
        ),
        Kind.TEXT,
    ),
    "campaign.id": Kind.TEXT,
    "campaign.name": Kind.TEXT,
    "survey.id": Kind.TEXT,
    "survey.name": Kind.TEXT,
    "response.id": Kind.TEXT,
    "response.revision": Kind.NUMBER,
    "response.event": Kind.TEXT,
    "response.answered_at": Kind.DATETIME,
    "response.started_at": Kind.DATETIME,
    "response.duration_s": Kind.NUMBER,
    "response.locale": Kind.TEXT,
    "response.channel": Kind.TEXT,
    "response.tags": Kind.CHOICES,
    REDIRECT_URL: Kind.TEXT,
    "computed.score": Kind.NUMBER,
    "computed.score_class": Kind.TEXT,
    "computed.nps": Kind.NUMBER,
}
# The link of an answer's file as it stands in the CRM (filelinks.py).
CRM_LINK = "crm_link"
# The link by which we serve it ourselves (ownlinks.py).
HUB_LINK = "hub_link"
# What stands for such a link until it is known. No such host can be: RFC 2606 keeps the ending.
_LINKS, _OWN_LINKS = "https://crm-file.invalid/", "https://hub-file.invalid/"
# Where the platform's own keys stand; their kind is known from the response alone.
OPEN = ("properties", "hidden", "attributes", "variables", "meta", "consent")
# Never missing: what was not said is false.
FALSE_BY_DEFAULT = ("answered.", "flags.")
# Only a survey says them. Flags and categories a platform may also send along with its responses.
OF_SURVEYS = ("answers", "answered", "labels", "weights")

# CEL cannot parse these four behind a dot, and a digit cannot begin a name there.
_UNSPEAKABLE = re.compile(r"[^A-Za-z0-9_]|_(?=x)|\A[0-9]")
_RESERVED = frozenset({"in", "true", "false", "null"})
_PROMOTER, _PASSIVE = 9, 7


def variable_name(namespace: str, *keys: str) -> str:
    """The dotted name of a platform's key. Signs that no expression can hold are written
    `_x<hex>_`.

    Two different keys never get the same name: `q-1` is `answers.q_x2d_1`, `q_1` is `answers.q_1`.
    """
    return ".".join((namespace, *(spoken(key) for key in keys)))


def placeholder(answer: str) -> str:
    """What stands for the link of this answer's first file until it is known."""
    return f"{_LINKS}{quote(answer, safe='')}/."


def own_placeholder(answer: str) -> str:
    """What stands for the link by which we serve this answer's first file."""
    return f"{_OWN_LINKS}{quote(answer, safe='')}/."


def is_waiting(value: object) -> bool:
    """Whether a value holds a placeholder, or what a transformation has left of one."""
    return is_served(value) or (isinstance(value, str) and _LINKS in value.lower())


def is_served(value: object) -> bool:
    """Whether it is one of our own links."""
    return isinstance(value, str) and _OWN_LINKS in value.lower()


def declared(shape: SurveyShape) -> dict[str, Kind]:
    """The variables a survey can have and their kinds: what a condition may name."""
    names = dict(STANDARD)
    for key, answer_type in shape.questions.items():
        names.update(_declared_answer(key, answer_type, shape.rows.get(key, ())))
    names.update({variable_name("labels", one.label): _label_kind(one) for one in shape.labels})
    for name, kind in (shape.contact or {}).items():
        names[variable_name("contact", name)] = kind
    names.update({variable_name("flags", flag): Kind.BOOLEAN for flag in shape.flags})
    names.update({variable_name("weights", key): Kind.NUMBER for key in shape.questions})
    names.update({variable_name("categories", one): Kind.NUMBER for one in shape.categories})
    for namespace, keys in (shape.others or {}).items():
        names.update({variable_name(namespace, key): Kind.ANY for key in keys})
    return names


def on_trust(word: str, *, survey_known: bool) -> Kind | None:
    """The kind that a word nobody has declared is taken to have; None where it is a mistake.

    What platforms send along and what customers call their contacts' attributes is known from the
    responses alone; what a survey asks, too, as long as the survey is not known.
    """
    namespace = word.partition(".")[0]
    if namespace in {*OPEN, "contact"}:
        return Kind.ANY
    if namespace == "flags":
        return Kind.BOOLEAN
    if namespace == "categories":
        return Kind.NUMBER
    if survey_known or namespace not in OF_SURVEYS:
        return None
    return {"answered": Kind.BOOLEAN, "weights": Kind.NUMBER}.get(namespace, Kind.ANY)


def score_class(score: Decimal) -> str:
    """Promoter 9-10, passive 7-8, detractor 0-6: the classes of the Net Promoter Score."""
    if score >= _PROMOTER:
        return "promoter"
    return "passive" if score >= _PASSIVE else "detractor"


def exact(number: Decimal) -> FieldValue:
    """A number in canonical form: an int where it is whole, else a plain decimal string."""
    if number == number.to_integral_value():
        return int(number)
    # Not normalize(): it would round to the 28 digits of the default context.
    return format(number, "f").rstrip("0")


def _declared_answer(key: str, answer_type: str, rows: Sequence[str]) -> Iterator[tuple[str, Kind]]:
    kind = ANSWER_KINDS.get(answer_type, Kind.ANY)
    name = variable_name("answers", key)
    yield name, kind
    yield variable_name("answered", key), Kind.BOOLEAN
    if kind in {Kind.CHOICE, Kind.CHOICES, Kind.RANKING, Kind.FILES, Kind.ANY}:
        yield f"{name}.label", Kind.TEXT
    if kind in {Kind.CHOICE, Kind.CHOICES, Kind.ANY}:
        yield f"{name}.other", Kind.TEXT
    if kind in {Kind.FILES, Kind.ANY}:
        yield f"{name}.{CRM_LINK}", Kind.TEXT
        yield f"{name}.{HUB_LINK}", Kind.TEXT
    for row in rows:
        yield f"{name}.{spoken(row)}", Kind.CHOICES


def _label_kind(rule: LabelRule) -> Kind:
    return {"join": Kind.TEXT, "mean": Kind.NUMBER}.get(rule.rule, Kind.ANY)


def spoken(key: str) -> str:
    """One platform key as it stands in a variable's name."""
    if key in _RESERVED:
        return f"_x{ord(key[0]):x}_{key[1:]}"
    return _UNSPEAKABLE.sub(lambda sign: f"_x{ord(sign.group()):x}_", key)
