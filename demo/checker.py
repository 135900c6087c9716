"""Whether the CRMs hold exactly what they must: each value, tag and note, nothing else touched.

It compares what each CRM held before with what it holds now, and both with what the pushed items
ask for (expected.py). It imports nothing of the product, so it cannot share its mistakes. Pure.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from demo.expected import (
    contact_of,
    crms_of,
    file_urls,
    head_of,
    is_refused,
    new_contact,
    not_told_in_note,
    tag_of,
    tags_of_campaign,
    told_in_note,
    values_of,
)
from demo.expected_fields import HUBSPOT, SALESFORCE, ZENDESK, Item
from demo.filehost import content_of

# Stands in the note or comment that carries a file.
FILE_MARK = "ref: answerback-"

State = Mapping[str, Any]
# What a CRM itself keeps on a record, or what is compared as tags.
OWN_FIELDS: Mapping[str, frozenset[str]] = {
    HUBSPOT: frozenset({"lastmodifieddate", "npstoday_tags"}),
    SALESFORCE: frozenset(
        {"LastModifiedDate", "LastModifiedById", "SystemModstamp", "NPSToday_Tags__c"}
    ),
    ZENDESK: frozenset(),
}
# And what it sets by itself on a record that is made.
OWN_AT_BIRTH: Mapping[str, re.Pattern[str]] = {
    HUBSPOT: re.compile(r"hs_\w+|createdate|lifecyclestage"),
    SALESFORCE: re.compile(r"Id|Name|OwnerId|IsDeleted|Created\w+"),
    ZENDESK: re.compile(r"role|email|external_id"),
}
# Everything beside contacts that a CRM's state tells and that must stay as it was.
BESIDES = ("companies", "deals", "accounts", "records", "organizations", "mails_sent", "merged")
EMPTY: tuple[object, ...] = (None, "", [], False)


@dataclass(slots=True)
class Verdict:
    """What was compared, and what was wrong: one plain sentence each."""

    contacts: int = 0
    values: int = 0
    tags: int = 0
    notes: int = 0
    files: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything was as it must be."""
        return not self.complaints


@dataclass(frozen=True, slots=True)
class _Held:
    """One contact as a CRM holds it."""

    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...] = ()


_NOTHING = _Held({}, (), ())


def check(
    responses: Sequence[Item],
    contacts: Sequence[Mapping[str, Any]],
    *,
    before: Mapping[str, State],
    after: Mapping[str, State],
) -> Verdict:
    """Compare every CRM (by name: the simulator's whole state) with what the pushes ask for."""
    verdict = Verdict()
    imported = {one["email"]: one for one in contacts}
    for crm, now in after.items():
        mine = [one for one in responses if crm in crms_of(one)]
        _check_crm(verdict, crm, mine, imported, was=before[crm], now=now)
    return verdict


def _check_crm(
    verdict: Verdict,
    crm: str,
    responses: Sequence[Item],
    imported: Mapping[str, Mapping[str, Any]],
    *,
    was: State,
    now: State,
) -> None:
    held_before, held_now = _held(crm, was), _held(crm, now)
    by_contact = defaultdict(list)
    for one in responses:
        by_contact[one["respondent"]["email"]].append(one)
    if len(held_now) != len(now["contacts"]):
        verdict.complaints.append(f"{crm}: several contacts have one address")
    for email in sorted({*held_before, *held_now, *by_contact}):
        verdict.contacts += 1
        theirs = sorted(by_contact[email], key=lambda one: str(one["submitted_at"]))
        born_with = (
            new_contact(crm, contact_of(theirs[0], imported))
            if theirs and email not in held_before
            else {}
        )
        wanted = _Wanted(crm, email, held_before.get(email), theirs, born_with)
        verdict.complaints += wanted.compared(held_now.get(email), verdict)
    if any(
        one["public"] for ticket in now.get("tickets", ()) for one in ticket.get("comments", ())
    ):
        verdict.complaints.append(f"{crm}: a note is public")
    verdict.complaints += [
        f"{crm}: its {what} have changed"
        for what in BESIDES
        if (was.get(what) or None) != (now.get(what) or None)
    ]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One contact in one CRM: what it was, and who answered what, the oldest answer first."""

    crm: str
    email: str
    before: _Held | None
    responses: Sequence[Item]
    born_with: Mapping[str, Any]

    def compared(self, now: _Held | None, verdict: Verdict) -> Iterator[str]:
        """The complaints about this contact."""
        where = f"{self.crm}: {self.email}"
        if now is None:
            yield f"{where} is not there"
            return
        for complaint in (
            *self._fields(now, verdict),
            *self._tags(now, verdict),
            *self._notes(now, verdict),
            *self._files(now, verdict),
        ):
            yield f"{where}: {complaint}"

    def _fields(self, now: _Held, verdict: Verdict) -> Iterator[str]:
        """Newest answer of each field; all others as they were."""
        wanted = dict(self.born_with)
        for one in self.responses:
            wanted.update(values_of(self.crm, one))
        was = (self.before or _NOTHING).fields
        for name in sorted({*was, *now.fields, *wanted} - OWN_FIELDS[self.crm]):
            verdict.values += name in wanted
            got = now.fields.get(name)
            if name in wanted and not _same(wanted[name], got):
                yield f"{name} is {got!r} and must be {wanted[name]!r}"
            if name not in wanted and not self._untouched(name, was.get(name), got):
                yield f"{name} was {was.get(name)!r} and is {got!r}, though nobody asked for that"

    def _untouched(self, name: str, was: object, got: object) -> bool:
        own = self.before is None and OWN_AT_BIRTH[self.crm].fullmatch(name) is not None
        return own or was == got or (was in EMPTY and got in EMPTY)

    def _tags(self, now: _Held, verdict: Verdict) -> Iterator[str]:
        """The newest score of each campaign, beside whatever others have set."""
        newest = {one["campaign"]["id"]: tag_of(self.crm, one) for one in self.responses}
        ours = {tag for one in self.responses for tag in tags_of_campaign(self.crm, one)}
        kept = [tag for tag in (self.before or _NOTHING).tags if tag not in ours]
        wanted = sorted({*kept, *newest.values()})
        verdict.tags += len(newest)
        if sorted(now.tags) != wanted:
            missing = sorted(set(wanted) - set(now.tags))
            strange = sorted(set(now.tags) - set(wanted))
            yield f"tags: {missing} are missing, {strange} should not be there"

    def _notes(self, now: _Held, verdict: Verdict) -> Iterator[str]:
        """One note a response, saying what was answered."""
        left = list(now.notes)
        for one in self.responses:
            verdict.notes += 1
            head = _plain(head_of(one))
            mine = [text for text in left if head in text]
            if len(mine) != 1:
                yield f"{len(mine)} notes of response {one['response_id']}, not one"
            left = [text for text in left if head not in text]
            yield from self._note(one, mine)
        if left:
            yield f"{len(left)} notes of no response"

    def _files(self, now: _Held, verdict: Verdict) -> Iterator[str]:
        """Each file that came with an answer, once, with the very content."""
        wanted = sorted(
            hashlib.sha256(content_of(url)).hexdigest()
            for one in self.responses
            for url in file_urls(one)
        )
        verdict.files += len(wanted)
        if sorted(now.files) != wanted:
            yield f"{len(now.files)} files are not the {len(wanted)} that were answered"

    def _note(self, one: Item, notes: Sequence[str]) -> Iterator[str]:
        for text in notes[:1]:
            for told in told_in_note(self.crm, one):
                if not _says(text, told):
                    yield f"the note of response {one['response_id']} does not say {told!r}"
            for title in not_told_in_note(self.crm, one):
                if _plain(title) in text:
                    yield f"the note of response {one['response_id']} repeats {title!r}"


def refused_ids(responses: Sequence[Item], crm: str) -> set[str]:
    """The responses whose fields this CRM does not take."""
    return {one["response_id"] for one in responses if crm in crms_of(one) and is_refused(crm, one)}


# --- what a CRM's state says ----------------------------------------------------------------------


def _held(crm: str, state: State) -> dict[str, _Held]:
    return {email_of(crm, one): _one_held(crm, one) for one in state["contacts"]}


def email_of(crm: str, one: Mapping[str, Any]) -> str:
    """The address of a contact as the CRM's state tells it."""
    if crm == ZENDESK:
        return str(one["email"])
    return str(one["properties"]["email"] if crm == HUBSPOT else one["fields"]["Email"])


def _one_held(crm: str, one: Mapping[str, Any]) -> _Held:
    fields = one["properties"] if crm == HUBSPOT else one["fields"]
    notes = [_note_text(note) for note in one["notes"]]
    # In some CRMs a file hangs on a note or a comment of its own.
    own = tuple(text for text in notes if FILE_MARK not in text)
    files = tuple(each["sha256"] for each in one.get("files", ()))
    return _Held(fields, tuple(one["tags"]), own, files)


def _note_text(note: str | Mapping[str, str]) -> str:
    if isinstance(note, str):
        return _plain(note)
    if "body" in note:
        return _plain(html.unescape(re.sub(r"<[^>]*>", " ", note["body"])))
    return _plain(f"{note['title']}\n{note['text']}")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _says(text: str, told: str) -> bool:
    # A question may be followed by a colon or stand on a line of its own.
    return _plain(told) in text or _plain(told) in text.replace(": ", " ")


def _same(wanted: Any, got: Any) -> bool:
    """Whether a CRM's spelling says the wanted value."""
    if got is None:
        return False
    for kind, reads in _READS:
        if isinstance(wanted, kind):
            try:
                return bool(reads(got) == wanted)
            except (ValueError, InvalidOperation):
                return False
    return str(got).replace("\r\n", "\n") == str(wanted)


def _choices(got: Any) -> frozenset[str]:
    parts = got if isinstance(got, list) else re.split(r"; ?", str(got))
    return frozenset(parts) if len(set(parts)) == len(parts) else frozenset()


_READS = (
    (bool, lambda got: {"true": True, "false": False}.get(str(got).lower())),
    (Decimal, lambda got: Decimal(str(got))),
    (frozenset, _choices),
    (datetime, lambda got: datetime.fromisoformat(str(got))),
    (date, lambda got: date.fromisoformat(str(got)[:10])),
)
