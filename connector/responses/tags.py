"""Score tags: the canonical `NPSToday.<Campaign>.<Score>`, and how each CRM spells it. Pure.

The canonical tag lives in our database. A CRM may refuse some of its characters, so it gets a
*spelling* in one of three styles: `verbatim` keeps all, `safe` is lower case with `_` for dots and
spaces, `ascii` also folds letters. What may be removed from a contact is never guessed from a tag's
look: it is the exact set of spellings that the eleven scores of one campaign can have (`owned`), so
that `Møde` cannot eat `Møde.Salg` and `NPSToday.NoSend` stays.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connector.responses.graphemes import cut, units

SCORES = range(11)
MAX_NAME_UNITS = 120

_SCORE = re.compile(r"10|[0-9]")
_SEPARATORS = frozenset("._-:/")
# ZWNJ and ZWJ carry meaning (Persian, Indic scripts, emoji families); every other format sign is
# invisible, and the bidirectional ones can make a tag read as another one.
_JOINERS = frozenset("\u200c\u200d")
_REMOVED = frozenset({"Cc", "Cf", "Cs"})
# The folding of facts/zendesk.md section 8; other accents go by Unicode decomposition.
_FOLDED = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
)


class NotAScore(ValueError):
    """The value cannot stand in a score tag: only whole numbers from 0 to 10 can."""


class UnusableName(ValueError):
    """Nothing readable is left of a campaign's name, or a tag pattern cannot be told apart
    again.
    """


@dataclass(frozen=True, slots=True)
class TagPattern:
    """How a workspace writes its tags: prefix, sign between the parts, and the word of the opt-out
    tag.
    """

    prefix: str = "NPSToday"
    separator: str = "."
    no_send_word: str = "NoSend"

    @property
    def no_send(self) -> str:
        """The tag that opts a contact out; no score tag can ever equal it."""
        return f"{self.prefix}{self.separator}{self.no_send_word}"


@dataclass(frozen=True, slots=True)
class ScoreTag:
    """What a score tag says."""

    campaign: str
    score: int


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a CRM's tags may hold: its styles in order of preference, the sign between two tags, the
    length limit.

    `separator` " " means that spaces separate tags (they become `_`); any other sign is left out of
    the names. `max_length` counts UTF-16 code units of the whole tag.
    """

    styles: tuple[str, ...] = ("verbatim",)
    separator: str | None = None
    max_length: int = 255


NPS_TODAY = TagPattern()
PLAIN = Spelling()


def tag_pattern(prefix: str, separator: str, *, no_send_word: str) -> TagPattern:
    """The pattern an admin asked for. Raises UnusableName where its tags could not be told apart
    again.
    """
    if separator not in _SEPARATORS:
        message = "the tag separator must be one of . _ - : /"
        raise UnusableName(message)
    for word in (prefix, no_send_word):
        if tag_name(word) != word or " " in word:
            message = "the tag prefix and the opt-out word must be visible words without spaces"
            raise UnusableName(message)
    if _SCORE.fullmatch(no_send_word.rpartition(separator)[2]):
        message = "the opt-out word must not end like a score"
        raise UnusableName(message)
    return TagPattern(prefix, separator, no_send_word)


def pattern_of(tags: Mapping[str, Any]) -> TagPattern:
    """The workspace's tag pattern: what its settings say, else the default."""
    prefix = str(tags.get("prefix") or NPS_TODAY.prefix)
    separator = str(tags.get("separator") or NPS_TODAY.separator)
    opt_out = str(tags.get("opt_out") or "").removeprefix(f"{prefix}{separator}")
    return TagPattern(prefix, separator, opt_out or NPS_TODAY.no_send_word)


def former_patterns(tags: Mapping[str, Any]) -> tuple[TagPattern, ...]:
    """The patterns that the workspace's tags had before: what was written by them is still ours."""
    return tuple(TagPattern(prefix, separator) for prefix, separator in tags.get("former", ()))


def tag_name(name: str) -> str:
    """The name a campaign has in its tags, frozen when the campaign is registered. A repeat changes
    nothing.

    NFC; spaces and line breaks are single spaces, none at the ends; control, format and
    bidirectional signs are gone; at most MAX_NAME_UNITS long, cut between characters. Raises
    UnusableName when nothing is left.
    """
    spaced = " ".join(unicodedata.normalize("NFC", _visible(name)).split())
    # Cutting can leave a space at the end.
    kept = cut(spaced, MAX_NAME_UNITS).strip()
    if not kept.strip("\u200c\u200d "):
        message = "the campaign's name has no visible character"
        raise UnusableName(message)
    return kept


def score_of(value: object) -> int:
    """The score as a whole number from 0 to 10. Decimals, booleans and anything else raise
    NotAScore.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value in SCORES:
        return value
    if isinstance(value, str) and _SCORE.fullmatch(value):
        return int(value)
    message = "a score tag needs a whole number from 0 to 10"
    raise NotAScore(message)


def canonical_tag(campaign: str, score: object, *, pattern: TagPattern = NPS_TODAY) -> str:
    """The canonical tag of a campaign's tag name and a score. Raises NotAScore, UnusableName."""
    sign = pattern.separator
    return f"{pattern.prefix}{sign}{tag_name(campaign)}{sign}{score_of(score)}"


def parsed(tag: str, pattern: TagPattern = NPS_TODAY) -> ScoreTag | None:
    """What a canonical tag says: the campaign is all between the first and the last separator.
    None: not ours.
    """
    start = pattern.prefix + pattern.separator
    campaign, sign, score = tag.removeprefix(start).rpartition(pattern.separator)
    if not tag.startswith(start) or not sign or not campaign or not _SCORE.fullmatch(score):
        return None
    return ScoreTag(campaign, int(score))


def spellings(
    campaign: str, score: object, *, spelling: Spelling = PLAIN, pattern: TagPattern = NPS_TODAY
) -> tuple[str, ...]:
    """One spelling per style of the CRM, in its order of preference. Raises NotAScore,
    UnusableName.
    """
    number = score_of(score)
    return tuple(_spelt(style, campaign, number, spelling, pattern) for style in spelling.styles)


# A delivery asks for the same few campaigns again and again, and a set costs 33 renderings.
@lru_cache(maxsize=1_024)
def owned(
    campaign: str, *, spelling: Spelling = PLAIN, pattern: TagPattern = NPS_TODAY
) -> frozenset[str]:
    """Every spelling of every score of this campaign: exactly what may be removed from a
    contact.
    """
    return frozenset(
        one
        for score in SCORES
        for one in spellings(campaign, score, spelling=spelling, pattern=pattern)
    )


def read_back(
    campaigns: Iterable[str], *, spelling: Spelling = PLAIN, pattern: TagPattern = NPS_TODAY
) -> Mapping[str, ScoreTag]:
    """The codec's other direction: what each possible spelling of these campaigns says."""
    return {
        one: ScoreTag(campaign, score)
        for campaign in campaigns
        for score in SCORES
        for one in spellings(campaign, score, spelling=spelling, pattern=pattern)
    }


def collides(
    one: str, other: str, *, spelling: Spelling = PLAIN, pattern: TagPattern = NPS_TODAY
) -> bool:
    """Whether two campaigns would share a tag in some style: the second one must then be
    refused.
    """
    first = owned(one, spelling=spelling, pattern=pattern)
    return not first.isdisjoint(owned(other, spelling=spelling, pattern=pattern))


def campaign_field(campaign: str, *, template: str, longest: int) -> str:
    """The field that one campaign's score has of its own, in letters, digits and single `_`.

    A name that says less than the campaign's (folded letters, a cut, another case) ends with a mark
    made of the whole name, so that two campaigns never share a field.
    """
    name = tag_name(campaign)
    plain = re.sub(r"[^a-z0-9]+", "_", _ascii(name)).strip("_")
    if len(plain) > longest or plain.replace("_", " ").capitalize() != name:
        mark = hashlib.sha256(name.encode()).hexdigest()[:6]
        plain = f"{plain[: longest - len(mark) - 1]}_{mark}".replace("__", "_").strip("_")
    return template.format(campaign=plain)


def replaced(current: Sequence[str], add: str, owned_tags: frozenset[str]) -> tuple[str, ...]:
    """The tags a contact holds once `add` took the place of this campaign's older score.

    Every other tag stays, in its order. The new tag stands where it stood already, else at the end.
    """
    kept = tuple(tag for tag in current if tag == add or tag not in owned_tags)
    return kept if add in kept else (*kept, add)


def without(current: Sequence[str], owned_tags: frozenset[str]) -> tuple[str, ...]:
    """The tags a contact holds once this campaign's are gone."""
    return tuple(tag for tag in current if tag not in owned_tags)


def _visible(name: str) -> str:
    spaced = "".join(" " if sign.isspace() else sign for sign in name)
    return "".join(
        sign for sign in spaced if sign in _JOINERS or unicodedata.category(sign) not in _REMOVED
    )


def _spelt(style: str, campaign: str, score: int, spelling: Spelling, pattern: TagPattern) -> str:
    written = _STYLES[style]
    head = written(pattern.prefix + pattern.separator)
    tail = written(pattern.separator)
    # The room is that of the longest score, so that all eleven tags of a campaign carry the same
    # name.
    room = spelling.max_length - units(head) - units(tail) - len("10")
    name = cut(_named(written, campaign, spelling), room)
    if not name:
        message = "the tag's length limit leaves no room for the campaign's name"
        raise UnusableName(message)
    return f"{head}{name}{tail}{score}"


def _named(written: Callable[[str], str], campaign: str, spelling: Spelling) -> str:
    name = tag_name(campaign)
    if spelling.separator == " ":
        name = name.replace(" ", "_")
    elif spelling.separator:
        name = name.replace(spelling.separator, "").strip()
    # A name of signs alone (an emoji) would vanish, and all such campaigns would share one tag.
    return written(name) or _by_code_points(name or tag_name(campaign))


def _verbatim(text: str) -> str:
    return text


def _safe(text: str) -> str:
    lowered = unicodedata.normalize("NFC", text.lower())
    return re.sub(r"[^\w:/-]", "", re.sub(r"[\s.]", "_", lowered))


def _ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", _safe(text).translate(_FOLDED))
    return "".join(_ascii_sign(sign) for sign in folded if not unicodedata.combining(sign))


def _ascii_sign(sign: str) -> str:
    if sign.isascii():
        return sign if re.fullmatch(r"[\w:/-]", sign) else ""
    # Letters of other scripts keep their difference: two Greek campaigns must not fold into one.
    return _by_code_points(sign) if sign.isalnum() else ""


def _by_code_points(text: str) -> str:
    return "".join(f"u{ord(sign):x}" for sign in text)


_STYLES: Mapping[str, Callable[[str], str]] = {
    "verbatim": _verbatim,
    "safe": _safe,
    "ascii": _ascii,
}
STYLES = tuple(_STYLES)
