"""The contacts of the demo: who they are, and in which CRMs they stand. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.campaigns import CRMS

FIRST: Mapping[str, tuple[str, ...]] = {
    "da": ("Mette", "Søren", "Åse", "Lærke", "Jørgen", "Kåre", "Freja", "Rasmus"),
    "de": ("Jürgen", "Anneliese", "Götz", "Käthe", "Lukas", "Bärbel", "Ruth", "Heiko"),
    "fr": ("Zoë", "François", "Hélène", "Étienne", "Maëlle", "Loïc", "Inès", "Benoît"),
    "it": ("Niccolò", "Chiara", "Giosuè", "Letizia", "Mattia", "Noemi", "Renzo", "Alba"),
    "en": ("Siân", "Oliver", "Róisín", "Harriet", "Callum", "Beth", "Aoife", "George"),
}
LAST: Mapping[str, tuple[str, ...]] = {
    "da": ("Sørensen", "Kjær", "Østergård", "Møller", "Bæk", "Vestergaard"),
    "de": ("Müller", "Weiß", "Schröder", "Jäger", "Groß", "von der Höh"),
    "fr": ("Lefèvre", "D'Alençon", "Français", "Bérenger", "Noël", "Le Goff"),
    "it": ("D'Angelo", "Nicolò", "De Rosa", "Ferrari", "Cantù", "Fabbri"),
    "en": ("O'Neill", "Smith-Jones", "Fitzgerald", "Brontë", "Baker", "MacLeod"),
}
COUNTRY = {"da": "DK", "de": "DE", "fr": "FR", "it": "IT", "en": "GB"}
DIAL = {
    "da": "+45 3{n:03} {m:04}",
    "de": "+49 30 {n:04}{m:04}",
    "fr": "+33 6 {n:04} {m:04}",
    "it": "+39 34{n:04} {m:04}",
    "en": "+44 20 {n:04} {m:04}",
}
COMPANIES = ("Nordlys A/S", "Bäckerei Groß", "L'Œil d'Or", "Caffè Cantù", "O'Neill & Sons")
LANGUAGES = ("da", "de", "fr", "it", "en")
ASCII = str.maketrans(
    {
        **dict.fromkeys("åæäáàâ", "a"),
        **dict.fromkeys("øöóòôœ", "o"),
        **dict.fromkeys("éèêë", "e"),
        **dict.fromkeys("üúùû", "u"),
        **dict.fromkeys("ïíìî", "i"),
        "ß": "s",
        "ç": "c",
        "'": "",
        " ": "",
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """One contact. `crms`: where the CRM knows the person; `home`: where the responses go."""

    email: str
    external_id: str
    first_name: str
    last_name: str
    phone: str
    company: str
    language: str
    home: tuple[str, ...]
    crms: tuple[str, ...]

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    def imported(self) -> dict[str, Any]:
        """The contact as it is pushed."""
        return {
            "email": self.email,
            "external_id": self.external_id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "name": self.name,
            "phone": self.phone,
            "company": self.company,
            "country": COUNTRY[self.language],
            "language": self.language,
        }

    def respondent(self) -> dict[str, str]:
        """Who answered, as the survey platform tells it."""
        return {"email": self.email, "external_id": self.external_id, "name": self.name}


def people(count: int, *, seed: int, shared: int, unknown: int) -> list[Person]:
    """`count` contacts; the first `shared` stand in all three CRMs, the others in one in turn.

    The last `unknown` of each CRM are known to us and not yet to the CRM.
    """
    rng = random.Random(seed)
    homes = [CRMS if at < shared else (CRMS[at % len(CRMS)],) for at in range(count)]
    fresh_from = count - unknown * len(CRMS)
    return [
        person(rng, at, home=home, crms=() if at >= fresh_from else home)
        for at, home in enumerate(homes)
    ]


def person(
    rng: random.Random, number: int, *, home: tuple[str, ...], crms: tuple[str, ...]
) -> Person:
    """Contact `number`: the same for the same numbers drawn."""
    language = rng.choice(LANGUAGES)
    first, last = rng.choice(FIRST[language]), rng.choice(LAST[language])
    address = f"{first}.{last}".lower().translate(ASCII)
    return Person(
        email=f"{address}{number}@kunde.example",
        external_id=f"{COUNTRY[language]}{100_000 + number}",
        first_name=first,
        last_name=last,
        phone=DIAL[language].format(n=rng.randint(0, 999), m=rng.randint(0, 9_999)),
        company=rng.choice(COMPANIES),
        language=language,
        home=home,
        crms=crms,
    )


def strangers(count: int, *, seed: int) -> list[Person]:
    """People in a CRM whom nobody surveys: whatever we do, they stay as they are."""
    rng = random.Random(seed + 1)
    return [person(rng, 900_000 + at, home=(), crms=(CRMS[at % len(CRMS)],)) for at in range(count)]
