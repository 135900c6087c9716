"""What people change on a contact's record in a CRM: one edit, several fields.

open -> written | unchanged | conflict | refused | not_written | unknown

An open edit holds the contact's lane: no delivery is claimed there before it is settled or its time
is over. `changes` ({field: {was, value}}) stands only while it is open: the ledger has the rest.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Uuid, text

from connector.tables.base import document, identifier, moment, table, to, words

EDIT_STATES = ("open", "written", "unchanged", "conflict", "refused", "not_written", "unknown")

edit = table(
    "edit",
    identifier("connection_id"),
    identifier("contact_id"),
    words("lane"),
    words("entity"),
    words("remote_id"),
    words("actor"),
    words("state", default="open"),
    document("changes", nullable=True),
    Column("token", Uuid, nullable=False),
    moment("held_until", nullable=False),
    words("error_code", nullable=True),
    moment("created_at", now=True),
    moment("settled_at"),
    to("connection"),
    to("contact"),
    CheckConstraint("state IN ('" + "', '".join(EDIT_STATES) + "')", name="state"),
    # One at a time, and what a claim has to look at: few rows, whatever the history.
    Index(
        "uq_edit_lane_open",
        "connection_id",
        "lane",
        unique=True,
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_edit_contact", "workspace_id", "contact_id", "id"),
)
