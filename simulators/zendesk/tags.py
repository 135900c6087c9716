"""What Zendesk keeps of a tag that is sent to it, by the account's rule. Pure.

Only the splitting at white space is established. So the rule is a switch (`tag_rules`), and an
adapter has to read back what was kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

Rule = Callable[[str], str]


def kept(tags: Iterable[str], rule: str) -> list[str]:
    """What is stored of these tags: split at white space, spelt by the rule, unique and sorted."""
    spell = RULES[rule]
    words = (spell(word) for tag in tags for word in tag.split())
    return sorted({word for word in words if word})


def _verbatim(word: str) -> str:
    return word


def _strict(word: str) -> str:
    """Lower case; everything but letters, digits and `_ - : /` is dropped."""
    return "".join(sign for sign in word.lower() if sign.isalnum() or sign in "_-:/")


def _ascii(word: str) -> str:
    """As strict, and letters beyond ASCII are dropped too."""
    return "".join(sign for sign in _strict(unicodedata.normalize("NFC", word)) if sign.isascii())


RULES: dict[str, Rule] = {"strict": _strict, "verbatim": _verbatim, "ascii": _ascii}
