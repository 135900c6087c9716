"""Mappings by chance, with every sign and value that a spreadsheet could make something else of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.config import MappingSchema

# What programs make dates, numbers, truth values, formulas, errors or other signs of.
TRAPS = (
    "", "=1+1", "+45 20", "-5", "@here", "'quoted", "''", '"', '""', '"a" b', "007", "5", "-0",
    "1e5", "1.5e0", "12.50", "12.5", "TRUE", "true", "False", "null", "NULL", "2026-11-29",
    "29/11", "1/2", "12:30", "#N/A", "#REF!", " ", " a", "a ", "\n", "a\nb", "\t", "\r", "a\rb",
    "\x01", "\x85", "\u2028", "\ufeff", "\ufffe", "_x000D_", "_x005F_", "_x005F_x4e2d_",
    "q_x4e2d_1", "answers.q_x2d_1", "a [b]", "[b]", "[", "{}", "[1]", "table(x)", "a|b", "a, b",
    "(", ")", "NaN", "Infinity", "😀", "Å", "“q”", "skip", "Label [api]", "Lists!A1",
)  # fmt: skip
TEXT = st.sampled_from(TRAPS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NAME = TEXT.filter(lambda text: 1 <= len(text) <= 120)
VALUE: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MAP_STEP = st.fixed_dictionaries(
    {"name": st.just("map_values"), "values": st.dictionaries(TEXT, VALUE, max_size=4)},
    optional={"otherwise": TEXT, "default": VALUE},
)
STEP: Any = MAP_STEP | st.builds(
    lambda name, params: {**params, "name": name}, NAME, st.dictionaries(TEXT, VALUE, max_size=3)
)
STEPS = st.lists(STEP, max_size=3)


@st.composite
def mappings(draw: Any) -> dict[str, Any]:
    """A mapping as the API takes it; whether it could work is another matter."""
    fields = draw(st.lists(NAME, min_size=1, max_size=5, unique=True))
    identify = {"variable": draw(NAME), "field": draw(NAME), "transforms": draw(STEPS)}
    body = {
        "name": draw(NAME),
        "connection": draw(NAME),
        "entity": draw(NAME),
        "operation": draw(st.sampled_from(("create", "update", "upsert"))),
        "identify": identify,
        "rows": [_row(draw, field) for field in fields],
        "note": draw(st.sampled_from(("all", "unmapped", "none"))),
        "ambiguous": draw(st.sampled_from(("refuse", "newest", "oldest"))),
        "campaign": draw(st.none() | NAME),
    }
    if links := draw(st.sampled_from((None, {"contact": "to_contact"}, {"company": "to_company"}))):
        body["links"] = links
    loaded: dict[str, Any] = MappingSchema().load(body)
    return loaded


def _row(draw: Any, field: str) -> dict[str, Any]:
    missing = draw(st.sampled_from(("skip", "clear", "default")))
    return {
        "variable": draw(NAME),
        "field": field,
        "transforms": draw(STEPS),
        "when_missing": missing,
        "when_present": draw(st.sampled_from(("overwrite", "keep"))),
        "default": draw(VALUE) if missing == "default" else None,
    }
