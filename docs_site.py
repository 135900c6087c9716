"""Hooks of the docs site (mkdocs.yml): the pages that lie beside docs/, and links that leave it.

In the repository a page links to tests and to files of its root. On the site the few pages of the
root are pages, too, and what is no page keeps its words and loses its link.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent
DOCS = ROOT / "docs"
# What lies beside docs/ -> its address on the site.
BESIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "crm-packages/salesforce/README.md": "crm-packages/salesforce.md",
}
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """MkDocs calls this once, with the files of docs/."""
    for path, address in BESIDE.items():
        files.append(File.generated(config, address, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """MkDocs calls this with the text of each page."""
    del config, files
    return linked_on_site(markdown, page.file.src_uri)


def linked_on_site(text: str, address: str) -> str:
    """A page's text with its links as they are on the site. `address`: the page's own there."""
    origin = _origin_of(address)

    def written(link: re.Match[str]) -> str:
        words, target, place = link[1], link[2], link[3] or ""
        there = _address_of(Path(os.path.normpath(origin.parent / target)))
        if there is None:
            return words
        return f"[{words}]({posixpath.relpath(there, posixpath.dirname(address) or '.')}{place})"

    return LINK.sub(written, text)


def _origin_of(address: str) -> Path:
    """The file that a page of the site was made from."""
    beside = next((path for path, one in BESIDE.items() if one == address), None)
    return ROOT / beside if beside else DOCS / address


def _address_of(path: Path) -> str | None:
    """A file's address on the site; None where it has none."""
    beside = BESIDE.get(path.relative_to(ROOT).as_posix()) if path.is_relative_to(ROOT) else None
    if beside or not path.is_relative_to(DOCS):
        return beside
    return path.relative_to(DOCS).as_posix()
