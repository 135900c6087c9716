"""What a CRM has made of a value, and how a call is told without its secrets."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.calls import Call
from connector.responses.configuration.proved import made_of
from connector.responses.configuration.seeing import EVERYTHING, Eyes, Seen, told
from schemas.secret import MASK


@pytest.mark.parametrize(
    ("sent", "before", "found", "state"),
    [
        ("9", None, "9", "as_sent"),
        ("9.456", None, "9.46", "rounded"),
        ("9.5", "3", "10", "rounded"),
        ("9.5", "3", "11", "other"),
        ("a long text", None, "a long", "cut"),
        ("a long text", None, "a lon…", "cut"),
        ("a  text\n", None, "a text", "reset"),
        ("Text", None, "text", "recased"),
        ("new", "old", "old", "not_taken"),
        ("new", None, None, "not_taken"),
        ("new", "old", "else", "other"),
        (("a", "b"), (), ("b", "a"), "as_sent"),
        (("a", "b"), (), ("a",), "cut"),
        (True, None, False, "other"),
        (None, "old", "", "as_sent"),
    ],
)
def test_what_a_crm_made_of_a_value(sent: Any, before: Any, found: Any, state: str) -> None:
    assert made_of(sent, before, found) == state


KEY = 'k+"y/1 2'


def shown(call: Call, eyes: Eyes = EVERYTHING) -> Any:
    (one,) = told([Seen(call, sent=True)], secrets=[KEY, "no"], personal=["a@b.test"], eyes=eyes)
    return one["path"], one["body"]


def test_a_secret_is_masked_however_it_is_spelt() -> None:
    body = '{"args": ["db", "k+\\"y/1 2", {"note": "no"}]}'
    path, said = shown(Call("POST", "/x/k%2B%22y%2F1%202?key=k%2B%22y%2F1+2&of=a%40b.test", body))
    assert path == f"/x/{MASK}?key={MASK}&of=a%40b.test"
    # Shorter than a secret is: it stands by chance.
    assert said == {"args": ["db", MASK, {"note": "no"}]}
    assert shown(Call("POST", "/", b"token=k%2B%22y%2F1+2"))[1] == f"token={MASK}"


def test_without_answers_only_the_names_are_told() -> None:
    call = Call("POST", "/of/a%40b.test?q=a%40b.test", '{"inputs": [{"score": 9, "none": null}]}')
    path, said = shown(call, Eyes(answers=False))
    assert path == f"/of/{MASK}?q={MASK}"
    assert said == {"inputs": [{"score": MASK, "none": None}]}
    assert shown(Call("POST", "/", b"score=9"), Eyes(answers=False))[1] == MASK
