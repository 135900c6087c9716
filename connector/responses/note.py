"""The note with questions and answers on a contact: what a colleague reads in the CRM. Pure.

Its labels need no translation: the questions' own titles, ISO dates, `9/10`, `1.` `2.`, `✓` and
`✗`. The last line is the marker by which the note is found again, so it is never cut.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.responses.graphemes import clusters, cut_with, units

_CUT = "…"
# Below this much room a cut answer says nothing: the block is left out and counted.
_LEAST_ROOM = 24
_LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class NoteText:
    """A note as plain text and as escaped HTML. `left_out` counts answers that did not fit."""

    title: str
    text: str
    html: str
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    title: str
    lines: tuple[_Line, ...]


def marker_line(marker: str) -> str:
    """The line by which a note is found again."""
    return f"ref: {marker}"


def note_of(
    response: Mapping[str, Any],
    marker: str,
    *,
    order: Sequence[str] = (),
    leave_out: frozenset[str] = frozenset(),
    limit: int | None = None,
) -> NoteText | None:
    """The note of a stored response; None where no answer is left to tell.

    `order` is the survey's order of answer keys (others follow as they came), `leave_out` the
    answers that found a field, `limit` the CRM's length limit in UTF-16 code units for either form
    (at least 1,000: the head and the marker are never cut).
    """
    keys = [key for key in _ordered(response["answers"], order) if key not in leave_out]
    if not keys:
        return None
    blocks = [_block(key, response["answers"][key]) for key in keys]
    end = marker_line(marker)
    text, dropped = _joined(blocks, _as_text, limit=limit, head=_head(response), end=f"\n{end}")
    page, lost = _joined(
        blocks,
        _as_html,
        limit=limit,
        head=f"<p>{html.escape(_head(response))}</p>",
        end=f"<p>{html.escape(end)}</p>",
    )
    return NoteText(title_of(response), text, page, max(dropped, lost))


def _ordered(answers: Mapping[str, Any], order: Sequence[str]) -> list[str]:
    listed = [key for key in order if key in answers]
    return [*listed, *(key for key in answers if key not in set(listed))]


def title_of(response: Mapping[str, Any]) -> str:
    """What a response is called: by its campaign, else its survey, else its own id."""
    campaign, survey = response.get("campaign") or {}, response.get("survey") or {}
    name = campaign.get("name") or survey.get("name") or campaign.get("id") or survey.get("id")
    return cut_with(" ".join(_clean(name or response["response_id"]).split()), _LONGEST_TITLE, _CUT)


def _head(response: Mapping[str, Any]) -> str:
    answered = response["submitted_at"][:16].replace("T", " ")
    return f"{title_of(response)} · {answered} UTC"


def _block(key: str, answer: Mapping[str, Any]) -> _Block:
    title = " ".join(_clean(answer.get("title") or key).split())
    lines = (*_LINES[answer["type"]](answer), *_other(answer))
    return _Block(title, lines or (_Line("-"),))


def _clean(text: str) -> str:
    """The text without control signs (a CRM may refuse them) and with plain line ends."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        sign for sign in plain if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs"}
    )


def _text_lines(answer: Mapping[str, Any]) -> Iterable[_Line]:
    return tuple(_Line(line) for line in _clean(str(answer["value"])).split("\n"))


def _number(answer: Mapping[str, Any]) -> Iterable[_Line]:
    top = {"nps": 10}.get(answer["type"]) or (answer.get("scale") or {}).get("max")
    return (_Line(f"{answer['value']}/{top}" if top else str(answer["value"])),)


def _duration(answer: Mapping[str, Any]) -> Iterable[_Line]:
    minutes, seconds = divmod(int(answer["value"]), 60)
    hours, minutes = divmod(minutes, 60)
    return (_Line(f"{hours}:{minutes:02}:{seconds:02}"),)


def _truth(answer: Mapping[str, Any]) -> Iterable[_Line]:
    return (_Line("✓" if answer["value"] else "✗"),)


def _moment(answer: Mapping[str, Any]) -> Iterable[_Line]:
    return (_Line(f"{answer['value'][:16].replace('T', ' ')} UTC"),)


def _choice(answer: Mapping[str, Any]) -> Iterable[_Line]:
    return (_Line(_clean(answer.get("label") or answer["value"])),)


def _choices(answer: Mapping[str, Any]) -> Iterable[_Line]:
    labels = _labels(answer)
    return (_Line(", ".join(labels)),) if labels else ()


def _ranking(answer: Mapping[str, Any]) -> Iterable[_Line]:
    labels = _labels(answer)
    return tuple(_Line(f"{place}. {label}") for place, label in enumerate(labels, start=1))


def _labels(answer: Mapping[str, Any]) -> tuple[str, ...]:
    labels = answer.get("labels") or ()
    chosen = labels if len(labels) == len(answer["value"]) else answer["value"]
    return tuple(_clean(one) for one in chosen)


def _files(answer: Mapping[str, Any]) -> Iterable[_Line]:
    files = answer["value"] if isinstance(answer["value"], list) else [answer["value"]]
    return tuple(_file(one) for one in files)


def _file(one: Mapping[str, Any]) -> _Line:
    """A file by its name, with its address where it came by one."""
    url = one.get("url")
    name = _clean(one.get("name") or url or "✓")
    return _Line(name, _clean(url) if url else None)


def _matrix(answer: Mapping[str, Any]) -> Iterable[_Line]:
    texts = answer.get("labels") or {}
    rows, columns = texts.get("rows", {}), texts.get("cols", {})
    return tuple(
        _Line(_clean(f"{rows.get(key, key)}: {', '.join(columns.get(one, one) for one in chosen)}"))
        for key, chosen in answer["value"].items()
    )


def _other(answer: Mapping[str, Any]) -> Iterable[_Line]:
    return (_Line(_clean(answer["other"]).replace("\n", " ")),) if answer.get("other") else ()


_LINES: Mapping[str, Callable[[Mapping[str, Any]], Iterable[_Line]]] = {
    "nps": _number,
    "rating": _number,
    "number": _number,
    "duration": _duration,
    "single_choice": _choice,
    "multi_choice": _choices,
    "text": _text_lines,
    "long_text": _text_lines,
    "date": _text_lines,
    "datetime": _moment,
    "boolean": _truth,
    "file": _files,
    "signature": _files,
    "matrix": _matrix,
    "ranking": _ranking,
}


def _as_text(block: _Block, room: int) -> str:
    """The block in at most `room` units, or nothing where it would be cut beyond sense."""
    shown = [_text_line(line) for line in block.lines]
    if len(shown) == 1:
        whole = f"{block.title}: {shown[0]}\n"
    else:
        whole = "\n  ".join((f"{block.title}:", *shown)) + "\n"
    if units(whole) <= room:
        return whole
    return cut_with(whole.rstrip("\n"), room - 1, _CUT) + "\n" if room > _LEAST_ROOM else ""


def _text_line(line: _Line) -> str:
    return line.text if line.url in (None, line.text) else f"{line.text} {line.url}"


def _as_html(block: _Block, room: int) -> str:
    """As `_as_text`; no entity or tag is ever cut, because the text is cut before it is escaped."""
    whole = _paragraph(
        html.escape(block.title), "<br>".join(_html_line(line) for line in block.lines)
    )
    if units(whole) <= room:
        return whole
    frame = units(_paragraph("", ""))
    if room - frame <= _LEAST_ROOM:
        return ""
    title = _escaped_within(block.title, room - frame)
    # A cut link leads nowhere: what does not fit whole is shown as text.
    rest = "\n".join(line.text for line in block.lines)
    body = _escaped_within(rest, room - frame - units(title))
    return _paragraph(title, body)


def _paragraph(title: str, body: str) -> str:
    return f"<p><b>{title}</b><br>{body}</p>"


def _html_line(line: _Line) -> str:
    text = html.escape(line.text)
    if line.url is None or not line.url.startswith(("https://", "http://")):
        return text
    return f'<a href="{html.escape(line.url)}">{text}</a>'


def _escaped_within(text: str, room: int) -> str:
    whole = html.escape(text).replace("\n", "<br>")
    if units(whole) <= room:
        return whole
    kept: list[str] = []
    left = room - units(_CUT)
    for sign in clusters(text):
        escaped = html.escape(sign).replace("\n", "<br>")
        left -= units(escaped)
        if left < 0:
            break
        kept.append(escaped)
    return "".join(kept) + _CUT if room >= units(_CUT) else ""


def _joined(
    blocks: Sequence[_Block],
    write: Callable[[_Block, int], str],
    *,
    limit: int | None,
    head: str,
    end: str,
) -> tuple[str, int]:
    """Head, as many blocks as fit, and the marker, always; and how many blocks were left out."""
    opening = f"{head}\n"
    if limit is None:
        room = sum(units(one.title) + sum(map(_line_room, one.lines)) + 99 for one in blocks)
    else:
        room = limit - units(end) - units(opening) - units(_more(len(blocks)))
    parts: list[str] = []
    for place, block in enumerate(blocks):
        written = write(block, room)
        if not written:
            left_out = len(blocks) - place
            return opening + "".join(parts) + _more(left_out) + end, left_out
        parts.append(written)
        room -= units(written)
    return opening + "".join(parts) + end, 0


def _line_room(line: _Line) -> int:
    # Each sign can become an entity of six.
    return 6 * (units(line.text) + units(line.url or "")) + 20


def _more(count: int) -> str:
    return f"{_CUT} (+{count})"
