"""The models of Odoo's Surveys, as far as answers are read from them: the names of 13 and later,
and those of 11, read in its source (2026-11-30), for 12, too. When the answers' model took its
later name is unverified.
"""

from __future__ import annotations

from typing import Any

from simulators.odoo.definitions import Definitions, common, field

SURVEY, QUESTION = "survey.survey", "survey.question"
INPUT = "survey.user_input"
LATER_FROM, OPTIONS_FROM = 13, 14
STATES = [["new", "Not started yet"], ["in_progress", "In Progress"], ["done", "Completed"]]


def line_model(version: int) -> str:
    """The model of the single answers."""
    return "survey.user_input.line" if version >= OPTIONS_FROM else "survey.user_input_line"


def survey_models(version: int) -> dict[str, Definitions]:
    """Model -> field -> definition."""
    options = "survey.question.answer" if version >= OPTIONS_FROM else "survey.label"
    later = version >= LATER_FROM
    rows = "matrix_question_id" if version >= OPTIONS_FROM else "question_id_2"
    question = field("many2one", "Question", relation=QUESTION)
    return {
        SURVEY: {**common(), "title": field("char", "Survey Title", required=True)},
        QUESTION: {
            **common(),
            "survey_id": field("many2one", "Survey", relation=SURVEY),
            "title" if later else "question": field("char", "Title", required=True),
            "question_type" if later else "type": field("char", "Question Type"),
            "sequence": field("integer", "Sequence"),
            **_if(later, is_page=field("boolean", "Is a page?")),
            **_if(
                version >= 17,
                scale_min=field("integer", "Scale Minimum"),
                scale_max=field("integer", "Scale Maximum"),
            ),
        },
        options: {
            **common(),
            "question_id": question,
            rows: question,
            "value": field("char", "Suggested value", required=True),
            "sequence": field("integer", "Sequence"),
        },
        INPUT: {
            **common(),
            "survey_id": field("many2one", "Survey", required=True, relation=SURVEY),
            "partner_id": field("many2one", "Contact", relation="res.partner"),
            "email": field("char", "Email"),
            "state": field("selection", "Status", selection=STATES),
            "test_entry": field("boolean", "Test Entry"),
            "user_input_line_ids": field(
                "one2many", "Answers", relation=line_model(version), relation_field="user_input_id"
            ),
            **(_later_input() if later else {"quizz_score": field("float", "Score")}),
        },
        line_model(version): {
            **common(),
            "user_input_id": field("many2one", "User Input", required=True, relation=INPUT),
            "question_id": field("many2one", "Question", required=True, relation=QUESTION),
            "skipped": field("boolean", "Skipped"),
            "answer_type": field("char", "Answer Type"),
            **(_later_values(options) if later else _earlier_values(options)),
        },
    }


def _if(there: bool, **fields: Any) -> Definitions:  # noqa: FBT001 - reads as a condition
    return fields if there else {}


def _later_input() -> Definitions:
    return {
        "nickname": field("char", "Nickname"),
        "start_datetime": field("datetime", "Start date and time"),
        "end_datetime": field("datetime", "End date and time"),
        "scoring_total": field("float", "Total Score"),
        "scoring_percentage": field("float", "Score (%)"),
    }


def _later_values(options: str) -> Definitions:
    return {
        "value_numerical_box": field("float", "Numerical answer"),
        "value_scale": field("integer", "Scale value"),
        "value_text_box": field("text", "Free Text answer"),
        "value_char_box": field("char", "Text answer"),
        "value_date": field("date", "Date answer"),
        "value_datetime": field("datetime", "Datetime answer"),
        "suggested_answer_id": field("many2one", "Suggested answer", relation=options),
        "matrix_row_id": field("many2one", "Row answer", relation=options),
    }


def _earlier_values(options: str) -> Definitions:
    return {
        "value_number": field("float", "Numerical answer"),
        "value_free_text": field("text", "Free Text answer"),
        "value_text": field("char", "Text answer"),
        "value_date": field("date", "Date answer"),
        "value_suggested": field("many2one", "Suggested answer", relation=options),
        "value_suggested_row": field("many2one", "Row answer", relation=options),
    }
