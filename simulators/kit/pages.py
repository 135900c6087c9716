"""The page that shows what a simulated CRM holds: contacts with fields, tags and notes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape

MOST = 200
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body {
  font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 0 1rem 3rem;
}
header {
  background: Canvas; border-bottom: 1px solid var(--line); padding: .6rem 0; position: sticky;
  top: 0;
}
header p { margin: .2rem 0 0; opacity: .75; }
h1, form { display: inline-block; margin: 0 1rem 0 0; }
h1 { font-size: 1.2rem; }
h2 { font-size: 1.05rem; margin: 0; }
article {
  border: 1px solid var(--line); border-radius: .5rem; margin: .8rem 0; padding: .7rem 1rem;
}
dl { display: grid; gap: 0 1rem; grid-template-columns: max-content 1fr; margin: .4rem 0; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.tag {
  background: #3b6fd61f; border: 1px solid #3b6fd655; border-radius: .6rem; margin-right: .4rem;
  padding: .05rem .5rem;
}
blockquote {
  background: var(--soft); border-left: 3px solid var(--line); margin: .4rem 0;
  padding: .3rem .7rem; white-space: pre-wrap;
}
"""
_BREAKS = re.compile(r"(?i)<br\s*/?>|</(?:p|div|li|h[1-6]|tr)>")
_MARKUP = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Shown:
    """One contact as the page shows it."""

    id: str
    title: str
    fields: Mapping[str, object] = field(default_factory=dict)
    tags: Sequence[str] = ()
    notes: Sequence[str] = ()


def page(name: str, contacts: Sequence[Shown], *, query: str, style: str) -> str:
    """The whole page. `query` keeps the contacts that hold it anywhere, whatever the case."""
    found = [one for one in contacts if _holds(one, query.casefold())]
    told = f"{len(found)} of {len(contacts)} contacts" + (
        f", the first {MOST} shown" if len(found) > MOST else ""
    )
    articles = "\n".join(_article(one) for one in found[:MOST])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Simulated {escape(name)}</title>"
        f'<link rel="stylesheet" href="{escape(style)}"></head><body>\n'
        f"<header><h1>Simulated {escape(name)}</h1>\n"
        '<form method="get" action="/"><label>Search <input type="search" name="q" '
        f'value="{escape(query)}"></label> <button>Find</button></form>\n'
        f"<p>{told}. Newest writes first. "
        '<a href="/__sim__/log">Every call as JSON</a></p></header>'
        f"\n{articles}\n</body></html>\n"
    )


def _holds(contact: Shown, query: str) -> bool:
    if not query:
        return True
    texts = [
        contact.id,
        contact.title,
        *contact.tags,
        *contact.notes,
        *map(str, contact.fields.values()),
    ]
    return any(query in text.casefold() for text in texts)


def _article(contact: Shown) -> str:
    fields = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_text(value))}</dd>"
        for name, value in contact.fields.items()
        if value not in (None, "")
    )
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in contact.tags)
    notes = "".join(f"<blockquote>{escape(note)}</blockquote>" for note in contact.notes)
    return (
        f'<article id="{escape(contact.id)}"><h2>{escape(contact.title)}</h2>'
        f"<div>{tags}</div><dl>{fields}</dl>{notes}</article>"
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def readable(markup: str) -> str:
    """HTML as the text a person reads, line by line."""
    return unescape(_MARKUP.sub("", _BREAKS.sub("\n", markup))).strip()
