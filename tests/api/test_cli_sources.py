"""A survey source from the command line: made, told its secrets, tried, looked after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from connector.cli import main
from tests.api.test_sources import FORMBRICKS, Sender
from tests.unit.test_sources import example


def typed(what: str, *words: str, code: int = 0) -> str:
    """A command that asks for a secret."""
    result = CliRunner().invoke(main, ["source", *words], input=f"{what}\n")
    assert result.exit_code == code, result.output
    assert what not in result.output
    return result.output


class Made(Sender):
    """A source that the command line has made, and its platform."""

    def __init__(self, client: Any, platform: str, made: Any, secret: str | None = None) -> None:
        self.caller = type("Caller", (), {"client": client})
        self.platform, self.secret = platform, secret or made["secret"]
        self.path = "/hooks/" + made["url"].split("/hooks/")[1]


def test_a_source_is_made_shown_once_and_takes_messages(
    answerback: Any, client: Any, tmp_path: Path
) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    made = answerback("source", "create", "acme", "Forms", "--platform", "typeform")
    (listed,) = answerback("source", "list", "acme")
    assert (listed["name"], listed["platform"]) == ("Forms", "typeform")
    assert not {made["secret"], made["url"].rpartition("/")[2]} & set(map(str, listed.values()))
    forms = Made(client, "typeform", made)
    assert forms.send(example("typeform")).status_code == 202

    settings = tmp_path / "settings.yaml"
    settings.write_text("types: {scale: nps}\nbase_url: https://api.eu.typeform.com\n")
    told = answerback("source", "settings", "acme", "Forms", settings)
    assert told["settings"]["types"] == {"scale": "nps"}
    settings.write_text("types: {scale: hologram}\n")
    assert "/types" in answerback("source", "settings", "acme", "Forms", settings, code=1)

    assert "token" in answerback("source", "surveys", "acme", "Forms", code=1)
    typed("tf-token", "token", "acme", "Forms")
    assert answerback("source", "surveys", "acme", "Forms")["asked"] is True

    sent = answerback(
        *("source", "test", "acme", "Forms", "--email", "c7@example.test", "--score", "3")
    )
    assert sent["status"] == "accepted"
    assert sent["response_id"].startswith("typeform:test:")


def test_a_platforms_own_secret_is_asked_for_and_never_shown(answerback: Any, client: Any) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    made = answerback("source", "create", "acme", "Product", "--platform", "formbricks")
    assert made["secret"] is None
    product = Made(client, "formbricks", made, FORMBRICKS)
    assert product.send(example("formbricks")).status_code == 401
    typed("whsec_dG9wc2VjcmV0", "secret", "acme", "Product", code=1)
    typed(FORMBRICKS, "secret", "acme", "Product")
    assert product.send(example("formbricks")).status_code == 202


def test_what_cannot_be_is_said_in_words(answerback: Any, tmp_path: Path) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    answerback("source", "create", "acme", "Forms", "--platform", "tally")
    again = answerback("source", "create", "acme", "Forms", "--platform", "tally", code=1)
    assert "name_taken" in again
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({"recipe": {}}))
    assert "/recipe" in answerback("source", "settings", "acme", "Forms", recipe, code=1)
    assert "/token" in answerback("source", "surveys", "acme", "Forms", code=1)
    answerback("source", "create", "acme", "Pages", "--platform", "surveyjs")
    assert "SurveyJS" in answerback("source", "surveys", "acme", "Pages", code=1)
    for command in (("surveys",), ("test", "--email", "c7@example.test")):
        unknown = answerback("source", command[0], "acme", "Nobody", *command[1:], code=1)
        assert "not_found" in unknown
