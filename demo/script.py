"""What is pushed: 1,000 responses by seed, with everything that goes wrong in real life. Pure.

rescored       per CRM one contact who says 7, and 9 when asked again
out of order   per CRM one contact whose older answer arrives after the newer one
refused        per CRM one response with a value that only the CRM itself finds fault with
created        per CRM contacts that the CRM does not have: two known to us, one to nobody
repeated       messages and responses that are pushed a second time
anonymous      two responses of nobody
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.campaigns import (
    BY_ID,
    CAMPAIGNS,
    CRMS,
    HUBSPOT,
    LOCALES,
    SALESFORCE,
    SHARED,
    ZENDESK,
    Campaign,
)
from demo.filehost import PLATFORM
from demo.people import Person, people, person, strangers

Item = dict[str, Any]
BEGAN_AT = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
APART = timedelta(minutes=13)
SHARED_PART = 0.06
UNKNOWN = 2
TWICE = 0.08
STRANGERS = 90
CHANNELS = ("email", "sms", "web")
MAIN: Mapping[str, Campaign] = {
    HUBSPOT: BY_ID["5001"],
    SALESFORCE: BY_ID["5003"],
    ZENDESK: BY_ID["5005"],
}
# What each CRM alone refuses: an address with an umlaut, an option that a colleague has removed
# since, a customer number that its own pattern does not take.
REFUSED: Mapping[str, Mapping[str, Any]] = {
    SALESFORCE: {
        "invoice": {"type": "text", "value": "rechnung@bäckerei.example", "title": "Rechnung an"}
    },
    HUBSPOT: {
        "topics": {
            "type": "multi_choice",
            "value": ["price", "delivery"],
            "labels": ["Pris", "Levering"],
            "title": "Hvad talte vi om?",
        }
    },
    ZENDESK: {
        "customer_no": {"type": "text", "value": "don't know", "title": "Your customer number"}
    },
}


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that is pushed. `late` follows when what `first` begins with has arrived.

    `repeated` are pushed again as they are; `restated` again under a new message. By CRM:
    `rescored` an e-mail, `refused` a response id.
    """

    people: Sequence[Person]
    strangers: Sequence[Person]
    first: Sequence[Item]
    late: Sequence[Item]
    repeated: Sequence[Item]
    restated: Sequence[Item]
    rescored: Mapping[str, str]
    refused: Mapping[str, str]

    def with_files_at(self, address: str) -> Script:
        """The same script, its files at this address instead of the platform's."""

        def moved(items: Sequence[Item]) -> list[Item]:
            moved_to: list[Item] = json.loads(json.dumps(items).replace(PLATFORM, address))
            return moved_to

        return replace(
            self,
            first=moved(self.first),
            late=moved(self.late),
            repeated=moved(self.repeated),
            restated=moved(self.restated),
        )

    @property
    def responses(self) -> list[Item]:
        """Every response once, in the order of the push."""
        return [*self.first, *self.late]


@dataclass(slots=True)
class _Writer:
    """Numbers the responses; the same numbers draw the same answers."""

    seed: int
    written: int = 0

    def write(
        self,
        who: Person | None,
        campaign: Campaign,
        *,
        score: int | None = None,
        minute: int | None = None,
        **changed: Any,
    ) -> Item:
        number = self.written
        self.written += 1
        rng = random.Random(f"{self.seed}:{number}")
        language = campaign.language or (who.language if who else "en")
        drawn = rng.choices(range(11), (1, 1, 1, 2, 2, 3, 5, 12, 18, 30, 25))[0]
        answers = campaign.answers(rng, language, drawn if score is None else score) | changed
        at = BEGAN_AT + APART * (number if minute is None else minute)
        took_s = rng.randint(40, 600)
        return {
            "response_id": f"r-{number + 1:05}",
            "survey": {"id": campaign.survey, "name": campaign.name},
            "campaign": {"id": campaign.id, "name": campaign.name},
            "respondent": {"anonymous": True} if who is None else who.respondent(),
            "answers": answers,
            "started_at": _stamp(at - timedelta(seconds=took_s)),
            "submitted_at": _stamp(at),
            "duration_s": took_s,
            "locale": LOCALES[language],
            "channel": rng.choice(CHANNELS),
        }


def script(*, responses: int, contacts: int, seed: int) -> Script:
    """The demo's script: `responses` different ones in all, for `contacts` imported contacts."""
    shared = max(3, round(responses * SHARED_PART))
    everybody = people(contacts, seed=seed, shared=shared, unknown=UNKNOWN)
    writer = _Writer(seed)
    turns = {crm: iter(_at_home(everybody, crm)) for crm in CRMS}
    first, late, rescored, refused = _specials(writer, turns, late_from=responses + 20)
    first += _created(writer, everybody, seed=seed)
    first += [writer.write(None, MAIN[crm]) for crm in (HUBSPOT, ZENDESK)]
    first += [writer.write(who, SHARED) for who in everybody[:shared]]
    first += _plain(writer, turns, count=responses - len(first) - len(late), seed=seed)
    return Script(
        people=everybody,
        strangers=strangers(STRANGERS, seed=seed),
        first=first,
        late=late,
        repeated=first[-3:],
        restated=first[-5:-3],
        rescored=rescored,
        refused=refused,
    )


def _at_home(everybody: Sequence[Person], crm: str) -> Iterator[Person]:
    """Who stands in this CRM alone."""
    return (one for one in everybody if one.home == (crm,) and one.crms == (crm,))


def _specials(
    writer: _Writer, turns: Mapping[str, Iterator[Person]], *, late_from: int
) -> tuple[list[Item], list[Item], dict[str, str], dict[str, str]]:
    """The rescored, the disordered and the refused ones; `late_from`: minutes nobody else has."""
    first, late = [], []
    rescored, refused = {}, {}
    for at, crm in enumerate(CRMS):
        twice, disordered, unlucky = (next(turns[crm]) for _ in range(3))
        rescored[crm] = twice.email
        first.append(writer.write(twice, MAIN[crm], score=7))
        late.append(writer.write(twice, MAIN[crm], score=9, minute=late_from + at))
        first.append(writer.write(disordered, MAIN[crm], score=4, minute=late_from + 3 + at))
        late.append(writer.write(disordered, MAIN[crm], score=8))
        first.append(writer.write(unlucky, MAIN[crm], **REFUSED[crm]))
        refused[crm] = first[-1]["response_id"]
    return first, late, rescored, refused


def _created(writer: _Writer, everybody: Sequence[Person], *, seed: int) -> list[Item]:
    """Responses of people whom the CRM does not have yet."""
    rng = random.Random(seed + 2)
    known = [one for one in everybody if not one.crms]
    nobody_knows = [person(rng, 800_000 + at, home=(crm,), crms=()) for at, crm in enumerate(CRMS)]
    return [writer.write(one, MAIN[one.home[0]]) for one in (*known, *nobody_knows)]


def _plain(
    writer: _Writer, turns: Mapping[str, Iterator[Person]], *, count: int, seed: int
) -> list[Item]:
    """The many: the CRMs in turn, now and then the same person again, in any order."""
    rng = random.Random(seed + 3)
    of_crm = {crm: [one for one in CAMPAIGNS if one.crms == (crm,)] for crm in CRMS}
    last: dict[str, Person] = {}
    written = []
    for at in range(count):
        crm = CRMS[at % len(CRMS)]
        campaign = rng.choices(of_crm[crm], [one.share for one in of_crm[crm]])[0]
        if crm not in last or rng.random() >= TWICE:
            last[crm] = next(turns[crm])
        written.append(writer.write(last[crm], campaign))
    rng.shuffle(written)
    return written


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
