"""A sentence from below the pages is English to all, and any language to whoever shows it."""

from __future__ import annotations

import copy
import json
from typing import ClassVar

import pytest

from connector.admin import language
from connector.admin.language import said_in
from schemas.phrases import Phrase, phrase


class German:
    """A catalogue of a few words."""

    WORDS: ClassVar = {
        "%(field)s is too long: %(why)s": "%(field)s ist zu lang: %(why)s",
        "at most %(most)s": "höchstens %(most)s",
        "Port": "Anschluss",
    }

    def gettext(self, text: str) -> str:
        return self.WORDS.get(text, text)


@pytest.fixture(autouse=True)
def german(monkeypatch):
    monkeypatch.setattr(language, "catalogue", lambda _code: German())


def test_a_phrase_is_its_english_sentence():
    made = phrase("%(field)s is too long: %(why)s", field="name", why=phrase("at most %(most)s",
                  most=80))  # fmt: skip
    assert made == "name is too long: at most 80"
    assert json.loads(json.dumps({"text": made})) == {"text": "name is too long: at most 80"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (phrase("at most %(most)s", most=80), "höchstens 80"),
        (
            phrase("%(field)s is too long: %(why)s", field="a", why=phrase("at most %(most)s",
                   most=8)),
            "a ist zu lang: höchstens 8",
        ),
        ("Port", "Anschluss"),
        (phrase("Port"), "Anschluss"),
        # A value is the customer's: it is not translated, and its signs mean nothing.
        (phrase("%(field)s is too long: %(why)s", field="Port", why="100%(x)s"),
         "Port ist zu lang: 100%(x)s"),
        ("an unknown text, 100%", "an unknown text, 100%"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_text_is_said_in_another_language(text, expected):
    assert said_in("de", text) == expected


def test_a_copy_can_still_be_said():
    made = copy.deepcopy(phrase("at most %(most)s", most=80))
    assert isinstance(made, Phrase)
    assert said_in("de", made) == "höchstens 80"
