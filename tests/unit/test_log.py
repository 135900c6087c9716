"""Log lines: JSON, with ids, without anything that must not be seen."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from connector.log import configure_log, get_logger
from schemas.secret import Secret

Written = Callable[[], dict[str, Any]]


@pytest.fixture
def written() -> Written:
    """The one line that was logged since the start of the test."""
    stream = io.StringIO()
    configure_log(logging.INFO, stream=stream)

    def only_line() -> dict[str, Any]:
        (line,) = stream.getvalue().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    return only_line


def test_a_line_is_json_with_its_ids_and_the_time_in_utc(written: Written) -> None:
    get_logger("connector.deliver").info("delivered", delivery_id=7, rows=3)
    line = written()
    assert (line["event"], line["delivery_id"], line["rows"]) == ("delivered", 7, 3)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "key",
    [
        *(
            "token",
            "access_token",
            "client_secret",
            "Authorization",
            "cookie",
            "password",
            "answer",
        ),
        *("answers", "email", "api_key", "body", "keks", "code_verifier", "signature", "sealed"),
    ],
)
def test_the_value_of_a_known_key_is_masked_at_any_depth(written: Written, key: str) -> None:
    get_logger("x").info("said", **{key: "canary"}, inside={"more": [{key: "canary"}]})
    assert "canary" not in json.dumps(written())


@pytest.mark.parametrize(
    "text",
    [
        "contact canary@example.com is gone",
        "contact Anna.Canary@Møbler.dk is gone",
        "Authorization: Bearer canary.abc-def",
        "POST /hooks/zendesk/canary?x=1",
        "GET /oauth/callback/hubspot?code=canary&state=canary",
        "postgresql://app:canary@db/answerback",
        "key ab_live_12345678canary refused",
        "violates unique constraint\nDETAIL:  Key (email)=(canary) already exists.",
    ],
)
def test_what_gives_itself_away_inside_a_text_is_masked(written: Written, text: str) -> None:
    get_logger("x").info(text, also=text)
    assert "canary" not in json.dumps(written(), ensure_ascii=False).lower()


def test_a_secret_is_masked_under_any_key(written: Written) -> None:
    get_logger("x").info("said", harmless=Secret("canary"), several=[Secret("canary")])
    assert "canary" not in json.dumps(written())


def test_an_exception_is_logged_without_values_and_locals(written: Written) -> None:
    def fail() -> None:
        hidden = "canary-local"
        message = f"no contact canary@example.com ({len(hidden)})"
        raise LookupError(message)

    try:
        fail()
    except LookupError:
        get_logger("x").exception("failed", delivery_id=1)
    line = json.dumps(written())
    assert "LookupError" in line
    assert "canary" not in line


def test_a_librarys_line_takes_the_same_way(written: Written) -> None:
    logging.getLogger("werkzeug").warning("from %s", "canary@example.com")
    line = written()
    assert line["logger"] == "werkzeug"
    assert line["event"] == "from ***"


@pytest.mark.parametrize("name", ["zenpy", "zenpy.lib.api", "urllib3.connectionpool", "rq.worker"])
def test_an_sdks_debug_lines_are_off_whatever_our_own_level(name: str) -> None:
    logging.getLogger(name).setLevel(logging.DEBUG)  # as some set it themselves
    configure_log(logging.DEBUG, stream=io.StringIO())
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_zenpys_debug_switch_does_not_reopen_the_root_logger(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG_LOG", "1")
    logging.basicConfig(format="%(message)s", level=logging.DEBUG)  # what zenpy does at import
    logging.getLogger("zenpy").debug("canary")
    get_logger("x").info("still ours")
    assert written()["event"] == "still ours"
