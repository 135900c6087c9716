"""The mapping cookbook is true: each row is saved as it stands and writes what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.responses.fitting import given
from connector.responses.mapping import MappedRow, mapped_row
from connector.responses.transforms import Context
from connector.responses.vocabulary import Kind, Variable
from schemas.config import MappingSchema
from schemas.fields import Entity, Field, FieldType

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "mapping-cookbook.md").read_text(encoding="utf-8")
RECIPES = PAGE.split("\n## ")[1:]
HERE = Context(country="DK", language="da", zone="Europe/Copenhagen")
ANSWERED = {"answers.nps": Variable(Kind.NUMBER, 9)}


def row_of(recipe: str) -> str:
    (found,) = re.findall(r"```yaml\n(.*?)```", recipe, re.DOTALL)
    return str(found)


def cases() -> list[Any]:
    return [
        pytest.param(row_of(recipe), comes_in, written, id=f"{title}-{number}")
        for recipe in RECIPES
        for title in (recipe.partition("\n")[0],)
        for number, (comes_in, written) in enumerate(
            re.findall(r"^\| `(.+)` \| `?(.+?)`? \|$", recipe, re.MULTILINE)
        )
    ]


def made(row: str, comes_in: str) -> MappedRow:
    """What the row makes of a value, written to a field of the type in the row's comment."""
    loaded = yaml.safe_load(row)
    (kind,) = re.findall(r"^field: \w+ +# (\w+)$", row, re.MULTILINE)
    body = MappingSchema().load(
        {
            "name": "Cookbook",
            "connection": "crm",
            "entity": "contacts",
            "operation": "upsert",
            "identify": {"variable": "contact.email", "field": "email"},
            "rows": [loaded],
        }
    )
    fields = (
        Field("email", "E-mail", FieldType.EMAIL, identifies=True),
        Field(loaded["field"], "Field", FieldType(kind)),
    )
    variables = {
        **ANSWERED,
        "contact.email": Variable(Kind.TEXT, "anna@example.test"),
        loaded["variable"]: Variable(Kind.ANY, given(json.loads(comes_in))),
    }
    return mapped_row(body, variables, entity=Entity("contacts", "C", fields), context=HERE)


def test_there_are_ten_recipes_each_with_an_example() -> None:
    assert len(RECIPES) == 10
    assert [one for one in RECIPES if "| comes in | is written |" not in one] == []


@pytest.mark.parametrize(("row", "comes_in", "written"), cases())
def test_a_recipe_writes_what_the_page_says(row: str, comes_in: str, written: str) -> None:
    found = made(row, comes_in)
    if written == "refused":
        assert len(found.problems) == 1
        assert found.values == {}
        return
    assert found.problems == ()
    shown = [json.dumps(one, ensure_ascii=False, default=str) for one in found.values.values()]
    assert shown == ([] if written == "nothing" else [written])
