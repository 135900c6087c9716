"""A document is checked and tried from the command line before anybody installs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.rest import shelf
from connector.cli import main
from simulators.kit.server import running
from simulators.pipedrive import Pipedrive
from simulators.pipedrive.service import KEY, SCORE

DOCUMENT = shelf.APPS / "pipedrive.yaml"
Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command's answer: what it says in JSON, or its words where it ends with a code."""
    for name, value in (("ANSWERBACK_ENV", "test"), ("ANSWERBACK_ALLOWED_HOSTS", "127.0.0.1")):
        monkeypatch.setenv(name, value)

    def run(*words: object, typed: str = "", code: int = 0, plain: bool = False) -> Any:
        asked = [*([] if plain else ["--json"]), "app", *map(str, words)]
        result = CliRunner().invoke(main, asked, input=typed)
        assert result.exit_code == code, result.output
        return (
            result.output
            if code or plain
            else json.loads(result.output[result.output.index("{") :])
        )

    return run


@pytest.fixture
def sim() -> Iterator[str]:
    with running(Pipedrive(options={"rate": 100_000})) as url:
        yield url


def attempt(run: Run, url: str, *words: str, **options: Any) -> Any:
    place = ("try", DOCUMENT, "--set", "company=acme", "--base-url", url)
    return run(*place, *words, typed=f"{KEY}\n", **options)


def test_a_good_document_is_said_to_be_one(run: Run) -> None:
    assert run("check", DOCUMENT)["entities"] == ["persons"]


def test_a_bad_one_is_told_by_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    text = DOCUMENT.read_text(encoding="utf-8").replace("only_if: is_custom", "only_if: is custom")
    file.write_text(text, encoding="utf-8")
    line = text[: text.index("only_if")].count("\n") + 1
    assert f"line {line}, /contact/fields_from/only_if: is no expression" in run(
        "check", file, code=1
    )


def test_a_trial_tells_account_and_fields(run: Run, sim: str) -> None:
    told = attempt(run, sim)
    assert told["account"] == "Acme (4242)"
    assert f"{SCORE} (integer): NPS score" in told["persons"]


def test_a_trial_shows_the_call_without_the_key_and_sends_it_when_told(run: Run, sim: str) -> None:
    asked = ("--find", "ada@example.test", "--write", f"{SCORE}=9", "--write", "name=Ada")
    shown = attempt(run, sim, *asked)
    assert shown["found"] == []
    assert shown["call"].startswith(f"POST {sim}/api/v2/persons\n")
    assert '"value":"ada@example.test"' in shown["call"]
    assert KEY not in shown["call"]
    assert attempt(run, sim, *asked, "--send")["outcome"]["status"] == "written"
    assert attempt(run, sim, *asked)["found"] == [{"id": "1", "name": "Ada", SCORE: 9}]


def test_a_trial_that_fails_says_why(run: Run, sim: str) -> None:
    place = ("try", DOCUMENT, "--set", "company=acme")
    assert "token_expired" in run(*place, "--base-url", sim, typed="wrong\n", code=1)
    assert "host_refused" in run(*place, "--base-url", "https://evil.example", typed="k\n", code=1)
    assert "/settings/company" in run("try", DOCUMENT, typed="k\n", code=1)


def test_documents_are_listed_and_shown(run: Run) -> None:
    words = run("list", plain=True)
    assert "pipedrive" in words
    assert run("show", "pipedrive", plain=True) == DOCUMENT.read_text(encoding="utf-8")
    assert "there is no document" in run("show", "hubspot", plain=True, code=1)
