"""The texts of the pages, and what each language lacks of them: `./run words` writes the gaps.

A text belongs to the area of the place where it is first said: a folder of templates, or a module.
A language may have it in any of its files.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import normalize, read_po

from adapters import registry
from connector.admin.language import FOLDER, LANGUAGES
from connector.connections.parking import OTHERWISE, WHAT_TO_DO
from connector.problems import CATALOGUE
from connector.responses.transforms import TRANSFORMS
from schemas.sources import PLATFORMS

ROOT = Path(__file__).resolve().parents[2]
CONNECTOR = ROOT / "connector"
OTHERS = [code for code in LANGUAGES if code != "en"]
KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
# Sentences that are made below the pages, and said by them.
PHRASES = {"phrase": None}
Text = str | tuple[str, ...]


def said() -> dict[Text, str]:
    """Every text of templates, modules and what is data, with its area."""
    found = dict(_in_files())
    for text, area in brought():
        found.setdefault(text, area)
    return found


@cache
def _in_files() -> Mapping[Text, str]:
    """Those of the templates and modules: to read them all takes seconds."""
    found: dict[Text, str] = {}
    for path, text in [
        *_in(CONNECTOR / "templates", "jinja2"),
        *_in(CONNECTOR / "admin", "python"),
    ]:
        found.setdefault(text, area_of(path))
    for text, area in _phrases():
        found.setdefault(text, area)
    return found


def _phrases() -> Iterator[tuple[Text, str]]:
    for folder in ("connector", "adapters", "schemas"):
        for _, text in _in(ROOT / folder, "python", PHRASES):
            yield text, "phrases"


def brought() -> Iterator[tuple[Text, str]]:
    """The texts of what is data: apps, transformations, platforms, kinds of refusals."""
    for app in registry.apps():
        traits = registry.traits_of(app)
        every = [traits.label, traits.key_label or ""]
        every += [text for one in traits.settings for text in (one.label, one.help)]
        yield from ((text, "brought_apps") for text in every if text)
    for one in TRANSFORMS.values():
        every = [one.label, one.description, *(param.help for param in one.params)]
        yield from ((text, "brought_steps") for text in every if text)
    yield from ((one.label, "brought_platforms") for one in PLATFORMS.values())
    yield from ((text, "refusals") for text in (*WHAT_TO_DO.values(), OTHERWISE))
    for kind in CATALOGUE.values():
        yield from ((text, "refusals") for text in (kind.title, kind.mend))


def _in(
    folder: Path, kind: str, keywords: Mapping[str, Any] = MappingProxyType(KEYWORDS)
) -> Iterator[tuple[Path, Text]]:
    pattern = "**.html" if kind == "jinja2" else "**.py"
    method = "jinja2.ext:babel_extract" if kind == "jinja2" else "python"
    for name, _line, text, _comments, _context in extract_from_dir(
        folder, [(pattern, method)], {pattern: {}}, dict(keywords)
    ):
        yield folder / name, text


def area_of(path: Path) -> str:
    """The file of translations that a text of this file goes to."""
    if path.suffix == ".py":
        return path.stem if path.parent.name == "admin" else path.parent.name
    return path.parent.name if path.parent.name != "pages" else "common"


def files_of(code: str) -> dict[str, Catalog]:
    """A language's files by area."""
    return {
        path.stem: read_po(io.BytesIO(path.read_bytes()), locale=code)
        for path in sorted((FOLDER / code).glob("*.po"))
    }


@cache
def translated(code: str) -> Mapping[Text, Message]:
    """What the language has, from all its files."""
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message
        for catalog in files_of(code).values()
        for message in catalog
        if message.id
    }


def write_gaps(code: str) -> int:
    """Add what the language lacks, untranslated, and take out what nobody says any more; how many
    texts are to be translated.
    """
    texts, kept = said(), {}
    for area, catalog in files_of(code).items():
        for message in catalog:
            text = message.id if isinstance(message.id, str) else tuple(message.id)
            if text and text in texts and text not in kept:
                kept[text] = (area, message.string)
    for text, area in texts.items():
        kept.setdefault(text, (area, "" if isinstance(text, str) else ("", "")))
    for area in {area for area, _ in kept.values()} | set(files_of(code)):
        entries = {text: string for text, (where, string) in kept.items() if where == area}
        _write(FOLDER / code / f"{area}.po", code, entries)
    return sum(1 for _, string in kept.values() if not all(_strings(string)))


def _strings(string: object) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)  # type: ignore[arg-type]


def _write(path: Path, code: str, entries: Mapping[Text, object]) -> None:
    if not entries:
        path.unlink(missing_ok=True)
        return
    plural = "nplurals=2; plural=(n > 1);" if code == "fr" else "nplurals=2; plural=(n != 1);"
    lines = [
        'msgid ""', 'msgstr ""', f'"Language: {code}\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"', f'"Plural-Forms: {plural}\\n"',
    ]  # fmt: skip
    for text, string in sorted(entries.items(), key=lambda entry: _strings(entry[0])):
        lines += ["", *_entry(text, string)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _entry(text: Text, string: object) -> list[str]:
    if isinstance(text, str):
        flags = ["#, python-format"] if re.search(r"%\(\w+\)s", text) else []
        return [
            *flags,
            f"msgid {normalize(text, width=0)}",
            f"msgstr {normalize(str(string), width=0)}",
        ]
    one, many = text[0], text[1]
    forms = [f"msgstr[{n}] {normalize(form, width=0)}" for n, form in enumerate(_strings(string))]
    return [f"msgid {normalize(one, width=0)}", f"msgid_plural {normalize(many, width=0)}", *forms]


if __name__ == "__main__":
    for each in OTHERS:
        print(f"{each}: {write_gaps(each)} texts to be translated")
