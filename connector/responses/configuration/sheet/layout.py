"""The sheets of a mapping's workbook, their columns, and what stands in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SETTINGS, MAPPING, VALUES = "Settings", "Mapping", "Values"
GUIDE, FIELDS, OPTIONS, STEPS, LISTS = (
    "How to fill",
    "Fields",
    "Options",
    "Transformations",
    "Lists",
)


class Means(StrEnum):
    """What is read from the cells of a column."""

    NOTHING = "nothing"  # stands there for the reader's eyes
    TEXT = "text"
    FIELD = "field"  # "NPS score [nps_score]", or the API name alone
    VALUE = "value"  # text, or a number, true, false, null, JSON
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `key` is the member of the mapping's row that it fills."""

    key: str
    title: str
    means: Means
    width: int
    help: str = ""


MAPPING_COLUMNS = (
    Column("question", "Question", Means.NOTHING, 44, "What was asked; not read."),
    Column("variable", "Variable", Means.TEXT, 30, "What is written; choose or type it."),
    Column("field", "Field", Means.FIELD, 38, "Where it goes; empty: nowhere."),
    Column("transforms", "Transformations", Means.STEPS, 46, "Steps in between, with | ."),
    Column("when_missing", "When missing", Means.TEXT, 16, "skip, clear or default."),
    Column("default", "Default", Means.VALUE, 20, "Written when the answer is missing."),
    Column("when_present", "When present", Means.TEXT, 16, "overwrite, or keep what is there."),
    Column("kind", "Kind", Means.NOTHING, 12, "What kind of value it is; not read."),
)
VALUE_COLUMNS = (
    Column("table", "Table", Means.TEXT, 30, "The name in table(...)."),
    Column("answer", "Answer", Means.TEXT, 26, "The answer's value."),
    Column("label", "Read as", Means.NOTHING, 34, "What people read; not read here."),
    Column("field", "For field", Means.NOTHING, 38, "Offers its options beside; not read."),
    Column("value", "New value", Means.VALUE, 26, "What is written; empty: not in the table."),
)
# Member of the mapping -> its line on the sheet of settings.
SETTING_ROWS = (
    Column("name", "Name", Means.TEXT, 0, "A mapping of this name gets a new draft."),
    Column("connection", "Connection", Means.TEXT, 0, "The connection's name."),
    Column("entity", "Entity", Means.TEXT, 0, "Whose fields are on the sheet Fields."),
    Column("operation", "Operation", Means.TEXT, 0, "create, update, or upsert for both."),
    Column("campaign", "Campaign", Means.TEXT, 0, "The platform's id; empty: every campaign."),
    Column("identify/variable", "Identify by variable", Means.TEXT, 0, "Whose value is looked up"),
    Column("identify/field", "Identify by field", Means.FIELD, 0, "in this field of the CRM,"),
    Column("identify/transforms", "Identify: steps", Means.STEPS, 0, "behind these steps."),
    Column("ambiguous", "Several found", Means.TEXT, 0, "refuse, newest or oldest; empty: refuse."),
    Column("links/contact", "Link to the contact", Means.FIELD, 0, "The field that refers to it."),
    Column("links/company", "Link to the company", Means.FIELD, 0, "The field that refers to it."),
    Column("files", "Files", Means.TEXT, 0, "record: on what is made, too; empty: none."),
    Column("note", "Note", Means.TEXT, 0, "unmapped, all or none; empty: unmapped."),
)
SETTING_TITLES = ("Setting", "Value", "Meaning")
# How many filled rows are read of a sheet.
MOST_ROWS = {SETTINGS: 50, MAPPING: 2_000, VALUES: 10_000}
MOST_CELL = 32_767


def letter(place: int) -> str:
    """The name of the column at this place, from 0."""
    tens, ones = divmod(place, 26)
    return (letter(tens - 1) if tens else "") + chr(ord("A") + ones)


def column_of(columns: tuple[Column, ...], key: str) -> str:
    """The letter of the column with that key, as we write it."""
    return letter(next(place for place, one in enumerate(columns) if one.key == key))
