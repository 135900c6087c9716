"""The docs site: every page stands in its menu, and no link of the site leads beside it.

Built whole it takes some seconds: the strict build, and that nothing is fetched from outside, are
part of `./run prove`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.screenshots import MOST_BYTES, PICTURES
from docs_site import BESIDE, DOCS, ROOT, linked_on_site

DECISIONS = DOCS / "adr" / "README.md"
# What a browser fetches by itself; a link is followed by a person.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"((?:https?:)?//[^\"]+)|"
    r"<link\b[^>]*\bhref=\"((?:https?:)?//[^\"]+)"
)


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml; what it says of functions is no matter of ours."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def in_the_menu(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for one in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from in_the_menu(one)


def menu() -> list[str]:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    # Our own loader, made from the safe one.
    return list(in_the_menu(yaml.load(text, Loader)["nav"]))  # noqa: S506


def test_every_page_stands_once_in_the_menu_and_none_that_is_not_there() -> None:
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    decisions = {page for page in pages if page.startswith("adr/0")}
    assert sorted(menu()) == sorted((pages - decisions) | set(BESIDE.values()))


def test_every_decision_is_listed_by_its_title() -> None:
    titles = (
        (page, page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# "))
        for page in sorted(DOCS.glob("adr/0*.md"))
    )
    wanted = [f"- {title[:4]} [{title[5:]}]({page.name})" for page, title in titles]
    listed = DECISIONS.read_text(encoding="utf-8").splitlines()
    assert [line for line in listed if line.startswith("- ")] == wanted


@pytest.mark.parametrize(
    ("address", "text", "expected"),
    [
        ("apps/odoo.md", "[a](../tags.md#b)", "[a](../tags.md#b)"),
        ("index.md", "[a](../CHANGELOG.md)", "[a](changelog.md)"),
        ("apps/odoo.md", "[a](../../CONTRIBUTING.md#b)", "[a](../contributing.md#b)"),
        ("changelog.md", "[a](docs/apps/rest.md)", "[a](apps/rest.md)"),
        ("crm-packages/salesforce.md", "[a](../../docs/tags.md)", "[a](../tags.md)"),
        # Code is read in the repository: on the site its name stays.
        ("faults.md", "see [a_test](../tests/conftest.py)", "see a_test"),
        ("index.md", "[a](https://cel.dev) [b](#c)", "[a](https://cel.dev) [b](#c)"),
        ("samples/README.md", "[a](answerback.py)", "[a](answerback.py)"),
        ("getting-started.md", "![a](images/b.png)", "![a](images/b.png)"),
    ],
)
def test_links_are_those_of_the_site(address: str, text: str, expected: str) -> None:
    assert linked_on_site(text, address) == expected


def test_every_picture_is_one_that_the_script_takes_small_and_shown() -> None:
    pictures = {path.stem: path for path in (DOCS / "images").iterdir()}
    assert pictures.keys() == PICTURES.keys()
    assert [name for name, path in pictures.items() if path.read_bytes()[:4] != b"\x89PNG"] == []
    assert [n for n, path in pictures.items() if path.stat().st_size > MOST_BYTES] == []
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert [name for name in pictures if f"](images/{name}.png)" not in text] == []


def test_the_readme_shows_three() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^!\[.+\]\((docs/images/\w+\.png)\)$", readme, re.MULTILINE)
    assert len(shown) == 3
    assert [path for path in shown if not (ROOT / path).is_file()] == []


@pytest.mark.prove
def test_the_site_is_built_without_a_warning_and_fetches_nothing_from_outside(
    tmp_path: Path,
) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # noqa: TID251 - the whole of it
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 80
    assert [one for page in pages for one in FETCHED.findall(page.read_text("utf-8"))] == []
