"""Bodies that were valid once: seeds for every route that takes one, and how a fuzzer changes them.

A mutation works on the JSON (a value replaced by an odd one, a key doubled, renamed or lost) or on
the bytes (a bit flipped, a piece cut, repeated or put elsewhere).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

RESPONSE: Mapping[str, Any] = {
    "response_id": "r-{n}",
    "revision": 2,
    "event": "completed",
    "submitted_at": "2026-11-22T01:02:00.5+01:00",
    "campaign": {"id": "5000", "name": "Møde"},
    "survey": {"id": "s1", "name": "After", "version": "3"},
    "respondent": {
        "email": "a@example.test",
        "phone": "+45 20 30 40 50",
        "external_id": "c-1",
        "crm_ids": {"hubspot": "17"},
        "name": "Åse",
        "anonymous": False,
    },
    "answers": {
        "nps": {"type": "nps", "value": 9, "scale": {"min": 0, "max": 10}, "tags": ["x"]},
        "why": {"type": "long_text", "value": "fint 😀", "title": "Hvorfor?", "label": "w"},
        "topics": {"type": "multi_choice", "value": ["a", "b"], "other": "c"},
        "when": {"type": "date", "value": "2026-11-21"},
        "amount": {"type": "number", "value": "12.50"},
        "grid": {"type": "matrix", "value": {"row": ["x"]}},
    },
    "variables": {"plan": "gold", "seats": 7},
    "tags": ["t"],
    "flags": ["f"],
    "weights": {"nps": "0.5"},
    "duration_s": 31,
    "locale": "da-DK",
    "channel": "mail",
    "consent": {"contact": True},
}
SEEDS: Mapping[str, tuple[Any, ...]] = {
    "/api/v1/responses": (RESPONSE, [RESPONSE, RESPONSE]),
    "/api/v1/contacts": ({"email": "b@example.test", "first_name": "B", "attributes": {"x": "1"}},),
    "/api/v1/sources": (
        {
            "name": "S {n}",
            "platform": "tally",
            "settings": {
                "types": {"q": "nps"},
                "respondent": {"email": ["mail"]},
                "campaign": {"id": "5000", "name": "Møde"},
                "names": {"score": ["Score"]},
            },
        },
    ),
    "/api/v1/mappings": (
        {
            "name": "M {n}",
            "connection": "crm",
            "entity": "contacts",
            "operation": "upsert",
            "identify": {"variable": "contact.email", "field": "email"},
            "rows": [
                {"variable": "answers.nps", "field": "nps_score"},
                {
                    "variable": "contact.phone",
                    "field": "phone",
                    "transforms": [{"name": "phone_national"}],
                },
            ],
            "note": "unmapped",
        },
    ),
    "/api/v1/automations": (
        {
            "name": "A {n}",
            "when": "response.completed",
            "if": "answers.nps >= 9",
            "then": [{"do": "tag"}, {"do": "note", "answers": "all"}],
        },
    ),
    "/api/v1/surveys/<key:survey>": (
        {
            "name": "After",
            "questions": [
                {
                    "key": "nps",
                    "type": "nps",
                    "title": "?",
                    "options": [{"value": "1", "label": "one", "weight": "0.5"}],
                }
            ],
        },
    ),
    "/api/v1/webhooks": (
        {
            "name": "H {n}",
            "url": "http://127.0.0.1:9/h",
            "events": ["response.delivered", "response.failed"],
        },
    ),
    "/api/v1/workspace": ({"name": "W", "timezone": "Europe/Copenhagen", "settings": {}},),
}
ANYTHING: Mapping[str, Any] = {
    "name": "x",
    "app": "hubspot",
    "auth": "key",
    "key": "pat-x",
    "role": "viewer",
    "scopes": ["responses:push"],
    "ids": [1],
    "states": ["dead"],
    "enabled": True,
    "settings": {"a": "b"},
}
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    2**31,
    1e308,
    -0.0,
    "",
    " ",
    "\x00",
    "\u202e",
    "\ufeff",
    "e\u0301" * 50,
    "x" * 70_000,
    "9" * 400,
    "1e9999",
    "2026-02-30",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "../../etc",
    "%00",
    "' OR 1=1 --",
    "{{7*7}}",
    [],
    {},
    [[]],
    {"": ""},
    [None] * 600,
)
RAW = (b"\x00", b"\xff\xfe", b"NaN", b'{"a":1', b"[", b"]", b"\\ud800", b"1e99999", b'"\\u0000"')


def seeds_of(rule: str) -> tuple[Any, ...]:
    """Bodies to begin with for a route, as the API describes them."""
    return (*SEEDS.get(rule, ()), ANYTHING)


def mutated(seed: Any, chance: random.Random) -> bytes:
    """One hostile body made from a valid one."""
    text = json.dumps(seed).replace("{n}", str(chance.randrange(10**9)))
    value = json.loads(text)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        value = _odd_value(value, chance)
    raw = json.dumps(value).encode()
    if chance.random() < 0.4:
        for _ in range(chance.choice((1, 1, 2, 5))):
            raw = chance.choice(_BYTES)(raw, chance)
    return raw


# --- on the JSON ----------------------------------------------------------------------------------


def _odd_value(value: Any, chance: random.Random) -> Any:
    """The value with one place changed, somewhere down in it."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        return _odd_object(value, chance)
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        changed = [*value[:place], _odd_value(value[place], chance), *value[place + 1 :]]
        return changed * chance.choice((1, 1, 1, 3))
    return chance.choice(ODD)


def _odd_object(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    key = chance.choice(list(value))
    rest = {name: one for name, one in value.items() if name != key}
    does = chance.random()
    if does < 0.1:
        return rest
    if does < 0.2:
        return {**rest, str(chance.choice(ODD))[:300]: value[key]}
    if does < 0.3:
        return {**value, f"{key}x": value[key]}
    return {**value, key: _odd_value(value[key], chance)}


# --- on the bytes ---------------------------------------------------------------------------------


def _flipped(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw) or 1)
    return (
        raw[:place]
        + bytes([(raw[place : place + 1] or b"a")[0] ^ 1 << chance.randrange(8)])
        + raw[place + 1 :]
    )


def _cut(raw: bytes, chance: random.Random) -> bytes:
    start, end = sorted((chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)))
    return raw[:start] + raw[end:]


def _repeated(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + raw[start : start + 200] * chance.choice((2, 3, 40)) + raw[start + 200 :]


def _stuffed(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + chance.choice(RAW) + raw[place:]


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flipped, _cut, _repeated, _stuffed)
