"""A recipe is a file: printed, checked by line, tried on a message, and made a source of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli import main
from schemas.sources.recipe import RECIPES

ASKNICELY = RECIPES / "asknicely.yaml"


def run(*words: object, code: int = 0, plain: bool = False) -> Any:
    asked = [*([] if plain else ["--json"]), "source", *map(str, words)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == code, result.output
    return result.output if code or plain else json.loads(result.output)


def changed(tmp_path: Path, old: str, new: str) -> tuple[Path, str]:
    """The recipe with one thing changed, and the line of that."""
    text = ASKNICELY.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "changed.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file, f"line {text[: text.index(old)].count(chr(10)) + 1}"


def test_the_recipes_that_ship_are_listed_and_printed() -> None:
    assert {"recipe": "asknicely"} in run("recipe")
    assert run("recipe", "asknicely", plain=True) == ASKNICELY.read_text(encoding="utf-8")
    assert "there are asknicely" in run("recipe", "none", code=1)


def test_a_good_recipe_is_said_to_be_one() -> None:
    assert run("check", ASKNICELY) == {"label": "AskNicely"}


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("edits: by_arrival", "edits: by_mood", "/edits"),
        ("response_id: question.id", "response_id: question.[", "/response_id"),
        ("response_id: question.id", "response_id: question.none", "/response_id"),
        ("pick: question.score", "pick: question.score ||", "/answers/0/pick"),
        ("label: AskNicely", "label: AskNicely\nlable: x", "/lable"),
    ],
)
def test_a_bad_recipe_is_told_by_line(tmp_path: Path, old: str, new: str, pointer: str) -> None:
    file, line = changed(tmp_path, old, new)
    if pointer == "/lable":
        line = "line 2"
    assert f"{line}, {pointer}" in run("check", file, code=1)


def test_a_recipe_shows_what_its_example_and_another_message_become(tmp_path: Path) -> None:
    (found,) = run("try", ASKNICELY)["responses"]
    assert found["answers"]["nps"]["value"] == 9
    message = tmp_path / "message.json"
    message.write_text(
        json.dumps({"person": {"email": "a@example.test"}, "question": {"id": "7", "score": "3"}
                    | {"survey_template": "Default"}}),
        encoding="utf-8",
    )  # fmt: skip
    (found,) = run("try", ASKNICELY, message)["responses"]
    assert (found["respondent"]["email"], found["answers"]["nps"]["value"]) == ("a@example.test", 3)
    message.write_text('{"person": {}}', encoding="utf-8")
    assert "cannot be read: /response_id" in run("try", ASKNICELY, message, code=1)


def test_settings_with_a_recipe_among_them_are_told_by_line_too(tmp_path: Path) -> None:
    text = "\n".join(f"  {one}" for one in ASKNICELY.read_text(encoding="utf-8").splitlines())
    file = tmp_path / "settings.yaml"
    file.write_text(f"campaign: {{id: '5000'}}\nrecipe:\n{text}\n", encoding="utf-8")
    (found,) = run("try", file)["responses"]
    assert found["campaign"]["id"] == "5000"
    broken = file.read_text(encoding="utf-8").replace("question.id", "question.[", 1)
    file.write_text(broken, encoding="utf-8")
    line = broken[: broken.index("response_id")].count("\n") + 1
    assert f"line {line}, /recipe/response_id" in run("check", file, code=1)


def test_a_source_is_made_of_a_recipe_alone(answerback: Any, tmp_path: Path) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    made = ("source", "create", "acme", "Nice", "--platform", "recipe", "--settings")
    assert "/hooks/recipe/" in answerback(*made, ASKNICELY)["url"]
    file, line = changed(tmp_path, "response_id: question.id", "response_id: question.[")
    assert f"{line}, /response_id" in answerback(*made, file, code=1)
