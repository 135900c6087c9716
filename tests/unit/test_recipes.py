"""A recipe says how a platform pushes; what is wrong with it is told when it is saved."""

from __future__ import annotations

import copy
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.problems import Refusal
from connector.responses.platforms import checked
from schemas.response import ResponseSchema, normalised
from schemas.signatures import is_signed
from schemas.source import SourceSettingsSchema
from schemas.sources.base import Envelope
from schemas.sources.recipe import RECIPES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sources" / "recipe.md"
AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
EXAMPLES: dict[str, Any] = {
    found["label"]: found
    for path in sorted(RECIPES.glob("*.yaml"))
    if (found := yaml.safe_load(path.read_text(encoding="utf-8")))
}


def saved(recipe: Any) -> Any:
    return checked("recipe", SourceSettingsSchema().load({"recipe": recipe}))


def read(recipe: Any, message: Any = None) -> dict[str, Any]:
    made = saved(recipe)
    assert made.platform.parse is not None
    body = recipe["example"] if message is None else message
    (found,) = made.platform.parse(body, made.wishes, Envelope(AT)).responses
    return normalised(found, schema=ResponseSchema())


def asknicely(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(EXAMPLES["AskNicely"]), **changes}


@pytest.mark.parametrize("label", sorted(EXAMPLES))
def test_the_recipes_that_ship_read_their_examples(label: str) -> None:
    found = read(EXAMPLES[label])
    assert found["answers"]["nps"] | {"title": ""} == {"type": "nps", "value": 9, "title": ""}
    assert found["respondent"]["email"] == "c7@example.test"


def test_the_page_shows_a_recipe_as_it_ships() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block == (RECIPES / "asknicely.yaml").read_text(encoding="utf-8")


def test_asknicelys_texts_become_what_they_are() -> None:
    found = read(asknicely())
    assert found["submitted_at"] == "2026-11-22T01:20:09Z" or found["submitted_at"].endswith("Z")
    assert found["respondent"]["external_id"] == "163"
    assert found["attributes"] == {"segment": "general"}
    assert found["answers"]["comment"]["type"] == "long_text"


@pytest.mark.parametrize("missing", [None, "", "n/a", "9.5"])
def test_what_is_no_score_is_none(missing: Any) -> None:
    message = copy.deepcopy(EXAMPLES["AskNicely"]["example"])
    message["question"]["score"] = missing
    assert "nps" not in read(asknicely(), message)["answers"]


def test_answers_that_stand_in_a_list_are_picked_one_by_one() -> None:
    assert read(EXAMPLES["Delighted"])["answers"]["q"] == {
        "type": "text",
        "value": "ok",
        "title": "More?",
    }


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"response_id": "question.["}, "/settings/recipe/response_id"),
        ({"response_id": "question.none"}, "/settings/recipe/response_id"),
        ({"submitted_at": "length(question.comment, `1`)"}, "/settings/recipe/submitted_at"),
        ({"event": {"pick": "count", "words": {"7": "completed"}}}, "/settings/recipe/event/words"),
        ({"each": "question"}, "/settings/recipe/example"),
        ({"part": "rawRequest"}, "/settings/recipe/part"),
        ({"answers": [{"key": "q", "pick": "a ||"}]}, "/settings/recipe/answers/0/pick"),
    ],
)
def test_a_recipe_that_does_not_work_is_refused_with_the_place(changes: Any, place: str) -> None:
    with pytest.raises(Refusal) as refused:
        saved(asknicely(**changes))
    assert [one.pointer for one in refused.value.places] == [place]


def test_only_if_leaves_items_out() -> None:
    made = saved(asknicely(only_if="count == `1`"))
    assert made.platform.parse is not None
    message = EXAMPLES["AskNicely"]["example"] | {"count": 2}
    assert made.platform.parse(message, made.wishes, Envelope(AT)).responses == ()


def test_a_static_secret_is_compared_as_it_is() -> None:
    scheme = saved(asknicely()).scheme
    assert scheme is not None
    headers = {"x-answerback-secret": "topsecret"}
    assert is_signed(scheme, headers, b"{}", secrets=["topsecret"], now_s=0)
    assert not is_signed(scheme, headers, b"{}", secrets=["topsecre"], now_s=0)
    assert not is_signed(scheme, {}, b"{}", secrets=["topsecret"], now_s=0)


def test_a_signature_header_by_header_is_one_like_the_known() -> None:
    told = {"header": "X-Delighted-Webhook-Signature", "prefix": "sha256=", "encoding": "hex"}
    made = saved(EXAMPLES["Delighted"] | {"signature": told})
    assert made.scheme == saved(EXAMPLES["Delighted"]).scheme


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.sampled_from(["response_id", "hidden", "locale", "only_if"]))
def test_any_text_as_an_expression_is_refused_or_works(expression: str, part: str) -> None:
    recipe = asknicely(**{part: expression or "x"})
    with suppress(Refusal):
        saved(recipe)
