"""The page that shows what a simulated CRM holds: contacts with fields, tags and notes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

MOST = 200
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; }
article { border-top: 1px solid #ccc; padding: .6rem 0; }
dl { display: grid; grid-template-columns: 16rem 1fr; margin: 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
.tag { background: #dbe7ff; border-radius: .6rem; margin-right: .4rem; padding: .1rem .5rem; }
blockquote { border-left: 3px solid #999; margin: .4rem 0; padding-left: .6rem; }
blockquote { white-space: pre-wrap; }
"""


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
        f"<h1>Simulated {escape(name)}</h1>\n"
        '<form method="get" action="/"><label>Search <input type="search" name="q" '
        f'value="{escape(query)}"></label> <button>Find</button></form>\n'
        f"<p>{told}. Newest writes first.</p>\n{articles}\n</body></html>\n"
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
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in contact.fields.items()
        if value not in (None, "")
    )
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in contact.tags)
    notes = "".join(f"<blockquote>{escape(note)}</blockquote>" for note in contact.notes)
    return (
        f'<article id="{escape(contact.id)}"><h2>{escape(contact.title)}</h2>'
        f"<p>{tags}</p><dl>{fields}</dl>{notes}</article>"
    )
