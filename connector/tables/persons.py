"""People who sign in, their sessions in browsers, and what holds guessing up.

A person lives in one workspace, whose keys seal the secret of their codes, and is a member of any
number (user_account.person_id). Found across workspaces through ab_person() and ab_session() alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from connector.tables.base import identifier, keyed_table, metadata, moment, table, to, words

# `password` is argon2's encoded hash; None: none was chosen yet. `sealed`: the secret of the
# one-time codes, in force from `codes_since` on; `code_step` is the newest that was taken.
person = table(
    "person",
    words("email"),
    words("name"),
    words("password", nullable=True),
    moment("password_at"),
    Column("seal_id", Uuid, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    moment("codes_since"),
    Column("code_step", BigInteger, nullable=True),
    moment("created_at", now=True),
    moment("disabled_at"),
    Index("uq_person_email", text("lower(email)"), unique=True),
)

# For whoever has lost the device; each serves once.
recovery_code = keyed_table(
    "recovery_code",
    identifier("person_id", primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    moment("used_at"),
    to("person", ondelete="CASCADE"),
)

# Of the cookie only the SHA-256 is kept. `step`: `code` until the second factor was shown.
web_session = table(
    "web_session",
    identifier("person_id"),
    Column("digest", LargeBinary, nullable=False),
    words("step", default="full"),
    words("address", nullable=True),
    words("agent", nullable=True),
    moment("created_at", now=True),
    moment("seen_at", now=True),
    moment("expires_at", nullable=False),
    moment("ended_at"),
    to("person", ondelete="CASCADE"),
    UniqueConstraint("digest"),
    CheckConstraint("step IN ('code', 'full')", name="step"),
    Index("ix_web_session_person", "person_id", postgresql_where=text("ended_at IS NULL")),
)

# By digest of an e-mail address or of a network address, whether anybody has it or not: an answer
# never tells which addresses are known. Met inside ab_sign_in_*() alone.
sign_in_hold = Table(
    "sign_in_hold",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("held_until"),
    moment("updated_at", now=True),
)
