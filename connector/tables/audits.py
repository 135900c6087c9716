"""The append-only audit log: a hash chain per workspace, ids and digests only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table

from connector.tables.base import document, in_workspace, metadata, moment, words

audit = Table(
    "audit",
    metadata,
    in_workspace(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    moment("at", nullable=False),
    words("actor"),
    words("address", nullable=True),
    words("action"),
    words("object", nullable=True),
    document("detail"),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_audit_at", "workspace_id", "at"),
)
