"""One survey as each platform's API tells it, and what it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """`told` is the API's answer for one survey, `becomes` its body here."""

    id: str
    told: Any
    becomes: dict[str, Any]


def _texts(**pairs: str) -> list[dict[str, str]]:
    return [{"value": value.lstrip("_"), "label": label} for value, label in pairs.items()]


TYPEFORM = {
    "id": "mXk2",
    "title": "After the meeting",
    "last_updated_at": "2026-11-20T01:02:00Z",
    "fields": [
        {"id": "f1", "ref": "nps", "type": "nps", "title": "How <b>likely</b>?", "properties": {}},
        {"id": "f2", "ref": "scale", "type": "opinion_scale", "title": "How good?"},
        {
            "id": "f3",
            "ref": "topics",
            "type": "multiple_choice",
            "title": "What?",
            "properties": {
                "allow_multiple_selection": True,
                "choices": [{"id": "c1", "label": "Price"}, {"id": "c2", "label": "Staff"}],
            },
        },
        {"id": "f4", "ref": "hello", "type": "statement", "title": "Hello", "properties": {}},
        {
            "id": "f5",
            "ref": "about",
            "type": "group",
            "title": "About you",
            "properties": {"fields": [{"id": "f6", "ref": "why", "type": "long_text"}]},
        },
        {
            "id": "f7",
            "ref": "grid",
            "type": "matrix",
            "title": "Each?",
            "properties": {
                "fields": [
                    {
                        "id": "r1",
                        "ref": "staff",
                        "title": "Staff",
                        "properties": {"choices": [{"id": "g1", "label": "Good"}]},
                    }
                ]
            },
        },
    ],
}
SURVEYMONKEY = {
    "id": "500",
    "title": "After the meeting",
    "date_modified": "2026-11-20T01:02:00",
    "pages": [
        {
            "questions": [
                {
                    "id": "q1",
                    "family": "matrix",
                    "subtype": "rating",
                    "headings": [{"heading": "How <b>likely</b>?"}],
                    "answers": {
                        "rows": [{"id": "r1", "text": ""}],
                        "choices": [{"id": "c9", "text": "9"}],
                    },
                },
                {
                    "id": "q2",
                    "family": "multiple_choice",
                    "subtype": "vertical",
                    "headings": [{"heading": "What?"}],
                    "answers": {
                        "choices": [{"id": "11", "text": "Price"}, {"id": "12", "text": "Staff"}]
                    },
                },
                {
                    "id": "q3",
                    "family": "matrix",
                    "subtype": "menu",
                    "headings": [{"heading": "Each?"}],
                    "answers": {
                        "rows": [{"id": "r1", "text": "Staff"}],
                        "cols": [
                            {"id": "k1", "text": "Now", "choices": [{"id": "1", "text": "Good"}]}
                        ],
                    },
                },
                {
                    "id": "q4",
                    "family": "open_ended",
                    "subtype": "multi",
                    "headings": [{"heading": "Who?"}],
                    "answers": {
                        "rows": [{"id": "1", "text": "First"}, {"id": "2", "text": "Last"}]
                    },
                },
                {"id": "q5", "family": "presentation", "subtype": "descriptive_text"},
            ]
        }
    ],
}
QUALTRICS = {
    "result": {
        "SurveyID": "SV_1",
        "SurveyName": "After the meeting",
        "Questions": {
            "QID1": {"QuestionType": "MC", "Selector": "NPS", "QuestionText": "How <b>likely</b>?"},
            "QID2": {
                "QuestionType": "MC",
                "Selector": "MAVR",
                "QuestionText": "What?",
                "Choices": {"1": {"Display": "Price"}, "2": {"Display": "Staff"}},
                "RecodeValues": {"2": "20"},
            },
            "QID3": {"QuestionType": "TE", "Selector": "SL", "QuestionText": "Why?"},
            "QID4": {
                "QuestionType": "Matrix",
                "Selector": "Likert",
                "QuestionText": "Each?",
                "Choices": {"1": {"Display": "Staff"}},
                "Answers": {"3": {"Display": "Good"}},
            },
            "QID5": {
                "QuestionType": "RO",
                "Selector": "DND",
                "QuestionText": "Order?",
                "Choices": {"1": {"Display": "A"}, "2": {"Display": "B"}},
            },
            "QID6": {"QuestionType": "DB", "Selector": "TB", "QuestionText": "Thanks"},
        },
    }
}
FORMBRICKS = {
    "data": {
        "id": "s1",
        "name": "After the meeting",
        "updatedAt": "2026-11-20T01:02:00.000Z",
        "questions": [
            {"id": "nps", "type": "nps", "headline": {"default": "How <b>likely</b>?"}},
            {
                "id": "topics",
                "type": "multipleChoiceMulti",
                "headline": {"default": "What?", "da": "Hvad?"},
                "choices": [
                    {"id": "c1", "label": {"default": "Price", "da": "Pris"}},
                    {"id": "other", "label": {"default": "Other"}},
                ],
            },
            {
                "id": "grid",
                "type": "matrix",
                "headline": {"default": "Each?"},
                "rows": [{"default": "Staff"}],
                "columns": [{"id": "k", "label": {"default": "Good"}}],
            },
            {"id": "hello", "type": "contactInfo", "headline": {"default": "You"}},
        ],
    }
}


ODOO = {
    "survey": {"id": 2, "title": "After the meeting"},
    "questions": [
        {"id": 13, "title": "Why?", "question_type": "text_box", "sequence": 3},
        {"id": 10, "title": "First page", "question_type": None, "is_page": True, "sequence": 0},
        {"id": 11, "title": "How <b>likely</b>?", "question_type": "numerical_box", "sequence": 1},
        {"id": 12, "title": "What?", "question_type": "multiple_choice", "sequence": 2},
        {"id": 14, "title": "Each?", "question_type": "matrix", "sequence": 4},
        {"id": 15, "question": "Of 11 and 12", "type": "free_text", "sequence": 5},
    ],
    "options": [
        {"id": 52, "question_id": [12, "What?"], "value": "Staff", "sequence": 2},
        {"id": 51, "question_id": [12, "What?"], "value": "Price", "sequence": 1},
        {"id": 54, "matrix_question_id": [14, "Each?"], "value": "Staff", "sequence": 1},
        {"id": 55, "question_id": [14, "Each?"], "value": "Good", "sequence": 1},
    ],
}


def _tally_question(key: str, kind: str, title: str, group: str, **parts: Any) -> dict[str, Any]:
    fields = [{"uuid": f"f-{group}", "type": kind, "blockGroupUuid": group, "title": title}]
    return {"id": key, "type": kind, "title": title, "isDeleted": False, "fields": fields} | parts


def _tally_block(uuid: str, kind: str, group: str, **payload: Any) -> dict[str, Any]:
    return {"uuid": uuid, "type": kind, "groupUuid": group, "payload": payload}


TALLY = {
    "form": {
        "id": "mD1",
        "name": "After the meeting",
        "status": "PUBLISHED",
        "updatedAt": "2026-11-20T01:02:00.000Z",
        "blocks": [
            _tally_block("t1", "FORM_TITLE", "t1", html="After the meeting"),
            _tally_block("s1", "LINEAR_SCALE", "g1", start=0, end=10),
            _tally_block("o1", "CHECKBOX", "g2", text="Price"),
            _tally_block("o2", "CHECKBOX", "g2", text="Staff"),
            _tally_block("row1", "MATRIX_ROW", "g3", html="<b>Staff</b>"),
            _tally_block("col1", "MATRIX_COLUMN", "g3", html="Good"),
            _tally_block("m1", "MULTIPLE_CHOICE_OPTION", "g4", text="A", allowMultiple=True),
            _tally_block("o8", "DROPDOWN_OPTION", "g5", text="Shop"),
            _tally_block("o9", "DROPDOWN_OPTION", "g5", text="Other", isOtherOption=True),
        ],
    },
    "questions": [
        _tally_question("a1", "LINEAR_SCALE", "How <b>likely</b>?", "g1"),
        _tally_question("b2", "CHECKBOXES", "What?", "g2"),
        _tally_question("c3", "HIDDEN_FIELDS", "email", "g9"),
        _tally_question("d4", "INPUT_TEXT", "Gone", "g8", isDeleted=True),
        _tally_question("e5", "MATRIX", "Each?", "g3"),
        _tally_question("f6", "MULTIPLE_CHOICE", "Which?", "g4"),
        _tally_question("g7", "DROPDOWN", "Where?", "g5"),
        _tally_question("h8", "TEXTAREA", "Why?", "g7"),
    ],
}


def _becomes(*questions: dict[str, Any]) -> dict[str, Any]:
    return {"name": "After the meeting", "questions": list(questions)}


def _asked(key: str, kind: str, title: str | None, **parts: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, **({"title": title} if title else {}), **parts}


SURVEYS = {
    "typeform": Example(
        "mXk2",
        TYPEFORM,
        _becomes(
            _asked("nps", "nps", "How likely?"),
            _asked("scale", "rating", "How good?"),
            _asked("topics", "multi_choice", "What?", options=_texts(c1="Price", c2="Staff")),
            _asked("why", "text", None),
            _asked(
                "grid", "matrix", "Each?", options=_texts(g1="Good"), rows=_texts(staff="Staff")
            ),
        ),
    ),
    "surveymonkey": Example(
        "500",
        SURVEYMONKEY,
        _becomes(
            _asked("q1", "rating", "How likely?"),
            _asked("q2", "multi_choice", "What?", options=_texts(_11="Price", _12="Staff")),
            _asked(
                "q3",
                "matrix",
                "Each?",
                options=_texts(_1="Good"),
                rows=[{"value": "r1.k1", "label": "Staff · Now"}],
            ),
            _asked("q4.1", "text", "First"),
            _asked("q4.2", "text", "Last"),
        ),
    ),
    "qualtrics": Example(
        "SV_1",
        QUALTRICS,
        _becomes(
            _asked("QID1", "nps", "How likely?"),
            _asked("QID2", "multi_choice", "What?", options=_texts(_1="Price", _20="Staff")),
            _asked("QID3", "text", "Why?"),
            _asked("QID4", "matrix", "Each?", options=_texts(_3="Good"), rows=_texts(_1="Staff")),
            _asked("QID5", "matrix", "Order?", rows=_texts(_1="A", _2="B")),
        ),
    ),
    "odoo": Example(
        "2",
        ODOO,
        _becomes(
            _asked("q11", "number", "How likely?"),
            _asked("q12", "multi_choice", "What?", options=_texts(_51="Price", _52="Staff")),
            _asked("q13", "text", "Why?"),
            _asked("q14", "matrix", "Each?", options=_texts(_55="Good"), rows=_texts(_54="Staff")),
            _asked("q15", "text", "Of 11 and 12"),
        ),
    ),
    "formbricks": Example(
        "s1",
        FORMBRICKS,
        _becomes(
            _asked("nps", "nps", "How likely?"),
            _asked("topics", "multi_choice", "What?", options=_texts(Price="Price", Other="Other")),
            _asked(
                "grid", "matrix", "Each?", options=_texts(Good="Good"), rows=_texts(Staff="Staff")
            ),
        ),
    ),
    "tally": Example(
        "mD1",
        TALLY,
        _becomes(
            _asked("question_a1", "rating", "How likely?"),
            _asked("question_b2", "multi_choice", "What?", options=_texts(o1="Price", o2="Staff")),
            _asked(
                "question_e5",
                "matrix",
                "Each?",
                options=_texts(col1="Good"),
                rows=_texts(row1="Staff"),
            ),
            _asked("question_f6", "multi_choice", "Which?", options=_texts(m1="A")),
            _asked("question_g7", "single_choice", "Where?", options=_texts(o8="Shop")),
            _asked("question_h8", "long_text", "Why?"),
        ),
    ),
}
