"""Odoo's surveys and what people have answered there, as its records tell it.

Models and fields differ by version: which of the known names there are is asked of Odoo itself.
Names of 16 measured (facts of 2026-11), those of 11 read in its source (2026-11-30); those of 12,
13, 17 and later unverified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.errors import BrokenContract, PauseMapping
from adapters.odoo.client import Client
from adapters.odoo.refusals import RowFault
from adapters.surveys import Answered, Document
from schemas.phrases import phrase

SURVEY, QUESTION = "survey.survey", "survey.question"
INPUT, LINES = "survey.user_input", "user_input_line_ids"
# The first version whose options have a model of that name.
OPTIONS_OF: Mapping[int, str] = {14: "survey.question.answer", 0: "survey.label"}
INPUT_FIELDS = (
    "survey_id", "partner_id", "email", "nickname", "create_date", "start_datetime",
    "end_datetime", "date_create", "scoring_total", "scoring_percentage", "quizz_score",
)  # fmt: skip
LINE_FIELDS = (
    "user_input_id", "question_id", "skipped", "answer_type", "write_date",
    "value_numerical_box", "value_scale", "value_text_box", "value_char_box", "value_date",
    "value_datetime", "suggested_answer_id", "matrix_row_id", "value_number", "value_text",
    "value_free_text", "value_suggested", "value_suggested_row",
)  # fmt: skip
QUESTION_FIELDS = (
    "survey_id", "title", "question", "question_type", "type", "sequence", "is_page",
    "scale_min", "scale_max",
)  # fmt: skip
OPTION_FIELDS = (
    "question_id", "matrix_question_id", "question_id_2", "value", "sequence",
)  # fmt: skip
PERSON_FIELDS = ("email", "name", "phone")
NEWEST = "write_date desc, id desc"


class Surveys:
    """One job's look at a database's surveys."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._there: dict[str, Mapping[str, Any]] = {}

    def newest(self) -> str | None:
        """Of the finished responses and of the answers, which are edited without them."""
        found = [
            row["write_date"]
            for model, domain in ((INPUT, [["state", "=", "done"]]), (self._line(), []))
            for row in self._search(model, domain, ("write_date",), limit=1, order=NEWEST)
        ]
        return max((str(one) for one in found if one), default=None)

    def answered(self, since: str, *, after: int, limit: int) -> Answered:
        """See adapters/surveys.py: five calls a page, and two of the first."""
        domain: list[Any] = [["state", "=", "done"], ["id", ">", after]]
        if "test_entry" in self._names(INPUT):
            domain.append(["test_entry", "=", False])
        changed = ["|", ["write_date", ">=", since]]
        changed.append([f"{LINES}.write_date", ">=", since])
        inputs = self._search(INPUT, [*domain, *changed], INPUT_FIELDS, limit=limit)
        lines = self._of("user_input_id", inputs, self._line(), LINE_FIELDS)
        asked = {number for every in lines.values() for one in every if (number := _id(one))}
        questions = {int(one["id"]): one for one in self._by_id(QUESTION, asked, QUESTION_FIELDS)}
        options = self._options(asked)
        people = {
            int(one["id"]): one
            for one in self._by_id("res.partner", _ids(inputs, "partner_id"), PERSON_FIELDS)
        }
        told = [
            {
                "input": one,
                "person": people.get(_number(one.get("partner_id")) or 0),
                "lines": lines[one["id"]],
                "questions": [questions[q] for q in _asked(lines[one["id"]]) if q in questions],
                "options": [o for q in _asked(lines[one["id"]]) for o in options.get(q, ())],
            }
            for one in inputs
            # Deleted between the two calls; who answers nothing has lines that say so.
            if one["id"] in lines
        ]
        return Answered(told, int(inputs[-1]["id"]) if len(inputs) == limit else None)

    def standing(self, ids: Sequence[int]) -> frozenset[int]:
        """Read, not searched for: Odoo leaves out of a reading what is deleted, and refuses it for
        what a rule of its own hides; a search leaves out both.
        """
        try:
            # A field besides the id: of the id alone Odoo 11 tells what was deleted, too, for it
            # asks its database for nothing (measured at a real one, 2026-11-30).
            rows = self._client.read(INPUT, "read", list(ids), ["write_date"])
        except RowFault as exc:
            message: str = phrase(
                "Odoo hides responses that it had: the user's right to them has changed"
            )
            raise PauseMapping(message, code="missing_scope", scope="reading surveys") from exc
        every = rows if isinstance(rows, list) else [None]
        found = {_number(one.get("id")) if isinstance(one, dict) else None for one in every}
        if not found <= set(ids):
            message = "Odoo answers otherwise than it was asked"
            raise BrokenContract(message, code="unreadable_answer")
        return frozenset(one for one in found if one is not None)

    def every(self) -> Sequence[Document]:
        """The surveys."""
        return self._search(SURVEY, [], ("title",))

    def one(self, survey_id: str) -> Document | None:
        """A survey in three calls."""
        number = int(survey_id) if survey_id.isdecimal() and len(survey_id) < 10 else 0
        found = self._search(SURVEY, [["id", "=", number]], ("title",))
        if not found:
            return None
        domain = [["survey_id", "=", number]]
        questions = self._search(QUESTION, domain, QUESTION_FIELDS)
        options = self._options({int(one["id"]) for one in questions})
        every = [one for part in options.values() for one in part]
        return {"survey": found[0], "questions": questions, "options": every}

    def _options(self, questions: Collection[int]) -> dict[int, list[Document]]:
        """Options and rows by their question: each belongs to one, in one field or the other."""
        if not questions:
            return {}
        model = next(one for first, one in OPTIONS_OF.items() if self._client.version >= first)
        listed = sorted(questions)
        belongs = [
            one
            for one in ("question_id", "matrix_question_id", "question_id_2")
            if one in self._names(model)
        ]
        domain: list[Any] = ["|"] * (len(belongs) - 1) + [[one, "in", listed] for one in belongs]
        found: dict[int, list[Document]] = {}
        for row in self._search(model, domain, OPTION_FIELDS):
            owner = next((number for one in belongs if (number := _number(row.get(one)))), None)
            if owner is not None:
                found.setdefault(owner, []).append(row)
        return found

    def _of(
        self, field: str, owners: Sequence[Document], model: str, fields: Iterable[str]
    ) -> dict[int, list[Document]]:
        if not owners:
            return {}
        domain = [[field, "in", [one["id"] for one in owners]]]
        found: dict[int, list[Document]] = {}
        for row in self._search(model, domain, fields):
            found.setdefault(_number(row.get(field)) or 0, []).append(row)
        return found

    def _by_id(self, model: str, ids: Collection[int], fields: Iterable[str]) -> list[Document]:
        return self._search(model, [["id", "in", sorted(ids)]], fields) if ids else []

    def _search(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Iterable[str],
        *,
        limit: int | None = None,
        order: str = "id",
    ) -> list[Document]:
        named = [one for one in fields if one in self._names(model)]
        rows = self._client.search_read(model, domain, named, limit=limit, order=order)
        return [_plain(row) for row in rows]

    def _line(self) -> str:
        """The answers' model: `survey.user_input_line` in 11, `survey.user_input.line` in 16; told
        by the field that leads there.
        """
        told = self._names(INPUT).get(LINES)
        relation = told.get("relation") if isinstance(told, dict) else None
        if not isinstance(relation, str):
            message = "Odoo does not say where a survey's answers stand"
            raise BrokenContract(message, code="unreadable_answer")
        return relation

    def _names(self, model: str) -> Mapping[str, Any]:
        if model not in self._there:
            told = self._client.read(model, "fields_get", None, ["type", "relation"])
            self._there[model] = told if isinstance(told, dict) else {}
        return self._there[model]


def _plain(row: Mapping[str, Any]) -> Document:
    """The row as JSON has it: an exact number as text, what is not set as None."""
    return {
        name: str(one) if isinstance(one, Decimal) else None if one is False else one
        for name, one in row.items()
    }


def _number(link: Any) -> int | None:
    """The id in a link, which is read as [id, name]."""
    first = link[0] if isinstance(link, list) and link else link
    return first if isinstance(first, int) and not isinstance(first, bool) else None


def _id(line: Document) -> int | None:
    return _number(line.get("question_id"))


def _ids(rows: Sequence[Document], field: str) -> set[int]:
    return {number for one in rows if (number := _number(one.get(field)))}


def _asked(lines: Sequence[Document]) -> list[int]:
    """The questions of the lines, each once."""
    return list(dict.fromkeys(number for one in lines if (number := _id(one))))
