"""What people change on a contact's record in a CRM: one edit, several fields; and the forms that
they fill in for it.

open -> written | unchanged | conflict | refused | not_written | unknown

An open edit holds the contact's lane: no delivery is claimed there before it is settled or its time
is over. `changes` ({field: {was, value}}) stands only while it is open: the ledger has the rest.
`form_id`: the form it was filled in by. While a record is being created `remote_id` is empty, and
`match` ({field, value}) says what the record is known by.
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
    identifier("form_id", nullable=True),
    document("match", nullable=True),
    moment("created_at", now=True),
    moment("settled_at"),
    to("connection"),
    to("contact"),
    to("input_form", "form_id"),
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
    Index(
        "ix_edit_form",
        "workspace_id",
        "form_id",
        "id",
        postgresql_where=text("form_id IS NOT NULL"),
    ),
)

# `body`: {create, fields: [{field, label, help, required, default}]}, in their order.
input_form = table(
    "input_form",
    identifier("connection_id"),
    words("name"),
    document("body"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("deleted_at"),
    to("connection"),
    Index(
        "uq_input_form_name",
        "workspace_id",
        "name",
        unique=True,
        postgresql_where=text("deleted_at IS NULL"),
    ),
)
