"""Every text of the pages exists in every language, and keeps its values."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from adapters import registry
from adapters.traits import SettingField
from tests.pages.conftest import text_of
from tests.pages.extraction import OTHERS, said, translated

VALUES = re.compile(r"%\((\w+)\)s")
# Signs as each language sets them: a colon in French must not begin the next line.
STRAIGHT = re.compile(r"[^\W\d_]'[^\W\d_]")
BREAKS = re.compile(r"« | [;!?:»](?:\W|$)")
# Who uses the pages is one person to them, and the same to all of them.
FORMAL = re.compile(r"\b(?:Lei|Sua|Suo|Suoi|Sue|invitarLa|[Vv]ostr[aeio])\b")


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


def spoken(code: str) -> list[str]:
    """All that is said in a language; an expression's own signs are not words of it."""
    told = (one for message in translated(code).values() for one in forms(message.string))
    return [one for one in told if "? :" not in one]


@pytest.mark.parametrize("code", ["da", "fr", "it"])
def test_an_apostrophe_is_a_curved_one(code):
    assert [one for one in spoken(code) if STRAIGHT.search(one)] == []


def test_french_keeps_its_signs_on_the_line_of_their_word():
    assert [one for one in spoken("fr") if BREAKS.search(one)] == []


def test_italian_calls_the_reader_tu():
    assert [one for one in spoken("it") if FORMAL.search(one)] == []


def test_texts_are_found_in_templates_and_in_modules_and_in_what_is_data():
    areas = set(said().values())
    assert {"common", "refusing", "brought_apps", "brought_steps", "refusals"} <= areas
    assert "Sign in" in said()


def test_what_an_adapter_brings_has_to_be_translated(monkeypatch):
    new = SettingField("region", label="Region of the account", help="Where it was opened.")
    traits = registry.traits_of("zendesk")
    monkeypatch.setattr(registry, "traits_of", lambda _: replace(traits, settings=(new,)))
    has = translated("de")
    lacking = {text for text in said() if text not in has}
    assert lacking == {"Region of the account", "Where it was opened."}


def test_an_app_is_connected_in_the_language_of_the_reader(alice):
    page = text_of(alice.get("~/apps/zendesk", **{"Accept-Language": "fr"}))
    assert "Sous-domaine" in page
    assert "La première partie de votre adresse : acme pour acme.zendesk.com." in page


def test_an_app_is_found_by_what_it_is_called_here_and_in_english(alice):
    for search in ("salon", "chat room"):
        page = text_of(alice.get(f"~/apps?search={search}", **{"Accept-Language": "fr"}))
        assert "Salon de discussion" in page


def test_a_refusal_is_said_in_the_language_of_the_reader(alice):
    italian = {"Accept-Language": "it"}
    alice.get("~/apps/zendesk")
    answer = alice.post("~/apps/zendesk", headers=italian, name="Zendesk", key="a@b.test/token:c")
    assert answer.status_code == 422
    assert "Required" not in text_of(answer)


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
