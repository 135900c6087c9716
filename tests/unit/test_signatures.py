"""A webhook counts only when who sent it knows the secret; hostile input is simply not signed.

The values are our own, computed with the platforms' published algorithms.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from schemas.signatures import SCHEMES, is_signed

BODY = b'{"event_id":"evt_1","event_type":"form_response"}'
NOW_S = 1767323045
STANDARD = SCHEMES["standard"]
SECRET = "whsec_dG9wc2VjcmV0"
SIGNED = {
    "webhook-id": "msg_1",
    "webhook-timestamp": "1767323045",
    "webhook-signature": "v1,ZpxJ3khHFZkY+yIvDvwG6G/Qvp5cqBfafa4GG7nZ6F4=",
}
VECTORS = {
    "typeform": ("topsecret", "sha256=v4T+/kPC/HRIHSV1mkO137Vpq2t24Zj44We06ziWDqE="),
    "tally": ("topsecret", "v4T+/kPC/HRIHSV1mkO137Vpq2t24Zj44We06ziWDqE="),
    "surveymonkey": ("clientid&topsecret", "fyqP6Dp2Z6k8O7Lm3PhQRHCBIG0="),
    "delighted": (
        "topsecret",
        "sha256=bf84fefe43c2fc74481d25759a43b5dfb569ab6b76e198f8e167b4eb38960ea1",
    ),
}


def standard(headers: dict[str, str], body: bytes = BODY, **options: Any) -> bool:
    given_ = {"secrets": [SECRET], "now_s": NOW_S, **options}
    return is_signed(STANDARD, headers, body, **given_)


@pytest.mark.parametrize("platform", VECTORS)
def test_the_known_vectors_of_the_platforms_are_accepted(platform):
    secret, signature = VECTORS[platform]
    scheme = SCHEMES[platform]
    headers = {scheme.signature: signature}
    assert is_signed(scheme, headers, BODY, secrets=[secret], now_s=NOW_S)
    assert not is_signed(scheme, headers, BODY + b" ", secrets=[secret], now_s=NOW_S)
    assert not is_signed(scheme, headers, BODY, secrets=["other"], now_s=NOW_S)


def test_the_standard_vector_is_accepted():
    assert standard(SIGNED)


def test_what_the_reference_library_signs_is_accepted():
    secret = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    at = datetime.fromtimestamp(NOW_S, UTC)
    headers = {**SIGNED, "webhook-signature": Webhook(secret).sign("msg_1", at, BODY.decode())}
    assert standard(headers, secrets=[secret])


@pytest.mark.parametrize(
    ("off_s", "accepted"), [(-240, True), (240, True), (-360, False), (360, False)]
)
def test_fault_42_a_clock_may_be_off_by_five_minutes(off_s, accepted):
    assert standard(SIGNED, now_s=NOW_S + off_s) is accepted


def test_fault_43_an_old_secret_counts_while_it_is_kept():
    assert standard(SIGNED, secrets=["whsec_bmV3LXNlY3JldA==", SECRET])
    assert not standard(SIGNED, secrets=["whsec_bmV3LXNlY3JldA=="])


def test_fault_43_one_of_several_signatures_is_enough():
    several = "v1,AAAA v1a,BBBB " + SIGNED["webhook-signature"]
    assert standard({**SIGNED, "webhook-signature": several})


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,!!!"},
        {"webhook-signature": "v1,æøå"},
        {"webhook-signature": "v1a,ZpxJ3khHFZkY+yIvDvwG6G/Qvp5cqBfafa4GG7nZ6F4="},
        {"webhook-signature": "v1,,ZpxJ3khHFZkY+yIvDvwG6G/Qvp5cqBfafa4GG7nZ6F4="},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1767323045.0"},
        {"webhook-timestamp": "-1767323045"},
        {"webhook-timestamp": "1_767323045"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "²"},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": "msg_1,msg_1"},
        {"webhook-id": "{timestamp}"},
    ],
)
def test_fault_43_a_bent_header_is_not_a_signature(change):
    assert not standard({**SIGNED, **change})


@pytest.mark.parametrize("missing", SIGNED)
def test_fault_43_a_missing_header_is_not_a_signature(missing):
    assert not standard({name: one for name, one in SIGNED.items() if name != missing})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_æ"])
def test_a_secret_that_is_none_signs_nothing(secret):
    assert not standard(SIGNED, secrets=[secret])


@given(st.dictionaries(st.sampled_from(sorted(SIGNED)), st.text()), st.binary(max_size=40))
def test_nothing_that_is_guessed_is_accepted_or_breaks(headers, body):
    assert standard(headers, body) is False
