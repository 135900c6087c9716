"""An API key can be told from anything else without the store, and the store cannot show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.keys import (
    KEY_PATTERN,
    StoredKey,
    fresh_key,
    is_good,
    key_digest,
    public_id_of,
    use_is_to_be_noted,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def stored(digest: bytes, **changes: datetime | None) -> StoredKey:
    times = {"expires_at": None, "revoked_at": None, "last_used_at": None} | changes
    return StoredKey(digest=digest, **times)


def test_a_fresh_key_has_the_shape_that_the_secret_scanner_looks_for():
    key = fresh_key()
    found = KEY_PATTERN.fullmatch(key.secret.reveal())
    assert found
    assert found.group(1) == key.public_id == public_id_of(key.secret.reveal())


def test_two_keys_share_nothing_but_the_prefix():
    made = [fresh_key() for _ in range(200)]
    assert len({key.public_id for key in made}) == 200
    assert len({key.secret.reveal()[16:] for key in made}) == 200


def test_the_store_gets_a_digest_and_no_part_of_the_secret():
    key = fresh_key()
    assert key.digest == key_digest(key.secret.reveal())
    assert len(key.digest) == 32
    assert key.secret.reveal() not in repr(key)


@given(st.integers(8, 64), st.sampled_from("0123456789abcXYZ"))
def test_a_mistyped_key_is_no_key(place, sign):
    key = fresh_key().secret.reveal()
    mistyped = key[:place] + sign + key[place + 1 :]
    assert mistyped == key or public_id_of(mistyped) is None


@pytest.mark.parametrize(
    "presented",
    ["", "ab_live_", "ab_live_" + "0" * 57, "sk_live_123", "Bearer x", "ab_live_" + "æ" * 57],
)
def test_what_is_no_key_has_no_public_id(presented):
    assert public_id_of(presented) is None


def test_a_key_is_good_until_it_is_revoked_or_expires():
    key = fresh_key()
    shown = key.secret.reveal()
    soon, before = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
    assert is_good(stored(key.digest), shown, now=NOW)
    assert is_good(stored(key.digest, expires_at=soon), shown, now=NOW)
    assert not is_good(stored(key.digest, expires_at=NOW), shown, now=NOW)
    assert not is_good(stored(key.digest, revoked_at=before), shown, now=NOW)


def test_another_secret_under_the_same_public_id_is_refused():
    assert not is_good(stored(fresh_key().digest), fresh_key().secret.reveal(), now=NOW)


def test_the_last_use_is_written_at_most_once_a_minute():
    digest = fresh_key().digest
    recent, old = NOW - timedelta(seconds=59), NOW - timedelta(seconds=60)
    assert use_is_to_be_noted(stored(digest), now=NOW)
    assert not use_is_to_be_noted(stored(digest, last_used_at=recent), now=NOW)
    assert use_is_to_be_noted(stored(digest, last_used_at=old), now=NOW)
