"""A ContentNote's body: base64 of HTML on the wire, plain text for whoever reads it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from html import unescape

from simulators.salesforce.values import Code, refuse

PREVIEW = 255


def note_html(content: str | None) -> str:
    """The HTML inside a note's Content. Raises RowRefused when it is no base64 of UTF-8."""
    try:
        return base64.b64decode(content or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        message = "Note Can't Be Saved Because It Contains HTML Tags Or Unescaped Characters"
        raise refuse(Code.FIELD_INTEGRITY_EXCEPTION, message, "Content") from exc


def note_text(content: str | None) -> str:
    """The note as plain text: tags dropped, breaks and paragraphs as lines."""
    html = note_html(content)
    lines = re.sub(r"(?i)<br\s*/?>|</(p|div|li|h\d)>", "\n", html)
    return unescape(re.sub(r"<[^>]+>", "", lines)).strip()


def demand_readable(content: str | None) -> None:
    """Refuse what Salesforce refuses: a bare & or < in the HTML. Raises RowRefused."""
    html = note_html(content)
    rest = re.sub(r"</?[A-Za-z][^<>]*>|&(#\d+|#x[0-9a-fA-F]+|[A-Za-z]+);", "", html)
    if re.search(r"[<&]", rest):
        message = "Note Can't Be Saved Because It Contains HTML Tags Or Unescaped Characters"
        raise refuse(Code.FIELD_INTEGRITY_EXCEPTION, message, "Content")
