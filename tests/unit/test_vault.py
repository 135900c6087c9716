"""Secrets at rest: the layout is exactly the documented one and nothing opens out of place."""

import base64
import os
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.connections import vault
from connector.connections.vault import DataKey, Keyring, KeysUnusable, Place, SealBroken

KEK = bytes(range(0x20))
KEYRING = Keyring(active=2, keys={2: KEK})
DATA_KEY = DataKey(id=5, key=bytes(range(0x20, 0x40)))
ROW = UUID("0b7e4a52-3c1d-4f6e-8a90-1b2c3d4e5f60")
PLACE = Place(workspace_id=7, table="credential", row_id=ROW, column="sealed")
PLAINTEXT = b'{"access_token":"canary"}'

WRAPPED = bytes.fromhex(
    "1100000002000102030405060708090a0b6723f438e1c0e43ca568bda09dc45642b3e7b507c44e694b005edfbe2154"
    "3e8d10f724128749cac00181998ec5149c62"
)
ROW_AAD = bytes.fromhex(
    "616231000137000a63726564656e7469616c002430623765346135322d336331642d346636652d386139302d31623263"
    "336434653566363000067365616c6564000131"
)
SEALED = bytes.fromhex(
    "0100000005101112131415161718191a1b5bff9e712c2661f52c2c484fb1a6821b4feeb536547a7e30dd4c02eafd82f2"
    "d811520780e2bbe0c373"
)


def flipped(blob: bytes, bit: int) -> bytes:
    changed = bytearray(blob)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_the_wrapped_key_is_the_known_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda _: bytes(range(0x0C)))
    assert vault.wrap_key(KEYRING, DATA_KEY, workspace_id=7) == WRAPPED


def test_the_known_wrapped_key_opens() -> None:
    assert vault.unwrap_key(KEYRING, WRAPPED, workspace_id=7, data_key_id=5) == DATA_KEY


def test_the_associated_data_of_a_row_is_the_known_answer() -> None:
    assert vault.associated_with(PLACE) == ROW_AAD


def test_the_sealed_row_is_the_known_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda _: bytes(range(0x10, 0x1C)))
    assert vault.seal(DATA_KEY, PLACE, plaintext=PLAINTEXT) == SEALED


def test_the_known_sealed_row_opens() -> None:
    assert vault.open_sealed(DATA_KEY, PLACE, sealed=SEALED) == PLAINTEXT


@settings(max_examples=200)
@given(
    plaintext=st.binary(max_size=2000),
    workspace_id=st.integers(min_value=1, max_value=2**63 - 1),
    row_id=st.uuids(),
    column=st.text(min_size=1, max_size=60),
)
def test_what_is_sealed_opens_at_its_place(
    plaintext: bytes, workspace_id: int, row_id: UUID, column: str
) -> None:
    place = Place(workspace_id=workspace_id, table="credential", row_id=row_id, column=column)
    sealed = vault.seal(DATA_KEY, place, plaintext=plaintext)
    assert vault.open_sealed(DATA_KEY, place, sealed=sealed) == plaintext
    assert len(sealed) == len(plaintext) + 33


def test_two_seals_of_one_value_differ() -> None:
    first = vault.seal(DATA_KEY, PLACE, plaintext=PLAINTEXT)
    assert first != vault.seal(DATA_KEY, PLACE, plaintext=PLAINTEXT)


@pytest.mark.parametrize("bit", range(len(SEALED) * 8))
def test_every_flipped_bit_of_a_row_is_refused(bit: int) -> None:
    with pytest.raises(SealBroken):
        vault.open_sealed(DATA_KEY, PLACE, sealed=flipped(SEALED, bit))


@pytest.mark.parametrize("bit", range(len(WRAPPED) * 8))
def test_every_flipped_bit_of_a_wrapped_key_is_refused(bit: int) -> None:
    with pytest.raises(SealBroken):
        vault.unwrap_key(KEYRING, flipped(WRAPPED, bit), workspace_id=7, data_key_id=5)


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_a_row_cut_short_is_refused(length: int) -> None:
    with pytest.raises(SealBroken):
        vault.open_sealed(DATA_KEY, PLACE, sealed=SEALED[:length])


@pytest.mark.parametrize("length", range(len(WRAPPED)))
def test_a_wrapped_key_cut_short_is_refused(length: int) -> None:
    with pytest.raises(SealBroken):
        vault.unwrap_key(KEYRING, WRAPPED[:length], workspace_id=7, data_key_id=5)


def test_a_row_that_grew_is_refused() -> None:
    with pytest.raises(SealBroken):
        vault.open_sealed(DATA_KEY, PLACE, sealed=SEALED + b"\0")


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(workspace_id=8, table="credential", row_id=ROW, column="sealed"),
        Place(workspace_id=7, table="oauth_client", row_id=ROW, column="sealed"),
        Place(workspace_id=7, table="credential", row_id=UUID(int=1), column="sealed"),
        Place(workspace_id=7, table="credential", row_id=ROW, column="client"),
        Place(workspace_id=7, table="credential", row_id=ROW, column="sealed", schema_version=2),
    ],
    ids=["workspace", "table", "row", "column", "schema version"],
)
def test_a_row_does_not_open_at_another_place(elsewhere: Place) -> None:
    with pytest.raises(SealBroken):
        vault.open_sealed(DATA_KEY, elsewhere, sealed=SEALED)


def test_parts_of_the_place_cannot_slide_into_each_other() -> None:
    here = Place(workspace_id=7, table="ab", row_id=ROW, column="c")
    there = Place(workspace_id=7, table="a", row_id=ROW, column="bc")
    assert vault.associated_with(here) != vault.associated_with(there)


@pytest.mark.parametrize(("workspace_id", "data_key_id"), [(8, 5), (7, 6)])
def test_a_wrapped_key_belongs_to_one_workspace_and_id(workspace_id: int, data_key_id: int) -> None:
    with pytest.raises(SealBroken):
        vault.unwrap_key(KEYRING, WRAPPED, workspace_id=workspace_id, data_key_id=data_key_id)


def test_a_row_and_a_wrapped_key_are_not_mistaken_for_each_other() -> None:
    with pytest.raises(SealBroken, match="unknown version 17"):
        vault.open_sealed(DATA_KEY, PLACE, sealed=WRAPPED)
    with pytest.raises(SealBroken, match=r"unknown version 1$"):
        vault.unwrap_key(KEYRING, SEALED, workspace_id=7, data_key_id=5)


def test_an_unknown_data_key_is_refused_by_its_id() -> None:
    other = DataKey(id=6, key=DATA_KEY.key)
    with pytest.raises(SealBroken, match="data key 5 is needed"):
        vault.open_sealed(other, PLACE, sealed=SEALED)


def test_an_unknown_key_encryption_key_is_refused_by_its_id() -> None:
    with pytest.raises(SealBroken, match="key 2 is not loaded"):
        vault.unwrap_key(Keyring(active=3, keys={3: KEK}), WRAPPED, workspace_id=7, data_key_id=5)


def test_the_right_id_with_the_wrong_key_is_refused() -> None:
    wrong = Keyring(active=2, keys={2: bytes(32)})
    with pytest.raises(SealBroken):
        vault.unwrap_key(wrong, WRAPPED, workspace_id=7, data_key_id=5)


def test_the_ids_can_be_read_without_a_key() -> None:
    assert vault.kek_id_of(WRAPPED) == 2
    assert vault.data_key_id_of(SEALED) == 5


def test_an_older_key_still_opens_and_the_first_one_wraps() -> None:
    old = base64.b64encode(KEK).decode()
    ring = vault.parse_keyring(f"{vault.new_kek_text(3)},2:{old}")
    assert vault.unwrap_key(ring, WRAPPED, workspace_id=7, data_key_id=5) == DATA_KEY
    assert vault.kek_id_of(vault.wrap_key(ring, DATA_KEY, workspace_id=7)) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key-encryption key"),
        (" , ", "no key-encryption key"),
        ("nonsense", "key 1 is not written as id:base64"),
        ("x:AAAA", "key 1 is not written as id:base64"),
        ("1:not base64!", "key 1 is not base64"),
        ("1:AAAA", "key 1 has 3 bytes, 32 are needed"),
        (f"0:{base64.b64encode(KEK).decode()}", "out of range"),
        (f"4294967296:{base64.b64encode(KEK).decode()}", "out of range"),
        (f"1:{base64.b64encode(KEK).decode()},1:{base64.b64encode(KEK).decode()}", "same id"),
    ],
)
def test_keys_that_cannot_be_used_say_why(text: str, says: str) -> None:
    with pytest.raises(KeysUnusable, match=says):
        vault.parse_keyring(text)


def test_a_refused_key_is_not_in_the_message() -> None:
    with pytest.raises(KeysUnusable) as refusal:
        vault.parse_keyring("1:c2VjcmV0LWNhbmFyeQ==")
    assert "c2VjcmV0" not in str(refusal.value)


def test_an_active_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeysUnusable, match="named active"):
        Keyring(active=3, keys={2: KEK})


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keks"
    path.write_text(vault.new_kek_text())
    path.chmod(0o640)
    with pytest.raises(KeysUnusable, match="0600"):
        vault.read_keyring(path)


def test_a_private_key_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "keks"
    path.write_text(f"{vault.new_kek_text(2)}\n{vault.new_kek_text(1)}\n")
    path.chmod(0o600)
    ring = vault.read_keyring(path)
    assert ring.active == 2
    assert set(ring.keys) == {1, 2}


def test_a_missing_key_file_is_refused_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="FileNotFoundError"):
        vault.read_keyring(tmp_path / "absent")


def test_keys_never_show_in_a_repr() -> None:
    assert "keys" not in repr(KEYRING)
    assert "key=" not in repr(DATA_KEY)


def test_a_fresh_key_file_is_private_and_readable_by_us(tmp_path: Path) -> None:
    path = tmp_path / "keks"
    vault.write_keyring(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert vault.read_keyring(path).active == 1


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keks"
    vault.write_keyring(path)
    before = path.read_text()
    with pytest.raises(FileExistsError):
        vault.write_keyring(path)
    assert path.read_text() == before
