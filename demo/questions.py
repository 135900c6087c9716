"""How a respondent answers each of the seven surveys: by chance, and readable. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from demo.filehost import PLATFORM
from demo.texts import LONG, QUESTIONS, REASONS, WHY

Answer = dict[str, Any]
Answers = dict[str, Answer]
PROMOTER, PASSIVE = 9, 7


def nps(language: str, score: int) -> Answer:
    """The question every campaign has."""
    return {"type": "nps", "value": score, "title": QUESTIONS["nps"][language]}


def why(rng: random.Random, language: str, score: int) -> Answer:
    """A reason that fits the score."""
    mood = 0 if score >= PROMOTER else 1 if score >= PASSIVE else 2
    text = rng.choice(WHY[language][mood])
    return {"type": "text", "value": text, "title": QUESTIONS["why"][language]}


def _often(rng: random.Random, chance: float, answers: Answers) -> Answers:
    """The answers, or none: a question that need not be answered."""
    return answers if rng.random() < chance else {}


def _choices(rng: random.Random, labels: Mapping[str, str], most: int, title: str) -> Answer:
    chosen = rng.sample(list(labels), rng.randint(1, most))
    return {
        "type": "multi_choice",
        "value": chosen,
        "labels": [labels[one] for one in chosen],
        "title": title,
    }


def _day(rng: random.Random) -> str:
    return f"2026-{rng.randint(11, 12)}-{rng.randint(1, 28):02}"


def _file(rng: random.Random, folder: str, name: str) -> Answer:
    url = f"{PLATFORM}/{folder}/{rng.getrandbits(40):010x}/{name}"
    return {"url": url, "name": name}


def _signature(rng: random.Random, title: str) -> Answer:
    return {
        "type": "signature",
        "value": _file(rng, "signatures", "signature.png") | {"mime": "image/png"},
        "title": title,
    }


# --- the seven ------------------------------------------------------------------------------------

_MEETING_TOPICS = {
    "price": "Pris",
    "service": "Service",
    "quality": "Kvalitet",
    "moede": "Selve mødet",
}


def meeting(rng: random.Random, language: str, score: int) -> Answers:
    """After a meeting, in Danish: choices, a date, yes or no, a phone number, a signature."""
    called = rng.random() < 0.4
    number = f"+45 {rng.randint(20, 59)} {rng.randint(10, 99)} 12 34"
    return {
        "nps": nps(language, score),
        **_often(rng, 0.85, {"why": why(rng, language, score)}),
        "topics": _choices(rng, _MEETING_TOPICS, 3, "Hvad talte vi om?"),
        "next_meeting": {"type": "date", "value": _day(rng), "title": "Næste møde"},
        "follow_up": {"type": "boolean", "value": called, "title": "Må vi ringe?"},
        **({"phone": {"type": "text", "value": number, "title": "På nummer"}} if called else {}),
        **_often(rng, 0.3, {"signature": _signature(rng, "Underskrift")}),
    }


_ROWS = {"accueil": "Accueil", "delai": "Délai", "resultat": "Résultat"}
_COLUMNS = {"bien": "Bien", "moyen": "Moyen", "mal": "Mal"}


def after_sale(rng: random.Random, language: str, score: int) -> Answers:
    """After a repair, in French: a rating, a matrix, a time, an amount, files, a long text."""
    grid = {row: [rng.choice(list(_COLUMNS))] for row in _ROWS}
    at = f"2026-11-{rng.randint(1, 19):02}T{rng.choice((9, 14, 23)):02}:30:00Z"
    names = ["facture.pdf", "photo é.jpg"][: rng.randint(1, 2)]
    return {
        "nps": nps(language, score),
        "csat": {
            "type": "rating",
            "value": rng.randint(1, 5),
            "scale": {"min": 1, "max": 5},
            "title": "Votre satisfaction",
        },
        **_often(rng, 0.8, {"why": _long_or_short(rng, language, score)}),
        "grid": {
            "type": "matrix",
            "value": grid,
            "labels": {"rows": _ROWS, "cols": _COLUMNS},
            "title": "Comment jugez-vous…",
        },
        "visit": {"type": "datetime", "value": at, "title": "Date de l'intervention"},
        "cost": {
            "type": "number",
            "value": f"{rng.randint(20, 900)}.{rng.choice(('00', '50', '95'))}",
            "title": "Montant payé",
        },
        **_often(
            rng,
            0.4,
            {
                "documents": {
                    "type": "file",
                    "value": [_file(rng, "docs", one.replace(" ", "-")) for one in names],
                    "title": "Vos documents",
                }
            },
        ),
    }


def _long_or_short(rng: random.Random, language: str, score: int) -> Answer:
    short = why(rng, language, score)
    text = LONG[language] if rng.random() < 0.2 else short["value"]
    return short | {"type": "long_text", "value": text}


_CHANNELS = {"mail": "E-Mail", "phone": "Telefon", "chat": "Chat", "shop": "Filiale", "web": "Web"}
_STAFF = ("Frau Weiß", "Herr Öztürk", "Herr Groß", "weiß nicht mehr")


def delivery(rng: random.Random, language: str, score: int) -> Answers:
    """After a delivery, in German: choices, a date, a duration, an amount, a signature."""
    return {
        "nps": nps(language, score),
        **_often(rng, 0.85, {"why": _long_or_short(rng, language, score)}),
        "channels": _choices(rng, _CHANNELS, 3, "Wie haben Sie uns erreicht?"),
        "installed_on": {"type": "date", "value": _day(rng), "title": "Montiert am"},
        "took": {"type": "duration", "value": rng.randint(600, 14_400), "title": "Dauer"},
        "basket": {
            "type": "number",
            "value": f"{rng.randint(150, 9_000)}.{rng.choice(('00', '90', '95'))}",
            "title": "Warenwert in Euro",
        },
        "staff": {"type": "text", "value": rng.choice(_STAFF), "title": "Wer war bei Ihnen?"},
        **_often(
            rng,
            0.3,
            {
                "invoice": {
                    "type": "text",
                    "value": f"buchhaltung{rng.randint(1, 99)}@firma.example",
                    "title": "Rechnung an",
                }
            },
        ),
        **_often(rng, 0.4, {"signature": _signature(rng, "Unterschrift des Empfängers")}),
    }


_SATISFACTION = {
    "molto": "Molto soddisfatto",
    "abbastanza": "Soddisfatto",
    "neutro": "Né l'uno né l'altro",
    "poco": "Insoddisfatto",
    "niente": "Molto insoddisfatto",
}
_RANKED = {"prezzo": "Prezzo", "cortesia": "Cortesia", "scelta": "Scelta"}


def shop(rng: random.Random, language: str, score: int) -> Answers:
    """After a visit to a shop, in Italian: a choice, yes or no, a ranking."""
    satisfied = rng.choice(list(_SATISFACTION))
    order = rng.sample(list(_RANKED), len(_RANKED))
    number = f"+39 3{rng.randint(20, 99)} {rng.randint(100, 999)} 4567"
    return {
        "nps": nps(language, score),
        "satisfaction": {
            "type": "single_choice",
            "value": satisfied,
            "label": _SATISFACTION[satisfied],
            "title": "Sei soddisfatto della visita?",
        },
        "recommend": {
            "type": "boolean",
            "value": score >= PASSIVE,
            "title": "Ci consiglieresti a un amico?",
        },
        **_often(rng, 0.8, {"why": why(rng, language, score)}),
        "order": {
            "type": "ranking",
            "value": order,
            "labels": [_RANKED[one] for one in order],
            "title": "Che cosa conta di più?",
        },
        **_often(
            rng,
            0.3,
            {"phone": {"type": "text", "value": number, "title": "Possiamo richiamarti al"}},
        ),
    }


_SUPPORT_TOPICS = {
    "service": "Service",
    "price": "Price",
    "quality": "Quality",
    "delivery": "Delivery",
}


def support(rng: random.Random, language: str, score: int) -> Answers:
    """After a call, in English: choices, a rating, a duration, a customer number."""
    number = f" gb{rng.randint(10_000, 99_999)} "
    return {
        "nps": nps(language, score),
        **_often(rng, 0.85, {"why": why(rng, language, score)}),
        "topics": _choices(rng, _SUPPORT_TOPICS, 2, "What was it about?"),
        "rating": {
            "type": "rating",
            "value": rng.randint(1, 5),
            "scale": {"min": 1, "max": 5},
            "title": "How was the agent?",
        },
        "handling": {"type": "duration", "value": rng.randint(60, 5_400), "title": "Call length"},
        "call_me": {"type": "boolean", "value": rng.random() < 0.3, "title": "Shall we call you?"},
        **_often(
            rng,
            0.4,
            {"customer_no": {"type": "text", "value": number, "title": "Your customer number"}},
        ),
    }


def customer_service(rng: random.Random, language: str, score: int) -> Answers:
    """After customer service, in German: a rating with decimals, a date, a file."""
    return {
        "nps": nps(language, score),
        **_often(rng, 0.9, {"why": why(rng, language, score)}),
        "rating": {
            "type": "rating",
            "value": f"{rng.randint(10, 50) / 10:.1f}",
            "scale": {"min": 1, "max": 5},
            "title": "Note für die Lösung",
        },
        "solved_on": {"type": "date", "value": _day(rng), "title": "Gelöst am"},
        **_often(
            rng,
            0.3,
            {
                "report": {
                    "type": "file",
                    "value": [_file(rng, "reports", "bericht.pdf")],
                    "title": "Servicebericht",
                }
            },
        ),
    }


def annual(rng: random.Random, language: str, score: int) -> Answers:
    """Once a year, in the respondent's language: a choice and a ranking."""
    reason = rng.choice(list(REASONS))
    order = rng.sample(list(REASONS), len(REASONS))
    return {
        "nps": nps(language, score),
        "why": why(rng, language, score),
        "reason": {
            "type": "single_choice",
            "value": reason,
            "label": REASONS[reason][language],
            "title": QUESTIONS["reason"][language],
        },
        "improve": {
            "type": "ranking",
            "value": order,
            "labels": [REASONS[one][language] for one in order],
            "title": QUESTIONS["improve"][language],
        },
    }
