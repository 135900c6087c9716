"""The verdict, from outside: what the CRM must hold is computed from the pushed items alone.

Nothing of ours is asked. `wrongs(items, contacts)` is empty, or says in words what was

    lost       an accepted response without its fields, tag or note
    doubled    a note that stands twice, or two tags of one campaign
    stale      a field or tag that is not the newest answer's

Every item's comment must be its own: by it the notes are told apart.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]
Contacts = Mapping[str, Mapping[str, Any]]
SCORE = {
    "hubspot": "nps_score",
    "odoo": "x_nps_score",
    "salesforce": "NPS_Score__c",
    "zendesk": "nps_score",
}
COMMENT = {
    "hubspot": "nps_comment",
    "odoo": "x_nps_comment",
    "salesforce": "NPS_Full_Comment__c",
    "zendesk": "nps_comment",
}
TAG = re.compile(r"npstoday_(?P<campaign>.+)_(?P<score>\d+)\Z")


def wrongs(app: str, items: Sequence[Item], contacts: Contacts) -> list[str]:
    """What is wrong at a CRM, given all accepted items in the order of acceptance."""
    found: list[str] = []
    for email, theirs in by_contact(items).items():
        contact = contacts.get(email)
        if contact is None:
            found.append(f"lost: {email} is not there")
            continue
        found += [f"{one} of {email}" for one in _wrong_with(app, theirs, contact)]
    return found


def by_contact(items: Sequence[Item]) -> dict[str, list[Item]]:
    people: dict[str, list[Item]] = {}
    for one in items:
        people.setdefault(one["respondent"]["email"], []).append(one)
    return people


def newest(items: Sequence[Item]) -> Item:
    """The one answered last; of two at the same moment the one accepted last."""
    ranked = sorted(enumerate(items), key=lambda pair: (pair[1]["submitted_at"], pair[0]))
    return ranked[-1][1]


def _wrong_with(app: str, items: Sequence[Item], contact: Mapping[str, Any]) -> list[str]:
    fields = contact.get("properties") or contact.get("fields") or {}
    answers = newest(items)["answers"]
    found = []
    held = fields.get(SCORE[app])
    if held in (None, "") or float(held) != answers["nps"]["value"]:
        found.append(f"lost or stale: score {held!r}")
    if fields.get(COMMENT[app]) != answers["why"]["value"]:
        found.append("lost or stale: comment")
    return [*found, *_wrong_tags(items, contact["tags"]), *_wrong_notes(items, contact["notes"])]


def _wrong_tags(items: Sequence[Item], tags: Sequence[str]) -> list[str]:
    held = sorted(folded(one) for one in tags if folded(one).startswith("npstoday_"))
    campaigns: dict[str, list[Item]] = {}
    for one in items:
        campaigns.setdefault(one["campaign"]["name"], []).append(one)
    wanted = sorted(
        f"npstoday_{folded(name)}_{newest(theirs)['answers']['nps']['value']}"
        for name, theirs in campaigns.items()
    )
    return [] if held == wanted else [f"tags {held} instead of {wanted}"]


def folded(tag: str) -> str:
    """A tag in the one spelling in which those of all CRMs can be compared."""
    plain = tag.lower().replace("ø", "oe").replace("å", "aa").replace("ü", "ue")
    return re.sub(r"[^a-z0-9]+", "_", plain)


def _wrong_notes(items: Sequence[Item], notes: Sequence[Any]) -> list[str]:
    texts = [html.unescape(note_text(one)) for one in notes]
    found = []
    for one in items:
        times = sum(one["answers"]["why"]["value"] in text for text in texts)
        if times != 1:
            word = "lost" if times == 0 else "doubled"
            found.append(f"{word}: the note of {one['response_id']} stands {times} times")
    if len(texts) > len(items):
        found.append(f"doubled: {len(texts)} notes for {len(items)} responses")
    return found


def note_text(note: Any) -> str:
    """A simulator's note as text, whatever its CRM calls the body."""
    if isinstance(note, str):
        return note
    return str(note.get("text") or note.get("body") or "")
