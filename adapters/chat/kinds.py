"""The kinds of chat: which hosts their incoming webhooks have, and how a text is put to them. Pure.

From the vendors' public pages on incoming webhooks (2026-11). Each kind keeps what an answer says
from calling people: whoever fills in a survey must not ring a whole room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Unseen, and enough that a word is no mention any more.
_APART = "\u200b"
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of chat. `hosts`: patterns of the vendor's own, empty where anybody runs it.
    `longest` in characters.
    """

    hosts: tuple[str, ...]
    longest: int
    body: Callable[[str], dict[str, Any]]


def put(kind: Kind, title: str, text: str) -> dict[str, Any]:
    """The body of a message, at most as long as this chat takes."""
    whole = f"{title}\n{text}" if title else text
    return kind.body(whole if len(whole) <= kind.longest else whole[: kind.longest - 1] + _CUT)


def is_host(kind: Kind, host: str) -> bool:
    """Whether webhooks of this kind may have this host."""
    return not kind.hosts or any(
        host.endswith(one[1:]) if one.startswith("*.") else host == one for one in kind.hosts
    )


def _slack(text: str) -> dict[str, Any]:
    # These three signs begin mentions and links; escaped they are shown as they are.
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, shown)
    return {"text": text}


def _at_apart(text: str) -> dict[str, Any]:
    return {"text": text.replace("@", "@" + _APART)}


def _google(text: str) -> dict[str, Any]:
    return {"text": text.replace("<", "<" + _APART)}


def _discord(text: str) -> dict[str, Any]:
    return {"content": text, "allowed_mentions": {"parse": []}}


def _teams(text: str) -> dict[str, Any]:
    blocks = [{"type": "TextBlock", "text": one, "wrap": True} for one in text.split("\n") if one]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


KINDS: Mapping[str, Kind] = {
    "discord": Kind(("discord.com", "discordapp.com"), 2_000, _discord),
    "google_chat": Kind(("chat.googleapis.com",), 4_000, _google),
    "mattermost": Kind((), 4_000, _at_apart),
    "rocket_chat": Kind((), 4_000, _at_apart),
    "slack": Kind(("hooks.slack.com", "hooks.slack-gov.com"), 4_000, _slack),
    "teams": Kind(
        ("*.logic.azure.com", "*.webhook.office.com", "*.api.powerplatform.com"), 4_000, _teams
    ),
}
