"""Every text of the pages exists in every language, and keeps its values."""

from __future__ import annotations

import re

import pytest

from tests.pages.extraction import OTHERS, said, translated

VALUES = re.compile(r"%\((\w+)\)s")


def forms(string: object) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_missing(code):
    has = translated(code)
    missing = [text for text in said() if text not in has or not all(forms(has[text].string))]
    assert missing == [], f"./run words writes them to connector/admin/translations/{code}"


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_of_a_text_that_nobody_says(code):
    assert sorted(map(str, set(translated(code)) - set(said()))) == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_keeps_the_values_of_its_text(code):
    wrong = [
        text
        for text, message in translated(code).items()
        for string in forms(message.string)
        if set(VALUES.findall(string)) != set(VALUES.findall(forms(text)[-1]))
        and not (len(forms(text)) > 1 and "%" not in string)
    ]
    assert wrong == []


def test_texts_are_found_in_templates_and_in_modules():
    areas = set(said().values())
    assert {"common", "refusing"} <= areas
    assert "Sign in" in said()


def test_a_page_speaks_the_language_that_the_browser_asks_for(app):
    client = app.test_client()
    page = client.get("/sign-in", headers={"Accept-Language": "de-CH,de;q=0.9"}).text
    assert '<html lang="de"' in page
    assert "Anmelden" in page


def test_a_language_that_was_chosen_stays(alice):
    answer = alice.post("/preferences", language="da", next="/account")
    assert answer.headers["Location"] == "/account"
    page = alice.get("/account", **{"Accept-Language": "fr"}).text
    assert '<html lang="da"' in page


def test_a_language_that_we_do_not_have_is_english(app):
    page = app.test_client().get("/sign-in", headers={"Accept-Language": "eo"}).text
    assert '<html lang="en"' in page
