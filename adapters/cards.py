"""A card inside a CRM asks the hub about one of its records: the request, and what it proves. Pure.

Each app with `Traits.card` has a module `card` with one function of the type `Prover`. It tells
whether the request is this account's own, and hands on what was asked without reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class CardRequest:
    """What came in. `url` is the public address as the CRM called it, with its query as it came;
    `headers` have lower-case names; `body` is raw; `now_ms` is the time of its arrival.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    now_ms: int


@dataclass(frozen=True, slots=True)
class CardAccount:
    """Whose request it has to be: the account's id as `probe` told it, and the connection's
    settings.
    """

    id: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """The request is genuine. `question` is the JSON document it asks with. The same request sent
    again has the same `mark`, another one never; after `fresh_s` it is no proof any more.
    """

    question: bytes
    mark: str
    fresh_s: int


# Called with the request, the secrets that count and the account. None: not proved, whatever of it
# is wrong. Hostile input is never an exception.
Prover: TypeAlias = Callable[[CardRequest, Sequence[str], CardAccount], Proof | None]
