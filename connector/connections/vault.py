"""Seals secrets for the database and opens them again. Pure but for reading the key file.

Two layers, AES-256-GCM both times. Key-encryption keys (KEKs: a file, or the environment) wrap data
keys, one set per workspace; data keys seal rows. docs/security-keys.md is the key policy.

    row   0x01 | uint32 data key id | 12-byte nonce | ciphertext | 16-byte tag
    key   0x11 | uint32 KEK id      | 12-byte nonce | 32-byte key sealed | 16-byte tag

The associated data binds a row to workspace, table, row, column and schema version, so that a
ciphertext moved to another place does not open. The two literals and the order of the parts are
frozen: a change makes every sealed row unreadable.
"""

import base64
import binascii
import os
import struct
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
ROTATE_AFTER_SEALS = 2**30  # random nonces are safe below 2**32 seals of one key

_ROW, _KEY = 0x01, 0x11
_NONCE_BYTES, _TAG_BYTES = 12, 16
_HEAD = struct.Struct(">BI")
_MAX_ID = 2**32 - 1


class KeysUnusable(Exception):
    """The key-encryption keys cannot be used: refuse to start. The text never holds a key."""


class SealBroken(Exception):
    """A sealed value does not open: wrong place, changed, cut short, or its key is not loaded.

    What the caller does: park the connection (crypto) and write a security event. Never overwrite
    the ciphertext: with the right key back it opens again.
    """


@dataclass(frozen=True, slots=True)
class Keyring:
    """The loaded key-encryption keys by id; new data keys are wrapped by the active one."""

    active: int
    keys: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        """Copy the keys, so that a ring cannot change after it was checked."""
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))
        if self.active not in self.keys:
            message = f"key {self.active} is named active but is not in the ring"
            raise KeysUnusable(message)
        for kek_id, key in self.keys.items():
            _check_key(kek_id, key)


@dataclass(frozen=True, slots=True)
class DataKey:
    """One opened data key of a workspace; it lives as long as the transaction that needs it."""

    id: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. It opens nowhere else."""

    workspace_id: int
    table: str
    row_id: UUID
    column: str
    schema_version: int = 1


def parse_keyring(text: str) -> Keyring:
    """The ring written as "2:base64,1:base64" (line breaks serve as commas); the first is active.

    Raises KeysUnusable naming the entry by its position, never by its content.
    """
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",") if entry.strip()]
    if not entries:
        message = "no key-encryption key is given"
        raise KeysUnusable(message)
    pairs = [_parse_entry(position, entry) for position, entry in enumerate(entries, start=1)]
    keys = dict(pairs)
    if len(keys) < len(pairs):
        message = "two key-encryption keys have the same id"
        raise KeysUnusable(message)
    return Keyring(active=pairs[0][0], keys=keys)


def read_keyring(path: Path) -> Keyring:
    """The ring in a file that only its owner may read (0600); KeysUnusable otherwise."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as exc:
        message = f"the key file cannot be read: {type(exc).__name__}"
        raise KeysUnusable(message) from exc
    if mode & 0o077:
        message = "the key file may be read by others: set its mode to 0600"
        raise KeysUnusable(message)
    return parse_keyring(text)


def write_keyring(path: Path) -> None:
    """Make a key file with one fresh key, readable by its owner alone.

    Never replaces a file (FileExistsError), and nobody ever sees a half-written one.
    """
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_kek_text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(unfinished)
    finally:
        Path(unfinished).unlink()


def new_kek_text(kek_id: int = 1) -> str:
    """One fresh key-encryption key in the form that parse_keyring reads."""
    return f"{kek_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode('ascii')}"


def new_key() -> bytes:
    """A fresh 256-bit data key from the operating system."""
    return os.urandom(KEY_BYTES)


def wrap_key(keyring: Keyring, data_key: DataKey, *, workspace_id: int) -> bytes:
    """The data key sealed by the active key-encryption key: 65 bytes."""
    context = _associated(b"ab1k", (workspace_id, data_key.id))
    sealed = _seal(keyring.keys[keyring.active], data_key.key, context)
    return _HEAD.pack(_KEY, keyring.active) + sealed


def unwrap_key(keyring: Keyring, wrapped: bytes, *, workspace_id: int, data_key_id: int) -> DataKey:
    """The data key again; SealBroken if it is not this workspace's key of this id."""
    kek_id, sealed = _split(wrapped, _KEY)
    kek = keyring.keys.get(kek_id)
    if kek is None:
        message = f"key-encryption key {kek_id} is not loaded"
        raise SealBroken(message)
    key = _open(kek, sealed, _associated(b"ab1k", (workspace_id, data_key_id)))
    return DataKey(id=data_key_id, key=key)


def kek_id_of(wrapped: bytes) -> int:
    """Which key-encryption key a wrapped data key needs; read without opening it."""
    return _split(wrapped, _KEY)[0]


def data_key_id_of(sealed: bytes) -> int:
    """Which data key a sealed value needs; read without opening it."""
    return _split(sealed, _ROW)[0]


def seal(data_key: DataKey, place: Place, *, plaintext: bytes) -> bytes:
    """The value sealed for exactly this place; 33 bytes longer than the plaintext."""
    sealed = _seal(data_key.key, plaintext, associated_with(place))
    return _HEAD.pack(_ROW, data_key.id) + sealed


def open_sealed(data_key: DataKey, place: Place, *, sealed: bytes) -> bytes:
    """The plaintext; SealBroken if it was sealed for another place, by another key, or changed."""
    key_id, rest = _split(sealed, _ROW)
    if key_id != data_key.id:
        message = f"data key {key_id} is needed, data key {data_key.id} was given"
        raise SealBroken(message)
    return _open(data_key.key, rest, associated_with(place))


def associated_with(place: Place) -> bytes:
    """The associated data of a row: each part with its length, so that fields cannot slide."""
    parts = (
        place.workspace_id,
        place.table,
        place.row_id,
        place.column,
        place.schema_version,
    )
    return _associated(b"ab1", parts)


def _associated(literal: bytes, parts: Iterable[int | str | UUID]) -> bytes:
    encoded = [str(part).encode() for part in parts]
    return literal + b"".join(struct.pack(">H", len(part)) + part for part in encoded)


def _seal(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _open(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag as exc:
        message = "the sealed value was changed or belongs to another place"
        raise SealBroken(message) from exc


def _split(blob: bytes, version: int) -> tuple[int, bytes]:
    if len(blob) < _HEAD.size + _NONCE_BYTES + _TAG_BYTES:
        message = "the sealed value is cut short"
        raise SealBroken(message)
    found, key_id = _HEAD.unpack_from(blob)
    if found != version:
        message = f"the sealed value has the unknown version {found}"
        raise SealBroken(message)
    return key_id, blob[_HEAD.size :]


def _parse_entry(position: int, entry: str) -> tuple[int, bytes]:
    kek_id, colon, encoded = entry.partition(":")
    if not colon or not (kek_id.isascii() and kek_id.isdigit()):
        message = f"key {position} is not written as id:base64"
        raise KeysUnusable(message)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        message = f"key {position} is not base64"
        raise KeysUnusable(message) from exc
    _check_key(int(kek_id), key)
    return int(kek_id), key


def _check_key(kek_id: int, key: bytes) -> None:
    if not 0 < kek_id <= _MAX_ID:
        message = f"key id {kek_id} is out of range: 1 to {_MAX_ID}"
        raise KeysUnusable(message)
    if len(key) != KEY_BYTES:
        message = f"key {kek_id} has {len(key)} bytes, {KEY_BYTES} are needed"
        raise KeysUnusable(message)
