"""People who sign in, their sessions in browsers, and what holds guessing up.

A person lives in one workspace, whose keys seal the secret of their codes, and is a member of any
number (user_account.person_id). Found across workspaces through ab_person(), ab_person_of() and
ab_session() alone; a link that serves once by its digest.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from sqlalchemy.schema import SchemaItem

from connector.tables.base import identifier, keyed_table, metadata, moment, table, to, words

# `password` is argon2's encoded hash; None: none was chosen yet. `sealed`: the secret of the
# one-time codes, in force from `codes_since` on; `code_step` is the newest that was taken. `issuer`
# and `subject`: who they are at the provider that they sign in by. `tour`: the stop of
# the tour of the pages at which they are; None: they are on none.
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
    moment("signed_in_at"),
    words("issuer", nullable=True),
    words("subject", nullable=True),
    words("tour", nullable=True),
    Index("uq_person_email", text("lower(email)"), unique=True),
    Index("uq_person_subject", "issuer", "subject", unique=True),
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


def _link() -> tuple[SchemaItem, ...]:
    """A link that serves once: of its token only the SHA-256 is kept, None until it was made.

    `letter` is what became of the mail that carries it (`none`: it is handed over otherwise);
    `error` a stable word.
    """
    return (
        Column("digest", LargeBinary, nullable=True, unique=True),
        words("language", default="en"),
        moment("created_at", now=True),
        moment("expires_at", nullable=False),
        words("letter", default="none"),
        moment("due_at"),
        Column("tries", Integer, nullable=False, server_default=text("0")),
        words("error", nullable=True),
        CheckConstraint("letter IN ('none', 'waiting', 'sent', 'failed')", name="letter"),
    )


# Somebody is let into a workspace by a link. `invited_by` is the audit log's word for who did.
member_invitation = table(
    "member_invitation",
    words("email"),
    words("role"),
    Column("account_settings", Boolean, nullable=True),
    words("invited_by"),
    moment("accepted_at"),
    moment("withdrawn_at"),
    *_link(),
    CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
    Index(
        "uq_member_invitation_open",
        "workspace_id",
        text("lower(email)"),
        unique=True,
        postgresql_where=text("accepted_at IS NULL AND withdrawn_at IS NULL"),
    ),
    Index("ix_member_invitation_due", "due_at", postgresql_where=text("letter = 'waiting'")),
)

# A forgotten password, made by ab_ask_reset() where the person lives.
password_reset = table(
    "password_reset",
    identifier("person_id"),
    moment("used_at"),
    *_link(),
    to("person", ondelete="CASCADE"),
    Index("ix_password_reset_person", "workspace_id", "person_id"),
    Index("ix_password_reset_due", "due_at", postgresql_where=text("letter = 'waiting'")),
)

# A browser on its way to a provider and back, by the digest of the state that it carries. Met
# inside ab_begin_round() and ab_end_round() alone.
sign_in_round = Table(
    "sign_in_round",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    words("following"),
    moment("expires_at", nullable=False),
)
