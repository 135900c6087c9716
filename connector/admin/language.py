"""Texts in five languages: English in the code, the others in translations/<language>/<area>.po.

An area is a folder of templates or a module, so that two people who work on two pages write two
files. They are read as text: nothing is compiled, nothing can be stale. A test finds every text
that a language lacks.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, request

from connector.api.cookies import cookie
from schemas.phrases import Phrase

LANGUAGES = {
    "en": "English", "da": "Dansk", "de": "Deutsch", "fr": "Français", "it": "Italiano",
}  # fmt: skip
FOLDER = Path(__file__).parent / "translations"
COOKIE_KEY = "language"


def install(app: Flask) -> None:
    """Let templates say _("...") and {% trans %}."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: catalogue(language()).gettext(text),
        lambda one, many, n: catalogue(language()).ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.filters["said"] = said


def language() -> str:
    """The language of this request: chosen, else the browser's, else English."""
    if "language" not in g:
        g.language = _chosen()
    return str(g.language)


def gettext(text: str, **values: object) -> str:
    """The text in the language of this request; `%(name)s` takes its values."""
    said = str(catalogue(language()).gettext(text))
    return said % values if values else said


def said(text: str) -> str:
    """A text that comes from below the pages, in the language of this request. For templates, which
    escape it: `_()` takes what it says for safe.
    """
    return said_in(language(), text)


def said_in(code: str, text: str) -> str:
    """The same in that language; a text that nobody has translated stays as it is."""
    if not text:
        return ""
    if not isinstance(text, Phrase):
        return str(catalogue(code).gettext(text))
    values = {name: _value_in(code, value) for name, value in text.values.items()}
    pattern = str(catalogue(code).gettext(text.pattern))
    return pattern % values if values else pattern


def _value_in(code: str, value: object) -> object:
    return said_in(code, value) if isinstance(value, Phrase) else value


def marked(text: str) -> str:
    """A text that is translated where it is shown: gettext(marked_text)."""
    return text


@cache
def catalogue(code: str) -> Translations:
    """Every area's texts of one language."""
    whole = Translations()
    for path in sorted((FOLDER / code).glob("*.po")):
        whole.merge(_read(path, code))
    return whole


def _read(path: Path, code: str) -> Translations:
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(fp=compiled)


def _chosen() -> str:
    kept = cookie(COOKIE_KEY)
    if kept in LANGUAGES:
        return kept
    return request.accept_languages.best_match(list(LANGUAGES), default="en") or "en"
