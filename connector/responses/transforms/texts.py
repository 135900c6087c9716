"""Transformations of text. Pure."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from connector.responses.graphemes import clusters, cut_with, units
from connector.responses.transforms.core import Context, Example, Param, Params, Transformation

_ELLIPSIS = "…"
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = frozenset({"script", "style", "head", "template"})


def _cut(text: str, params: Params, _: Context) -> str:
    mark = _ELLIPSIS if params["ellipsis"] else ""
    if params["count"] == "units":
        return cut_with(text, params["length"], mark)
    signs = clusters(text)
    if len(signs) <= params["length"]:
        return text
    return "".join(signs[: params["length"] - len(mark)]) + mark


def _title(text: str, _: Params, __: Context) -> str:
    return re.sub(r"[^\s-]+", lambda word: word.group()[0].upper() + word.group()[1:].lower(), text)


class _Readable(HTMLParser):
    """Collects what a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's signature
        self.hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _HIDDEN and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def _strip_html(text: str, _: Params, __: Context) -> str:
    page = _Readable()
    page.feed(text)
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _replace(text: str, params: Params, _: Context) -> str:
    return text.replace(params["find"], params["with"])


def _not_empty(value: str) -> str | None:
    return None if value else "must not be empty"


TEXTS = (
    Transformation(
        "cut",
        "Cut to a length",
        "Keeps the beginning, never cutting through an emoji or an accent. `count: units` counts "
        "as most CRMs do (an emoji is two or more), `characters` as a reader does.",
        "text",
        _cut,
        (
            Example("Friendly staff", "Frien", {"length": 5}),
            Example("Friendly staff", "Friend…", {"length": 7, "ellipsis": True}),
            Example("👨‍👩‍👧‍👦👍🏽!", "👨‍👩‍👧‍👦👍🏽", {"length": 2}),
        ),
        (
            Param("length", "whole", "the most characters", required=True, low=1),
            Param("ellipsis", "flag", "end what was cut with …", default=False),
            Param(
                "count",
                "text",
                "what is counted",
                default="characters",
                choices=("characters", "units"),
            ),
        ),
    ),
    Transformation(
        "trim",
        "Trim",
        "Removes white space at both ends.",
        "text",
        lambda text, _, __: text.strip(),
        (Example("  Friendly\n", "Friendly"),),
    ),
    Transformation(
        "collapse_spaces",
        "Collapse spaces",
        "Makes every run of spaces and line breaks one space.",
        "text",
        lambda text, _, __: " ".join(text.split()),
        (Example("so \t friendly\n\nstaff", "so friendly staff"),),
    ),
    Transformation(
        "upper",
        "Upper case",
        "Makes every letter a capital.",
        "text",
        lambda text, _, __: text.upper(),
        (Example("møde", "MØDE"),),
    ),
    Transformation(
        "lower",
        "Lower case",
        "Makes every letter a small one.",
        "text",
        lambda text, _, __: text.lower(),
        (Example("MØDE", "møde"),),
    ),
    Transformation(
        "title_case",
        "Capitalise words",
        "A capital at the beginning of each word and behind a hyphen.",
        "text",
        _title,
        (Example("jean-luc ØSTERGÅRD", "Jean-Luc Østergård"),),
    ),
    Transformation(
        "replace",
        "Replace text",
        "Replaces each occurrence of a text, taken literally.",
        "text",
        _replace,
        (
            Example("a.b.c", "a-b-c", {"find": ".", "with": "-"}),
            Example("no. 7", "7", {"find": "no. "}),
        ),
        (
            Param("find", "text", "what is looked for", required=True, check=_not_empty),
            Param("with", "text", "what stands in its place", default=""),
        ),
    ),
    Transformation(
        "prefix",
        "Put before",
        "Puts a text before the value.",
        "text",
        lambda text, params, _: params["text"] + text,
        (Example("42", "Shop 42", {"text": "Shop "}),),
        (Param("text", "text", "what stands before", required=True),),
    ),
    Transformation(
        "suffix",
        "Put behind",
        "Puts a text behind the value.",
        "text",
        lambda text, params, _: text + params["text"],
        (Example(9, "9/10", {"text": "/10"}),),
        (Param("text", "text", "what stands behind", required=True),),
    ),
    Transformation(
        "html_escape",
        "Escape HTML",
        "Writes &, <, > and quotes as entities, for fields that show HTML.",
        "text",
        lambda text, _, __: html.escape(text),
        (Example("R&D <3", "R&amp;D &lt;3"),),
    ),
    Transformation(
        "strip_html",
        "Remove HTML",
        "Leaves the text a reader of the page would see.",
        "text",
        _strip_html,
        (Example("<p>R&amp;D</p><p>is <b>good</b></p>", "R&D\nis good"),),
    ),
    Transformation(
        "length",
        "Length",
        "Counts the characters as a CRM does (UTF-16 code units).",
        "text",
        lambda text, _, __: units(text),
        (Example("Fint 👍", 7),),
    ),
)
